package imports

import (
	"go/ast"
	"go/parser"
	"go/types"
	"slices"
	"testing"
)

// The tests below break the rules in a source of their own: a check that
// passes everything proves nothing.

const badSource = `package vault

type Vault struct{}

func (v *Vault) Open() {}

// Alias is documented.
type Alias = Vault

type Loose struct{}

// Port has two methods, one of them without a word.
type Port interface {
	// Told is told.
	Told()
	Untold()
}

// Single is specified by this comment.
type Single interface{ Only() }

// Limits.
const (
	A = 1
	B = 2
)

var C = 3

func use(a *Alias) { f := a.Open; f() }

func (l Loose) Open() {}
`

func parse(t *testing.T) *ast.File {
	t.Helper()
	f, err := parser.ParseFile(fset, "bad.go", badSource, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestUsesAreResolved(t *testing.T) {
	f := parse(t)
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	if _, err := new(types.Config).Check(module+"/vault", fset, []*ast.File{f}, info); err != nil {
		t.Fatal(err)
	}
	g := guard{names: []string{"(*vault.Vault).Open"}}
	var callers []string
	for _, u := range usesIn("vault", f, info) {
		if g.matches(u.name) {
			callers = append(callers, u.caller)
		}
	}
	if !slices.Equal(callers, []string{"vault.use"}) {
		t.Errorf("callers = %v, want the one method value through the alias", callers)
	}
	for name, want := range map[string]bool{"net.Dial": true, "net.DialTimeout": false, "(*net.Dialer).DialContext": true} {
		if got := (guard{names: []string{"net.Dial", "(*net.Dialer)."}}).matches(name); got != want {
			t.Errorf("matches(%q) = %v", name, got)
		}
	}
}

func TestGapsAreFound(t *testing.T) {
	var names []string
	for _, decl := range parse(t).Decls {
		for _, g := range undocumented(decl) {
			names = append(names, g.name)
		}
	}
	want := []string{"Vault", "(*Vault).Open", "Loose", "Port.Untold", "C", "(Loose).Open"}
	slices.Sort(names)
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Errorf("without a comment: %v\nwant %v", names, want)
	}
	if hasReason("- `example.com/x`: because", "example.com/x") || !hasReason("- `example.com/x`: it does what nothing else does.\n", "example.com/x") {
		t.Error("hasReason takes a word for a reason, or a reason for none")
	}
}
