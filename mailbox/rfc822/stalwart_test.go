package rfc822

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/helpdesk-go/helpdesk/internal/score"
)

// expectation is what the corpus of Stalwart says about a mail.
type expectation struct {
	TextBody []int `json:"text_body"`
	Parts    []struct {
		Headers []struct {
			Name  any             `json:"name"`
			Value json.RawMessage `json:"value"`
		} `json:"headers"`
		Body json.RawMessage `json:"body"`
	} `json:"parts"`
}

func (e expectation) header(name string, v any) bool {
	found := false
	for _, h := range e.Parts[0].Headers {
		if h.Name == name && json.Unmarshal(h.Value, v) == nil {
			found = true
		}
	}
	return found
}

// TestStalwart compares subject, sender and words with the answers in the
// corpus. Where it could not decode a character we may.
// It takes text from uuencoded files and from multiparts without parts, which
// we do not.
func TestStalwart(t *testing.T) {
	dir := dataDir(t, "HELPDESK_CORPORA", "corpora")
	if dir == "" {
		return
	}
	var subject, from, body, subjects, froms, bodies int
	eachFile(t, filepath.Join(dir, "stalwart_mail_parser", "resources", "eml"), func(path string, raw []byte) {
		if filepath.Ext(path) != ".eml" {
			return
		}
		b, err := os.ReadFile(strings.TrimSuffix(path, ".eml") + ".json")
		var want expectation
		if err != nil || json.Unmarshal(b, &want) != nil || len(want.Parts) == 0 {
			return
		}
		in := Parse(raw)
		var s struct{ Text string }
		if want.header("subject", &s) && s.Text != "" {
			subjects++
			if strings.Contains(s.Text, "\uFFFD") || cleanLine(s.Text) == in.Subject {
				subject++
			} else {
				t.Logf("%s: subject %q, want %q", path, in.Subject, s.Text)
			}
		}
		var f struct {
			Address struct {
				List []struct{ Address string }
			}
		}
		if want.header("from", &f) && len(f.Address.List) > 0 && f.Address.List[0].Address != "" {
			froms++
			if len(in.From) > 0 && strings.EqualFold(in.From[0].Addr, f.Address.List[0].Address) {
				from++
			} else {
				t.Logf("%s: from %q, want %q", path, in.From, f.Address.List[0].Address)
			}
		}
		if all, some := wantedWords(want, in.Text); all > 0 {
			bodies++
			if some*100 >= all*98 {
				body++
			} else {
				t.Logf("%s: %d of %d words", path, some, all)
			}
		}
	})
	score.Share(t, "subject", subject, subjects)
	score.Share(t, "from", from, froms)
	score.Share(t, "body", body, bodies)
}

// wantedWords counts the words of the text that the corpus expects, and those
// of them that are in text.
func wantedWords(want expectation, text string) (all, some int) {
	have := map[string]bool{}
	for _, w := range strings.Fields(text) {
		have[w] = true
	}
	for _, i := range want.TextBody {
		var b struct{ Text string }
		if i >= len(want.Parts) || json.Unmarshal(want.Parts[i].Body, &b) != nil {
			continue
		}
		for _, w := range strings.Fields(b.Text) {
			all++
			if have[w] || strings.Contains(w, "\uFFFD") {
				some++
			}
		}
	}
	return all, some
}
