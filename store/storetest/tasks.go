package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

var taskCases = []testCase{
	{"Task/LongestDueFirst", taskOrder},
	{"Task/ClaimNarrows", taskNarrow},
	{"Task/PerMailbox", taskPerMailbox},
	{"Task/Providers", taskProviders},
	{"Task/OneOfAKind", taskOne},
	{"Task/DueNoLater", taskDue},
	{"Task/LostWakeUp", taskLostWakeUp},
	{"Task/LostWakeUpLater", taskLostWakeUpLater},
	{"Task/Finish", taskFinish},
	{"Task/Drop", taskDrop},
	{"Task/RollBack", taskRollback},
	{"Task/Wake", taskWake},
}

// finish ends a lease.
func (w *world) finish(l store.Lease, f store.Finish) error {
	return w.apply(store.Changes{Tenant: l.Task.Tenant, Lease: &l, Finish: &f})
}

func taskOrder(w *world) {
	box := w.connect("acme", 1)
	var want, got []ticket.ID
	for range 4 {
		task := newTask(box, "send", newID(), 0)
		want = append(want, task.ID)
		w.enqueue(box, task)
		time.Sleep(2 * time.Millisecond)
	}
	var listed []ticket.ID
	for _, task := range w.tasks(box) {
		listed = append(listed, task.ID)
	}
	w.same(listed, want, "pending work by due time")
	for range want {
		l := w.claimOne(store.Claim{Limit: 1})
		got = append(got, l.Task.ID)
		if l.Token <= 0 || !l.Until.After(l.Task.Due) || l.Until.Location() != time.UTC {
			w.Errorf("lease with token %d until %v", l.Token, l.Until)
		}
	}
	w.same(got, want, "longest due first")
	w.claimNone(store.Claim{}, "all are held")
	for _, task := range w.tasks(box) {
		if !task.Leased {
			w.Error("a held task is not shown as leased")
		}
	}
}

func taskNarrow(w *world) {
	a, b, c := w.connect("acme", 1), w.connect("acme", 2), w.connect("beta", 1)
	w.enqueue(a, newTask(a, "sync", ticket.ID{}, 0), newTask(a, "send", newID(), 0), newTask(a, "Sync", ticket.ID{}, 0))
	w.enqueue(b, newTask(b, "sync", ticket.ID{}, 0))
	w.enqueue(c, newTask(c, "sync", ticket.ID{}, 0))
	w.claimNone(store.Claim{Kinds: []store.TaskKind{"purge"}}, "no such kind")
	w.claimNone(store.Claim{Tenant: "gamma"}, "no such tenant")
	w.claimNone(store.Claim{Tenant: "beta", Mailbox: a.ID}, "a mailbox of another tenant")
	if l := w.claimOne(store.Claim{Tenant: "beta"}); l.Task.Mailbox != c.ID || l.Task.Tenant != "beta" {
		w.Errorf("claimed %+v", l.Task)
	}
	if l := w.claimOne(store.Claim{Tenant: "acme", Mailbox: b.ID}); l.Task.Mailbox != b.ID {
		w.Errorf("claimed %+v", l.Task)
	}
	if l := w.claimOne(store.Claim{Kinds: []store.TaskKind{"sync", "purge"}}); l.Task.Mailbox != a.ID || l.Task.Kind != "sync" {
		w.Errorf("claimed %+v", l.Task)
	}
	if got := w.claim(store.Claim{Limit: 1}); len(got) != 1 {
		w.Errorf("claimed %d, want no more than asked for", len(got))
	}
	w.claimOne(store.Claim{})
}

