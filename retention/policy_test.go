package retention_test

import (
	"errors"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/retention"
	"github.com/helpdesk-go/helpdesk/retention/retentiontest"
)

var (
	t0    = time.Date(2025, time.March, 1, 12, 0, 0, 0, time.UTC)
	day   = 24 * time.Hour
	after = retention.ClosedAfter{After: retention.Days(30)}
	gone  = retention.Disconnected{Grace: retention.Days(7), Deadline: retention.Days(30)}
)

func TestContract(t *testing.T) {
	for name, p := range map[string]retention.Policy{
		"Forever":             retention.Forever{},
		"ClosedAfter":         after,
		"ClosedAfterMonths":   retention.ClosedAfter{After: retention.Months(6)},
		"Disconnected":        gone,
		"DisconnectedNoGrace": retention.Disconnected{Deadline: retention.Days(30)},
		"First":               retention.First(gone, after, retention.Forever{}),
		"FirstOfNone":         retention.First(),
	} {
		t.Run(name, func(t *testing.T) { retentiontest.Run(t, p, retentiontest.Options{}) })
	}
}

func TestDecide(t *testing.T) {
	closed := retention.Facts{CreatedAt: t0, UpdatedAt: t0, Closed: true, ClosedAt: t0}
	open := retention.Facts{CreatedAt: t0, UpdatedAt: t0}
	disconnected := closed
	disconnected.DisconnectedAt = t0
	touched := closed
	touched.UpdatedAt = t0.Add(10 * day)
	held := disconnected
	held.Held = true

	keep := func(rule string, next time.Time) retention.Decision {
		return retention.Decision{Rule: rule, Next: next}
	}
	erase := func(rule string) retention.Decision {
		return retention.Decision{Action: retention.Erase, Rule: rule}
	}
	both := retention.First(gone, after)

	for _, tt := range []struct {
		name   string
		policy retention.Policy
		at     time.Time
		facts  retention.Facts
		want   retention.Decision
	}{
		{"open ticket: no opinion", after, t0.Add(999 * day), open, keep("", time.Time{})},
		{"closed, one instant early", after, t0.Add(30*day - 1), closed, keep(retention.RuleClosed, t0.Add(30*day))},
		{"closed, due", after, t0.Add(30 * day), closed, erase(retention.RuleClosed)},
		{"closed, long overdue", after, t0.Add(9999 * day), closed, erase(retention.RuleClosed)},
		{"activity after closing counts", after, t0.Add(30 * day), touched, keep(retention.RuleClosed, t0.Add(40*day))},
		{"clock before the closing", after, t0.Add(-day), closed, keep(retention.RuleClosed, t0.Add(30*day))},
		{"zero ClosedAfter keeps", retention.ClosedAfter{}, t0.Add(9999 * day), closed, keep(retention.RuleMisconfigured, time.Time{})},
		{"connected: no opinion", gone, t0.Add(999 * day), closed, keep("", time.Time{})},
		{"in grace", gone, t0.Add(day), disconnected, keep(retention.RuleDisconnected, t0.Add(7*day))},
		{"grace over", gone, t0.Add(7 * day), disconnected, erase(retention.RuleDisconnected)},
		{"at the deadline", gone, t0.Add(30 * day), disconnected, erase(retention.RuleDisconnected)},
		{"past the deadline", gone, t0.Add(30*day + 1), disconnected, erase(retention.RuleDisconnectedLate)},
		{"zero Disconnected keeps", retention.Disconnected{}, t0.Add(999 * day), disconnected, keep(retention.RuleMisconfigured, time.Time{})},
		{"first: stronger decides", both, t0.Add(8 * day), disconnected, erase(retention.RuleDisconnected)},
		{"first: weaker when the stronger abstains", both, t0.Add(8 * day), closed, keep(retention.RuleClosed, t0.Add(30*day))},
		{"first: nobody has an opinion", both, t0.Add(8 * day), open, keep("", time.Time{})},
		{"first: nil is passed over", retention.First(nil, after), t0.Add(30 * day), closed, erase(retention.RuleClosed)},
		{"forever", retention.First(retention.Forever{}, after), t0.Add(30 * day), closed, keep(retention.RuleForever, time.Time{})},
		{"hold beats all", both, t0.Add(999 * day), held, keep(retention.RuleHold, time.Time{})},
		{"hold beats ClosedAfter", after, t0.Add(999 * day), held, keep(retention.RuleHold, time.Time{})},
		{"hold beats Disconnected", gone, t0.Add(999 * day), held, keep(retention.RuleHold, time.Time{})},
		{"hold beats misconfiguration", retention.ClosedAfter{}, t0, held, keep(retention.RuleHold, time.Time{})},
	} {
		if got := tt.policy.Decide(tt.at, tt.facts); got != tt.want {
			t.Errorf("%s:\n got %+v\nwant %+v", tt.name, got, tt.want)
		}
	}
}

// TestFirstAsksTheStrongerInTime: a policy that abstains only until an instant
// is asked at that instant, whatever the weaker one answers.
func TestFirstAsksTheStrongerInTime(t *testing.T) {
	soon := t0.Add(day)
	abstains := retention.PolicyFunc(func(time.Time, retention.Facts) retention.Decision {
		return retention.Decision{Next: soon}
	})
	for name, p := range map[string]retention.Policy{
		"alone":        retention.First(abstains),
		"before keep":  retention.First(abstains, retention.Forever{}),
		"before later": retention.First(abstains, after),
	} {
		d := p.Decide(t0, retention.Facts{Closed: true, ClosedAt: t0})
		if d.Action != retention.Keep || !d.Next.Equal(soon) {
			t.Errorf("%s: %+v, want Keep until %v", name, d, soon)
		}
	}
}

