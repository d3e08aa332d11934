package erase

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// pageMost bounds what is read at once.
const pageMost = 200

// planned fences the mailboxes of a plan and writes the erasure down.
func (x *Executor) planned(ctx context.Context, tx store.Tx, e privacy.LedgerEntry) (store.Changes, error) {
	p, err := read[Plan](e)
	if err != nil {
		return store.Changes{}, err
	}
	if _, err := tx.Record(ctx, p.Scope.Tenant, ErasureRecord, e.ID); err == nil {
		return store.Changes{}, nil
	} else if !errors.Is(err, store.ErrNotFound) {
		return store.Changes{}, err
	}
	rec := Erasure{ID: e.ID, Plan: p, State: Planned}
	c := store.Changes{Tenant: p.Scope.Tenant, Records: []store.Record{rec.record(rec.due())}}
	boxes, err := x.boxes(ctx, tx, p)
	if err != nil {
		return store.Changes{}, err
	}
	for _, m := range boxes {
		if err := x.fence(ctx, tx, m, e.At, &c); err != nil {
			return store.Changes{}, err
		}
	}
	return c, nil
}

// boxes are the mailboxes that a plan is about as a whole.
func (x *Executor) boxes(ctx context.Context, r store.Reader, p Plan) ([]store.Mailbox, error) {
	switch {
	case p.batch():
		return nil, nil
	case p.Scope.Kind() == privacy.ScopeMailbox:
		m, err := r.Mailbox(ctx, p.Scope.Tenant, p.Scope.Mailbox)
		if errors.Is(err, store.ErrNotFound) {
			return nil, nil
		}
		return []store.Mailbox{m}, err
	case p.Scope.Kind() != privacy.ScopeTenant:
		return nil, nil
	}
	var out []store.Mailbox
	var after ticket.ID
	for {
		page, err := r.ListMailboxes(ctx, p.Scope.Tenant, after, pageMost)
		if out = append(out, page...); err != nil || len(page) < pageMost {
			return out, err
		}
		after = page[len(page)-1].ID
	}
}

// fence closes a mailbox: nothing is read from it or sent by it any more,
// queued replies are cancelled, and its credential is gone at once.
func (x *Executor) fence(ctx context.Context, tx store.Tx, m store.Mailbox, now time.Time, c *store.Changes) error {
	was := m.State
	// The first write locks the mailbox against replies that are being
	// written, so that what is read after it is all there will ever be.
	m.Version++
	if err := tx.Apply(ctx, store.Changes{Tenant: m.Tenant, Mailboxes: []store.Mailbox{m}}); err != nil {
		return err
	}
	c.DropTasks = append(c.DropTasks, m.ID)
	deliveries, events, err := withdraw(ctx, tx, m, now)
	if err != nil {
		return err
	}
	c.Deliveries, c.Events = append(c.Deliveries, deliveries...), append(c.Events, events...)
	m.State, m.Credential = store.MailboxFenced, nil
	m.Version++
	c.Mailboxes = append(c.Mailboxes, m)
	if was == store.MailboxConnected {
		c.Events = append(c.Events, x.event(ticket.MailboxDisconnected, m.Tenant, m.ID, now))
	}
	return nil
}

func (x *Executor) event(typ ticket.EventType, t ticket.TenantID, mailbox ticket.ID, now time.Time) ticket.Event {
	return ticket.Event{ID: ticket.NewID(now), Version: ticket.EventVersion, Type: typ, At: now, By: ticket.BySystem(), Tenant: t, Mailbox: mailbox}
}

// withdraw cancels what was not sent yet. What is on its way is in doubt: its
// worker can no longer record how it went.
func withdraw(ctx context.Context, r store.Reader, m store.Mailbox, now time.Time) (out []ticket.Delivery, events []ticket.Event, err error) {
	q := store.DeliveryQuery{
		Tenant: m.Tenant, Mailbox: m.ID, Limit: pageMost,
		States: []ticket.DeliveryState{ticket.Queued, ticket.Preparing, ticket.Ready, ticket.Wire},
	}
	for {
		page, err := r.Deliveries(ctx, q)
		if err != nil {
			return nil, nil, err
		}
		for _, d := range page {
			to := ticket.Cancelled
			if d.State == ticket.Wire {
				to = ticket.Uncertain
			}
			next, ev, err := d.To(to, "disconnected", now)
			if err != nil {
				return nil, nil, err
			}
			out, events = append(out, next), append(events, ev)
		}
		if len(page) < q.Limit {
			return out, events, nil
		}
		q.After = page[len(page)-1].Message
	}
}

