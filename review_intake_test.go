package helpdesk_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// trip fails once with an error when it is set.
type trip struct {
	mu    sync.Mutex
	err   error
	fired bool
}

func (p *trip) set(err error) { p.mu.Lock(); defer p.mu.Unlock(); p.err, p.fired = err, false }

func (p *trip) take() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := p.err
	p.err, p.fired = nil, p.fired || err != nil
	return err
}

// trippingBlobs and trippingSlots fail when something is put into them.
type trippingBlobs struct {
	store.Blobs
	trip *trip
}

func (s trippingBlobs) Put(ctx context.Context, r store.BlobRef, in io.Reader) error {
	if err := s.trip.take(); err != nil {
		return fmt.Errorf("test: %w", err)
	}
	return s.Blobs.Put(ctx, r, in)
}

type trippingSlots struct {
	privacy.Slots
	trip *trip
}

func (s trippingSlots) Create(ctx context.Context, slots []privacy.Slot) ([]privacy.Slot, error) {
	if err := s.trip.take(); err != nil {
		return nil, fmt.Errorf("test: %w", err)
	}
	return s.Slots.Create(ctx, slots)
}

// large is a numbered mail whose raw form goes to the blob store.
func large(n int) mail {
	m := numbered(n)
	m.text = strings.Repeat("All work and no play makes a large mail.\r\n", 20_000)
	return m
}

// TestReviewErrorNamesEndNothing: blob stores and key stores use the words of
// the library about things of their own, such as a missing bucket. One such
// error must not end the task that reads the mailbox: it is shown as trouble,
// and tried again.
func TestReviewErrorNamesEndNothing(t *testing.T) {
	for _, word := range []error{store.ErrNotFound, store.ErrFenced, privacy.ErrErased, privacy.ErrFenced, privacy.ErrNoKey} {
		for _, where := range []string{"blobs", "slots"} {
			bubble(t, where+" say "+word.Error(), func(t *testing.T) {
				p := &trip{}
				b := newBench(t, plain(), func(c *helpdesk.Config) {
					if where == "blobs" {
						c.Blobs = trippingBlobs{c.Store.(*faulty).Blobs(), p}
						return
					}
					root, err := privacy.NewEphemeralRoot()
					if err != nil {
						t.Fatal(err)
					}
					c.Keys = helpdesk.KeyStore(root, trippingSlots{privacy.NewMemorySlots(), p})
				})
				b.work()
				b.deliver(large(0))
				p.set(word)
				b.work()
				if !p.fired {
					t.Fatal("the error never happened: the test tests nothing")
				}
				if h := b.health(); h.State == store.HealthOK || h.Cause == "" {
					t.Errorf("health %+v hides the trouble", h)
				}
				b.deliver(numbered(1))
				b.patiently(5 * time.Minute)
				b.wantNumbered(2)
				if h := b.health(); h.State != store.HealthOK {
					t.Errorf("health %+v after it passed", h)
				}
			})
		}
	}
}

// TestReviewAnswerToErasedTicket: nothing can be sealed into a ticket whose key
// is destroyed. A mail that answers it becomes a ticket of its own that names
// the erased one, and mails of other people come in as ever.
func TestReviewAnswerToErasedTicket(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		slots := privacy.NewMemorySlots()
		b := newBench(t, plain(), func(c *helpdesk.Config) {
			root, err := privacy.NewEphemeralRoot()
			if err != nil {
				t.Fatal(err)
			}
			c.Keys = helpdesk.KeyStore(root, slots)
		})
		b.deliver(mail{from: ann, id: "1@customer.example", subject: "Lamp", text: "Dark."})
		b.work()
		erased := b.tickets()[0].ID
		var row store.Ticket
		err := b.store.View(t.Context(), func(ctx context.Context, r store.Reader) (err error) {
			row, err = r.Ticket(ctx, "acme", erased)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := slots.Destroy(t.Context(), "acme", []ticket.ID{row.Key}); err != nil {
			t.Fatal(err)
		}
		b.deliver(mail{from: ann, id: "2@customer.example", reply: "1@customer.example", subject: "Re: Lamp", text: "Still dark."})
		b.deliver(mail{from: bob, id: "3@customer.example", subject: "Another", text: "Hello."})
		b.work()
		if n := len(b.tickets()); n != 3 {
			t.Fatalf("%d tickets, want 3", n)
		}
		c := b.conversation(b.find("Re: Lamp"))
		if c.Ticket.Related != erased || len(c.Messages) != 1 {
			t.Errorf("related to %v with %d messages, want %v", c.Ticket.Related, len(c.Messages), erased)
		}
		b.find("Another")
		if h := b.health(); h.State != store.HealthOK {
			t.Errorf("health %+v", h)
		}
	})
}

// sentMarker is the header line by which the only mail sent is ours.
func (b *bench) sentMarker() string {
	b.t.Helper()
	for line := range strings.SplitSeq(string(b.fake.Sent("support")[0].Raw), "\r\n") {
		if strings.HasPrefix(line, "X-Helpdesk-Marker:") {
			return line + "\r\n"
		}
	}
	b.t.Fatal("the mail we sent carries no marker")
	return ""
}

