package host

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/helpdesk-go/helpdesk/internal/crashtest/wire"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// crashingStore decorates a store: it tells the harness what was committed
// under which lease, dies where it should, and shortens every pause and lease
// so that what a dead worker held is taken up within seconds.
type crashingStore struct {
	store.Store
	set    wire.Settings
	client *wire.Client
	crash  *crash
	blobs  store.Blobs
	log    privacy.AccessLog

	mu   sync.Mutex
	kept map[int64]context.CancelFunc // renewals, by token
}

func newStore(s store.Store, set wire.Settings, c *wire.Client, k *crash) *crashingStore {
	return &crashingStore{
		Store: s, set: set, client: c, crash: k, kept: map[int64]context.CancelFunc{},
		blobs: crashingBlobs{s.Blobs(), k}, log: crashingLog{s.AccessLog(), k},
	}
}

func (s *crashingStore) Blobs() store.Blobs           { return s.blobs }
func (s *crashingStore) AccessLog() privacy.AccessLog { return s.log }

// Update implements store.Store.
func (s *crashingStore) Update(ctx context.Context, fn func(ctx context.Context, tx store.Tx) error) error {
	var w *crashingTx
	err := s.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		w = &crashingTx{Tx: tx, s: s}
		if err := fn(ctx, w); err != nil {
			return err
		}
		if w.wrote {
			s.crash.before(step(w.all))
		}
		return nil
	})
	if w == nil || !w.wrote {
		return err
	}
	s.committed(w.all, err)
	if err == nil {
		s.crash.after(step(w.all))
	}
	return err
}

// committed writes into the ledger how a transaction ended.
func (s *crashingStore) committed(c store.Changes, err error) {
	r := wire.Report{Kind: wire.ReportCommit, Point: step(c), Finish: c.Finish != nil}
	for _, e := range c.Events {
		r.Events = append(r.Events, e.ID)
	}
	if c.Lease == nil {
		if err == nil {
			s.client.Report(r)
		}
		return
	}
	r.Task, r.Token = c.Lease.Task.ID, c.Lease.Token
	if err != nil {
		r.Kind = wire.ReportFail
	}
	if len(c.Cursors) > 0 {
		r.Cursor = string(c.Cursors[0].To)
	}
	if c.Finish != nil || errors.Is(err, store.ErrLeaseLost) {
		s.letGo(c.Lease.Token)
	}
	s.client.Report(r)
}

// Unwrap gives the transaction of the store below, for packages that need to
// recognise their own.
type unwrapper interface{ inner() store.Tx }

type crashingTx struct {
	store.Tx
	s     *crashingStore
	all   store.Changes // what was applied so far, for the name of the step
	wrote bool
}

func (t *crashingTx) inner() store.Tx { return t.Tx }

// Apply implements store.Tx.
func (t *crashingTx) Apply(ctx context.Context, c store.Changes) error {
	if c.Lease != nil && !t.wrote {
		t.s.client.Report(wire.Report{Kind: wire.ReportBegin, Task: c.Lease.Task.ID, Token: c.Lease.Token, Finish: c.Finish != nil})
	}
	t.wrote = true
	t.all = merge(t.all, c)
	return t.Tx.Apply(ctx, t.s.hurried(c))
}

// hurried divides the pauses of the engine.
func (s *crashingStore) hurried(c store.Changes) store.Changes {
	scale := time.Duration(max(1, s.set.Scale))
	if c.Finish != nil {
		f := *c.Finish
		f.After /= scale
		c.Finish = &f
	}
	c.Tasks = slices.Clone(c.Tasks)
	for i := range c.Tasks {
		c.Tasks[i].After /= scale
	}
	return c
}

func merge(a, b store.Changes) store.Changes {
	a.Tenant = b.Tenant
	if b.Lease != nil {
		a.Lease = b.Lease
	}
	if b.Finish != nil {
		a.Finish = b.Finish
	}
	a.Cursors = append(a.Cursors, b.Cursors...)
	a.NewMailboxes = append(a.NewMailboxes, b.NewMailboxes...)
	a.Messages = append(a.Messages, b.Messages...)
	a.NewQuarantine = append(a.NewQuarantine, b.NewQuarantine...)
	a.NewDeliveries = append(a.NewDeliveries, b.NewDeliveries...)
	a.Deliveries = append(a.Deliveries, b.Deliveries...)
	a.Tasks = append(a.Tasks, b.Tasks...)
	a.Events = append(a.Events, b.Events...)
	return a
}

