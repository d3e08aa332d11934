// Package mailbox is the contract between the helpdesk and the providers of
// mailboxes: what a driver for Gmail, Microsoft Graph or IMAP offers, and how
// it tells what went wrong.
//
// A driver classifies; it never retries, sleeps or decides. The engine alone
// knows about back-off, quota and budgets. The suite in mailboxtest turns each
// sentence of the contract into a test; a driver is fit for use when it passes.
package mailbox

import (
	"context"
	"time"
)

// Provider opens mailboxes of one kind. Its methods are safe for concurrent
// use and Name and Capabilities do no I/O and never change their answer.
type Provider interface {
	// Name is the stable name under which connections are stored, such as
	// "imap": lower-case ASCII letters, digits and dashes.
	Name() string
	// Capabilities tells which optional abilities the connections have.
	Capabilities() Capabilities
	// Open connects to one mailbox. It blocks until the account has been
	// authenticated and returns *Error with kind Auth when it was refused,
	// Permanent when the account cannot be understood.
	Open(ctx context.Context, s Session) (Conn, error)
}

// Account is what a host passes to connect a mailbox: a value of the driver.
type Account interface {
	// Provider names the Provider that opens the account.
	Provider() string
	// Identity is what makes the account the same account when it is
	// connected again, whatever its password is today. It is stored only as
	// a keyed hash.
	Identity() string
	// Address is the address that mail to the mailbox is sent to and replies
	// are sent from, with the display name replies carry.
	Address() (name, addr string)
	// MarshalBinary encodes the account with its secrets. The result is
	// sealed before it is stored and given back in Session.Account.
	MarshalBinary() ([]byte, error)
	// Validate returns an error that names the field and the mend, without
	// repeating secrets or addresses. It does no I/O.
	Validate() error
}

// Session is what a Provider opens a connection with.
type Session struct {
	// Account is what the Account marshalled.
	Account []byte
	// Intake is the window that the host chose when it connected.
	Intake Intake
}

// Intake bounds what is ever fetched from a mailbox. The zero value means mail
// that arrives after connecting. Mail outside is never fetched, not even to
// look at its header.
type Intake struct {
	// Since opens the window into the past: mail that the provider received
	// at or after it is taken in as backfill. Zero means none.
	Since time.Time `json:"since,omitzero"`
	// Folders are the provider's names of the folders or labels to read.
	// Empty means the inbox alone.
	Folders []string `json:"folders,omitempty"`
}

// Conn is an open connection to one mailbox. It is used by one goroutine at a
// time and it never retries. Every method blocks until it is done, ctx ends or
// the driver's own deadline passes, and returns *Error on failure; after an
// error of kind Transient the caller closes the connection.
type Conn interface {
	// Changes lists what is new in a stream after a cursor, oldest first for
	// Live and newest first for Backfill. A mailbox without a live end, such as
	// an archive, lists Backfill oldest first: no newer mail needs its tickets
	// meanwhile, and answers come after what they answer. It never lists more
	// than q.Limit items, and it may return none and still More. Asked with the
	// zero cursor, Live answers with no items and the cursor of the present
	// instant, Backfill starts at the newest mail older than the connection.
	// Asking twice with the same cursor gives the same items or, if the
	// mailbox changed meanwhile, also the new ones. A cursor that the
	// provider no longer knows is an error of kind CursorExpired, after which
	// the caller starts again with Query.Resync.
	Changes(ctx context.Context, q Query) (Page, error)
	// Fetch returns the raw mail (RFC 5322) of an item, at most max bytes. A
	// larger one is an error of kind TooLarge and is not transferred. A mail
	// that is gone is NotFound. A body that did not arrive whole is
	// Transient, never a shorter mail.
	Fetch(ctx context.Context, it Item, max int64) (Raw, error)
	// Send transmits a mail once. An error for which [Unsent] reports true
	// proves that nothing was sent; after any other error it may have been.
	// Where the connection is a Drafter, Send is Draft followed by SendDraft.
	Send(ctx context.Context, o Outgoing) (Receipt, error)
	// FindSent looks for a mail among the sent ones. It returns an error of
	// kind NotFound when it looked and there is none, and Unsupported where
	// the provider has no way to look.
	FindSent(ctx context.Context, s Sought) (Receipt, error)
	// Close frees the connection. It may be called twice and from another
	// goroutine, which makes a blocked call return.
	Close() error
}

