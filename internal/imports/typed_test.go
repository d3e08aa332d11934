package imports

import (
	"go/ast"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

// use is one mention of a function, method or variable of another package or
// of a method of the own one.
type use struct {
	name   string // such as "time.Now" or "(*net.Dialer).DialContext"
	pkg    string // directory of the caller; "." is the root
	caller string // such as "internal/engine.(*worker).sync"
	pos    token.Position
}

var (
	usesOnce sync.Once
	allUses  []use
)

// uses type-checks the non-test files of the module, examples and test
// packages left out, against the compiler's export data, so that a method
// called through a value or an alias is seen for what it is.
func uses(t *testing.T) []use {
	t.Helper()
	usesOnce.Do(func() {
		pkgs := map[string][]*ast.File{}
		built := buildable(t)
		for _, f := range sources(t) {
			if !f.test && !isTestPackage(f.pkg) && !isExample(f.pkg) && built[f.path] {
				pkgs[f.pkg] = append(pkgs[f.pkg], f.ast)
			}
		}
		exports := exportData(t, slices.Sorted(maps.Keys(pkgs)))
		imp := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
		for pkg, files := range pkgs {
			info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
			conf := types.Config{Importer: imp}
			if _, err := conf.Check(strings.TrimSuffix(module+"/"+pkg, "/."), fset, files, info); err != nil {
				t.Errorf("%s: %v", pkg, err)
				continue
			}
			for _, f := range files {
				allUses = append(allUses, usesIn(pkg, f, info)...)
			}
		}
	})
	return allUses
}

func usesIn(pkg string, f *ast.File, info *types.Info) []use {
	var found []use
	for _, decl := range f.Decls {
		// The root's callers read "..Name", which is ugly, so it is spelled out.
		prefix := strings.Replace(pkg+".", "..", "helpdesk.", 1)
		caller := prefix + "(file scope)"
		if fn, ok := decl.(*ast.FuncDecl); ok {
			caller = prefix + funcName(fn)
		}
		ast.Inspect(decl, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			if !ok {
				return true
			}
			if name := qualified(info.Uses[id]); name != "" {
				found = append(found, use{name, pkg, caller, fset.Position(id.Pos())})
			}
			return true
		})
	}
	return found
}

// qualified names functions, methods and package variables in the way of
// types.Func.FullName, own packages relative to the module.
func qualified(obj types.Object) string {
	switch obj := obj.(type) {
	case *types.Func:
		return strings.ReplaceAll(obj.Origin().FullName(), module+"/", "")
	case *types.Var:
		if obj.Pkg() != nil && obj.Parent() == obj.Pkg().Scope() {
			return strings.TrimPrefix(obj.Pkg().Path(), module+"/") + "." + obj.Name()
		}
	}
	return ""
}

func funcName(fn *ast.FuncDecl) string {
	if fn.Recv == nil {
		return fn.Name.Name
	}
	return "(" + receiver(fn.Recv.List[0].Type) + ")." + fn.Name.Name
}

func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return "*" + receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return "?"
}

// buildable returns the files that this platform compiles.
func buildable(t *testing.T) map[string]bool {
	t.Helper()
	files := map[string]bool{}
	for _, line := range goTool(t, "list", "-e", "-f", "{{$d := .ImportPath}}{{range .GoFiles}}{{$d}}/{{.}}\n{{end}}", "./...") {
		if rel, ok := own(line); ok {
			files[rel] = true
		}
	}
	return files
}

// exportData returns the files that describe every package below pkgs.
func exportData(t *testing.T, pkgs []string) map[string]string {
	t.Helper()
	args := []string{"list", "-e", "-export", "-deps", "-f", "{{if .Export}}{{.ImportPath}} {{.Export}}{{end}}"}
	for _, pkg := range pkgs {
		args = append(args, "./"+pkg)
	}
	exports := map[string]string{}
	for _, line := range goTool(t, args...) {
		if pkg, path, ok := strings.Cut(line, " "); ok {
			exports[pkg] = path
		}
	}
	return exports
}
