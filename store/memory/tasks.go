package memory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// task is a unit of work as it is kept.
type task struct {
	id       ticket.ID
	due      time.Time
	attempts int
	// token is that of the holder, 0 when nobody holds it. A holder whose
	// lease ran out keeps it until somebody else claims the task.
	token int64
	until time.Time
	// again is when it becomes due once more because it was enqueued while
	// it was held; zero when it was not.
	again time.Time
}

func (t task) heldAt(now time.Time) bool { return t.token != 0 && now.Before(t.until) }

// soonest returns the earlier of two instants of which b may be absent.
func soonest(a, b time.Time) time.Time {
	if b.IsZero() || a.Before(b) {
		return a
	}
	return b
}

func (t task) show(tenant ticket.TenantID, mailbox ticket.ID, k taskKey, now time.Time) store.Task {
	return store.Task{
		ID: t.id, Tenant: tenant, Mailbox: mailbox, Kind: k.kind, Subject: k.subject,
		Due: instant(t.due), Attempts: t.attempts, Leased: t.heldAt(now),
	}
}

// enqueue keeps the promise that no wake-up is lost: what is held will run
// again, because its holder may have looked before the reason to run came up.
func (s *state) enqueue(j *journal, in store.Task, now time.Time) error {
	box, k := ref{in.Tenant, in.Mailbox}, taskKey{in.Kind, in.Subject}
	if s.tasks[box] == nil {
		s.tasks[box] = map[taskKey]task{}
	}
	due := now.Add(in.After)
	t, ok := s.tasks[box][k]
	switch {
	case !ok:
		id := ref{in.Tenant, in.ID}
		if _, taken := s.taskIDs[id]; taken {
			return fail("task id is taken", store.ErrStale)
		}
		t = task{id: in.ID, due: due}
		put(j, s.taskIDs, id, taskPlace{in.Mailbox, k})
	case t.token != 0:
		t.again = soonest(due, t.again)
	default:
		t.due = soonest(due, t.due)
	}
	put(j, s.tasks[box], k, t)
	return nil
}

// dropTasks removes the tasks of a mailbox.
func (s *state) dropTasks(j *journal, tenant ticket.TenantID, mailbox ticket.ID) {
	rows := s.tasks[ref{tenant, mailbox}]
	for k, t := range rows {
		drop(j, s.taskIDs, ref{tenant, t.id})
		drop(j, rows, k)
	}
}

// held finds the task of a lease if its token still counts.
func (s *state) held(l store.Lease) (taskPlace, task, bool) {
	p, ok := s.taskIDs[ref{l.Task.Tenant, l.Task.ID}]
	if !ok {
		return taskPlace{}, task{}, false
	}
	t := s.tasks[ref{l.Task.Tenant, p.mailbox}][p.key]
	return p, t, t.token != 0 && t.token == l.Token
}

// finish ends a held task or puts it off, and reports whether it stays.
func (s *state) finish(j *journal, l store.Lease, f store.Finish, now time.Time) bool {
	p, t, ok := s.held(l)
	if !ok {
		return false // dropped by the same changes
	}
	rows := s.tasks[ref{l.Task.Tenant, p.mailbox}]
	switch {
	case f.Again:
		t.due = soonest(now.Add(f.After), t.again)
	case !t.again.IsZero():
		t.due = t.again
	default:
		drop(j, s.taskIDs, ref{l.Task.Tenant, t.id})
		drop(j, rows, p.key)
		return false
	}
	t.attempts++
	if !f.Failed {
		t.attempts = 0
	}
	t.token, t.until, t.again = 0, time.Time{}, time.Time{}
	put(j, rows, p.key, t)
	return true
}

// claimable is a task on its way to a worker.
type claimable struct {
	box ref
	key taskKey
	task
}

// Claim implements [store.Store].
func (s *Store) Claim(ctx context.Context, q store.Claim) ([]store.Lease, error) {
	if err := usable(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed("claim")
	}
	now := time.Now()
	var leases []store.Lease
	for _, c := range s.state.due(q, now) {
		s.state.token++
		t := c.task
		if t.token != 0 {
			t.attempts++ // its holder never said how it went
		}
		t.token, t.until = s.state.token, now.Add(q.For)
		if !t.again.After(now) {
			t.again = time.Time{} // this run is the one that was asked for
		}
		s.state.tasks[c.box][c.key] = t
		leases = append(leases, store.Lease{
			Task:  t.show(c.box.tenant, c.box.id, c.key, now),
			Token: t.token, Until: instant(t.until),
		})
	}
	return leases, nil
}

// due returns the tasks that a claim gets, longest due first.
func (s *state) due(q store.Claim, now time.Time) []claimable {
	p := pager[claimable]{limit: q.Limit, order: func(a, b claimable) int {
		return cmp.Or(a.due.Compare(b.due), slices.Compare(a.id[:], b.id[:]))
	}}
	for box, rows := range s.tasks {
		if q.Tenant != "" && q.Tenant != box.tenant || !q.Mailbox.IsZero() && q.Mailbox != box.id {
			continue
		}
		if m, _ := s.mailboxes.get(box.tenant, box.id); len(q.Providers) > 0 && !slices.Contains(q.Providers, m.Provider) {
			continue
		}
		mine := pager[claimable]{limit: q.Limit, order: p.order}
		held := 0
		for k, t := range rows {
			switch {
			case len(q.Kinds) > 0 && !slices.Contains(q.Kinds, k.kind):
			case t.heldAt(now):
				held++
			case !t.due.After(now):
				mine.add(claimable{box, k, t})
			}
		}
		for i, c := range mine.rows {
			if q.PerMailbox == 0 || held+i < q.PerMailbox {
				p.add(c)
			}
		}
	}
	return p.rows
}

// Extend implements [store.Store].
func (s *Store) Extend(ctx context.Context, l store.Lease, d time.Duration) (store.Lease, error) {
	if err := usable(ctx); err != nil {
		return store.Lease{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return store.Lease{}, errClosed("extend")
	}
	p, t, ok := s.state.held(l)
	if !ok {
		return store.Lease{}, fail("extend", store.ErrLeaseLost)
	}
	now := time.Now()
	t.until = now.Add(d)
	s.state.tasks[ref{l.Task.Tenant, p.mailbox}][p.key] = t
	l.Task = t.show(l.Task.Tenant, p.mailbox, p.key, now)
	l.Until = instant(t.until)
	return l, nil
}
