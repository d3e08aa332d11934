package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// Leases are this short so that a dead worker's tasks come back within the
// patience of a test. They are renewed here, because the engine does so at the
// pace of its own longer ones.
const (
	leaseFor   = 1500 * time.Millisecond
	leaseRenew = 400 * time.Millisecond
)

// crashing is a store that dies at a point around the commit of a delivery's
// state: "wire.before" is after everything was written and before the commit,
// "wire.after" is when the commit has been answered.
type crashing struct {
	store.Store
	point string // set before work begins
	die   func(point string)
	once  sync.Once
}

// Wake implements store.Waker over the store below.
func (c *crashing) Wake(ctx context.Context) (<-chan struct{}, error) {
	w, ok := c.Store.(store.Waker)
	if !ok {
		return nil, errors.New("worker: the store below cannot wake")
	}
	return w.Wake(ctx)
}

// Claim implements store.Store with short leases.
func (c *crashing) Claim(ctx context.Context, q store.Claim) ([]store.Lease, error) {
	q.For = leaseFor
	leases, err := c.Store.Claim(ctx, q)
	for _, l := range leases {
		go c.renew(ctx, l)
	}
	return leases, err
}

// renew keeps a lease until its task is finished or somebody else's.
func (c *crashing) renew(ctx context.Context, l store.Lease) {
	t := time.NewTicker(leaseRenew)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			if _, err := c.Store.Extend(ctx, l, leaseFor); errors.Is(err, store.ErrLeaseLost) {
				return
			}
		}
	}
}

// Extend implements store.Store with short leases.
func (c *crashing) Extend(ctx context.Context, l store.Lease, _ time.Duration) (store.Lease, error) {
	return c.Store.Extend(ctx, l, leaseFor)
}

// Update implements store.Store.
func (c *crashing) Update(ctx context.Context, fn func(context.Context, store.Tx) error) error {
	var w watched
	err := c.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		w = watched{Tx: tx}
		if err := fn(ctx, &w); err != nil {
			return err
		}
		c.pass(w.entered, "before")
		return nil
	})
	if err == nil {
		c.pass(w.entered, "after")
	}
	return err
}

func (c *crashing) pass(entered []ticket.DeliveryState, when string) {
	for _, s := range entered {
		if p := string(s) + "." + when; p == c.point {
			c.once.Do(func() { c.die(p) })
		}
	}
}

// watched is a transaction that remembers which states deliveries entered.
type watched struct {
	store.Tx
	entered []ticket.DeliveryState
}

// Apply implements store.Tx.
func (w *watched) Apply(ctx context.Context, c store.Changes) error {
	for _, d := range c.Deliveries {
		w.entered = append(w.entered, d.State)
	}
	return w.Tx.Apply(ctx, c)
}
