package postgres

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/store/memory"
	"github.com/helpdesk-go/helpdesk/ticket"
)

func has(t *testing.T, s *Store, id ticket.ID) bool {
	t.Helper()
	err := s.View(t.Context(), func(ctx context.Context, r store.Reader) error {
		_, err := r.Ticket(ctx, "acme", id)
		return err
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		t.Fatal(err)
	}
	return err == nil
}

func TestJoinedWritesAreTheHosts(t *testing.T) {
	s, dsn := open(t, Options{})
	box := connected(t, s, "acme")
	exec(t, dsn, "CREATE TABLE orders (n int PRIMARY KEY)")
	host := dial(t, dsn)
	for n, commit := range []bool{false, true} {
		c := page(box, 1)
		c.Seen = nil
		tx, err := host.Begin(t.Context())
		must(t, err)
		_, err = tx.Exec(t.Context(), "INSERT INTO orders VALUES ($1)", n)
		must(t, err)
		joined := []store.Tx{Join(tx), s.Join(tx)}[n]
		must(t, joined.Apply(t.Context(), c))
		if _, err := joined.Ticket(t.Context(), "acme", c.NewTickets[0].ID); err != nil {
			t.Errorf("a joined transaction does not see its own write: %v", err)
		}
		if got, ok := Unwrap(joined); !ok || got != tx {
			t.Error("Unwrap of a joined transaction is not the host's")
		}
		if has(t, s, c.NewTickets[0].ID) {
			t.Error("visible before the host commits")
		}
		if commit {
			must(t, tx.Commit(t.Context()))
		} else {
			must(t, tx.Rollback(t.Context()))
		}
		if has(t, s, c.NewTickets[0].ID) != commit {
			t.Errorf("commit %v, and the ticket says otherwise", commit)
		}
	}
	if err := Join(nil).Apply(t.Context(), page(box, 1)); err == nil {
		t.Error("joined nothing")
	}
}

// TestFailedJoinCannotCommit makes sure that a host that overlooks an error
// does not keep half of a change.
func TestFailedJoinCannotCommit(t *testing.T) {
	s, dsn := open(t, Options{})
	box := connected(t, s, "acme")
	c := page(box, 1)
	must(t, apply(t.Context(), s, c))
	stale := page(box, 1)
	stale.Seen = nil
	stale.Tickets = []store.TicketUpdate{{Ticket: c.NewTickets[0].Ticket, Was: 7}}

	host := dial(t, dsn)
	tx, err := host.Begin(t.Context())
	must(t, err)
	if err := Join(tx).Apply(t.Context(), stale); !errors.Is(err, store.ErrStale) {
		t.Fatalf("got %v, want ErrStale", err)
	}
	if err := tx.Commit(t.Context()); !errors.Is(err, pgx.ErrTxCommitRollback) {
		t.Errorf("the transaction committed: %v", err)
	}
	if has(t, s, stale.NewTickets[0].ID) {
		t.Error("half of the change was kept")
	}

	// A savepoint lets the host go on.
	tx, err = host.Begin(t.Context())
	must(t, err)
	point, err := tx.Begin(t.Context())
	must(t, err)
	if err := Join(point).Apply(t.Context(), stale); !errors.Is(err, store.ErrStale) {
		t.Fatalf("got %v, want ErrStale", err)
	}
	must(t, point.Rollback(t.Context()))
	stale.Tickets = nil
	must(t, Join(tx).Apply(t.Context(), stale))
	must(t, tx.Commit(t.Context()))
	if !has(t, s, stale.NewTickets[0].ID) {
		t.Error("what came after the savepoint is lost")
	}
}

func TestUnwrap(t *testing.T) {
	s, dsn := open(t, Options{})
	exec(t, dsn, "CREATE TABLE orders (n int PRIMARY KEY)")
	box := connected(t, s, "acme")
	boom := errors.New("boom")
	for _, fails := range []error{boom, nil} {
		c := page(box, 1)
		err := s.Update(t.Context(), func(ctx context.Context, tx store.Tx) error {
			raw, ok := Unwrap(tx)
			if !ok {
				t.Fatal("not a transaction of this package")
			}
			if _, err := raw.Exec(ctx, "INSERT INTO orders VALUES (1)"); err != nil {
				return err
			}
			return errors.Join(tx.Apply(ctx, c), fails)
		})
		if !errors.Is(err, fails) {
			t.Fatal(err)
		}
		var n int
		must(t, s.pool.QueryRow(t.Context(), "SELECT count(*) FROM orders").Scan(&n))
		if want := fails == nil; (n == 1) != want || has(t, s, c.NewTickets[0].ID) != want {
			t.Errorf("fails %v: host's row %d, ticket otherwise", fails, n)
		}
	}
	_ = memory.New().Update(t.Context(), func(_ context.Context, tx store.Tx) error {
		if _, ok := Unwrap(tx); ok {
			t.Error("unwrapped another store's transaction")
		}
		return nil
	})
}

func TestNestedAndOver(t *testing.T) {
	s, _ := open(t, Options{MaxConns: 1})
	var leaked store.Tx
	must(t, s.Update(t.Context(), func(ctx context.Context, tx store.Tx) error {
		leaked = tx
		nop := func(context.Context, store.Reader) error { return nil }
		if err := s.View(ctx, nop); !errors.Is(err, errNested) {
			t.Errorf("nested View: %v", err)
		}
		if _, err := s.Claim(ctx, store.Claim{Limit: 1}); !errors.Is(err, errNested) {
			t.Errorf("nested Claim: %v", err)
		}
		return nil
	}))
	if _, err := leaked.Ticket(t.Context(), "acme", newID()); !errors.Is(err, errOver) {
		t.Errorf("a transaction used after its end: %v", err)
	}
}

// TestLateCommit has a transaction that began to write first and commits last,
// and a host's transaction that stays open for long.
func TestLateCommit(t *testing.T) {
	s, dsn := open(t, Options{})
	var after store.EventCursor
	seen := map[ticket.ID]int{}
	read := func() {
		must(t, s.View(t.Context(), func(ctx context.Context, r store.Reader) error {
			got, err := r.Events(ctx, store.EventQuery{Tenant: "acme", After: after, Limit: 3})
			for _, e := range got {
				seen[e.ID]++
				after = e.Cursor
			}
			return err
		}))
	}
	var all []ticket.ID
	log := func(tx store.Tx) {
		e := newEvent("acme", newID())
		all = append(all, e.ID)
		must(t, tx.Apply(t.Context(), store.Changes{Tenant: "acme", Events: []ticket.Event{e}}))
	}
	var late []pgx.Tx
	for range 4 {
		tx, err := dial(t, dsn).Begin(t.Context())
		must(t, err)
		log(Join(tx))
		late = append(late, tx)
	}
	for i := len(late) - 1; i >= 0; i-- {
		must(t, s.Update(t.Context(), func(_ context.Context, tx store.Tx) error { log(tx); return nil }))
		read()
		if i%2 == 0 {
			log(Join(late[i])) // writes again before it commits
		}
		must(t, late[i].Commit(t.Context()))
		read()
	}
	soon(t, "all events", func() bool { read(); return len(seen) == len(all) })
	for _, id := range all {
		if seen[id] != 1 {
			t.Errorf("an event was returned %d times", seen[id])
		}
	}
}

func TestIdentifiersDistinguishCaseAndAccents(t *testing.T) {
	s, _ := open(t, Options{})
	for _, tenant := range []ticket.TenantID{"acme", "Acme", "acmé", "acme\u0301", "acme "} {
		connected(t, s, tenant)
	}
	for _, tenant := range []ticket.TenantID{"acme", "Acme", "acmé", "acme\u0301", "acme "} {
		must(t, s.View(t.Context(), func(ctx context.Context, r store.Reader) error {
			got, err := r.ListMailboxes(ctx, tenant, ticket.ID{}, 10)
			if len(got) != 1 {
				t.Errorf("tenant %q has %d mailboxes, want 1", tenant, len(got))
			}
			return err
		}))
	}
}
