package postgres

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// trips counts how often a program waits for the server: a write that follows
// a read starts a round trip.
type trips struct {
	sync.Mutex
	n int
}

func (c *trips) configure(p *pgxpool.Config) {
	dial := p.ConnConfig.DialFunc
	p.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		return &countingConn{Conn: conn, trips: c}, err
	}
}

// count returns the round trips of fn.
func (c *trips) count(fn func()) int {
	c.Lock()
	c.n = 0
	c.Unlock()
	fn()
	c.Lock()
	defer c.Unlock()
	return c.n
}

type countingConn struct {
	net.Conn
	trips   *trips
	waiting bool // something was written since the last answer
}

func (c *countingConn) Write(b []byte) (int, error) {
	c.trips.Lock()
	if !c.waiting {
		c.waiting = true
		c.trips.n++
	}
	c.trips.Unlock()
	return c.Conn.Write(b)
}

func (c *countingConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.trips.Lock()
		c.waiting = false
		c.trips.Unlock()
	}
	return n, err
}

// TestRoundTripsOfAPage takes in a hundred mails the way the engine does. What
// counts is a warm connection: statements are prepared once on each.
func TestRoundTripsOfAPage(t *testing.T) {
	var c trips
	s, _ := open(t, Options{MaxConns: 1, configure: c.configure})
	box := connected(t, s, "acme")
	must(t, apply(t.Context(), s, store.Changes{Tenant: "acme", Tasks: []store.Task{{ID: newID(), Tenant: "acme", Mailbox: box.ID, Kind: "sync"}}}))
	var cursor []byte
	takeIn := func(prefix string) func() {
		return func() {
			leases, err := s.Claim(t.Context(), store.Claim{Limit: 1, For: time.Minute})
			must(t, err)
			changes := page(box, 100)
			for i := range changes.Seen {
				changes.Seen[i].ProviderID = prefix + changes.Seen[i].ProviderID
			}
			changes.Lease, changes.Finish = &leases[0], &store.Finish{Again: true}
			changes.Cursors = []store.CursorMove{{Mailbox: box.ID, Stream: "live", From: cursor, To: []byte(prefix)}}
			cursor = []byte(prefix)
			changes.Health = []store.HealthChange{{Mailbox: box.ID, Health: store.Health{State: store.HealthOK, SyncedAt: time.Now()}}}
			lookUpPage(t, s, changes)
			must(t, apply(t.Context(), s, changes))
		}
	}
	cold := c.count(takeIn("a"))
	start := time.Now()
	warm := c.count(takeIn("b"))
	t.Logf("a page of 100 mails: %d round trips cold, %d warm (1 claim, 5 view, 3 update), %v", cold, warm, time.Since(start))
	if warm > 9 {
		t.Errorf("a page of 100 mails took %d round trips with its claim, want at most 9", warm)
	}
	if n := c.count(func() {
		must(t, s.AccessLog().Append(t.Context(), []privacy.Entry{{ID: newID(), At: time.Now(), Tenant: "acme"}, {ID: newID(), At: time.Now(), Tenant: "beta"}}))
	}); n > 12 { // connecting and preparing included
		t.Errorf("a batch of access entries took %d round trips on a new connection", n)
	}
	if n := c.count(func() {
		must(t, s.AccessLog().Append(t.Context(), []privacy.Entry{{ID: newID(), At: time.Now(), Tenant: "acme"}, {ID: newID(), At: time.Now(), Tenant: "beta"}}))
	}); n != 1 {
		t.Errorf("a batch of access entries took %d round trips, want 1", n)
	}
}

// lookUpPage reads what a page is decided on.
func lookUpPage(t *testing.T, s *Store, c store.Changes) {
	t.Helper()
	box := c.Messages[0].Mailbox
	var addrs, fps []ticket.Fingerprint
	var ids []ticket.ID
	for _, x := range c.Contacts {
		addrs = append(addrs, x.Address)
	}
	for _, h := range c.Hits {
		fps = append(fps, h.Fingerprint)
	}
	for _, n := range c.NewTickets {
		ids = append(ids, n.ID)
	}
	must(t, s.View(t.Context(), func(ctx context.Context, r store.Reader) error {
		if _, err := r.Known(ctx, c.Tenant, box, c.Seen); err != nil {
			return err
		}
		if _, err := r.Candidates(ctx, store.CandidateQuery{Tenant: c.Tenant, Mailbox: box, Fingerprints: fps, Messages: ids, From: addrs}); err != nil {
			return err
		}
		if _, err := r.Contacts(ctx, c.Tenant, box, addrs); err != nil {
			return err
		}
		_, err := r.TicketKeys(ctx, c.Tenant, ids)
		return err
	}))
}

func TestRoundTripsOfSlots(t *testing.T) {
	var c trips
	_, dsn := openSlots(t)
	s, err := OpenSlots(t.Context(), dsn, SlotsOptions{MaxConns: 1, configure: c.configure})
	must(t, err)
	t.Cleanup(func() { _ = s.Close() })
	tenant := privacy.Slot{ID: newID(), Tenant: "acme", Level: privacy.LevelTenant, Wrapped: []byte("wrapped")}
	create := func(parent ticket.ID) func() {
		var slots []privacy.Slot
		for range 100 {
			slots = append(slots, privacy.Slot{ID: newID(), Tenant: "acme", Level: privacy.LevelMailbox, Parent: parent, Wrapped: []byte("wrapped")})
		}
		return func() { _, err := s.Create(t.Context(), slots); must(t, err) }
	}
	_, err = s.Create(t.Context(), []privacy.Slot{tenant})
	must(t, err)
	if n := c.count(create(tenant.ID)); n != 3 {
		t.Errorf("making 100 slots took %d round trips, want 3", n)
	}
	get := func() { _, err := s.Get(t.Context(), "acme", []ticket.ID{tenant.ID}); must(t, err) }
	get()
	if n := c.count(get); n != 1 {
		t.Errorf("Get took %d round trips", n)
	}
}