// taskPerMailbox has one mailbox with a long backlog before another's tasks.
func taskPerMailbox(w *world) {
	a, b := w.connect("acme", 1), w.connect("acme", 2)
	for range 50 {
		w.enqueue(a, newTask(a, "send", newID(), 0))
	}
	w.enqueue(a, newTask(a, "sync", ticket.ID{}, 0))
	w.enqueue(b, newTask(b, "send", newID(), 0), newTask(b, "send", newID(), 0), newTask(b, "send", newID(), time.Hour))
	check := func(got []store.Lease, wantA, wantB int, what string) {
		w.Helper()
		ofA := 0
		for _, l := range got {
			if l.Task.Mailbox == a.ID {
				ofA++
			}
		}
		if ofB := len(got) - ofA; ofA != wantA || ofB != wantB {
			w.Fatalf("%s: claimed %d and %d, want %d and %d", what, ofA, ofB, wantA, wantB)
		}
	}
	send := store.Claim{Kinds: []store.TaskKind{"send"}, PerMailbox: 3, Limit: 4}
	one := send
	one.PerMailbox = 1
	held := w.claim(one)
	check(held, 1, 1, "one of each mailbox, however long the backlog before")
	check(w.claim(send), 2, 1, "what is held counts")
	check(w.claim(send), 0, 0, "all that may be held is held")
	check(w.claim(store.Claim{Kinds: []store.TaskKind{"sync"}, PerMailbox: 1}), 1, 0, "other kinds do not count")
	w.ok(w.finish(held[0], store.Finish{}), "finish")
	check(w.claim(send), 1, 0, "a finished task makes room")
	check(w.claim(store.Claim{PerMailbox: 5}), 1, 0, "without kinds all kinds count")
	check(w.claim(store.Claim{Limit: 10}), 10, 0, "0 is no bound")
}

func taskOne(w *world) {
	box := w.connect("acme", 1)
	first, subject := newTask(box, "sync", ticket.ID{}, 0), newID()
	w.enqueue(box, first, newTask(box, "sync", ticket.ID{}, 0))
	w.enqueue(box, newTask(box, "sync", ticket.ID{}, time.Hour), newTask(box, "sync", subject, 0), newTask(box, "Sync", ticket.ID{}, 0))
	tasks := w.tasks(box)
	if len(tasks) != 3 {
		w.Fatalf("%d tasks, want 3: one for each kind and subject", len(tasks))
	}
	for _, task := range tasks {
		if task.Kind == "sync" && task.Subject.IsZero() && task.ID != first.ID {
			w.Error("enqueueing again replaced the task")
		}
	}
}

func taskDue(w *world) {
	box := w.connect("acme", 1)
	w.enqueue(box, newTask(box, "sync", ticket.ID{}, time.Hour))
	w.claimNone(store.Claim{}, "it is due in an hour")
	if tasks := w.tasks(box); len(tasks) != 1 || tasks[0].Leased || tasks[0].Attempts != 0 {
		w.Fatalf("pending work %+v", tasks)
	}
	late := w.tasks(box)[0].Due
	w.enqueue(box, newTask(box, "sync", ticket.ID{}, 2*time.Hour))
	if due := w.tasks(box)[0].Due; !due.Equal(late) {
		w.Errorf("enqueueing for later moved the due time by %v", due.Sub(late))
	}
	w.enqueue(box, newTask(box, "sync", ticket.ID{}, 20*time.Millisecond))
	w.soon("a task that became due earlier", func() bool { return len(w.claim(store.Claim{})) == 1 })
}

func taskLostWakeUp(w *world) {
	box := w.connect("acme", 1)
	w.enqueue(box, newTask(box, "sync", ticket.ID{}, 0))
	first := w.claimOne(store.Claim{})
	w.enqueue(box, newTask(box, "sync", ticket.ID{}, 0)) // mail arrived after the worker looked
	w.claimNone(store.Claim{}, "it is held")
	w.ok(w.finish(first, store.Finish{}), "finish")
	second := w.claimOne(store.Claim{})
	if second.Token <= first.Token {
		w.Errorf("token %d after %d", second.Token, first.Token)
	}
	w.ok(w.finish(second, store.Finish{}), "finish")
	w.claimNone(store.Claim{}, "it is done")
	if tasks := w.tasks(box); len(tasks) != 0 {
		w.Errorf("pending work after the last finish: %+v", tasks)
	}

	// The worker enqueues in the very changes that finish its task.
	w.enqueue(box, newTask(box, "sync", ticket.ID{}, 0))
	third := w.claimOne(store.Claim{})
	w.must(store.Changes{Tenant: "acme", Lease: &third, Finish: &store.Finish{}, Tasks: []store.Task{newTask(box, "sync", ticket.ID{}, 0)}})
	w.claimOne(store.Claim{})
}

