package imap

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

// slowest is the rate in bytes a second below which moving a mail fails.
const slowest = 32 << 10

// transfer returns the bounds for moving a mail. TLS adds to its size.
func transfer(size int64) exchange {
	return exchange{
		budget: smallBudget + size + size/4,
		extra:  time.Duration(size/slowest) * time.Second,
		mail:   true,
	}
}

// Fetch implements mailbox.Conn. It asks for BODY.PEEK[], because some servers
// answer RFC822 without a body, and never for ENVELOPE or BODYSTRUCTURE, whose
// parsing is the server's and breaks on odd mail.
func (c *conn) Fetch(ctx context.Context, it mailbox.Item, maxSize int64) (mailbox.Raw, error) {
	key, validity, uid, ok := parseItemID(it.ID)
	name := folderName(it.Ref)
	if !ok || folderKey(name) != key {
		return mailbox.Raw{}, fail(opFetch, mailbox.NotFound, "item is not of this mailbox", nil)
	}
	if maxSize = min(maxSize, c.p.opts.MaxMailSize); maxSize <= 0 {
		return mailbox.Raw{}, fail(opFetch, mailbox.TooLarge, "no mail is small enough", nil)
	}
	if b := c.ahead.take(it.ID); b != nil && ctx.Err() == nil && !c.stopped() {
		if int64(len(b)) > maxSize {
			return mailbox.Raw{}, fail(opFetch, mailbox.TooLarge, "mail is larger than allowed", nil)
		}
		return mailbox.Raw{Bytes: b}, nil
	}
	if c.current == nil || c.current.name != name {
		if _, err := c.examine(ctx, opFetch, name); err != nil {
			return mailbox.Raw{}, err
		}
	}
	if c.current.validity != validity {
		// The UID may name another mail now. Asking for changes again tells
		// the caller that the cursor has expired.
		return mailbox.Raw{}, fail(opFetch, mailbox.Transient, "UIDVALIDITY has changed", nil)
	}
	var batch []listed
	if !c.inexact {
		batch = c.ahead.plan(it.ID, maxSize)
	}
	size, known := c.ahead.size(it.ID)
	if !known {
		var err error
		if size, err = c.size(ctx, uid); err != nil {
			return mailbox.Raw{}, err
		}
	}
	if size > maxSize {
		return mailbox.Raw{}, fail(opFetch, mailbox.TooLarge, "mail is larger than allowed", nil)
	}
	if len(batch) > 1 {
		if b, err := c.fetchAhead(ctx, batch, maxSize); b != nil || err != nil {
			return mailbox.Raw{Bytes: b}, err
		}
	}
	b, err := c.body(ctx, uid, size, maxSize)
	return mailbox.Raw{Bytes: b}, err
}

// part is one FETCH answer.
type part struct {
	uid   imap.UID
	size  int64
	sized bool
	body  []byte
	whole bool
}

// parts runs one FETCH. What comes back is worth nothing with an error.
func (c *conn) parts(ctx context.Context, x exchange, set imap.NumSet, o *imap.FetchOptions, maxSize int64) ([]part, error) {
	var parts []part
	err := c.do(ctx, opFetch, x, func(cl *imapclient.Client) error {
		cmd := cl.Fetch(set, o)
		for m := cmd.Next(); m != nil; m = cmd.Next() {
			p, err := readPart(m, maxSize)
			if err != nil {
				c.g.kill(errClosed) // or Close would read the rest
				if errors.Is(err, errCut) {
					// The library goes on reading by itself now; Close
					// beside it would be a data race.
					<-cl.Closed()
				}
				_ = cmd.Close() // fails as the connection is gone
				return err
			}
			parts = append(parts, p)
		}
		return cmd.Close()
	})
	return parts, err
}

