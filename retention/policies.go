package retention

import (
	"errors"
	"fmt"
	"time"
)

// Forever keeps every ticket it is asked about. At the end of [First] it says
// in the receipt that keeping was meant, not forgotten.
type Forever struct{}

// Decide implements [Policy].
func (Forever) Decide(time.Time, Facts) Decision { return Decision{Rule: RuleForever} }

// ClosedAfter erases a ticket a period after it was closed, or after its last
// activity if that came later. It abstains for open tickets. The zero value is
// misconfigured and keeps everything.
type ClosedAfter struct {
	After Period
}

// Decide implements [Policy].
func (c ClosedAfter) Decide(now time.Time, f Facts) Decision {
	switch {
	case f.Held:
		return Decision{Rule: RuleHold}
	case c.Validate() != nil:
		return Decision{Rule: RuleMisconfigured}
	case !f.Closed || f.ClosedAt.IsZero():
		return Decision{}
	}
	due := c.After.From(later(f.ClosedAt, f.UpdatedAt))
	return eraseAt(later(due, f.Latest()), now, RuleClosed)
}

// Validate returns a [ConfigError] unless After is a positive period.
func (c ClosedAfter) Validate() error {
	if c.After.IsZero() {
		return &ConfigError{Policy: "ClosedAfter", Field: "After", Problem: "is zero, which would erase a ticket as it is closed: set a period or leave the policy out"}
	}
	if p := c.After.problem(); p != "" {
		return &ConfigError{Policy: "ClosedAfter", Field: "After", Problem: p}
	}
	return nil
}

// Disconnected erases the tickets of a disconnected mailbox when its grace is
// over. It abstains while the mailbox is connected. An erasure past the
// deadline is decided all the same and named [RuleDisconnectedLate], because
// lateness is to be recorded. The zero value is misconfigured and keeps
// everything.
type Disconnected struct {
	// Grace is how long a reconnect of the same account restores the
	// tickets. Zero erases at once.
	Grace Period

	// Deadline is how long after the disconnect everything must be gone. It
	// is longer than Grace.
	Deadline Period
}

// Decide implements [Policy].
func (p Disconnected) Decide(now time.Time, f Facts) Decision {
	switch {
	case f.Held:
		return Decision{Rule: RuleHold}
	case p.Validate() != nil:
		return Decision{Rule: RuleMisconfigured}
	case f.DisconnectedAt.IsZero():
		return Decision{}
	}
	due := later(p.Grace.From(f.DisconnectedAt), f.Latest())
	rule := RuleDisconnected
	if now.After(p.Deadline.From(f.DisconnectedAt)) {
		rule = RuleDisconnectedLate
	}
	return eraseAt(due, now, rule)
}

// Validate returns a [ConfigError] unless Deadline is longer than Grace.
func (p Disconnected) Validate() error {
	var errs []error
	for _, part := range []struct {
		field string
		value Period
	}{{"Grace", p.Grace}, {"Deadline", p.Deadline}} {
		if problem := part.value.problem(); problem != "" {
			errs = append(errs, &ConfigError{Policy: "Disconnected", Field: part.field, Problem: problem})
		}
	}
	// Months differ in length, so days and months are compared from the
	// longest and from the shortest.
	for _, month := range []time.Month{time.July, time.February} {
		t := time.Date(2001, month, 1, 0, 0, 0, 0, time.UTC)
		if errs == nil && !p.Deadline.From(t).After(p.Grace.From(t)) {
			errs = append(errs, &ConfigError{Policy: "Disconnected", Field: "Deadline", Problem: "is not longer than Grace"})
		}
	}
	return errors.Join(errs...)
}

func eraseAt(due, now time.Time, rule string) Decision {
	if now.Before(due) {
		return Decision{Rule: rule, Next: due}
	}
	return Decision{Action: Erase, Rule: rule}
}

// Precedence asks policies in order; see [First].
type Precedence []Policy

// First returns a policy that takes the decision of the first of policies with
// an opinion. If one of those before it abstained with a Next, the answer's
// Next is no later than that, so that the stronger policy is asked in time.
//
// Put the stronger ground first: statute, open request, disconnect, tenant's
// rule, default. Held tickets are kept whatever the policies say.
func First(policies ...Policy) Precedence { return policies }

// Decide implements [Policy].
func (p Precedence) Decide(now time.Time, f Facts) Decision {
	if f.Held {
		return Decision{Rule: RuleHold}
	}
	var next time.Time
	for _, policy := range p {
		if policy == nil {
			continue
		}
		d := policy.Decide(now, f)
		if d.Action == Keep {
			d.Next = earlier(d.Next, next)
		}
		if !d.Abstains() {
			return d
		}
		next = d.Next
	}
	return Decision{Next: next}
}

// Validate returns the errors of all policies, and an error for a nil one.
func (p Precedence) Validate() error {
	var errs []error
	for i, policy := range p {
		if policy == nil {
			errs = append(errs, &ConfigError{Policy: "First", Field: fmt.Sprintf("policy %d", i), Problem: "is nil"})
			continue
		}
		errs = append(errs, Validate(policy))
	}
	return errors.Join(errs...)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// earlier returns the earlier of two instants, where zero means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
