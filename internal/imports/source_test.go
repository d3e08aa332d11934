package imports

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// maxLines bounds a source file: more than one reads in one go.
const maxLines = 400

// panics lists who may panic, by "package.function". Hosts run this library in
// their own process; a bug here must be their error value, not their outage.
var panics = []string{}

func functions(f *file) []*ast.FuncDecl {
	var fns []*ast.FuncDecl
	for _, decl := range f.ast.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok {
			fns = append(fns, fn)
		}
	}
	return fns
}

func TestFileLength(t *testing.T) {
	for _, f := range sources(t) {
		if !f.test && f.lines > maxLines {
			t.Errorf("%s has %d lines, more than %d: split it where a reader would look for the second half", f.path, f.lines, maxLines)
		}
	}
}

func TestNoInit(t *testing.T) {
	for _, f := range sources(t) {
		for _, fn := range functions(f) {
			if !f.test && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s: func init runs in every program that imports the package, before the host can say no: construct it in New", f.path)
			}
		}
	}
}

func TestNoPanic(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range sources(t) {
		if f.test || isTestPackage(f.pkg) || isExample(f.pkg) {
			continue
		}
		for _, decl := range f.ast.Decls {
			name := f.pkg + ".(file scope)"
			if fn, ok := decl.(*ast.FuncDecl); ok {
				name = f.pkg + "." + funcName(fn)
			}
			ast.Inspect(decl, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				if id, ok := call.Fun.(*ast.Ident); ok && id.Name == "panic" {
					seen[name] = true
					if !slices.Contains(panics, name) {
						t.Errorf("%s: %s panics: return an error, or list it in panics if only a broken build can reach it", fset.Position(call.Pos()), name)
					}
				}
				return true
			})
		}
	}
	for _, name := range panics {
		if !seen[name] {
			t.Errorf("%s is listed in panics but does not panic: remove it", name)
		}
	}
}

// TestDocumented asks a comment of every exported identifier, of the methods
// of exported interfaces and of every package.
func TestDocumented(t *testing.T) {
	packages := map[string]bool{}
	for _, f := range sources(t) {
		if f.test {
			continue
		}
		packages[f.pkg] = packages[f.pkg] || f.ast.Doc != nil
		if f.ast.Name.Name == "main" {
			continue
		}
		for _, decl := range f.ast.Decls {
			for _, missing := range undocumented(decl) {
				t.Errorf("%s: %s has no comment", fset.Position(missing.pos), missing.name)
			}
		}
	}
	for pkg, ok := range packages {
		if !ok {
			t.Errorf("package %s has no package comment: say what it is for and how to begin", pkg)
		}
	}
}

type gap struct {
	name string
	pos  token.Pos
}

func undocumented(decl ast.Decl) []gap {
	var gaps []gap
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		exported := decl.Name.IsExported()
		if decl.Recv != nil {
			exported = exported && ast.IsExported(strings.TrimPrefix(receiver(decl.Recv.List[0].Type), "*"))
		}
		if exported && decl.Doc == nil {
			gaps = append(gaps, gap{funcName(decl), decl.Pos()})
		}
	case *ast.GenDecl:
		// One comment serves a group of constants, variables or types only if
		// it stands above the group.
		for _, spec := range decl.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				if !spec.Name.IsExported() {
					continue
				}
				if spec.Doc == nil && spec.Comment == nil && decl.Doc == nil {
					gaps = append(gaps, gap{spec.Name.Name, spec.Pos()})
				}
				gaps = append(gaps, undocumentedMethods(spec, decl.Doc != nil || spec.Doc != nil)...)
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					if name.IsExported() && spec.Doc == nil && spec.Comment == nil && decl.Doc == nil {
						gaps = append(gaps, gap{name.Name, name.Pos()})
					}
				}
			}
		}
	}
	return gaps
}

// undocumentedMethods: in a contract the comment on a method is its
// specification.
func undocumentedMethods(spec *ast.TypeSpec, documented bool) []gap {
	contract, ok := spec.Type.(*ast.InterfaceType)
	if !ok {
		return nil
	}
	// The only method of an interface may be specified by the type's comment.
	if len(contract.Methods.List) == 1 && documented {
		return nil
	}
	var gaps []gap
	for _, m := range contract.Methods.List {
		if len(m.Names) == 1 && m.Names[0].IsExported() && m.Doc == nil && m.Comment == nil {
			gaps = append(gaps, gap{fmt.Sprintf("%s.%s", spec.Name.Name, m.Names[0].Name), m.Pos()})
		}
	}
	return gaps
}
