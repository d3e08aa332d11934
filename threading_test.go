package helpdesk_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// talk is a ticket with a mail of Ann's and our answer to it.
func talk(t *testing.T, edit func(*helpdesk.Config)) (b *bench, id ticket.ID, answer string) {
	t.Helper()
	o := plain()
	o.FilesSent = true
	b = newBench(t, o, edit)
	b.deliver(mail{from: ann, cc: bob, id: "1@customer.example", subject: "Lamp", text: "It does not light."})
	b.work()
	id = b.one().Ticket.ID
	b.reply(id, "Have you tried the switch?")
	b.work()
	return b, id, b.fake.Sent("support")[0].MessageID
}

// forged turns one letter of a token's signature.
func forged(id string) string {
	b := []byte(id)
	b[40] = 'a' + (b[40]-'a'+1)%2
	return string(b)
}

// TestThreading: each mail after the talk, where it goes, and as whom.
func TestThreading(t *testing.T) {
	const own = mailboxtest.SentFolder
	for _, c := range []struct {
		name     string
		m        func(answer string) mail
		folder   string
		joins    bool
		rung     ticket.Rung
		standing ticket.Standing
		status   ticket.Status // of the talk, afterwards
		to       string        // whom the next reply goes to
	}{
		{"our token", func(a string) mail { return mail{from: ann, reply: a} }, "", true, ticket.RungToken, ticket.StandingParticipant, ticket.Open, ann},
		{"the token in upper case", func(a string) mail { return mail{from: ann, reply: strings.ToUpper(a)} }, "", true, ticket.RungToken, ticket.StandingParticipant, ticket.Open, ann},
		{"in-reply-to", func(string) mail { return mail{from: ann, reply: "1@customer.example"} }, "", true, ticket.RungInReplyTo, ticket.StandingParticipant, ticket.Open, ann},
		{"references", func(string) mail { return mail{from: ann, refs: []string{"1@customer.example", "x@y"}} }, "", true, ticket.RungReferences, ticket.StandingParticipant, ticket.Open, ann},
		{"a stranger who quotes ids", func(string) mail { return mail{from: eve, reply: "1@customer.example"} }, "", false, ticket.RungNone, ticket.StandingParticipant, ticket.Pending, ann},
		{"a stranger with our token", func(a string) mail { return mail{from: eve, reply: a} }, "", true, ticket.RungToken, ticket.StandingPending, ticket.Open, ann},
		{"a stranger with a forged token", func(a string) mail { return mail{from: eve, reply: forged(a)} }, "", false, ticket.RungNone, ticket.StandingParticipant, ticket.Pending, ann},
		{"a colleague in copy", func(string) mail { return mail{from: bob, reply: "1@customer.example"} }, "", true, ticket.RungInReplyTo, ticket.StandingPending, ticket.Open, ann},
		{"an answer by subject alone", func(string) mail { return mail{from: ann, subject: "SV: Lamp"} }, "", true, ticket.RungSubject, ticket.StandingParticipant, ticket.Open, ann},
		{"the same subject, no answer", func(string) mail { return mail{from: ann, subject: "Lamp"} }, "", false, ticket.RungNone, ticket.StandingParticipant, ticket.Pending, ann},
		{"a stranger's answer by subject", func(string) mail { return mail{from: eve, subject: "Re: Lamp"} }, "", false, ticket.RungNone, ticket.StandingParticipant, ticket.Pending, ann},
		{"an auto-reply", func(a string) mail { return mail{from: ann, reply: a, more: "Auto-Submitted: auto-replied\r\n"} }, "", true, ticket.RungToken, ticket.StandingParticipant, ticket.Pending, ann},
		{"a bounce", func(a string) mail { return mail{from: "MAILER-DAEMON@customer.example", refs: []string{a}} }, "", true, ticket.RungToken, ticket.StandingReport, ticket.Pending, ann},
		{"sent from Outlook", func(string) mail { return mail{from: ours, to: ann, reply: "1@customer.example"} }, own, true, ticket.RungInReplyTo, ticket.StandingOwn, ticket.Pending, ann},
	} {
		bubble(t, c.name, func(t *testing.T) {
			b, id, answer := talk(t, nil)
			m := c.m(answer)
			m.id, m.text = "3@somewhere.example", "More."
			if m.subject == "" {
				m.subject = "Re: Lamp"
			}
			b.fake.Put("support", mailboxtest.Arrival{Raw: m.raw(), Folder: c.folder})
			b.work()
			conv := b.conversation(id)
			if c.joins != (len(conv.Messages) == 3) || conv.Ticket.Status != c.status {
				t.Fatalf("%d messages on the ticket, which is %s", len(conv.Messages), conv.Ticket.Status)
			}
			last := conv.Messages[len(conv.Messages)-1]
			if !c.joins {
				ts := b.tickets()
				i := slices.IndexFunc(ts, func(x helpdesk.Ticket) bool { return x.ID != id })
				other := b.conversation(ts[i].ID)
				last = other.Messages[0]
				quotes := strings.Contains(c.name, "quotes")
				if (other.Ticket.Related == id) != quotes {
					t.Errorf("related to the talk: %v", other.Ticket.Related == id)
				}
			}
			if last.Match.Rung != c.rung || last.Match.Standing != c.standing {
				t.Errorf("by %s as %s: %s", last.Match.Rung, last.Match.Standing, last.Match.Explain())
			}
			if c.folder == own && (last.Direction != ticket.Out || last.By.Role != ticket.RoleAgent) {
				t.Errorf("an agent's mail is %s by %s", last.Direction, last.By.Role)
			}
			b.reply(id, "Next.")
			b.work()
			sent := b.fake.Sent("support")
			if to := sent[len(sent)-1].To; !slices.Equal(to, []string{c.to}) {
				t.Errorf("the next reply goes to %v, want %s", to, c.to)
			}
		})
	}
}

