package retentiontest_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/retention"
	"github.com/helpdesk-go/helpdesk/retention/retentiontest"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// TestSuiteFindsFaults breaks the contract clause by clause: a suite that
// passes everything proves nothing.
func TestSuiteFindsFaults(t *testing.T) {
	var calls atomic.Int64
	policies := map[string]retention.PolicyFunc{
		"NeverPanics": func(_ time.Time, f retention.Facts) retention.Decision {
			return retention.Decision{Rule: string(f.Tenant[:1])}
		},
		"ZeroFactsAreKept": func(now time.Time, f retention.Facts) retention.Decision {
			if f.Held || now.Before(f.Latest()) {
				return retention.Decision{}
			}
			return retention.Decision{Action: retention.Erase, Rule: "always"}
		},
		"Deterministic": func(time.Time, retention.Facts) retention.Decision {
			if calls.Add(1)%2 == 0 {
				return retention.Decision{Rule: "even"}
			}
			return retention.Decision{Rule: "odd"}
		},
		"ZoneOfNowDoesNotMatter": func(now time.Time, _ retention.Facts) retention.Decision {
			return retention.Decision{Rule: "on-" + now.Weekday().String()}
		},
		"HeldIsKept": func(now time.Time, f retention.Facts) retention.Decision {
			if f.Closed && !f.ClosedAt.IsZero() && !now.Before(f.Latest()) {
				return retention.Decision{Action: retention.Erase, Rule: "closed"}
			}
			return retention.Decision{}
		},
		"NothingErasedBeforeTheFacts": func(now time.Time, f retention.Facts) retention.Decision {
			if !f.Held && !f.ClosedAt.IsZero() && now.After(f.ClosedAt) {
				return retention.Decision{Action: retention.Erase, Rule: "closed"}
			}
			return retention.Decision{}
		},
		"NextIsAfterNow": func(now time.Time, f retention.Facts) retention.Decision {
			return retention.Decision{Rule: "loop", Next: now}
		},
		"NextIsNotTooLate": func(now time.Time, f retention.Facts) retention.Decision {
			due := f.Latest().AddDate(0, 0, 10)
			if f.Held || f.CreatedAt.IsZero() || now.Before(due) {
				return retention.Decision{Rule: "late", Next: now.AddDate(1, 0, 0)}
			}
			return retention.Decision{Action: retention.Erase, Rule: "late"}
		},
		"NextLeadsToAnAnswer": func(now time.Time, _ retention.Facts) retention.Decision {
			return retention.Decision{Rule: "never", Next: now.Add(time.Second)}
		},
		"DecisionIsWellFormed": func(_ time.Time, f retention.Facts) retention.Decision {
			return retention.Decision{Rule: "wish of ann@customer.example"}
		},
	}
	for clause, p := range policies {
		t.Run(clause, func(t *testing.T) {
			err := retentiontest.Check(p, retentiontest.Options{})
			if err == nil || !strings.Contains(err.Error(), clause+": ") {
				t.Errorf("the suite did not find the fault, it said: %v", err)
			}
		})
	}
}

func TestOptionsAreAsked(t *testing.T) {
	tenant := ticket.TenantID("statutory")
	p := retention.PolicyFunc(func(_ time.Time, f retention.Facts) retention.Decision {
		if f.Tenant == tenant {
			return retention.Decision{Action: 99, Rule: "x"}
		}
		return retention.Decision{}
	})
	if err := retentiontest.Check(p, retentiontest.Options{}); err != nil {
		t.Fatal(err)
	}
	opts := retentiontest.Options{Facts: []retention.Facts{{Tenant: tenant}}}
	if err := retentiontest.Check(p, opts); err == nil {
		t.Error("the fault for that tenant was not found")
	}
	if err := retentiontest.Check(retention.ClosedAfter{}, retentiontest.Options{}); err == nil {
		t.Error("a misconfigured policy passes")
	}
}
