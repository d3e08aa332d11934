package imap

import (
	"context"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

// A folder is searched in windows of UIDs that grow while they are empty, so
// that neither a folder of a million mails nor one with wide gaps makes an
// answer or a number of round trips that grows with it.
const (
	firstWindow = 1000
	maxWindow   = 1 << 18
	maxWindows  = 64
)

func window(limit int) uint64 { return max(firstWindow, min(uint64(limit)*4, maxWindow)) }

// wider returns the window after an empty one. Where the folder holds few
// mails their number bounds the answer, so that wide gaps take few steps.
func (f *folder) wider(span uint64) uint64 {
	if f.messages <= maxWindow {
		return min(span*64, 1<<32)
	}
	return min(span*4, maxWindow)
}

const maxUID = 1<<32 - 1

// forward fills s with at most limit mails above its place, oldest first. Mail
// up to place.Again is left out if it was received before floor.
func (c *conn) forward(ctx context.Context, s *scan, floor time.Time, limit int) error {
	f := s.folder
	if f.modSeq != 0 && s.place.ModSeq == f.modSeq {
		return nil // new mail would have raised it (RFC 7162 section 3.1.2.1)
	}
	wanted := func(uid imap.UID, it mailbox.Item) bool {
		return uint32(uid) > s.place.Again || !it.ReceivedAt.Before(floor.Truncate(time.Second))
	}
	lo, span := uint64(s.place.Last)+1, window(limit)
	for range maxWindows {
		if f.next > 0 && lo >= uint64(f.next) || lo > maxUID {
			s.rest = false
			return nil
		}
		hi, by := s.above(lo, span, floor)
		uids, err := c.search(ctx, opChanges, by)
		if err != nil {
			return err
		}
		uids = between(uids, lo, hi)
		s.covered, s.rest = uint32(hi), f.next == 0 || hi+1 < uint64(f.next)
		if hi == maxUID {
			// Mail still to come has UIDs in this window.
			s.covered, s.rest = uint32(lo-1), false
			if len(uids) > 0 {
				s.covered = uint32(uids[len(uids)-1])
			}
		}
		if len(uids) > limit {
			uids, s.rest = uids[:limit], true
			s.covered = uint32(uids[limit-1])
		}
		if err := c.collect(ctx, s, uids, wanted); err != nil || len(s.found) > 0 || !s.rest {
			return err
		}
		lo, span = uint64(s.covered)+1, f.wider(span)
	}
	return nil
}

// above returns the end of the window that begins at lo, and how to search it.
func (s *scan) above(lo, span uint64, floor time.Time) (hi uint64, by *imap.SearchCriteria) {
	by = &imap.SearchCriteria{}
	hi = min(lo+span-1, maxUID)
	if s.folder.next > 0 {
		hi = min(hi, uint64(s.folder.next)-1)
	}
	if again := uint64(s.place.Again); lo <= again {
		hi = min(hi, again)
		by.Since = dayBefore(floor)
	} else if s.folder.next == 0 {
		hi = maxUID // no telling how far; the answer names what is there
	}
	by.UID = []imap.UIDSet{{imap.UIDRange{Start: imap.UID(lo), Stop: imap.UID(hi)}}}
	return hi, by
}

// backward fills s with at most limit mails below its place, newest first,
// that were received at or after from and before until.
func (c *conn) backward(ctx context.Context, s *scan, from, until time.Time, limit int) error {
	hi, span := uint64(s.place.Last)-1, window(limit)
	if s.place.Last == 0 {
		return nil
	}
	for range maxWindows {
		if hi == 0 {
			s.rest = false
			return nil
		}
		lo := max(hi, span) - span + 1
		uids, err := c.search(ctx, opChanges, &imap.SearchCriteria{
			UID:   []imap.UIDSet{{imap.UIDRange{Start: imap.UID(lo), Stop: imap.UID(hi)}}},
			Since: dayBefore(from), Before: dayAfter(until),
		})
		if err != nil {
			return err
		}
		uids = between(uids, lo, hi)
		s.covered, s.rest = uint32(lo), lo > 1
		if over := len(uids) - limit; over > 0 {
			uids, s.rest = uids[over:], true
			s.covered = uint32(uids[0])
		}
		wanted := func(_ imap.UID, it mailbox.Item) bool {
			return !it.ReceivedAt.Before(from.Truncate(time.Second)) && it.ReceivedAt.Before(until)
		}
		if err := c.collect(ctx, s, uids, wanted); err != nil {
			return err
		}
		slices.Reverse(s.found)
		if len(s.found) > 0 || !s.rest {
			return nil
		}
		hi, span = uint64(s.covered)-1, s.folder.wider(span)
	}
	return nil
}

// Dates of a search have no time zone (RFC 3501 section 6.4.4), so it is asked
// for a day too much on either side and the exact time decides afterwards.
func dayBefore(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().AddDate(0, 0, -1)
}

func dayAfter(t time.Time) time.Time { return t.UTC().AddDate(0, 0, 2) }

// between drops what was not asked for: "n:*" names the last mail even where
// it is below n, and a server may be wrong.
func between(uids []imap.UID, lo, hi uint64) []imap.UID {
	kept := uids[:0]
	for _, u := range uids {
		if uint64(u) >= lo && uint64(u) <= hi {
			kept = append(kept, u)
		}
	}
	return kept
}

// collect looks up what an item needs and appends the wanted ones to s.found,
// ascending. Neither header nor body is touched.
func (c *conn) collect(ctx context.Context, s *scan, uids []imap.UID, wanted func(imap.UID, mailbox.Item) bool) error {
	if len(uids) == 0 {
		return nil
	}
	rows, err := c.rows(ctx, uids...)
	if err != nil {
		return err
	}
	for _, uid := range uids {
		r, ok := rows[uid]
		if !ok {
			if r, ok, err = c.row(ctx, uid); err != nil {
				return err
			} else if !ok {
				continue // expunged meanwhile
			}
		}
		it := mailbox.Item{
			ID: itemID(s.folder.key, s.folder.validity, uid), Ref: s.folder.name,
			Size: r.size, ReceivedAt: r.received.UTC(), Sent: s.folder.sent, Draft: r.draft,
		}
		if wanted(uid, it) {
			s.found = append(s.found, entry{uid, it})
		}
	}
	return nil
}

// row is what a listing tells about a mail.
type row struct {
	uid      imap.UID
	size     int64
	received time.Time
	draft    bool
	sized    bool
}

// rows fetches the rows of mails and drops those that are not complete: an
// unsolicited FETCH can take the place of the answer.
func (c *conn) rows(ctx context.Context, uids ...imap.UID) (map[imap.UID]row, error) {
	rows := map[imap.UID]row{}
	x := exchange{budget: smallBudget + rowBudget*int64(len(uids))}
	err := c.do(ctx, opChanges, x, func(cl *imapclient.Client) error {
		cmd := cl.Fetch(imap.UIDSetNum(uids...), &imap.FetchOptions{UID: true, RFC822Size: true, InternalDate: true, Flags: true})
		for m := cmd.Next(); m != nil; m = cmd.Next() {
			if r := readRow(m); r.uid != 0 && r.sized && !r.received.IsZero() {
				rows[r.uid] = r
			}
		}
		return cmd.Close()
	})
	return rows, err
}

func readRow(m *imapclient.FetchMessageData) (r row) {
	for item := m.Next(); item != nil; item = m.Next() {
		switch item := item.(type) {
		case imapclient.FetchItemDataUID:
			r.uid = item.UID
		case imapclient.FetchItemDataRFC822Size:
			r.size, r.sized = item.Size, true
		case imapclient.FetchItemDataInternalDate:
			r.received = item.Time
		case imapclient.FetchItemDataFlags:
			for _, f := range item.Flags {
				r.draft = r.draft || f == imap.FlagDraft
			}
		}
	}
	return r
}

// row asks for one mail again. Only a server that does not know the UID any
// more makes it pass for expunged.
func (c *conn) row(ctx context.Context, uid imap.UID) (row, bool, error) {
	rows, err := c.rows(ctx, uid)
	if err != nil {
		return row{}, false, err
	}
	if r, ok := rows[uid]; ok {
		return r, true, nil
	}
	seq, err := c.exists(ctx, opChanges, uid)
	if err != nil || seq == 0 {
		return row{}, false, err
	}
	return row{}, false, fail(opChanges, mailbox.Transient, "server withholds a mail", nil)
}