// TestOwnMailNeverDoubles: our mail that comes back, however it does.
func TestOwnMailNeverDoubles(t *testing.T) {
	bubble(t, "in the inbox and under other ids", func(t *testing.T) {
		b, id, _ := talk(t, nil)
		raw := b.fake.Sent("support")[0].Raw
		b.fake.Deliver("support", raw)
		b.fake.Put("support", mailboxtest.Arrival{Raw: raw, Folder: mailboxtest.SentFolder})
		b.work()
		b.fake.ExpireCursor("support")
		b.work()
		if n := len(b.conversation(id).Messages); n != 2 || len(b.tickets()) != 1 {
			t.Errorf("%d messages on %d tickets", n, len(b.tickets()))
		}
	})
	bubble(t, "mail to self", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		_, err := b.acme.Start(b.agent, helpdesk.NewTicket{Mailbox: b.box.ID, To: []helpdesk.Address{{Addr: ours}}, Subject: "x", Text: "x"})
		if !errors.Is(err, helpdesk.ErrNoRecipient) {
			t.Errorf("writing to ourselves: %v", err)
		}
		b.deliver(mail{from: ours, id: "self@desk.example", subject: "A note to us", text: "From the phone."})
		b.work()
		if n := len(b.tickets()); n != 1 {
			t.Errorf("%d tickets of a mail to ourselves", n)
		}
	})
}

// TestAnyOrder: an answer that arrives before what it answers, on one page and
// on several.
func TestAnyOrder(t *testing.T) {
	thread := []mail{
		{from: ann, id: "a@customer.example", subject: "Lamp", text: "One."},
		{from: ann, id: "b@customer.example", reply: "a@customer.example", refs: []string{"a@customer.example"}, subject: "Re: Lamp", text: "Two."},
		{from: ann, id: "c@customer.example", reply: "b@customer.example", refs: []string{"a@customer.example", "b@customer.example"}, subject: "Re: Lamp", text: "Three."},
	}
	for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		for _, page := range []int{1, 2, 100} {
			bubble(t, "", func(t *testing.T) {
				b := newBench(t, plain(), func(c *helpdesk.Config) { c.PageSize = page })
				for _, n := range order {
					b.deliver(thread[n])
				}
				b.work()
				if c := b.one(); len(c.Messages) != 3 {
					t.Errorf("order %v, pages of %d: %d messages together", order, page, len(c.Messages))
				}
			})
		}
	}
	bubble(t, "a backfill, newest first", func(t *testing.T) {
		b := unconnected(t, plain(), func(c *helpdesk.Config) { c.PageSize = 1 })
		for n, m := range thread {
			b.fake.DeliverAt("support", m.raw(), time.Now().Add(time.Duration(n-10)*time.Hour))
		}
		o := helpdesk.ConnectOptions{}
		o.Intake.Since = time.Now().Add(-24 * time.Hour)
		b.connect(o)
		b.patiently(time.Minute)
		if c := b.one(); len(c.Messages) != 3 || c.Ticket.Status != ticket.Closed {
			t.Errorf("%d messages together, %s", len(c.Messages), c.Ticket.Status)
		}
	})
}

