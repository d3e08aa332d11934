package rfc822

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/helpdesk-go/helpdesk/internal/score"
)

// TestTalonCorpus trims whole mails of twelve clients. Two of the answers keep
// a signature ("Sent from my iPhone"), which we cut.
func TestTalonCorpus(t *testing.T) {
	dir := dataDir(t, "HELPDESK_CORPORA", "corpora")
	if dir == "" {
		return
	}
	b, err := os.ReadFile(filepath.Join(dir, "talon", "expected_plain.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]string
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	right, read := 0, 0
	eachFile(t, filepath.Join(dir, "talon"), func(path string, raw []byte) {
		reply, ok := want[filepath.Base(path)]
		if !ok {
			return
		}
		read++
		in := Parse(raw)
		Trim(&in)
		if got := strings.Fields(in.Reply); strings.Join(got, " ") == strings.Join(strings.Fields(reply), " ") {
			right++
		} else {
			t.Logf("%s: %q, want %q", filepath.Base(path), in.Reply, reply)
		}
	})
	score.Share(t, "reply_exact_talon", right, read)
}
