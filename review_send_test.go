package helpdesk_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// TestReviewReplyDuringDisconnect: a reply that is written while a mailbox is
// being disconnected is refused or cancelled; it never waits for ever in a
// mailbox that nobody works any more.
func TestReviewReplyDuringDisconnect(t *testing.T) {
	bubble(t, "before its transaction", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		b.deliver(numbered(0))
		b.work()
		id := b.tickets()[0].ID
		b.store.set(func(s *faulty) { s.slow = time.Second })
		done := make(chan error, 1)
		go func() { done <- b.acme.Disconnect(b.agent, b.box.ID) }()
		synctest.Wait()
		b.store.set(func(s *faulty) { s.slow = 0 })
		b.reply(id, "In between.")
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		b.work()
		if s := b.delivery().State; s != ticket.Cancelled || b.copies() != 0 {
			t.Errorf("delivery %s with %d copies, want cancelled", s, b.copies())
		}
	})
	bubble(t, "within its transaction", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		b.deliver(numbered(0))
		b.work()
		p, err := b.acme.Compose(b.agent, b.tickets()[0].ID, helpdesk.Reply{Text: "In between."})
		if err != nil {
			t.Fatal(err)
		}
		insert := make(chan error, 1)
		begun := false
		b.store.set(func(s *faulty) {
			s.refuse = func(c store.Changes) error {
				if len(c.Mailboxes) > 0 && !begun {
					begun = true
					go func() {
						insert <- b.inTx(func(ctx context.Context, x *helpdesk.Tx) error { return x.Reply(ctx, p) })
					}()
				}
				return nil
			}
		})
		if err := b.acme.Disconnect(b.agent, b.box.ID); err != nil {
			t.Fatal(err)
		}
		err = <-insert
		b.work()
		switch ds := b.deliveries(); {
		case b.copies() != 0:
			t.Errorf("%d copies left a fenced mailbox", b.copies())
		case err == nil && (len(ds) != 1 || ds[0].State != ticket.Cancelled):
			t.Errorf("the reply was taken and is %+v, want cancelled", ds)
		case err != nil && (!errors.Is(err, helpdesk.ErrFenced) || len(ds) != 0):
			t.Errorf("%v with %d deliveries, want ErrFenced with none", err, len(ds))
		}
	})
}

// TestReviewProcessWithoutProvider: a mailbox whose provider a process was not
// given stays untouched by it. Its replies wait for a process that has it.
func TestReviewProcessWithoutProvider(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		b := answered(t, plain(), nil)
		lacking := b.newDesk(func(c *helpdesk.Config) { c.Providers = nil })
		for range 10 {
			time.Sleep(time.Minute)
			if _, err := lacking.RunOnce(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if d := b.delivery(); d.State != ticket.Queued {
			t.Errorf("delivery %s (%s), want queued", d.State, d.Cause)
		}
		b.patiently(20 * time.Minute)
		b.wantDelivery(ticket.Sent, 1)
	})
}

// TestReviewProofWhileQueued: a copy that comes back among the sent mail proves
// the sending, also when a person has queued the uncertain reply again
// meanwhile and its retry still waits: there must be no second sending.
func TestReviewProofWhileQueued(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		o := plain()
		o.FilesSent = true
		b := newBench(t, o, nil)
		b.deliver(numbered(0))
		b.work()
		b.fake.Inject(mailboxtest.Fault{Op: mailboxtest.OpSend, Kind: mailboxtest.FaultCutAfter})
		msg := b.reply(b.tickets()[0].ID, "An answer.")
		b.once() // no sync is due: the copy is there and not read
		b.wantDelivery(ticket.Uncertain, 1)
		b.fake.Inject(mailboxtest.Fault{Op: mailboxtest.OpSend, Kind: mailboxtest.FaultThrottle, RetryAfter: 10 * time.Minute})
		if err := b.acme.SendAgain(b.agent, msg); err != nil {
			t.Fatal(err)
		}
		b.once() // put off by ten minutes
		b.wantDelivery(ticket.Queued, 1)
		b.fired(mailboxtest.OpSend, mailboxtest.FaultThrottle)
		sends := b.fake.Requests()[mailboxtest.OpSend]
		b.work() // the sync is due, the sending is not
		b.wantDelivery(ticket.Sent, 1)
		b.patiently(30 * time.Minute)
		b.wantDelivery(ticket.Sent, 1)
		if n := b.fake.Requests()[mailboxtest.OpSend]; n != sends {
			t.Errorf("%d more sending calls after the proof", n-sends)
		}
	})
}

// TestReviewReplyLostAnswer: the store commits a reply and its answer is lost.
// The reply is there once; a caller who is told ErrUnavailable and repeats it
// under the same Reply.ID gets the one that was written.
func TestReviewReplyLostAnswer(t *testing.T) {
	losing := func(b *bench, andDown bool) {
		lost := false
		b.store.set(func(s *faulty) {
			s.lose = func(all []store.Changes) bool {
				if lost || len(all) == 0 || len(all[0].NewDeliveries) == 0 {
					return false
				}
				lost = true
				b.store.set(func(s *faulty) { s.down = andDown })
				return true
			}
		})
	}
	bubble(t, "and the store is there again", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		b.deliver(numbered(0))
		b.work()
		losing(b, false)
		b.reply(b.tickets()[0].ID, "Once.")
		b.work()
		b.work()
		b.wantDelivery(ticket.Sent, 1)
	})
	bubble(t, "and the caller repeats it", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		b.deliver(numbered(0))
		b.work()
		id, r := b.tickets()[0].ID, helpdesk.Reply{ID: b.desk.NewID(), Text: "Once."}
		losing(b, true)
		if _, err := b.acme.Reply(b.agent, id, r); !errors.Is(err, helpdesk.ErrUnavailable) {
			t.Fatalf("%v, want ErrUnavailable", err)
		}
		b.store.set(func(s *faulty) { s.down, s.lose = false, nil })
		for range 2 { // now, and after it was sent
			if got, err := b.acme.Reply(b.agent, id, r); err != nil || got != r.ID {
				t.Errorf("%v, %v, want %v", got, err, r.ID)
			}
			b.work()
			b.wantDelivery(ticket.Sent, 1)
		}
	})
}