// step names what a transaction does by what it writes.
func step(c store.Changes) string {
	switch {
	case len(c.NewMailboxes) > 0:
		return wire.StepConnect
	case len(c.NewDeliveries) > 0:
		return wire.StepReply
	case len(c.Cursors) > 0 && len(c.Messages)+len(c.NewQuarantine) > 0:
		return wire.StepPage
	case len(c.Cursors) > 0:
		return wire.StepCursor
	case len(c.Messages)+len(c.NewQuarantine) > 0:
		return wire.StepPart
	case len(c.Deliveries) > 0:
		return deliveryStep(c.Deliveries[0].State)
	case c.Finish != nil:
		return wire.StepFinish
	case len(c.Tasks) > 0:
		return wire.StepEnqueue
	default:
		return wire.StepOther
	}
}

func deliveryStep(s ticket.DeliveryState) string {
	switch s {
	case ticket.Preparing, ticket.Ready, ticket.Wire, ticket.Sent, ticket.Uncertain, ticket.Queued, ticket.Failed:
		return string(s)
	default:
		return wire.StepOther
	}
}

// Claim implements store.Store: the leases are short, and renewed here because
// the engine renews at the pace of its own long ones.
func (s *crashingStore) Claim(ctx context.Context, q store.Claim) ([]store.Lease, error) {
	s.crash.before(wire.StepClaim)
	q.For = s.set.Lease
	asked := time.Now()
	leases, err := s.Store.Claim(ctx, q)
	got := time.Now()
	for _, l := range leases {
		s.client.Report(wire.Report{Kind: wire.ReportClaim, Task: l.Task.ID, Token: l.Token, Until: l.Until, For: q.For,
			Asked: asked, Got: got})
		s.keep(ctx, l)
	}
	if len(leases) > 0 {
		s.crash.after(wire.StepClaim)
	}
	return leases, err
}

// Extend implements store.Store.
func (s *crashingStore) Extend(ctx context.Context, l store.Lease, _ time.Duration) (store.Lease, error) {
	asked := time.Now()
	got, err := s.Store.Extend(ctx, l, s.set.Lease)
	if err == nil {
		s.client.Report(wire.Report{Kind: wire.ReportExtend, Task: l.Task.ID, Token: l.Token, Until: got.Until,
			For: s.set.Lease, Asked: asked})
	}
	return got, err
}

// turnMost is how long a turn of a task that ends by itself may take. After it
// the lease runs out, in case nobody works on it any more.
const turnMost = 8 * time.Second

// keep renews a lease until a transaction finishes its task, it is lost, the
// database does not answer, or the process ends. The engine itself goes on
// renewing only while it works on the task, which cannot be seen from here: a
// turn whose end could not be written must not keep its lease.
func (s *crashingStore) keep(ctx context.Context, l store.Lease) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	if l.Task.Kind != "wait" {
		ctx, cancel = context.WithTimeout(ctx, turnMost)
	}
	s.mu.Lock()
	s.kept[l.Token] = cancel
	s.mu.Unlock()
	go func() {
		t := time.NewTicker(s.set.Lease / 4)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-t.C:
			}
			s.crash.before(wire.StepExtend)
			_, err := s.Extend(ctx, l, s.set.Lease)
			if err != nil {
				s.letGo(l.Token)
				return
			}
			s.crash.after(wire.StepExtend)
		}
	}()
}

func (s *crashingStore) letGo(token int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cancel := s.kept[token]; cancel != nil {
		cancel()
		delete(s.kept, token)
	}
}

// letAllGo ends all renewals.
func (s *crashingStore) letAllGo() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for t, cancel := range s.kept {
		cancel()
		delete(s.kept, t)
	}
}

// Wake implements store.Waker. Beside the store's own wake-ups it ticks, so
// that leases that ran out are found at the hurried pace.
func (s *crashingStore) Wake(ctx context.Context) (<-chan struct{}, error) {
	w, ok := s.Store.(store.Waker)
	if !ok {
		return nil, errors.New("crashtest: the store cannot wake")
	}
	ch, err := w.Wake(ctx)
	if err != nil {
		return nil, err
	}
	out := make(chan struct{}, 1)
	go func() {
		t := time.NewTicker(100 * time.Millisecond)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ch:
			case <-t.C:
			}
			select {
			case out <- struct{}{}:
			default:
			}
		}
	}()
	return out, nil
}
