package postgres

import (
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

var seen = relation[store.Seen]{
	name: "seen",
	fields: []field[store.Seen]{
		{name: "mailbox", typ: "uuid", at: func(s *store.Seen) any { return uid{&s.Mailbox} }},
		{name: "provider_id", typ: "text", at: func(s *store.Seen) any { return &s.ProviderID }},
		{name: "message_id", typ: "bytea", at: func(s *store.Seen) any { return fpr{&s.MessageID} }},
		{name: "content", typ: "bytea", at: func(s *store.Seen) any { return fpr{&s.Content} }},
		{name: "received_at", typ: "timestamptz", at: func(s *store.Seen) any { return moment{&s.ReceivedAt} }},
		{name: "object", typ: "uuid", at: func(s *store.Seen) any { return uid{&s.Object} }},
	},
}

var hits = relation[store.Hit]{
	name: "hits",
	fields: []field[store.Hit]{
		{name: "mailbox", typ: "uuid", at: func(h *store.Hit) any { return uid{&h.Mailbox} }},
		{name: "ticket", typ: "uuid", at: func(h *store.Hit) any { return uid{&h.Ticket} }},
		{name: "message", typ: "uuid", at: func(h *store.Hit) any { return uid{&h.Message} }},
		{name: "fingerprint", typ: "bytea", at: func(h *store.Hit) any { return fpr{&h.Fingerprint} }},
		{name: "role", typ: "text", at: func(h *store.Hit) any { return role{&h.Role} }},
	},
}

var members = relation[store.Member]{
	name: "members",
	fields: []field[store.Member]{
		{name: "mailbox", typ: "uuid", at: func(m *store.Member) any { return uid{&m.Mailbox} }},
		{name: "ticket", typ: "uuid", at: func(m *store.Member) any { return uid{&m.Ticket} }},
		{name: "address", typ: "bytea", at: func(m *store.Member) any { return fpr{&m.Address} }},
		{name: "contact", typ: "uuid", at: func(m *store.Member) any { return uid{&m.Contact} }},
		{name: "pending", typ: "bool", at: func(m *store.Member) any { return &m.Pending }},
		{name: "domain", typ: "bytea", at: func(m *store.Member) any { return fpr{&m.Domain} }},
	},
}

var contacts = relation[store.Contact]{
	name: "contacts",
	fields: []field[store.Contact]{
		{name: "mailbox", typ: "uuid", at: func(c *store.Contact) any { return uid{&c.Mailbox} }},
		{name: "address", typ: "bytea", at: func(c *store.Contact) any { return fpr{&c.Address} }},
		{name: "id", typ: "uuid", at: func(c *store.Contact) any { return uid{&c.ID} }},
	},
}

var quarantine = relation[store.Quarantined]{
	name:   "quarantine",
	tenant: func(q *store.Quarantined) *ticket.TenantID { return &q.Tenant },
	fields: []field[store.Quarantined]{
		{name: "id", typ: "uuid", at: func(q *store.Quarantined) any { return uid{&q.ID} }},
		{name: "mailbox", typ: "uuid", at: func(q *store.Quarantined) any { return uid{&q.Mailbox} }},
		{name: "provider_id", typ: "text", at: func(q *store.Quarantined) any { return &q.ProviderID }},
		{name: "ref", typ: "bytea", at: func(q *store.Quarantined) any { return octets{(*[]byte)(&q.Ref)} }},
		{name: "cause", typ: "text", at: func(q *store.Quarantined) any { return &q.Cause }},
		{name: "state", typ: "text", at: func(q *store.Quarantined) any { return str(&q.State) }},
		{name: "message", typ: "uuid", at: func(q *store.Quarantined) any { return uid{&q.Message} }},
		{name: "key_slot", typ: "uuid", at: func(q *store.Quarantined) any { return uid{&q.Key} }},
		{name: "raw", typ: "bytea", at: func(q *store.Quarantined) any { return octets{(*[]byte)(&q.Raw)} }},
		{name: "blob", typ: "uuid", at: func(q *store.Quarantined) any { return uid{&q.Blob} }},
		{name: "size", typ: "int8", at: func(q *store.Quarantined) any { return &q.Size }},
		{name: "received_at", typ: "timestamptz", at: func(q *store.Quarantined) any { return moment{&q.ReceivedAt} }},
		{name: "stream", typ: "text", at: func(q *store.Quarantined) any { return str(&q.Stream) }},
		{name: "sent", typ: "bool", at: func(q *store.Quarantined) any { return &q.Sent }},
		{name: "created_at", typ: "timestamptz", at: func(q *store.Quarantined) any { return moment{&q.CreatedAt} }},
		{name: "version", typ: "int8", at: func(q *store.Quarantined) any { return &q.Version }},
	},
}

var events = relation[ticket.Event]{
	name:   "events",
	tenant: func(e *ticket.Event) *ticket.TenantID { return &e.Tenant },
	fields: []field[ticket.Event]{
		{name: "id", typ: "uuid", at: func(e *ticket.Event) any { return uid{&e.ID} }},
		{name: "version", typ: "int8", at: func(e *ticket.Event) any { return &e.Version }},
		{name: "type", typ: "text", at: func(e *ticket.Event) any { return str(&e.Type) }},
		{name: "at", typ: "timestamptz", at: func(e *ticket.Event) any { return moment{&e.At} }},
		{name: "by_role", typ: "text", at: func(e *ticket.Event) any { return str(&e.By.Role) }},
		{name: "by_agent", typ: "text", at: func(e *ticket.Event) any { return str(&e.By.Agent) }},
		{name: "mailbox", typ: "uuid", at: func(e *ticket.Event) any { return uid{&e.Mailbox} }},
		{name: "ticket", typ: "uuid", at: func(e *ticket.Event) any { return uid{&e.Ticket} }},
		{name: "message", typ: "uuid", at: func(e *ticket.Event) any { return uid{&e.Message} }},
		{name: "subject", typ: "uuid", at: func(e *ticket.Event) any { return uid{&e.Subject} }},
		{name: "from_state", typ: "text", at: func(e *ticket.Event) any { return &e.From }},
		{name: "to_state", typ: "text", at: func(e *ticket.Event) any { return &e.To }},
		{name: "cause", typ: "text", at: func(e *ticket.Event) any { return &e.Cause }},
		{name: "rung", typ: "text", at: func(e *ticket.Event) any { return str(&e.Rung) }},
	},
}