// taskLostWakeUpLater compares with a task that nobody holds, so that only the
// store's clock counts.
func taskLostWakeUpLater(w *world) {
	box := w.connect("acme", 1)
	dueOf := func(kind store.TaskKind) time.Time {
		for _, task := range w.tasks(box) {
			if task.Kind == kind {
				return task.Due
			}
		}
		w.Fatalf("task %s is gone", kind)
		return time.Time{}
	}
	for _, c := range []struct {
		name       string
		finish     store.Finish
		minT, maxT time.Duration
	}{
		{"done", store.Finish{}, 50 * time.Minute, 70 * time.Minute},
		{"put off for longer", store.Finish{Again: true, After: 3 * time.Hour, Failed: true}, 50 * time.Minute, 70 * time.Minute},
		{"put off for shorter", store.Finish{Again: true, After: 10 * time.Minute}, 5 * time.Minute, 15 * time.Minute},
	} {
		kind := store.TaskKind(c.name)
		w.enqueue(box, newTask(box, kind, ticket.ID{}, 0))
		l := w.claimOne(store.Claim{})
		w.enqueue(box, newTask(box, kind, ticket.ID{}, time.Hour), newTask(box, kind, ticket.ID{}, 2*time.Hour))
		w.ok(w.finish(l, c.finish), "finish")
		mark := store.TaskKind("mark " + c.name)
		w.enqueue(box, newTask(box, mark, ticket.ID{}, 24*time.Hour))
		in := dueOf(kind).Sub(dueOf(mark)) + 24*time.Hour
		if in < c.minT || in > c.maxT {
			w.Errorf("%s: due in %v, want between %v and %v", c.name, in, c.minT, c.maxT)
		}
	}
}

func taskFinish(w *world) {
	box := w.connect("acme", 1)
	w.enqueue(box, newTask(box, "send", ticket.ID{}, 0))
	for want, f := range []store.Finish{
		{Again: true, Failed: true}, {Again: true, Failed: true}, {Again: true}, {Again: true, Failed: true},
	} {
		l := w.claimOne(store.Claim{})
		if attempts := []int{0, 1, 2, 0}[want]; l.Task.Attempts != attempts {
			w.Errorf("claim %d with %d attempts, want %d", want, l.Task.Attempts, attempts)
		}
		w.ok(w.finish(l, f), "finish")
		w.is(w.finish(l, f), store.ErrLeaseLost, "finishing twice")
	}
	l := w.claimOne(store.Claim{})
	w.ok(w.finish(l, store.Finish{Again: true, After: time.Hour, Failed: true}), "put off")
	w.claimNone(store.Claim{}, "it was put off for an hour")
	if tasks := w.tasks(box); len(tasks) != 1 || tasks[0].Attempts != 2 || tasks[0].Leased {
		w.Errorf("pending work %+v, want one task with 2 attempts", tasks)
	}
	w.refuse(store.Changes{Tenant: "acme", Finish: &store.Finish{}}, store.ErrRejected, "finish without lease")
}

