package helpdesk_test

import (
	"slices"
	"testing"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/mailbox/rfc822"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// hop is the name under which the provider of these tests signs its results.
const hop = "mx.desk.example"

// checked is a bench whose provider checks senders, or not when id is empty.
func checked(t *testing.T, id string, edit func(*helpdesk.Config)) *bench {
	t.Helper()
	b := unconnected(t, plain(), edit)
	a := b.account()
	a.AuthservID = id
	var err error
	if b.box, err = b.acme.Connect(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	return b
}

const (
	border     = "Received: from out.customer.example by mx.desk.example with ESMTPS\r\n"
	passes     = "Authentication-Results: mx.desk.example; spf=pass; dkim=pass; dmarc=pass header.from=customer.example\r\n"
	fails      = "Authentication-Results: mx.desk.example; spf=softfail; dmarc=fail header.from=customer.example\r\n"
	otherFrom  = "Authentication-Results: mx.desk.example; dmarc=pass header.from=stranger.example\r\n"
	elsewhere  = "Received: from pc by out.customer.example with ESMTP\r\n"
	secondFrom = "From: " + eve + "\r\n"
)

// TestAuthenticity: a mail that claims to be Ann's and quotes her first one,
// under each thing that can stand in its header about her.
func TestAuthenticity(t *testing.T) {
	for _, c := range []struct {
		name, id, more string
		token          bool // it quotes an id of ours, which proves something, and not one of hers
		joins          bool
		standing       ticket.Standing
		dmarc          string
	}{
		{"passes", hop, passes + border, false, true, ticket.StandingParticipant, "pass"},
		{"fails", hop, fails + border, false, false, ticket.StandingUnverified, "fail"},
		{"fails, with our token", hop, fails + border, true, true, ticket.StandingUnverified, "fail"},
		{"fails, and the attacker wrote a pass below", hop, fails + border + passes, false, false, ticket.StandingUnverified, "fail"},
		{"attacker's fail below", hop, passes + border + elsewhere + fails, false, true, ticket.StandingParticipant, "pass"},
		{"attacker's pass below a hop that says nothing", hop, border + elsewhere + passes, false, true, ticket.StandingParticipant, ""},
		{"of another provider", hop, "Authentication-Results: mx.evil.example; dmarc=fail\r\n" + border, false, true, ticket.StandingParticipant, ""},
		{"nobody is believed", "", fails + border, false, true, ticket.StandingParticipant, ""},
		{"passes for another sender", hop, otherFrom + border, false, false, ticket.StandingUnverified, "pass"},
		{"passes, but there are two senders", hop, passes + border + secondFrom, false, false, ticket.StandingUnverified, "pass"},
		{"two senders, with our token", hop, passes + border + secondFrom, true, true, ticket.StandingPending, "pass"},
	} {
		bubble(t, c.name, func(t *testing.T) {
			b := checked(t, c.id, nil)
			b.deliver(mail{from: ann, id: "1@customer.example", subject: "Lamp", text: "Dark."})
			b.work()
			talk := b.one().Ticket.ID
			b.reply(talk, "Have you tried the switch?")
			b.work()
			m := mail{from: ann, id: "2@customer.example", reply: "1@customer.example", subject: "Re: Lamp", text: "More.", more: c.more}
			if c.token {
				m.reply = b.fake.Sent("support")[0].MessageID
			}
			b.deliver(m)
			b.work()
			conv := b.conversation(talk)
			if c.joins != (len(conv.Messages) == 3) {
				t.Fatalf("%d messages on the ticket", len(conv.Messages))
			}
			last := conv.Messages[len(conv.Messages)-1]
			if !c.joins {
				ts := b.tickets()
				other := b.conversation(ts[slices.IndexFunc(ts, func(x helpdesk.Ticket) bool { return x.ID != talk })].ID)
				last = other.Messages[0]
				if other.Ticket.Related != talk {
					t.Error("the new ticket does not name the one it is about")
				}
			}
			if last.Match.Standing != c.standing || last.Auth.DMARC != c.dmarc {
				t.Errorf("as %s with DMARC %q: %s", last.Match.Standing, last.Auth.DMARC, last.Match.Explain())
			}
			if (c.dmarc != "") != (last.Auth.Source == "header") {
				t.Errorf("the results come from %q", last.Auth.Source)
			}
		})
	}
}

// TestAmbiguousSender: who is one of several senders is no known contact, and an
// agent can answer him all the same.
func TestAmbiguousSender(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		b.deliver(mail{from: ann, id: "1@customer.example", subject: "Lamp", text: "Dark."})
		b.work()
		known := b.one().Ticket
		b.deliver(mail{from: ann + ", " + eve, id: "2@customer.example", subject: "Ladder", text: "Short."})
		b.work()
		ladder := b.conversation(b.find("Ladder"))
		m := ladder.Messages[0]
		if !m.Contact.IsZero() || m.Contact == known.Contact || ladder.Ticket.Contact == known.Contact {
			t.Errorf("contact %s, the known one is %s", m.Contact, known.Contact)
		}
		if !slices.Contains(m.Auth.Warnings, ticket.WarnSeveralFrom) || len(m.From) != 2 {
			t.Errorf("from %d senders, warnings %v", len(m.From), m.Auth.Warnings)
		}
		_, err := b.acme.Reply(b.agent, ladder.Ticket.ID, helpdesk.Reply{Text: "Which?", To: []helpdesk.Address{{Addr: eve}}})
		if err != nil {
			t.Error(err)
		}
	})
}

// TestLookAlikes: the mailbox's own domain is compared at intake, the people of
// a conversation when it is opened.
func TestLookAlikes(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		b, id, answer := talk(t, nil)
		b.deliver(mail{from: "ann@custorner.example", id: "2@custorner.example", reply: answer, subject: "Re: Lamp", text: "New account, please."})
		b.deliver(mail{from: "boss@desk-example.test", id: "3@x.test", subject: "Urgent", text: "Gift cards."})
		b.work()
		conv := b.conversation(id)
		for i, want := range []bool{false, false, true} {
			if got := slices.Contains(conv.Messages[i].Auth.Warnings, ticket.WarnLookAlike); got != want {
				t.Errorf("message %d is a look-alike: %v", i, got)
			}
		}
		if w := b.conversation(b.find("Urgent")).Messages[0].Auth.Warnings; !slices.Equal(w, []string{ticket.WarnLookAlike}) {
			t.Errorf("of our own domain: %v", w)
		}
	})
}

// TestReleasedIsChecked: a mail that was held is read under the same trust.
func TestReleasedIsChecked(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		b := checked(t, hop, nil)
		b.deliver(mail{from: ann, id: "1@customer.example", subject: "Lamp", text: "Dark."})
		b.work()
		talk := b.one().Ticket.ID
		b.desk.SetParse(func([]byte) ticket.Inbound { panic("a bug of the parser") })
		b.deliver(mail{from: ann, id: "2@customer.example", reply: "1@customer.example", subject: "Forged", text: "Pay.", more: fails + border})
		b.work()
		held := b.quarantine()
		if len(held) != 1 {
			t.Fatalf("%d held", len(held))
		}
		b.desk.SetParseWith(rfc822.ParseWith)
		if _, err := b.acme.Reprocess(b.agent, held[0].ID); err != nil {
			t.Fatal(err)
		}
		if n := len(b.conversation(talk).Messages); n != 1 {
			t.Errorf("%d messages on the ticket", n)
		}
		if m := b.conversation(b.find("Forged")).Messages[0]; m.Auth.DMARC != "fail" {
			t.Errorf("%+v", m.Auth)
		}
	})
}
