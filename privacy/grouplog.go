package privacy

import (
	"context"
	"sync"
	"time"
)

// groupLog commits entries in groups without a goroutine of its own: the
// first caller that finds nobody writing leads, writes what has gathered, and
// hands the lead to one of those who came meanwhile.
type groupLog struct {
	log AccessLog

	mu      sync.Mutex
	leading bool
	waiting []*waiter
}

type waiter struct {
	entry Entry
	done  chan error // receives once: the outcome
	lead  chan struct{}
}

// groupMost bounds a group, and groupPatience how long a write may take: the
// leader's own context must not cut the others off.
const (
	groupMost     = 256
	groupPatience = 10 * time.Second
)

// append returns when the entry is durable.
func (g *groupLog) append(ctx context.Context, e Entry) error {
	w := &waiter{entry: e, done: make(chan error, 1), lead: make(chan struct{}, 1)}
	g.mu.Lock()
	g.waiting = append(g.waiting, w)
	lead := !g.leading
	g.leading = true
	g.mu.Unlock()
	if !lead {
		select {
		case err := <-w.done:
			return err
		case <-w.lead:
			// Not ctx.Done(): whoever is given the lead must take it, or
			// nobody would write any more. The write is bounded.
		}
	}
	g.write(ctx)
	return <-w.done
}

// write commits one group and passes the lead on.
func (g *groupLog) write(ctx context.Context) {
	g.mu.Lock()
	group := g.waiting[:min(len(g.waiting), groupMost)]
	g.waiting = append([]*waiter(nil), g.waiting[len(group):]...)
	g.mu.Unlock()

	entries := make([]Entry, len(group))
	for i, w := range group {
		entries[i] = w.entry
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), groupPatience)
	err := g.log.Append(ctx, entries)
	outcome := func(int) error { return err }
	if err != nil && len(group) > 1 {
		// One bad entry must not stop the reads of all who wrote with it.
		outcome = func(i int) error { return g.log.Append(ctx, entries[i:i+1]) }
	}
	results := make([]error, len(group))
	for i := range group {
		results[i] = outcome(i)
	}
	cancel()

	g.mu.Lock()
	if len(g.waiting) > 0 {
		g.waiting[0].lead <- struct{}{}
	} else {
		g.leading = false
	}
	g.mu.Unlock()
	for i, w := range group {
		w.done <- results[i]
	}
}
