package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/ticket"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func signer(t *testing.T) *privacy.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	s, err := privacy.NewSigner("receipts.example", key)
	must(t, err)
	return s
}

func receipt(t *testing.T, s *privacy.Signer) []byte {
	t.Helper()
	now := time.Now().UTC()
	signed, err := privacy.Receipt{
		ID: ticket.NewID(now), Ledger: privacy.LedgerPlace{ID: ticket.NewID(now), N: 3, Hash: privacy.Digest{1}},
		Tenant:  "0123456789abcdef",
		Scope:   privacy.Scope{Tenant: "acme", Mailbox: ticket.NewID(now)}.Receipt(),
		Trigger: privacy.TriggerDisconnected, Triggered: now, Requested: now, Started: now, Finished: now, Deadline: now.Add(time.Hour),
		Removed:    map[string]privacy.Removed{"messages": {Rows: 12, Bytes: 3400}},
		Revocation: privacy.Revocation{Outcome: privacy.Revoked, Provider: "gmail", At: now},
		Backups:    privacy.Backups{}.Statement(now, now, privacy.KeyCacheTTL),
		Checks:     []privacy.Check{{Name: "rows-gone", Passed: true, Looked: 21}},
		Software:   "helpdesk/test", Policy: "1", Profile: "production",
	}.Sign(s)
	must(t, err)
	return signed
}

func file(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	must(t, os.WriteFile(path, content, 0o600))
	return path
}

func TestVerify(t *testing.T) {
	s, other := signer(t), signer(t)
	good := receipt(t, s)
	keys := file(t, "keys", []byte("# of receipts.example\n\n"+other.PublicKey()+"\r\n  "+s.PublicKey()+"\n"))
	genuine := file(t, "receipt", good)
	edited := file(t, "edited", bytes.Replace(good, []byte(`"rows": 12`), []byte(`"rows": 13`), 1))
	cut := file(t, "cut", good[:len(good)/2])
	head, err := s.Sign([]byte("helpdesk-log-head 1\n"))
	must(t, err)
	another := file(t, "head", head)
	absent := filepath.Join(t.TempDir(), "absent")

	for name, tt := range map[string]struct {
		args []string
		code int
		out  []string
		none string
	}{
		"genuine":            {[]string{"-key", keys, genuine}, 0, []string{"genuine, the signature holds", "messages: 12 rows, 3400 bytes.", "Outcome: complete."}, "NOT"},
		"of another issuer":  {[]string{"-key", file(t, "k", []byte(other.PublicKey())), genuine}, 1, []string{"NOT GENUINE"}, "messages"},
		"edited":             {[]string{"-key", keys, edited}, 1, []string{"NOT GENUINE"}, "messages"},
		"cut":                {[]string{"-key", keys, cut}, 1, []string{"NOT GENUINE"}, "messages"},
		"no receipt":         {[]string{"-key", keys, another}, 1, []string{"NOT GENUINE"}, "genuine, the"},
		"absent":             {[]string{"-key", keys, absent}, 1, []string{"NOT READ"}, "genuine, the"},
		"one bad, one good":  {[]string{"-key", keys, edited, genuine}, 1, []string{"NOT GENUINE", "messages: 12 rows"}, "13 rows"},
		"no key given":       {[]string{genuine}, 2, []string{"usage"}, "messages"},
		"no receipt given":   {[]string{"-key", keys}, 2, []string{"usage"}, "messages"},
		"no key in the file": {[]string{"-key", file(t, "k", []byte("# none\n")), genuine}, 2, []string{"has no key"}, "messages"},
		"no such key file":   {[]string{"-key", absent, genuine}, 2, []string{"absent"}, "messages"},
		"malformed key":      {[]string{"-key", file(t, "k", []byte("receipts.example+1+x\n")), genuine}, 2, []string{"bad signing key"}, "messages"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if code := run(tt.args, &out, &out); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			for _, want := range tt.out {
				if !strings.Contains(out.String(), want) {
					t.Errorf("%q is not in\n%s", want, out.String())
				}
			}
			if strings.Contains(out.String(), tt.none) {
				t.Errorf("%q is in\n%s", tt.none, out.String())
			}
		})
	}
}
