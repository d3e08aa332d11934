package memory

import (
	"bytes"
	"slices"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// The functions below copy records on their way in and out, so that nobody
// outside shares memory with the state.

func cloneMailbox(m store.Mailbox) store.Mailbox {
	m.Address, m.Credential, m.Settings = bytes.Clone(m.Address), bytes.Clone(m.Credential), bytes.Clone(m.Settings)
	m.LiveCursor, m.BackfillCursor = bytes.Clone(m.LiveCursor), bytes.Clone(m.BackfillCursor)
	m.Health = cloneHealth(m.Health)
	m.ConnectedAt = instant(m.ConnectedAt)
	return m
}

func cloneHealth(h store.Health) store.Health {
	h.Since, h.NextAt, h.SyncedAt = instant(h.Since), instant(h.NextAt), instant(h.SyncedAt)
	return h
}

func cloneDomain(t ticket.Ticket) ticket.Ticket {
	t.Tags = slices.Clone(t.Tags)
	t.CreatedAt, t.UpdatedAt, t.ClosedAt = instant(t.CreatedAt), instant(t.UpdatedAt), instant(t.ClosedAt)
	return t
}

func cloneTicket(t store.Ticket) store.Ticket {
	t.Ticket = cloneDomain(t.Ticket)
	t.Subject = bytes.Clone(t.Subject)
	return t
}

func cloneMessage(m store.Message) store.Message {
	m.Match.Steps = slices.Clone(m.Match.Steps)
	m.CreatedAt, m.Provenance.ReceivedAt = instant(m.CreatedAt), instant(m.Provenance.ReceivedAt)
	for _, s := range []*privacy.Sealed{&m.Subject, &m.Addresses, &m.Body, &m.HTML, &m.Files, &m.Raw} {
		*s = bytes.Clone(*s)
	}
	return m
}

func cloneDelivery(d ticket.Delivery) ticket.Delivery {
	d.Since, d.QueuedAt = instant(d.Since), instant(d.QueuedAt)
	return d
}

func cloneQuarantined(q store.Quarantined) store.Quarantined {
	q.Raw, q.Ref = bytes.Clone(q.Raw), bytes.Clone(q.Ref)
	q.ReceivedAt, q.CreatedAt = instant(q.ReceivedAt), instant(q.CreatedAt)
	return q
}

func cloneEntry(e privacy.Entry) privacy.Entry {
	e.At = instant(e.At)
	e.Classes, e.Objects = slices.Clone(e.Classes), slices.Clone(e.Objects)
	return e
}
