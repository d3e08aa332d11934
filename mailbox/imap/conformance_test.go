package imap_test

import (
	"testing"
	"time"

	goimap "github.com/emersion/go-imap/v2"
	smtp "github.com/emersion/go-smtp"

	"github.com/helpdesk-go/helpdesk/mailbox/imap"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
)

func TestConformance(t *testing.T) {
	mailboxtest.Run(t, mailboxtest.Harness{
		New: newServer,
		Without: map[string]string{
			"Pushes": "IMAP has no notifications by HTTP", "Forged": "IMAP has no notifications by HTTP",
			"Handshake": "IMAP has no notifications by HTTP", "Target": "IMAP has no notifications by HTTP",
		},
	})
}

func newServer(t *testing.T) *mailboxtest.Server {
	w := newWorld(t, worldOptions{})
	w.create("Sent")
	w.create("Team/Ünit")
	w.create("Drafts")
	const refused = "refused@customer.example"
	w.box.fails = map[string]*smtp.SMTPError{
		refused: {Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no " + refused + " here"},
	}
	wrong := w.account()
	wrong.Password = "another"
	put := func(t *testing.T, folder string, raw []byte, at time.Time, flags ...goimap.Flag) {
		t.Helper()
		w.put(t, stored{folder: folder, raw: raw, at: at, flags: flags})
	}
	return &mailboxtest.Server{
		Provider: imap.New(imap.Options{}), Account: w.account(), WrongAccount: wrong,
		Secrets: []string{testPassword, "smtp.test", "No such mailbox", "127.0.0.1"},
		Deliver: func(t *testing.T, raw []byte, at time.Time) { put(t, "INBOX", raw, at) },
		Accepted: func(*testing.T) (all []mailboxtest.SentMail) {
			for _, l := range w.box.letters() {
				all = append(all, mailboxtest.SentMail{From: l.from, To: l.to, Raw: l.raw})
			}
			return all
		},
		Folder: "Team/Ünit",
		DeliverTo: func(t *testing.T, folder string, raw []byte, at time.Time) {
			put(t, folder, raw, at)
		},
		Remove: func(t *testing.T, id string) { w.remove(t, "INBOX", id) },
		Fetched: func(*testing.T) []string {
			w.ctl.mu.Lock()
			defer w.ctl.mu.Unlock()
			return append([]string(nil), w.ctl.fetched...)
		},
		ExpireCursor: func(t *testing.T) { w.renumber(t, "INBOX") },
		KillGrant: func(*testing.T) {
			w.ctl.mu.Lock()
			defer w.ctl.mu.Unlock()
			w.ctl.killed = true
		},
		Cut: func(*testing.T) { w.net.cut(0) },
		CutSend: func(*testing.T) {
			w.box.mu.Lock()
			defer w.box.mu.Unlock()
			w.box.cut = true
		},
		CutFetch: func(*testing.T) { w.net.cut(100_000) },
		Throttle: func(_ *testing.T, d time.Duration) {
			w.ctl.mu.Lock()
			defer w.ctl.mu.Unlock()
			w.ctl.pause = d
		},
		Hang: func(t *testing.T) {
			w.ctl.mu.Lock()
			defer w.ctl.mu.Unlock()
			hang := make(chan struct{})
			w.ctl.hang = hang
			t.Cleanup(func() { close(hang) })
		},
		RefusedRecipient: refused,
		SentCopies:       func(t *testing.T) [][]byte { return w.read(t, "Sent") },
		SentFolder:       "Sent",
		Own:              func(t *testing.T, raw []byte) { put(t, "Sent", raw, time.Now(), goimap.FlagSeen) },
		OwnDraft:         func(t *testing.T, raw []byte) { put(t, "Drafts", raw, time.Now(), goimap.FlagDraft) },
	}
}
