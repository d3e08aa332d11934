package retentiontest

import (
	"errors"
	"time"

	"github.com/helpdesk-go/helpdesk/retention"
)

// clause is one sentence of the contract.
type clause struct {
	name  string
	holds func(p retention.Policy, opts Options) error
}

var clauses = []clause{
	{"NeverPanics", func(p retention.Policy, opts Options) error {
		return each(p, opts, func(question, retention.Decision) error { return nil })
	}},
	{"ZeroFactsAreKept", func(p retention.Policy, _ Options) error {
		for _, now := range []time.Time{{}, epoch, epoch.AddDate(100, 0, 0)} {
			d, err := ask(p, now, retention.Facts{})
			if err != nil {
				return err
			}
			if d.Action != retention.Keep {
				return errors.New("facts that say nothing were enough to erase")
			}
		}
		return nil
	}},
	{"Deterministic", func(p retention.Policy, opts Options) error {
		return each(p, opts, func(q question, first retention.Decision) error {
			if second, err := ask(p, q.now, q.facts); err != nil || !same(first, second) {
				return errors.New("the same question got another answer the second time")
			}
			return nil
		})
	}},
	{"SafeFromSeveralGoroutines", func(p retention.Policy, opts Options) error {
		return concurrently(func() error {
			return each(p, opts, func(question, retention.Decision) error { return nil })
		})
	}},
	{"ZoneOfNowDoesNotMatter", zoneDoesNotMatter},
	{"HeldIsKept", func(p retention.Policy, opts Options) error {
		return each(p, opts, func(q question, d retention.Decision) error {
			if q.facts.Held && d.Action != retention.Keep {
				return errors.New("a legal hold was overruled")
			}
			q.facts.Held = true
			if d, err := ask(p, q.now, q.facts); err != nil || d.Action != retention.Keep {
				return errors.New("a legal hold was overruled")
			}
			return nil
		})
	}},
	{"NothingErasedBeforeTheFacts", func(p retention.Policy, opts Options) error {
		return each(p, opts, func(q question, d retention.Decision) error {
			if d.Action != retention.Keep && q.now.Before(q.facts.Latest()) {
				return errors.New("erased by a clock that is behind the latest instant in the facts")
			}
			return nil
		})
	}},
	{"NextIsAfterNow", func(p retention.Policy, opts Options) error {
		return each(p, opts, func(q question, d retention.Decision) error {
			if d.Action == retention.Keep && !d.Next.IsZero() && !d.Next.After(q.now) {
				return errors.New("the given Next is not after now: the ticket would be asked in a loop")
			}
			return nil
		})
	}},
	{"NextIsNotTooLate", nextIsNotTooLate},
	{"NextLeadsToAnAnswer", nextLeadsToAnAnswer},
	{"DecisionIsWellFormed", func(p retention.Policy, opts Options) error {
		return each(p, opts, func(_ question, d retention.Decision) error {
			switch {
			case !d.Action.Valid():
				return errors.New("unknown action")
			case d.Action != retention.Keep && d.Rule == "":
				return errors.New("an erasure without the name of its rule: the receipt could not say why")
			case len(d.Rule) > 64:
				return errors.New("the name of the rule is longer than 64 bytes")
			}
			for _, r := range d.Rule {
				if r <= ' ' || r > '~' || r == '@' {
					return errors.New("the name of the rule holds a space, an @ or something other than printable ASCII")
				}
			}
			return nil
		})
	}},
}

// zones that are far from UTC on both sides, and one with an odd offset.
var zones = []*time.Location{
	time.FixedZone("ahead", 14*3600), time.FixedZone("behind", -12*3600), time.FixedZone("odd", 5*3600+45*60),
}

func zoneDoesNotMatter(p retention.Policy, opts Options) error {
	return each(p, opts, func(q question, d retention.Decision) error {
		for _, zone := range zones {
			f := q.facts
			for _, t := range []*time.Time{&f.CreatedAt, &f.UpdatedAt, &f.ClosedAt, &f.DisconnectedAt} {
				*t = t.In(zone)
			}
			if other, err := ask(p, q.now.In(zone), f); err != nil || !same(d, other) {
				return errors.New("the same instants in the zone " + zone.String() + " got another answer")
			}
		}
		return nil
	})
}

// nextIsNotTooLate: as only due tickets are asked, an action that the policy
// would already take before Next would be late.
func nextIsNotTooLate(p retention.Policy, opts Options) error {
	return each(p, opts, func(q question, d retention.Decision) error {
		if d.Action != retention.Keep || d.Next.IsZero() || !d.Next.After(q.now) {
			return nil
		}
		half := q.now.Add(d.Next.Sub(q.now) / 2)
		for _, t := range []time.Time{half, d.Next.Add(-1)} {
			if early, err := ask(p, t, q.facts); err != nil || early.Action != retention.Keep {
				return errors.New("the policy would act before the Next it gave: nobody would ask it then")
			}
		}
		return nil
	})
}

// nextLeadsToAnAnswer follows Next until the policy acts or asks no more.
func nextLeadsToAnAnswer(p retention.Policy, opts Options) error {
	const hops = 64
	return each(p, opts, func(q question, d retention.Decision) error {
		now := q.now
		for range hops {
			if d.Action != retention.Keep || d.Next.IsZero() {
				return nil
			}
			if !d.Next.After(now) {
				return errors.New("the given Next does not move on")
			}
			var err error
			now = d.Next
			if d, err = ask(p, now, q.facts); err != nil {
				return err
			}
		}
		if now.Sub(q.now) < hops*time.Hour {
			return errors.New("asked 64 times within 64 hours and still no answer: give a later Next")
		}
		return nil
	})
}
