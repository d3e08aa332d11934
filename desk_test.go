package helpdesk_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

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
