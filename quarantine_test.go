package helpdesk_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// poisonous is a provider some of whose mails never arrive.
type poisonous struct {
	mailbox.Provider
	bad   map[string]bool
	how   func() error
	tries map[string]int
}

func (p *poisonous) Open(ctx context.Context, s mailbox.Session) (mailbox.Conn, error) {
	c, err := p.Provider.Open(ctx, s)
	return &poisonConn{c, p}, err
}

type poisonConn struct {
	mailbox.Conn
	p *poisonous
}

func (c *poisonConn) Fetch(ctx context.Context, it mailbox.Item, max int64) (mailbox.Raw, error) {
	c.p.tries[it.ID]++
	if c.p.bad[it.ID] {
		return mailbox.Raw{}, c.p.how()
	}
	return c.Conn.Fetch(ctx, it, max)
}

func newPoisoned(t *testing.T, how func() error) (*bench, *poisonous) {
	var p *poisonous
	b := newBench(t, mailboxtest.FakeOptions{}, func(c *helpdesk.Config) {
		p = &poisonous{Provider: c.Providers[0], bad: map[string]bool{}, how: how, tries: map[string]int{}}
		c.Providers[0] = p
		c.PageSize = 10
	})
	return b, p
}

func TestPoisonMails(t *testing.T) {
	transient := func() error { return &mailbox.Error{Op: "fetch", Kind: mailbox.Transient} }
	for _, c := range []struct {
		name string
		bad  []int
		how  func() error
	}{
		{"the first", []int{0}, transient},
		{"one in the middle", []int{5}, transient},
		{"the last", []int{11}, transient},
		{"three in a row", []int{0, 1, 2}, transient},
		{"six in a row", []int{0, 1, 2, 3, 4, 5}, transient},
		{"refused for ever", []int{3}, func() error { return &mailbox.Error{Op: "fetch", Kind: mailbox.Permanent} }},
		{"the driver panics on it", []int{3}, func() error { panic("boom") }},
	} {
		bubble(t, c.name, func(t *testing.T) {
			b, p := newPoisoned(t, c.how)
			var ids []string
			for n := range 12 {
				ids = append(ids, b.deliver(numbered(n)))
			}
			for _, n := range c.bad {
				p.bad[ids[n]] = true
			}
			b.patiently(4 * time.Hour)
			held := b.quarantine()
			if len(b.tickets()) != 12-len(c.bad) || len(held) != len(c.bad) {
				t.Fatalf("%d tickets and %d in quarantine of 12 mails, %d bad", len(b.tickets()), len(held), len(c.bad))
			}
			for _, n := range c.bad {
				// The page was tried five times; of several bad ones the later
				// get fewer tries of their own.
				if most := p.tries[ids[n]]; most < 2 || n == c.bad[0] && most < 5 {
					t.Errorf("mail %d was given up after %d tries", n, p.tries[ids[n]])
				}
			}
			if held[0].Cause != "fetch-failed" || held[0].HasRaw || held[0].State != store.Held {
				t.Errorf("held as %+v", held[0])
			}
			if h := b.health(); h.State != store.HealthOK {
				t.Errorf("health %+v", h)
			}
			p.bad = nil
			for _, q := range held {
				if _, err := b.acme.Reprocess(b.agent, q.ID); err != nil {
					t.Errorf("Reprocess: %v", err)
				}
			}
			b.wantNumbered(12)
		})
	}
}

// TestOutageIsNoPoison: a provider that lists but gives nothing out for a while
// must not fill the quarantine with good mails.
func TestOutageIsNoPoison(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		b.fake.Inject(mailboxtest.Fault{Op: mailboxtest.OpFetch, Kind: mailboxtest.FaultServerError, Times: -1})
		for n := range 10 {
			b.deliver(numbered(n))
		}
		b.patiently(15 * time.Minute)
		if q := b.quarantine(); len(q) != 0 {
			t.Errorf("%d good mails in quarantine after a quarter of an hour", len(q))
		}
		b.fake.Heal()
		b.patiently(30 * time.Minute)
		b.wantNumbered(10)
	})
	bubble(t, "a long outage of everything, then one cut", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		b.deliver(numbered(0))
		b.fake.Inject(mailboxtest.Fault{Op: mailboxtest.OpOpen, Kind: mailboxtest.FaultServerError, Times: -1})
		b.patiently(time.Hour)
		b.fake.Heal()
		b.fake.Inject(mailboxtest.Fault{Op: mailboxtest.OpFetch, Kind: mailboxtest.FaultCutBefore})
		b.patiently(time.Hour)
		b.wantNumbered(1)
		b.fired(mailboxtest.OpFetch, mailboxtest.FaultCutBefore)
	})
}

func TestTooLarge(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		b := newBench(t, plain(), func(c *helpdesk.Config) { c.MaxMail = 4 << 10 })
		big := numbered(0)
		big.text = strings.Repeat("A line of text.\r\n", 1000)
		b.deliver(big)
		b.deliver(numbered(1))
		b.work()
		held := b.quarantine()
		if len(b.tickets()) != 1 || len(held) != 1 || held[0].Cause != "too-large" || held[0].Size < 16000 {
			t.Fatalf("%d tickets, held %+v", len(b.tickets()), held)
		}
		if n := len(b.fake.Transferred("support")); n != 1 {
			t.Errorf("%d mails were transferred, want 1", n)
		}
		_, err := b.acme.Release(b.agent, held[0].ID)
		if mailbox.KindOf(err) != mailbox.TooLarge || helpdesk.HTTPStatus(err) != 413 {
			t.Errorf("Release: %v", err)
		}
		if _, err := b.acme.QuarantinedRaw(b.agent, held[0].ID); !errors.Is(err, helpdesk.ErrNotFound) {
			t.Errorf("QuarantinedRaw: %v", err)
		}
		roomy := b.newDesk(nil).Tenant("acme")
		id, err := roomy.Release(b.agent, held[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		if raw, err := b.acme.Raw(b.agent, id); err != nil || !bytes.Equal(raw, big.raw()) {
			t.Errorf("released as %d bytes, %v", len(raw), err)
		}
		b.wantNumbered(2)
	})
}

