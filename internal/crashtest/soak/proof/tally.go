package proof

import (
	"slices"
	"time"
)

// Tally is the sum of a campaign's batches.
type Tally struct {
	// Next is the seed that the next batch begins with.
	Next int64 `json:"next"`
	// Seeds are the ranges whose batches came to their end.
	Seeds []Range `json:"seeds,omitempty"`
	// Broken are those that did not: nothing of them counts.
	Broken []Broken `json:"broken,omitempty"`
	// Took is the time that all batches took.
	Took time.Duration `json:"took_ns"`
	Batch
}

// Range is the seeds from From to before To.
type Range struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

// Broken is a batch without a result.
type Broken struct {
	Range
	Why string `json:"why"`
}

// Add adds a batch that came to its end.
func (t *Tally) Add(r Range, b Batch, took time.Duration) {
	t.Next, t.Took = r.To, t.Took+took
	if n := len(t.Seeds); n > 0 && t.Seeds[n-1].To == r.From {
		t.Seeds[n-1].To = r.To
	} else {
		t.Seeds = append(t.Seeds, r)
	}
	t.Fired = sum(t.Fired, b.Fired)
	t.Points = slices.Compact(slices.Sorted(slices.Values(append(t.Points, b.Points...))))
	t.Ended = sum(t.Ended, b.Ended)
	t.Invalid = append(t.Invalid, b.Invalid...)
	t.Violations = append(t.Violations, b.Violations...)
	t.Planted = append(t.Planted, b.Planted...)
}

// AddBroken notes a batch that left no result.
func (t *Tally) AddBroken(r Range, why string, took time.Duration) {
	t.Next, t.Took = r.To, t.Took+took
	t.Broken = append(t.Broken, Broken{r, why})
}

// Runs is how many seeds count.
func (t *Tally) Runs() int {
	n := -len(t.Invalid)
	for _, r := range t.Seeds {
		n += int(r.To - r.From)
	}
	return n
}

// Least is the smallest count of the points; 0 when there are none.
func (t *Tally) Least(points []string) int {
	if len(points) == 0 {
		return 0
	}
	counts := make([]int, len(points))
	for i, p := range points {
		counts[i] = t.Fired[p]
	}
	return slices.Min(counts)
}

func sum(a, b map[string]int) map[string]int {
	if a == nil {
		a = map[string]int{}
	}
	for k, n := range b {
		a[k] += n
	}
	return a
}