// TestReviewSentMailWithOldMarker: mail programs keep foreign header lines when
// a person sends a mail on. Such a mail in the folder of sent mail has our
// marker and other content: it is a message of the agent's own, and threads.
func TestReviewSentMailWithOldMarker(t *testing.T) {
	filed := plain()
	filed.FilesSent = true
	for name, o := range map[string]mailboxtest.FakeOptions{"we file": plain(), "the provider files": filed} {
		bubble(t, name, func(t *testing.T) {
			b := newBench(t, o, nil)
			b.deliver(numbered(0))
			b.work()
			b.reply(b.tickets()[0].ID, "First.")
			b.work()
			b.work() // our copy came back
			b.fake.Put("support", mailboxtest.Arrival{Folder: mailboxtest.SentFolder, Raw: mail{
				from: ours, to: bob, id: "new@desk.example", reply: "n0@customer.example",
				subject: "Fwd: Number 0", text: "Other words to Bob.", more: b.sentMarker(),
			}.raw()})
			b.work()
			c := b.one()
			if len(c.Messages) != 3 {
				t.Fatalf("%d messages: a sent mail with an old marker vanished", len(c.Messages))
			}
			if m := c.Messages[2]; m.Direction != ticket.Out || m.Match.Standing != ticket.StandingOwn || !strings.Contains(m.Text, "to Bob") {
				t.Errorf("it became %s by %q: %q", m.Direction, m.Match.Standing, m.Text)
			}
			b.deliver(mail{from: bob, id: "b@customer.example", reply: "new@desk.example", subject: "Re: Fwd: Number 0", text: "Thanks."})
			b.work()
			if n := len(b.one().Messages); n != 4 {
				t.Errorf("%d messages: the answer to it went astray", n)
			}
		})
	}
}

// TestReviewReleasedMailComesAgain: providers list a mail under new ids after a
// move or a new UIDVALIDITY. A mail that was released from quarantine is known
// then, whether the new id comes before the release or after.
func TestReviewReleasedMailComesAgain(t *testing.T) {
	for _, before := range []bool{true, false} {
		bubble(t, fmt.Sprintf("before the release %v", before), func(t *testing.T) {
			b, p := newPoisoned(t, func() error { return &mailbox.Error{Op: "fetch", Kind: mailbox.TooLarge} })
			raw := numbered(0).raw()
			id := b.fake.Deliver("support", raw)
			p.bad[id] = true
			b.work()
			held := b.quarantine()
			if len(held) != 1 {
				t.Fatalf("%d held", len(held))
			}
			clear(p.bad)
			if before {
				b.fake.Deliver("support", raw)
				b.work()
			}
			msg, err := b.acme.Release(b.agent, held[0].ID)
			if err != nil {
				t.Fatal(err)
			}
			if !before {
				b.fake.Deliver("support", raw)
			}
			b.work()
			c := b.one()
			if len(c.Messages) != 1 || c.Messages[0].ID != msg || b.quarantine()[0].Message != msg {
				t.Errorf("%d messages of one mail; the record names %v", len(c.Messages), b.quarantine()[0].Message)
			}
		})
	}
}

// TestReviewReleasedSentMail: what was quarantined from the folder of sent mail
// is ours when it is released: a copy of our reply is that reply, and a mail
// that a person sent elsewhere is an agent's.
func TestReviewReleasedSentMail(t *testing.T) {
	tooLarge := func() error { return &mailbox.Error{Op: "fetch", Kind: mailbox.TooLarge} }
	bubble(t, "the copy of our reply", func(t *testing.T) {
		var p *poisonous
		o := plain()
		o.FilesSent = true
		b := newBench(t, o, func(c *helpdesk.Config) {
			p = &poisonous{Provider: c.Providers[0], bad: map[string]bool{}, how: tooLarge, tries: map[string]int{}}
			c.Providers[0] = p
		})
		b.deliver(numbered(0))
		b.work()
		reply := b.reply(b.tickets()[0].ID, "An answer.")
		b.once()
		for _, id := range b.fake.IDs("support", mailboxtest.SentFolder) {
			p.bad[id] = true
		}
		b.work()
		held := b.quarantine()
		if len(held) != 1 {
			t.Fatalf("%d held, want the copy", len(held))
		}
		clear(p.bad)
		msg, err := b.acme.Release(b.agent, held[0].ID)
		if err != nil || msg != reply {
			t.Errorf("released as %v, %v, want our reply %v", msg, err, reply)
		}
		b.work()
		b.wantDelivery(ticket.Sent, 1)
	})
	bubble(t, "written by hand", func(t *testing.T) {
		b, p := newPoisoned(t, tooLarge)
		id := b.fake.Put("support", mailboxtest.Arrival{Folder: mailboxtest.SentFolder, Raw: mail{
			from: ours, to: ann, id: "hand@desk.example", subject: "By hand", text: "Hello.",
		}.raw()})
		p.bad[id] = true
		b.work()
		clear(p.bad)
		if _, err := b.acme.Release(b.agent, b.quarantine()[0].ID); err != nil {
			t.Fatal(err)
		}
		c := b.one()
		if m := c.Messages[0]; m.Direction != ticket.Out || m.By.Role == ticket.ByContact().Role {
			t.Errorf("a sent mail became %s by %q", m.Direction, m.By.Role)
		}
		b.reply(c.Ticket.ID, "More.")
		b.work()
		if s := b.fake.Sent("support"); len(s) != 1 || len(s[0].To) != 1 || s[0].To[0] != ann {
			t.Errorf("the answer went to %+v, want %s", s, ann)
		}
	})
}

// TestReviewCrashCountsAttempt: a worker that dies never says how its task went.
// The next claim counts the attempt for it, so that a task that kills its
// process is known for it.
func TestReviewCrashCountsAttempt(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		b.deliver(numbered(0))
		time.Sleep(2 * time.Minute)
		for n := range 5 {
			l, err := b.store.Claim(t.Context(), store.Claim{Limit: 1, For: 2 * time.Minute})
			if err != nil || len(l) != 1 {
				t.Fatalf("%d leases, %v", len(l), err)
			}
			if l[0].Task.Attempts != n {
				t.Errorf("after %d crashes %d attempts are counted", n, l[0].Task.Attempts)
			}
			time.Sleep(3 * time.Minute) // the process died
		}
		b.work()
		b.wantNumbered(1)
	})
}
