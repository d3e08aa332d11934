package imap

import (
	"context"

	"github.com/emersion/go-imap/v2"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

// Bounds of what is fetched before it is asked for.
const (
	aheadMails = 32        // mails in one exchange
	aheadMail  = 256 << 10 // bytes of a mail; a larger one travels alone
	aheadBytes = 1 << 20   // bytes of all of them together
)

// ahead saves round trips for a caller that fetches a page mail by mail. It
// remembers the sizes that the listing told, and fetches the next mails of the
// page along with the one that is asked for: twice as many each time as long
// as the caller takes them in the order of the page, and none after a leap,
// because a caller leaps over what it has already.
type ahead struct {
	listed []listed
	index  map[string]int // into listed, by item ID
	bodies map[string][]byte
	last   int // index of the mail that was asked for last
	run    int // how many mails the next exchange may fetch
}

// listed is a mail of the last page.
type listed struct {
	id, folder string
	uid        imap.UID
	size       int64
}

// expect forgets everything and prepares for a page. Drafts are never asked
// for.
func (a *ahead) expect(items []mailbox.Item) {
	*a = ahead{index: map[string]int{}, bodies: map[string][]byte{}, last: -2}
	for _, it := range items {
		if _, _, uid, ok := parseItemID(it.ID); ok && !it.Draft && !it.Removed {
			a.index[it.ID] = len(a.listed)
			a.listed = append(a.listed, listed{it.ID, it.Ref, uid, it.Size})
		}
	}
}

// take returns a mail that was fetched already and hands it over.
func (a *ahead) take(id string) []byte {
	b := a.bodies[id]
	if b != nil {
		delete(a.bodies, id)
		a.last = a.index[id]
	}
	return b
}

// size returns the size that the listing told of a mail.
func (a *ahead) size(id string) (size int64, known bool) {
	i, ok := a.index[id]
	if !ok || a.listed[i].size <= 0 {
		return 0, false
	}
	return a.listed[i].size, true
}

// plan returns the mails to fetch for one that is asked for, itself first, or
// nothing if its size is not known.
func (a *ahead) plan(id string, maxSize int64) []listed {
	if _, known := a.size(id); !known {
		return nil
	}
	i := a.index[id]
	if i == a.last+1 {
		a.run = min(a.run*2, aheadMails)
	} else {
		a.run = 1
	}
	a.last = i
	clear(a.bodies) // leapt over
	first := a.listed[i]
	end, total := i+1, first.size
	for end < len(a.listed) && end-i < a.run && total <= aheadBytes {
		m := a.listed[end]
		if total += m.size; m.folder != first.folder || m.size <= 0 || m.size > min(aheadMail, maxSize) || total > aheadBytes {
			break
		}
		end++
	}
	return a.listed[i:end]
}

// stop makes every mail travel alone until the next leap or page.
func (a *ahead) stop() { a.run = 0 }

// fetchAhead fetches mails of the selected folder in one exchange, keeps those
// that arrived whole and returns the first, or nil if it is not among them. No
// error blames a mail: which of them caused it is found out by who asks again,
// on a fresh connection, where the first mail travels alone.
func (c *conn) fetchAhead(ctx context.Context, batch []listed, maxSize int64) ([]byte, error) {
	var set imap.UIDSet
	var total int64
	for _, m := range batch {
		set.AddNum(m.uid)
		total += m.size
	}
	o := &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{{Peek: true}}}
	got, err := c.parts(ctx, transfer(total), set, o, maxSize)
	if err != nil {
		if e := asError(opFetch, err); e.Kind == mailbox.TooLarge {
			err = fail(opFetch, mailbox.Transient, e.Cause, e.Err)
		}
		return nil, err
	}
	for _, m := range batch {
		b := pick(got, m.uid)
		if int64(len(b)) == m.size {
			c.ahead.bodies[m.id] = b
		} else if len(b) > 0 {
			c.inexact = true
		}
	}
	return c.ahead.take(batch[0].id), nil
}
