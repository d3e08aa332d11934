package retention

import (
	"time"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// Policy says what to do with one ticket at one instant.
//
// Decide is pure: the same arguments give the same answer; it reads no clock,
// file or network, keeps no state, does not panic and may be called from
// several goroutines. It depends on the instant now is, not on its zone. It
// never answers anything but [Keep] for held facts, nor before the latest
// instant in the facts. When it answers Keep with a Next, Next is after now.
// It must accept the zero Facts.
//
// A policy that has nothing to say about a ticket abstains with a Decision
// whose Rule is empty; see [First].
type Policy interface {
	Decide(now time.Time, f Facts) Decision
}

// PolicyFunc makes a function a [Policy].
type PolicyFunc func(now time.Time, f Facts) Decision

// Decide calls the function.
func (p PolicyFunc) Decide(now time.Time, f Facts) Decision { return p(now, f) }

// Facts is what a policy may know about a ticket: ids, states and instants,
// never content. Zero instants mean "has not happened". Later versions may add
// fields.
type Facts struct {
	// Tenant, Mailbox and Ticket say which ticket is asked about, for
	// policies that differ by tenant or mailbox.
	Tenant  ticket.TenantID
	Mailbox ticket.ID
	Ticket  ticket.ID

	// Origin says how the ticket came to be.
	Origin ticket.Origin

	// Closed reports whether the ticket is closed now; ClosedAt is the
	// instant of the last closing and is kept when the ticket is reopened.
	Closed   bool
	ClosedAt time.Time

	// CreatedAt is when the ticket started here, not the date in a mail.
	CreatedAt time.Time

	// UpdatedAt is the last activity: a message, a note or a change by a
	// person.
	UpdatedAt time.Time

	// DisconnectedAt is when the ticket's mailbox was disconnected; zero
	// while it is connected.
	DisconnectedAt time.Time

	// Attachments reports whether attachments are still stored.
	Attachments bool

	// Held reports whether a legal hold covers the ticket or part of it.
	Held bool
}

// Latest returns the latest instant in f in UTC, or the zero time. A clock
// that reads less is wrong, so nothing may be erased by it.
func (f Facts) Latest() time.Time {
	return later(later(f.CreatedAt, f.UpdatedAt), later(f.ClosedAt, f.DisconnectedAt)).UTC()
}

// Action is what to do with a ticket. The zero Action keeps it, so that a
// forgotten field never erases. Later versions may add actions; treat one you
// do not know as [Keep].
type Action uint8

// The actions, in the order of what they take away.
const (
	Keep             Action = iota // leave the ticket as it is
	EraseAttachments               // erase attachments, and with them the raw mail that contains them
	Erase                          // erase the ticket with all its messages
)

var actionNames = [...]string{"keep", "erase-attachments", "erase"}

// String returns a stable name, for logs and receipts.
func (a Action) String() string {
	if !a.Valid() {
		return "unknown"
	}
	return actionNames[a]
}

// Valid reports whether this version knows the action.
func (a Action) Valid() bool { return int(a) < len(actionNames) }

// Decision is a policy's answer. The zero Decision abstains: keep, and ask
// again only when the facts change.
type Decision struct {
	Action Action

	// Rule names the rule that decided, for the receipt and for an agent's
	// "why is this gone?". It is stable, at most 64 bytes and holds no
	// personal data. Empty means that the policy has no opinion.
	Rule string

	// Next is when to ask again; zero means when the facts change.
	Next time.Time
}

// Abstains reports whether the policy had no opinion.
func (d Decision) Abstains() bool { return d.Rule == "" && d.Action == Keep }

// Names of the rules that decide in this package.
const (
	RuleHold             = "legal-hold"        // a legal hold covers the ticket
	RuleClock            = "clock-behind"      // the clock is behind the facts
	RuleUnknownAction    = "unknown-action"    // a policy asked for an action this version does not know
	RuleMisconfigured    = "misconfigured"     // the policy does not pass Validate
	RuleForever          = "forever"           // Forever
	RuleClosed           = "closed-after"      // ClosedAfter
	RuleDisconnected     = "disconnected"      // Disconnected, in time
	RuleDisconnectedLate = "disconnected-late" // Disconnected, past its deadline
)

// Ask asks p and applies what no policy may overrule: held tickets are kept,
// nothing is erased by a clock behind the facts, and an unknown action keeps.
// A nil policy keeps. Engines call Ask, never Decide.
//
// A Next that is not after now is moved to an hour from now, so that a faulty
// policy costs a question an hour and not a busy loop.
func Ask(p Policy, now time.Time, f Facts) Decision {
	if f.Held {
		return Decision{Rule: RuleHold}
	}
	if p == nil {
		return Decision{}
	}
	now = now.UTC()
	d := p.Decide(now, f)
	if !d.Action.Valid() {
		return Decision{Rule: RuleUnknownAction}
	}
	if latest := f.Latest(); d.Action != Keep && now.Before(latest) {
		return Decision{Rule: RuleClock, Next: latest}
	}
	if !d.Next.IsZero() && !d.Next.After(now) {
		d.Next = now.Add(time.Hour)
	}
	return d
}
