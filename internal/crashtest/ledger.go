package crashtest

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/helpdesk-go/helpdesk/internal/crashtest/wire"
	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// Violation is a promise that was not kept.
type Violation struct {
	// Invariant is its number in section 4.1 of the reliability reference, or
	// a letter: L for leases, P for personal data in a log.
	Invariant string
	// Detail says what happened, with ids only.
	Detail string
	Seed   int64
}

// String says it in one line.
func (v Violation) String() string {
	return fmt.Sprintf("invariant %s: %s (seed %d)", v.Invariant, v.Detail, v.Seed)
}

// ledger is what the harness itself saw. It outlives the workers.
type ledger struct {
	seed int64

	mu         sync.Mutex
	fired      map[string]int
	crashed    map[int]string // worker -> point at which it said it dies
	leases     map[ticket.ID]lease
	listed     map[string]listing // cursor -> how it was come by
	violations []Violation
	idle, end  map[int]int   // goroutines of workers
	moved      chan struct{} // receives after a cursor moved
	// written are the events whose commit a worker was told of.
	written map[ticket.ID]string // -> the step that wrote them
}

// lease is the last lease of a task that the harness knows.
type lease struct {
	token  int64
	until  time.Time // by the store's clock
	least  time.Time // it lasts until then at least, by the harness's clock
	over   bool      // given back, or nobody knows
	begun  map[int64]bool
	worker int
}

// listing is one answer of Changes: what lies between two cursors.
type listing struct {
	from  string
	items []string
}

func newLedger(seed int64) *ledger {
	return &ledger{
		seed: seed, fired: map[string]int{}, crashed: map[int]string{}, leases: map[ticket.ID]lease{},
		listed: map[string]listing{}, idle: map[int]int{}, end: map[int]int{}, moved: make(chan struct{}, 1),
		written: map[ticket.ID]string{},
	}
}

func (l *ledger) fire(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fired[what]++
}

func (l *ledger) violate(invariant, format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.violateLocked(invariant, format, args...)
}

func (l *ledger) violateLocked(invariant, format string, args ...any) {
	v := Violation{Invariant: invariant, Detail: fmt.Sprintf(format, args...), Seed: l.seed}
	if len(l.violations) < 50 && !slices.Contains(l.violations, v) {
		l.violations = append(l.violations, v)
	}
}

// broken reports whether a promise was not kept.
func (l *ledger) broken() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.violations) > 0
}

// pointOf is the point at which a worker said it dies, or empty.
func (l *ledger) pointOf(worker int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.crashed[worker]
}

// listedPage remembers what lies between two cursors.
func (l *ledger) listedPage(q mailbox.Query, p mailbox.Page) {
	from, next := string(q.Cursor), string(p.Next)
	if from == next {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var ids []string
	for _, it := range p.Items {
		if !it.Draft && !it.Removed {
			ids = append(ids, it.ID)
		}
	}
	if old, ok := l.listed[next]; ok && old.from == from {
		ids = append(ids, old.items...)
	} else if ok {
		return // another way to the same place, over the same mails
	}
	l.listed[next] = listing{from: from, items: ids}
}

// before returns the mails that lie before a cursor, by the harness's own
// answers.
func (l *ledger) before(cursor string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := map[string]bool{}
	for been := map[string]bool{}; cursor != "" && !been[cursor]; {
		been[cursor] = true
		at, ok := l.listed[cursor]
		if !ok {
			break
		}
		for _, id := range at.items {
			all[id] = true
		}
		cursor = at.from
	}
	return slices.Sorted(maps.Keys(all))
}

// report enters what a worker says. The order of reports is the order in which
// things were known to have happened: a worker waits for each.
func (l *ledger) report(r wire.Report) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch r.Kind {
	case wire.ReportCrash:
		l.crashed[r.Worker] = r.Point
		l.fired["crash/"+r.Point]++
	case wire.ReportIdle:
		l.idle[r.Worker] = r.Goroutines
	case wire.ReportEnd:
		l.end[r.Worker] = r.Goroutines
	case wire.ReportClaim:
		l.claimed(r)
	case wire.ReportExtend:
		if at := l.leases[r.Task]; at.token == r.Token && r.Until.After(at.until) {
			at.until, at.least = r.Until, r.Asked.Add(r.For)
			l.leases[r.Task] = at
		}
	case wire.ReportBegin:
		at := l.leases[r.Task]
		if at.begun == nil {
			at.begun = map[int64]bool{}
		}
		at.begun[r.Token] = at.token > r.Token // superseded before it began
		l.leases[r.Task] = at
		l.ended(r) // from now on it may be given to somebody else
	case wire.ReportCommit:
		for _, id := range r.Events {
			l.written[id] = r.Point
		}
		if r.Token == 0 {
			return // not under a lease
		}
		if r.Cursor != "" {
			select {
			case l.moved <- struct{}{}:
			default:
			}
		}
		at := l.leases[r.Task]
		if at.begun[r.Token] {
			l.violateLocked("L", "task %s: a write under token %d committed although %d had been given before it began", r.Task, r.Token, at.token)
		}
		l.ended(r)
	case wire.ReportFail:
		l.ended(r)
	}
}

// claimed checks that no other lease of the task lives. By the store's clock:
// the new one began when the store gave it out. By the harness's, which is also
// the workers': a lease begins when it is asked for at the earliest, and has
// begun when the answer is there.
func (l *ledger) claimed(r wire.Report) {
	at := l.leases[r.Task]
	if r.Token <= at.token {
		// The report of an older lease came late, or tokens went backwards.
		if r.Token == at.token {
			l.violateLocked("L", "task %s: token %d was given twice", r.Task, r.Token)
		}
		return
	}
	given := r.Until.Add(-r.For)
	if at.token != 0 && !at.over && given.Before(at.until.Add(-leaseTolerance)) {
		l.violateLocked("L", "task %s: token %d was given %v before %d ran out", r.Task, r.Token, at.until.Sub(given), at.token)
	}
	if at.token != 0 && !at.over && r.Got.Before(at.least) {
		l.violateLocked("L", "task %s: token %d was given while %d had at least %v left", r.Task, r.Token, at.token, at.least.Sub(r.Got))
	}
	l.leases[r.Task] = lease{token: r.Token, until: r.Until, least: r.Asked.Add(r.For), worker: r.Worker, begun: at.begun}
}

// leaseTolerance is less than any lease and more than what the store needs
// between two readings of its clock.
const leaseTolerance = 100 * time.Millisecond

// ended notes that a task may have been given back.
func (l *ledger) ended(r wire.Report) {
	if at := l.leases[r.Task]; r.Finish && at.token == r.Token {
		at.over = true
		l.leases[r.Task] = at
	}
}

// durable checks that every event is there whose commit a worker was told of.
func (l *ledger) durable(events map[[16]byte]bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, step := range l.written {
		if !events[id] {
			l.violateLocked("3", "a commit (%s) was acknowledged and is not there", step)
		}
	}
}

// holds tells whether a worker has a lease that nobody else was given since.
func (l *ledger) holds(worker int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, at := range l.leases {
		if at.worker == worker && !at.over && time.Now().Before(at.least) {
			return true
		}
	}
	return false
}
