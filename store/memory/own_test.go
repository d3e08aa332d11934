package memory_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/store/memory"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// connected returns a store with a mailbox.
func connected(tb testing.TB) (*memory.Store, store.Mailbox) {
	tb.Helper()
	s, now := memory.New(), time.Now()
	box := store.Mailbox{
		ID: ticket.NewID(now), Tenant: "acme", Provider: "imap", Account: ticket.Fingerprint{1},
		State: store.MailboxConnected, Key: ticket.NewID(now), Identity: ticket.NewID(now), Version: 1,
	}
	apply(tb, s, store.Changes{Tenant: "acme", NewMailboxes: []store.Mailbox{box}})
	return s, box
}

func apply(tb testing.TB, s store.Store, c store.Changes) {
	tb.Helper()
	err := s.Update(context.Background(), func(ctx context.Context, tx store.Tx) error { return tx.Apply(ctx, c) })
	if err != nil {
		tb.Fatal(err)
	}
}

// A transaction holds the store's lock, so calling the store from inside would
// wait for itself: it is an error instead.
func TestCallsInsideATransaction(t *testing.T) {
	s, _ := connected(t)
	inside := func(ctx context.Context) map[string]error {
		_, claim := s.Claim(ctx, store.Claim{Limit: 1})
		_, extend := s.Extend(ctx, store.Lease{}, time.Second)
		_, deployment := s.Deployment(ctx)
		_, bind := s.Bind(ctx, store.Deployment{})
		return map[string]error{
			"Claim": claim, "Extend": extend, "Deployment": deployment, "Bind": bind,
			"View":   s.View(ctx, func(context.Context, store.Reader) error { return nil }),
			"Update": s.Update(ctx, func(context.Context, store.Tx) error { return nil }),
		}
	}
	check := func(where string, errs map[string]error) {
		for name, err := range errs {
			if err == nil {
				t.Errorf("%s inside %s: no error", name, where)
			}
		}
	}
	var kept store.Reader
	err := s.View(context.Background(), func(ctx context.Context, r store.Reader) error {
		check("View", inside(ctx))
		kept = r
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kept.Consumer(context.Background(), "x"); err == nil {
		t.Error("a reader was usable after its transaction")
	}
	err = s.Update(context.Background(), func(ctx context.Context, _ store.Tx) error {
		check("Update", inside(ctx))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The store's clock is the bubble's, and nothing of it runs in the background,
// or the bubble would not end.
func TestUnderSynctest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, box := connected(t)
		ctx, cancel := context.WithCancel(t.Context())
		wake, err := s.Wake(ctx)
		if err != nil {
			t.Fatal(err)
		}
		apply(t, s, store.Changes{Tenant: "acme", Tasks: []store.Task{
			{ID: ticket.NewID(time.Now()), Tenant: "acme", Mailbox: box.ID, Kind: "sync", After: time.Hour},
		}})
		<-wake
		claim := func() int {
			got, err := s.Claim(ctx, store.Claim{Limit: 1, For: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			return len(got)
		}
		if claim() != 0 {
			t.Error("claimed before it was due")
		}
		time.Sleep(time.Hour)
		if claim() != 1 || claim() != 0 {
			t.Error("not claimed exactly once when it was due")
		}
		time.Sleep(time.Minute)
		if claim() != 1 {
			t.Error("not claimed again when the lease ran out")
		}
		cancel()
		synctest.Wait()
	})
}

// A page must not cost more because much is stored already. The bound is on
// allocations, which a busy machine does not change.
func TestPageCostDoesNotGrow(t *testing.T) {
	s, box := connected(t)
	n := 0
	page := func() store.Changes {
		c := store.Changes{Tenant: "acme"}
		for range 100 {
			n++
			now := time.Now()
			var f ticket.Fingerprint
			f[0], f[1], f[2], f[3] = 1, byte(n), byte(n>>8), byte(n>>16)
			tk := store.Ticket{Key: ticket.NewID(now)}
			tk.ID, tk.Tenant, tk.Mailbox, tk.Status, tk.Origin, tk.Version = ticket.NewID(now), "acme", box.ID, ticket.Open, ticket.FromMail, 1
			c.NewTickets = append(c.NewTickets, tk)
			c.Seen = append(c.Seen, store.Seen{Mailbox: box.ID, ProviderID: tk.ID.String(), MessageID: f, Content: f, Object: tk.ID})
			c.Hits = append(c.Hits, store.Hit{Mailbox: box.ID, Ticket: tk.ID, Message: tk.ID, Hit: ticket.Hit{Fingerprint: f, Role: ticket.HitMessageID}})
			c.Members = append(c.Members, store.Member{Mailbox: box.ID, Ticket: tk.ID, Member: ticket.Member{Address: f}})
			c.Contacts = append(c.Contacts, store.Contact{Mailbox: box.ID, Address: f, ID: tk.ID})
		}
		return c
	}
	cost := func() float64 {
		return testing.AllocsPerRun(5, func() { apply(t, s, page()) })
	}
	small := cost()
	for range 200 {
		apply(t, s, page())
	}
	if large := cost(); large > 3*small {
		t.Errorf("a page costs %.0f allocations on a full store and %.0f on an empty one", large, small)
	}
}
