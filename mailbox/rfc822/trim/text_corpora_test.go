package trim

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestTextCorpora compares replies with the answers of other projects, after
// folding of blanks. Lost are words of the answer that are missing, which is
// the worst that can happen; leaked are words that are too many.
func TestTextCorpora(t *testing.T) {
	t.Run("email_reply_trimmer", func(t *testing.T) {
		files, _ := filepath.Glob(filepath.Join(corpusDir(t, "email_reply_trimmer"), "test/emails/*.txt"))
		var s textScore
		for _, f := range files {
			want, err := os.ReadFile(filepath.Join(filepath.Dir(f), "../trimmed", filepath.Base(f)))
			if err != nil {
				t.Fatal(err)
			}
			s.add(t, filepath.Base(f), Text(readText(t, f)).Reply, string(want))
		}
		s.report(t, 62)
	})
}

type textScore struct{ n, exact, lost, leaked int }

func (s *textScore) add(t *testing.T, name, got, want string) {
	t.Helper()
	g, w := strings.Fields(got), strings.Fields(want)
	s.n++
	if slices.Equal(g, w) {
		s.exact++
		return
	}
	lost, leaked := missingWords(w, g), missingWords(g, w)
	if lost > 0 {
		s.lost++
	}
	if leaked > 0 {
		s.leaked++
	}
	t.Logf("%s: %d words lost, %d leaked", name, lost, leaked)
}

func (s *textScore) report(t *testing.T, least int) {
	t.Helper()
	t.Logf("SCORE reply exact %d of %d, lost %d, leaked %d", s.exact, s.n, s.lost, s.leaked)
	if s.exact < least {
		t.Errorf("%d of %d exact, want at least %d", s.exact, s.n, least)
	}
}

// missingWords counts the words of a that b has not.
func missingWords(a, b []string) int {
	have := map[string]int{}
	for _, w := range b {
		have[w]++
	}
	n := 0
	for _, w := range a {
		if have[w]--; have[w] < 0 {
			n++
		}
	}
	return n
}

func readText(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ToValidUTF8(string(b), "\uFFFD")
}
