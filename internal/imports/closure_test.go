package imports

import (
	"slices"
	"strings"
	"testing"
)

// host is what a small host imports: the root, one store, one driver.
var host = []string{".", "store/memory", "mailbox/imap"}

// heavy must not be compiled by such a host.
var heavy = map[string]string{
	"google.golang.org/api":                 "the Gmail SDK belongs to hosts that chose mailbox/gmail",
	"github.com/microsoftgraph/msgraph-sdk": "compiling the Graph SDK takes minutes and over 4 GB; only hosts that chose mailbox/msgraph pay for it",
	"github.com/microsoft/kiota":            "kiota is the Graph SDK's runtime",
	"github.com/stretchr/testify":           "a test library in a host's binary",
	"github.com/google/go-cmp":              "a test library in a host's binary",
	"github.com/jackc/pgx":                  "the host chose the memory store",
	"testing":                               "package testing in a host's binary registers flags and is of no use there",
	"go.opentelemetry.io":                   "tracing is an adapter's dependency, not the core's",
}

// hostModules are the modules such a host downloads. A new one is an argument
// to make in CONTRIBUTING.md, and a line here.
var hostModules = []string{
	"github.com/aymerick/douceur", // by bluemonday
	"github.com/emersion/go-imap/v2",
	"github.com/emersion/go-message",
	"github.com/emersion/go-sasl",
	"github.com/emersion/go-smtp",
	"github.com/gorilla/css", // by bluemonday
	"github.com/microcosm-cc/bluemonday",
	"github.com/rogpeppe/go-internal",
	"github.com/tink-crypto/tink-go/v2",
	"golang.org/x/crypto", // by tink-go
	"golang.org/x/mod",
	"golang.org/x/net",
	"golang.org/x/oauth2",
	"golang.org/x/sys", // by tink-go and go-internal
	"golang.org/x/text",
	"google.golang.org/protobuf", // by tink-go
}

// maxHostModules bounds hostModules, so that the list does not grow one good
// reason at a time.
const maxHostModules = 20

// TestHostClosure lists what the packages of a small host pull in.
func TestHostClosure(t *testing.T) {
	var present, absent []string
	for _, pkg := range host {
		if hasPackage(t, pkg) {
			present = append(present, "./"+pkg)
		} else {
			absent = append(absent, pkg)
		}
	}
	if len(absent) > 0 && slices.Contains(present, "./.") {
		t.Errorf("the root exists but %v does not: the test would pass by looking at less than a host imports", absent)
	}
	if len(present) == 0 {
		present = []string{"./ticket", "./mailbox"}
	}
	t.Logf("checked %v, absent %v", present, absent)

	modules := map[string]bool{}
	for _, line := range goTool(t, append([]string{"list", "-deps", "-f", "{{.ImportPath}} {{with .Module}}{{.Path}}{{end}}"}, present...)...) {
		pkg, mod, _ := strings.Cut(line, " ")
		for prefix, why := range heavy {
			if pkg == prefix || strings.HasPrefix(pkg, prefix+"/") || strings.HasPrefix(pkg, prefix+"-") {
				t.Errorf("a host of %v compiles %s\n\twhy not: %s", present, pkg, why)
			}
		}
		if mod != "" && mod != module {
			modules[mod] = true
		}
	}
	for mod := range modules {
		if !slices.Contains(hostModules, mod) {
			t.Errorf("a host of %v downloads %s: give its reason in CONTRIBUTING.md and list it in hostModules", present, mod)
		}
	}
	if len(modules) > maxHostModules {
		t.Errorf("a host of %v downloads %d modules, more than %d", present, len(modules), maxHostModules)
	}
	t.Logf("%d modules", len(modules))
}
