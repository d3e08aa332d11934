package privacy

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// Errors of access. Each names its mend.
var (
	ErrNoPrincipal   = errors.New("privacy: no principal: wrap the context with privacy.As")
	ErrNoPurpose     = errors.New("privacy: no purpose: wrap the context with privacy.As and one of the purposes")
	ErrDenied        = errors.New("privacy: access denied: this principal may not use this content for this purpose")
	ErrAccessLog     = errors.New("privacy: the access log cannot be written, so nothing is revealed: bring the log back")
	ErrInTransaction = errors.New("privacy: content is not opened inside a transaction or OnEvent: open it before or after")
)

// Purpose is what content is used for: a closed set.
type Purpose string

// The purposes. The last three are always refused: they exist so that asking
// for them has a name and an answer.
const (
	Support       Purpose = "support"        // answering contacts
	Operation     Purpose = "operation"      // taking in and sending mail, by the library itself
	SubjectRights Purpose = "subject-rights" // access, export and erasure requests
	Legal         Purpose = "legal"          // establishing or defending legal claims
	Security      Purpose = "security"       // investigating abuse
	Advertising   Purpose = "advertising"    // refused
	Sale          Purpose = "sale"           // refused
	ModelTraining Purpose = "model-training" // refused
)

// PrincipalKind is the kind of a Principal.
type PrincipalKind string

// The kinds of principals.
const (
	AgentPrincipal    PrincipalKind = "agent"
	SystemPrincipal   PrincipalKind = "system"
	OperatorPrincipal PrincipalKind = "operator"
)

// Principal is who reads or writes. ID is the host's own and opaque.
type Principal struct {
	Kind PrincipalKind
	ID   string
	// OnBehalfOf is whom the principal acts for, or empty.
	OnBehalfOf string
}

// Agent is a person who works tickets.
func Agent(id ticket.AgentID) Principal { return Principal{Kind: AgentPrincipal, ID: string(id)} }

// System is a part of the library or the host that acts without a person.
func System(name string) Principal { return Principal{Kind: SystemPrincipal, ID: name} }

// Operator is a person of the host's staff, not of the tenant.
func Operator(id string) Principal { return Principal{Kind: OperatorPrincipal, ID: id} }

type accessKey struct{}

type access struct {
	who  Principal
	what Purpose
}

// As returns a context in which who acts for a purpose. The innermost As
// counts.
func As(ctx context.Context, who Principal, purpose Purpose) context.Context {
	return context.WithValue(ctx, accessKey{}, access{who, purpose})
}

// From returns the principal and purpose of a context, or [ErrNoPrincipal] or
// [ErrNoPurpose]. There is no default.
func From(ctx context.Context) (Principal, Purpose, error) {
	a, _ := ctx.Value(accessKey{}).(access)
	if a.who.Kind == "" || a.who.ID == "" || !opaque(a.who.ID) || !opaque(a.who.OnBehalfOf) {
		return Principal{}, "", ErrNoPrincipal
	}
	switch a.what {
	case Support, Operation, SubjectRights, Legal, Security:
		return a.who, a.what, nil
	case Advertising, Sale, ModelTraining:
		return a.who, a.what, ErrDenied
	default:
		return Principal{}, "", ErrNoPurpose
	}
}

// opaque reports whether an id of the host can be kept by every log.
func opaque(s string) bool {
	return len(s) <= 255 && utf8.ValidString(s) && !strings.ContainsRune(s, 0)
}

type txKey struct{}

// WithinTx marks a context as being inside a store's transaction, where
// content must not be opened. Stores call it for the contexts they pass to
// their closures.
func WithinTx(ctx context.Context) context.Context { return context.WithValue(ctx, txKey{}, true) }

// InTx reports whether the context was marked by [WithinTx].
func InTx(ctx context.Context) bool { in, _ := ctx.Value(txKey{}).(bool); return in }

// Entry is one access: who opened what, for which purpose, when. It holds ids
// and constants only.
type Entry struct {
	ID        ticket.ID       `json:"id"`
	At        time.Time       `json:"at"`
	Tenant    ticket.TenantID `json:"tenant"`
	Principal Principal       `json:"principal"`
	Purpose   Purpose         `json:"purpose"`
	// Operation is the verb, such as "ticket.read" or "tickets.list".
	Operation string `json:"operation"`
	// Classes are the classes opened, sorted and unique.
	Classes []Class `json:"classes"`
	// Objects are the ids opened, unique; a page is one entry.
	Objects []ticket.ID `json:"objects"`
	// Refused is set when the access was denied; nothing was opened.
	Refused bool `json:"refused,omitempty"`
}

// AccessLog keeps the entries. Append returns when they are durable, in a
// transaction of its own that no other work can roll back; the caller reveals
// nothing before. It is safe for concurrent use. A log that is volatile says
// so.
type AccessLog interface {
	// Append keeps entries, all of them or, with an error, none that may be
	// relied on.
	Append(ctx context.Context, entries []Entry) error
	// Entries returns a tenant's entries after a position in the order in
	// which they were appended, and the position after the last one; the
	// empty position is the start.
	Entries(ctx context.Context, tenant ticket.TenantID, after string, limit int) (entries []Entry, next string, err error)
	// Durable reports whether entries survive the process.
	Durable() bool
}