func taskDrop(w *world) {
	a, b := w.connect("acme", 1), w.connect("acme", 2)
	w.enqueue(a, newTask(a, "sync", ticket.ID{}, 0), newTask(a, "send", newID(), time.Hour))
	w.enqueue(b, newTask(b, "sync", ticket.ID{}, 0))
	l := w.claimOne(store.Claim{Tenant: "acme", Mailbox: a.ID})
	w.must(store.Changes{Tenant: "acme", DropTasks: []ticket.ID{a.ID}})
	if n := len(w.tasks(a)); n != 0 {
		w.Errorf("%d tasks after dropping them", n)
	}
	w.is(w.finish(l, store.Finish{}), store.ErrLeaseLost, "finishing a dropped task")
	_, err := w.s.Extend(w.ctx, l, time.Hour)
	w.is(err, store.ErrLeaseLost, "extending a dropped task")

	w.enqueue(a, newTask(a, "sync", ticket.ID{}, 0))
	w.is(w.finish(l, store.Finish{}), store.ErrLeaseLost, "finishing what was enqueued after the drop")
	if got := w.claim(store.Claim{}); len(got) != 2 {
		w.Errorf("claimed %d tasks, want the other mailbox's and the new one", len(got))
	}
	w.must(store.Changes{Tenant: "acme", DropTasks: []ticket.ID{a.ID}, Tasks: []store.Task{newTask(a, "purge", ticket.ID{}, 0)}})
	if tasks := w.tasks(a); len(tasks) != 1 || tasks[0].Kind != "purge" {
		w.Errorf("pending work %+v, want the task that was enqueued with the drop", tasks)
	}
}

// taskRollback rolls back what happens to tasks: they and their leases stay.
func taskRollback(w *world) {
	box := w.connect("acme", 1)
	w.enqueue(box, newTask(box, "sync", ticket.ID{}, 0))
	l := w.claimOne(store.Claim{})
	w.enqueue(box, newTask(box, "send", newID(), time.Hour))
	before := w.snapshot("acme")
	boom := errors.New("the host's hook failed")
	for what, c := range map[string]store.Changes{
		"drop":    {DropTasks: []ticket.ID{box.ID}},
		"done":    {Lease: &l, Finish: &store.Finish{}},
		"put off": {Lease: &l, Finish: &store.Finish{Again: true, After: time.Hour, Failed: true}},
		"enqueue": {Tasks: []store.Task{newTask(box, "sync", ticket.ID{}, 0), newTask(box, "send", newID(), 0)}},
	} {
		c.Tenant = "acme"
		w.is(w.s.Update(w.ctx, func(ctx context.Context, tx store.Tx) error {
			if err := tx.Apply(ctx, c); err != nil {
				return err
			}
			return boom
		}), boom, what)
		w.same(w.snapshot("acme"), before, "state after rolling back: "+what)
	}
	w.ok(w.finish(l, store.Finish{}), "the lease still holds")
	if n := len(w.tasks(box)); n != 1 {
		w.Errorf("%d tasks, want the one that was not finished: a rolled back wake-up counted", n)
	}
}

func taskWake(w *world) {
	waker, ok := w.s.(store.Waker)
	if !ok {
		w.Skip("the store is no Waker")
	}
	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	slow, err := waker.Wake(ctx)
	w.ok(err, "wake")
	quick, err := waker.Wake(ctx)
	w.ok(err, "wake")
	box := w.connect("acme", 1)
	for i := range 3 {
		w.enqueue(box, newTask(box, "sync", ticket.ID{}, 0))
		w.signalled(quick, "a receiver that waits")
		l := w.claimOne(store.Claim{})
		w.ok(w.finish(l, store.Finish{}), "finish")
		if i == 0 {
			w.drain(quick) // what the connecting or finishing may have signalled
		}
	}
	w.signalled(slow, "a receiver that was slow")
}

func (w *world) signalled(ch <-chan struct{}, who string) {
	w.Helper()
	select {
	case <-ch:
	case <-time.After(patience):
		w.Fatalf("%s got no signal", who)
	}
}

func (w *world) drain(ch <-chan struct{}) {
	for {
		select {
		case <-ch:
		case <-time.After(20 * time.Millisecond):
			return
		}
	}
}
