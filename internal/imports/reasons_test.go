package imports

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDependencyReasons asks a line of CONTRIBUTING.md for every module that
// go.mod requires directly or that a package of ours imports.
func TestDependencyReasons(t *testing.T) {
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	if err := json.Unmarshal([]byte(strings.Join(goTool(t, "mod", "edit", "-json"), "\n")), &mod); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "CONTRIBUTING.md"))
	if err != nil {
		t.Fatal(err)
	}
	imported := map[string]bool{}
	for _, f := range sources(t) {
		for _, p := range f.imports {
			imported[p] = true
		}
	}
	for _, req := range mod.Require {
		direct := !req.Indirect
		for p := range imported {
			direct = direct || p == req.Path || strings.HasPrefix(p, req.Path+"/")
		}
		if direct && !hasReason(string(text), req.Path) {
			t.Errorf("go.mod requires %s, but CONTRIBUTING.md has no line \"- `%s`: reason\"", req.Path, req.Path)
		}
	}
}

func hasReason(text, module string) bool {
	for line := range strings.Lines(text) {
		if reason, ok := strings.CutPrefix(line, "- `"+module+"`: "); ok && len(strings.TrimSpace(reason)) > 20 {
			return true
		}
	}
	return false
}