// begun is the point of no return: what holds cover at this place of the ledger
// is kept, and everything else is about to die.
func (x *Executor) begun(ctx context.Context, tx store.Tx, e privacy.LedgerEntry) (store.Changes, error) {
	p, err := read[Plan](e)
	if err != nil {
		return store.Changes{}, err
	}
	rec := Erasure{ID: e.ID, Plan: p}
	switch r, err := tx.Record(ctx, p.Scope.Tenant, ErasureRecord, e.ID); {
	case err == nil:
		if rec, err = erasureOf(r); err != nil || rec.State != Planned {
			return store.Changes{}, err
		}
	case !errors.Is(err, store.ErrNotFound):
		return store.Changes{}, err
	}
	rec.State, rec.Entry, rec.StartedAt = Erasing, e.N, e.At
	if rec.Keep, rec.Holds, err = x.keep(ctx, tx, rec.Plan, e.At); err != nil {
		return store.Changes{}, err
	}
	if rec.Contacts, err = x.people(ctx, tx, rec.Plan); err != nil {
		return store.Changes{}, err
	}
	boxes, err := x.boxes(ctx, tx, rec.Plan)
	for _, m := range boxes {
		rec.Boxes = append(rec.Boxes, m.ID)
	}
	return store.Changes{Tenant: p.Scope.Tenant, Records: []store.Record{rec.record(rec.due())}}, err
}

// keep lists the tickets of a plan that holds cover, and those holds.
func (x *Executor) keep(ctx context.Context, r store.Reader, p Plan, at time.Time) (tickets, holds []ticket.ID, err error) {
	err = x.eachHold(ctx, r, p.Scope.Tenant, func(h Hold) error {
		if !h.Active(at) {
			return nil
		}
		found, err := x.covered(ctx, r, p, h)
		if len(found) > 0 {
			holds = append(holds, h.ID)
		}
		for _, id := range found {
			if !slices.Contains(tickets, id) {
				tickets = append(tickets, id)
			}
		}
		return err
	})
	return tickets, holds, err
}

