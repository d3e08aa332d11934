package helpdesk_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// zombie is a process that stops in the middle of its work, as one does whose
// machine is suspended, and goes on when its leases have long run out.
type zombie struct {
	// at is the step before which it stops. Every use of the store and of the
	// provider is two steps, one before and one after it.
	at int
	// deaf means that it cannot extend leases after it woke up either, so that
	// only the fence of a commit can stop it.
	deaf bool

	mu     sync.Mutex
	steps  int
	frozen bool
	gate   chan struct{} // closed when it wakes up
	woken  bool
	claims int
	stale  bool // it holds leases from before it stopped
	lost   int  // writes that the fence refused
	wrote  int  // writes under a stale lease that were kept
}

func (z *zombie) step() {
	z.mu.Lock()
	z.steps++
	stop := z.steps >= z.at && !z.woken
	z.frozen = z.frozen || stop
	z.mu.Unlock()
	if stop {
		<-z.gate
	}
}

func (z *zombie) wake() {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.woken, z.stale = true, z.claims > 0
	close(z.gate)
}

// around makes one use of something two steps.
func around[T any](z *zombie, f func() (T, error)) (T, error) {
	z.step()
	v, err := f()
	z.step()
	return v, err
}

// zombieStore is the store as the zombie sees it.
type zombieStore struct {
	store.Store
	z *zombie
}

func (s zombieStore) View(ctx context.Context, fn func(context.Context, store.Reader) error) error {
	_, err := around(s.z, func() (any, error) { return nil, s.Store.View(ctx, fn) })
	return err
}

func (s zombieStore) Update(ctx context.Context, fn func(context.Context, store.Tx) error) error {
	_, err := around(s.z, func() (any, error) {
		err := s.Store.Update(ctx, fn)
		s.z.mu.Lock()
		defer s.z.mu.Unlock()
		switch {
		case errors.Is(err, store.ErrLeaseLost):
			s.z.lost++
		case err == nil && s.z.stale:
			s.z.wrote++
		}
		return nil, err
	})
	return err
}

func (s zombieStore) Claim(ctx context.Context, q store.Claim) ([]store.Lease, error) {
	return around(s.z, func() ([]store.Lease, error) {
		l, err := s.Store.Claim(ctx, q)
		s.z.mu.Lock()
		defer s.z.mu.Unlock()
		s.z.claims, s.z.stale = s.z.claims+len(l), false
		return l, err
	})
}

func (s zombieStore) Extend(ctx context.Context, l store.Lease, d time.Duration) (store.Lease, error) {
	s.z.mu.Lock()
	deaf := s.z.frozen && s.z.deaf
	s.z.mu.Unlock()
	if deaf {
		return l, fmt.Errorf("test: %w", store.ErrUnavailable)
	}
	return around(s.z, func() (store.Lease, error) { return s.Store.Extend(ctx, l, d) })
}

// zombieProvider is the provider as the zombie sees it.
type zombieProvider struct {
	mailbox.Provider
	z *zombie
}

func (p zombieProvider) Open(ctx context.Context, s mailbox.Session) (mailbox.Conn, error) {
	c, err := around(p.z, func() (mailbox.Conn, error) { return p.Provider.Open(ctx, s) })
	if err != nil {
		return nil, err
	}
	base := zombieConn{c, p.z}
	if d, ok := c.(mailbox.Drafter); ok {
		return struct {
			zombieConn
			zombieDrafter
		}{base, zombieDrafter{d, p.z}}, nil
	}
	if f, ok := c.(mailbox.Filer); ok {
		return struct {
			zombieConn
			zombieFiler
		}{base, zombieFiler{f, p.z}}, nil
	}
	return base, nil
}

type zombieConn struct {
	mailbox.Conn
	z *zombie
}

func (c zombieConn) Changes(ctx context.Context, q mailbox.Query) (mailbox.Page, error) {
	return around(c.z, func() (mailbox.Page, error) { return c.Conn.Changes(ctx, q) })
}

func (c zombieConn) Fetch(ctx context.Context, it mailbox.Item, most int64) (mailbox.Raw, error) {
	return around(c.z, func() (mailbox.Raw, error) { return c.Conn.Fetch(ctx, it, most) })
}

func (c zombieConn) Send(ctx context.Context, o mailbox.Outgoing) (mailbox.Receipt, error) {
	return around(c.z, func() (mailbox.Receipt, error) { return c.Conn.Send(ctx, o) })
}

func (c zombieConn) FindSent(ctx context.Context, s mailbox.Sought) (mailbox.Receipt, error) {
	return around(c.z, func() (mailbox.Receipt, error) { return c.Conn.FindSent(ctx, s) })
}

type zombieDrafter struct {
	mailbox.Drafter
	zd *zombie
}

func (c zombieDrafter) Draft(ctx context.Context, o mailbox.Outgoing) (string, error) {
	return around(c.zd, func() (string, error) { return c.Drafter.Draft(ctx, o) })
}

func (c zombieDrafter) FindDraft(ctx context.Context, marker string) (string, error) {
	return around(c.zd, func() (string, error) { return c.Drafter.FindDraft(ctx, marker) })
}

func (c zombieDrafter) SendDraft(ctx context.Context, draft string) (mailbox.Receipt, error) {
	return around(c.zd, func() (mailbox.Receipt, error) { return c.Drafter.SendDraft(ctx, draft) })
}

