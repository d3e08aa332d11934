package imports

import (
	"path"
	"slices"
	"strings"
	"testing"
)

// layer says what the packages of one place may import besides the standard
// library. An entry that ends in "/..." covers everything below it.
type layer struct {
	own   []string // packages of this module
	third []string // prefixes of foreign packages; "*" is any
	why   string   // why nothing else
}

var (
	contracts = []string{"ticket", "mailbox", "retention", "privacy", "store", "scan"}
	drivers   = []string{"mailbox/imap", "mailbox/gmail", "mailbox/msgraph", "mailbox/archive"}
	stores    = []string{"store/memory", "store/postgres"}
)

var layers = map[string]layer{
	"ticket": {
		why: "the domain is pure: anything else would bring I/O or a vendor into decisions that must be testable as values"},
	"mailbox": {
		why: "everyone who writes a driver imports the contract; what it imports, they all compile"},
	"mailbox/rfc822": {
		own:   []string{"ticket", "mailbox/rfc822/..."},
		third: []string{"golang.org/x/", "github.com/emersion/go-message", "github.com/microcosm-cc/bluemonday"},
		why:   "the parser turns bytes into the domain's values; it knows no mailbox, store or key"},
	"mailbox/rfc822/auth": {
		own:   []string{"ticket"},
		third: []string{"golang.org/x/"},
		why:   "it reads header fields that the parser has already found; it asks no network by itself"},
	"mailbox/rfc822/auth/verify": {
		own:   []string{"ticket", "mailbox/rfc822/auth"},
		third: []string{"golang.org/x/", "github.com/emersion/go-msgauth"},
		why:   "it asks the DNS about one mail; only a host that wants this compiles it, and whose mail it is, is not its business"},
	"mailbox/rfc822/trim": {
		own:   []string{"ticket"},
		third: []string{"golang.org/x/"},
		why:   "it reads text and HTML that the parser has already decoded; it knows no mail"},
	"mailbox/oauth": {
		own: []string{"mailbox", "internal/..."}, third: []string{"golang.org/x/"},
		why: "the connect flow hands tokens to the host's wiring; it knows neither drivers nor stores"},
	"mailbox/imap":    driverLayer,
	"mailbox/gmail":   driverLayer,
	"mailbox/msgraph": driverLayer,
	"mailbox/archive": {
		own: []string{"mailbox"},
		why: "an archive is files: the standard library reads them, and what a ticket is or where it is stored is not its business"},
	"mailbox/mailboxtest": {
		own: []string{"ticket", "mailbox", "mailbox/...", "internal/..."}, third: []string{"*"},
		why: "a suite for drivers must be usable by a driver's author without a desk or a store"},
	"scan": {
		why: "everyone who writes a scanner imports the contract; what it imports, they all compile"},
	"scan/clamav": {
		own: []string{"scan"},
		why: "an adapter speaks a protocol over a socket; whose attachment it is, is not its business"},
	"retention": {
		own: []string{"ticket"},
		why: "policies are pure functions over facts; a store or key in reach would let them act"},
	"retention/retentiontest": {
		own: []string{"ticket", "retention"},
		why: "the suite asks pure policies and needs nothing else"},
	"privacy": {
		own:   []string{"ticket", "retention"},
		third: []string{"github.com/tink-crypto/tink-go/v2/", "golang.org/x/mod/sumdb/"},
		why:   "privacy holds values, the access matrix, sealing and ports; store and mailbox depend on it, never the other way"},
	"privacy/slottest": {
		own: []string{"ticket", "retention", "privacy", "internal/..."},
		why: "a suite for key-slot stores must be usable by their author without a desk or a content store"},
	"privacy/ledgertest": {
		own: []string{"ticket", "retention", "privacy", "internal/..."},
		why: "a suite for erasure ledgers must be usable by their author without a desk or a content store"},
	"store": {
		own: []string{"ticket", "mailbox", "privacy", "retention"},
		why: "the storage contract is made of the other contracts; a database library here would bind every store to it"},
	"store/memory": {
		own: []string{"store", "ticket", "mailbox", "privacy", "retention", "internal/..."},
		why: "the memory store is what every host and test can afford: the contract and nothing more"},
	"store/postgres": {
		own:   []string{"store", "ticket", "mailbox", "privacy", "retention", "internal/..."},
		third: []string{"github.com/jackc/pgx/v5"},
		why:   "a store implements the contract over its database and knows no driver, parser or desk"},
	"store/storetest": {
		own: []string{"store", "ticket", "mailbox", "privacy", "retention", "internal/..."}, third: []string{"*"},
		why: "a suite for stores must be usable by a store's author without a desk or a driver"},
	".": {
		own:   append([]string{"mailbox/rfc822", "mailbox/rfc822/auth", "mailbox/oauth", "internal/..."}, contracts...),
		third: []string{"golang.org/x/", "github.com/tink-crypto/tink-go/v2/", "github.com/rogpeppe/go-internal/lockedfile"},
		why:   "the façade joins contracts; the host chooses driver and store, and must not compile those it did not choose"},
	"internal/...": {
		own:   append([]string{"mailbox/rfc822", "mailbox/oauth", "internal/..."}, contracts...),
		third: []string{"*"},
		why:   "internal code serves contracts and the root; it knows no driver or store implementation"},
	"examples/...": {own: []string{".", "..."}, third: []string{"*"}},
}

