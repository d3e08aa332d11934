package storetest

import (
	"context"
	"sync"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

var logCases = []testCase{
	{"Log/RoundTrip", logRoundTrip},
	{"Log/LateCommit", logLateCommit},
	{"Log/Consumers", logConsumers},
	{"Log/BadCursor", logBadCursor},
}

func logRoundTrip(w *world) {
	a, b := w.connect("acme", 1), w.connect("beta", 1)
	var want []ticket.Event
	for i := range 9 {
		c := store.Changes{Tenant: "acme", Events: []ticket.Event{w.newEvent(a, ticket.TicketCreated), w.newEvent(a, ticket.Tagged)}}
		if i == 4 {
			c.Events[0].Mailbox, c.Events[0].Ticket, c.Events[0].Message = a.ID, ticket.ID{}, ticket.ID{}
			c.Events[0].From, c.Events[0].To, c.Events[0].Cause, c.Events[0].Rung = "", "ünï\"{}", "", ""
			c.Events[0].By = ticket.BySystem()
		}
		w.must(c)
		w.must(store.Changes{Tenant: "beta", Events: []ticket.Event{w.newEvent(b, ticket.Tagged)}})
		want = append(want, c.Events...)
	}
	logged := w.events("acme")
	var got []ticket.Event
	for _, e := range logged {
		got = append(got, e.Event)
	}
	w.same(got, want, "a tenant's events in the order in which they were written")
	if n := len(w.events("beta")); n != 9 {
		w.Errorf("%d events of the other tenant, want 9", n)
	}

	// Reading goes on after the cursor of any event.
	page := w.eventPage(store.EventQuery{Tenant: "acme", After: logged[6].Cursor, Limit: 3})
	w.same(page, logged[7:10], "events after a cursor")
	all := w.eventPage(store.EventQuery{Limit: everything})
	if len(all) < 27 {
		w.Errorf("%d events of all tenants, want at least 27", len(all))
	}
	rest := w.eventPage(store.EventQuery{After: all[len(all)-1].Cursor, Limit: everything})
	w.same(rest, []store.LoggedEvent(nil), "events after the last")
	rest = w.eventPage(store.EventQuery{Tenant: "gamma", After: all[2].Cursor, Limit: everything})
	w.same(rest, []store.LoggedEvent(nil), "events of a tenant without any")
}

// logLateCommit has one transaction write its event first and commit last. A
// reader that has read past the other's event must still get it.
func logLateCommit(w *world) {
	a, b := w.connect("acme", 1), w.connect("acme", 2)
	early, late := w.newEvent(a, ticket.TicketCreated), w.newEvent(b, ticket.Tagged)
	tail := newTail(w)
	written, release, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	let := sync.OnceFunc(func() { close(release) })
	defer let()
	if w.h.Serial {
		let()
	}
	go func() {
		first := true
		done <- w.s.Update(w.ctx, func(ctx context.Context, tx store.Tx) error {
			err := tx.Apply(ctx, store.Changes{Tenant: "acme", Events: []ticket.Event{late}})
			if first {
				close(written)
				first = false
			}
			<-release // the suite alone may block here
			return err
		})
	}()
	<-written
	w.must(store.Changes{Tenant: "acme", Events: []ticket.Event{early}})
	for range 3 {
		tail.read()
	}
	let()
	w.ok(<-done, "the late commit")
	w.soon("both events", func() bool {
		tail.read()
		return len(tail.got) >= 2
	})
	tail.check(early.ID, late.ID)
}

// tail is a reader that goes on from where it was, as consumers do.
type tail struct {
	w     *world
	after store.EventCursor
	got   []ticket.ID
}

func newTail(w *world) *tail { return &tail{w: w} }

func (t *tail) read() {
	t.w.Helper()
	for _, e := range t.w.eventPage(store.EventQuery{Tenant: "acme", After: t.after, Limit: 3}) {
		t.after, t.got = e.Cursor, append(t.got, e.ID)
	}
}

// check expects each of the events once, and the same order as for a reader
// that starts over.
func (t *tail) check(ids ...ticket.ID) {
	t.w.Helper()
	count := map[ticket.ID]int{}
	for _, id := range t.got {
		count[id]++
	}
	for _, id := range ids {
		if count[id] != 1 {
			t.w.Errorf("an event was read %d times", count[id])
		}
	}
	again := newTail(t.w)
	for range len(t.got) {
		again.read()
	}
	t.w.same(again.got[:min(len(again.got), len(t.got))], t.got, "the log read again from its start")
}

func logConsumers(w *world) {
	box := w.connect("acme", 1)
	w.must(store.Changes{Tenant: "acme", Events: []ticket.Event{w.newEvent(box, ticket.Tagged), w.newEvent(box, ticket.Untagged)}})
	logged := w.events("acme")
	first, second := logged[0].Cursor, logged[1].Cursor
	at := func(name string) store.EventCursor {
		return get(w, func(ctx context.Context, r store.Reader) (store.EventCursor, error) { return r.Consumer(ctx, name) })
	}
	move := func(name string, from, to store.EventCursor) error {
		return w.apply(store.Changes{Consumers: []store.ConsumerMove{{Name: name, From: from, To: to}}})
	}
	if c := at("hook"); c != "" {
		w.Errorf("a new consumer stands at %q", c)
	}
	w.ok(move("hook", "", first), "first move")
	w.is(move("hook", "", second), store.ErrStale, "a move from the start, which it left")
	w.ok(move("hook", first, second), "second move")
	w.is(move("hook", first, second), store.ErrStale, "the same move again")
	w.is(move("fresh", first, second), store.ErrStale, "a move of a consumer that stands at the start")
	if c := at("hook"); c != second {
		w.Errorf("the consumer stands at %q, want %q", c, second)
	}
	if c := at("Hook"); c != "" {
		w.Errorf("a consumer of another name stands at %q", c)
	}
}

func logBadCursor(w *world) {
	for _, bad := range []store.EventCursor{"nonsense", "\x00", "'--"} {
		_, err := read(w, func(ctx context.Context, r store.Reader) ([]store.LoggedEvent, error) {
			return r.Events(ctx, store.EventQuery{Tenant: "acme", After: bad, Limit: 1})
		})
		if err == nil || isOneOf(err, store.ErrUnavailable) {
			w.Errorf("a cursor that the store did not hand out: %v", err)
		}
	}
}
