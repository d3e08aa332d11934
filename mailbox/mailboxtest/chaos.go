package mailboxtest

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// chaos draws faults from a seed.
type chaos struct {
	seed  uint64
	rate  float64
	kinds []FaultKind
	count map[string]int
}

// chaosKinds never change what the right outcome is, and always end by
// themselves.
var chaosKinds = []FaultKind{FaultThrottle, FaultServerError, FaultCutBefore,
	FaultCutAfter, FaultSlow, FaultRefuse, FaultExpire, FaultDuplicate,
	FaultHalfBody, FaultNotifyTwice, FaultNotifyLate, FaultNotifyLost}

// Chaos makes each request fail with probability rate. Which one fails and how
// depends only on the seed, the operation, the mailbox and how many of them
// came before, so that goroutines do not disturb one another's faults. With no
// kinds it draws those after which a patient caller still loses nothing and
// doubles nothing; a rate of 0 ends it.
func (f *Fake) Chaos(seed uint64, rate float64, kinds ...FaultKind) {
	if len(kinds) == 0 {
		kinds = chaosKinds
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.chaos = nil
	if rate > 0 {
		f.chaos = &chaos{seed: seed, rate: rate, kinds: kinds, count: map[string]int{}}
	}
}

func (c *chaos) draw(op, user string) *rule {
	key := op + " " + user
	c.count[key]++
	h := fnv.New64a()
	fmt.Fprint(h, key, " ", c.count[key])
	rnd := rand.New(rand.NewPCG(c.seed, h.Sum64()))
	if rnd.Float64() >= c.rate {
		return nil
	}
	var fit []FaultKind
	for _, k := range c.kinds {
		if k.fits(op) {
			fit = append(fit, k)
		}
	}
	if len(fit) == 0 {
		return nil
	}
	r := &rule{Fault: Fault{Op: op, Kind: fit[rnd.IntN(len(fit))], Nth: 1, Times: 1}}
	switch r.Kind {
	case FaultThrottle:
		r.RetryAfter = time.Duration(1+rnd.IntN(5)) * time.Second
	case FaultSlow:
		r.Delay = time.Duration(1+rnd.IntN(20)) * time.Millisecond
	}
	return r
}
