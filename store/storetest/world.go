package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// patience is how long the suite waits for what must come, on a machine that
// is busy with something else.
const patience = 30 * time.Second

// world is a store under test with the means to write to it in one line.
type world struct {
	*testing.T
	h   Harness
	s   store.Store
	ctx context.Context
	now time.Time
}

func newWorld(t *testing.T, h Harness) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 4*patience)
	t.Cleanup(cancel)
	return &world{T: t, h: h, s: h.New(t), ctx: ctx, now: time.Now().UTC().Truncate(time.Microsecond)}
}

// apply commits changes in a transaction of their own.
func (w *world) apply(c store.Changes) error {
	return w.s.Update(w.ctx, func(ctx context.Context, tx store.Tx) error { return tx.Apply(ctx, c) })
}

func (w *world) must(c store.Changes) {
	w.Helper()
	w.ok(w.apply(c), "apply")
}

// refuse expects changes to fail with an error.
func (w *world) refuse(c store.Changes, want error, what string) {
	w.Helper()
	w.is(w.apply(c), want, what)
}

func (w *world) ok(err error, what string) {
	w.Helper()
	if err != nil {
		w.Fatalf("%s: %v", what, err)
	}
}

func (w *world) is(err, want error, what string) {
	w.Helper()
	if !errors.Is(err, want) {
		w.Fatalf("%s: got error %v, want %v", what, err, want)
	}
}

// view reads in one transaction and fails on any error.
func (w *world) view(fn func(ctx context.Context, r store.Reader) error) {
	w.Helper()
	w.ok(w.s.View(w.ctx, fn), "view")
}

// read calls one method of the reader.
func read[V any](w *world, fn func(ctx context.Context, r store.Reader) (V, error)) (V, error) {
	var got V
	err := w.s.View(w.ctx, func(ctx context.Context, r store.Reader) error {
		var err error
		got, err = fn(ctx, r)
		return err
	})
	return got, err
}

// get is read for what must be there.
func get[V any](w *world, fn func(ctx context.Context, r store.Reader) (V, error)) V {
	w.Helper()
	v, err := read(w, fn)
	w.ok(err, "read")
	return v
}

func (w *world) ticket(tenant ticket.TenantID, id ticket.ID) store.Ticket {
	w.Helper()
	return get(w, func(ctx context.Context, r store.Reader) (store.Ticket, error) { return r.Ticket(ctx, tenant, id) })
}

func (w *world) message(tenant ticket.TenantID, id ticket.ID) store.Message {
	w.Helper()
	return get(w, func(ctx context.Context, r store.Reader) (store.Message, error) { return r.Message(ctx, tenant, id) })
}

func (w *world) mailbox(tenant ticket.TenantID, id ticket.ID) store.Mailbox {
	w.Helper()
	return get(w, func(ctx context.Context, r store.Reader) (store.Mailbox, error) { return r.Mailbox(ctx, tenant, id) })
}

func (w *world) tasks(box store.Mailbox) []store.Task {
	w.Helper()
	return get(w, func(ctx context.Context, r store.Reader) ([]store.Task, error) {
		return r.Tasks(ctx, box.Tenant, box.ID)
	})
}

func (w *world) known(box store.Mailbox, probes ...store.Seen) []store.Seen {
	w.Helper()
	got := get(w, func(ctx context.Context, r store.Reader) ([]store.Seen, error) {
		return r.Known(ctx, box.Tenant, box.ID, probes)
	})
	if len(got) != len(probes) {
		w.Fatalf("Known answered %d of %d probes", len(got), len(probes))
	}
	return got
}

func (w *world) claim(q store.Claim) []store.Lease {
	w.Helper()
	if q.Limit == 0 {
		q.Limit = 100
	}
	if q.For == 0 {
		q.For = time.Hour
	}
	got, err := w.s.Claim(w.ctx, q)
	w.ok(err, "claim")
	return got
}

// claimOne expects exactly one task to be due.
func (w *world) claimOne(q store.Claim) store.Lease {
	w.Helper()
	got := w.claim(q)
	if len(got) != 1 {
		w.Fatalf("claimed %d tasks, want 1", len(got))
	}
	return got[0]
}

func (w *world) claimNone(q store.Claim, why string) {
	w.Helper()
	if got := w.claim(q); len(got) != 0 {
		w.Fatalf("claimed %d tasks, want none: %s", len(got), why)
	}
}

// soon waits until something holds that needs no more than time.
func (w *world) soon(what string, holds func() bool) {
	w.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			w.Fatalf("waited %v in vain: %s", patience, what)
		}
	}
}

// sentinel is the type of the events by which the suite knows that it has read
// all that was logged before.
const sentinel ticket.EventType = "storetest.sentinel"

// events returns all events of a tenant. A store may hold new events back
// while older transactions run, so it logs one more and reads until it comes.
func (w *world) events(tenant ticket.TenantID) []store.LoggedEvent {
	w.Helper()
	last := ticket.Event{ID: newID(), Version: ticket.EventVersion, Type: sentinel, At: w.now, By: ticket.BySystem(), Tenant: tenant}
	w.must(store.Changes{Tenant: tenant, Events: []ticket.Event{last}})
	var out []store.LoggedEvent
	after, done := store.EventCursor(""), false
	w.soon("an event that was committed", func() bool {
		page := w.eventPage(store.EventQuery{Tenant: tenant, After: after, Limit: 7})
		for _, e := range page {
			after, done = e.Cursor, done || e.ID == last.ID
			if e.Type != sentinel {
				out = append(out, e)
			}
		}
		return done
	})
	return out
}

func (w *world) eventPage(q store.EventQuery) []store.LoggedEvent {
	w.Helper()
	return get(w, func(ctx context.Context, r store.Reader) ([]store.LoggedEvent, error) { return r.Events(ctx, q) })
}

func newID() ticket.ID { return ticket.NewID(time.Now()) }

func isOneOf(err error, want ...error) bool {
	for _, target := range want {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}
