package extending

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

// Account is the address of a [Queue]: all that a host connects it with.
type Account string

func (a Account) Provider() string               { return "queue" }
func (a Account) Identity() string               { return string(a) }
func (a Account) Address() (name, addr string)   { return "", string(a) }
func (a Account) MarshalBinary() ([]byte, error) { return []byte(a), nil }
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

func (q *Queue) place(n int) string                 { return q.run + strconv.Itoa(n) }
func (q *Queue) Name() string                       { return "queue" }
func (q *Queue) Capabilities() mailbox.Capabilities { return mailbox.Capabilities{} }

func (q *Queue) Open(ctx context.Context, s mailbox.Session) (mailbox.Conn, error) {
	c := &conn{q: q, since: s.Intake.Since}
	return do(ctx, c, "open", func() (mailbox.Conn, mailbox.Kind) {
		if Account(s.Account) != q.account || len(s.Intake.Folders) > 0 {
			return nil, mailbox.Permanent
		}
		return c, ""
	})
}

type conn struct {
	q      *Queue
	since  time.Time
	closed atomic.Bool
}

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

// Changes lists mail from n on: Live upwards, Backfill downwards.
func (c *conn) Changes(ctx context.Context, q mailbox.Query) (mailbox.Page, error) {
	return do(ctx, c, "changes", func() (p mailbox.Page, _ mailbox.Kind) {
		items, live := c.q.items, q.Stream == mailbox.Live
		older := func(t time.Time) int { // how many mails are older than t
			return sort.Search(len(items), func(i int) bool { return !items[i].ReceivedAt.Before(t) })
		}
		n := len(items)
		switch start := len(q.Cursor) == 0; {
		case !live && c.since.IsZero():
			n = 0 // the host wants nothing of the past
		case live && q.Resync, !live && start && !q.From.IsZero():
			n = older(q.From)
		case !start && !q.Resync:
			n, _ = strconv.Atoi(strings.TrimPrefix(string(q.Cursor), c.q.run))
			if n < 0 || n > len(items) || string(q.Cursor) != c.q.place(n) {
				return p, mailbox.CursorExpired
			}
		}
		if live {
			end := min(n+q.Limit, len(items))
			p.Items, p.More, n = slices.Clone(items[n:end]), end < len(items), end
		} else {
			end := max(n-q.Limit, min(n, older(c.since)))
			p.Items, p.More, n = slices.Clone(items[end:n]), end > older(c.since), end
			slices.Reverse(p.Items)
		}
		p.Next = mailbox.Cursor(c.q.place(n))
		return p, ""
	})
}

func (c *conn) Fetch(ctx context.Context, it mailbox.Item, limit int64) (mailbox.Raw, error) {
	return do(ctx, c, "fetch", func() (r mailbox.Raw, _ mailbox.Kind) {
		raw, ok := c.q.raws[it.ID]
		if !ok {
			return r, mailbox.NotFound
		}
		if int64(len(raw)) > limit {
			return r, mailbox.TooLarge
		}
		return mailbox.Raw{Bytes: bytes.Clone(raw)}, ""
	})
}

func (c *conn) Send(ctx context.Context, o mailbox.Outgoing) (mailbox.Receipt, error) {
	return do(ctx, c, "send", func() (mailbox.Receipt, mailbox.Kind) {
		c.q.sent = append(c.q.sent, o)
		return mailbox.Receipt{ID: o.MessageID, Filed: true}, ""
	})
}

// FindSent cannot look: what was sent before a restart is not here.
func (c *conn) FindSent(context.Context, mailbox.Sought) (mailbox.Receipt, error) {
	return mailbox.Receipt{}, &mailbox.Error{Op: "findsent", Kind: mailbox.Unsupported}
}

func (c *conn) Close() error { c.closed.Store(true); return nil }
