package helpdesk_test

import (
	"context"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// TestHealth: each kind of trouble has a state, a beginning, a cause and a next
// try, and passes.
func TestHealth(t *testing.T) {
	angry := false
	for _, c := range []struct {
		name  string
		spoil func(b *bench)
		heal  func(b *bench)
		state store.HealthState
		cause string
	}{
		{"throttled", func(b *bench) {
			b.fake.Inject(mailboxtest.Fault{Op: mailboxtest.OpChanges, Kind: mailboxtest.FaultThrottle, Times: -1, RetryAfter: time.Minute})
		}, func(b *bench) { b.fake.Heal() }, store.HealthThrottled, "changes: too many requests"},
		{"delayed", func(b *bench) {
			b.fake.Inject(mailboxtest.Fault{Op: mailboxtest.OpOpen, Kind: mailboxtest.FaultServerError, Times: -1})
		}, func(b *bench) { b.fake.Heal() }, store.HealthDelayed, "open: server error"},
		{"needs consent", func(b *bench) { b.fake.KillToken("support") }, func(b *bench) {
			b.fake.SetPassword("support", "fresh")
			a := b.account()
			a.Password = "fresh"
			if _, err := b.acme.Connect(b.t.Context(), a); err != nil {
				b.t.Error(err)
			}
		}, store.HealthNeedsConsent, "open: login refused"},
		{"hook", func(b *bench) { angry = true; b.deliver(numbered(0)) }, func(*bench) { angry = false }, store.HealthBroken, "hook"},
	} {
		bubble(t, c.name, func(t *testing.T) {
			angry = false
			b := newBench(t, plain(), func(cfg *helpdesk.Config) {
				cfg.OnEvent = func(_ context.Context, _ store.Tx, e ticket.Event) error {
					if angry && e.Type == ticket.TicketCreated {
						return errUndo
					}
					return nil
				}
			})
			b.work()
			if h := b.health(); h.State != store.HealthOK || !h.SyncedAt.Equal(time.Now()) {
				t.Fatalf("at first %+v", h)
			}
			c.spoil(b)
			time.Sleep(2 * time.Minute)
			began := time.Now()
			b.patiently(20 * time.Minute)
			h := b.health()
			if h.State != c.state || h.Cause != c.cause || h.Since.Sub(began) > 2*time.Second || h.Failures < 1 || h.NextAt.Before(time.Now()) {
				t.Errorf("%+v, want %s because of %q since %s", h, c.state, c.cause, began)
			}
			if h.SyncedAt.After(began) {
				t.Error("it claims to be read to the end")
			}
			c.heal(b)
			b.patiently(20 * time.Minute)
			if h := b.health(); h.State != store.HealthOK || h.Cause != "" || h.Failures != 0 || !h.Since.After(began) {
				t.Errorf("in the end %+v", h)
			}
			var path []string
			for _, e := range b.events() {
				if e.Type == ticket.MailboxHealth {
					path = append(path, e.From+">"+e.To)
				}
			}
			if n := len(path); n != 2 && c.cause != "hook" || n == 0 || path[n-1] != string(c.state)+">ok" {
				t.Errorf("the events tell %v", path)
			}
		})
	}
}

func TestHealthOfBackfillStandsBeside(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		b := unconnected(t, plain(), func(c *helpdesk.Config) {
			c.OnEvent = func(_ context.Context, _ store.Tx, e ticket.Event) error {
				if e.Type == ticket.TicketCreated {
					return errUndo
				}
				return nil
			}
		})
		b.fake.DeliverAt("support", numbered(0).raw(), time.Now().Add(-time.Hour))
		o := helpdesk.ConnectOptions{}
		o.Intake.Since = time.Now().Add(-24 * time.Hour)
		b.connect(o)
		b.patiently(time.Hour)
		if h := b.health(); h.State != store.HealthBroken || h.Cause != "backfill: hook" || time.Since(h.SyncedAt) > 2*time.Minute {
			t.Errorf("health %+v", h)
		}
		if n := b.countEvents(ticket.MailboxHealth); n > 1 {
			t.Errorf("the state flapped: %d events", n)
		}
	})
}

// TestBackoff: failures are tried again ever more rarely, spread a little, and
// never rarer than the bound.
func TestBackoff(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		b.once()
		b.fake.Inject(mailboxtest.Fault{Op: mailboxtest.OpOpen, Kind: mailboxtest.FaultServerError, Times: -1})
		asked := func() int { return b.fake.Requests()[mailboxtest.OpOpen] }
		last, n, want := time.Now(), asked(), 2*time.Second
		for tries := 0; tries < 14; {
			time.Sleep(100 * time.Millisecond)
			b.once()
			if asked() == n {
				continue
			}
			n = asked()
			if waited := time.Since(last); tries > 0 {
				if waited < want || waited > want+want/5+200*time.Millisecond {
					t.Errorf("try %d came after %s, want %s and up to a fifth more", tries, waited, want)
				}
				want = min(2*want, 15*time.Minute)
			}
			tries++
			last = time.Now()
		}
	})
	bubble(t, "what failed together comes back apart", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		for n := range 10 {
			a := mailboxtest.Account{User: string(rune('a' + n)), Email: "x@desk.example", Password: "x"}
			if _, err := b.acme.Connect(t.Context(), a); err != nil {
				t.Fatal(err)
			}
		}
		b.work()
		b.fake.Inject(mailboxtest.Fault{Op: mailboxtest.OpOpen, Kind: mailboxtest.FaultServerError, Times: -1})
		b.patiently(3 * time.Minute)
		boxes, err := b.acme.Mailboxes(t.Context())
		at := map[time.Time]bool{}
		for _, m := range boxes {
			at[m.Health.NextAt] = true
		}
		if err != nil || len(at) < 8 {
			t.Errorf("11 mailboxes try again at %d instants, %v", len(at), err)
		}
	})
}
