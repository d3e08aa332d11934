package extending_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/examples/extending"
	"github.com/helpdesk-go/helpdesk/retention"
	"github.com/helpdesk-go/helpdesk/retention/retentiontest"
	"github.com/helpdesk-go/helpdesk/ticket"
)

var policy = extending.ByOrigin{Worked: retention.Years(1), Backfilled: retention.Days(90)}

func TestByOrigin(t *testing.T) {
	closed := time.Date(2025, time.January, 31, 9, 0, 0, 0, time.UTC)
	backfilled := retention.Facts{
		Origin: ticket.FromBackfill, CreatedAt: closed, UpdatedAt: closed, Closed: true, ClosedAt: closed,
	}
	retentiontest.Run(t, policy, retentiontest.Options{Facts: []retention.Facts{backfilled}})
}

func TestByOriginRefusesTheZeroValue(t *testing.T) {
	var config *retention.ConfigError
	for field, p := range map[string]extending.ByOrigin{
		"Worked":     {Backfilled: retention.Days(1)},
		"Backfilled": {Worked: retention.Days(1)},
	} {
		if err := retention.Validate(p); !errors.As(err, &config) || config.Field != field {
			t.Errorf("Validate: %v, want an error for %s", err, field)
		}
		facts := retention.Facts{Closed: true, ClosedAt: time.Unix(0, 0)}
		if d := p.Decide(time.Now(), facts); d.Action != retention.Keep || d.Rule != retention.RuleMisconfigured {
			t.Errorf("a misconfigured policy decided %s by %q", d.Action, d.Rule)
		}
	}
}

func ExampleByOrigin() {
	policy := retention.First(
		retention.Disconnected{Grace: retention.Days(7), Deadline: retention.Days(30)},
		extending.ByOrigin{Worked: retention.Years(1), Backfilled: retention.Days(90)},
		retention.Forever{},
	)
	closed := time.Date(2026, time.January, 31, 9, 0, 0, 0, time.UTC)
	facts := retention.Facts{CreatedAt: closed, UpdatedAt: closed, Closed: true, ClosedAt: closed}
	for _, origin := range []ticket.Origin{ticket.FromMail, ticket.FromBackfill} {
		facts.Origin = origin
		d := retention.Ask(policy, closed.AddDate(0, 2, 0), facts)
		fmt.Println(d.Action, d.Rule, d.Next.Format(time.DateOnly))
	}
	d := retention.Ask(policy, closed.AddDate(0, 4, 0), facts)
	fmt.Println(d.Action, d.Rule)
	// Output:
	// keep closed-worked 2027-01-31
	// keep closed-backfilled 2026-05-01
	// erase closed-backfilled
}
