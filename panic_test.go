package helpdesk_test

import (
	"bytes"
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
	"github.com/helpdesk-go/helpdesk/mailbox/rfc822"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// nervous is a provider that panics outside of what the engine calls with a
// guard around it.
type nervous struct {
	mailbox.Provider
	left *atomic.Int32
}

func (p nervous) Capabilities() mailbox.Capabilities {
	if p.left.Add(-1) >= 0 {
		panic("a bug")
	}
	return p.Provider.Capabilities()
}

// TestTaskPanics: a task that panics fails alone: it is put off like any that
// fails, the mailbox says so, the cursor stays, other mailboxes go on, and the
// mail comes in when the trouble is over.
func TestTaskPanics(t *testing.T) {
	for name, hurt := range map[string]func(b *bench, left *atomic.Int32){
		"in the engine":          func(_ *bench, left *atomic.Int32) { left.Store(3) },
		"in a store transaction": panicInStore,
	} {
		bubble(t, "reading, "+name, func(t *testing.T) {
			b, left := newNervous(t)
			calm := b.desk.Tenant("calm")
			if _, err := calm.Connect(t.Context(), mailboxtest.Account{User: "calm", Email: "calm@desk.example", Password: "x"}); err != nil {
				t.Fatal(err)
			}
			b.work()
			hurt(b, left)
			from := string(b.mailboxRow().LiveCursor)
			b.deliver(numbered(0))
			b.work()
			if h := b.health(); h.State != store.HealthDelayed || h.Failures == 0 || string(b.mailboxRow().LiveCursor) != from {
				t.Errorf("health %+v, cursor moved %v", h, string(b.mailboxRow().LiveCursor) != from)
			}
			b.fake.Deliver("calm", numbered(1).raw())
			b.patiently(2 * time.Minute)
			if page, err := calm.Tickets(b.agent, helpdesk.TicketQuery{}); err != nil || len(page.Tickets) != 1 {
				t.Errorf("the other mailbox: %d tickets, %v", len(page.Tickets), err)
			}
			b.wantNumbered(1)
			if h := b.health(); h.State != store.HealthOK || len(b.quarantine()) != 0 || left.Load() > 0 {
				t.Errorf("health %+v, %d held, %d panics to come", h, len(b.quarantine()), left.Load())
			}
		})
		bubble(t, "sending, "+name, func(t *testing.T) {
			b, left := newNervous(t)
			b.deliver(numbered(0))
			b.work()
			b.reply(b.tickets()[0].ID, "An answer.")
			hurt(b, left)
			b.patiently(20 * time.Minute)
			b.wantDelivery(ticket.Sent, 1)
			if left.Load() > 0 {
				t.Errorf("%d panics never happened", left.Load())
			}
		})
	}
}

func newNervous(t *testing.T) (*bench, *atomic.Int32) {
	left := new(atomic.Int32)
	b := newBench(t, plain(), func(c *helpdesk.Config) { c.Providers[0] = nervous{c.Providers[0], left} })
	return b, left
}

// panicInStore panics in the first transactions that write mail or deliveries.
func panicInStore(b *bench, left *atomic.Int32) {
	var panics atomic.Int32
	panics.Store(3)
	left.Store(0)
	b.store.set(func(s *faulty) {
		s.refuse = func(c store.Changes) error {
			if len(c.Messages)+len(c.Deliveries) > 0 && panics.Add(-1) >= 0 {
				panic("a bug")
			}
			return nil
		}
	})
	b.t.Cleanup(func() {
		if panics.Load() > 0 {
			b.t.Errorf("%d panics never happened", panics.Load())
		}
	})
}

// TestHookPanicsAboutHealth: a host's hook that panics about the very event
// that tells of trouble does not take the process down.
func TestHookPanicsAboutHealth(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		panics := 2
		b := newBench(t, plain(), func(c *helpdesk.Config) {
			c.OnEvent = func(_ context.Context, _ store.Tx, e ticket.Event) error {
				if e.Type == ticket.MailboxHealth && panics > 0 {
					panics--
					panic("the host's bug")
				}
				return nil
			}
		})
		b.fake.Inject(mailboxtest.Fault{Op: mailboxtest.OpChanges, Kind: mailboxtest.FaultServerError, Times: 3})
		b.deliver(numbered(0))
		b.patiently(30 * time.Minute)
		b.wantNumbered(1)
		if panics != 0 {
			t.Errorf("%d panics never happened", panics)
		}
	})
}

// TestParserPanics: the mail that the parser panics over is quarantined with
// its bytes, once however often it is listed, and comes out when the parser is
// mended; the mail beside it is none the wiser.
func TestParserPanics(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		b.desk.SetParse(func(raw []byte) ticket.Inbound {
			if bytes.Contains(raw, []byte("Number 1")) {
				panic("a bug of the parser")
			}
			return rfc822.Parse(raw)
		})
		for i := range 3 {
			b.deliver(numbered(i))
		}
		b.work()
		b.fake.ExpireCursor("acme")
		b.patiently(5 * time.Minute)
		held := b.quarantine()
		if len(held) != 1 || held[0].Cause != "parser-failed" || len(b.tickets()) != 2 {
			t.Fatalf("held %+v, %d tickets", held, len(b.tickets()))
		}
		b.desk.SetParse(rfc822.Parse)
		if _, err := b.acme.Reprocess(b.agent, held[0].ID); err != nil {
			t.Fatal(err)
		}
		b.wantNumbered(3)
	})
}