// TestOneAddressManySpellings: who writes his address another way is the same
// person, to answers and to bounces.
func TestOneAddressManySpellings(t *testing.T) {
	for _, c := range [][2]string{
		{"ann@bücher.example", "ann@xn--bcher-kva.example"},
		{"ann@xn--bcher-kva.example", "ann@BÜCHER.example"},
		{"ann@bücher.example", "Ann@bu\u0308cher.example."},
		{"ann@customer.example", "ANN@Customer.Example"},
	} {
		bubble(t, c[1], func(t *testing.T) {
			b := newBench(t, plain(), nil)
			b.deliver(mail{from: c[0], id: "1@customer.example", subject: "Lamp", text: "Dark."})
			b.work()
			b.deliver(mail{from: c[1], id: "2@customer.example", reply: "1@customer.example", subject: "Re: Lamp", text: "More."})
			b.deliver(mail{from: c[1], id: "3@customer.example", subject: "Re: Lamp", text: "And more."})
			b.fake.Deliver("support", dsn("1@customer.example", c[1], ""))
			b.work()
			if conv := b.one(); len(conv.Messages) != 4 {
				t.Errorf("%d messages on the ticket", len(conv.Messages))
			}
		})
	}
	bubble(t, "alike is not the same", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		b.deliver(mail{from: "ann@bücher.example", id: "1@customer.example", subject: "Lamp", text: "Dark."})
		b.work()
		b.deliver(mail{from: "ann@bucher.example", id: "2@customer.example", reply: "1@customer.example", subject: "Re: Lamp", text: "Dark."})
		b.work()
		if n := len(b.tickets()); n != 2 {
			t.Errorf("%d tickets", n)
		}
	})
}

// TestBackfillWindows: an old conversation is taken in as one, whatever the
// window for reopening tickets is today.
func TestBackfillWindows(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		b := unconnected(t, plain(), func(c *helpdesk.Config) {
			c.PageSize = 1
			c.Rules.ReopenWithin = 24 * time.Hour
		})
		month := time.Now().Add(-30 * 24 * time.Hour)
		b.fake.DeliverAt("support", mail{from: ann, id: "1@customer.example", subject: "Lamp", text: "One."}.raw(), month)
		b.fake.DeliverAt("support", mail{from: ann, id: "2@customer.example", reply: "1@customer.example", subject: "Re: Lamp", text: "Two."}.raw(), month.Add(time.Hour))
		o := helpdesk.ConnectOptions{}
		o.Intake.Since = month.Add(-time.Hour)
		b.connect(o)
		b.patiently(time.Minute)
		if c := b.one(); len(c.Messages) != 2 {
			t.Errorf("%d messages together", len(c.Messages))
		}
	})
}

func TestReopening(t *testing.T) {
	for _, c := range []struct {
		name  string
		rules ticket.Rules
		wait  time.Duration
		more  string
		joins bool
		after ticket.Status
	}{
		{"soon", ticket.Rules{ReopenWithin: time.Hour}, time.Minute, "", true, ticket.Open},
		{"too late", ticket.Rules{ReopenWithin: time.Hour}, 2 * time.Hour, "", false, ticket.Closed},
		{"for ever", ticket.Rules{}, 1000 * time.Hour, "", true, ticket.Open},
		{"an auto-reply", ticket.Rules{}, time.Minute, "Auto-Submitted: auto-generated\r\n", true, ticket.Closed},
	} {
		bubble(t, c.name, func(t *testing.T) {
			b, id, answer := talk(t, func(cfg *helpdesk.Config) { cfg.Rules = c.rules })
			if err := b.acme.SetStatus(b.agent, id, ticket.Closed); err != nil {
				t.Fatal(err)
			}
			time.Sleep(c.wait)
			b.deliver(mail{from: ann, id: "9@customer.example", reply: answer, subject: "Re: Lamp", text: "Still dark.", more: c.more})
			b.work()
			conv := b.conversation(id)
			if (len(conv.Messages) == 3) != c.joins || conv.Ticket.Status != c.after {
				t.Errorf("%d messages, %s", len(conv.Messages), conv.Ticket.Status)
			}
			for _, tk := range b.tickets() {
				if tk.ID != id && (tk.Related != id || tk.Status != ticket.Open) {
					t.Errorf("the new ticket is %s and related to %s", tk.Status, tk.Related)
				}
			}
		})
	}
}
