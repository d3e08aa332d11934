package extending

import (
	"time"

	"github.com/helpdesk-go/helpdesk/retention"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// ByOrigin erases closed tickets a period after the last that happened to
// them, and has a period of its own for those that were taken in as backfill:
// nobody worked on them here, so they are often kept for less long.
type ByOrigin struct {
	Worked     retention.Period
	Backfilled retention.Period
}

// Decide implements retention.Policy.
func (p ByOrigin) Decide(now time.Time, f retention.Facts) retention.Decision {
	switch {
	case f.Held:
		return retention.Decision{Rule: retention.RuleHold}
	case p.Validate() != nil:
		return retention.Decision{Rule: retention.RuleMisconfigured}
	case !f.Closed || f.ClosedAt.IsZero():
		return retention.Decision{} // no opinion: the next policy of retention.First decides
	}
	after, rule := p.Worked, "closed-worked"
	if f.Origin == ticket.FromBackfill {
		after, rule = p.Backfilled, "closed-backfilled"
	}
	if due := after.From(f.Latest()); now.Before(due) {
		return retention.Decision{Rule: rule, Next: due}
	}
	return retention.Decision{Action: retention.Erase, Rule: rule}
}

// Validate implements retention.Validator. What a period may be is left to the
// policy of the library that has one.
func (p ByOrigin) Validate() error {
	for field, period := range map[string]retention.Period{"Worked": p.Worked, "Backfilled": p.Backfilled} {
		if retention.Validate(retention.ClosedAfter{After: period}) != nil {
			return &retention.ConfigError{Policy: "ByOrigin", Field: field, Problem: "is no period: set one of a day to 200 years"}
		}
	}
	return nil
}
