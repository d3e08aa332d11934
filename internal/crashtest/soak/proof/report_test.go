package proof

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestBound(t *testing.T) {
	for _, tt := range []struct {
		n, failures int
		want        string
	}{{3000, 0, "0.1 %"}, {300, 0, "1 %"}, {2, 0, "100 %"}, {0, 0, "-"}, {300, 1, "-"}} {
		if got := Bound(tt.n, tt.failures); got != tt.want {
			t.Errorf("Bound(%d, %d) = %q, want %q", tt.n, tt.failures, got, tt.want)
		}
	}
}

func report() Report {
	s := Section{Name: "send", Title: "Sends", Unit: "kills", Full: 300, Planned: 2, Have: 2}
	s.Add(Range{0, 30}, Batch{Fired: map[string]int{"dot.after": 2}, Points: []string{"dot.after", "body"}}, 90*time.Second)
	return Report{
		Commit: "0123456789", Started: time.Date(2026, 11, 23, 23, 59, 0, 0, time.UTC), Sections: []Section{s},
		Machine: []Fact{{"cores", "2"}},
	}
}

// A page shows what fired, what never did, and how far it is from the whole.
func TestPage(t *testing.T) {
	dir := t.TempDir()
	path, err := report().Write(dir)
	if err != nil || path != filepath.Join(dir, "2026-11-23-0123456.md") {
		t.Fatalf("%q, %v", path, err)
	}
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"scaled down to 2 of 300", "| dot.after | 2 | 100 % |", "| body | never | - |", "| cores | 2 |", "Seeds 0 to 29;", "| 1m30s |",
	} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	if text, err := os.ReadFile(strings.TrimSuffix(path, ".md") + ".json"); err != nil || !strings.Contains(string(text), `"dot.after": 2`) {
		t.Errorf("the JSON lacks the counts: %v\n%s", err, text)
	}
}

// A violation takes the bound away, is shown with its seed and rerun line, and
// fails the soak; so does a planted bug that nothing found.
func TestFailures(t *testing.T) {
	r := report()
	if r.Failed() {
		t.Error("a soak without a violation failed")
	}
	r.Sections[0].Violations = []Violation{{Seed: 7, Invariant: "at most one copy", Detail: "two | copies", Again: "go test -seed=7"}}
	page := r.Markdown()
	if !r.Failed() || !strings.Contains(page, "| at most one copy | 7 | two / copies | `go test -seed=7` |") || strings.Contains(page, "100 %") {
		t.Errorf("the violation is not what the page says:\n%s", page)
	}
	r = report()
	r.Sections[0].Planted = []Planted{{Bug: "retry on 504", Seeds: 200}}
	if !r.Failed() || !strings.Contains(r.Markdown(), "| retry on 504 | **no** | 200 |") {
		t.Errorf("a bug that was not found passes:\n%s", r.Markdown())
	}
}
