package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/helpdesk-go/helpdesk/internal/crashtest/soak/proof"
)

// giveUp is how many batches in a row may bring a campaign no further. It ends
// one whose faults do not fire or whose test binary does not work.
const giveUp = 5

// runner runs campaigns batch by batch.
type runner struct {
	state     *state
	campaigns []campaign
	// launch runs the test binary of a campaign with some seeds. An error means
	// that it left no result.
	launch func(ctx context.Context, c campaign, r proof.Range) (proof.Batch, error)
	// missing tells why a campaign cannot run, or "".
	missing func(c campaign) string
	out     io.Writer // progress
	now     func() time.Time
}

// run does what is left of the campaigns until ctx ends. An error is one of the
// soak itself; what it finds is in the state.
func (r *runner) run(ctx context.Context) error {
	for _, c := range r.campaigns {
		if c.planned == 0 || r.missing(c) != "" {
			continue
		}
		if err := r.campaign(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

func (r *runner) campaign(ctx context.Context, c campaign) error {
	t := r.state.tally(c.name)
	for idle := 0; ctx.Err() == nil && c.have(t) < c.planned && idle < giveUp; {
		had, seeds := c.have(t), proof.Range{From: t.Next, To: t.Next + c.size(t)}
		begin := r.now()
		b, err := r.launch(ctx, c, seeds)
		if ctx.Err() != nil {
			return nil // the batch was cut off: it is done again next time
		}
		took := r.now().Sub(begin)
		if err != nil {
			t.AddBroken(seeds, err.Error(), took)
		} else {
			t.Add(seeds, b, took)
		}
		if err := r.state.save(); err != nil {
			return err
		}
		idle++
		if c.have(t) > had {
			idle = 0
		}
		fmt.Fprintf(r.out, "%-9s %d of %d %s, seeds %d to %d, %v, violations %d, invalid %d, broken batches %d\n",
			c.name, c.have(t), c.planned, c.unit, seeds.From, seeds.To-1, took.Round(time.Second),
			len(t.Violations), len(t.Invalid), len(t.Broken))
	}
	return nil
}
