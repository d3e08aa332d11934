package extending

import (
	"bytes"
	"context"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

// Name implements mailbox.Provider.
func (q *Queue) Name() string { return "queue" }

// Capabilities implements mailbox.Provider.
func (q *Queue) Capabilities() mailbox.Capabilities { return mailbox.Capabilities{} }

// Open implements mailbox.Provider.
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