// TestReviewPreparedExpires: a Prepared names a blob that is swept after a day
// when no row names it, so it may be inserted for half a day only.
func TestReviewPreparedExpires(t *testing.T) {
	for _, c := range []struct {
		wait time.Duration
		want error
	}{{11 * time.Hour, nil}, {12*time.Hour + time.Second, helpdesk.ErrStale}, {25 * time.Hour, helpdesk.ErrStale}} {
		bubble(t, c.wait.String(), func(t *testing.T) {
			b := newBench(t, plain(), nil)
			b.deliver(numbered(0))
			b.work()
			p, err := b.acme.Compose(b.agent, b.tickets()[0].ID, helpdesk.Reply{
				Text: "With a file.", Files: []helpdesk.File{{Name: "a", Content: make([]byte, 1<<20)}},
			})
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(c.wait)
			if _, err := b.desk.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			err = b.inTx(func(ctx context.Context, x *helpdesk.Tx) error { return x.Reply(ctx, p) })
			if !errors.Is(err, c.want) {
				t.Fatalf("%v, want %v", err, c.want)
			}
			b.work()
			if err == nil {
				b.wantDelivery(ticket.Sent, 1)
			} else if n := len(b.one().Messages); n != 1 || b.copies() != 0 {
				t.Errorf("%d messages and %d copies of what was refused", n, b.copies())
			}
		})
	}
}

// slowSender is a provider that takes half a minute for a mail.
type slowSender struct{ mailbox.Provider }

func (p slowSender) Open(ctx context.Context, s mailbox.Session) (mailbox.Conn, error) {
	c, err := p.Provider.Open(ctx, s)
	if err != nil {
		return nil, err
	}
	return slowSenderConn{c}, nil
}

type slowSenderConn struct{ mailbox.Conn }

func (c slowSenderConn) Send(ctx context.Context, o mailbox.Outgoing) (mailbox.Receipt, error) {
	time.Sleep(30 * time.Second)
	return c.Conn.Send(ctx, o)
}

// TestReviewBacklogIsFair: a mailbox with four hundred slow replies has its
// share of the workers and no more, so that another tenant's mail is read as
// fast as ever.
func TestReviewBacklogIsFair(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		b := newBench(t, plain(), func(c *helpdesk.Config) { c.Providers[0] = slowSender{c.Providers[0]} })
		b.deliver(numbered(0))
		b.work()
		other := b.desk.Tenant("other")
		if _, err := other.Connect(t.Context(), mailboxtest.Account{User: "other", Email: "help@other.example", Password: "secret"}); err != nil {
			t.Fatal(err)
		}
		id := b.tickets()[0].ID
		for range 400 {
			b.reply(id, "Bulk.")
		}
		stop := b.running(b.desk)
		defer stop()
		time.Sleep(2 * time.Minute)
		b.fake.Mute("other", true) // polling alone
		for n := range 3 {
			b.fake.Deliver("other", mail{from: bob, to: "help@other.example", id: strings.Repeat("z", n+1) + "@z.example", subject: "Z", text: "z"}.raw())
			until(t, 90*time.Second, func() bool {
				page, err := other.Tickets(b.agent, helpdesk.TicketQuery{})
				return err == nil && len(page.Tickets) == n+1
			})
		}
		if n := len(b.deliveries(ticket.Queued)); n == 0 {
			t.Error("the backlog was over: the test tests nothing")
		}
	})
}

// stuckBlobs takes hours to list what is old.
type stuckBlobs struct {
	store.Blobs
	listing chan struct{}
}

func (s stuckBlobs) Old(ctx context.Context, d time.Duration, after ticket.ID, n int) ([]store.BlobRef, error) {
	close(s.listing)
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(6 * time.Hour):
		return nil, nil
	}
}

// TestReviewSweepStandsBeside: sweeping many blobs takes hours, in which mail
// is read and Run stops when it is told to.
func TestReviewSweepStandsBeside(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		s := stuckBlobs{b.store.Blobs(), make(chan struct{})}
		stop := b.running(b.newDesk(func(c *helpdesk.Config) { c.Blobs = s }))
		<-s.listing
		b.deliver(numbered(0))
		until(t, 2*time.Minute, func() bool { return len(b.tickets()) == 1 })
		if took := stop(); took > 2*time.Second {
			t.Errorf("stopping took %s", took)
		}
	})
}

// A backlog of slow replies does not stop the reading of its own mailbox.
func TestReviewBacklogLeavesOwnReading(t *testing.T) {
	bubble(t, "slow sending", func(t *testing.T) {
		b := newBench(t, plain(), func(c *helpdesk.Config) { c.Providers[0] = slowSender{c.Providers[0]} })
		b.deliver(numbered(0))
		b.work()
		id := b.tickets()[0].ID
		for range 100 {
			b.reply(id, "Bulk.")
		}
		stop := b.running(b.desk)
		defer stop()
		time.Sleep(2 * time.Minute)
		b.deliver(numbered(1))
		time.Sleep(3 * time.Minute)
		if n := len(b.tickets()); n != 2 {
			t.Errorf("%d tickets three minutes after a mail behind a backlog of replies", n)
		}
	})
}
