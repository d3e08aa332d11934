package postgres

import (
	"slices"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

var healthFields = []field[store.Health]{
	{name: "health_state", typ: "text", at: func(h *store.Health) any { return str(&h.State) }},
	{name: "health_since", typ: "timestamptz", at: func(h *store.Health) any { return moment{&h.Since} }},
	{name: "health_cause", typ: "text", at: func(h *store.Health) any { return &h.Cause }},
	{name: "health_failures", typ: "int8", at: func(h *store.Health) any { return &h.Failures }},
	{name: "health_next_at", typ: "timestamptz", at: func(h *store.Health) any { return moment{&h.NextAt} }},
	{name: "health_synced_at", typ: "timestamptz", at: func(h *store.Health) any { return moment{&h.SyncedAt} }},
}

var healthChanges = relation[store.HealthChange]{
	name: "mailboxes",
	fields: append([]field[store.HealthChange]{
		{name: "id", typ: "uuid", at: func(h *store.HealthChange) any { return uid{&h.Mailbox} }},
	}, lift(healthFields, func(h *store.HealthChange) *store.Health { return &h.Health })...),
}

var mailboxes = relation[store.Mailbox]{
	name:   "mailboxes",
	tenant: func(m *store.Mailbox) *ticket.TenantID { return &m.Tenant },
	fields: append([]field[store.Mailbox]{
		{name: "id", typ: "uuid", at: func(m *store.Mailbox) any { return uid{&m.ID} }},
		{name: "provider", typ: "text", at: func(m *store.Mailbox) any { return &m.Provider }},
		{name: "account", typ: "bytea", at: func(m *store.Mailbox) any { return fpr{&m.Account} }},
		{name: "state", typ: "text", at: func(m *store.Mailbox) any { return str(&m.State) }},
		{name: "key_slot", typ: "uuid", at: func(m *store.Mailbox) any { return uid{&m.Key} }},
		{name: "identity_slot", typ: "uuid", at: func(m *store.Mailbox) any { return uid{&m.Identity} }},
		{name: "address", typ: "bytea", at: func(m *store.Mailbox) any { return octets{(*[]byte)(&m.Address)} }},
		{name: "credential", typ: "bytea", at: func(m *store.Mailbox) any { return octets{(*[]byte)(&m.Credential)} }},
		{name: "settings", typ: "bytea", at: func(m *store.Mailbox) any { return octets{(*[]byte)(&m.Settings)} }},
		{name: "live_cursor", typ: "bytea", at: func(m *store.Mailbox) any { return octets{(*[]byte)(&m.LiveCursor)} }},
		{name: "backfill_cursor", typ: "bytea", at: func(m *store.Mailbox) any { return octets{(*[]byte)(&m.BackfillCursor)} }},
		{name: "connected_at", typ: "timestamptz", at: func(m *store.Mailbox) any { return moment{&m.ConnectedAt} }},
		{name: "version", typ: "int8", at: func(m *store.Mailbox) any { return &m.Version }},
	}, lift(healthFields, func(m *store.Mailbox) *store.Health { return &m.Health })...),
}

// ticketFields are the domain's part of a ticket.
var ticketFields = []field[ticket.Ticket]{
	{name: "id", typ: "uuid", at: func(t *ticket.Ticket) any { return uid{&t.ID} }},
	{name: "mailbox", typ: "uuid", at: func(t *ticket.Ticket) any { return uid{&t.Mailbox} }},
	{name: "status", typ: "text", at: func(t *ticket.Ticket) any { return str(&t.Status) }},
	{name: "assignee", typ: "text", at: func(t *ticket.Ticket) any { return str(&t.Assignee) }},
	{name: "tags", typ: "text", in: "::text[]", at: func(t *ticket.Ticket) any { return list[string]{&t.Tags} }},
	{name: "origin", typ: "text", at: func(t *ticket.Ticket) any { return str(&t.Origin) }},
	{name: "contact", typ: "uuid", at: func(t *ticket.Ticket) any { return uid{&t.Contact} }},
	{name: "seq", typ: "int8", at: func(t *ticket.Ticket) any { return &t.Seq }},
	{name: "answers", typ: "uuid", at: func(t *ticket.Ticket) any { return uid{&t.Answers} }},
	{name: "version", typ: "int8", at: func(t *ticket.Ticket) any { return &t.Version }},
	{name: "related", typ: "uuid", at: func(t *ticket.Ticket) any { return uid{&t.Related} }},
	{name: "merged", typ: "uuid", at: func(t *ticket.Ticket) any { return uid{&t.Merged} }},
	{name: "title", typ: "bytea", at: func(t *ticket.Ticket) any { return fpr{&t.Title} }},
	{name: "created_at", typ: "timestamptz", at: func(t *ticket.Ticket) any { return moment{&t.CreatedAt} }},
	{name: "updated_at", typ: "timestamptz", at: func(t *ticket.Ticket) any { return moment{&t.UpdatedAt} }},
	{name: "closed_at", typ: "timestamptz", at: func(t *ticket.Ticket) any { return moment{&t.ClosedAt} }},
}

// domainTickets are tickets without what is sealed about them.
var domainTickets = relation[ticket.Ticket]{
	name:   "tickets",
	tenant: func(t *ticket.Ticket) *ticket.TenantID { return &t.Tenant },
	fields: ticketFields,
}

var tickets = relation[store.Ticket]{
	name:   "tickets",
	tenant: func(t *store.Ticket) *ticket.TenantID { return &t.Tenant },
	fields: append(lift(ticketFields, func(t *store.Ticket) *ticket.Ticket { return &t.Ticket }),
		field[store.Ticket]{name: "key_slot", typ: "uuid", at: func(t *store.Ticket) any { return uid{&t.Key} }},
		field[store.Ticket]{name: "subject", typ: "bytea", at: func(t *store.Ticket) any { return octets{(*[]byte)(&t.Subject)} }}),
}

var ticketUpdates = relation[store.TicketUpdate]{
	name: "tickets",
	fields: append(lift(ticketFields, func(t *store.TicketUpdate) *ticket.Ticket { return &t.Ticket }),
		field[store.TicketUpdate]{name: "was", typ: "int8", at: func(t *store.TicketUpdate) any { return &t.Was }}),
}

var messages = relation[store.Message]{
	name:   "messages",
	tenant: func(m *store.Message) *ticket.TenantID { return &m.Tenant },
	fields: slices.Concat([]field[store.Message]{
		{name: "id", typ: "uuid", at: func(m *store.Message) any { return uid{&m.ID} }},
		{name: "mailbox", typ: "uuid", at: func(m *store.Message) any { return uid{&m.Mailbox} }},
		{name: "ticket", typ: "uuid", at: func(m *store.Message) any { return uid{&m.Ticket} }},
		{name: "seq", typ: "int8", at: func(m *store.Message) any { return &m.Seq }},
		{name: "direction", typ: "text", at: func(m *store.Message) any { return str(&m.Direction) }},
		{name: "kind", typ: "text", at: func(m *store.Message) any { return str(&m.Kind) }},
		{name: "by_role", typ: "text", at: func(m *store.Message) any { return str(&m.By.Role) }},
		{name: "by_agent", typ: "text", at: func(m *store.Message) any { return str(&m.By.Agent) }},
		{name: "contact", typ: "uuid", at: func(m *store.Message) any { return uid{&m.Contact} }},
		{name: "source", typ: "text", at: func(m *store.Message) any { return str(&m.Provenance.Source) }},
		{name: "provider_id", typ: "text", at: func(m *store.Message) any { return &m.Provenance.ProviderID }},
		{name: "parser", typ: "int8", at: func(m *store.Message) any { return &m.Provenance.Parser }},
		{name: "received_at", typ: "timestamptz", at: func(m *store.Message) any { return moment{&m.Provenance.ReceivedAt} }},
		{name: "trace", typ: "text", in: "::jsonb", out: "::text", at: func(m *store.Message) any { return trace{&m.Match} }},
		{name: "attachments", typ: "int8", at: func(m *store.Message) any { return &m.Attachments }},
		{name: "created_at", typ: "timestamptz", at: func(m *store.Message) any { return moment{&m.CreatedAt} }},
		{name: "blob", typ: "uuid", at: func(m *store.Message) any { return uid{&m.Blob} }},
		{name: "raw_size", typ: "int8", at: func(m *store.Message) any { return &m.RawSize }},
	}, sealedFields, []field[store.Message]{
		{name: "raw", typ: "bytea", at: func(m *store.Message) any { return octets{(*[]byte)(&m.Raw)} }},
	}),
}

// lightMessages are messages without the raw mail, which is most of their size
// and which few readers want.
var lightMessages = relation[store.Message]{
	name:   messages.name,
	tenant: messages.tenant,
	fields: messages.fields[:len(messages.fields)-1],
}

var sealedFields = []field[store.Message]{
	{name: "subject", typ: "bytea", at: func(m *store.Message) any { return octets{(*[]byte)(&m.Subject)} }},
	{name: "addresses", typ: "bytea", at: func(m *store.Message) any { return octets{(*[]byte)(&m.Addresses)} }},
	{name: "body", typ: "bytea", at: func(m *store.Message) any { return octets{(*[]byte)(&m.Body)} }},
	{name: "html", typ: "bytea", at: func(m *store.Message) any { return octets{(*[]byte)(&m.HTML)} }},
	{name: "files", typ: "bytea", at: func(m *store.Message) any { return octets{(*[]byte)(&m.Files)} }},
}

var providerIDs = relation[store.ProviderID]{
	name: "messages",
	fields: []field[store.ProviderID]{
		{name: "id", typ: "uuid", at: func(p *store.ProviderID) any { return uid{&p.Message} }},
		{name: "mailbox", typ: "uuid", at: func(p *store.ProviderID) any { return uid{&p.Mailbox} }},
		{name: "provider_id", typ: "text", at: func(p *store.ProviderID) any { return &p.ProviderID }},
	},
}

var deliveries = relation[ticket.Delivery]{
	name:   "deliveries",
	tenant: func(d *ticket.Delivery) *ticket.TenantID { return &d.Tenant },
	fields: []field[ticket.Delivery]{
		{name: "message", typ: "uuid", at: func(d *ticket.Delivery) any { return uid{&d.Message} }},
		{name: "mailbox", typ: "uuid", at: func(d *ticket.Delivery) any { return uid{&d.Mailbox} }},
		{name: "ticket", typ: "uuid", at: func(d *ticket.Delivery) any { return uid{&d.Ticket} }},
		{name: "state", typ: "text", at: func(d *ticket.Delivery) any { return str(&d.State) }},
		{name: "attempt", typ: "int8", at: func(d *ticket.Delivery) any { return &d.Attempt }},
		{name: "looks", typ: "int8", at: func(d *ticket.Delivery) any { return &d.Looks }},
		{name: "draft", typ: "text", at: func(d *ticket.Delivery) any { return &d.Draft }},
		{name: "cause", typ: "text", at: func(d *ticket.Delivery) any { return &d.Cause }},
		{name: "since", typ: "timestamptz", at: func(d *ticket.Delivery) any { return moment{&d.Since} }},
		{name: "queued_at", typ: "timestamptz", at: func(d *ticket.Delivery) any { return moment{&d.QueuedAt} }},
		{name: "version", typ: "int8", at: func(d *ticket.Delivery) any { return &d.Version }},
	},
}
