package helpdesk_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/store/memory"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// exampleDesk is a desk with one mailbox of a fake provider, into which one mail
// has arrived.
func exampleDesk() (*helpdesk.Desk, *helpdesk.Tenant, *mailboxtest.Fake, context.Context) {
	ctx := context.Background()
	fake := mailboxtest.NewFake(mailboxtest.FakeOptions{Capabilities: mailboxtest.PlainCapabilities()})
	desk, err := helpdesk.New(helpdesk.Config{Store: memory.New(), Providers: helpdesk.Providers{fake.Provider()}})
	ok(err)
	acme := desk.Tenant("acme")
	_, err = acme.Connect(ctx, mailboxtest.Account{User: "acme", Email: "support@acme.example", Name: "Acme", Password: "secret"})
	ok(err)
	fake.Deliver("acme", []byte("From: Ann <ann@customer.example>\r\nTo: support@acme.example\r\nSubject: Lamp\r\n"+
		"Message-ID: <1@customer.example>\r\n\r\nIt is dark.\r\n"))
	_, err = desk.RunOnce(ctx)
	ok(err)
	return desk, acme, fake, privacy.As(ctx, privacy.Agent("kari"), privacy.Support)
}

func ok(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func firstTicket(ctx context.Context, t *helpdesk.Tenant) helpdesk.Ticket {
	page, err := t.Tickets(ctx, helpdesk.TicketQuery{})
	ok(err)
	return page.Tickets[0]
}

func Example() {
	ctx := context.Background()
	fake := mailboxtest.NewFake(mailboxtest.FakeOptions{Capabilities: mailboxtest.PlainCapabilities()})
	desk, err := helpdesk.New(helpdesk.Config{
		Store:     memory.New(),                        // or postgres.Open
		Providers: helpdesk.Providers{fake.Provider()}, // or imap.New
	})
	ok(err)
	acme := desk.Tenant("acme")
	_, err = acme.Connect(ctx, mailboxtest.Account{User: "acme", Email: "support@acme.example", Password: "secret"})
	ok(err)

	fake.Deliver("acme", []byte("From: ann@customer.example\r\nSubject: Lamp\r\n\r\nIt is dark.\r\n"))
	_, err = desk.RunOnce(ctx) // or Run, in the background
	ok(err)

	ctx = privacy.As(ctx, privacy.Agent("kari"), privacy.Support)
	for t, err := range acme.AllTickets(ctx, helpdesk.TicketQuery{Statuses: []ticket.Status{ticket.Open}}) {
		ok(err)
		fmt.Println(t.Subject, t.Status)
	}
	// Output: Lamp open
}

func ExampleTenant_Reply() {
	desk, acme, fake, ctx := exampleDesk()
	_, err := acme.Reply(ctx, firstTicket(ctx, acme).ID, helpdesk.Reply{Text: "Try the switch."})
	ok(err)
	_, err = desk.RunOnce(ctx)
	ok(err)
	sent := fake.Sent("acme")[0]
	fmt.Println(sent.To)
	for line := range strings.Lines(string(sent.Raw)) {
		if strings.HasPrefix(line, "Subject:") || strings.HasPrefix(line, "In-Reply-To:") {
			fmt.Println(strings.TrimSpace(line))
		}
	}
	// Unordered output:
	// [ann@customer.example]
	// Subject: Re: Lamp
	// In-Reply-To: <1@customer.example>
}

func ExampleTenant_Conversation() {
	_, acme, _, ctx := exampleDesk()
	id := firstTicket(ctx, acme).ID
	_, err := acme.AddNote(ctx, id, helpdesk.Note{Text: "She bought it in May."})
	ok(err)
	c, err := acme.Conversation(ctx, id, 0)
	ok(err)
	for _, m := range c.Messages {
		fmt.Println(m.Seq, m.Direction, strings.TrimSpace(m.Text))
	}
	fmt.Println(c.Messages[0].Match.Explain())
	// Output:
	// 1 in It is dark.
	// 2 note She bought it in May.
	// new ticket: it answers nothing that is known here
}

func ExampleMessage_HTML() {
	desk, acme, fake, ctx := exampleDesk()
	fake.Deliver("acme", []byte("From: eve@stranger.example\r\nSubject: Win\r\nContent-Type: text/html\r\n\r\n"+
		"<p onclick=steal()>Hello<script>steal()</script><img src=https://track.example/x.png></p>\r\n"))
	_, err := acme.Connect(context.Background(), mailboxtest.Account{User: "acme", Email: "support@acme.example", Name: "Acme", Password: "secret"})
	ok(err)
	_, err = desk.RunOnce(ctx)
	ok(err)
	c, err := acme.Conversation(ctx, firstTicket(ctx, acme).ID, 0)
	ok(err)
	html, report := c.Messages[0].HTML(helpdesk.HTMLOptions{})
	fmt.Println(strings.TrimSpace(html.String()), report.RemoteRemoved)
	// Output: <p>Hello</p> 1
}

func ExampleTenant_Compose() {
	desk, acme, fake, ctx := exampleDesk()
	st := desk.Store() // with Postgres: postgres.Join(tx) on a transaction of the host
	p, err := acme.Compose(ctx, firstTicket(ctx, acme).ID, helpdesk.Reply{Text: "Done."})
	ok(err)
	changed := errors.New("the host changed its mind")
	err = st.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		if err := acme.Tx(tx).Reply(ctx, p); err != nil {
			return err
		}
		return changed
	})
	_, _ = desk.RunOnce(ctx)
	fmt.Println(errors.Is(err, changed), len(fake.Sent("acme")))
	err = st.Update(ctx, func(ctx context.Context, tx store.Tx) error { return acme.Tx(tx).Reply(ctx, p) })
	ok(err)
	_, _ = desk.RunOnce(ctx)
	fmt.Println(len(fake.Sent("acme")))
	// Output:
	// true 0
	// 1
}

func ExampleTenant_SetStatus() {
	_, acme, _, ctx := exampleDesk()
	id := firstTicket(ctx, acme).ID
	ok(acme.Assign(ctx, id, "kari"))
	ok(acme.Tag(ctx, id, []string{"lamps"}, nil))
	ok(acme.SetStatus(ctx, id, ticket.Closed))
	t := firstTicket(ctx, acme)
	fmt.Println(t.Status, t.Assignee, t.Tags)
	// Output: closed kari [lamps]
}

func ExampleDesk_Consume() {
	desk, _, _, ctx := exampleDesk()
	_, err := desk.Consume(ctx, "search-index", func(_ context.Context, e store.LoggedEvent) error {
		fmt.Println(e.Type)
		return nil
	})
	ok(err)
	// Output:
	// mailbox.connected
	// ticket.created
	// message.received
}

func ExampleHTTPStatus() {
	_, acme, _, _ := exampleDesk()
	_, err := acme.Tickets(context.Background(), helpdesk.TicketQuery{})
	fmt.Println(helpdesk.HTTPStatus(err), err)
	// Output: 401 privacy: no principal: wrap the context with privacy.As
}
