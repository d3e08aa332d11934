package mailboxtest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
)

const user = "support@desk.example"

var account = mailboxtest.Account{User: user, Name: "Support", Password: "secret"}

func mail(id string) []byte {
	return []byte("From: ann@customer.example\r\nTo: support@desk.example\r\nSubject: hello\r\n" +
		"Message-ID: <" + id + "@customer.example>\r\n\r\nHello.\r\n")
}

func outgoing(id string) mailbox.Outgoing {
	raw := "From: support@desk.example\r\nTo: ann@customer.example\r\nSubject: hello\r\n" +
		"Message-ID: <" + id + "@desk.example>\r\nX-Marker: marker-" + id + "\r\n\r\nHello.\r\n"
	return mailbox.Outgoing{From: user, To: []string{"ann@customer.example"}, Raw: []byte(raw),
		MessageID: id + "@desk.example", Marker: "marker-" + id}
}

func open(t *testing.T, f *mailboxtest.Fake, in mailbox.Intake) mailbox.Conn {
	t.Helper()
	b, err := account.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	c, err := f.Provider().Open(t.Context(), mailbox.Session{Account: b, Intake: in})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func plain() *mailboxtest.Fake {
	return mailboxtest.NewFake(mailboxtest.FakeOptions{Capabilities: mailboxtest.PlainCapabilities()})
}

func rich() *mailboxtest.Fake {
	return mailboxtest.NewFake(mailboxtest.FakeOptions{Capabilities: mailboxtest.RichCapabilities()})
}

// changes lists a page and fails the test if it cannot.
func changes(t *testing.T, c mailbox.Conn, q mailbox.Query) mailbox.Page {
	t.Helper()
	if q.Stream == "" {
		q.Stream = mailbox.Live
	}
	if q.Limit == 0 {
		q.Limit = 10
	}
	p, err := c.Changes(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func wantKind(t *testing.T, err error, kind mailbox.Kind) {
	t.Helper()
	var e *mailbox.Error
	if !errors.As(err, &e) || e.Kind != kind {
		t.Fatalf("error is %v, want kind %s", err, kind)
	}
}

// The kinds of failing differ in two things: whether it was sent, and whether
// the caller can know.
func TestFaultsOfSending(t *testing.T) {
	tests := []struct {
		kind   mailboxtest.FaultKind
		want   mailbox.Kind
		unsent bool
		copies int
	}{
		{mailboxtest.FaultThrottle, mailbox.Throttled, true, 0},
		{mailboxtest.FaultServerError, mailbox.Transient, false, 0},
		{mailboxtest.FaultCutBefore, mailbox.Transient, false, 0},
		{mailboxtest.FaultCutAfter, mailbox.Transient, false, 1},
		{mailboxtest.FaultHang, mailbox.Transient, false, 0},
		{mailboxtest.FaultHangAfter, mailbox.Transient, false, 1},
		{mailboxtest.FaultTokenDeath, mailbox.Auth, true, 0},
		{mailboxtest.FaultRefuse, mailbox.Transient, true, 0},
		{mailboxtest.FaultReject, mailbox.Permanent, true, 0},
	}
	for _, f := range []*mailboxtest.Fake{plain(), rich()} {
		for _, tt := range tests {
			op := f.SendOp()
			t.Run(op+"/"+string(tt.kind), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := mailboxtest.NewFake(mailboxtest.FakeOptions{Capabilities: f.Provider().Capabilities()})
					f.Inject(mailboxtest.Fault{Op: op, Kind: tt.kind, RetryAfter: time.Minute})
					ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
					defer cancel()
					_, err := open(t, f, mailbox.Intake{}).Send(ctx, outgoing("a"))
					wantKind(t, err, tt.want)
					if mailbox.Unsent(err) != tt.unsent {
						t.Errorf("Unsent = %v, want %v", mailbox.Unsent(err), tt.unsent)
					}
					if n := copies(f); n != tt.copies {
						t.Errorf("%d copies were sent, want %d", n, tt.copies)
					}
					if n := f.Fired()[op+"/"+string(tt.kind)]; n != 1 {
						t.Errorf("fault fired %d times, want 1", n)
					}
				})
			})
		}
	}
}

func copies(f *mailboxtest.Fake) (n int) {
	for _, s := range f.Sent(user) {
		n += s.Copies
	}
	return n
}
