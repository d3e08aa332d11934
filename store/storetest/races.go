package storetest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// raceCases let workers want the same thing at the same time.
var raceCases = []testCase{
	{"Race/Claim", raceClaim},
	{"Race/Reclaim", raceReclaim},
	{"Race/TicketVersion", raceTicket},
	{"Race/Connect", raceConnect},
	{"Race/Page", racePage},
	{"Race/Contacts", raceContacts},
	{"Race/Premises", racePremises},
	{"Race/Bind", raceBind},
	{"Race/OppositeOrder", raceOppositeOrder},
}

// workers is how many race. More add time, not chances: each case repeats.
const workers = 8

// race runs fn in all workers at once and returns their errors.
func race(fn func(i int) error) []error {
	errs := make([]error, workers)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			<-start
			errs[i] = fn(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// oneWins expects one success, and ErrStale for the others.
func (w *world) oneWins(what string, fn func(i int) error) {
	w.Helper()
	won := 0
	for _, err := range race(fn) {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, store.ErrStale):
			w.Errorf("%s: %v", what, err)
		}
	}
	if won != 1 {
		w.Errorf("%s: %d won, want 1", what, won)
	}
}

func raceClaim(w *world) {
	box := w.connect("acme", 1)
	var tasks []store.Task
	for range 60 {
		tasks = append(tasks, newTask(box, "send", newID(), 0))
	}
	w.enqueue(box, tasks...)
	var (
		mu     sync.Mutex
		times  = map[ticket.ID]int{}
		tokens = map[int64]int{}
	)
	errs := race(func(int) error {
		for {
			// A claim may come back short while others take what it looked
			// at, but only an empty one after all are taken ends the race.
			got, err := w.s.Claim(w.ctx, store.Claim{Limit: 4, For: time.Hour})
			if err != nil {
				return err
			}
			mu.Lock()
			for _, l := range got {
				times[l.Task.ID]++
				tokens[l.Token]++
			}
			done := len(times) == len(tasks)
			mu.Unlock()
			if done || w.ctx.Err() != nil {
				return w.ctx.Err()
			}
		}
	})
	w.ok(errors.Join(errs...), "claim")
	for _, n := range times {
		if n != 1 {
			w.Errorf("a task was claimed %d times under one lease", n)
		}
	}
	for _, n := range tokens {
		if n != 1 {
			w.Errorf("a token was handed out %d times", n)
		}
	}
}

// raceReclaim has many workers wait for one lease to run out, again and again.
// Whatever the timing, only the holder of the highest token may write.
func raceReclaim(w *world) {
	box := w.connect("acme", 1)
	w.enqueue(box, newTask(box, "sync", ticket.ID{}, 0))
	var (
		mu   sync.Mutex
		held []store.Lease
	)
	errs := race(func(int) error {
		for range 40 {
			got, err := w.s.Claim(w.ctx, store.Claim{Limit: 1, For: 5 * time.Millisecond})
			if err != nil {
				return err
			}
			mu.Lock()
			held = append(held, got...)
			mu.Unlock()
			time.Sleep(time.Millisecond)
		}
		return nil
	})
	w.ok(errors.Join(errs...), "claim")
	tokens, last := map[int64]bool{}, store.Lease{}
	for _, l := range held {
		if tokens[l.Token] {
			w.Fatalf("token %d was handed out twice", l.Token)
		}
		tokens[l.Token] = true
		if l.Token > last.Token {
			last = l
		}
	}
	if len(held) < 2 {
		w.Fatalf("the task was claimed %d times: its lease never ran out", len(held))
	}
	for _, l := range held {
		if l.Token != last.Token {
			w.is(w.finish(l, store.Finish{}), store.ErrLeaseLost, "finish by a former holder")
		}
	}
	if err := w.finish(last, store.Finish{}); !isOneOf(err, nil, store.ErrLeaseLost) {
		w.Errorf("finish by the last holder: %v", err)
	}
}

