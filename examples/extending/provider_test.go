package extending_test

import (
	"context"
	"fmt"
	"log"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/examples/extending"
	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store/memory"
)

const account = extending.Account("support@desk.example")

// opted says why the suite's other controls have nothing to turn.
var opted = map[string]string{
	"Folder":           "a queue has no folders; TestOpenRefuses names one",
	"DeliverTo":        "a queue has no folders; TestOpenRefuses names one",
	"SentFolder":       "sent mail is never listed",
	"Own":              "nobody else sends through the queue",
	"OwnDraft":         "there are no drafts",
	"Remove":           "a queue keeps every mail; TestFetchOfAnotherRun asks for one that is not there",
	"Fetched":          "a queue keeps no record of who read a mail",
	"WrongAccount":     "the account holds no secret; TestOpenRefuses has another account",
	"KillGrant":        "there is no grant",
	"Cut":              "there is no connection that could be lost",
	"CutSend":          "there is no connection that could be lost",
	"CutFetch":         "there is no connection that could be lost",
	"Throttle":         "memory does not throttle",
	"Hang":             "no call waits for anything",
	"RefusedRecipient": "whoever carries the mail on meets the recipients, not the queue",
}

func TestQueue(t *testing.T) {
	mailboxtest.Run(t, mailboxtest.Harness{New: newServer, Without: opted})
}

// host is a process with a queue, which a restart replaces.
type host struct{ *extending.Queue }

// newServer is a queue with the suite's hands in it.
func newServer(*testing.T) *mailboxtest.Server {
	h := &host{extending.NewQueue(account)}
	var restart []func()
	return &mailboxtest.Server{
		Provider: h,
		Account:  account,
		Deliver: func(_ *testing.T, raw []byte, at time.Time) {
			h.Put(raw, at)
			restart = append(restart, func() { h.Put(raw, at) })
		},
		Accepted: func(*testing.T) (sent []mailboxtest.SentMail) {
			for _, o := range h.Sent() {
				sent = append(sent, mailboxtest.SentMail{From: o.From, To: o.To, Raw: o.Raw})
			}
			return sent
		},
		SentCopies: func(*testing.T) (raws [][]byte) {
			for _, o := range h.Sent() {
				raws = append(raws, o.Raw)
			}
			return raws
		},
		// After a restart the host puts the same mail into a new queue.
		ExpireCursor: func(*testing.T) {
			h.Queue = extending.NewQueue(account)
			for _, put := range restart {
				put()
			}
		},
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, s := range []mailbox.Session{
		{Account: []byte("sales@desk.example")},
		{Account: []byte(account), Intake: mailbox.Intake{Folders: []string{"Sales"}}},
	} {
		if _, err := extending.NewQueue(account).Open(t.Context(), s); mailbox.KindOf(err) != mailbox.Permanent {
			t.Errorf("Open: %v, want Permanent", err)
		}
	}
}

// A restart repeats no id: the desk would take the mail for one it knows.
func TestFetchOfAnotherRun(t *testing.T) {
	c, first := listed(t)
	other, second := listed(t)
	if first.ID == second.ID {
		t.Error("two mails have the same id")
	}
	if _, err := c.Fetch(t.Context(), second, 100); mailbox.KindOf(err) != mailbox.NotFound {
		t.Errorf("Fetch of a mail that is not there: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Fetch(t.Context(), first, 100); mailbox.KindOf(err) != mailbox.Transient {
		t.Errorf("Fetch on a closed connection: %v", err)
	}
	if _, err := c.Send(t.Context(), mailbox.Outgoing{}); !mailbox.Unsent(err) {
		t.Errorf("Send on a closed connection: %v, want unsent", err)
	}
	if _, err := other.Fetch(t.Context(), second, 100); err != nil {
		t.Errorf("Fetch on another connection: %v", err)
	}
}

// listed returns a connection to a new queue and the one mail that is in it.
func listed(t *testing.T) (mailbox.Conn, mailbox.Item) {
	t.Helper()
	q := extending.NewQueue(account)
	q.Put([]byte("Subject: Lamp\r\n\r\n"), time.Now())
	c, err := q.Open(t.Context(), mailbox.Session{Account: []byte(account)})
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.Changes(t.Context(), mailbox.Query{Stream: mailbox.Live, Resync: true, Limit: 10})
	if err != nil || len(p.Items) != 1 {
		t.Fatalf("Changes: %v, %v", p, err)
	}
	return c, p.Items[0]
}

// Cursors that look right but are not.
func TestCursorExpired(t *testing.T) {
	c, it := listed(t)
	run := strings.TrimSuffix(it.ID, "0")
	for _, n := range []string{"", "-1", "01", "2", "x", "1x"} {
		q := mailbox.Query{Stream: mailbox.Live, Cursor: mailbox.Cursor(run + n), Limit: 1}
		if _, err := c.Changes(t.Context(), q); mailbox.KindOf(err) != mailbox.CursorExpired {
			t.Errorf("Changes at %q: %v, want CursorExpired", n, err)
		}
	}
}

func ok(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// A desk reads a queue like any other mailbox, and answers through it.
func ExampleQueue() {
	ctx := privacy.As(context.Background(), privacy.Agent("kari"), privacy.Support)
	queue := extending.NewQueue("support@desk.example")
	desk, err := helpdesk.New(helpdesk.Config{
		Store:     memory.New(),
		Providers: helpdesk.Providers{queue},
	})
	ok(err)
	acme := desk.Tenant("acme")
	_, err = acme.Connect(ctx, extending.Account("support@desk.example"))
	ok(err)

	queue.Put([]byte("From: Ann <ann@customer.example>\r\nSubject: Broken lamp\r\n"+
		"Message-ID: <1@customer.example>\r\n\r\nIt is dark.\r\n"), time.Now())
	_, err = desk.RunOnce(ctx) // or Run, in the background
	ok(err)
	for t, err := range acme.AllTickets(ctx, helpdesk.TicketQuery{}) {
		ok(err)
		fmt.Println(t.Status, t.Subject)
		_, err = acme.Reply(ctx, t.ID, helpdesk.Reply{Text: "Try the switch."})
		ok(err)
	}
	_, err = desk.RunOnce(ctx)
	ok(err)
	for _, o := range queue.Sent() {
		fmt.Println("sent to", o.To)
	}
	// Output:
	// open Broken lamp
	// sent to [ann@customer.example]
}
