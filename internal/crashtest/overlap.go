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
}

func newOverlaps(s *story, past map[string]bool) *overlaps {
	return &overlaps{fake: s.fake, ledger: s.ledger, past: past, moved: map[string]bool{},
		rnd: rand.New(rand.NewPCG(uint64(s.seed), 3))}
}

// meet moves some of the mails of a listing, and holds the listing back for
// about as long as the other worker needs.
func (o *overlaps) meet(items []mailbox.Item) {
	o.mu.Lock()
	wait := time.Duration(o.rnd.IntN(40)) * time.Millisecond
	var ids []string
	for _, it := range items {
		if o.past[it.ID] && !it.Removed && !o.moved[it.ID] && o.rnd.IntN(3) > 0 {
			ids = append(ids, it.ID)
			o.moved[it.ID] = true
		}
	}
	o.mu.Unlock()
	for _, id := range ids {
		o.fake.Move(user, id, mailboxtest.Inbox)
		o.ledger.fire("mail/overlap")
	}
	if len(ids) > 0 {
		time.Sleep(wait)
	}
}

// has tells whether a mail was moved.
func (o *overlaps) has(id string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.moved[id]
}
