// Package store is the contract between the helpdesk and its storage. The
// memory and postgres packages below it are the reference implementations; the
// suite in storetest proves them and any other.
//
// Content arrives here only sealed and addresses only as fingerprints: a store
// needs no secret and a dump of it reveals none. Whatever is written together
// is one value, [Changes], so that a page of a hundred mails is a handful of
// round trips and a closure that runs twice writes the same thing twice.
//
// Every identifier of a tenant or an agent is compared byte by byte: case and
// accents distinguish. No method returns, counts or changes anything of
// another tenant than the one it was asked for.
package store

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// The errors that callers branch on. Implementations wrap them and add no
// content, no address and no text of their database to the message.
var (
	// ErrNotFound: there is no such thing in this tenant.
	ErrNotFound = errors.New("store: not found: check the id and the tenant it belongs to")
	// ErrStale: what was decided on has changed: read and decide again.
	ErrStale = errors.New("store: stale: the state changed since it was read, decide again")
	// ErrLeaseLost: another worker has the task now; nothing was written.
	ErrLeaseLost = errors.New("store: lease lost: another worker has the task, drop this result")
	// ErrFenced: the mailbox is being disconnected or erased.
	ErrFenced = errors.New("store: the mailbox is fenced: connect it again before writing to it")
	// ErrRejected: the data themselves were refused, so the same write fails
	// again.
	ErrRejected = errors.New("store: the data were rejected: store them in smaller pieces or quarantine them")
	// ErrUnavailable: the store cannot be reached or has no room; try later.
	ErrUnavailable = errors.New("store: unavailable: try again when the database answers")
	// ErrSchema: the database has no schema or another version's.
	ErrSchema = errors.New("store: schema version does not fit: run Migrate")
)

// Store keeps the helpdesk's state. Its methods are safe for concurrent use,
// also by several processes.
type Store interface {
	// View runs fn on one consistent state. fn may run twice and has no
	// effects but its reads; it never blocks on anything but the store. The
	// context that fn gets is marked with privacy.WithinTx.
	View(ctx context.Context, fn func(ctx context.Context, r Reader) error) error
	// Update runs fn in a transaction that commits when fn returns nil and
	// rolls back when it returns an error, which Update then returns. It runs
	// fn again after a conflict that the store can resolve by repeating. fn's
	// only effects are through tx. When Update returns an error that is
	// ErrUnavailable the outcome is unknown, and every write is shaped so that
	// repeating it is harmless or ErrStale.
	Update(ctx context.Context, fn func(ctx context.Context, tx Tx) error) error
	// Claim leases due tasks to the caller, longest due first, skipping tasks
	// that others hold. Whoever claims a task whose lease ran out gets a
	// higher token, and the former holder's writes fail with ErrLeaseLost; the
	// task then has one attempt more, because its holder may have died of it.
	Claim(ctx context.Context, q Claim) ([]Lease, error)
	// Extend makes a lease last for d from now, or returns ErrLeaseLost.
	Extend(ctx context.Context, l Lease, d time.Duration) (Lease, error)
	// Deployment returns what Bind wrote, or ErrNotFound in a fresh store.
	Deployment(ctx context.Context) (Deployment, error)
	// Bind records which deployment and key store belong to this store. The
	// first call wins; every call returns what is recorded.
	Bind(ctx context.Context, d Deployment) (Deployment, error)
	// Clock returns the time of the store's clock.
	Clock(ctx context.Context) (time.Time, error)
	// AccessLog is the store's own access log, on its own connection and in
	// its own transactions.
	AccessLog() privacy.AccessLog
	// Blobs is the store's own place for large sealed objects.
	Blobs() Blobs
	// Close frees what the store holds. Further calls fail with ErrUnavailable.
	Close() error
}

// Deployment ties a store to its key store and to its erasure ledger.
type Deployment struct {
	ID     ticket.ID
	Keys   ticket.ID
	Ledger ticket.ID
	// Reached is how far the store has carried out the ledger. Bind records
	// none of it: only [Changes] move it.
	Reached privacy.Position
}

// Waker is implemented by stores that can tell when a task became due before
// anybody asked. It is a hint: a store without it, or a lost wake-up, costs
// the polling interval.
type Waker interface {
	// Wake returns a channel that receives after tasks were enqueued by any
	// process, until ctx ends. Signals may be merged, never lost while the
	// receiver is slow.
	Wake(ctx context.Context) (<-chan struct{}, error)
}

// Reader is everything that can be read.
type Reader interface {
	Mailboxes
	Conversations
	Intake
	Log
	Registers
	Retention
}

// Tx reads and writes in one transaction.
type Tx interface {
	Reader
	// Apply writes all of the changes or, with an error, none of them that
	// the transaction would keep; the transaction must then be rolled back.
	// Before it writes anything of a mailbox it makes sure, until the end of
	// the transaction, that the mailbox is not fenced, and returns ErrFenced
	// if it is. See Changes for the other errors.
	Apply(ctx context.Context, c Changes) error
	// Erase removes at most Limit rows of what is named from each table and
	// returns what it removed. Removing what is gone is no error. It is the
	// only way by which rows of content go, and it asks no mailbox whether it
	// is fenced: who may erase is decided before.
	Erase(ctx context.Context, e Erase) (Erased, error)
}

