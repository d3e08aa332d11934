package storetest

import (
	"time"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

var leaseCases = []testCase{
	{"Lease/Fencing", leaseFencing},
	{"Lease/Attempts", leaseAttempts},
	{"Lease/Extend", leaseExtend},
	{"Lease/ExpiredAndEnqueued", leaseExpiredEnqueued},
	{"Lease/OfAnotherTask", leaseOther},
}

// short is a lease that soon runs out.
const short = 50 * time.Millisecond

// reclaim waits until a lease has run out and another worker gets the task.
func (w *world) reclaim() store.Lease {
	w.Helper()
	var got []store.Lease
	w.soon("a task whose lease ran out", func() bool {
		got = w.claim(store.Claim{})
		return len(got) == 1
	})
	return got[0]
}

func leaseFencing(w *world) {
	box := w.connect("acme", 1)
	w.enqueue(box, newTask(box, "sync", ticket.ID{}, 0))
	old := w.claimOne(store.Claim{For: short})
	now := w.reclaim()
	if now.Token <= old.Token || now.Task.ID != old.Task.ID {
		w.Fatalf("reclaimed %v with token %d, was %v with token %d", now.Task.ID, now.Token, old.Task.ID, old.Token)
	}
	c := w.page(box, 0, 2, box.LiveCursor, []byte("next"))
	before := w.snapshot("acme", c)
	c.Lease = &old
	w.refuse(c, store.ErrLeaseLost, "a page of the former holder")
	c.Finish = &store.Finish{}
	w.refuse(c, store.ErrLeaseLost, "a last page of the former holder")
	w.is(w.finish(old, store.Finish{Again: true}), store.ErrLeaseLost, "finish by the former holder")
	_, err := w.s.Extend(w.ctx, old, time.Hour)
	w.is(err, store.ErrLeaseLost, "extend by the former holder")
	w.same(w.snapshot("acme", c), before, "state after the former holder's writes")
	w.claimNone(store.Claim{}, "the former holder freed nothing")

	c.Lease, c.Tasks = &now, nil
	w.must(c)
	if n := len(w.tasks(box)); n != 0 {
		w.Errorf("%d tasks after the holder finished", n)
	}
	w.is(w.finish(now, store.Finish{}), store.ErrLeaseLost, "finishing what is gone")
}

// leaseAttempts has workers die: whoever comes after them must see that the
// task may be what killed them.
func leaseAttempts(w *world) {
	box := w.connect("acme", 1)
	w.enqueue(box, newTask(box, "sync", ticket.ID{}, 0))
	want := func(l store.Lease, n int, what string) {
		w.Helper()
		if listed := w.tasks(box)[0].Attempts; l.Task.Attempts != n || listed != n {
			w.Fatalf("%s: %d attempts in the lease and %d in the list, want %d", what, l.Task.Attempts, listed, n)
		}
	}
	want(w.claimOne(store.Claim{For: short}), 0, "the first claim")
	l := w.reclaim()
	want(l, 1, "after a lease ran out")
	w.ok(w.finish(l, store.Finish{Again: true, Failed: true}), "fail")
	l = w.claimOne(store.Claim{})
	want(l, 2, "a failure counts once")
	w.ok(w.finish(l, store.Finish{Again: true}), "finish")
	want(w.claimOne(store.Claim{}), 0, "a normal finish starts the count over")
}

func leaseExtend(w *world) {
	box := w.connect("acme", 1)
	w.enqueue(box, newTask(box, "sync", ticket.ID{}, 0))
	// Long enough to be still held when it is extended on a busy machine.
	l := w.claimOne(store.Claim{For: time.Second})
	longer, err := w.s.Extend(w.ctx, l, time.Hour)
	w.ok(err, "extend")
	if longer.Token != l.Token || longer.Task.ID != l.Task.ID || !longer.Until.After(l.Until) {
		w.Errorf("extended lease %+v of %+v", longer, l)
	}
	time.Sleep(time.Second + short)
	w.claimNone(store.Claim{}, "the lease was extended")
	w.ok(w.finish(l, store.Finish{}), "the token is what holds a lease")
	_, err = w.s.Extend(w.ctx, longer, time.Hour)
	w.is(err, store.ErrLeaseLost, "extending a finished task")
}

// leaseExpiredEnqueued has a holder finish late, after its lease ran out and
// the task was enqueued again: the wake-up must survive it.
func leaseExpiredEnqueued(w *world) {
	box := w.connect("acme", 1)
	w.enqueue(box, newTask(box, "sync", ticket.ID{}, 0))
	l := w.claimOne(store.Claim{For: short})
	time.Sleep(2 * short)
	w.enqueue(box, newTask(box, "sync", ticket.ID{}, 0))
	if err := w.finish(l, store.Finish{}); !isOneOf(err, nil, store.ErrLeaseLost) {
		w.Fatalf("finishing late: %v", err)
	}
	w.claimOne(store.Claim{})
}

func leaseOther(w *world) {
	a, b := w.connect("acme", 1), w.connect("acme", 2)
	w.enqueue(a, newTask(a, "sync", ticket.ID{}, 0))
	w.enqueue(b, newTask(b, "sync", ticket.ID{}, 0))
	la := w.claimOne(store.Claim{Mailbox: a.ID, Tenant: "acme"})
	lb := w.claimOne(store.Claim{Mailbox: b.ID, Tenant: "acme"})
	mixed := la
	mixed.Token = lb.Token
	w.is(w.finish(mixed, store.Finish{}), store.ErrLeaseLost, "a task under another task's token")
	unheld := newTask(a, "send", newID(), 0)
	w.enqueue(a, unheld)
	w.is(w.finish(store.Lease{Task: unheld}, store.Finish{}), store.ErrLeaseLost, "a task that nobody holds")
	w.ok(w.finish(la, store.Finish{}), "finish")
	w.ok(w.finish(lb, store.Finish{}), "finish")
}
