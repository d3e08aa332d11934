package imap_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/internal/testmail"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store/memory"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// eventually waits until a state of the desk has come about.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !f(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("still not: %s", what)
		}
	}
}

func from(id, inReplyTo string) []byte {
	return fmt.Appendf(nil, "From: Ann <ann@customer.example>\r\nTo: <%s@%s>\r\nDate: %s\r\nMessage-ID: <%s>\r\n"+
		"In-Reply-To: <%s>\r\nSubject: Printer\r\n\r\nIt burns.\r\n",
		known, testmail.Domain, time.Now().Format(time.RFC1123Z), id, inReplyTo)
}

// A conversation over real servers, both of which crash in its middle: one
// ticket, one reply that arrives in its thread, one copy among the sent mail.
func TestRealConversation(t *testing.T) {
	t.Parallel()
	s := newSite(t, "", testmail.DovecotOptions{})
	u := s.as(t, known)
	desk, err := helpdesk.New(helpdesk.Config{
		Store: memory.New(), Providers: helpdesk.Providers{u.provider()}, PollEvery: time.Second,
	})
	must(t, err)
	acme := desk.Tenant("acme")
	ctx, cancel := context.WithCancel(privacy.As(t.Context(), privacy.Agent("kari"), privacy.Support))
	_, err = acme.Connect(ctx, u.account())
	must(t, err)
	done := make(chan error, 1)
	go func() { done <- desk.Run(ctx) }()
	defer func() { cancel(); <-done }()
	tickets := func() []helpdesk.Ticket {
		page, err := acme.Tickets(ctx, helpdesk.TicketQuery{})
		must(t, err)
		return page.Tickets
	}
	messages := func(id ticket.ID) []helpdesk.Message {
		c, err := acme.Conversation(ctx, id, 0)
		must(t, err)
		return c.Messages
	}

	must(t, s.smtp.Submit("ann@customer.example", u.address(), from("q1@customer.example", "")))
	eventually(t, "a ticket", func() bool { return len(tickets()) == 1 })
	id := tickets()[0].ID

	must(t, s.smtp.Submit("bob@customer.example", u.address(),
		[]byte(strings.Replace(string(from("q2@customer.example", "")), "ann@", "bob@", 1))))
	must(t, errors.Join(s.smtp.Kill(), s.imap.Kill()))
	_, err = acme.Reply(ctx, id, helpdesk.Reply{Text: "Use water."})
	must(t, err)
	must(t, errors.Join(s.imap.Start(), s.smtp.Start()))
	eventually(t, "the second ticket", func() bool { return len(tickets()) == 2 })
	eventually(t, "the reply is sent", func() bool {
		m := messages(id)
		return len(m) == 2 && m[1].Delivery != nil && m[1].Delivery.State == ticket.Sent
	})
	sent := u.accepted()
	if len(sent) != 1 || sent[0].To[0] != "ann@customer.example" ||
		!strings.Contains(string(sent[0].Raw), "In-Reply-To: <q1@customer.example>\r\n") {
		t.Fatalf("%d replies arrived, want one in the thread", len(sent))
	}
	eventually(t, "a copy is filed", func() bool { return len(u.sent()) == 1 })

	must(t, s.smtp.Submit("ann@customer.example", u.address(), from("q3@customer.example", sent[0].MessageID)))
	eventually(t, "the answer joined", func() bool { return len(messages(id)) == 3 })
	if n := len(tickets()); n != 2 || len(u.accepted()) != 1 || len(u.sent()) != 1 {
		t.Errorf("in the end: %d tickets, %d sent, %d copies", n, len(u.accepted()), len(u.sent()))
	}
}
