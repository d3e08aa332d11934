package store

import (
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// Changes is everything that one transaction writes, as a value. The fields
// are applied in the order below. All records are of the one Tenant; a record
// that names another tenant is ErrRejected, as is one that lacks a field that
// is never empty.
type Changes struct {
	Tenant ticket.TenantID

	// Lease must be held by its token, or Apply returns ErrLeaseLost.
	Lease *Lease

	// Premises are what the changes were decided on. One that does not hold
	// any more is ErrStale. Changes with premises about one mailbox are applied
	// one after the other.
	Premises []Premise

	// Cursors move only from where they were read; elsewhere is ErrStale.
	Cursors []CursorMove

	// NewMailboxes are inserted; a second connected mailbox for the same
	// account is ErrStale. Mailboxes replace State, Address, Credential,
	// Settings and ConnectedAt of the row with Version one less than theirs,
	// else ErrStale; they may fence, and only they may touch a fenced mailbox.
	NewMailboxes []Mailbox
	Mailboxes    []Mailbox

	// NewTickets are inserted. Tickets replace all domain fields of the row
	// with version Was, else ErrStale; Key and Subject stay.
	NewTickets []Ticket
	Tickets    []TicketUpdate

	// Messages are inserted with the sequence they have; one that is taken is
	// ErrStale.
	Messages []Message

	// Seen are inserted; a provider id that is there already is ErrStale.
	Seen []Seen
	// Hits are inserted; those that are there stay.
	Hits []Hit
	// Members are inserted, or a pending one becomes full.
	Members []Member
	// Contacts are inserted; an address that is another contact's is ErrStale.
	Contacts []Contact

	// NewQuarantine is inserted; Quarantine replaces State, Message, Cause and
	// Size, Raw, Blob of the row with Version one less, else ErrStale.
	NewQuarantine []Quarantined
	Quarantine    []Quarantined

	// NewDeliveries are inserted; Deliveries replace the row with Version one
	// less, else ErrStale.
	NewDeliveries []ticket.Delivery
	Deliveries    []ticket.Delivery

	// ProviderIDs names messages that the provider now holds.
	ProviderIDs []ProviderID

	// Health replaces the health of mailboxes.
	Health []HealthChange

	// Records with version 1 are inserted, others replace the row with a
	// version one less, else ErrStale.
	Records []Record

	// Resealed replaces the key and the sealed content of tickets and messages;
	// a ticket whose version is not Was is ErrStale.
	Resealed []Resealed

	// Retain says when tickets are asked about again; a later change of a
	// ticket makes it due at once.
	Retain []RetainAt

	// Reached moves the store's place in the erasure ledger by one entry, else
	// ErrStale.
	Reached *privacy.Position

	// Events are appended to the log.
	Events []ticket.Event

	// DropTasks removes all tasks of these mailboxes, whoever holds them; a
	// holder's later writes are ErrLeaseLost.
	DropTasks []ticket.ID
	// Tasks are enqueued: a new one is inserted; one that exists becomes due
	// no later than asked; one that a worker holds becomes due again, at that
	// time, when the worker finishes it, so that no wake-up is lost.
	Tasks []Task

	// Finish ends the leased task or puts it off. Lease must be set.
	Finish *Finish

	// Consumers move from where they were read; elsewhere is ErrStale.
	Consumers []ConsumerMove
}

// Premise is what a decision about arriving mail took for granted: two workers
// may read a mailbox at once, and what the other one stores may be the same
// mail or one of the same conversation.
type Premise struct {
	Mailbox ticket.ID
	// Fingerprints belong to no ticket of the mailbox but Tickets. Those that
	// are at CandidatesMost are left out: one ticket more tells nothing.
	Fingerprints []ticket.Fingerprint
	Tickets      []ticket.ID
	// Absent are mails of which no copy is known; see Intake.Known. Their
	// provider ids do not count here.
	Absent []Seen
}

// CursorMove moves a mailbox's place in a stream.
type CursorMove struct {
	Mailbox  ticket.ID
	Stream   mailbox.Stream
	From, To mailbox.Cursor
}

// TicketUpdate replaces a ticket that had version Was.
type TicketUpdate struct {
	ticket.Ticket
	Was int64
}

// ProviderID tells under which id a provider holds a message.
type ProviderID struct {
	Mailbox    ticket.ID
	Message    ticket.ID
	ProviderID string
}

// HealthChange replaces the health of a mailbox.
type HealthChange struct {
	Mailbox ticket.ID
	Health  Health
}

// Finish says what becomes of a leased task. Whatever it says, a task that was
// enqueued again while it was held stays, due when that enqueueing asked if
// that is earlier.
type Finish struct {
	// Again keeps the task, due After from now by the store's clock.
	Again bool
	After time.Duration
	// Failed counts an attempt; otherwise the count starts over.
	Failed bool
}

// ConsumerMove moves a consumer's place in the event log.
type ConsumerMove struct {
	Name     string
	From, To EventCursor
}
