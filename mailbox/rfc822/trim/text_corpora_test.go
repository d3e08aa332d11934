package trim

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/helpdesk-go/helpdesk/internal/score"
)

// textAnswers gives the lines of a mail that its writer wrote, as ranges from 1
// on, for the corpora that say it in code or not at all. A file that is not
// named is his from the first line to the last.
var textAnswers = map[string]string{
	"correct_sig.txt": "1", "email_1_1.txt": "1-5", "email_1_2.txt": "1 9-34", "email_1_3.txt": "1-3", "email_1_4.txt": "1",
	"email_1_6.txt": "1", "email_1_7.txt": "1", "email_1_8.txt": "3-20", "email_2_1.txt": "1", "email_2_2.txt": "1",
	"email_2_3.txt": "1", "email_BlackBerry.txt": "1", "email_bullets.txt": "1-9", "email_gmail.txt": "1",
	"email_headers_no_delimiter.txt": "1", "email_iPhone.txt": "1", "email_long_quote.txt": "",
	"email_multi_word_sent_from_my_mobile_device.txt": "1", "email_one_is_not_on.txt": "1-5", "email_partial_quote_header.txt": "1-6",
	"greedy_on.txt": "1-6", "pathological.txt": "1-2", "forward.txt": "1", "yahoo.txt": "1", "gmail_alt_quoteheader.txt": "1",
}

// answer returns the lines of a body that textAnswers names.
func answer(t *testing.T, name, body string) string {
	t.Helper()
	ranges, ok := textAnswers[name]
	if !ok {
		return body
	}
	lines, kept := strings.Split(strings.ReplaceAll(body, "\r\n", "\n"), "\n"), ""
	for r := range strings.FieldsSeq(ranges) {
		first, last, found := strings.Cut(r, "-")
		if !found {
			last = first
		}
		from, err1 := strconv.Atoi(first)
		to, err2 := strconv.Atoi(last)
		if err1 != nil || err2 != nil || from < 1 || to > len(lines) {
			t.Fatalf("%s has no lines %s", name, r)
		}
		kept += strings.Join(lines[from-1:to], "\n") + "\n"
	}
	return kept
}

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
		s.report(t, "email_reply_trimmer")
	})
	for _, dir := range []string{"github_erp/test/emails", "zapier_erp/test/emails", "mailstrip/fixtures"} {
		t.Run(dir, func(t *testing.T) {
			files, _ := filepath.Glob(filepath.Join(corpusDir(t, dir), "*.txt"))
			var s textScore
			for _, f := range files {
				body := readText(t, f)
				if name := filepath.Base(f); name != "email_long_quote.txt" { // a line of angles alone: only to be survived
					s.add(t, name, Text(body).Reply, answer(t, name, body))
				}
			}
			name, _, _ := strings.Cut(dir, "/")
			s.report(t, name)
		})
	}
	t.Run("webridge_erp", func(t *testing.T) { webridge(t, filepath.Join(corpusDir(t, "webridge_erp"), "dataset")) })
}

// webridge puts each of the corpus' texts above each of its signatures and
// quotes. Nothing of the text may be lost. The signatures that nothing sets off
// from it may stay.
func webridge(t *testing.T, dir string) {
	glob := func(kind string) []string {
		files, _ := filepath.Glob(filepath.Join(dir, kind, "*.txt"))
		return files
	}
	var s textScore
	for _, own := range glob("basemail") {
		for _, sign := range glob("signatures") {
			for _, quote := range glob("quoted_reply") {
				want := readText(t, own)
				if strings.TrimSpace(want) == "" {
					continue
				}
				body := want + "\n\n" + readText(t, sign) + "\n\n" + readText(t, quote)
				got := Text(body).Reply
				if s.count(got, want); s.lost > 0 {
					t.Fatalf("lost words of %q: %q", body, got)
				}
			}
		}
	}
	s.report(t, "webridge_erp")
}

type textScore struct{ n, exact, lost, leaked int }

func (s *textScore) add(t *testing.T, name, got, want string) {
	t.Helper()
	if lost, leaked := s.count(got, want); lost+leaked > 0 {
		t.Logf("%s: %d words lost, %d leaked", name, lost, leaked)
	}
}

// count returns how many words are lost and leaked.
func (s *textScore) count(got, want string) (lost, leaked int) {
	g, w := strings.Fields(got), strings.Fields(want)
	s.n++
	if slices.Equal(g, w) {
		s.exact++
		return 0, 0
	}
	lost, leaked = missingWords(w, g), missingWords(g, w)
	if lost > 0 {
		s.lost++
	}
	if leaked > 0 {
		s.leaked++
	}
	return lost, leaked
}

func (s *textScore) report(t *testing.T, corpus string) {
	t.Helper()
	score.Share(t, "reply_exact_"+corpus, s.exact, s.n)
	score.Errors(t, "reply_lost_"+corpus, s.lost, s.n)
	score.Errors(t, "reply_leaked_"+corpus, s.leaked, s.n)
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
