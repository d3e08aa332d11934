package score

import (
	"fmt"
	"path/filepath"
	"testing"
)

// taken records what a score does to a test.
type taken struct {
	testing.TB
	failed bool
}

func (t *taken) Errorf(string, ...any) { t.failed = true }
func (t *taken) Helper()               {}

func TestFalls(t *testing.T) {
	t.Setenv(Update, "")
	path, err := file()
	if err != nil {
		t.Fatal(err)
	}
	scores, err := read(path)
	if err != nil || len(scores) < 10 {
		t.Fatalf("%d scores are stored, %v", len(scores), err)
	}
	was := scores["subject"] // of TestStalwart
	right, of := 0, 0
	if n, err := fmt.Sscanf(was, "%d/%d", &right, &of); n != 2 {
		t.Fatalf("subject is %q: %v", was, err)
	}
	for _, c := range []struct {
		name   string
		report func(tb testing.TB)
		fails  bool
	}{
		{"as before", func(tb testing.TB) { Share(tb, "subject", right, of) }, false},
		{"better", func(tb testing.TB) { Share(tb, "subject", right+1, of) }, false},
		{"worse", func(tb testing.TB) { Share(tb, "subject", right-1, of) }, true},
		{"another collection", func(tb testing.TB) { Share(tb, "subject", 1, of+1) }, false},
		{"an empty one", func(tb testing.TB) { Share(tb, "subject", 0, 0) }, true},
		{"a new score", func(tb testing.TB) { Share(tb, "nobody-knows-me", 1, 1) }, true},
	} {
		tb := &taken{TB: t}
		if c.report(tb); tb.failed != c.fails {
			t.Errorf("%s: failed %v", c.name, tb.failed)
		}
	}
}

func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "scores.txt")
	want := map[string]string{"b": "1/2", "a": "3 wrong of 4"}
	if err := write(path, want); err != nil {
		t.Fatal(err)
	}
	got, err := read(path)
	if err != nil || len(got) != 2 || got["a"] != want["a"] || got["b"] != want["b"] {
		t.Errorf("%v, %v", got, err)
	}
}
