package memory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// pager keeps the first rows in order of what it is given: a page is small
// however many rows there are.
type pager[V any] struct {
	limit int
	order func(a, b V) int
	rows  []V
}

func (p *pager[V]) add(v V) {
	if p.limit <= 0 || len(p.rows) == p.limit && p.order(v, p.rows[p.limit-1]) >= 0 {
		return
	}
	i, _ := slices.BinarySearchFunc(p.rows, v, p.order)
	p.rows = slices.Insert(p.rows, i, v)
	p.rows = p.rows[:min(len(p.rows), p.limit)]
}

// one returns a copy of a row.
func one[V any](ctx context.Context, r *reader, rows table[V], tenant ticket.TenantID, id ticket.ID, clone func(V) V, what string) (V, error) {
	var zero V
	if err := r.check(ctx); err != nil {
		return zero, err
	}
	v, ok := rows.get(tenant, id)
	if !ok {
		return zero, fail(what, store.ErrNotFound)
	}
	return clone(v), nil
}

// list returns copies of a page of rows by id, after an id.
func list[V any](ctx context.Context, r *reader, rows table[V], tenant ticket.TenantID, after ticket.ID, limit int, fits func(V) bool, clone func(V) V) ([]V, error) {
	if err := r.check(ctx); err != nil {
		return nil, err
	}
	p := pager[ticket.ID]{limit: limit, order: func(a, b ticket.ID) int { return slices.Compare(a[:], b[:]) }}
	for id, v := range rows[tenant] {
		if slices.Compare(id[:], after[:]) > 0 && fits(v) {
			p.add(id)
		}
	}
	var out []V
	for _, id := range p.rows {
		out = append(out, clone(rows[tenant][id]))
	}
	return out, nil
}

func all[V any](V) bool { return true }

// Mailbox implements [store.Mailboxes].
func (r *reader) Mailbox(ctx context.Context, tenant ticket.TenantID, id ticket.ID) (store.Mailbox, error) {
	return one(ctx, r, r.state.mailboxes, tenant, id, cloneMailbox, "mailbox")
}

// MailboxByAccount implements [store.Mailboxes]. Of several that are fenced it
// returns the newest.
func (r *reader) MailboxByAccount(ctx context.Context, tenant ticket.TenantID, account ticket.Fingerprint) (store.Mailbox, error) {
	if err := r.check(ctx); err != nil {
		return store.Mailbox{}, err
	}
	var best store.Mailbox
	for _, id := range r.state.accounts[accountKey{tenant, account}] {
		m, _ := r.state.mailboxes.get(tenant, id)
		connected := m.State == store.MailboxConnected
		if best.ID.IsZero() || connected || best.State != store.MailboxConnected && m.ConnectedAt.After(best.ConnectedAt) {
			best = m
		}
	}
	if best.ID.IsZero() {
		return store.Mailbox{}, fail("mailbox by account", store.ErrNotFound)
	}
	return cloneMailbox(best), nil
}

// ListMailboxes implements [store.Mailboxes].
func (r *reader) ListMailboxes(ctx context.Context, tenant ticket.TenantID, after ticket.ID, limit int) ([]store.Mailbox, error) {
	return list(ctx, r, r.state.mailboxes, tenant, after, limit, all, cloneMailbox)
}

// Tasks implements [store.Mailboxes].
func (r *reader) Tasks(ctx context.Context, tenant ticket.TenantID, mailbox ticket.ID) ([]store.Task, error) {
	if err := r.check(ctx); err != nil {
		return nil, err
	}
	now := time.Now()
	var out []store.Task
	for k, t := range r.state.tasks[ref{tenant, mailbox}] {
		out = append(out, t.show(tenant, mailbox, k, now))
	}
	slices.SortFunc(out, func(a, b store.Task) int {
		return cmp.Or(a.Due.Compare(b.Due), slices.Compare(a.ID[:], b.ID[:]))
	})
	return out, nil
}

// Ticket implements [store.Conversations].
func (r *reader) Ticket(ctx context.Context, tenant ticket.TenantID, id ticket.ID) (store.Ticket, error) {
	return one(ctx, r, r.state.tickets, tenant, id, cloneTicket, "ticket")
}

// Tickets implements [store.Conversations].
func (r *reader) Tickets(ctx context.Context, q store.TicketQuery) ([]store.Ticket, error) {
	if err := r.check(ctx); err != nil {
		return nil, err
	}
	q.BeforeTime = instant(q.BeforeTime)
	p := pager[store.Ticket]{limit: q.Limit, order: func(a, b store.Ticket) int {
		return newerFirst(a.UpdatedAt, a.ID, b.UpdatedAt, b.ID)
	}}
	for _, t := range r.state.tickets[q.Tenant] {
		first := q.BeforeTime.IsZero() && q.BeforeID.IsZero()
		if wanted(t, q) && (first || newerFirst(t.UpdatedAt, t.ID, q.BeforeTime, q.BeforeID) > 0) {
			p.add(t)
		}
	}
	for i, t := range p.rows {
		p.rows[i] = cloneTicket(t)
	}
	return p.rows, nil
}

