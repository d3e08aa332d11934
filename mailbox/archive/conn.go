package archive

import (
	"context"
	"sort"
	"sync/atomic"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

// conn is an open archive.
type conn struct {
	provider *Provider
	account  Account
	roots    []string
	since    time.Time
	closed   atomic.Bool
}

// Changes implements mailbox.Conn. Nothing is ever live. Backfill goes through
// the index from the oldest mail to the newest. Query.From bounds nothing: a
// file that is here is of the past, whatever clock its mail was written by.
func (c *conn) Changes(ctx context.Context, q mailbox.Query) (mailbox.Page, error) {
	if err := c.usable(ctx, "changes"); err != nil {
		return mailbox.Page{}, err
	}
	if q.Stream == mailbox.Live {
		return mailbox.Page{Next: mailbox.Cursor("1.live")}, nil
	}
	if c.since.IsZero() { // the host wants nothing of the past
		return mailbox.Page{Next: q.Cursor}, nil
	}
	idx, err := c.provider.Index(ctx, c.account)
	if err != nil {
		return mailbox.Page{}, err
	}
	at, ok := idx.place(q.Cursor)
	if !ok {
		return mailbox.Page{}, fail("changes", mailbox.CursorExpired, "the archive is not what it was", nil)
	}
	since := c.since.Add(time.Second - 1).Unix() // the next whole second, which is all that is known of mails
	at = max(at, sort.Search(idx.Len(), func(i int) bool { return idx.mails[i].at/second >= since }))
	end := min(at+q.Limit, idx.Len())
	page := mailbox.Page{Items: make([]mailbox.Item, 0, end-at), Next: idx.cursor(end), More: end < idx.Len()}
	for i := at; i < end; i++ {
		page.Items = append(page.Items, idx.Item(i))
	}
	if !page.More {
		c.provider.forget(c.account)
	}
	return page, nil
}

// Fetch implements mailbox.Conn. A mail that is not the one that was listed any
// more, because its file was replaced or written to, is gone.
func (c *conn) Fetch(ctx context.Context, it mailbox.Item, limit int64) (mailbox.Raw, error) {
	if err := c.usable(ctx, "fetch"); err != nil {
		return mailbox.Raw{}, err
	}
	p, err := parsePlace(it.Ref)
	if err != nil || p.root >= len(c.roots) {
		return mailbox.Raw{}, fail("fetch", mailbox.NotFound, "no mail has this reference", err)
	}
	if p.size > limit {
		return mailbox.Raw{}, fail("fetch", mailbox.TooLarge, "", nil)
	}
	raw, err := p.read(c.roots[p.root], it.ID)
	return mailbox.Raw{Bytes: raw}, err
}

// Send implements mailbox.Conn: an archive sends nothing.
func (c *conn) Send(context.Context, mailbox.Outgoing) (mailbox.Receipt, error) {
	return mailbox.Receipt{}, &mailbox.Error{Op: "send", Kind: mailbox.Unsupported, Cause: "an archive cannot send", Unsent: true}
}

// FindSent implements mailbox.Conn.
func (c *conn) FindSent(context.Context, mailbox.Sought) (mailbox.Receipt, error) {
	return mailbox.Receipt{}, fail("findsent", mailbox.Unsupported, "an archive has sent nothing", nil)
}

// Close implements mailbox.Conn.
func (c *conn) Close() error { c.closed.Store(true); return nil }

func (c *conn) usable(ctx context.Context, op string) error {
	if c.closed.Load() {
		return fail(op, mailbox.Transient, "the connection is closed", nil)
	}
	if err := ctx.Err(); err != nil {
		return fail(op, mailbox.Transient, "stopped", err)
	}
	return nil
}
