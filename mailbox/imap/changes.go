package imap

import (
	"context"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

// Changes implements mailbox.Conn. A page merges the folders by the time that
// their mail was received; within a folder the order is that of UIDs.
func (c *conn) Changes(ctx context.Context, q mailbox.Query) (mailbox.Page, error) {
	if q.Limit < 1 {
		return mailbox.Page{}, fail(opChanges, mailbox.Permanent, "limit is below 1", nil)
	}
	var page mailbox.Page
	var err error
	switch q.Stream {
	case mailbox.Live:
		page, err = c.live(ctx, q)
	case mailbox.Backfill:
		page, err = c.backfill(ctx, q)
	default:
		err = fail(opChanges, mailbox.Permanent, "stream is unknown", nil)
	}
	c.ahead.expect(page.Items)
	return page, err
}

// listing is a page in the making.
type listing struct {
	cur   cursor
	scans []*scan
}

// scan is what was found of one folder.
type scan struct {
	folder *folder
	place  place
	found  []entry
	// covered is how far the folder was looked at once all of found is
	// listed, and rest tells whether there is more behind it.
	covered uint32
	rest    bool
}

type entry struct {
	uid  imap.UID
	item mailbox.Item
}

// live lists new mail of the chosen folders and of the folder of sent mail.
func (c *conn) live(ctx context.Context, q mailbox.Query) (page mailbox.Page, err error) {
	l := listing{}
	old, known := decodeCursor(q.Cursor, mailbox.Live)
	fresh := len(q.Cursor) == 0 && !q.Resync
	switch {
	case fresh:
		l.cur = cursor{At: c.opened}
	case q.Resync:
		l.cur = cursor{At: q.From, From: q.From, Resync: true}
		if known {
			l.cur.At = old.At
		}
	case !known:
		return page, fail(opChanges, mailbox.CursorExpired, "cursor is not known", nil)
	default:
		l.cur = old
	}
	l.cur.Version, l.cur.Stream, l.cur.Folders = cursorVersion, mailbox.Live, map[string]place{}
	names, err := c.liveFolders(ctx)
	if err != nil {
		return page, err
	}
	again := q.Resync && !(known && old.Resync && old.From.Equal(q.From))
	for _, name := range names {
		f, err := c.examine(ctx, opChanges, name)
		if err != nil {
			if mailbox.KindOf(err) == mailbox.NotFound && !slices.Contains(c.chosen(), name) {
				c.sent, c.lookedAt = "", time.Time{} // renamed or never made
				continue
			}
			return page, err
		}
		f.sent = name == c.sent
		c.seen[f.key] = *f
		s, err := c.scanLive(ctx, q, &l.cur, f, old.Folders, fresh, again)
		if err != nil {
			return page, err
		}
		l.scans = append(l.scans, s)
	}
	return l.live(q.Limit)
}

// scanLive finds the place in one folder and what is new behind it.
func (c *conn) scanLive(ctx context.Context, q mailbox.Query, cur *cursor, f *folder, old map[string]place, fresh, again bool) (*scan, error) {
	p, known := old[f.key]
	valid := known && p.Validity == f.validity
	if known && !valid && !q.Resync {
		return nil, fail(opChanges, mailbox.CursorExpired, "UIDVALIDITY has changed", nil)
	}
	if fresh || again || !valid {
		last, err := c.last(ctx, opChanges, f)
		if err != nil {
			return nil, err
		}
		switch {
		case fresh:
			p = place{Validity: f.validity, Last: uint32(last), ModSeq: f.modSeq}
			return &scan{folder: f, place: p, covered: p.Last}, nil
		case valid:
			p = place{Validity: f.validity, Again: p.Last}
		default:
			p = place{Validity: f.validity, Again: uint32(last)}
		}
	}
	s := &scan{folder: f, place: p, covered: p.Last}
	floor := cur.At
	if cur.Resync {
		floor = cur.From
	}
	return s, c.forward(ctx, s, floor, q.Limit)
}

// live merges what was found, oldest first.
func (l *listing) live(limit int) (mailbox.Page, error) {
	page := mailbox.Page{Items: l.merge(limit, func(a, b mailbox.Item) bool { return a.ReceivedAt.Before(b.ReceivedAt) })}
	for _, s := range l.scans {
		p := s.place
		p.Last, p.ModSeq = s.covered, 0
		if len(s.found) > 0 {
			p.Last, s.rest = uint32(s.found[0].uid)-1, true
		}
		if p.Last >= p.Again {
			p.Again = 0
		}
		if !s.rest {
			p.ModSeq = s.folder.modSeq
		}
		page.More = page.More || s.rest
		l.cur.Folders[s.folder.key] = p
	}
	if !page.More {
		l.cur.Resync, l.cur.From = false, time.Time{}
	}
	var err error
	page.Next, err = l.cur.encode()
	return page, err
}

// merge takes up to limit items out of the folders.
func (l *listing) merge(limit int, before func(a, b mailbox.Item) bool) []mailbox.Item {
	var items []mailbox.Item
	for len(items) < limit {
		var first *scan
		for _, s := range l.scans {
			if len(s.found) > 0 && (first == nil || before(s.found[0].item, first.found[0].item)) {
				first = s
			}
		}
		if first == nil {
			break
		}
		items = append(items, first.found[0].item)
		first.found = first.found[1:]
	}
	return items
}

// liveFolders returns the chosen folders and that of sent mail.
func (c *conn) liveFolders(ctx context.Context) ([]string, error) {
	names := c.chosen()
	sent, err := c.sentFolder(ctx, opChanges)
	if err != nil {
		return nil, err
	}
	if sent != "" && !slices.Contains(names, sent) {
		names = append(names, sent)
	}
	return names, nil
}

// backfill lists old mail of the chosen folders, newest first. Sent mail is
// only part of it when the host chose that folder.
func (c *conn) backfill(ctx context.Context, q mailbox.Query) (page mailbox.Page, err error) {
	l := listing{}
	old, known := decodeCursor(q.Cursor, mailbox.Backfill)
	switch {
	case len(q.Cursor) == 0 && !q.Resync:
		l.cur = cursor{From: c.intake.Since, Until: q.From}
	case q.Resync:
		l.cur = cursor{From: c.intake.Since, Resync: true, Until: old.Until}
		if q.From.After(l.cur.From) {
			l.cur.From = q.From
		}
	case !known:
		return page, fail(opChanges, mailbox.CursorExpired, "cursor is not known", nil)
	default:
		l.cur = old
	}
	if l.cur.Until.IsZero() {
		l.cur.Until = c.opened
	}
	l.cur.Version, l.cur.Stream, l.cur.Folders = cursorVersion, mailbox.Backfill, map[string]place{}
	again := q.Resync && !(known && old.Resync)
	if !c.intake.Since.IsZero() {
		if _, err := c.sentFolder(ctx, opChanges); err != nil { // to mark its mail
			return page, err
		}
		for _, name := range c.chosen() {
			s, err := c.scanBackfill(ctx, q, &l.cur, name, old.Folders, again)
			if err != nil {
				return page, err
			}
			l.scans = append(l.scans, s)
		}
	}
	return l.backfill(q.Limit)
}

func (c *conn) scanBackfill(ctx context.Context, q mailbox.Query, cur *cursor, name string, old map[string]place, again bool) (*scan, error) {
	f, err := c.examine(ctx, opChanges, name)
	if err != nil {
		return nil, err
	}
	f.sent = name == c.sent
	p, known := old[f.key]
	valid := known && p.Validity == f.validity
	if known && !valid && !q.Resync {
		return nil, fail(opChanges, mailbox.CursorExpired, "UIDVALIDITY has changed", nil)
	}
	if again || !valid {
		last, err := c.last(ctx, opChanges, f)
		if err != nil {
			return nil, err
		}
		p = place{Validity: f.validity, Last: uint32(last) + 1}
	}
	s := &scan{folder: f, place: p, covered: p.Last}
	return s, c.backward(ctx, s, cur.From, cur.Until, q.Limit)
}

// backfill merges what was found, newest first.
func (l *listing) backfill(limit int) (mailbox.Page, error) {
	page := mailbox.Page{Items: l.merge(limit, func(a, b mailbox.Item) bool { return a.ReceivedAt.After(b.ReceivedAt) })}
	for _, s := range l.scans {
		p := s.place
		p.Last = s.covered
		if len(s.found) > 0 {
			p.Last, s.rest = uint32(s.found[0].uid)+1, true
		}
		page.More = page.More || s.rest
		l.cur.Folders[s.folder.key] = p
	}
	var err error
	page.Next, err = l.cur.encode()
	return page, err
}
