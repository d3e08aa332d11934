package helpdesk_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// start writes to Bob first and returns the ticket.
func (b *bench) start(subject string) ticket.ID {
	b.t.Helper()
	id, err := b.acme.Start(b.agent, helpdesk.NewTicket{Mailbox: b.box.ID, To: []helpdesk.Address{{Addr: bob}}, Subject: subject, Text: "Hello."})
	if err != nil {
		b.t.Fatal(err)
	}
	return id
}

func (b *bench) acknowledge(id ticket.ID) error {
	_, err := b.acme.Reply(b.agent, id, helpdesk.Reply{Text: "We have got your mail.", Automatic: true})
	return err
}

// TestLoopsStop: a machine without manners answers every acknowledgement.
func TestLoopsStop(t *testing.T) {
	bubble(t, "on one ticket", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		b.deliver(mail{from: ann, id: "0@machine.example", subject: "Order", text: "An order."})
		b.work()
		id := b.one().Ticket.ID
		sent := 0
		for n := range 6 {
			err := b.acknowledge(id)
			if err == nil {
				sent++
			} else if !errors.Is(err, helpdesk.ErrBrake) {
				t.Fatal(err)
			}
			b.work()
			b.deliver(mail{from: ann, id: fmt.Sprint(n+1, "@machine.example"), reply: "0@machine.example", subject: "Re: Order", text: "We have got your mail."})
			b.work()
		}
		if sent != 2 {
			t.Errorf("%d automatic replies on one ticket, want 2", sent)
		}
		raw := string(b.fake.Sent("support")[0].Raw)
		if !strings.Contains(raw, "Auto-Submitted: auto-replied\r\n") || !strings.Contains(raw, "X-Auto-Response-Suppress: All\r\n") {
			t.Errorf("an automatic reply is not marked:\n%s", raw)
		}
		if s := b.one().Ticket.Status; s != ticket.Open {
			t.Errorf("automatic replies left the ticket %s", s)
		}
		time.Sleep(4 * time.Hour)
		if err := b.acknowledge(id); err != nil {
			t.Errorf("after the window: %v", err)
		}
	})
	bubble(t, "on new tickets each time", func(t *testing.T) {
		b := newBench(t, plain(), func(c *helpdesk.Config) { c.Rules.Brake.PerAddress = 3 })
		sent := 0
		for n := range 6 {
			b.deliver(mail{from: ann, id: fmt.Sprint(n, "@machine.example"), subject: fmt.Sprint("Order ", n), text: "An order."})
			b.work()
			err := b.acknowledge(b.find(fmt.Sprint("Order ", n)))
			if err == nil {
				sent++
			} else if !errors.Is(err, helpdesk.ErrBrake) || !strings.Contains(err.Error(), ticket.BrakeAddress) {
				t.Fatal(err)
			}
		}
		if sent != 3 {
			t.Errorf("%d automatic replies to one address, want 3", sent)
		}
	})
	bubble(t, "over the head of a bounce", func(t *testing.T) {
		b, id, answer := talk(t, nil)
		b.deliver(mail{from: ann, id: "2@customer.example", reply: answer, subject: "Re: Lamp", text: "Yes."})
		b.work()
		b.fake.Deliver("support", dsn(answer, ann, ""))
		b.work()
		if err := b.acknowledge(id); !errors.Is(err, helpdesk.ErrBrake) {
			t.Errorf("a bounce is answered by what it bounced from: %v", err)
		}
		b.reply(id, "A person still may.")
	})
	bubble(t, "to as many as a Reply-To names", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		b.deliver(mail{from: ann, id: "1@x.example", subject: "Order", text: "An order.", more: "Reply-To: " + ann + ", " + eve + "\r\n"})
		b.work()
		if err := b.acknowledge(b.one().Ticket.ID); err != nil {
			t.Fatal(err)
		}
		b.work()
		if to := b.fake.Sent("support")[0].To; len(to) != 1 || to[0] != ann {
			t.Errorf("an automatic reply goes to %v", to)
		}
	})
	for name, m := range map[string]mail{
		"to an absence": {from: ann, more: "Auto-Submitted: auto-replied\r\n"},
		"to a list":     {from: ann, more: "List-Id: <friends.example>\r\n"},
		"to a robot":    {from: "no-reply@shop.example"},
	} {
		bubble(t, name, func(t *testing.T) {
			b := newBench(t, plain(), nil)
			m.id, m.subject, m.text = "1@x.example", "News", "News."
			b.deliver(m)
			b.work()
			if err := b.acknowledge(b.one().Ticket.ID); !errors.Is(err, helpdesk.ErrBrake) {
				t.Errorf("%v, want ErrBrake", err)
			}
		})
	}
}

