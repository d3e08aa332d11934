package mailboxtest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
)

// serve puts a Fake under the suite's controls.
func serve(f *mailboxtest.Fake, rewrites bool) *mailboxtest.Server {
	f.SetPassword(user, account.Password)
	f.AddFolder(user, "Support")
	f.RefuseRecipient("nobody@customer.example")
	caps, wrong := f.Provider().Capabilities(), account
	wrong.Password = "wrong"
	s := &mailboxtest.Server{
		Provider: f.Provider(), Account: account, Rewrites: rewrites,
		Secrets: []string{account.Password}, WrongAccount: wrong,
		Deliver: func(t *testing.T, raw []byte, at time.Time) { f.DeliverAt(user, raw, at) },
		Folder:  "Support",
		DeliverTo: func(t *testing.T, folder string, raw []byte, at time.Time) {
			f.Put(user, mailboxtest.Arrival{Raw: raw, At: at, Folder: folder})
		},
		Accepted:     func(t *testing.T) []mailboxtest.SentMail { return f.Sent(user) },
		Remove:       func(t *testing.T, id string) { f.Remove(user, find(t, f, id)) },
		Fetched:      func(t *testing.T) []string { return f.Transferred(user) },
		ExpireCursor: func(t *testing.T) { f.ExpireCursor(user) },
		KillGrant:    func(t *testing.T) { f.KillToken(user) },
		Cut:          func(t *testing.T) { f.Inject(mailboxtest.Fault{Kind: mailboxtest.FaultCutBefore}) },
		CutSend:      func(t *testing.T) { f.Inject(mailboxtest.Fault{Op: f.SendOp(), Kind: mailboxtest.FaultCutAfter}) },
		CutFetch: func(t *testing.T) {
			f.Inject(mailboxtest.Fault{Op: mailboxtest.OpFetch, Kind: mailboxtest.FaultHalfBody})
		},
		Throttle: func(t *testing.T, d time.Duration) {
			f.Inject(mailboxtest.Fault{Op: mailboxtest.OpChanges, Kind: mailboxtest.FaultThrottle, RetryAfter: d})
		},
		Hang: func(t *testing.T) {
			f.Inject(mailboxtest.Fault{Op: mailboxtest.OpChanges, Kind: mailboxtest.FaultHang})
		},
		RefusedRecipient: "nobody@customer.example",
		SentCopies: func(t *testing.T) (all [][]byte) {
			for _, id := range f.IDs(user, mailboxtest.SentFolder) {
				all = append(all, f.Raw(user, id))
			}
			return all
		},
		SentFolder: mailboxtest.SentFolder,
		Own: func(t *testing.T, raw []byte) {
			f.Put(user, mailboxtest.Arrival{Raw: raw, Folder: mailboxtest.SentFolder})
		},
		OwnDraft: func(t *testing.T, raw []byte) {
			f.Put(user, mailboxtest.Arrival{Raw: raw, Folder: mailboxtest.DraftsFolder})
		},
		Target: "https://desk.example/push",
	}
	if caps.Pushes {
		s.Pushes = func(t *testing.T) []*http.Request { return f.Pushes(user) }
		s.Forged = func(t *testing.T) *http.Request { return request(t, "/push", `{"watch":"w1","secret":"no"}`) }
		s.Handshake = func(t *testing.T) *http.Request { return request(t, "/push?validation=abc", "") }
	}
	return s
}

func request(t *testing.T, path, body string) *http.Request {
	r, err := http.NewRequest(http.MethodPost, "https://desk.example"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func find(t *testing.T, f *mailboxtest.Fake, messageID string) string {
	for _, id := range f.IDs(user, mailboxtest.Inbox) {
		if strings.Contains(string(f.Raw(user, id)), "<"+messageID+">") {
			return id
		}
	}
	t.Fatalf("no mail %s", messageID)
	return ""
}

// The suite's own proof: the fake passes with each set of interfaces, and with
// each set of the flags that have none.
func TestFakeKeepsTheContract(t *testing.T) {
	for bits := range 1 << 5 {
		conform(t, mailboxtest.FakeOptions{Capabilities: capabilities(bits)})
	}
	for bits := range 1 << 3 {
		conform(t, mailboxtest.FakeOptions{Capabilities: capabilities(bits << 5)})
	}
}

// What a provider does unasked must not break the contract either.
func TestFakeKeepsTheContractWithHabits(t *testing.T) {
	for _, caps := range []mailbox.Capabilities{mailboxtest.PlainCapabilities(), mailboxtest.RichCapabilities()} {
		for _, o := range []mailboxtest.FakeOptions{
			{FilesSent: true},
			{RewriteMessageID: true},
			{FilesSent: true, RewriteMessageID: true},
			{SentLag: 50 * time.Millisecond, Latency: time.Millisecond},
		} {
			o.Capabilities = caps
			conform(t, o)
		}
	}
}

func capabilities(bits int) mailbox.Capabilities {
	on := func(i int) bool { return bits&(1<<i) != 0 }
	return mailbox.Capabilities{Drafts: on(0), Files: on(1), Waits: on(2), Watches: on(3),
		Revokes: on(4), FindSent: on(5), Threads: on(6), Pushes: on(7)}
}

func conform(t *testing.T, o mailboxtest.FakeOptions) {
	t.Run(fmt.Sprintf("%+v", o), func(t *testing.T) {
		t.Parallel()
		mailboxtest.Run(t, mailboxtest.Harness{New: func(t *testing.T) *mailboxtest.Server {
			return serve(mailboxtest.NewFake(o), o.RewriteMessageID)
		}})
	})
}
