package postfix

import (
	"flag"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/helpdesk-go/helpdesk/internal/testpg"
)

var one = flag.Int64("seed", -1, "do the kill of this seed alone")

func TestMain(m *testing.M) { os.Exit(testpg.Run(m)) }

// killsPerStep is how many kills at each step an ordinary run does. The soak
// does 300.
const killsPerStep = 3

// A worker is killed at each step of sending: Postfix accepts no reply twice,
// none is lost without a word, and each doubt is shown.
func TestKillsAtEachStep(t *testing.T) {
	seeds := make([]int64, killsPerStep*len(allSteps()))
	for i := range seeds {
		seeds[i] = int64(i)
	}
	if *one >= 0 {
		seeds = []int64{*one}
	}
	b := newBench(t, build(t))
	for _, seed := range seeds {
		if err := b.shoot(planOf(seed, boxes, ticketsPerBox)); err != nil {
			t.Error(err)
		}
	}
	for _, v := range b.settle() {
		t.Errorf("%s: %s\n\tagain: %s", v.invariant, v.detail, again(v.seed))
	}
	for _, name := range slices.Sorted(maps.Keys(b.counted)) {
		t.Logf("%5d %s", b.counted[name], name)
	}
	for _, step := range allSteps() {
		if want := len(seeds) / len(allSteps()); b.counted[step] < want {
			t.Errorf("%d kills at %s, want %d", b.counted[step], step, want)
		}
	}
}
