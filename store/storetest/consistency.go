package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// consistencyCases watch a store while others write to it.
var consistencyCases = []testCase{
	{"Consistency/View", viewConsistent},
	{"Consistency/Fence", fenceFinal},
	{"Consistency/LostWakeUps", wakeUpsKept},
	{"Consistency/EventLog", logTailed},
}

// viewConsistent changes two tickets together and looks at them together.
func viewConsistent(w *world) {
	box := w.connect("acme", 1)
	a, b := w.open(box), w.open(box)
	stop := make(chan struct{})
	var writer sync.WaitGroup
	var failed error
	writer.Go(func() {
		for v := int64(1); ; v++ {
			select {
			case <-stop:
				return
			default:
			}
			na, nb := a.Ticket, b.Ticket
			na.Version, nb.Version = v+1, v+1
			if failed = w.apply(store.Changes{Tenant: "acme", Tickets: []store.TicketUpdate{{Ticket: na, Was: v}, {Ticket: nb, Was: v}}}); failed != nil {
				return
			}
		}
	})
	errs := race(func(int) error {
		for range 30 {
			err := w.s.View(w.ctx, func(ctx context.Context, r store.Reader) error {
				first, err := r.Ticket(ctx, "acme", a.ID)
				if err != nil {
					return err
				}
				time.Sleep(100 * time.Microsecond) // the suite alone may dawdle here
				second, err := r.Ticket(ctx, "acme", b.ID)
				if err == nil && first.Version != second.Version {
					err = fmt.Errorf("versions %d and %d in one view", first.Version, second.Version)
				}
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	close(stop)
	writer.Wait()
	w.ok(errors.Join(errs...), "view")
	w.ok(failed, "write")
}

// fenceFinal fences a mailbox while workers write to it: nothing is written
// after the fence stands, not even by a transaction that had begun before.
func fenceFinal(w *world) {
	box := w.connect("acme", 1)
	t := w.open(box)
	var seq, written atomic.Int64
	fenced := make(chan struct{})
	var workersDone sync.WaitGroup
	var late atomic.Int64
	errs := make([]error, workers)
	for i := range workers {
		workersDone.Go(func() {
			for {
				after := isClosed(fenced)
				err := w.s.Update(w.ctx, func(ctx context.Context, tx store.Tx) error {
					if !w.h.Serial {
						time.Sleep(time.Millisecond) // the suite alone may dawdle here
					}
					return tx.Apply(ctx, store.Changes{Tenant: "acme", Messages: []store.Message{w.newMessage(t, seq.Add(1))}})
				})
				switch {
				case err == nil && after:
					late.Add(1)
				case err == nil:
					written.Add(1)
				case !errors.Is(err, store.ErrFenced):
					errs[i] = err
					return
				}
				if after {
					return
				}
			}
		})
	}
	w.soon("some messages", func() bool { return written.Load() > 20 })
	w.fence(box)
	count := w.countMessages(t)
	close(fenced)
	workersDone.Wait()
	w.ok(errors.Join(errs...), "write")
	if n := late.Load(); n > 0 {
		w.Errorf("%d transactions wrote to a mailbox that was fenced before they began", n)
	}
	if again := w.countMessages(t); again != count || int64(count) != written.Load() {
		w.Errorf("%d messages when the fence stood, %d later, %d reported as written", count, again, written.Load())
	}
}

func isClosed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

func (w *world) countMessages(t store.Ticket) int {
	w.Helper()
	return len(get(w, func(ctx context.Context, r store.Reader) ([]store.Message, error) {
		return r.Messages(ctx, store.MessageQuery{Tenant: t.Tenant, Ticket: t.ID, Limit: everything, Raw: true})
	}))
}

// wakeUpsKept counts work, enqueues a task for it and lets workers note how
// much they saw: the last one to run must have seen all of it.
func wakeUpsKept(w *world) {
	box := w.connect("acme", 1)
	var work, seen, busy atomic.Int64
	stop := make(chan struct{})
	var done sync.WaitGroup
	var failed atomic.Pointer[error]
	for range 3 {
		done.Go(func() {
			for !isClosed(stop) {
				got, err := w.s.Claim(w.ctx, store.Claim{Limit: 1, For: time.Hour})
				for _, l := range got {
					if busy.Add(1) > 1 {
						err = errors.New("two workers held one task")
					}
					now := work.Load()
					seen.Store(max(now, seen.Load()))
					busy.Add(-1)
					err = errors.Join(err, w.finish(l, store.Finish{}))
				}
				if err != nil {
					failed.Store(&err)
					return
				}
				time.Sleep(100 * time.Microsecond)
			}
		})
	}
	errs := race(func(int) error {
		for range 25 {
			work.Add(1)
			if err := w.apply(store.Changes{Tenant: "acme", Tasks: []store.Task{newTask(box, "sync", ticket.ID{}, 0)}}); err != nil {
				return err
			}
		}
		return nil
	})
	w.ok(errors.Join(errs...), "enqueue")
	for end := time.Now().Add(patience); seen.Load() < work.Load() && failed.Load() == nil && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
	close(stop)
	done.Wait()
	if err := failed.Load(); err != nil {
		w.Fatal(*err)
	}
	if seen.Load() != work.Load() {
		w.Errorf("workers saw %d of %d: a wake-up was lost", seen.Load(), work.Load())
	}
}

// logTailed reads the log while transactions of different length write to it.
func logTailed(w *world) {
	var boxes []store.Mailbox
	for i := range workers {
		boxes = append(boxes, w.connect("acme", i))
	}
	const each = 12
	ids := make([][]ticket.ID, workers)
	written := make(chan []error, 1)
	go func() {
		written <- race(func(i int) error {
			for n := range each {
				e := w.newEvent(boxes[i], ticket.Tagged)
				ids[i] = append(ids[i], e.ID)
				err := w.s.Update(w.ctx, func(ctx context.Context, tx store.Tx) error {
					err := tx.Apply(ctx, store.Changes{Tenant: "acme", Events: []ticket.Event{e}})
					if !w.h.Serial {
						time.Sleep(time.Duration(i*n%7) * time.Millisecond) // the suite alone may dawdle here
					}
					return err
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
	}()
	tail := newTail(w)
	w.soon("all events", func() bool {
		tail.read()
		return len(tail.got) >= workers*each
	})
	w.ok(errors.Join(<-written...), "write")
	tail.read()
	for _, own := range ids {
		tail.check(own...)
	}
	if len(tail.got) != workers*each {
		w.Errorf("%d events were read, %d were written", len(tail.got), workers*each)
	}
}
