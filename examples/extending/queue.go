package extending

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

// Account is the address of a [Queue]: all that a host connects it with.
type Account string

// Provider implements mailbox.Account.
func (a Account) Provider() string { return "queue" }

// Identity implements mailbox.Account.
func (a Account) Identity() string { return string(a) }

// Address implements mailbox.Account.
func (a Account) Address() (name, addr string) { return "", string(a) }

// MarshalBinary implements mailbox.Account.
func (a Account) MarshalBinary() ([]byte, error) { return []byte(a), nil }

// Validate implements mailbox.Account.
func (a Account) Validate() error {
	if strings.Count(string(a), "@") != 1 || strings.ContainsAny(string(a), "<> \r\n") {
		return errors.New("extending: Account is no address: write local@domain")
	}
	return nil
}

// Queue is a mailbox in memory: the host puts mail in, and carries on what was
// sent.
type Queue struct {
	account Account
	run     string // ids and cursors begin with it, so a restart repeats none
	mu      sync.Mutex
	items   []mailbox.Item
	raws    map[string][]byte // by Item.ID
	sent    []mailbox.Outgoing
}

// NewQueue returns the empty mailbox of an account.
func NewQueue(a Account) *Queue {
	return &Queue{account: a, run: rand.Text() + "-", raws: map[string][]byte{}}
}

// Put adds a mail. Mails are put in the order in which they were received.
func (q *Queue) Put(raw []byte, at time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	it := mailbox.Item{ID: q.place(len(q.items)), Size: int64(len(raw)), ReceivedAt: at}
	q.items, q.raws[it.ID] = append(q.items, it), bytes.Clone(raw)
}

// Sent returns what was sent so far, oldest first.
func (q *Queue) Sent() []mailbox.Outgoing {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.sent)
}

func (q *Queue) place(n int) string { return q.run + strconv.Itoa(n) }

// do calls f unless ctx or the connection has ended, and makes the contract's
// error of the kind it returns. Nothing fails half-way here, so a mail that
// could not be sent is certainly unsent.
func do[T any](ctx context.Context, c *conn, op string, f func() (T, mailbox.Kind)) (v T, err error) {
	c.q.mu.Lock()
	defer c.q.mu.Unlock()
	kind := mailbox.Transient
	if ctx.Err() == nil && !c.closed.Load() {
		v, kind = f()
	}
	if kind != "" {
		err = &mailbox.Error{Op: op, Kind: kind, Unsent: op == "send", Err: ctx.Err()}
	}
	return v, err
}
