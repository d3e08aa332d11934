// Package retentiontest is the contract of [retention.Policy] as a test. Every
// policy passes it, those of package retention and yours:
//
//	func TestPolicy(t *testing.T) {
//		retentiontest.Run(t, MyPolicy{}, retentiontest.Options{})
//	}
//
// It asks the policy about a few hundred combinations of facts and instants,
// around every instant in the facts and every Next the policy gives.
package retentiontest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/retention"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// Options adds to what the suite asks about. The zero value is enough for a
// policy that looks only at the fields of [retention.Facts].
type Options struct {
	// Facts are asked about besides the suite's own: tenants, mailboxes or
	// states that your policy treats specially.
	Facts []retention.Facts

	// Horizon is how long after the latest instant the suite still asks.
	// The default is ten years.
	Horizon time.Duration
}

// Run fails t for every sentence of the contract that p breaks.
func Run(t *testing.T, p retention.Policy, opts Options) {
	t.Helper()
	if err := retention.Validate(p); err != nil {
		t.Fatalf("the policy under test is misconfigured: %v", err)
	}
	for _, c := range clauses {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if err := c.holds(p, opts); err != nil {
				t.Error(err)
			}
		})
	}
}

// Check returns every sentence of the contract that p breaks, joined, or nil.
// It is [Run] for programs that are no tests, such as a check of a tenant's
// policy before it is put to use.
func Check(p retention.Policy, opts Options) error {
	errs := []error{retention.Validate(p)}
	for _, c := range clauses {
		if err := c.holds(p, opts); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", c.name, err))
		}
	}
	return errors.Join(errs...)
}

// epoch is the suite's anchor: a leap day before a change of European summer
// time, where naive calendar arithmetic goes wrong.
var epoch = time.Date(2024, time.February, 29, 23, 30, 0, 0, time.UTC)

// question is one call of Decide.
type question struct {
	now   time.Time
	facts retention.Facts
}

// questions returns what the suite asks p. Panics are left to the clause that
// reports them.
func questions(p retention.Policy, opts Options) []question {
	horizon := opts.Horizon
	if horizon <= 0 {
		horizon = 10 * 366 * 24 * time.Hour
	}
	var qs []question
	for _, f := range append(facts(), opts.Facts...) {
		from := f.Latest()
		if from.IsZero() {
			from = epoch
		}
		instants := []time.Time{{}, from, from.Add(-1), from.Add(1), from.Add(time.Hour), from.Add(horizon)}
		for _, t := range []time.Time{f.CreatedAt, f.UpdatedAt, f.ClosedAt, f.DisconnectedAt} {
			if !t.IsZero() {
				instants = append(instants, t.Add(-1), t, t.Add(1))
			}
		}
		for _, days := range []int{1, 7, 14, 30, 90, 180, 365, 730} {
			instants = append(instants, from.AddDate(0, 0, days))
		}
		for _, now := range slices.Clone(instants) {
			if d, err := ask(p, now, f); err == nil && !d.Next.IsZero() {
				instants = append(instants, d.Next.Add(-1), d.Next, d.Next.Add(1))
			}
		}
		for _, now := range instants {
			qs = append(qs, question{now, f})
		}
	}
	return qs
}

// facts returns every combination of the states that matter, held ones
// included, and facts that contradict themselves, as a database after an
// incident does.
func facts() []retention.Facts {
	all := []retention.Facts{{}, {Closed: true}, {ClosedAt: epoch}}
	id := ticket.ID{15: 1}
	for bits := range 32 {
		f := retention.Facts{
			Tenant: "acme", Mailbox: id, Ticket: id, Origin: ticket.FromMail,
			CreatedAt: epoch, UpdatedAt: epoch.Add(time.Hour),
			Attachments: bits&8 != 0, Held: bits&16 != 0,
		}
		if bits&1 != 0 {
			f.Closed, f.ClosedAt = true, epoch.AddDate(0, 0, 3)
		}
		if bits&2 != 0 {
			f.DisconnectedAt = epoch.AddDate(0, 1, 0)
		}
		if bits&4 != 0 { // closed before it was created, updated in the far future
			f.CreatedAt, f.UpdatedAt = epoch.AddDate(1, 0, 0), epoch.AddDate(30, 0, 0)
			f.Origin = ticket.FromBackfill
		}
		all = append(all, f)
	}
	return all
}

// ask calls Decide and turns a panic into an error.
func ask(p retention.Policy, now time.Time, f retention.Facts) (d retention.Decision, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("a panic in Decide at %v with %+v: %v", now, f, r)
		}
	}()
	return p.Decide(now, f), nil
}

// each asks every question and returns the first complaint of judge.
func each(p retention.Policy, opts Options, judge func(question, retention.Decision) error) error {
	for _, q := range questions(p, opts) {
		d, err := ask(p, q.now, q.facts)
		if err == nil {
			err = judge(q, d)
		}
		if err != nil {
			return fmt.Errorf("%w\nnow %v\nfacts %+v\ndecision %+v", err, q.now, q.facts, d)
		}
	}
	return nil
}

func same(a, b retention.Decision) bool {
	return a.Action == b.Action && a.Rule == b.Rule && a.Next.Equal(b.Next)
}

// concurrently runs f from several goroutines at once, for the race detector.
func concurrently(f func() error) error {
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		wg.Go(func() { errs[i] = f() })
	}
	wg.Wait()
	return errs[0]
}
