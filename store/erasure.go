package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// RecordKind is a kind of register.
type RecordKind string

// Record is an entry of a register: an erasure, a hold, an instruction. It
// holds ids, constants, instants and counts, never content.
type Record struct {
	Tenant ticket.TenantID
	Kind   RecordKind
	ID     ticket.ID
	// Due is when somebody must look at it, or zero.
	Due time.Time
	// Version counts the writes, from 1.
	Version int64
	// Body is a JSON object, whose form its writer versions.
	Body json.RawMessage
}

// RecordQuery asks for records of one kind, by tenant and id.
type RecordQuery struct {
	// Tenant narrows; empty asks for all tenants.
	Tenant ticket.TenantID
	Kind   RecordKind
	// DueBy, when set, narrows to records that are due at that time.
	DueBy time.Time
	// AfterTenant and After continue after the last record of a page.
	AfterTenant ticket.TenantID
	After       ticket.ID
	Limit       int
}

// Registers reads the registers.
type Registers interface {
	// Record returns one or ErrNotFound.
	Record(ctx context.Context, tenant ticket.TenantID, kind RecordKind, id ticket.ID) (Record, error)
	// Records returns a page.
	Records(ctx context.Context, q RecordQuery) ([]Record, error)
}

// Resealed is a ticket whose content was sealed anew, under Ticket.Key. Of the
// ticket Key and Subject are written, of the messages everything sealed, Blob,
// RawSize and Attachments.
type Resealed struct {
	Ticket   Ticket
	Was      int64
	Messages []Message
}

// RetainAt says when a ticket is asked about again.
type RetainAt struct {
	Mailbox ticket.ID
	Ticket  ticket.ID
	At      time.Time
}

// Retained is a ticket with what policies about it may know.
type Retained struct {
	Ticket ticket.Ticket
	Key    ticket.ID
	// Attachments tells whether attachments are still stored, Bytes how much
	// sealed content there is.
	Attachments bool
	Bytes       int64
}

// RetainQuery asks for tickets, by tenant and id.
type RetainQuery struct {
	// Tenant narrows; empty asks for all tenants. Mailbox and Contact narrow
	// within one; Contact finds the tickets that a contact is on.
	Tenant  ticket.TenantID
	Mailbox ticket.ID
	Contact ticket.ID
	// DueBy, when set, narrows to tickets that are to be asked about then.
	DueBy       time.Time
	AfterTenant ticket.TenantID
	After       ticket.ID
	Limit       int
}

// Retention reads what retention is decided on.
type Retention interface {
	// Retained returns a page of tickets.
	Retained(ctx context.Context, q RetainQuery) ([]Retained, error)
	// Remaining counts what an erasure has left to remove.
	Remaining(ctx context.Context, e Erase) (Tally, error)
}

// Erase names rows to remove. Exactly one of these is meant:
//
//   - Messages: these messages. What a resync must not bring back stays.
//   - Tickets: these tickets with their messages. What a resync must not bring
//     back stays.
//   - Contact: the contact's addresses and its places on tickets.
//   - Mailbox: everything of a mailbox and the mailbox itself, but not the
//     tickets in Keep, their messages and deliveries; with such the mailbox
//     stays as well.
//   - nothing of these: what a tenant has beside its mailboxes, but not its
//     access log, nor records of the kinds in KeepRecords.
type Erase struct {
	Tenant      ticket.TenantID
	Mailbox     ticket.ID
	Tickets     []ticket.ID
	Messages    []ticket.ID
	Contact     ticket.ID
	Keep        []ticket.ID
	KeepRecords []RecordKind
	// Attachments narrows Tickets to attachments and the raw mail that
	// contains them; rows stay.
	Attachments bool
	// Limit bounds the rows of each table; at least 1.
	Limit int
}

// Amount is a number of rows and of bytes of content in them.
type Amount struct {
	Rows  int64 `json:"rows"`
	Bytes int64 `json:"bytes"`
}

// Tally counts by table.
type Tally map[string]Amount

// Add adds what another tally counts.
func (t Tally) Add(o Tally) {
	for table, a := range o {
		have := t[table]
		t[table] = Amount{have.Rows + a.Rows, have.Bytes + a.Bytes}
	}
}

// Rows returns how many rows all tables have.
func (t Tally) Rows() (n int64) {
	for _, a := range t {
		n += a.Rows
	}
	return n
}

// Erased is what one call removed.
type Erased struct {
	Tally Tally
	// More tells that there may be more to remove.
	More bool
}

// Validate returns ErrRejected for something that cannot be meant.
func (e Erase) Validate() error {
	v := validator{tenant: e.Tenant}
	v.need("tenant", e.Tenant.Validate() == nil)
	v.need("limit", e.Limit >= 1)
	named := 0
	for _, is := range []bool{len(e.Messages) > 0, len(e.Tickets) > 0, !e.Contact.IsZero()} {
		if is {
			named++
		}
	}
	v.need("erasure of several kinds of things", named <= 1)
	v.need("Keep without a mailbox", len(e.Keep) == 0 || named == 0 && !e.Mailbox.IsZero())
	v.need("Attachments without tickets", !e.Attachments || len(e.Tickets) > 0)
	return v.err
}
