package helpdesk_test

import (
	"bytes"
	"testing"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// theirs is the Message-ID that the provider of these tests gives our answer.
const theirs = "rewritten-1@provider.example"

// rewritten is a talk at a provider that says nothing of the Message-ID it gave
// our answer; the copy among the sent mails tells it.
func rewritten(t *testing.T, page int) (b *bench, id ticket.ID, inSent mailboxtest.Arrival) {
	t.Helper()
	o := mailboxtest.FakeOptions{Capabilities: mailbox.Capabilities{FindSent: true, Waits: true}}
	b = newBench(t, o, func(c *helpdesk.Config) { c.PageSize = page })
	b.deliver(mail{from: ann, id: "1@customer.example", subject: "Lamp", text: "It does not light."})
	b.work()
	id = b.one().Ticket.ID
	b.reply(id, "Have you tried the switch?")
	b.work()
	sent := b.fake.Sent("support")[0]
	raw := bytes.Replace(sent.Raw, []byte("Message-ID: <"+sent.MessageID+">"), []byte("Message-ID: <"+theirs+">"), 1)
	if bytes.Equal(raw, sent.Raw) {
		t.Fatal("the copy has our Message-ID still")
	}
	return b, id, mailboxtest.Arrival{Raw: raw, Folder: mailboxtest.SentFolder}
}

// TestRewrittenBounce: a bounce names our mail by the id that the provider gave
// it, on the same page as the copy that tells us this id and on a later one.
func TestRewrittenBounce(t *testing.T) {
	for _, page := range []int{1, 100} {
		bubble(t, "", func(t *testing.T) {
			b, id, inSent := rewritten(t, page)
			b.fake.Put("support", inSent)
			b.deliver(mail{from: eve, id: theirs, cc: ann, subject: "Lamp", text: "The same id to catch the bounce."})
			b.fake.Deliver("support", dsn(theirs, ann, ""))
			b.work()
			conv := b.conversation(id)
			if len(conv.Messages) != 3 {
				t.Fatalf("pages of %d: %d messages", page, len(conv.Messages))
			}
			last := conv.Messages[2]
			if last.Match.Rung != ticket.RungReport || last.Match.About != conv.Messages[1].ID || last.Match.Standing != ticket.StandingReport {
				t.Errorf("pages of %d: about %s: %s", page, last.Match.About, last.Match.Explain())
			}
			if n := b.countEvents(ticket.MessageBounced); n != 1 {
				t.Errorf("%d events", n)
			}
		})
	}
}

// TestRewrittenAnswer: an answer that quotes only the id of the provider's,
// before our copy is seen, with it and after it.
func TestRewrittenAnswer(t *testing.T) {
	answer := mail{from: ann, id: "2@customer.example", reply: theirs, subject: "Re: Lamp", text: "I have."}
	for _, page := range []int{1, 100} {
		bubble(t, "after", func(t *testing.T) {
			b, id, inSent := rewritten(t, page)
			b.fake.Put("support", inSent)
			b.deliver(answer)
			b.work()
			if n := len(b.conversation(id).Messages); n != 3 || len(b.tickets()) != 1 {
				t.Errorf("pages of %d: %d messages on %d tickets", page, n, len(b.tickets()))
			}
		})
		bubble(t, "before", func(t *testing.T) {
			b, id, inSent := rewritten(t, page)
			b.deliver(answer)
			b.fake.Put("support", inSent)
			b.work()
			links := 0
			for _, x := range b.tickets() {
				if !x.Related.IsZero() {
					links++
				}
			}
			if len(b.tickets()) != 2 || links != 1 || len(b.conversation(id).Messages) != 2 {
				t.Errorf("pages of %d: %d tickets, %d links, %d messages", page, len(b.tickets()), links, len(b.conversation(id).Messages))
			}
		})
	}
}

// TestForgedStart: a new ticket in a forged name can be answered by an agent
// and by no machine.
func TestForgedStart(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		b := checked(t, hop, nil)
		b.deliver(mail{from: ann, cc: eve, id: "1@customer.example", subject: "Lamp", text: "Dark.", more: fails + border})
		b.work()
		id := b.one().Ticket.ID
		if b.acknowledge(id) == nil {
			t.Error("a machine answers a forged sender")
		}
		b.deliver(mail{from: eve, id: "2@stranger.example", reply: "1@customer.example", subject: "Re: Lamp", text: "Me too."})
		b.work()
		if n := len(b.conversation(id).Messages); n != 1 {
			t.Errorf("whom a forged mail copies is on the ticket: %d messages", n)
		}
		b.reply(id, "Was this you?")
		b.work()
		if to := b.fake.Sent("support")[0].To; len(to) != 1 || to[0] != ann {
			t.Errorf("the agent's answer goes to %v", to)
		}
	})
}

// TestReplyTo: where a reply goes that a mail asks to be sent elsewhere.
func TestReplyTo(t *testing.T) {
	to := func(addr string) string { return "Reply-To: " + addr + "\r\n" }
	for _, c := range []struct {
		name, first, second, want string
	}{
		{"who starts a ticket says where", to(eve), "", eve},
		{"a name and an id are borrowed", "", to(eve), ann},
		{"somebody else of the ticket, not yet taken in", "", to(bob), ann},
		{"whom we wrote to", to(eve), to(eve), eve},
		{"somebody who is vouched for", "", to(eve) + passes + border, eve},
	} {
		bubble(t, c.name, func(t *testing.T) {
			b := checked(t, hop, nil)
			b.deliver(mail{from: ann, cc: bob, id: "1@customer.example", subject: "Lamp", text: "Dark.", more: c.first})
			b.work()
			id := b.one().Ticket.ID
			b.reply(id, "Have you tried the switch?")
			b.work()
			if c.second != "" {
				b.deliver(mail{from: ann, id: "2@customer.example", reply: "1@customer.example", subject: "Re: Lamp", text: "Send it here.", more: c.second})
				b.work()
				b.reply(id, "Where?")
				b.work()
			}
			sent := b.fake.Sent("support")
			if got := sent[len(sent)-1].To; len(got) != 1 || got[0] != c.want {
				t.Errorf("it goes to %v, want %s", got, c.want)
			}
		})
	}
}
