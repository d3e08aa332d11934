package helpdesk_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/store/memory"
)

// faulty is a memory store with what goes wrong with databases.
type faulty struct {
	*memory.Store
	mu     sync.Mutex
	down   bool                       // nothing answers
	twice  bool                       // every closure runs twice, the first time for nothing
	refuse func(store.Changes) error  // fails an Apply
	lose   func([]store.Changes) bool // loses the answer to a commit
	slow   time.Duration              // before every transaction
	ran    int                        // closures that ran for nothing
}

func (s *faulty) set(f func(s *faulty)) { s.mu.Lock(); defer s.mu.Unlock(); f(s) }

func (s *faulty) fails() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return fmt.Errorf("test: %w", store.ErrUnavailable)
	}
	return nil
}

func (s *faulty) View(ctx context.Context, fn func(context.Context, store.Reader) error) error {
	if err := s.fails(); err != nil {
		return err
	}
	return s.Store.View(ctx, fn)
}

var errUndo = errors.New("test: rolled back on purpose")

func (s *faulty) Update(ctx context.Context, fn func(context.Context, store.Tx) error) error {
	if err := s.fails(); err != nil {
		return err
	}
	s.mu.Lock()
	twice, refuse, lose, slow := s.twice, s.refuse, s.lose, s.slow
	s.mu.Unlock()
	if slow > 0 {
		time.Sleep(slow)
	}
	var applied []store.Changes
	run := func(ctx context.Context, tx store.Tx) error {
		applied = nil
		return fn(ctx, &watched{Tx: tx, refuse: refuse, applied: &applied})
	}
	if twice {
		_ = s.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
			if err := run(ctx, tx); err != nil {
				return err
			}
			return errUndo
		})
		s.set(func(s *faulty) { s.ran++ })
	}
	if err := s.Store.Update(ctx, run); err != nil {
		return err
	}
	if lose != nil && lose(applied) {
		return fmt.Errorf("test: the answer was lost: %w", store.ErrUnavailable)
	}
	return nil
}

func (s *faulty) Claim(ctx context.Context, q store.Claim) ([]store.Lease, error) {
	if err := s.fails(); err != nil {
		return nil, err
	}
	return s.Store.Claim(ctx, q)
}

func (s *faulty) Extend(ctx context.Context, l store.Lease, d time.Duration) (store.Lease, error) {
	if err := s.fails(); err != nil {
		return l, err
	}
	return s.Store.Extend(ctx, l, d)
}

// watched sees what is applied.
type watched struct {
	store.Tx
	refuse  func(store.Changes) error
	applied *[]store.Changes
}

func (w *watched) Apply(ctx context.Context, c store.Changes) error {
	if w.refuse != nil {
		if err := w.refuse(c); err != nil {
			return err
		}
	}
	*w.applied = append(*w.applied, c)
	return w.Tx.Apply(ctx, c)
}
