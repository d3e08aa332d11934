package retention_test

import (
	"fmt"
	"time"

	"github.com/helpdesk-go/helpdesk/retention"
)

// OldAttachments erases attachments a period after a ticket's last activity
// and leaves the text. It is all a host writes for a rule of its own; its test
// is one call of retentiontest.Run.
type OldAttachments struct{ After retention.Period }

// Decide implements retention.Policy.
func (p OldAttachments) Decide(now time.Time, f retention.Facts) retention.Decision {
	if f.Held || !f.Attachments || f.UpdatedAt.IsZero() {
		return retention.Decision{}
	}
	due := p.After.From(f.Latest())
	if now.Before(due) {
		// No rule: the rules that follow decide, but nobody misses the day.
		return retention.Decision{Next: due}
	}
	return retention.Decision{Action: retention.EraseAttachments, Rule: "old-attachments"}
}

func ExamplePolicy() {
	policy := retention.First(
		OldAttachments{After: retention.Days(90)},
		retention.ClosedAfter{After: retention.Years(1)},
	)
	closed := time.Date(2025, time.January, 31, 9, 0, 0, 0, time.UTC)
	facts := retention.Facts{CreatedAt: closed, UpdatedAt: closed, Closed: true, ClosedAt: closed, Attachments: true}

	for _, months := range []int{1, 4} {
		d := retention.Ask(policy, closed.AddDate(0, months, 0), facts)
		fmt.Println(d.Action, d.Rule, d.Next.Format(time.DateOnly))
	}
	facts.Attachments = false // done
	d := retention.Ask(policy, closed.AddDate(1, 0, 0), facts)
	fmt.Println(d.Action, d.Rule)
	// Output:
	// keep closed-after 2025-05-01
	// erase-attachments old-attachments 0001-01-01
	// erase closed-after
}

func ExampleValidate() {
	policy := retention.First(retention.ClosedAfter{}, retention.Forever{})
	fmt.Println(retention.Validate(policy))
	// Output:
	// retention: ClosedAfter.After is zero, which would erase a ticket as it is closed: set a period or leave the policy out
}
