package extending

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

// Provider opens drop folders: mail is files that somebody puts into a folder.
type Provider struct{}

// Name implements mailbox.Provider.
func (Provider) Name() string { return "drop" }

// Capabilities implements mailbox.Provider.
func (Provider) Capabilities() mailbox.Capabilities { return mailbox.Capabilities{FindSent: true} }

// Open implements mailbox.Provider.
func (Provider) Open(ctx context.Context, s mailbox.Session) (mailbox.Conn, error) {
	a, err := parseAccount(s.Account)
	if err == nil && len(s.Intake.Folders) > 0 {
		err = errFolders
	}
	if err != nil {
		return nil, fail("open", err)
	}
	f, err := openFolder(ctx, a.Dir)
	if err != nil {
		return nil, fail("open", err)
	}
	return &conn{f, s.Intake.Since}, nil
}

// conn is an open drop folder.
type conn struct {
	*folder
	since time.Time
}

// Changes implements mailbox.Conn.
func (c *conn) Changes(ctx context.Context, q mailbox.Query) (page mailbox.Page, err error) {
	l, err := c.list(ctx)
	if err != nil {
		return page, fail("changes", err)
	}
	at, err := start(q, l)
	if err != nil {
		return page, fail("changes", err)
	}
	if q.Stream == mailbox.Backfill {
		slices.Reverse(l.files) // newest first
	}
	for _, m := range l.files {
		if !at.wants(m, q.Stream, c.since) {
			continue
		}
		if page.More = len(page.Items) == q.Limit; page.More {
			break
		}
		page.Items = append(page.Items, mailbox.Item{ID: m.name, Size: m.size, ReceivedAt: m.at})
		at.N = m.n
	}
	page.Next = at.cursor()
	return page, nil
}

// Fetch implements mailbox.Conn.
func (c *conn) Fetch(ctx context.Context, it mailbox.Item, limit int64) (mailbox.Raw, error) {
	raw, err := c.get(ctx, it.ID, limit)
	if err != nil {
		return mailbox.Raw{}, fail("fetch", err)
	}
	return mailbox.Raw{Bytes: raw}, nil
}

// Send implements mailbox.Conn.
func (c *conn) Send(ctx context.Context, o mailbox.Outgoing) (mailbox.Receipt, error) {
	name, err := c.put(ctx, o)
	if err != nil {
		e := fail("send", err)
		e.Unsent = !errors.Is(err, errDoubt)
		return mailbox.Receipt{}, e
	}
	return mailbox.Receipt{ID: name, Filed: true}, nil
}

// FindSent implements mailbox.Conn.
func (c *conn) FindSent(ctx context.Context, s mailbox.Sought) (mailbox.Receipt, error) {
	name, err := c.find(ctx, s)
	if err != nil {
		return mailbox.Receipt{}, fail("findsent", err)
	}
	return mailbox.Receipt{ID: name, Filed: true}, nil
}

// Close implements mailbox.Conn. Calls after it fail with os.ErrClosed.
func (c *conn) Close() error { return c.root.Close() }

// kinds classifies what the folder says. All else passes by itself, or is
// tried again.
var kinds = map[error]mailbox.Kind{
	errAccount: mailbox.Permanent, errFolders: mailbox.Unsupported, errEpoch: mailbox.CursorExpired,
	errGone: mailbox.NotFound, errLarge: mailbox.TooLarge, errAddress: mailbox.Permanent,
	fs.ErrPermission: mailbox.Auth, // a person has to change it
}

// fail makes the contract's error. Its Cause is one of our own texts: that of
// the file system would name the folder.
func fail(op string, err error) *mailbox.Error {
	for known, kind := range kinds {
		if errors.Is(err, known) {
			return &mailbox.Error{Op: op, Kind: kind, Cause: known.Error(), Err: err}
		}
	}
	return &mailbox.Error{Op: op, Kind: mailbox.Transient, Cause: "the folder cannot be used", Err: err}
}
