package helpdesk_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// running starts Run and returns what stops it and reports how long it took.
func (b *bench) running(d *helpdesk.Desk) (stop func() time.Duration) {
	ctx, cancel := context.WithCancel(b.t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	return func() time.Duration {
		from := time.Now()
		cancel()
		if err := <-done; err != nil {
			b.t.Errorf("Run: %v", err)
		}
		return time.Since(from)
	}
}

// until waits for something to become true and returns how long it took.
func until(t *testing.T, most time.Duration, ok func() bool) time.Duration {
	t.Helper()
	from := time.Now()
	for !ok() {
		if time.Since(from) > most {
			t.Fatalf("not within %s", most)
		}
		time.Sleep(50 * time.Millisecond)
	}
	return time.Since(from)
}

func TestRunWakesUp(t *testing.T) {
	bubble(t, "a mail and its answer within two seconds each", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		stop := b.running(b.desk)
		defer stop()
		for n := range 20 {
			time.Sleep(17 * time.Second)
			b.deliver(numbered(n))
			until(t, 2*time.Second, func() bool { return len(b.tickets()) == n+1 })
			b.reply(b.tickets()[0].ID, "An answer.")
			until(t, 2*time.Second, func() bool { return len(b.fake.Sent("support")) == n+1 })
		}
	})
	bubble(t, "lost notifications cost the polling interval", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		stop := b.running(b.desk)
		defer stop()
		time.Sleep(time.Minute)
		b.fake.Mute("support", true)
		b.deliver(numbered(0))
		until(t, 62*time.Second, func() bool { return len(b.tickets()) == 1 })
	})
	bubble(t, "a burst while a sync runs", func(t *testing.T) {
		o := plain()
		o.Latency = 300 * time.Millisecond
		b := newBench(t, o, func(c *helpdesk.Config) { c.PollEvery = time.Hour })
		stop := b.running(b.desk)
		defer stop()
		for n := range 30 {
			b.deliver(numbered(n))
			time.Sleep(170 * time.Millisecond)
		}
		until(t, time.Minute, func() bool { return len(b.tickets()) == 30 })
	})
}

func TestRunStops(t *testing.T) {
	for _, k := range []mailboxtest.FaultKind{"", mailboxtest.FaultHang, mailboxtest.FaultHangAfter} {
		bubble(t, "leaving the work to others "+string(k), func(t *testing.T) {
			o := plain()
			o.Latency = 100 * time.Millisecond
			b := newBench(t, o, nil)
			if k != "" {
				b.fake.Inject(mailboxtest.Fault{Op: mailboxtest.OpFetch, Kind: k, Nth: 5})
			}
			stop := b.running(b.desk)
			for n := range 30 {
				b.deliver(numbered(n))
			}
			time.Sleep(1500 * time.Millisecond)
			if took := stop(); took > 2*time.Second {
				t.Errorf("stopping took %s", took)
			}
			if b.fake.Connections() != 0 {
				t.Error("a connection stays open")
			}
			next := b.running(b.newDesk(nil))
			defer next()
			until(t, 10*time.Second, func() bool { return len(b.tickets()) == 30 })
		})
	}
	bubble(t, "a reply on the wire is recorded", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		b.deliver(numbered(0))
		b.work()
		stop := b.running(b.desk)
		b.fake.Inject(mailboxtest.Fault{Op: mailboxtest.OpSend, Kind: mailboxtest.FaultHangAfter})
		b.reply(b.tickets()[0].ID, "An answer.")
		time.Sleep(3 * time.Second)
		stop()
		if d := b.delivery(); d.State != ticket.Uncertain || d.Looks != 0 {
			t.Errorf("delivery %s after %d looks", d.State, d.Looks)
		}
	})
	bubble(t, "a context that has ended", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := b.desk.Run(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestRunSurvives(t *testing.T) {
	bubble(t, "the store going away", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		stop := b.running(b.desk)
		defer stop()
		time.Sleep(10 * time.Second)
		b.store.set(func(s *faulty) { s.down = true })
		b.deliver(numbered(0))
		time.Sleep(20 * time.Minute)
		b.store.set(func(s *faulty) { s.down = false })
		until(t, 5*time.Minute, func() bool { return len(b.tickets()) == 1 })
	})
	bubble(t, "a hook that panics", func(t *testing.T) {
		panics := 3
		b := newBench(t, plain(), func(c *helpdesk.Config) {
			c.OnEvent = func(_ context.Context, _ store.Tx, e ticket.Event) error {
				if e.Type == ticket.MessageReceived && panics > 0 {
					panics--
					panic("the host's bug")
				}
				return nil
			}
		})
		stop := b.running(b.desk)
		defer stop()
		b.deliver(numbered(0))
		until(t, 5*time.Minute, func() bool { return len(b.tickets()) == 1 })
		b.wantNumbered(1)
	})
	bubble(t, "a hook that says not found", func(t *testing.T) {
		for _, word := range []error{helpdesk.ErrNotFound, helpdesk.ErrFenced, store.ErrLeaseLost, helpdesk.ErrStale} {
			angry := true
			b := newBench(t, plain(), func(c *helpdesk.Config) {
				c.OnEvent = func(_ context.Context, _ store.Tx, e ticket.Event) error {
					if angry && e.Type == ticket.MessageReceived {
						return fmt.Errorf("the host: %w", word)
					}
					return nil
				}
			})
			b.deliver(numbered(0))
			b.patiently(5 * time.Minute)
			if h := b.health(); h.State != store.HealthBroken || h.Cause != "hook" {
				t.Errorf("%v: health %+v", word, h)
			}
			angry = false
			b.patiently(20 * time.Minute)
			b.wantNumbered(1)
		}
	})
}

// TestFairness: one mailbox with a flood does not starve another, even when a
// single worker serves both.
func TestFairness(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		b := newBench(t, mailboxtest.FakeOptions{Latency: 50 * time.Millisecond}, func(c *helpdesk.Config) { c.Workers = 1 })
		other := b.desk.Tenant("other")
		if _, err := other.Connect(t.Context(), mailboxtest.Account{User: "calm", Email: "calm@desk.example", Password: "x"}); err != nil {
			t.Fatal(err)
		}
		for n := range 5000 {
			b.deliver(numbered(n))
		}
		stop := b.running(b.desk)
		defer stop()
		time.Sleep(20 * time.Second)
		b.fake.Deliver("calm", numbered(1).raw())
		until(t, 2*time.Minute, func() bool {
			page, err := other.Tickets(b.agent, helpdesk.TicketQuery{})
			return err == nil && len(page.Tickets) == 1
		})
		if n := len(b.fake.FetchedIDs("support")); n >= 4000 {
			t.Errorf("the calm mailbox waited for %d mails of the other", n)
		}
	})
}

func TestRunOnce(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		for _, want := range []int{1, 0} { // the first sync, then nothing
			if n, err := b.desk.RunOnce(t.Context()); err != nil || n != want {
				t.Errorf("%d turns, %v, want %d", n, err, want)
			}
		}
		b.deliver(numbered(0))
		b.work()
		b.reply(b.tickets()[0].ID, "An answer.")
		if n, err := b.desk.RunOnce(t.Context()); err != nil || n != 2 { // sending and filing
			t.Errorf("%d turns, %v, want 2", n, err)
		}
		b.store.set(func(s *faulty) { s.down = true })
		if _, err := b.desk.RunOnce(t.Context()); !errors.Is(err, helpdesk.ErrUnavailable) {
			t.Errorf("without a store: %v", err)
		}
	})
}
