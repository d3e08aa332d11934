package mailboxtest

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

// place is what a cursor of a Fake holds. Live counts entries of the log;
// Backfill goes down a list ordered by receive time.
type place struct {
	stream mailbox.Stream
	epoch  int
	// Live: the next entry; entries before until are those of a
	// resynchronisation, listed only if received at or after from.
	pos, until int
	from       int64
	// Backfill: the last mail listed; mail at or after top is not listed.
	at, top int64
	seq     int
}

func (p place) cursor() mailbox.Cursor {
	return fmt.Appendf(nil, "f1 %s %d %d %d %d %d %d %d", p.stream, p.epoch,
		p.pos, p.until, p.from, p.at, p.top, p.seq)
}

func parsePlace(c mailbox.Cursor) (p place, ok bool) {
	_, err := fmt.Sscanf(string(c), "f1 %s %d %d %d %d %d %d %d", &p.stream, &p.epoch,
		&p.pos, &p.until, &p.from, &p.at, &p.top, &p.seq)
	return p, err == nil
}

// Changes implements mailbox.Conn.
func (c *conn) Changes(ctx context.Context, q mailbox.Query) (mailbox.Page, error) {
	k, err := c.begin(ctx, OpChanges)
	if err != nil {
		return mailbox.Page{}, err
	}
	defer k.end()
	page, err := k.changes(q)
	if err != nil {
		return mailbox.Page{}, err
	}
	return finish(ctx, k, page)
}

func (k *call) changes(q mailbox.Query) (page mailbox.Page, err error) {
	c := k.c
	c.f.mu.Lock()
	defer c.f.mu.Unlock()
	c.seen = c.box.hints
	if q.Limit < 1 || q.Stream != mailbox.Live && q.Stream != mailbox.Backfill {
		return page, fail(OpChanges, mailbox.Permanent, "query needs a stream and a limit of at least 1")
	}
	for _, name := range c.intake.Folders {
		if !c.box.folders[name] {
			return page, fail(OpChanges, mailbox.NotFound, "folder is not there")
		}
	}
	if len(q.Cursor) > 0 && !q.Resync && k.spoils(FaultExpire) {
		c.box.epochs[q.Stream]++
	}
	p, err := c.start(q)
	if err != nil {
		return page, err
	}
	list := c.live
	if q.Stream == mailbox.Backfill {
		list = c.backfill
	}
	items, last, next, more := list(p, q.Limit)
	page.Items = items
	if len(page.Items) > 0 && k.spoils(FaultDuplicate) {
		next, more = last, true
	}
	if len(page.Items) > 1 && k.spoils(FaultReorder) {
		slices.Reverse(page.Items)
	}
	page.Next, page.More = next.cursor(), more
	return page, nil
}

// start finds the place a query begins at.
func (c *conn) start(q mailbox.Query) (place, error) {
	b, epoch := c.box, c.box.epochs[q.Stream]
	p, ok := parsePlace(q.Cursor)
	switch {
	case q.Resync && q.Stream == mailbox.Live:
		return place{stream: q.Stream, epoch: epoch, until: len(b.log), from: nanos(q.From)}, nil
	case q.Resync:
		if !ok {
			p.top = c.opened.UnixNano()
		}
		return place{stream: q.Stream, epoch: epoch, from: nanos(q.From), at: p.top, top: p.top}, nil
	case len(q.Cursor) == 0 && q.Stream == mailbox.Live:
		return place{stream: q.Stream, epoch: epoch, pos: len(b.log)}, nil
	case len(q.Cursor) == 0:
		top := q.From
		if top.IsZero() {
			top = c.opened
		}
		return place{stream: q.Stream, epoch: epoch, at: top.UnixNano(), top: top.UnixNano(),
			from: nanos(c.intake.Since)}, nil
	case !ok || p.stream != q.Stream || p.epoch != epoch:
		return p, fail(OpChanges, mailbox.CursorExpired, "cursor is not known")
	}
	return p, nil
}

// live lists the log from a place. It returns the place before the last item
// and the one after it.
func (c *conn) live(p place, limit int) (items []mailbox.Item, last, next place, more bool) {
	last = p
	for ; p.pos < len(c.box.log) && len(items) < limit; p.pos++ {
		e := c.box.log[p.pos]
		if !c.reads(e.folder) || p.pos < p.until && !e.current(p.from) {
			continue
		}
		last = p
		it := e.m.item(e.folder)
		it.Removed = e.gone
		items = append(items, it)
	}
	return items, last, p, p.pos < len(c.box.log)
}

// current reports whether an entry belongs into a resynchronisation.
func (e entry) current(from int64) bool {
	return !e.gone && !e.m.gone && e.m.folder == e.folder && e.m.at.UnixNano() >= from
}

// backfill lists downwards from a place.
func (c *conn) backfill(p place, limit int) (items []mailbox.Item, last, next place, more bool) {
	last = p
	if c.intake.Since.IsZero() {
		return nil, p, p, false
	}
	floor := max(p.from, nanos(c.intake.Since))
	var below []*letter
	for _, m := range c.box.letters {
		at := m.at.UnixNano()
		older := at < p.at || at == p.at && m.seq < p.seq
		if older && at >= floor && at < p.top && !m.gone && c.chosen(m.folder) {
			below = append(below, m)
		}
	}
	slices.SortFunc(below, func(a, b *letter) int {
		return cmp.Or(b.at.Compare(a.at), cmp.Compare(b.seq, a.seq))
	})
	for _, m := range below[:min(limit, len(below))] {
		last = p
		p.at, p.seq = m.at.UnixNano(), m.seq
		items = append(items, m.item(m.folder))
	}
	return items, last, p, len(below) > limit
}

// chosen reports whether the intake names a folder.
func (c *conn) chosen(folder string) bool {
	if len(c.intake.Folders) == 0 {
		return folder == Inbox
	}
	return slices.Contains(c.intake.Folders, folder)
}

// reads reports whether Live lists a folder: the chosen ones, and as the APIs
// do, sent mail and drafts with their flag.
func (c *conn) reads(folder string) bool {
	return c.chosen(folder) || folder == SentFolder || folder == DraftsFolder
}

func (m *letter) item(folder string) mailbox.Item {
	return mailbox.Item{ID: m.id, Thread: m.thread, Size: int64(len(m.raw)),
		ReceivedAt: m.at.UTC().Round(0), Sent: folder == SentFolder, Draft: m.draft}
}

// nanos is t.UnixNano, which the zero time does not have.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return math.MinInt64
	}
	return t.UnixNano()
}
