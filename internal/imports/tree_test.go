package imports

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// module is the path of the library; every own package begins with it.
const module = "github.com/helpdesk-go/helpdesk"

// root is the directory of the module, seen from this one.
const root = "../.."

// file is one Go source file of the module, whatever its build constraints.
type file struct {
	path    string // relative to the module, with slashes
	pkg     string // directory relative to the module; "." is the root
	test    bool   // ends in _test.go
	imports []string
	lines   int
	ast     *ast.File
}

var fset = token.NewFileSet()

// tree parses every file of the module once. Directories with a go.mod of
// their own are other modules and bound by other rules.
var tree = sync.OnceValues(func() ([]*file, error) {
	var files []*file
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			name := d.Name()
			if name == "testdata" || name == "vendor" || p != root && strings.HasPrefix(name, ".") {
				return filepath.SkipDir
			}
			if _, err := os.Stat(filepath.Join(p, "go.mod")); err == nil && p != root {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		src, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(fset, p, src, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		f := &file{path: filepath.ToSlash(rel), test: strings.HasSuffix(p, "_test.go"), ast: parsed,
			lines: fset.File(parsed.Package).LineCount()}
		f.pkg = path.Dir(f.path)
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			f.imports = append(f.imports, imported)
		}
		files = append(files, f)
		return nil
	})
	return files, err
})

func sources(t *testing.T) []*file {
	t.Helper()
	files, err := tree()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// hasPackage reports whether the directory pkg holds code, not only a doc.go
// or tests.
func hasPackage(t *testing.T, pkg string) bool {
	t.Helper()
	return slices.ContainsFunc(sources(t), func(f *file) bool {
		return f.pkg == pkg && !f.test && path.Base(f.path) != "doc.go"
	})
}

// goTool runs the go command in the module and returns its output by lines.
func goTool(t *testing.T, args ...string) []string {
	t.Helper()
	var stderr strings.Builder
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = root
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' || r == '\r' })
}

func isStd(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}

// own returns the path of an own package relative to the module.
func own(imported string) (string, bool) {
	if imported == module {
		return ".", true
	}
	return strings.CutPrefix(imported, module+"/")
}

// isTestPackage reports whether a package exists to test others.
func isTestPackage(pkg string) bool {
	return strings.HasSuffix(pkg, "test") || pkg == "internal/testpg" || pkg == "internal/testmail" || isHarness(pkg)
}

// isHarness reports whether a package is part of the crash harness, whose
// workers are host programs: they choose drivers and stores like any host.
func isHarness(pkg string) bool {
	return pkg == "internal/crashtest" || strings.HasPrefix(pkg, "internal/crashtest/")
}

func isExample(pkg string) bool { return pkg == "examples" || strings.HasPrefix(pkg, "examples/") }