var driverLayer = layer{
	own: []string{"mailbox", "internal/..."}, third: []string{"*"},
	why: "a driver speaks one provider's protocol to the mailbox contract; what a ticket is or where it is stored is not its business"}

// layerOf returns the entry for pkg: its own, or the nearest "/..." above it.
func layerOf(pkg string) (layer, bool) {
	if l, ok := layers[pkg]; ok {
		return l, true
	}
	for dir := pkg; dir != "."; dir = path.Dir(dir) {
		if l, ok := layers[dir+"/..."]; ok {
			return l, true
		}
	}
	return layer{}, false
}

func covers(patterns []string, pkg string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		below, tree := strings.CutSuffix(p, "...")
		return p == pkg || tree && strings.HasPrefix(pkg, below)
	})
}

// refuse says why the package from must not import imported, or "".
func refuse(from, imported string) string {
	l, ok := layerOf(from)
	if !ok {
		return "no rule for " + from
	}
	pkg, isOwn := own(imported)
	if !isOwn {
		if isStd(imported) || slices.Contains(l.third, "*") ||
			slices.ContainsFunc(l.third, func(p string) bool { return strings.HasPrefix(imported, p) }) {
			return ""
		}
		return l.why
	}
	if isExample(from) || isHarness(from) {
		return ""
	}
	switch {
	case pkg == ".":
		return "nobody imports the root: it imports everybody, and what only hosts need must not become a dependency of parts"
	case slices.Contains(drivers, pkg):
		return "nobody imports a driver: the host chooses it, and its SDK must not be compiled by those who chose another"
	case slices.Contains(stores, pkg):
		return "nobody imports a store's implementation: the host chooses it; depend on package store"
	case isTestPackage(pkg):
		return "a test package links package testing and fakes into the program; only tests and examples may import it"
	case isExample(pkg):
		return "examples are programs to read, not a library"
	case covers(l.own, pkg):
		return ""
	}
	return l.why
}

// TestImports checks every non-test file against layers. What a package
// reaches through internal packages counts as its own import: otherwise
// internal would be the way around every rule.
func TestImports(t *testing.T) {
	direct := map[string]map[string]string{} // package -> import -> a file with it
	for _, f := range sources(t) {
		if f.test {
			continue
		}
		if direct[f.pkg] == nil {
			direct[f.pkg] = map[string]string{}
		}
		for _, imported := range f.imports {
			direct[f.pkg][imported] = f.path
		}
	}
	for pkg := range direct {
		if _, ok := layerOf(pkg); !ok {
			t.Errorf("this test knows no rule for package %s: add it to layers with what it may import and why", pkg)
			continue
		}
		check(t, pkg, pkg, nil, direct, map[string]bool{})
	}
}

