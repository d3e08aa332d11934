package helpdesk_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// TestReviewRefusedPurposeIsLogged: asking for content for a purpose that is
// always refused is what an access log is for. Each verb that reads leaves an
// entry that says who asked, for what, and that he was refused.
func TestReviewRefusedPurposeIsLogged(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		b, x := furnished(t, nil)
		for name, v := range verbs {
			if !v.opens {
				continue
			}
			for _, purpose := range []privacy.Purpose{privacy.Advertising, privacy.Sale, privacy.ModelTraining} {
				before := len(b.accesses())
				err := v.call(privacy.As(t.Context(), privacy.Agent("mallory"), purpose), b.acme, x)
				if !errors.Is(err, helpdesk.ErrDenied) {
					t.Errorf("%s for %s: %v, want ErrDenied", name, purpose, err)
				}
				added := b.accesses()[before:]
				if len(added) == 0 {
					t.Errorf("%s for %s left no entry", name, purpose)
				}
				for _, e := range added {
					if !e.Refused || e.Principal != privacy.Agent("mallory") || e.Purpose != purpose || e.Operation == "" {
						t.Errorf("%s for %s was logged as %+v", name, purpose, e)
					}
				}
			}
		}
	})
	bubble(t, "and not even refused when it cannot be logged", func(t *testing.T) {
		broken := false
		b, x := furnished(t, func(c *helpdesk.Config) {
			c.AccessLog = &brokenLog{c.Store.(*faulty).AccessLog(), &broken}
		})
		broken = true
		_, err := b.acme.Conversation(privacy.As(t.Context(), privacy.Agent("mallory"), privacy.Sale), x.ticket, 0)
		if !errors.Is(err, helpdesk.ErrAccessLog) {
			t.Errorf("%v, want ErrAccessLog", err)
		}
	})
}

// sentTo are the recipients of the only mail sent, sorted.
func (b *bench) sentTo() []string {
	b.t.Helper()
	s := b.fake.Sent("support")
	if len(s) != 1 {
		b.t.Fatalf("%d mails sent, want 1", len(s))
	}
	return slices.Sorted(slices.Values(s[0].To))
}

// TestReviewOwnAddressIsNoRecipient: mailing lists and forms set Reply-To to the
// address they write to. Answering ourselves helps nobody: the sender is
// answered, and our own addresses with a tag are ours as well.
func TestReviewOwnAddressIsNoRecipient(t *testing.T) {
	const tagged, shouted = "support+lamps@desk.example", "Support@Desk.Example"
	for _, replyTo := range []string{ours, tagged, shouted, ours + ", " + tagged} {
		bubble(t, "Reply-To "+replyTo, func(t *testing.T) {
			b := newBench(t, plain(), nil)
			m := numbered(0)
			m.more = "Reply-To: " + replyTo + "\r\n"
			b.deliver(m)
			b.work()
			b.reply(b.tickets()[0].ID, "An answer.")
			b.work()
			if to := b.sentTo(); !slices.Equal(to, []string{ann}) {
				t.Errorf("sent to %q, want the sender", to)
			}
		})
	}
	bubble(t, "Reply-To us and somebody else", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		m := numbered(0)
		m.more = "Reply-To: " + tagged + ", " + bob + "\r\n"
		b.deliver(m)
		b.work()
		b.reply(b.tickets()[0].ID, "An answer.")
		b.work()
		if to := b.sentTo(); !slices.Equal(to, []string{bob}) {
			t.Errorf("sent to %q, want the other one", to)
		}
	})
	bubble(t, "copied by the agent", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		b.deliver(numbered(0))
		b.work()
		r := helpdesk.Reply{Text: "An answer.", Cc: []helpdesk.Address{{Addr: tagged}, {Addr: bob}}, Bcc: []helpdesk.Address{{Addr: shouted}}}
		if _, err := b.acme.Reply(b.agent, b.tickets()[0].ID, r); err != nil {
			t.Fatal(err)
		}
		b.work()
		if to := b.sentTo(); !slices.Equal(to, []string{ann, bob}) {
			t.Errorf("sent to %q, want the customers", to)
		}
		_, err := b.acme.Reply(b.agent, b.tickets()[0].ID, helpdesk.Reply{Text: "x", To: []helpdesk.Address{{Addr: tagged}}})
		if !errors.Is(err, helpdesk.ErrNoRecipient) {
			t.Errorf("to ourselves alone: %v, want ErrNoRecipient", err)
		}
	})
}

// TestReviewStrangerHidesNobody: somebody who was only copied may write to the
// ticket as often as he likes; the person to answer stays the customer.
func TestReviewStrangerHidesNobody(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		m := numbered(0)
		m.cc = eve
		b.deliver(m)
		b.work()
		for n := range 51 {
			b.deliver(mail{from: eve, id: fmt.Sprintf("e%d@stranger.example", n), reply: "n0@customer.example", subject: "Re: Number 0", text: "Me too."})
		}
		b.work()
		c := b.one()
		if n := len(c.Messages); n != 52 || c.Messages[51].Match.Standing != ticket.StandingPending {
			t.Fatalf("%d messages, want 52 with those of a pending stranger", n)
		}
		b.reply(c.Ticket.ID, "An answer.")
		b.work()
		if to := b.sentTo(); !slices.Equal(to, []string{ann}) {
			t.Errorf("sent to %q, want the customer", to)
		}
	})
}

// TestReviewDeliveriesOfLongConversation: a ticket with more replies than fit in
// a page shows how far each of them got, on the pages after the first as well.
func TestReviewDeliveriesOfLongConversation(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		b.deliver(numbered(0))
		b.work()
		id := b.tickets()[0].ID
		const replies = 230
		for range replies {
			b.reply(id, "An answer.")
			time.Sleep(time.Millisecond)
		}
		b.work()
		var after int64
		shown := 0
		for more := true; more; {
			c, err := b.acme.Conversation(b.agent, id, after)
			if err != nil || len(c.Messages) == 0 {
				t.Fatalf("%d messages, %v", len(c.Messages), err)
			}
			for _, m := range c.Messages {
				after = m.Seq
				if m.Direction != ticket.Out {
					continue
				}
				shown++
				if m.Delivery == nil || m.Delivery.Message != m.ID || m.Delivery.State != ticket.Sent {
					t.Fatalf("reply %d shows the delivery %+v", m.Seq, m.Delivery)
				}
			}
			more = c.More
		}
		if shown != replies {
			t.Errorf("%d replies shown, want %d", shown, replies)
		}
	})
}
