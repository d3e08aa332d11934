package trim

import (
	"html"
	"os"
	"slices"
	"strings"
	"testing"
)

// clientMails reads testdata/clients.txtar: mails of ours in the form of many
// clients, each with the reply in it.
func clientMails(t *testing.T) map[string]string {
	t.Helper()
	b, err := os.ReadFile("testdata/clients.txtar")
	if err != nil {
		t.Fatal(err)
	}
	files, name := map[string]string{}, ""
	for line := range strings.Lines(string(b)) {
		if s := strings.TrimSpace(line); strings.HasPrefix(line, "-- ") && strings.HasSuffix(s, " --") && len(s) > 6 {
			name = s[3 : len(s)-3]
			continue
		}
		files[name] += line
	}
	return files
}

// TestClients: the reply is found in plain text word by word, and in the same
// text as HTML. There, what is answered piece by piece keeps its attribution.
func TestClients(t *testing.T) {
	files := clientMails(t)
	seen := 0
	for name, body := range files {
		want, ok := files[name+".reply"]
		if !ok {
			continue
		}
		seen++
		if got := Text(body).Reply; !slices.Equal(strings.Fields(got), strings.Fields(want)) {
			t.Errorf("%s: reply %q, want %q", name, got, want)
		}
		got := strings.Fields(visible(HTML("<pre>" + html.EscapeString(body) + "</pre>").Reply))
		if n := missingWords(strings.Fields(want), got); n > 0 {
			t.Errorf("%s: %d words lost in HTML: %q", name, n, got)
		}
		pieces := slices.Contains([]string{"en-mutt2", "inter-de", "fr-orange"}, name)
		if n := missingWords(got, strings.Fields(want)); n > 0 && !pieces {
			t.Errorf("%s: %d words leaked in HTML: %q", name, n, got)
		}
	}
	if seen < 70 {
		t.Errorf("%d mails, want more", seen)
	}
}