func raceTicket(w *world) {
	box := w.connect("acme", 1)
	t := w.open(box)
	for round := range int64(10) {
		w.oneWins("one version of a ticket", func(i int) error {
			next := t.Ticket
			next.Version = round + 2
			m := w.newMessage(t, round+1)
			return w.apply(store.Changes{Tenant: "acme", Tickets: []store.TicketUpdate{{Ticket: next, Was: round + 1}}, Messages: []store.Message{m}})
		})
	}
	got := get(w, func(ctx context.Context, r store.Reader) ([]store.Message, error) {
		return r.Messages(ctx, store.MessageQuery{Tenant: "acme", Ticket: t.ID, Limit: 100, Raw: true})
	})
	if len(got) != 10 {
		w.Errorf("%d messages after 10 rounds", len(got))
	}
}

func raceConnect(w *world) {
	for account := range 5 {
		w.oneWins("connecting one account", func(int) error {
			return w.apply(store.Changes{Tenant: "acme", NewMailboxes: []store.Mailbox{w.newMailbox("acme", account)}})
		})
	}
	got := get(w, func(ctx context.Context, r store.Reader) ([]store.Mailbox, error) {
		return r.ListMailboxes(ctx, "acme", ticket.ID{}, 100)
	})
	if len(got) != 5 {
		w.Errorf("%d mailboxes for 5 accounts", len(got))
	}
}

// racePage commits the same mails as several workers that each decided on them
// alone, with and without a cursor in between.
func racePage(w *world) {
	box := w.connect("acme", 1)
	from := box.LiveCursor
	for round := range 5 {
		to := mailbox.Cursor{byte('a' + round)}
		w.oneWins("a page", func(int) error { return w.apply(w.page(box, round*10, 4, from, to)) })
		w.oneWins("a page without cursor", func(int) error {
			c := w.page(box, 1000+round*10, 4, nil, nil)
			c.Cursors = nil
			return w.apply(c)
		})
		from = to
	}
	if got := len(w.list(store.TicketQuery{Tenant: "acme", Limit: everything})); got != 40 {
		w.Errorf("%d tickets, want 40", got)
	}
}

func raceContacts(w *world) {
	box := w.connect("acme", 1)
	for n := range 5 {
		w.oneWins("a new address", func(int) error {
			return w.apply(store.Changes{Tenant: "acme", Contacts: []store.Contact{{Mailbox: box.ID, Address: fp(n), ID: newID()}}})
		})
	}
}

func raceBind(w *world) {
	got := make([]store.Deployment, workers)
	errs := race(func(i int) (err error) {
		got[i], err = w.s.Bind(w.ctx, store.Deployment{ID: newID(), Keys: newID()})
		return err
	})
	w.ok(errors.Join(errs...), "bind")
	for _, d := range got {
		w.same(d, got[0], "what every call returns")
	}
}

// raceOppositeOrder writes to the same rows in both orders, which is how
// transactions get in each other's way for good. The store must resolve it
// itself, by order or by repeating.
func raceOppositeOrder(w *world) {
	a, b := w.connect("acme", 1), w.connect("acme", 2)
	ta, tb := w.open(a), w.open(b)
	w.enqueue(a, newTask(a, "sync", ticket.ID{}, 0))
	var changed atomic.Int64
	errs := race(func(i int) error {
		for range 20 {
			err := w.s.Update(w.ctx, func(ctx context.Context, tx store.Tx) error {
				c := store.Changes{Tenant: "acme"}
				for _, old := range []store.Ticket{ta, tb} {
					row, err := tx.Ticket(ctx, "acme", old.ID)
					if err != nil {
						return err
					}
					next := row.Ticket
					next.Version++
					c.Tickets = append(c.Tickets, store.TicketUpdate{Ticket: next, Was: row.Version})
					c.Tasks = append(c.Tasks, store.Task{ID: newID(), Tenant: "acme", Mailbox: row.Mailbox, Kind: "sync"})
				}
				if i%2 == 0 {
					c.Tickets[0], c.Tickets[1] = c.Tickets[1], c.Tickets[0]
					c.Tasks[0], c.Tasks[1] = c.Tasks[1], c.Tasks[0]
				}
				return tx.Apply(ctx, c)
			})
			switch {
			case err == nil:
				changed.Add(1)
			case !errors.Is(err, store.ErrStale):
				return err
			}
		}
		return nil
	})
	w.ok(errors.Join(errs...), "update")
	for _, t := range []store.Ticket{ta, tb} {
		if v := w.ticket("acme", t.ID).Version; v != 1+changed.Load() {
			w.Errorf("version %d after %d changes", v, changed.Load())
		}
	}
}