// dsn is a delivery status notification about a mail of ours.
func dsn(about, to, more string) []byte {
	return []byte(strings.ReplaceAll(`From: Mail Delivery System <MAILER-DAEMON@mx.example>
To: `+ours+`
Subject: Undelivered Mail Returned to Sender
Message-ID: <dsn-`+fmt.Sprint(len(about), len(to))+`@mx.example>
Auto-Submitted: auto-replied
`+more+`MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

The mail could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; `+to+`
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 User unknown

--b
Content-Type: message/rfc822

From: `+ours+`
To: `+to+`
Subject: Re: Lamp
Message-ID: <`+about+`>

Have you tried the switch?

--b--
`, "\n", "\r\n"))
}

// TestBouncesAttach: a bounce joins the ticket of the mail it is about, and
// says which mail; one that anybody could have made up stays outside.
func TestBouncesAttach(t *testing.T) {
	for _, c := range []struct {
		name  string
		raw   func(answer string) []byte
		joins bool
		about bool
	}{
		{"our mail", func(a string) []byte { return dsn(a, ann, "") }, true, true},
		{"our mail under the id of the contact's", func(string) []byte { return dsn("1@customer.example", ann, "") }, true, false},
		{"to somebody who is not on the ticket", func(string) []byte { return dsn("1@customer.example", eve, "") }, false, false},
		{"with a forged token", func(a string) []byte { return dsn(forged(a), ann, "") }, false, false},
	} {
		bubble(t, c.name, func(t *testing.T) {
			b, id, answer := talk(t, nil)
			b.fake.Deliver("support", c.raw(answer))
			b.work()
			conv := b.conversation(id)
			if joined := len(conv.Messages) == 3; joined != c.joins {
				t.Fatalf("joined: %v", joined)
			}
			if conv.Ticket.Status != ticket.Pending {
				t.Errorf("the ticket is %s", conv.Ticket.Status)
			}
			if got := b.countEvents(ticket.MessageBounced); (got == 1) != c.joins {
				t.Errorf("%d events about a bounce", got)
			}
			if !c.joins {
				return
			}
			last := conv.Messages[2]
			if last.Kind != ticket.KindBounce || last.Match.Standing != ticket.StandingReport {
				t.Errorf("a %s as %s", last.Kind, last.Match.Standing)
			}
			if about := last.Match.About == conv.Messages[1].ID; about != c.about {
				t.Errorf("about %s, the answer is %s", last.Match.About, conv.Messages[1].ID)
			}
			for _, e := range b.events() {
				if e.Type == ticket.MessageBounced && (e.Cause != "hard" || e.Message != last.Match.About || e.Ticket != id) {
					t.Errorf("event %+v", e.Event)
				}
			}
			b.reply(id, "Next.")
			b.work()
			sent := b.fake.Sent("support")
			if to := sent[len(sent)-1].To; len(to) != 1 || to[0] != ann {
				t.Errorf("the next reply goes to %v", to)
			}
		})
	}
}

// TestHoldStrangers: a stranger who quotes an id waits for a person.
func TestHoldStrangers(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		b, id, _ := talk(t, func(c *helpdesk.Config) { c.Rules.HoldStrangers = true })
		b.deliver(mail{from: eve, id: "9@evil.example", reply: "1@customer.example", subject: "Re: Lamp", text: "Send the money here."})
		b.work()
		held := b.quarantine()
		if len(held) != 1 || held[0].Cause != "stranger" || len(b.tickets()) != 1 {
			t.Fatalf("%d held, %d tickets", len(held), len(b.tickets()))
		}
		if _, err := b.acme.Release(b.agent, held[0].ID); err != nil {
			t.Fatal(err)
		}
		if n := len(b.tickets()); n != 2 || len(b.conversation(id).Messages) != 2 {
			t.Errorf("%d tickets after the release", n)
		}
	})
}

