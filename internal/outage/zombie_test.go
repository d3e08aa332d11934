package outage

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/internal/testpg"
	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/store/postgres"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// stopped is a process that stops at one place until it is woken.
type stopped struct {
	at      string
	once    sync.Once
	reached chan struct{}
	gate    chan struct{}
	mu      sync.Mutex
	after   []error // what its transactions said after it woke up
	awake   bool
}

func newStopped(at string) *stopped {
	return &stopped{at: at, reached: make(chan struct{}), gate: make(chan struct{})}
}

func (z *stopped) pass(at string) {
	if at == z.at {
		z.once.Do(func() {
			close(z.reached)
			<-z.gate
			z.mu.Lock()
			defer z.mu.Unlock()
			z.awake = true
		})
	}
}

// stoppedStore is the database as that process sees it.
type stoppedStore struct {
	*postgres.Store
	z *stopped
}

func (s stoppedStore) Update(ctx context.Context, fn func(context.Context, store.Tx) error) error {
	s.z.pass("before a commit")
	err := s.Store.Update(ctx, fn)
	s.z.mu.Lock()
	if s.z.awake {
		s.z.after = append(s.z.after, err)
	}
	s.z.mu.Unlock()
	return err
}

type stoppedProvider struct {
	mailbox.Provider
	z *stopped
}

func (p stoppedProvider) Open(ctx context.Context, s mailbox.Session) (mailbox.Conn, error) {
	c, err := p.Provider.Open(ctx, s)
	return stoppedConn{c, p.z}, err
}

type stoppedConn struct {
	mailbox.Conn
	z *stopped
}

func (c stoppedConn) Fetch(ctx context.Context, it mailbox.Item, most int64) (mailbox.Raw, error) {
	c.z.pass("before a fetch")
	return c.Conn.Fetch(ctx, it, most)
}

func (c stoppedConn) Send(ctx context.Context, o mailbox.Outgoing) (mailbox.Receipt, error) {
	c.z.pass("before sending")
	r, err := c.Conn.Send(ctx, o)
	c.z.pass("after sending")
	return r, err
}

// haunt has a process stop at a place, lets its leases run out, lets another
// process do the work, and wakes the first, whose next write must be refused.
func (d *desk) haunt(dsn, at string, meanwhile func()) {
	t := d.t
	t.Helper()
	z := newStopped(at)
	dead, err := helpdesk.New(helpdesk.Config{
		Store: stoppedStore{d.st, z}, Keys: d.keys, Providers: helpdesk.Providers{stoppedProvider{d.fake.Provider(), z}},
	})
	must(t, err)
	ended := make(chan error, 1)
	go func() {
		_, err := dead.RunOnce(t.Context())
		ended <- err
	}()
	select {
	case <-z.reached:
	case err := <-ended:
		t.Fatalf("the process never came %s: %v", at, err)
	}
	exec(t, dsn, "UPDATE helpdesk.tasks SET until = now() - interval '1 second' WHERE until IS NOT NULL")
	_, err = d.desk.RunOnce(t.Context())
	must(t, err)
	meanwhile()
	close(z.gate)
	must(t, <-ended)
	z.mu.Lock()
	defer z.mu.Unlock()
	if len(z.after) == 0 || !errors.Is(z.after[0], store.ErrLeaseLost) {
		t.Errorf("the first write of who woke up: %v, want ErrLeaseLost", z.after)
	}
}

// TestZombie: a process that stopped in the middle of reading or sending and
// goes on after another took its work over is refused by the database: nothing
// is doubled and nothing is sent twice.
func TestZombie(t *testing.T) {
	for _, at := range []string{"before a fetch", "before a commit"} {
		t.Run("reading, "+at, func(t *testing.T) {
			dsn := testpg.DSN(t)
			d := newDesk(t, dsn)
			d.once()
			d.deliver(5)
			exec(t, dsn, "UPDATE helpdesk.tasks SET due = now()")
			d.haunt(dsn, at, d.wantAll)
			d.deliver(1)
			exec(t, dsn, "UPDATE helpdesk.tasks SET due = now()")
			d.once()
			d.wantAll()
		})
	}
	for _, at := range []string{"before a commit", "before sending", "after sending"} {
		t.Run("sending, "+at, func(t *testing.T) {
			dsn := testpg.DSN(t)
			d := newDesk(t, dsn)
			d.once()
			d.deliver(1)
			exec(t, dsn, "UPDATE helpdesk.tasks SET due = now()")
			d.once()
			page, err := d.acme.Tickets(d.kari, helpdesk.TicketQuery{})
			must(t, err)
			_, err = d.acme.Reply(d.kari, page.Tickets[0].ID, helpdesk.Reply{Text: "Hello."})
			must(t, err)
			exec(t, dsn, "UPDATE helpdesk.tasks SET due = now() + interval '1 hour' WHERE kind <> 'send'")
			d.haunt(dsn, at, func() {})
			d.once()
			want := ticket.Uncertain // another saw that it was announced and cannot tell
			if at == "before a commit" {
				want = ticket.Sent
			}
			del, err := d.acme.Deliveries(t.Context(), helpdesk.ID{}, 10)
			must(t, err)
			if s := d.fake.Sent("acme"); len(s) != 1 || s[0].Copies != 1 || len(del) != 1 || del[0].State != want {
				t.Errorf("sent %d times, deliveries %+v, want one that is %s", len(s), del, want)
			}
		})
	}
}

func (d *desk) once() {
	d.t.Helper()
	_, err := d.desk.RunOnce(d.t.Context())
	must(d.t, err)
}