func readPart(m *imapclient.FetchMessageData, maxSize int64) (p part, err error) {
	for item := m.Next(); item != nil; item = m.Next() {
		switch item := item.(type) {
		case imapclient.FetchItemDataUID:
			p.uid = item.UID
		case imapclient.FetchItemDataRFC822Size:
			p.size, p.sized = item.Size, true
		case imapclient.FetchItemDataBodySection:
			if item.Literal == nil || p.whole {
				continue
			}
			if item.Literal.Size() > maxSize {
				return p, fail(opFetch, mailbox.TooLarge, "mail is larger than the server said", nil)
			}
			// Room for what the server announced, within reason: the rest grows
			// as it comes.
			room := bytes.NewBuffer(make([]byte, 0, min(item.Literal.Size(), aheadBytes)+bytes.MinRead))
			_, err = room.ReadFrom(io.LimitReader(item.Literal, item.Literal.Size()+1))
			p.body = room.Bytes()
			if err != nil || int64(len(p.body)) != item.Literal.Size() {
				return p, errCut
			}
			p.whole = true
		}
	}
	return p, nil
}

// size asks for RFC822.SIZE of a mail. It never changes, so what the listing
// told need not be asked again.
func (c *conn) size(ctx context.Context, uid imap.UID) (int64, error) {
	o := &imap.FetchOptions{UID: true, RFC822Size: true}
	got, err := c.parts(ctx, exchange{}, imap.UIDSetNum(uid), o, c.p.opts.MaxMailSize)
	if err != nil {
		return 0, err
	}
	for _, p := range got {
		if p.uid == uid && p.sized {
			return p.size, nil
		}
	}
	seq, err := c.exists(ctx, opFetch, uid)
	if err != nil {
		return 0, err
	}
	if seq == 0 {
		return 0, fail(opFetch, mailbox.NotFound, "mail is gone", nil)
	}
	if got, err = c.parts(ctx, exchange{}, imap.SeqSetNum(seq), o, c.p.opts.MaxMailSize); err != nil {
		return 0, err
	}
	for _, p := range got {
		if p.uid == uid && p.sized {
			return p.size, nil
		}
	}
	return 0, fail(opFetch, mailbox.Transient, "server does not tell the size", nil)
}

// body returns a mail that arrived whole. The library loses it when the server
// puts UID behind it or an unsolicited FETCH before it, without an error; then
// it is asked for once more by sequence number, where the first answer counts
// whatever the order. A body of another size than stated is asked for again as
// well, until one came twice the same: then the server's sizes are estimates.
func (c *conn) body(ctx context.Context, uid imap.UID, size, maxSize int64) ([]byte, error) {
	o := &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{{Peek: true}}}
	first, err := c.parts(ctx, transfer(size), imap.UIDSetNum(uid), o, maxSize)
	if err != nil {
		return nil, err
	}
	b := pick(first, uid)
	if c.arrived(b, size) {
		return b, nil
	}
	if len(b) > 0 {
		c.inexact = true
	}
	c.ahead.stop() // or more would be lost of each exchange
	seq, err := c.exists(ctx, opFetch, uid)
	if err != nil {
		return nil, err
	}
	if seq == 0 {
		return nil, fail(opFetch, mailbox.NotFound, "mail is gone", nil)
	}
	second, err := c.parts(ctx, transfer(max(size, int64(len(b)))), imap.SeqSetNum(seq), o, maxSize)
	if err != nil {
		return nil, err
	}
	a := pick(second, uid)
	switch {
	case c.arrived(a, size):
		return a, nil
	case len(a) > 0 && string(a) == string(b):
		// Exchange states sizes that are estimates. Twice the same bytes in
		// a whole literal are the mail.
		c.estimates = true
		return a, nil
	}
	return nil, fail(opFetch, mailbox.Transient, "mail did not arrive whole", errIncomplete)
}

// arrived reports whether a body is the mail of a stated size. A missing one
// never is, nor an empty one for which bytes were stated.
func (c *conn) arrived(b []byte, size int64) bool {
	return b != nil && int64(len(b)) == size || len(b) > 0 && c.estimates
}

var errCut = errors.New("imap: the connection ended within a body")

var errIncomplete = errors.New("imap: the body is missing or has another size than stated")

func pick(parts []part, uid imap.UID) []byte {
	for _, p := range parts {
		if p.uid == uid && p.whole {
			return p.body
		}
	}
	return nil
}
