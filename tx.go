package helpdesk

import (
	"context"
	"errors"
	"time"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// Tx is a tenant's verbs inside a transaction that somebody else commits: the
// host's own, by postgres.Join, or the one an OnEvent hook runs in. They need
// no plaintext and touch no network. After an error the transaction must be
// rolled back. It is used by one goroutine at a time.
type Tx struct {
	t  *Tenant
	tx store.Tx
}

// Tx returns the verbs inside tx.
func (t *Tenant) Tx(tx store.Tx) *Tx { return &Tx{t: t, tx: tx} }

// Reply inserts a prepared reply: it is sent after the transaction commits and
// never if it does not. It returns ErrStale when the ticket moved on since
// Compose.
func (x *Tx) Reply(ctx context.Context, p *Prepared) error { return x.insert(ctx, p) }

// Note inserts a prepared note, like Reply.
func (x *Tx) Note(ctx context.Context, p *Prepared) error { return x.insert(ctx, p) }

// Start inserts a prepared ticket, like Reply.
func (x *Tx) Start(ctx context.Context, p *Prepared) error { return x.insert(ctx, p) }

func (x *Tx) insert(ctx context.Context, p *Prepared) error {
	if p == nil || p.tenant != x.t.id {
		return store.ErrNotFound
	}
	if x.t.desk.now().Sub(p.made) > preparedFor {
		return store.ErrStale
	}
	return x.t.desk.apply(ctx, x.tx, p.changes)
}

// preparedFor is how long a Prepared may be inserted: well below the day after
// which large objects that no row names are swept.
const preparedFor = 12 * time.Hour

// Assign gives a ticket to an agent, or with the empty id to nobody.
func (x *Tx) Assign(ctx context.Context, id ticket.ID, a ticket.AgentID) error {
	if a != "" {
		if err := a.Validate(); err != nil {
			return err
		}
	}
	return x.change(ctx, id, func(t ticket.Ticket, by ticket.Actor) (ticket.Ticket, []ticket.Event) {
		return t.Assign(a, by, x.t.desk.now().UTC())
	})
}

// SetStatus opens, parks or closes a ticket.
func (x *Tx) SetStatus(ctx context.Context, id ticket.ID, s ticket.Status) error {
	if !s.Valid() {
		return ErrState
	}
	return x.change(ctx, id, func(t ticket.Ticket, by ticket.Actor) (ticket.Ticket, []ticket.Event) {
		return t.SetStatus(s, by, x.t.desk.now().UTC())
	})
}

// Merge closes a ticket in favour of another one of the same mailbox: answers
// to it join that one from now on. Its messages stay where they are, and opening
// it again takes it out. It returns ErrState for tickets of two mailboxes, which
// are two archives, and for a circle.
func (x *Tx) Merge(ctx context.Context, id, into ticket.ID) error {
	from, err := x.tx.Ticket(ctx, x.t.id, id)
	if err != nil {
		return err
	}
	to, err := x.tx.Ticket(ctx, x.t.id, into)
	for n := 0; err == nil && !to.Merged.IsZero(); n++ {
		if to.ID == id || n == mergesMost {
			return ErrState
		}
		to, err = x.tx.Ticket(ctx, x.t.id, to.Merged)
	}
	switch {
	case err != nil:
		return err
	case to.ID == id || to.Mailbox != from.Mailbox:
		return ErrState
	}
	by, err := actor(ctx)
	if err != nil {
		return err
	}
	next, events := from.Merge(to.ID, by, x.t.desk.now().UTC())
	if len(events) == 0 {
		return nil
	}
	// The other one gets a new version as well, so that of two merges that
	// would make a circle together one is stale.
	kept := to.Ticket
	kept.Version++
	return x.t.desk.apply(ctx, x.tx, store.Changes{Tenant: x.t.id, Events: events, Tickets: []store.TicketUpdate{
		{Ticket: next, Was: from.Version}, {Ticket: kept, Was: to.Version},
	}})
}

// Tag adds and removes tags; removing wins. Tags are names of the host's
// making and hold no personal data: they are not sealed.
func (x *Tx) Tag(ctx context.Context, id ticket.ID, add, remove []string) error {
	return x.change(ctx, id, func(t ticket.Ticket, by ticket.Actor) (ticket.Ticket, []ticket.Event) {
		return t.Tag(add, remove, by, x.t.desk.now().UTC())
	})
}

func (x *Tx) change(ctx context.Context, id ticket.ID, f func(ticket.Ticket, ticket.Actor) (ticket.Ticket, []ticket.Event)) error {
	by, err := actor(ctx)
	if err != nil {
		return err
	}
	was, err := x.tx.Ticket(ctx, x.t.id, id)
	if err != nil {
		return err
	}
	next, events := f(was.Ticket, by)
	if len(events) == 0 {
		return nil
	}
	return x.t.desk.apply(ctx, x.tx, store.Changes{
		Tenant: x.t.id, Tickets: []store.TicketUpdate{{Ticket: next, Was: was.Version}}, Events: events,
	})
}

// Reply answers the contact of a ticket, in a transaction of its own. It
// returns the id of the message; the mail leaves in the background, and its
// delivery tells how far it got.
func (t *Tenant) Reply(ctx context.Context, id ticket.ID, r Reply) (ticket.ID, error) {
	return t.compose(ctx, r.ID, func() (*Prepared, error) { return t.Compose(ctx, id, r) })
}

// AddNote writes an internal note on a ticket and returns its id.
func (t *Tenant) AddNote(ctx context.Context, id ticket.ID, n Note) (ticket.ID, error) {
	return t.compose(ctx, n.ID, func() (*Prepared, error) { return t.ComposeNote(ctx, id, n) })
}

// Start writes to somebody first and returns the new ticket.
func (t *Tenant) Start(ctx context.Context, n NewTicket) (ticket.ID, error) {
	id, err := t.compose(ctx, n.ID, func() (*Prepared, error) { return t.ComposeTicket(ctx, n) })
	if err != nil {
		return ticket.ID{}, err
	}
	m, err := t.message(ctx, id)
	return m.Ticket, err
}

// compose prepares and inserts, and prepares anew when the ticket moved on. A
// message that is there already was written by an attempt whose answer got
// lost.
func (t *Tenant) compose(ctx context.Context, chosen ticket.ID, prepare func() (*Prepared, error)) (ticket.ID, error) {
	if err := t.mayRead(ctx, "message.write"); err != nil {
		return ticket.ID{}, err
	}
	if !chosen.IsZero() {
		if _, err := t.message(ctx, chosen); !errors.Is(err, store.ErrNotFound) {
			return chosen, err
		}
	}
	for range storeTries {
		p, err := prepare()
		if err != nil {
			return ticket.ID{}, err
		}
		err = t.desk.write(ctx, p.changes)
		if errors.Is(err, store.ErrUnavailable) {
			err = t.desk.write(ctx, p.changes) // unknown outcome: the same again is harmless
		}
		if isStale(err) {
			if _, e := t.message(ctx, p.Message); e == nil {
				err = nil
			}
		}
		switch {
		case err == nil:
			return p.Message, nil
		case !isStale(err):
			return ticket.ID{}, err
		}
	}
	return ticket.ID{}, store.ErrStale
}

// message reads a message's row.
func (t *Tenant) message(ctx context.Context, id ticket.ID) (m store.Message, err error) {
	err = t.desk.store.View(ctx, func(ctx context.Context, r store.Reader) (err error) {
		m, err = r.Message(ctx, t.id, id)
		return err
	})
	return m, err
}

// Assign gives a ticket to an agent, or with the empty id to nobody.
func (t *Tenant) Assign(ctx context.Context, id ticket.ID, a ticket.AgentID) error {
	return t.inTx(ctx, func(ctx context.Context, x *Tx) error { return x.Assign(ctx, id, a) })
}

// SetStatus opens, parks or closes a ticket.
func (t *Tenant) SetStatus(ctx context.Context, id ticket.ID, s ticket.Status) error {
	return t.inTx(ctx, func(ctx context.Context, x *Tx) error { return x.SetStatus(ctx, id, s) })
}

// Merge closes a ticket in favour of another one of the same mailbox, like
// [Tx.Merge].
func (t *Tenant) Merge(ctx context.Context, id, into ticket.ID) error {
	return t.inTx(ctx, func(ctx context.Context, x *Tx) error { return x.Merge(ctx, id, into) })
}

// Tag adds and removes tags; removing wins.
func (t *Tenant) Tag(ctx context.Context, id ticket.ID, add, remove []string) error {
	return t.inTx(ctx, func(ctx context.Context, x *Tx) error { return x.Tag(ctx, id, add, remove) })
}

func (t *Tenant) inTx(ctx context.Context, f func(context.Context, *Tx) error) error {
	if err := t.outside(ctx); err != nil {
		return err
	}
	var err error
	for range storeTries {
		err = t.desk.store.Update(ctx, func(ctx context.Context, tx store.Tx) error { return f(ctx, t.Tx(tx)) })
		if !isStale(err) {
			break
		}
	}
	return err
}
