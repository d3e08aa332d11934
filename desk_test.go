package helpdesk_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/store/memory"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// bench is a desk on the memory store and a fake provider.
type bench struct {
	t     *testing.T
	store *memory.Store
	fake  *mailboxtest.Fake
	desk  *helpdesk.Desk
	acme  *helpdesk.Tenant
	box   helpdesk.Mailbox
	agent context.Context
}

const (
	ours = "support@desk.example"
	ann  = "ann@customer.example"
	bob  = "bob@customer.example"
	eve  = "eve@stranger.example"
)

func newBench(t *testing.T, o mailboxtest.FakeOptions, edit func(*helpdesk.Config)) *bench {
	t.Helper()
	b := &bench{t: t, store: memory.New(), fake: mailboxtest.NewFake(o)}
	b.desk = b.newDesk(edit)
	b.acme = b.desk.Tenant("acme")
	b.agent = privacy.As(t.Context(), privacy.Agent("kari"), privacy.Support)
	var err error
	if b.box, err = b.acme.Connect(t.Context(), b.account()); err != nil {
		t.Fatalf("Connect: %v", err)
	}
	return b
}

func (b *bench) newDesk(edit func(*helpdesk.Config)) *helpdesk.Desk {
	b.t.Helper()
	c := helpdesk.Config{Store: b.store, Providers: []mailbox.Provider{b.fake.Provider()}}
	if os.Getenv("HELPDESK_TEST_LOG") != "" {
		c.Logger = slog.New(slog.NewTextHandler(b.t.Output(), nil))
	}
	if edit != nil {
		edit(&c)
	}
	d, err := helpdesk.New(c)
	if err != nil {
		b.t.Fatalf("New: %v", err)
	}
	return d
}

func (b *bench) account() mailboxtest.Account {
	return mailboxtest.Account{User: "support", Email: ours, Name: "Support", Password: "secret"}
}

// mail is a mail written by us.
type mail struct {
	from, to, id, reply, subject, text string
	refs                               []string
	more                               string // further header lines
}

func (m mail) raw() []byte {
	var s strings.Builder
	line := func(k, v string) {
		if v != "" {
			fmt.Fprintf(&s, "%s: %s\r\n", k, v)
		}
	}
	line("From", m.from)
	to := m.to
	if to == "" {
		to = ours
	}
	line("To", to)
	line("Subject", m.subject)
	if m.id != "" {
		line("Message-ID", "<"+m.id+">")
	}
	if m.reply != "" {
		line("In-Reply-To", "<"+m.reply+">")
	}
	if len(m.refs) > 0 {
		line("References", "<"+strings.Join(m.refs, "> <")+">")
	}
	s.WriteString(m.more)
	s.WriteString("\r\n" + m.text + "\r\n")
	return []byte(s.String())
}

func (b *bench) deliver(m mail) { b.t.Helper(); b.fake.Deliver("support", m.raw()) }

// work runs the desk until nothing is due, with polling brought forward.
func (b *bench) work() {
	b.t.Helper()
	time.Sleep(2 * time.Minute)
	if _, err := b.desk.RunOnce(b.t.Context()); err != nil {
		b.t.Fatalf("RunOnce: %v", err)
	}
}

func (b *bench) tickets() []helpdesk.Ticket {
	b.t.Helper()
	page, err := b.acme.Tickets(b.agent, helpdesk.TicketQuery{})
	if err != nil {
		b.t.Fatalf("Tickets: %v", err)
	}
	return page.Tickets
}

func (b *bench) one() helpdesk.Conversation {
	b.t.Helper()
	ts := b.tickets()
	if len(ts) != 1 {
		b.t.Fatalf("%d tickets, want 1", len(ts))
	}
	return b.conversation(ts[0].ID)
}

func (b *bench) conversation(id ticket.ID) helpdesk.Conversation {
	b.t.Helper()
	c, err := b.acme.Conversation(b.agent, id, 0)
	if err != nil {
		b.t.Fatalf("Conversation: %v", err)
	}
	return c
}

func TestMainJob(t *testing.T) {
	for name, o := range map[string]mailboxtest.FakeOptions{
		"without drafts": {Capabilities: mailboxtest.PlainCapabilities()},
		"with drafts":    {Capabilities: mailboxtest.RichCapabilities()},
		"files sent":     {Capabilities: mailboxtest.PlainCapabilities(), FilesSent: true},
		"rewrites ids":   {Capabilities: mailboxtest.RichCapabilities(), FilesSent: true, RewriteMessageID: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { mainJob(t, o) })
		})
	}
}

func mainJob(t *testing.T, o mailboxtest.FakeOptions) {
	b := newBench(t, o, nil)
	b.deliver(mail{from: "Ann <" + ann + ">", id: "1@customer.example", subject: "Broken lamp", text: "It does not light."})
	b.work()
	c := b.one()
	if c.Ticket.Subject != "Broken lamp" || c.Ticket.Status != ticket.Open || len(c.Messages) != 1 {
		t.Fatalf("ticket %+v with %d messages", c.Ticket, len(c.Messages))
	}
	if m := c.Messages[0]; strings.TrimSpace(m.Text) != "It does not light." || m.From[0].Addr != ann || m.Unreadable != nil {
		t.Fatalf("message %+v", m)
	}
	if _, err := b.acme.Reply(b.agent, c.Ticket.ID, helpdesk.Reply{Text: "Have you tried the switch?"}); err != nil {
		t.Fatalf("Reply: %v", err)
	}
	b.work()
	sent := b.fake.Sent("support")
	if len(sent) != 1 || sent[0].Copies != 1 || len(sent[0].To) != 1 || sent[0].To[0] != ann {
		t.Fatalf("sent %+v", sent)
	}
	raw := string(sent[0].Raw)
	for _, want := range []string{"In-Reply-To: <1@customer.example>", "References: <1@customer.example>", "Subject: Re: Broken lamp"} {
		if !strings.Contains(raw, want) {
			t.Errorf("the reply lacks %q:\n%s", want, raw)
		}
	}
	b.work()
	b.work()
	c = b.one()
	if len(c.Messages) != 2 || c.Messages[1].Delivery == nil || c.Messages[1].Delivery.State != ticket.Sent || c.Ticket.Status != ticket.Pending {
		t.Fatalf("after the reply: %s, %d messages, %+v", c.Ticket.Status, len(c.Messages), c.Messages[len(c.Messages)-1].Delivery)
	}
	_, id, _ := strings.Cut(raw, "Message-ID: <")
	id, _, _ = strings.Cut(id, ">")
	b.deliver(mail{from: ann, id: "2@customer.example", reply: id, refs: []string{"1@customer.example", id}, subject: "Re: Broken lamp", text: "Yes."})
	b.work()
	c = b.one()
	if len(c.Messages) != 3 || c.Ticket.Status != ticket.Open || c.Messages[2].Match.Rung != ticket.RungToken {
		t.Fatalf("after the answer: %s, %d messages, rung %q", c.Ticket.Status, len(c.Messages), c.Messages[len(c.Messages)-1].Match.Rung)
	}
	boxes, err := b.acme.Mailboxes(t.Context())
	if err != nil || boxes[0].Health.State != store.HealthOK {
		t.Fatalf("health %+v, %v", boxes, err)
	}
}