// covered lists the tickets that both a plan and a hold are about.
func (x *Executor) covered(ctx context.Context, r store.Reader, p Plan, h Hold) (out []ticket.ID, err error) {
	q := store.RetainQuery{Tenant: p.Scope.Tenant, Mailbox: p.Scope.Mailbox, Contact: p.Scope.Contact, Limit: pageMost}
	only := p.Tickets
	if !p.Scope.Ticket.IsZero() {
		only = []ticket.ID{p.Scope.Ticket}
	}
	switch h.Scope.Kind() {
	case privacy.ScopeTicket:
		if only != nil && !slices.Contains(only, h.Scope.Ticket) {
			return nil, nil
		}
		only = []ticket.ID{h.Scope.Ticket}
	case privacy.ScopeMailbox:
		if !q.Mailbox.IsZero() && q.Mailbox != h.Scope.Mailbox {
			return nil, nil
		}
		q.Mailbox = h.Scope.Mailbox
	case privacy.ScopeContact:
		if q.Contact.IsZero() {
			q.Contact = h.Scope.Contact
		}
	}
	for {
		page, err := r.Retained(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, t := range page {
			on := only == nil || slices.Contains(only, t.Ticket.ID)
			if on && (h.Scope.Contact.IsZero() || h.Scope.Contact == q.Contact || x.isOn(ctx, r, t.Ticket, h.Scope.Contact)) {
				out = append(out, t.Ticket.ID)
			}
		}
		if len(page) < q.Limit {
			return out, nil
		}
		q.AfterTenant, q.After = q.Tenant, page[len(page)-1].Ticket.ID
	}
}

// isOn tells whether a contact is on a ticket. When it cannot be read the
// answer is yes: what may be held is kept.
func (x *Executor) isOn(ctx context.Context, r store.Reader, t ticket.Ticket, contact ticket.ID) bool {
	members, err := r.Members(ctx, t.Tenant, t.ID)
	return err != nil || t.Contact == contact || slices.ContainsFunc(members, func(m ticket.Member) bool { return m.Contact == contact })
}

// people lists the contacts of tickets, who may have nothing left afterwards.
func (x *Executor) people(ctx context.Context, r store.Reader, p Plan) (out []ticket.ID, err error) {
	tickets := p.Tickets
	if !p.Scope.Ticket.IsZero() {
		tickets = []ticket.ID{p.Scope.Ticket}
	}
	for _, id := range tickets {
		members, err := r.Members(ctx, p.Scope.Tenant, id)
		if err != nil {
			return nil, err
		}
		for _, m := range members {
			if !m.Contact.IsZero() && !slices.Contains(out, m.Contact) {
				out = append(out, m.Contact)
			}
		}
	}
	return out, nil
}

// cancelled takes a plan back before its time: the mailbox is connected again.
func (x *Executor) cancelled(ctx context.Context, tx store.Tx, e privacy.LedgerEntry) (store.Changes, error) {
	r, err := tx.Record(ctx, e.Scope.Tenant, ErasureRecord, e.ID)
	if errors.Is(err, store.ErrNotFound) {
		return store.Changes{}, nil
	}
	if err != nil {
		return store.Changes{}, err
	}
	rec, err := erasureOf(r)
	if err != nil || rec.State != Planned {
		return store.Changes{}, err
	}
	rec.State, rec.FinishedAt = Cancelled, e.At
	c := store.Changes{Tenant: e.Scope.Tenant, Records: []store.Record{rec.record(rec.due())}}
	boxes, err := x.boxes(ctx, tx, rec.Plan)
	for _, m := range boxes {
		m.State, m.Version = store.MailboxConnected, m.Version+1
		c.Mailboxes = append(c.Mailboxes, m)
		c.Events = append(c.Events, x.event(ticket.MailboxConnected, m.Tenant, m.ID, e.At))
	}
	return c, err
}

// held writes a hold down.
func (x *Executor) held(ctx context.Context, tx store.Tx, e privacy.LedgerEntry) (store.Changes, error) {
	h, err := read[Hold](e)
	if err != nil {
		return store.Changes{}, err
	}
	if _, err := tx.Record(ctx, e.Scope.Tenant, HoldRecord, e.ID); !errors.Is(err, store.ErrNotFound) {
		return store.Changes{}, err
	}
	return store.Changes{Records: []store.Record{h.record()}}, nil
}

// released ends a hold, and plans anew what it had stopped.
func (x *Executor) released(ctx context.Context, tx store.Tx, e privacy.LedgerEntry) (store.Changes, error) {
	r, err := tx.Record(ctx, e.Scope.Tenant, HoldRecord, e.ID)
	if errors.Is(err, store.ErrNotFound) {
		return store.Changes{}, nil
	}
	if err != nil {
		return store.Changes{}, err
	}
	h, err := holdOf(r)
	if err != nil || !h.ReleasedAt.IsZero() {
		return store.Changes{}, err
	}
	h.ReleasedAt = e.At
	c := store.Changes{Records: []store.Record{h.record()}}
	err = x.eachErasure(ctx, tx, e.Scope.Tenant, func(rec Erasure) error {
		if !slices.Contains(rec.Holds, h.ID) || rec.State == Planned || rec.State == Cancelled {
			return nil
		}
		again := Erasure{ID: derived(rec.ID, h.ID), Plan: rec.Plan, State: Planned}
		again.Trigger, again.After, again.DueAt = HoldReleased, rec.ID, e.At
		_, err := tx.Record(ctx, e.Scope.Tenant, ErasureRecord, again.ID)
		if errors.Is(err, store.ErrNotFound) {
			c.Records = append(c.Records, again.record(again.due()))
			err = nil
		}
		return err
	})
	return c, err
}

// eachHold and eachErasure walk the records of a tenant.
func (x *Executor) eachHold(ctx context.Context, r store.Reader, t ticket.TenantID, visit func(Hold) error) error {
	return each(ctx, r, store.RecordQuery{Tenant: t, Kind: HoldRecord}, func(rec store.Record) error {
		h, err := holdOf(rec)
		if err != nil {
			return err
		}
		return visit(h)
	})
}

func (x *Executor) eachErasure(ctx context.Context, r store.Reader, t ticket.TenantID, visit func(Erasure) error) error {
	return each(ctx, r, store.RecordQuery{Tenant: t, Kind: ErasureRecord}, func(rec store.Record) error {
		e, err := erasureOf(rec)
		if err != nil {
			return err
		}
		return visit(e)
	})
}

func each(ctx context.Context, r store.Reader, q store.RecordQuery, visit func(store.Record) error) error {
	q.Limit = pageMost
	for {
		page, err := r.Records(ctx, q)
		if err != nil {
			return err
		}
		for _, rec := range page {
			if err := visit(rec); err != nil {
				return err
			}
		}
		if len(page) < q.Limit {
			return nil
		}
		last := page[len(page)-1]
		q.AfterTenant, q.After = last.Tenant, last.ID
	}
}
