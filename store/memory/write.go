package memory

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// insert adds a row whose id must be free.
func insert[V any](t *tx, rows table[V], tenant ticket.TenantID, id ticket.ID, v V, what string) error {
	if _, taken := rows.get(tenant, id); taken {
		return fail(what+" is there already", store.ErrStale)
	}
	put(&t.journal, rows.of(tenant), id, v)
	return nil
}

func (t *tx) moveCursors(c store.Changes) error {
	for _, move := range c.Cursors {
		m, ok := t.state.mailboxes.get(c.Tenant, move.Mailbox)
		at := &m.LiveCursor
		if move.Stream == mailbox.Backfill {
			at = &m.BackfillCursor
		}
		if !ok || !bytes.Equal(*at, move.From) {
			return fail("cursor moved meanwhile", store.ErrStale)
		}
		*at = bytes.Clone(move.To)
		put(&t.journal, t.state.mailboxes.of(c.Tenant), m.ID, m)
	}
	return nil
}

func (t *tx) insertMailboxes(c store.Changes) error {
	for _, m := range c.NewMailboxes {
		if err := t.soleConnected(m); err != nil {
			return err
		}
		if err := insert(t, t.state.mailboxes, c.Tenant, m.ID, cloneMailbox(m), "mailbox"); err != nil {
			return err
		}
		k := accountKey{c.Tenant, m.Account}
		put(&t.journal, t.state.accounts, k, append(t.state.accounts[k], m.ID))
	}
	return nil
}

func (t *tx) replaceMailboxes(c store.Changes) error {
	for _, in := range c.Mailboxes {
		m, ok := t.state.mailboxes.get(c.Tenant, in.ID)
		if !ok || m.Version != in.Version-1 {
			return fail("mailbox changed meanwhile", store.ErrStale)
		}
		in = cloneMailbox(in)
		m.State, m.Address, m.Credential, m.Settings = in.State, in.Address, in.Credential, in.Settings
		m.ConnectedAt, m.Version = in.ConnectedAt, in.Version
		if err := t.soleConnected(m); err != nil {
			return err
		}
		put(&t.journal, t.state.mailboxes.of(c.Tenant), m.ID, m)
	}
	return nil
}

// soleConnected makes sure that no other mailbox is connected to the account.
func (t *tx) soleConnected(m store.Mailbox) error {
	if m.State != store.MailboxConnected {
		return nil
	}
	for _, id := range t.state.accounts[accountKey{m.Tenant, m.Account}] {
		if other, _ := t.state.mailboxes.get(m.Tenant, id); id != m.ID && other.State == store.MailboxConnected {
			return fail("account is connected already", store.ErrStale)
		}
	}
	return nil
}

func (t *tx) replaceHealth(c store.Changes) error {
	for _, h := range c.Health {
		m, ok := t.state.mailboxes.get(c.Tenant, h.Mailbox)
		if !ok {
			return fail("health of a mailbox", store.ErrNotFound)
		}
		m.Health = cloneHealth(h.Health)
		put(&t.journal, t.state.mailboxes.of(c.Tenant), m.ID, m)
	}
	return nil
}

func (t *tx) writeTickets(c store.Changes) error {
	for _, n := range c.NewTickets {
		if err := insert(t, t.state.tickets, c.Tenant, n.ID, cloneTicket(n), "ticket"); err != nil {
			return err
		}
	}
	for _, u := range c.Tickets {
		row, ok := t.state.tickets.get(c.Tenant, u.ID)
		if !ok || row.Version != u.Was || row.Mailbox != u.Mailbox {
			return fail("ticket changed meanwhile", store.ErrStale)
		}
		row.Ticket = cloneDomain(u.Ticket)
		put(&t.journal, t.state.tickets.of(c.Tenant), u.ID, row)
		drop(&t.journal, t.state.retain, ref{c.Tenant, u.ID})
	}
	return nil
}

// ticketOf makes sure that what is written belongs to a ticket of its mailbox.
func (t *tx) ticketOf(tenant ticket.TenantID, box, id ticket.ID) error {
	if row, ok := t.state.tickets.get(tenant, id); !ok || row.Mailbox != box {
		return fail("ticket of the changes", store.ErrNotFound)
	}
	return nil
}

func (t *tx) insertMessages(c store.Changes) error {
	for _, m := range c.Messages {
		if err := t.ticketOf(c.Tenant, m.Mailbox, m.Ticket); err != nil {
			return err
		}
		k := ref{c.Tenant, m.Ticket}
		thread := t.state.threads[k]
		i, taken := slices.BinarySearchFunc(thread, m.Seq, func(p place, seq int64) int { return cmp.Compare(p.seq, seq) })
		if taken {
			return fail("sequence of the message is taken", store.ErrStale)
		}
		if err := insert(t, t.state.messages, c.Tenant, m.ID, cloneMessage(m), "message"); err != nil {
			return err
		}
		if i < len(thread) {
			thread = slices.Clone(thread) // the old one must survive an undo
		}
		put(&t.journal, t.state.threads, k, slices.Insert(thread, i, place{m.Seq, m.ID}))
	}
	return nil
}

// nameMessages keeps the promise that a message says under which id its
// provider has it.
func (t *tx) nameMessages(c store.Changes) error {
	for _, p := range c.ProviderIDs {
		m, ok := t.state.messages.get(c.Tenant, p.Message)
		if !ok || m.Mailbox != p.Mailbox {
			return fail("message to name", store.ErrNotFound)
		}
		m.Provenance.ProviderID = p.ProviderID
		put(&t.journal, t.state.messages.of(c.Tenant), m.ID, m)
	}
	return nil
}

func (t *tx) insertQuarantine(c store.Changes) error {
	for _, q := range c.NewQuarantine {
		if err := insert(t, t.state.quarantine, c.Tenant, q.ID, cloneQuarantined(q), "quarantined mail"); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) replaceQuarantine(c store.Changes) error {
	for _, in := range c.Quarantine {
		q, ok := t.state.quarantine.get(c.Tenant, in.ID)
		if !ok || q.Version != in.Version-1 || q.Mailbox != in.Mailbox {
			return fail("quarantined mail changed meanwhile", store.ErrStale)
		}
		q.State, q.Message, q.Cause = in.State, in.Message, in.Cause
		q.Size, q.Raw, q.Blob, q.Version = in.Size, bytes.Clone(in.Raw), in.Blob, in.Version
		put(&t.journal, t.state.quarantine.of(c.Tenant), q.ID, q)
	}
	return nil
}

func (t *tx) writeDeliveries(c store.Changes) error {
	for _, d := range c.NewDeliveries {
		if err := insert(t, t.state.deliveries, c.Tenant, d.Message, cloneDelivery(d), "delivery"); err != nil {
			return err
		}
	}
	for _, d := range c.Deliveries {
		row, ok := t.state.deliveries.get(c.Tenant, d.Message)
		if !ok || row.Version != d.Version-1 || row.Mailbox != d.Mailbox {
			return fail("delivery changed meanwhile", store.ErrStale)
		}
		put(&t.journal, t.state.deliveries.of(c.Tenant), d.Message, cloneDelivery(d))
	}
	return nil
}
