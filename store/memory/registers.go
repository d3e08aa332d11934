package memory

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// recordKey names a record.
type recordKey struct {
	tenant ticket.TenantID
	kind   store.RecordKind
	id     ticket.ID
}

func cloneRecord(r store.Record) store.Record {
	r.Due, r.Body = instant(r.Due), bytes.Clone(r.Body)
	return r
}

// Record implements [store.Registers].
func (r *reader) Record(ctx context.Context, tenant ticket.TenantID, kind store.RecordKind, id ticket.ID) (store.Record, error) {
	if err := r.check(ctx); err != nil {
		return store.Record{}, err
	}
	row, ok := r.state.records[recordKey{tenant, kind, id}]
	if !ok {
		return store.Record{}, fail("record", store.ErrNotFound)
	}
	return cloneRecord(row), nil
}

// byTenantAndID orders pages that go over tenants.
func byTenantAndID(at ticket.TenantID, a ticket.ID, bt ticket.TenantID, b ticket.ID) int {
	return cmp.Or(cmp.Compare(at, bt), slices.Compare(a[:], b[:]))
}

// Records implements [store.Registers].
func (r *reader) Records(ctx context.Context, q store.RecordQuery) ([]store.Record, error) {
	if err := r.check(ctx); err != nil {
		return nil, err
	}
	p := pager[store.Record]{limit: q.Limit, order: func(a, b store.Record) int {
		return byTenantAndID(a.Tenant, a.ID, b.Tenant, b.ID)
	}}
	for k, row := range r.state.records {
		if k.kind == q.Kind && (q.Tenant == "" || k.tenant == q.Tenant) && due(row.Due, q.DueBy) &&
			byTenantAndID(k.tenant, k.id, q.AfterTenant, q.After) > 0 {
			p.add(row)
		}
	}
	for i, row := range p.rows {
		p.rows[i] = cloneRecord(row)
	}
	return p.rows, nil
}

// due tells whether a time that may be absent has come, if that was asked.
func due(at, by time.Time) bool {
	return by.IsZero() || !at.IsZero() && !at.After(instant(by))
}

func (t *tx) writeRecords(c store.Changes) error {
	for _, in := range c.Records {
		k := recordKey{c.Tenant, in.Kind, in.ID}
		row, ok := t.state.records[k]
		if ok != (in.Version > 1) || ok && row.Version != in.Version-1 {
			return fail("record changed meanwhile", store.ErrStale)
		}
		put(&t.journal, t.state.records, k, cloneRecord(in))
	}
	return nil
}

// reach moves the place in the ledger.
func (t *tx) reach(c store.Changes) error {
	if c.Reached == nil {
		return nil
	}
	was := t.state.deployment
	if was.Reached.N != c.Reached.N-1 {
		return fail("another entry of the ledger is next", store.ErrStale)
	}
	t.journal.undo = append(t.journal.undo, func() { t.state.deployment = was })
	t.state.deployment.Reached = *c.Reached
	return nil
}

// Retained implements [store.Retention].
func (r *reader) Retained(ctx context.Context, q store.RetainQuery) ([]store.Retained, error) {
	if err := r.check(ctx); err != nil {
		return nil, err
	}
	p := pager[store.Ticket]{limit: q.Limit, order: func(a, b store.Ticket) int {
		return byTenantAndID(a.Tenant, a.ID, b.Tenant, b.ID)
	}}
	for tenant, rows := range r.state.tickets {
		for id, row := range rows {
			at := r.state.retain[ref{tenant, id}]
			if (q.Tenant == "" || tenant == q.Tenant) && (q.Mailbox.IsZero() || row.Mailbox == q.Mailbox) &&
				(q.DueBy.IsZero() || !at.After(instant(q.DueBy))) && r.concerns(row, q.Contact) &&
				byTenantAndID(tenant, id, q.AfterTenant, q.After) > 0 {
				p.add(row)
			}
		}
	}
	var out []store.Retained
	for _, row := range p.rows {
		x := store.Retained{Ticket: cloneDomain(row.Ticket), Key: row.Key, Bytes: int64(len(row.Subject))}
		for _, at := range r.state.threads[ref{row.Tenant, row.ID}] {
			m, _ := r.state.messages.get(row.Tenant, at.id)
			x.Attachments = x.Attachments || m.Attachments > 0
			x.Bytes += messageBytes(m)
		}
		out = append(out, x)
	}
	return out, nil
}

// concerns tells whether a contact is on a ticket; the zero contact is on all.
func (r *reader) concerns(row store.Ticket, contact ticket.ID) bool {
	return contact.IsZero() || row.Contact == contact ||
		slices.ContainsFunc(r.state.members[ref{row.Tenant, row.ID}], func(m ticket.Member) bool { return m.Contact == contact })
}

func (t *tx) writeRetain(c store.Changes) error {
	for _, x := range c.Retain {
		if err := t.ticketOf(c.Tenant, x.Mailbox, x.Ticket); err != nil {
			return err
		}
		put(&t.journal, t.state.retain, ref{c.Tenant, x.Ticket}, instant(x.At))
	}
	return nil
}

func (t *tx) reseal(c store.Changes) error {
	for _, in := range c.Resealed {
		row, ok := t.state.tickets.get(c.Tenant, in.Ticket.ID)
		if !ok || row.Version != in.Was {
			return fail("ticket changed meanwhile", store.ErrStale)
		}
		row.Key, row.Subject, row.Version = in.Ticket.Key, bytes.Clone(in.Ticket.Subject), in.Was+1
		put(&t.journal, t.state.tickets.of(c.Tenant), row.ID, row)
		for _, n := range in.Messages {
			m, ok := t.state.messages.get(c.Tenant, n.ID)
			if !ok || m.Ticket != row.ID {
				return fail("message to seal anew", store.ErrStale)
			}
			n = cloneMessage(n)
			m.Subject, m.Addresses, m.Body, m.HTML, m.Files, m.Raw = n.Subject, n.Addresses, n.Body, n.HTML, n.Files, n.Raw
			m.Blob, m.RawSize, m.Attachments = n.Blob, n.RawSize, n.Attachments
			put(&t.journal, t.state.messages.of(c.Tenant), m.ID, m)
		}
	}
	return nil
}