func TestAskOverrulesFaultyPolicies(t *testing.T) {
	always := func(d retention.Decision) retention.Policy {
		return retention.PolicyFunc(func(time.Time, retention.Facts) retention.Decision { return d })
	}
	erase := retention.Decision{Action: retention.Erase, Rule: "always"}
	for _, tt := range []struct {
		name   string
		policy retention.Policy
		facts  retention.Facts
		want   retention.Decision
	}{
		{"hold", always(erase), retention.Facts{Held: true}, retention.Decision{Rule: retention.RuleHold}},
		{"clock behind", always(erase), retention.Facts{UpdatedAt: t0.Add(1)}, retention.Decision{Rule: retention.RuleClock, Next: t0.Add(1)}},
		{"unknown action", always(retention.Decision{Action: 99, Rule: "x"}), retention.Facts{}, retention.Decision{Rule: retention.RuleUnknownAction}},
		{"busy loop", always(retention.Decision{Rule: "x", Next: t0}), retention.Facts{}, retention.Decision{Rule: "x", Next: t0.Add(time.Hour)}},
		{"nil", nil, retention.Facts{}, retention.Decision{}},
		{"sound answers pass", always(erase), retention.Facts{UpdatedAt: t0}, erase},
	} {
		if got := retention.Ask(tt.policy, t0, tt.facts); got != tt.want {
			t.Errorf("%s:\n got %+v\nwant %+v", tt.name, got, tt.want)
		}
	}
}

func TestValidate(t *testing.T) {
	for _, tt := range []struct {
		name   string
		policy retention.Policy
		field  string // "" means valid
	}{
		{"forever", retention.Forever{}, ""},
		{"after", after, ""},
		{"disconnected", gone, ""},
		{"nil", nil, "value"},
		{"zero after", retention.ClosedAfter{}, "After"},
		{"negative after", retention.ClosedAfter{After: retention.Period{Years: 1, Days: -1}}, "After"},
		{"endless after", retention.ClosedAfter{After: retention.Years(10000)}, "After"},
		{"negative grace", retention.Disconnected{Grace: retention.Days(-1), Deadline: retention.Days(30)}, "Grace"},
		{"no deadline", retention.Disconnected{Grace: retention.Days(1)}, "Deadline"},
		{"grace to the deadline", retention.Disconnected{Grace: retention.Days(30), Deadline: retention.Days(30)}, "Deadline"},
		{"long month", retention.Disconnected{Grace: retention.Months(1), Deadline: retention.Days(31)}, "Deadline"},
		{"short month", retention.Disconnected{Grace: retention.Days(28), Deadline: retention.Months(1)}, "Deadline"},
		{"nested", retention.First(after, retention.ClosedAfter{}), "After"},
		{"nil nested", retention.First(after, nil), "policy 1"},
	} {
		err := retention.Validate(tt.policy)
		var config *retention.ConfigError
		switch {
		case tt.field == "" && err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case tt.field != "" && (!errors.Is(err, retention.ErrConfig) || !errors.As(err, &config) || config.Field != tt.field):
			t.Errorf("%s: got %v, want a ConfigError for %s", tt.name, err, tt.field)
		}
	}
}

func TestPeriodFrom(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, tt := range []struct {
		period     retention.Period
		text       string
		from, want string
	}{
		{retention.Period{}, "P0D", "2025-01-31T10:00:00Z", "2025-01-31T10:00:00Z"},
		{retention.Days(30), "P30D", "2025-01-31T10:00:00Z", "2025-03-02T10:00:00Z"},
		{retention.Months(1), "P1M", "2025-01-31T10:00:00Z", "2025-02-28T10:00:00Z"},
		{retention.Months(1), "P1M", "2024-01-31T10:00:00Z", "2024-02-29T10:00:00Z"},
		{retention.Months(13), "P13M", "2024-12-31T23:59:59Z", "2026-01-31T23:59:59Z"},
		{retention.Years(1), "P1Y", "2024-02-29T00:00:00Z", "2025-02-28T00:00:00Z"},
		{retention.Period{Years: 1, Months: 1, Days: 1}, "P1Y1M1D", "2024-01-31T00:00:00Z", "2025-03-01T00:00:00Z"},
		// The day of UTC counts, not the day of the zone the instant is written in.
		{retention.Months(1), "P1M", "2025-02-01T01:00:00+02:00", "2025-02-28T23:00:00Z"},
	} {
		if got := tt.period.From(at(tt.from)); !got.Equal(at(tt.want)) || got.Location() != time.UTC {
			t.Errorf("%v from %s = %v, want %s", tt.period, tt.from, got, tt.want)
		}
		if tt.period.String() != tt.text {
			t.Errorf("String() = %q, want %q", tt.period.String(), tt.text)
		}
	}
}

func TestActionNames(t *testing.T) {
	for a, want := range map[retention.Action]string{
		retention.Keep: "keep", retention.EraseAttachments: "erase-attachments", retention.Erase: "erase", 99: "unknown",
	} {
		if got := a.String(); got != want {
			t.Errorf("Action(%d) = %q, want %q", a, got, want)
		}
	}
}