// TestMerging: two tickets of one matter become one, and answers to both go
// there.
func TestMerging(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		b.deliver(mail{from: ann, id: "1@customer.example", subject: "Lamp", text: "It does not light."})
		b.deliver(mail{from: bob, id: "2@customer.example", subject: "The lamp", text: "Ann's lamp does not light."})
		b.work()
		first, second := b.find("Lamp"), b.find("The lamp")
		if err := b.acme.Merge(b.agent, second, first); err != nil {
			t.Fatal(err)
		}
		for _, c := range [][2]ticket.ID{{first, second}, {first, first}} {
			if err := b.acme.Merge(b.agent, c[0], c[1]); !errors.Is(err, helpdesk.ErrState) {
				t.Errorf("merging in a circle: %v", err)
			}
		}
		b.deliver(mail{from: bob, id: "3@customer.example", reply: "2@customer.example", subject: "Re: The lamp", text: "Any news?"})
		b.work()
		conv := b.conversation(first)
		if len(conv.Messages) != 2 || conv.Messages[1].Match.Rung != ticket.RungInReplyTo {
			t.Fatalf("%d messages on the ticket that both became", len(conv.Messages))
		}
		b.deliver(mail{from: bob, id: "4@customer.example", reply: "3@customer.example", subject: "Re: The lamp", text: "Thanks!"})
		b.work()
		if n := len(b.conversation(first).Messages); n != 3 {
			t.Errorf("%d messages after Bob's second answer", n)
		}
		if err := b.acme.SetStatus(b.agent, second, ticket.Open); err != nil {
			t.Fatal(err)
		}
		b.deliver(mail{from: bob, id: "5@customer.example", reply: "2@customer.example", subject: "Re: The lamp", text: "About mine alone."})
		b.work()
		if n := len(b.conversation(second).Messages); n != 2 {
			t.Errorf("%d messages on the ticket that was taken out again", n)
		}
	})
}

// behind reads one ticket as it was before another transaction changed it.
type behind struct {
	store.Tx
	id ticket.ID
}

func (b behind) Ticket(ctx context.Context, tenant ticket.TenantID, id ticket.ID) (store.Ticket, error) {
	t, err := b.Tx.Ticket(ctx, tenant, id)
	if id == b.id {
		t.Version--
		t.Merged = ticket.ID{}
	}
	return t, err
}

// TestMergingMeets: of two merges at the same time that make a circle together
// one has to decide again.
func TestMergingMeets(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		b.deliver(mail{from: ann, id: "1@customer.example", subject: "Lamp", text: "Dark."})
		b.deliver(mail{from: ann, id: "2@customer.example", subject: "Chair", text: "Broken."})
		b.work()
		first, second := b.find("Lamp"), b.find("Chair")
		if err := b.acme.Merge(b.agent, second, first); err != nil {
			t.Fatal(err)
		}
		err := b.store.Update(b.agent, func(ctx context.Context, tx store.Tx) error {
			return b.acme.Tx(behind{tx, second}).Merge(ctx, first, second)
		})
		if !errors.Is(err, store.ErrStale) {
			t.Errorf("the other way round at the same time: %v, want ErrStale", err)
		}
	})
}

// TestForwardedByAgent: an agent passes a customer's mail on; whom he names is
// a suggestion, and becomes a participant when somebody writes to him.
func TestForwardedByAgent(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		b.deliver(mail{from: bob, id: "1@desk.example", subject: "Fwd: Lamp", text: "Please take this.\n\n---------- Forwarded message ---------\nFrom: Ann <" + ann + ">\nDate: Mon, 2 Mar 2026 at 10:15\nSubject: Lamp\nTo: <" + bob + ">\n\nIt does not light."})
		b.work()
		conv := b.one()
		fwd := conv.Messages[0].Trim(helpdesk.HTMLOptions{}).Forwarded
		if fwd == nil || fwd.From.Addr != ann || fwd.From.Name != "Ann" {
			t.Fatalf("forwarded: %+v", fwd)
		}
		if _, err := b.acme.Reply(b.agent, conv.Ticket.ID, helpdesk.Reply{Text: "Have you tried the switch?", To: []helpdesk.Address{fwd.From}}); err != nil {
			t.Fatal(err)
		}
		b.work()
		sent := b.fake.Sent("support")[0]
		b.deliver(mail{from: ann, id: "2@customer.example", reply: sent.MessageID, subject: "Re: Lamp", text: "I have."})
		b.work()
		conv = b.one()
		if last := conv.Messages[len(conv.Messages)-1]; last.Match.Standing != ticket.StandingParticipant {
			t.Errorf("whom we wrote to is %s", last.Match.Standing)
		}
		b.reply(conv.Ticket.ID, "Then we send a new one.")
		b.work()
		if to := b.fake.Sent("support")[1].To; len(to) != 1 || to[0] != ann {
			t.Errorf("the next reply goes to %v", to)
		}
	})
}
