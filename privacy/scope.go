package privacy

import "github.com/helpdesk-go/helpdesk/ticket"

// Part narrows what is erased of a scope.
type Part string

// The parts. The zero value is all of it.
const (
	Whole           Part = ""
	AttachmentsPart Part = "attachments" // attachments, and the raw mail that contains them
)

// Scope says what an erasure or a hold is about, by opaque ids: everything of a
// tenant, of one of its mailboxes, one ticket, or one contact in all of the
// tenant's mailboxes. The narrowest id that is set counts.
type Scope struct {
	Tenant  ticket.TenantID `json:"tenant"`
	Mailbox ticket.ID       `json:"mailbox,omitzero"`
	Ticket  ticket.ID       `json:"ticket,omitzero"`
	Contact ticket.ID       `json:"contact,omitzero"`
	Part    Part            `json:"part,omitempty"`
}

// ScopeKind is what a [Scope] is about.
type ScopeKind string

// The kinds of scopes.
const (
	ScopeTenant  ScopeKind = "tenant"
	ScopeMailbox ScopeKind = "mailbox"
	ScopeTicket  ScopeKind = "ticket"
	ScopeContact ScopeKind = "contact"
)

// Kind returns what the scope is about.
func (s Scope) Kind() ScopeKind {
	switch {
	case !s.Contact.IsZero():
		return ScopeContact
	case !s.Ticket.IsZero():
		return ScopeTicket
	case !s.Mailbox.IsZero():
		return ScopeMailbox
	default:
		return ScopeTenant
	}
}

// Position is a place in the erasure ledger: how many entries it had and the
// hash that chains them. The zero value is the place before the first entry.
// Content and key stores record the position that they have reached, so that
// one that was restored from an older copy is recognised.
type Position struct {
	N    int64    `json:"n"`
	Hash [32]byte `json:"hash"`
}