// Mailboxes reads connected mailboxes.
type Mailboxes interface {
	// Mailbox returns one, in whatever state, or ErrNotFound.
	Mailbox(ctx context.Context, tenant ticket.TenantID, id ticket.ID) (Mailbox, error)
	// MailboxByAccount returns the one connected to an account, preferring one
	// that is connected, or ErrNotFound.
	MailboxByAccount(ctx context.Context, tenant ticket.TenantID, account ticket.Fingerprint) (Mailbox, error)
	// ListMailboxes returns a tenant's by id, after an id. Limit is at least 1.
	ListMailboxes(ctx context.Context, tenant ticket.TenantID, after ticket.ID, limit int) ([]Mailbox, error)
	// Tasks returns the pending work of a mailbox, by due time.
	Tasks(ctx context.Context, tenant ticket.TenantID, mailbox ticket.ID) ([]Task, error)
}

// Conversations reads tickets and messages.
type Conversations interface {
	// Ticket returns one or ErrNotFound.
	Ticket(ctx context.Context, tenant ticket.TenantID, id ticket.ID) (Ticket, error)
	// Tickets returns a page, most recently updated first, ids breaking ties.
	Tickets(ctx context.Context, q TicketQuery) ([]Ticket, error)
	// Message returns one or ErrNotFound.
	Message(ctx context.Context, tenant ticket.TenantID, id ticket.ID) (Message, error)
	// Messages returns a ticket's by sequence. An unknown ticket has none.
	Messages(ctx context.Context, q MessageQuery) ([]Message, error)
	// Members returns who is on a ticket.
	Members(ctx context.Context, tenant ticket.TenantID, t ticket.ID) ([]ticket.Member, error)
	// Delivery returns the delivery of a message or ErrNotFound.
	Delivery(ctx context.Context, tenant ticket.TenantID, message ticket.ID) (ticket.Delivery, error)
	// Deliveries returns a page by message id.
	Deliveries(ctx context.Context, q DeliveryQuery) ([]ticket.Delivery, error)
	// Quarantined returns one quarantined mail or ErrNotFound.
	Quarantined(ctx context.Context, tenant ticket.TenantID, id ticket.ID) (Quarantined, error)
	// Quarantine returns a tenant's quarantined mails by id, after an id.
	Quarantine(ctx context.Context, tenant ticket.TenantID, after ticket.ID, limit int) ([]Quarantined, error)
}

// Intake reads what a page of arriving mails is decided on. Each method is one
// round trip for the whole page.
type Intake interface {
	// Known returns, for each probe, how the mail is known already; the zero
	// Seen for a new one. A probe matches the same provider id, or else the
	// same Message-ID and content, or, without Message-ID, the same content
	// and receive time.
	Known(ctx context.Context, tenant ticket.TenantID, mailbox ticket.ID, probes []Seen) ([]Seen, error)
	// Candidates returns the tickets of the mailbox that have one of the
	// fingerprints in whatever role, or one of the messages, or one of the ids:
	// for each fingerprint at most CandidatesMost, first those with one of the
	// members asked for, then those that have it as a Message-ID, then the most
	// recently updated ones, ids breaking ties. Each comes with those of its
	// members that have one of the addresses in From or one of the Domains, with
	// those of the fingerprints that hit in all their roles and those of the
	// messages that are its own.
	Candidates(ctx context.Context, q CandidateQuery) ([]ticket.Candidate, error)
	// SentAs returns the outgoing messages of the mailbox that have one of the
	// fingerprints as a hit of role [ticket.HitMessageID]; of several the one
	// with the lowest id. Unknown ones are absent.
	SentAs(ctx context.Context, tenant ticket.TenantID, mailbox ticket.ID, ids []ticket.Fingerprint) (map[ticket.Fingerprint]ticket.ID, error)
	// AutoReplies counts the outgoing messages of [ticket.KindAutoReply] that
	// were made at or after Since.
	AutoReplies(ctx context.Context, q AutoReplyQuery) (ticket.AutoReplies, error)
	// Contacts returns the contacts behind addresses; unknown ones are absent.
	Contacts(ctx context.Context, tenant ticket.TenantID, mailbox ticket.ID, addrs []ticket.Fingerprint) (map[ticket.Fingerprint]ticket.ID, error)
	// TicketKeys returns the current sealing keys of tickets.
	TicketKeys(ctx context.Context, tenant ticket.TenantID, tickets []ticket.ID) (map[ticket.ID]ticket.ID, error)
}

// Log reads the event log.
type Log interface {
	// Events returns events after a cursor, in commit order: an event that
	// commits later is never before one that was returned already. The empty
	// cursor is the start; an empty Tenant means all tenants.
	Events(ctx context.Context, q EventQuery) ([]LoggedEvent, error)
	// Consumer returns a named consumer's cursor, empty if it has none.
	Consumer(ctx context.Context, name string) (EventCursor, error)
}

// Blobs keeps large sealed objects under ids made beforehand. Its methods are
// safe for concurrent use and durable when they return.
type Blobs interface {
	// Put stores an object. Putting the same id again replaces it.
	Put(ctx context.Context, ref BlobRef, r io.Reader) error
	// Get opens an object or returns ErrNotFound.
	Get(ctx context.Context, ref BlobRef) (io.ReadCloser, error)
	// Delete removes objects. Removing what is not there is no error.
	Delete(ctx context.Context, refs []BlobRef) error
	// Old returns objects put longer than d ago, by id after an id, for the
	// sweep of those that no row names.
	Old(ctx context.Context, d time.Duration, after ticket.ID, limit int) ([]BlobRef, error)
	// List returns the objects of a mailbox, by id after an id, for erasing
	// them and for looking whether they are gone.
	List(ctx context.Context, tenant ticket.TenantID, mailbox, after ticket.ID, limit int) ([]BlobRef, error)
}

// BlobRef names a blob.
type BlobRef struct {
	Tenant  ticket.TenantID
	Mailbox ticket.ID
	ID      ticket.ID
}