// Stream is one of the two orders in which a mailbox is read.
type Stream string

// The streams of a mailbox.
const (
	Live     Stream = "live"     // from the instant of connecting onwards
	Backfill Stream = "backfill" // backwards from there to Intake.Since
)

// Cursor is a driver's place in a stream: opaque, versioned by the driver,
// stored only sealed or as is because it holds no personal data. The zero
// Cursor is the start.
type Cursor []byte

// Query asks for changes.
type Query struct {
	Stream Stream
	Cursor Cursor
	// Limit is the most items to return, at least 1.
	Limit int
	// Resync is set after CursorExpired: Cursor is then the expired one, and
	// the driver lists everything since From again. The caller recognises
	// what it already has.
	Resync bool
	// From is, with Resync, the earliest receive time to list, and for a
	// Backfill with the zero cursor the instant before which mail is listed.
	From time.Time
}

// Page is an answer of Changes.
type Page struct {
	Items []Item
	// Next is the cursor after Items. It is stored in the transaction that
	// stores them, never earlier.
	Next Cursor
	// More is set when asking again at once would bring more.
	More bool
}

// Item is one mail of a listing.
type Item struct {
	// ID names the mail in this mailbox for good: it is unique in the mailbox
	// and never given to another mail.
	ID string
	// Thread is the provider's own thread, or empty.
	Thread string
	// Ref is what the driver needs to fetch the mail, if ID is not enough.
	Ref string
	// Size in bytes as the provider states it, or 0 if unknown.
	Size int64
	// ReceivedAt is when the provider received the mail.
	ReceivedAt time.Time
	// Sent is set for mail from the folder of sent mail.
	Sent bool
	// Draft is set for unsent drafts. They are never taken in.
	Draft bool
	// Removed is set when the mail left the folder. It erases nothing.
	Removed bool
}

// Raw is a fetched mail.
type Raw struct {
	// Bytes is the mail as the provider has it.
	Bytes []byte
	// EnvelopeFrom is the SMTP return path if the provider knows it; HasEnvelope
	// tells "empty" (a bounce) from "unknown".
	EnvelopeFrom string
	HasEnvelope  bool
}

// Outgoing is a mail to send. Raw is frozen: the same bytes at every attempt.
type Outgoing struct {
	// From and To are the envelope; To includes Cc and Bcc.
	From string
	To   []string
	Raw  []byte
	// MessageID is the one in Raw, without angle brackets.
	MessageID string
	// Marker is the value of the library's marker header in Raw. It survives
	// where a provider rewrites Message-IDs.
	Marker string
}

// Receipt tells what the provider made of a sent mail.
type Receipt struct {
	// ID is the provider's id of the sent mail, or empty.
	ID string
	// MessageID is the Message-ID the mail really carries, if the provider
	// tells; empty means the one it was given.
	MessageID string
	// Thread is the provider's thread, or empty.
	Thread string
	// Refused lists the recipients that the provider refused while it
	// accepted others, as indexes into Outgoing.To.
	Refused []int
	// Filed is set when the provider keeps a copy among the sent mail by
	// itself, so that filing one more is wrong.
	Filed bool
}

// Sought describes a mail that may have been sent.
type Sought struct {
	MessageID string
	Marker    string
	// Draft is the draft it was sent from, if there was one.
	Draft string
	// Since bounds the search: the mail was not sent before it.
	Since time.Time
}
