package memory

import (
	"context"
	"sync"
)

// wakers are the channels that learn of due tasks.
type wakers struct {
	mu    sync.Mutex
	chans map[chan struct{}]bool
}

// Wake implements [store.Waker]. The channel stays open when ctx ends; it just
// receives nothing more.
func (s *Store) Wake(ctx context.Context) (<-chan struct{}, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	closed := s.closed
	s.mu.RUnlock()
	if closed {
		return nil, errClosed("wake")
	}
	w := &s.wakers
	// Room for one signal: it stays there until it is received, and one is
	// enough to make the receiver look.
	ch := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.chans == nil {
		w.chans = map[chan struct{}]bool{}
	}
	w.chans[ch] = true
	context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.chans, ch)
	})
	return ch, nil
}

// signal never blocks: a channel that is full has a signal already.
func (w *wakers) signal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for ch := range w.chans {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}
