package postfix

import (
	"flag"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/helpdesk-go/helpdesk/internal/crashtest/soak/proof"
	"github.com/helpdesk-go/helpdesk/internal/testpg"
)

// The flags by which a soak asks for its batches, and a person for one kill.
var (
	one   = flag.Int64("seed", -1, "do the kill of this seed alone")
	from  = flag.Int64("from", 0, "the first seed")
	count = flag.Int64("count", killsPerStep*15, "how many seeds")
	out   = flag.String("out", "", "write the result there, for a soak, instead of failing on what it says")
)

func TestMain(m *testing.M) { os.Exit(testpg.Run(m)) }

// killsPerStep is how many kills at each step an ordinary run does. The soak
// does 300.
const killsPerStep = 3

// A worker is killed at each step of sending: Postfix accepts no reply twice,
// none is lost without a word, and each doubt is shown.
func TestKillsAtEachStep(t *testing.T) {
	if *one >= 0 {
		*from, *count = *one, 1
	}
	b := newBench(t, build(t))
	r := b.campaign(*from, *count)
	if *out != "" {
		must(t, r.Write(*out))
		return
	}
	for _, v := range r.Violations {
		t.Errorf("%s: %s\n\tagain: %s", v.Invariant, v.Detail, v.Again)
	}
	for _, x := range r.Invalid {
		t.Errorf("seed %d proves nothing: %s", x.Seed, x.Why)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Fired)) {
		t.Logf("%5d killed at %s", r.Fired[name], name)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Ended)) {
		t.Logf("%5d %s", r.Ended[name], name)
	}
	for _, step := range allSteps() {
		if want := int(*count) / len(allSteps()); r.Fired[step] < want {
			t.Errorf("%d kills at %s, want %d", r.Fired[step], step, want)
		}
	}
}

// campaign does the kills of some seeds and settles.
func (b *bench) campaign(from, count int64) proof.Batch {
	b.tb.Helper()
	r := proof.Batch{Fired: map[string]int{}, Points: allSteps()}
	for seed := from; seed < from+count; seed++ {
		p := planOf(seed, boxes, ticketsPerBox)
		if err := b.shoot(p); err != nil {
			r.Invalid = append(r.Invalid, proof.Invalid{Seed: seed, Why: err.Error()})
			continue
		}
		r.Fired[p.step]++
	}
	var vs []violation
	vs, r.Ended = b.settle()
	for _, v := range vs {
		r.Violations = append(r.Violations, proof.Violation{
			Seed: v.seed, Invariant: v.invariant, Detail: v.detail, Again: again(v.seed),
		})
	}
	return r
}