// check walks from pkg's imports through internal packages, of which via is
// the chain so far.
func check(t *testing.T, pkg, at string, via []string, direct map[string]map[string]string, seen map[string]bool) {
	t.Helper()
	for imported, in := range direct[at] {
		if seen[imported] {
			continue
		}
		seen[imported] = true
		if why := refuse(pkg, imported); why != "" {
			chain := ""
			if len(via) > 0 {
				chain = " (through " + strings.Join(via, ", ") + ")"
			}
			t.Errorf("%s: %s must not import %s%s\n\twhy: %s", in, pkg, imported, chain, why)
			continue
		}
		if rel, ok := own(imported); ok && strings.HasPrefix(rel, "internal/") && !strings.HasPrefix(pkg, "internal/") && !isExample(pkg) {
			check(t, pkg, rel, append(slices.Clone(via), rel), direct, seen)
		}
	}
}

// TestRefuse proves that the rules bite.
func TestRefuse(t *testing.T) {
	for _, tt := range []struct {
		from, imported string
		ok             bool
	}{
		{"ticket", "time", true},
		{"ticket", "golang.org/x/text/language", false},
		{"ticket", module + "/mailbox", false},
		{"mailbox", module + "/ticket", false},
		{"mailbox/rfc822", module + "/ticket", true},
		{"mailbox/rfc822", "github.com/emersion/go-message/mail", true},
		{"mailbox/rfc822", module + "/mailbox", false},
		{"mailbox/imap", module + "/mailbox", true},
		{"mailbox/imap", module + "/internal/deadline", true},
		{"mailbox/imap", module + "/mailbox/gmail", false},
		{"mailbox/imap", module + "/ticket", false},
		{"mailbox/gmail", module + "/store", false},
		{"privacy", module + "/store", false},
		{"privacy", module + "/mailbox", false},
		{"privacy", "github.com/tink-crypto/tink-go/v2/tink", true},
		{"retention", module + "/ticket", true},
		{"retention", module + "/privacy", false},
		{"store", module + "/privacy", true},
		{"store", "github.com/jackc/pgx/v5", false},
		{"store/memory", module + "/store", true},
		{"store/memory", module + "/store/postgres", false},
		{"store/memory", module + "/store/storetest", false},
		{"store/postgres", "github.com/jackc/pgx/v5/pgxpool", true},
		{".", module + "/store", true},
		{".", module + "/mailbox/oauth", true},
		{".", module + "/store/memory", false},
		{".", module + "/mailbox/imap", false},
		{".", "github.com/jackc/pgx/v5", false},
		{"internal/engine", module, false},
		{"internal/engine", module + "/mailbox/imap", false},
		{"examples/inbox", module + "/mailbox/mailboxtest", true},
		{"examples/inbox/web", module, true},
		{"internal/crashtest/host", module + "/store/postgres", true},
		{"internal/engine", module + "/internal/crashtest/host", false},
		{"ticket/new", "time", false}, // a package without a rule
	} {
		if why := refuse(tt.from, tt.imported); (why == "") != tt.ok {
			t.Errorf("refuse(%q, %q) = %q, want allowed = %v", tt.from, tt.imported, why, tt.ok)
		}
	}
}

// TestPackageNames keeps out names that say nothing about what is inside.
func TestPackageNames(t *testing.T) {
	banned := []string{"models", "model", "types", "util", "utils", "common", "helpers", "misc", "shared"}
	for _, f := range sources(t) {
		for _, name := range append(strings.Split(f.pkg, "/"), f.ast.Name.Name) {
			if slices.Contains(banned, name) {
				t.Errorf("%s: the name %q says nothing about what the package is for: name it after what it provides", f.path, name)
			}
		}
	}
}
