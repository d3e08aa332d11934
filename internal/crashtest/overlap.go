package crashtest

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
)

// overlaps moves mails of the past just when they are listed as such, so that
// the live stream lists them too and two workers take the same mail in at the
// same time.
type overlaps struct {
	fake   *mailboxtest.Fake
	ledger *ledger
	past   map[string]bool

	mu    sync.Mutex
	rnd   *rand.Rand
	moved map[string]bool
	await map[string]chan struct{} // closed when the live stream lists the mail
}

func newOverlaps(s *story, past map[string]bool) *overlaps {
	return &overlaps{fake: s.fake, ledger: s.ledger, past: past, moved: map[string]bool{}, await: map[string]chan struct{}{},
		rnd: rand.New(rand.NewPCG(uint64(s.seed), 3))}
}

// meetMost is how long a listing waits for the live stream's.
const meetMost = 300 * time.Millisecond

// listed moves some of the mails that the past is found to hold, and holds the
// listing back until the live stream lists one of them too. The live stream's
// own listing is held back for about as long as the other worker needs for
// more mail.
func (o *overlaps) listed(stream mailbox.Stream, items []mailbox.Item) {
	if stream == mailbox.Live {
		if wait, ok := o.meet(items); ok {
			time.Sleep(wait)
		}
		return
	}
	ids, met := o.choose(items)
	for _, id := range ids {
		o.fake.Move(user, id, mailboxtest.Inbox)
		o.ledger.fire("mail/overlap")
	}
	if len(ids) > 0 {
		select {
		case <-met:
		case <-time.After(meetMost):
		}
	}
}

// choose picks mails to move, and what tells that one of them was listed.
func (o *overlaps) choose(items []mailbox.Item) (ids []string, met chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	met = make(chan struct{})
	for _, it := range items {
		if o.past[it.ID] && !it.Removed && !o.moved[it.ID] && o.rnd.IntN(3) > 0 {
			ids = append(ids, it.ID)
			o.moved[it.ID] = true
			o.await[it.ID] = met
		}
	}
	return ids, met
}

// meet tells those who wait for one of the mails, and how long to hold back.
func (o *overlaps) meet(items []mailbox.Item) (wait time.Duration, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, it := range items {
		met := o.await[it.ID]
		if met == nil || it.Removed {
			continue
		}
		close(met)
		ok = true
		for id, m := range o.await {
			if m == met {
				delete(o.await, id)
			}
		}
	}
	return time.Duration(o.rnd.IntN(8)) * time.Millisecond, ok
}

// has tells whether a mail was moved.
func (o *overlaps) has(id string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.moved[id]
}