type zombieFiler struct {
	mailbox.Filer
	zf *zombie
}

func (c zombieFiler) File(ctx context.Context, o mailbox.Outgoing) (mailbox.Receipt, error) {
	return around(c.zf, func() (mailbox.Receipt, error) { return c.Filer.File(ctx, o) })
}

// haunt lets a zombie begin what is due and stop in it, the living go on for
// five minutes, and the zombie then finish what it had begun. It returns
// whether the zombie came as far as its step.
func (b *bench) haunt(z *zombie, meanwhile func()) bool {
	b.t.Helper()
	d := b.newDesk(func(c *helpdesk.Config) {
		c.Store, c.Providers[0], c.PageSize = zombieStore{c.Store, z}, zombieProvider{c.Providers[0], z}, 3
	})
	z.gate = make(chan struct{}) // of this bubble
	done := make(chan error, 1)
	go func() {
		_, err := d.RunOnce(b.t.Context())
		done <- err
	}()
	synctest.Wait()
	b.patiently(5 * time.Minute)
	meanwhile()
	z.wake()
	// What it had given itself ten seconds for is over.
	if err := <-done; err != nil && !errors.Is(err, context.DeadlineExceeded) {
		b.t.Errorf("the zombie's RunOnce: %v", err)
	}
	if z.wrote != 0 {
		b.t.Errorf("%d writes under leases that others had taken were kept", z.wrote)
	}
	if b.fake.Connections() != 0 || len(b.fake.Misuse()) != 0 {
		b.t.Errorf("%d connections open, misuse %q", b.fake.Connections(), b.fake.Misuse())
	}
	return z.frozen
}

// everyStep runs f with a zombie for each step there is, and wants the fence to
// have refused something at some of them.
func everyStep(t *testing.T, name string, f func(t *testing.T, z *zombie) (reached bool)) {
	for _, deaf := range []bool{false, true} {
		refused, steps := 0, 0
		for reached := true; reached && !t.Failed(); steps++ {
			z := &zombie{at: steps + 1, deaf: deaf}
			bubble(t, fmt.Sprintf("%s, stopped at step %d, deaf %v", name, z.at, deaf), func(t *testing.T) { reached = f(t, z) })
			refused += z.lost
		}
		t.Logf("%s: %d steps, %d writes refused", name, steps, refused)
		if !t.Failed() && (steps < 10 || deaf && refused == 0) {
			t.Errorf("%s: %d steps, %d writes refused: the test tests nothing", name, steps, refused)
		}
	}
}

// TestZombieSync: a worker that stopped at any step of reading a mailbox and
// goes on after another did its work doubles nothing and loses nothing.
func TestZombieSync(t *testing.T) {
	everyStep(t, "sync", func(t *testing.T, z *zombie) bool {
		b := newBench(t, plain(), nil)
		b.once()
		for n := range 5 {
			b.deliver(numbered(n))
		}
		time.Sleep(2 * time.Minute)
		reached := b.haunt(z, func() {
			b.wantNumbered(5) // while it lies there
			b.deliver(numbered(5))
		})
		b.patiently(2 * time.Minute)
		b.wantNumbered(6)
		if n, e := b.count(), b.countEvents(ticket.TicketCreated); n != 6 || e != 6 || len(b.quarantine()) != 0 {
			t.Errorf("%d messages and %d events of 6 mails, %d held", n, e, len(b.quarantine()))
		}
		if h := b.health(); h.State != store.HealthOK {
			t.Errorf("health %+v", h)
		}
		return reached
	})
}

// TestZombieSend: the same with a reply, of which people get one copy at most,
// and which is nowhere said to be sent when it was not.
func TestZombieSend(t *testing.T) {
	for name, o := range providers() {
		everyStep(t, name, func(t *testing.T, z *zombie) bool {
			b := answered(t, o, nil)
			reached := b.haunt(z, func() {
				if d := b.delivery(); !d.State.Final() && d.State != ticket.Uncertain {
					t.Errorf("nobody took the delivery over: %s", d.State)
				}
			})
			b.patiently(20 * time.Minute)
			b.wantSettled(name)
			return reached
		})
	}
}

// wantSettled checks that a delivery is sent with one copy, or in doubt where
// the provider cannot tell.
func (b *bench) wantSettled(provider string) {
	b.t.Helper()
	switch d, n := b.delivery(), b.copies(); {
	case n > 1:
		b.t.Errorf("%d copies", n)
	case d.State == ticket.Sent && n == 1:
	case d.State == ticket.Uncertain && (provider == "plain" || provider == "blind" || provider == "keeps" && n == 0):
	default:
		b.t.Errorf("delivery is %s (%s) with %d copies", d.State, d.Cause, n)
	}
	if n := b.count(); n != 2 {
		b.t.Errorf("%d messages, want the mail and its answer", n)
	}
	// Who stops between looking for a draft and making one makes one too many,
	// which nobody sends; the contract has no verb to take it away.
	if n := len(b.fake.Drafts("support")); n > 1 {
		b.t.Errorf("%d drafts are left", n)
	}
	if n := len(b.fake.IDs("support", mailboxtest.SentFolder)); n > 1 {
		b.t.Errorf("%d copies among the sent mail", n)
	}
}
