package helpdesk

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
)

// The rhythm of the engine.
const (
	leaseFor   = 2 * time.Minute
	leaseRenew = 30 * time.Second
	// claimEvery is how often due work is looked for without a wake-up.
	claimEvery = time.Second
	// waitersMost bounds the connections that only listen.
	waitersMost = 200
)

// The kinds of tasks are claimed apart, so that no backlog of replies stops the
// reading of mail, nor the other way round. Reading and sending end by
// themselves; waiting lasts.
var (
	readKinds = []store.TaskKind{taskSync, taskBackfill}
	sendKinds = []store.TaskKind{taskSend, taskFile}
	waitKinds = []store.TaskKind{taskWait}
)

// Run does the desk's work until ctx ends: it reads mailboxes, sends replies
// and looks into doubts. Several processes may run at once on one store. It
// returns nil when ctx ended and what was under way has been left in order, and
// an error at once when the store has the wrong schema. A store that goes away
// is waited for.
func (d *Desk) Run(ctx context.Context) error {
	if _, err := d.store.Deployment(ctx); errors.Is(err, store.ErrSchema) {
		return err
	}
	ctx = engineContext(ctx)
	wake := d.wakes(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	freed := make(chan struct{}, 1)
	half := max(1, d.cfg.Workers/2)
	pools := []*pool{
		newPool(readKinds, half, freed), newPool(sendKinds, half, freed), newPool(waitKinds, waitersMost, freed),
	}
	failures := 0
	wg.Go(func() { d.sweepOften(ctx) })
	wg.Go(func() { d.eraseOften(ctx) })
	for {
		more, err := d.claimAll(ctx, &wg, pools)
		pause := claimEvery
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			d.log.Warn("claiming work failed", "cause", describe(err))
			pause = min(backoff(err, failures), 30*time.Second)
			failures++
		default:
			failures = 0
		}
		if more {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-wake:
		case <-freed:
		case <-time.After(pause):
		}
	}
}

// RunOnce does the work that is due, and what becomes due by it, until nothing
// is. It returns how many turns of tasks it did. Hosts with a scheduler of
// their own call it instead of Run. It does not listen for hints.
func (d *Desk) RunOnce(ctx context.Context) (int, error) {
	ctx = engineContext(ctx)
	if err := d.Recover(ctx); err != nil {
		return 0, err
	}
	done := 0
	for {
		var leases []store.Lease
		for _, kinds := range [][]store.TaskKind{readKinds, sendKinds} {
			got, err := d.lease(ctx, kinds, d.cfg.Workers)
			if err != nil {
				return done, err
			}
			leases = append(leases, got...)
		}
		if len(leases) == 0 {
			return done, nil
		}
		var wg sync.WaitGroup
		errs := make([]error, len(leases))
		for i, l := range leases {
			wg.Go(func() { errs[i] = d.work(ctx, l) })
		}
		wg.Wait()
		done += len(leases)
		if err := errors.Join(errs...); err != nil {
			return done, err
		}
	}
}

// perMailbox is how many workers one mailbox may have for reading, and how many
// for sending: its backlog must not stop anybody else's mail.
func (d *Desk) perMailbox() int { return max(2, d.cfg.Workers/4) }

// lease claims due tasks of the mailboxes whose providers this desk has.
func (d *Desk) lease(ctx context.Context, kinds []store.TaskKind, limit int) ([]store.Lease, error) {
	if len(d.providers) == 0 {
		return nil, nil
	}
	return d.store.Claim(ctx, store.Claim{
		Kinds: kinds, Providers: slices.Sorted(maps.Keys(d.providers)), PerMailbox: d.perMailbox(), Limit: limit, For: leaseFor,
	})
}

// engineContext is the engine as principal.
func engineContext(ctx context.Context) context.Context {
	return privacy.As(ctx, privacy.System("engine"), privacy.Operation)
}

// wakes returns the store's wake-ups, or nil, which never receives.
func (d *Desk) wakes(ctx context.Context) <-chan struct{} {
	w, ok := d.store.(store.Waker)
	if !ok {
		return nil
	}
	ch, err := w.Wake(ctx)
	if err != nil {
		d.log.Warn("no wake-ups from the store; polling instead", "cause", describe(err))
		return nil
	}
	return ch
}

// pool bounds how many tasks of some kinds are worked at once.
type pool struct {
	kinds []store.TaskKind
	slots chan struct{}
	freed chan<- struct{}
}

func newPool(kinds []store.TaskKind, n int, freed chan<- struct{}) *pool {
	return &pool{kinds: kinds, slots: make(chan struct{}, n), freed: freed}
}

func (p *pool) free() int { return cap(p.slots) - len(p.slots) }

func (p *pool) done() {
	<-p.slots
	select {
	case p.freed <- struct{}{}:
	default:
	}
}

// claimAll starts due tasks for all pools and tells whether asking again at
// once may find more.
func (d *Desk) claimAll(ctx context.Context, wg *sync.WaitGroup, pools []*pool) (more bool, err error) {
	for _, p := range pools {
		n, err := d.claim(ctx, wg, p)
		if err != nil {
			return false, err
		}
		more = more || n > 0 && p.free() > 0
	}
	return more, nil
}

// claim starts due tasks, as many as the pool has room for.
func (d *Desk) claim(ctx context.Context, wg *sync.WaitGroup, p *pool) (int, error) {
	room := p.free()
	if room == 0 {
		return 0, nil
	}
	leases, err := d.lease(ctx, p.kinds, room)
	for _, l := range leases {
		p.slots <- struct{}{}
		wg.Go(func() {
			defer p.done()
			if err := d.work(ctx, l); err != nil {
				d.log.Warn("task not settled", "kind", l.Task.Kind, "mailbox", l.Task.Mailbox, "cause", describe(err))
			}
		})
	}
	return len(leases), err
}

// work does one turn of a task while its lease is kept alive. Losing the lease
// ends the turn; a panic ends it as a failure of this task alone.
func (d *Desk) work(ctx context.Context, l store.Lease) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		d.keepLease(ctx, l, cancel)
	}()
	defer func() { cancel(); <-stopped }()
	defer func() {
		if r := recover(); r != nil {
			err = d.settle(ctx, &l, fmt.Errorf("helpdesk: a task panicked (%T)", r), store.Finish{})
		}
	}()
	switch l.Task.Kind {
	case taskSync:
		return d.workSync(ctx, &l)
	case taskBackfill:
		return d.workBackfill(ctx, &l)
	case taskWait:
		return d.workWait(ctx, &l)
	case taskSend:
		return d.workSend(ctx, &l)
	case taskFile:
		return d.workFile(ctx, &l)
	default:
		return nil // never claimed: see the kinds above
	}
}

// keepLease extends the lease until ctx ends, and ends ctx when it is lost.
func (d *Desk) keepLease(ctx context.Context, l store.Lease, lost context.CancelFunc) {
	t := time.NewTicker(leaseRenew)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			if _, err := d.store.Extend(ctx, l, leaseFor); errors.Is(err, store.ErrLeaseLost) {
				lost()
				return
			}
		}
	}
}
