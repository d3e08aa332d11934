package helpdesk

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// eventsPage is how many events a consumer gets before its place is kept.
const eventsPage = 100

// Consume gives every event of all tenants to fn, in commit order and at least
// once, from where the consumer of this name stopped: a new name starts at the
// first event. It returns how many it gave when there are no more, or fn's
// error, and then the event comes again next time. fn may open content and
// call the network; it runs outside any transaction. Call it after Run's work
// or in a loop of your own; two callers of one name share the events and may
// both see some.
func (d *Desk) Consume(ctx context.Context, name string, fn func(ctx context.Context, e store.LoggedEvent) error) (int, error) {
	if name == "" || len(name) > 255 {
		return 0, fmt.Errorf("%w: the consumer's name", ErrBadID)
	}
	done := 0
	for {
		var from store.EventCursor
		var page []store.LoggedEvent
		err := d.store.View(ctx, func(ctx context.Context, r store.Reader) (err error) {
			if from, err = r.Consumer(ctx, name); err != nil {
				return err
			}
			page, err = r.Events(ctx, store.EventQuery{After: from, Limit: eventsPage})
			return err
		})
		if err != nil || len(page) == 0 {
			return done, err
		}
		to := from
		for _, e := range page {
			if err = fn(ctx, e); err != nil {
				break
			}
			to = e.Cursor
			done++
		}
		if to != from {
			move := store.ConsumerMove{Name: name, From: from, To: to}
			if e := d.write(ctx, store.Changes{Consumers: []store.ConsumerMove{move}}); e != nil && !isStale(e) {
				return done, e
			}
		}
		if err != nil {
			return done, err
		}
	}
}

// Events returns a tenant's events after a cursor, oldest first, at most limit.
// The empty cursor is the start.
func (t *Tenant) Events(ctx context.Context, after store.EventCursor, limit int) (out []store.LoggedEvent, err error) {
	if err := t.id.Validate(); err != nil {
		return nil, err
	}
	if limit <= 0 {
		limit = eventsPage
	}
	err = t.desk.store.View(ctx, func(ctx context.Context, r store.Reader) (err error) {
		out, err = r.Events(ctx, store.EventQuery{Tenant: t.id, After: after, Limit: min(limit, 1000)})
		return err
	})
	return out, err
}

// LogEvents is an OnEvent hook that logs each event: ids and constants, no
// content. It logs what may still be rolled back. Nil is slog.Default.
func LogEvents(l *slog.Logger) func(context.Context, store.Tx, ticket.Event) error {
	if l == nil {
		l = slog.Default()
	}
	return func(ctx context.Context, _ store.Tx, e ticket.Event) error {
		l.InfoContext(ctx, string(e.Type), "tenant", e.Tenant, "mailbox", e.Mailbox, "ticket", e.Ticket, "to", e.To, "cause", e.Cause)
		return nil
	}
}
