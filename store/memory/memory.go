// Package memory keeps a helpdesk's state in the memory of the process: for
// tests, for trying things out and as the store against which others are
// compared. Everything is gone when the process ends.
//
// Transactions run one at a time. A write costs what it changes, never what is
// stored; listings look at all rows of their tenant. Nothing runs in the
// background and the clock is time.Now, so testing/synctest governs it.
package memory

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
)

// Errors of use, which no retry mends.
var (
	errNested = errors.New("memory: called inside a transaction of a store: use the reader or tx that the closure got, or call after it returned")
	errOver   = errors.New("memory: the transaction is over: use its reader or tx only inside the closure")
)

// Store implements [store.Store] and [store.Waker]. Make it with [New].
type Store struct {
	mu     sync.RWMutex // guards what follows
	state  *state
	closed bool

	wakers wakers
	blobs  blobs
	access accessLog
}

var (
	_ store.Store = (*Store)(nil)
	_ store.Waker = (*Store)(nil)
)

// New returns an empty store.
func New() *Store {
	s := &Store{state: newState()}
	s.blobs.objects = map[store.BlobRef]blob{}
	return s
}

// View implements [store.Store]. Writers wait until fn returns.
func (s *Store) View(ctx context.Context, fn func(ctx context.Context, r store.Reader) error) error {
	if err := usable(ctx); err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return errClosed("view")
	}
	r := &reader{state: s.state}
	defer r.over.Store(true)
	return fn(privacy.WithinTx(ctx), r)
}

// Update implements [store.Store]. It never runs fn twice.
func (s *Store) Update(ctx context.Context, fn func(ctx context.Context, tx store.Tx) error) error {
	if err := usable(ctx); err != nil {
		return err
	}
	woken, err := s.update(ctx, fn)
	if woken {
		s.wakers.signal()
	}
	return err
}

func (s *Store) update(ctx context.Context, fn func(ctx context.Context, tx store.Tx) error) (woken bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false, errClosed("update")
	}
	t := &tx{reader: reader{state: s.state}}
	committed := false
	defer func() {
		t.over.Store(true)
		if !committed { // also when fn panics
			t.journal.rollback()
		}
	}()
	if err := fn(privacy.WithinTx(ctx), t); err != nil {
		return false, err
	}
	if t.failed != nil {
		// The closure went on after a failed Apply, part of which may be
		// written: the transaction cannot be kept.
		return false, t.failed
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	committed = true
	s.state.log(t.events)
	return t.woken, nil
}

// Deployment implements [store.Store].
func (s *Store) Deployment(ctx context.Context) (store.Deployment, error) {
	if err := usable(ctx); err != nil {
		return store.Deployment{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return store.Deployment{}, errClosed("deployment")
	}
	if s.state.deployment == (store.Deployment{}) {
		return store.Deployment{}, fail("deployment", store.ErrNotFound)
	}
	return s.state.deployment, nil
}

// Bind implements [store.Store].
func (s *Store) Bind(ctx context.Context, d store.Deployment) (store.Deployment, error) {
	if err := usable(ctx); err != nil {
		return store.Deployment{}, err
	}
	if d.ID.IsZero() || d.Keys.IsZero() {
		return store.Deployment{}, fail("bind without ids", store.ErrRejected)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return store.Deployment{}, errClosed("bind")
	}
	if s.state.deployment == (store.Deployment{}) {
		d.Reached = privacy.Position{}
		s.state.deployment = d
	}
	return s.state.deployment, nil
}

// Clock implements [store.Store].
func (s *Store) Clock(ctx context.Context) (time.Time, error) { return time.Now().UTC(), ctx.Err() }

// AccessLog implements [store.Store]. The log is volatile and says so.
func (s *Store) AccessLog() privacy.AccessLog { return &s.access }

// Blobs implements [store.Store].
func (s *Store) Blobs() store.Blobs { return &s.blobs }

// Close implements [store.Store]. It waits for running transactions.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.blobs.close()
	s.access.close()
	return nil
}

// usable tells a call that can go on from one that would wait for itself: the
// lock is held while a closure runs.
func usable(ctx context.Context) error {
	if privacy.InTx(ctx) {
		return errNested
	}
	return ctx.Err()
}

// fail says what went wrong in constants, without any of the data.
func fail(what string, err error) error { return fmt.Errorf("memory: %s: %w", what, err) }

func errClosed(what string) error { return fail(what+" after Close", store.ErrUnavailable) }

// reader reads the state that a transaction sees.
type reader struct {
	state *state
	over  atomic.Bool
}

// check is the first thing every method of a transaction does.
func (r *reader) check(ctx context.Context) error {
	if r.over.Load() {
		return errOver
	}
	return ctx.Err()
}