func newerFirst(at time.Time, aid ticket.ID, bt time.Time, bid ticket.ID) int {
	return cmp.Or(bt.Compare(at), slices.Compare(bid[:], aid[:]))
}

func wanted(t store.Ticket, q store.TicketQuery) bool {
	switch {
	case !q.Mailbox.IsZero() && t.Mailbox != q.Mailbox,
		len(q.Statuses) > 0 && !slices.Contains(q.Statuses, t.Status),
		q.Assignee != "" && t.Assignee != q.Assignee,
		q.Unassigned && t.Assignee != "",
		q.Tag != "" && !slices.Contains(t.Tags, q.Tag),
		!q.Contact.IsZero() && t.Contact != q.Contact:
		return false
	}
	return true
}

// Message implements [store.Conversations].
func (r *reader) Message(ctx context.Context, tenant ticket.TenantID, id ticket.ID) (store.Message, error) {
	return one(ctx, r, r.state.messages, tenant, id, cloneMessage, "message")
}

// Messages implements [store.Conversations].
func (r *reader) Messages(ctx context.Context, q store.MessageQuery) ([]store.Message, error) {
	if err := r.check(ctx); err != nil {
		return nil, err
	}
	var out []store.Message
	for _, p := range r.state.threads[ref{q.Tenant, q.Ticket}] {
		if p.seq > q.After && len(out) < q.Limit {
			m, _ := r.state.messages.get(q.Tenant, p.id)
			if !q.Raw {
				m.Raw = nil
			}
			out = append(out, cloneMessage(m))
		}
	}
	return out, nil
}

// Members implements [store.Conversations].
func (r *reader) Members(ctx context.Context, tenant ticket.TenantID, t ticket.ID) ([]ticket.Member, error) {
	if err := r.check(ctx); err != nil {
		return nil, err
	}
	return slices.Clone(r.state.members[ref{tenant, t}]), nil
}

// Delivery implements [store.Conversations].
func (r *reader) Delivery(ctx context.Context, tenant ticket.TenantID, message ticket.ID) (ticket.Delivery, error) {
	return one(ctx, r, r.state.deliveries, tenant, message, cloneDelivery, "delivery")
}

// Deliveries implements [store.Conversations].
func (r *reader) Deliveries(ctx context.Context, q store.DeliveryQuery) ([]ticket.Delivery, error) {
	fits := func(d ticket.Delivery) bool {
		return (q.Mailbox.IsZero() || d.Mailbox == q.Mailbox) &&
			(q.Ticket.IsZero() || d.Ticket == q.Ticket) &&
			(len(q.States) == 0 || slices.Contains(q.States, d.State)) &&
			(len(q.Messages) == 0 || slices.Contains(q.Messages, d.Message))
	}
	return list(ctx, r, r.state.deliveries, q.Tenant, q.After, q.Limit, fits, cloneDelivery)
}

// Quarantined implements [store.Conversations].
func (r *reader) Quarantined(ctx context.Context, tenant ticket.TenantID, id ticket.ID) (store.Quarantined, error) {
	return one(ctx, r, r.state.quarantine, tenant, id, cloneQuarantined, "quarantined mail")
}

// Quarantine implements [store.Conversations].
func (r *reader) Quarantine(ctx context.Context, tenant ticket.TenantID, after ticket.ID, limit int) ([]store.Quarantined, error) {
	return list(ctx, r, r.state.quarantine, tenant, after, limit, all, cloneQuarantined)
}

// Events implements [store.Log]. Transactions commit one at a time, so the
// order of the log is the order of commits.
func (r *reader) Events(ctx context.Context, q store.EventQuery) ([]store.LoggedEvent, error) {
	if err := r.check(ctx); err != nil {
		return nil, err
	}
	from, err := parsePlace(string(q.After))
	if err != nil {
		return nil, err
	}
	var out []store.LoggedEvent
	add := func(i int) {
		if r.state.events[i].ID.IsZero() {
			return // erased
		}
		out = append(out, store.LoggedEvent{Event: r.state.events[i], Cursor: store.EventCursor(formatPlace(i + 1))})
	}
	if q.Tenant == "" {
		for i := from; i < len(r.state.events) && len(out) < q.Limit; i++ {
			add(i)
		}
		return out, nil
	}
	own := r.state.byTenant[q.Tenant]
	at, _ := slices.BinarySearch(own, from)
	for ; at < len(own) && len(out) < q.Limit; at++ {
		add(own[at])
	}
	return out, nil
}

// Consumer implements [store.Log].
func (r *reader) Consumer(ctx context.Context, name string) (store.EventCursor, error) {
	if err := r.check(ctx); err != nil {
		return "", err
	}
	return r.state.consumers[name], nil
}
