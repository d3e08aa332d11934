package mailbox

import (
	"context"
	"net/http"
	"time"
)

// Truster is implemented by accounts whose provider checks senders and writes
// down what it found. It is a value of the account and not of a mail, because
// in a mail it would be the sender's word.
type Truster interface {
	// TrustedHop says whose Authentication-Results (RFC 8601) are the
	// provider's own. It does no I/O and never changes its answer for an
	// account. The zero Hop believes nobody.
	TrustedHop() Hop
}

// Hop is the host at which mail enters a provider, as it signs its results.
type Hop struct {
	// AuthservIDs are the identifiers (RFC 8601, section 2.2) that it writes,
	// compared without case. One that begins with a dot stands for all that
	// end in it.
	AuthservIDs []string `json:"ids,omitempty"`
	// Unnamed is set for a provider that writes none, as Microsoft does.
	Unnamed bool `json:"unnamed,omitempty"`
	// Hosts are the domains, with what is below them, of the provider's own
	// hosts in Received fields. Empty means the organisational domains of
	// AuthservIDs.
	Hosts []string `json:"hosts,omitempty"`
}

// Capabilities declares the optional abilities of a provider's connections. A
// flag is true exactly when the interface beside it is implemented; the suite
// proves both directions.
type Capabilities struct {
	// Threads: Item.Thread is filled.
	Threads bool `json:"threads"`
	// FindSent: FindSent can look; without it the answer is Unsupported.
	FindSent bool `json:"find_sent"`
	// Drafts: connections implement Drafter.
	Drafts bool `json:"drafts"`
	// Files: connections implement Filer.
	Files bool `json:"files"`
	// Waits: connections implement Waiter.
	Waits bool `json:"waits"`
	// Watches: connections implement Watcher.
	Watches bool `json:"watches"`
	// Pushes: the provider implements PushParser.
	Pushes bool `json:"pushes"`
	// Revokes: connections implement Revoker.
	Revokes bool `json:"revokes"`
}

// Drafter is implemented by connections that send in two steps, which makes
// the draft a ticket for exactly one sending.
type Drafter interface {
	// Draft stores the mail unsent and returns the draft's id.
	Draft(ctx context.Context, o Outgoing) (draft string, err error)
	// FindDraft returns the draft that carries a marker, or NotFound.
	FindDraft(ctx context.Context, marker string) (draft string, err error)
	// SendDraft sends a draft. A draft that is gone is NotFound and proves
	// nothing about sending.
	SendDraft(ctx context.Context, draft string) (Receipt, error)
	// DraftPresent reports whether the draft is still there unsent.
	DraftPresent(ctx context.Context, draft string) (bool, error)
}

// Filer is implemented by connections whose sending does not keep a copy among
// the sent mail.
type Filer interface {
	// File puts a copy among the sent mail unless one with the same
	// Message-ID is there. Calling it again changes nothing.
	File(ctx context.Context, o Outgoing) (Receipt, error)
}

// Waiter is implemented by connections that can be told about new mail.
type Waiter interface {
	// Wait blocks until the mailbox may have changed, which is only a hint,
	// or until ctx ends, which is no error. Deadlines shorter than the
	// provider's own limits are the driver's concern.
	Wait(ctx context.Context) error
}

// Watcher is implemented by connections that can subscribe to push.
type Watcher interface {
	// Watch starts or renews the provider's notifications.
	Watch(ctx context.Context, w Watch) (Watch, error)
	// Unwatch ends them. Ending what is not there is no error.
	Unwatch(ctx context.Context, w Watch) error
}

// Watch is a subscription to a provider's notifications.
type Watch struct {
	// ID is the provider's; empty when it has none or does not exist yet.
	ID string
	// Target is where notifications go: a URL or a topic.
	Target string
	// Secret comes back in each notification.
	Secret string
	// Expires is when the provider stops by itself.
	Expires time.Time
}

// PushParser is implemented by providers whose notifications arrive by HTTP.
type PushParser interface {
	// ParsePush verifies a notification and tells which mailboxes may have
	// changed. Status and body answer the provider; hints are empty for a
	// validation handshake. A forged one is an error of kind Auth.
	ParsePush(r *http.Request) (hints []Hint, status int, body []byte, err error)
}

// Hint says that a mailbox may have changed.
type Hint struct {
	// Identity is the account's Identity, or Watch the subscription's id.
	Identity string
	Watch    string
}

// Revoker is implemented by connections whose grant can be ended at the
// provider.
type Revoker interface {
	// Revoke ends the grant. Ending an ended one is no error.
	Revoke(ctx context.Context) error
}
