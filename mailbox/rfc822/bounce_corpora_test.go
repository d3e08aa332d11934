package rfc822

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/helpdesk-go/helpdesk/internal/score"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// TestBounceCorpus reads real bounces with known reasons in their three kinds
// of line ends. Of the rows that are called soft or hard otherwise than we do,
// most have the very words of others with the opposite answer: "550 ... No such
// user" is unknown in rhost-messagelabs-02 and a filter's in lhost-surfcontrol-01
// and lhost-mcafee-04. Only the name of the host tells them apart, and no rule
// here goes by that.
func TestBounceCorpus(t *testing.T) {
	dir := dataDir(t, "HELPDESK_CORPORA", "corpora")
	if dir == "" {
		return
	}
	b, err := os.ReadFile(filepath.Join(dir, "sisimai", "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want map[string][]struct {
		Reason string `json:"reason"`
		Hard   bool   `json:"hardbounce"`
	}
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	var mails, found, exact, rows, hard int
	for _, sub := range []string{"bsd", "dos", "mac"} {
		eachFile(t, filepath.Join(dir, "sisimai", "set-of-emails", "maildir", sub), func(path string, raw []byte) {
			w := want[filepath.Base(path)]
			if len(w) == 0 {
				return
			}
			in := Parse(raw)
			mails++
			if in.Kind.Automatic() {
				found++
			} else {
				t.Logf("not automatic: %s/%s (%s)", sub, filepath.Base(path), in.Kind)
			}
			if w[0].Reason == "feedback" || w[0].Reason == "vacation" {
				return
			}
			var got []ticket.BouncedRecipient
			if in.Bounce != nil {
				got = in.Bounce.Recipients
			}
			if len(got) == len(w) {
				exact++
			} else {
				t.Logf("recipients: %s/%s: %d, want %d", sub, filepath.Base(path), len(got), len(w))
			}
			for i := range w {
				rows++
				if i < len(got) && got[i].Hard == w[i].Hard {
					hard++
				} else {
					t.Logf("hard: %s/%s: want %v (%s)", sub, filepath.Base(path), w[i].Hard, w[i].Reason)
				}
			}
		})
	}
	score.Share(t, "automatic_detected", found, mails)
	score.Share(t, "bounce_recipients", exact, mails)
	score.Share(t, "bounce_hard", hard, rows)
}

// TestAutomaticCorpora logs what is taken for automatic in corpora of mail by
// people, and checks that a reply prefix never makes one an absence.
func TestAutomaticCorpora(t *testing.T) {
	dir := dataDir(t, "HELPDESK_CORPORA", "corpora")
	if dir == "" {
		return
	}
	n, automatic := 0, 0
	eachFile(t, dir, func(path string, raw []byte) {
		if strings.Contains(path, "/sisimai/") || !mailLike(path, raw) || !bytes.Contains(raw, []byte(":")) {
			return
		}
		n++
		in := Parse(raw)
		if in.Kind.Automatic() {
			automatic++
			rel, _ := filepath.Rel(dir, path)
			t.Logf("automatic: %s %s %v", rel, in.Kind, in.KindEvidence)
		}
		if in.Kind == ticket.KindOutOfOffice && strings.HasPrefix(strings.ToLower(in.Subject), "re:") &&
			!contains(in.KindEvidence, "auto-submitted") {
			t.Errorf("%s: an answer taken for an absence", path)
		}
	})
	score.Errors(t, "automatic_among_other_mail", automatic, n)
}
