package store

import (
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// MailboxState is the life of a connection.
type MailboxState string

// The states of a mailbox.
const (
	MailboxConnected MailboxState = "connected"
	MailboxFenced    MailboxState = "fenced" // disconnecting: nothing is written or opened any more
)

// HealthState is how a mailbox is doing.
type HealthState string

// The states of health.
const (
	HealthOK           HealthState = "ok"
	HealthDelayed      HealthState = "delayed"       // transient trouble, tried again by itself
	HealthThrottled    HealthState = "throttled"     // the provider asked to wait
	HealthNeedsConsent HealthState = "needs-consent" // a person must connect it again
	HealthBroken       HealthState = "broken"        // it does not pass by itself
)

// Health is the last known state of a mailbox.
type Health struct {
	State HealthState
	// Since is when the state was entered.
	Since time.Time
	// Cause is a constant without personal data, empty when ok.
	Cause string
	// Failures counts failed attempts since it was last ok.
	Failures int
	// NextAt is when the engine tries again. It does so also where a person
	// must act, only rarely.
	NextAt time.Time
	// SyncedAt is when the mailbox was last read to its end.
	SyncedAt time.Time
}

// Mailbox is a connected account.
type Mailbox struct {
	ID       ticket.ID
	Tenant   ticket.TenantID
	Provider string
	// Account is the fingerprint of the account's identity under the tenant's
	// identity key. One connected mailbox of a tenant has it.
	Account ticket.Fingerprint
	State   MailboxState
	// Key and Identity are the mailbox's slots in the key store.
	Key      ticket.ID
	Identity ticket.ID
	// Address is the address and name it sends from, Credential the account
	// with its secrets, Settings the intake window: all sealed.
	Address    privacy.Sealed
	Credential privacy.Sealed
	Settings   privacy.Sealed
	// LiveCursor and BackfillCursor are the places in its streams.
	LiveCursor     mailbox.Cursor
	BackfillCursor mailbox.Cursor
	Health         Health
	ConnectedAt    time.Time
	// Version counts changes of everything but cursors and health.
	Version int64
}

// Ticket is a ticket with what is sealed about it.
type Ticket struct {
	ticket.Ticket
	// Key is the slot that new content of the ticket is sealed under.
	Key     ticket.ID
	Subject privacy.Sealed
}

// Message is a message with its sealed content. Absent content is nil.
type Message struct {
	ticket.Message
	Subject   privacy.Sealed
	Addresses privacy.Sealed
	// Body is text, or the text of a note.
	Body  privacy.Sealed
	HTML  privacy.Sealed
	Files privacy.Sealed
	// Raw is the raw mail, unless it is a blob.
	Raw privacy.Sealed
	// Blob is the id of the blob with the raw mail, or zero.
	Blob ticket.ID
	// RawSize is the size of the raw mail in bytes before sealing.
	RawSize int64
}

// Seen is a mail that was taken in, under each of its provider ids. Rows
// outlive the messages they stand for, so that erased mail does not come back.
type Seen struct {
	Mailbox    ticket.ID
	ProviderID string
	// MessageID and Content are fingerprints; MessageID may be zero.
	MessageID  ticket.Fingerprint
	Content    ticket.Fingerprint
	ReceivedAt time.Time
	// Object is the message or the quarantined mail it became.
	Object ticket.ID
}

// Hit is a fingerprint under which a message is found.
type Hit struct {
	Mailbox ticket.ID
	Ticket  ticket.ID
	Message ticket.ID
	ticket.Hit
}

// Member is an address on a ticket. Writing it again never makes a full
// member pending and never changes a known organisation.
type Member struct {
	Mailbox ticket.ID
	Ticket  ticket.ID
	ticket.Member
}

// Contact is an address of a contact in one mailbox.
type Contact struct {
	Mailbox ticket.ID
	Address ticket.Fingerprint
	ID      ticket.ID
}

// QuarantineState is what became of a quarantined mail.
type QuarantineState string

// The states of a quarantined mail.
const (
	Held     QuarantineState = "held"
	Released QuarantineState = "released" // it became a message after all
)

// Quarantined is a mail that could not be taken in as it is.
type Quarantined struct {
	ID         ticket.ID
	Tenant     ticket.TenantID
	Mailbox    ticket.ID
	ProviderID string
	// Ref is the provider's reference to fetch it again, sealed because
	// drivers put names of folders into it; nil when the id is enough.
	Ref privacy.Sealed
	// Cause is a constant that says why.
	Cause string
	State QuarantineState
	// Message is what it became, when released.
	Message    ticket.ID
	Key        ticket.ID
	Raw        privacy.Sealed
	Blob       ticket.ID
	Size       int64
	ReceivedAt time.Time
	// Stream is the stream it came by; Sent is set when it is from the folder
	// of sent mail.
	Stream    mailbox.Stream
	Sent      bool
	CreatedAt time.Time
	Version   int64
}

// TaskKind is a kind of background work.
type TaskKind string

// Task is a unit of background work. At most one exists for a mailbox, kind
// and subject.
type Task struct {
	ID      ticket.ID
	Tenant  ticket.TenantID
	Mailbox ticket.ID
	Kind    TaskKind
	// Subject is what it is about, such as a message, or zero.
	Subject ticket.ID
	// After is how long from now, by the store's clock, it becomes due. Only
	// for enqueueing.
	After time.Duration
	// Due is when it is due by the store's clock. Only when read.
	Due time.Time
	// Attempts counts failures in a row.
	Attempts int
	// Leased tells whether a worker holds it. Only when read.
	Leased bool
}

// Lease is the right to do a task until a time of the store's clock.
type Lease struct {
	Task  Task
	Token int64
	Until time.Time
}

// Claim asks for work.
type Claim struct {
	// Kinds are the kinds the worker does; empty means all.
	Kinds []TaskKind
	// Tenant and Mailbox narrow the claim when set.
	Tenant  ticket.TenantID
	Mailbox ticket.ID
	// Providers narrows to tasks of mailboxes of these providers; empty means
	// all.
	Providers []string
	// PerMailbox is the most tasks that are held for one mailbox at a time,
	// those of the same kinds that others hold included; 0 is no bound. It
	// keeps one mailbox's backlog from taking every worker.
	PerMailbox int
	// Limit is the most tasks to lease, For how long.
	Limit int
	For   time.Duration
}

// TicketQuery asks for a page of tickets.
type TicketQuery struct {
	Tenant ticket.TenantID
	// Mailbox, Statuses, Assignee, Unassigned, Tag and Contact narrow.
	Mailbox    ticket.ID
	Statuses   []ticket.Status
	Assignee   ticket.AgentID
	Unassigned bool
	Tag        string
	Contact    ticket.ID
	// BeforeTime and BeforeID continue after the last ticket of a page.
	BeforeTime time.Time
	BeforeID   ticket.ID
	Limit      int
}

// MessageQuery asks for messages of a ticket, by sequence.
type MessageQuery struct {
	Tenant ticket.TenantID
	Ticket ticket.ID
	// After is the sequence number to continue after.
	After int64
	Limit int
	// Raw asks for the raw mail too; without it Raw is nil, whatever there is.
	Raw bool
}

// CandidatesMost is how many tickets one fingerprint can make candidates:
// strangers who quote the same id again and again must not make threading
// slow.
const CandidatesMost = 20

// CandidateQuery asks for the tickets that mails may belong to.
type CandidateQuery struct {
	Tenant       ticket.TenantID
	Mailbox      ticket.ID
	Fingerprints []ticket.Fingerprint
	Messages     []ticket.ID
	// Tickets are asked for by id as well, such as those that others were
	// merged into.
	Tickets []ticket.ID
	// From are the senders whose membership matters, Domains the organisations.
	From    []ticket.Fingerprint
	Domains []ticket.Fingerprint
}

// AutoReplyQuery asks how many automatic replies were made.
type AutoReplyQuery struct {
	Tenant  ticket.TenantID
	Mailbox ticket.ID
	Ticket  ticket.ID
	// Contacts are the people about to be written to.
	Contacts []ticket.ID
	// Since is the beginning of the window; zero is the beginning of time.
	Since time.Time
}

// DeliveryQuery asks for a page of deliveries of a tenant.
type DeliveryQuery struct {
	Tenant  ticket.TenantID
	Mailbox ticket.ID
	Ticket  ticket.ID
	States  []ticket.DeliveryState
	// Messages narrows to deliveries of these, when not empty.
	Messages []ticket.ID
	After    ticket.ID
	Limit    int
}

// EventCursor is a place in the event log: opaque, versioned by the store.
type EventCursor string

// EventQuery asks for events.
type EventQuery struct {
	Tenant ticket.TenantID
	After  EventCursor
	Limit  int
}

// LoggedEvent is an event with its place; reading goes on after Cursor.
type LoggedEvent struct {
	ticket.Event
	Cursor EventCursor
}