// refuseMail refuses what is written about the nth new provider id.
func refuseMail(ids ...string) func(store.Changes) error {
	return func(c store.Changes) error {
		for _, m := range c.Messages {
			if slices.Contains(ids, m.Provenance.ProviderID) {
				return fmt.Errorf("test: %w", store.ErrRejected)
			}
		}
		return nil
	}
}

func TestRejectedByTheStore(t *testing.T) {
	bubble(t, "narrowed to the single mail", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		var ids []string
		for n := range 20 {
			ids = append(ids, b.deliver(numbered(n)))
		}
		b.store.set(func(s *faulty) { s.refuse = refuseMail(ids[0], ids[7], ids[19]) })
		b.work()
		held := b.quarantine()
		if len(b.tickets()) != 17 || len(held) != 3 || held[0].Cause != "rejected" || !held[0].HasRaw {
			t.Fatalf("%d tickets, %d held", len(b.tickets()), len(held))
		}
		if n := len(b.fake.FetchedIDs("support")); n != 20 {
			t.Errorf("%d fetches of 20 mails", n)
		}
		var raws []string
		for _, q := range held {
			raw, err := b.acme.QuarantinedRaw(b.agent, q.ID)
			if err != nil {
				t.Fatal(err)
			}
			raws = append(raws, string(raw))
		}
		for _, n := range []int{0, 7, 19} {
			if !slices.Contains(raws, string(numbered(n).raw())) {
				t.Errorf("mail %d is not held as it was", n)
			}
		}
		if _, err := b.acme.Reprocess(b.agent, held[0].ID); !errors.Is(err, helpdesk.ErrState) {
			t.Errorf("Reprocess: %v, want ErrState", err)
		}
		if q := b.quarantine(); q[0].State != store.Held {
			t.Errorf("a failed Reprocess left it %s", q[0].State)
		}
		b.store.set(func(s *faulty) { s.refuse = nil })
		id, err := b.acme.Reprocess(b.agent, held[0].ID)
		if err != nil || b.quarantine()[0].State != store.Released || b.quarantine()[0].Message != id {
			t.Fatalf("Reprocess: %v, %+v", err, b.quarantine()[0])
		}
		if _, err := b.acme.Release(b.agent, held[0].ID); !errors.Is(err, helpdesk.ErrState) {
			t.Errorf("a second release: %v", err)
		}
		forced, err := b.acme.Release(b.agent, held[1].ID)
		if err != nil {
			t.Fatal(err)
		}
		if raw, err := b.acme.Raw(b.agent, forced); err != nil || string(raw) != raws[1] {
			t.Errorf("released raw: %d bytes, %v", len(raw), err)
		}
		if b.countEvents(ticket.MailQuarantined) != 3 || b.countEvents(ticket.MailReleased) != 2 {
			t.Errorf("%d and %d events", b.countEvents(ticket.MailQuarantined), b.countEvents(ticket.MailReleased))
		}
		b.fake.ExpireCursor("support")
		b.work()
		if len(b.tickets()) != 19 || len(b.quarantine()) != 3 {
			t.Errorf("a resynchronisation brought it back: %d tickets, %d held", len(b.tickets()), len(b.quarantine()))
		}
	})
	bubble(t, "a hook that says so is no reason", func(t *testing.T) {
		angry := true
		b := newBench(t, plain(), func(c *helpdesk.Config) {
			c.OnEvent = func(_ context.Context, _ store.Tx, e ticket.Event) error {
				if angry && e.Type == ticket.MessageReceived {
					return store.ErrRejected
				}
				return nil
			}
		})
		b.deliver(numbered(0))
		b.work()
		if h := b.health(); len(b.quarantine()) != 0 || h.State != store.HealthBroken || h.Cause != "hook" {
			t.Errorf("%d held, health %+v", len(b.quarantine()), h)
		}
		angry = false
		b.patiently(time.Minute)
		b.wantNumbered(1)
	})
}

// TestReleaseAsksLeave: taking a mail out reads it, so whoever may not read it
// may not take it out, wherever the mail is.
func TestReleaseAsksLeave(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		mallory := privacy.As(t.Context(), privacy.Agent("mallory"), privacy.Support)
		b := newBench(t, plain(), func(c *helpdesk.Config) {
			c.MaxMail = 2 << 10
			c.Authorize = func(_ context.Context, r privacy.Request) error {
				if r.Principal.ID == "mallory" {
					return errors.New("no")
				}
				return nil
			}
		})
		big := numbered(0)
		big.text = strings.Repeat("A line of text.\r\n", 1000)
		b.deliver(big)
		id := b.deliver(numbered(1))
		b.store.set(func(s *faulty) { s.refuse = refuseMail(id) })
		b.work()
		b.store.set(func(s *faulty) { s.refuse = nil })
		held := b.quarantine()
		if len(held) != 2 {
			t.Fatalf("%d held", len(held))
		}
		for _, q := range held {
			if _, err := b.acme.Release(mallory, q.ID); !errors.Is(err, helpdesk.ErrDenied) {
				t.Errorf("%s: %v, want ErrDenied", q.Cause, err)
			}
		}
		if q := b.quarantine(); q[0].State != store.Held || q[1].State != store.Held {
			t.Error("a refused release happened")
		}
	})
}
