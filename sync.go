package helpdesk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// opened is a mailbox with an open connection and what is known about itself.
type opened struct {
	m    store.Mailbox
	conn mailbox.Conn
	self own
	set  settings
	caps mailbox.Capabilities
}

// mailboxOf reads a mailbox for work. A fenced one is ErrFenced.
func (d *Desk) mailboxOf(ctx context.Context, t ticket.TenantID, id ticket.ID) (m store.Mailbox, err error) {
	err = d.store.View(ctx, func(ctx context.Context, r store.Reader) (err error) {
		m, err = r.Mailbox(ctx, t, id)
		return err
	})
	if err == nil && m.State != store.MailboxConnected {
		err = store.ErrFenced
	}
	return m, err
}

// open opens the credential, which is logged, and connects.
func (d *Desk) open(ctx context.Context, m store.Mailbox, operation string) (*opened, error) {
	p := d.providers[m.Provider]
	if p == nil {
		return nil, ErrNoProvider
	}
	o := &opened{m: m, caps: p.Capabilities()}
	got, err := d.vault.Open(ctx, m.Tenant, operation, []privacy.Item{
		{Object: object(m, m.ID, privacy.Credentials), Sealed: m.Credential},
		{Object: object(m, m.Identity, privacy.Credentials), Sealed: m.Settings},
		{Object: object(m, m.ID, privacy.Addresses), Sealed: m.Address},
	})
	if err != nil {
		return nil, err
	}
	for _, g := range got {
		if g.Err != nil {
			return nil, g.Err
		}
	}
	if o.set, err = decode[settings](got[1].Plain); err != nil {
		return nil, err
	}
	if o.self, err = decode[own](got[2].Plain); err != nil {
		return nil, err
	}
	o.conn, err = openConn(ctx, p, mailbox.Session{Account: got[0].Plain, Intake: o.set.Intake})
	return o, err
}

// reopen replaces the connection by a fresh one.
func (d *Desk) reopen(ctx context.Context, o *opened) error {
	fresh, err := d.open(ctx, o.m, "mailbox.reopen")
	if err != nil {
		return err
	}
	_ = o.conn.Close()
	o.conn = fresh.conn
	return nil
}

// syncFor is how long one lease goes on reading before others get a turn.
const syncFor = 30 * time.Second

// fetchTries is how often a mail that does not arrive whole holds the mailbox
// up before it is quarantined.
const fetchTries = 5

// sync reads a stream from its cursor to its end, or as long as its turn
// lasts. It returns whether there is more.
func (d *Desk) sync(ctx context.Context, l *store.Lease, stream mailbox.Stream) (more bool, err error) {
	m, err := d.mailboxOf(ctx, l.Task.Tenant, l.Task.Mailbox)
	if err != nil {
		return false, err
	}
	o, err := d.open(ctx, m, "mailbox."+string(stream))
	if err != nil {
		return false, err
	}
	defer func() { _ = o.conn.Close() }()
	h, err := d.vault.Hasher(ctx, m.Tenant, m.Identity)
	if err != nil {
		return false, err
	}
	in := &intake{desk: d, m: m, self: o.self, hop: o.set.Hop, hash: h, stream: stream, lease: l}
	cursor := m.LiveCursor
	if stream == mailbox.Backfill {
		cursor = m.BackfillCursor
	}
	for turn := d.now().Add(syncFor); ; {
		page, err := o.changes(ctx, stream, cursor, d.cfg.PageSize)
		if err != nil {
			return false, err
		}
		if err := in.page(ctx, o, page, cursor); err != nil {
			return false, err
		}
		cursor = page.Next
		if !page.More || d.now().After(turn) {
			return page.More, nil
		}
	}
}

// changes lists a page, starting over when the provider forgot the cursor.
func (o *opened) changes(ctx context.Context, s mailbox.Stream, c mailbox.Cursor, limit int) (mailbox.Page, error) {
	q := mailbox.Query{Stream: s, Cursor: c, Limit: limit, From: o.m.ConnectedAt}
	list := func(ctx context.Context) (mailbox.Page, error) { return o.conn.Changes(ctx, q) }
	page, err := call(ctx, "changes", list)
	if err != nil && mailbox.KindOf(err) == mailbox.CursorExpired {
		q.Resync = true
		if s == mailbox.Backfill {
			q.Cursor, q.Resync = nil, false // newest first again; what is known is recognised
		}
		page, err = call(ctx, "changes", list)
	}
	return page, err
}

// page fetches what is new of a listing and stores it, and with the last of it
// the cursor.
func (in *intake) page(ctx context.Context, o *opened, page mailbox.Page, from mailbox.Cursor) error {
	items, err := in.unknown(ctx, page.Items)
	if err != nil {
		return err
	}
	var batch []*arrival
	var size int
	came := false // a mail of this page came through
	for i, it := range items {
		a, err := in.fetch(ctx, o, it)
		if err != nil && in.heldUp(ctx, err) {
			a, err = in.insist(ctx, o, it, items[i+1:], came)
		}
		if a != nil {
			batch, size = append(batch, a), size+len(a.raw)
		}
		if err != nil {
			// What came before the trouble is kept; the cursor stays.
			if e := in.commit(ctx, batch, tail{}); len(batch) > 0 && e != nil {
				return e
			}
			return err
		}
		came = came || a != nil && a.cause == ""
		if size > batchBytes {
			if err := in.commit(ctx, batch, tail{}); err != nil {
				return err
			}
			batch, size = nil, 0
		}
	}
	if len(batch) == 0 && string(from) == string(page.Next) {
		return nil
	}
	move := store.CursorMove{Mailbox: in.m.ID, Stream: in.stream, From: from, To: page.Next}
	return in.commit(ctx, batch, tail{cursor: &move})
}

// unknown leaves out what needs no fetching: drafts, departures, and mail that
// was taken in under the same id.
func (in *intake) unknown(ctx context.Context, items []mailbox.Item) ([]mailbox.Item, error) {
	var out []mailbox.Item
	var probes []store.Seen
	for _, it := range items {
		if !it.Draft && !it.Removed && it.ID != "" {
			out = append(out, it)
			probes = append(probes, store.Seen{ProviderID: it.ID, ReceivedAt: it.ReceivedAt.UTC()})
		}
	}
	if len(out) == 0 {
		return nil, nil
	}
	var known []store.Seen
	err := in.desk.store.View(ctx, func(ctx context.Context, r store.Reader) (err error) {
		known, err = r.Known(ctx, in.m.Tenant, in.m.ID, probes)
		return err
	})
	if err != nil {
		return nil, err
	}
	n := 0
	for i, it := range out {
		if known[i].Object.IsZero() {
			out[n] = it
			n++
		}
	}
	return out[:n], nil
}

// fetch gets one mail. A mail that is gone is nil, one that is too large is
// quarantined unseen.
func (in *intake) fetch(ctx context.Context, o *opened, it mailbox.Item) (*arrival, error) {
	raw, err := call(ctx, "fetch", func(ctx context.Context) (mailbox.Raw, error) {
		return o.conn.Fetch(ctx, it, in.desk.cfg.MaxMail)
	})
	switch {
	case err == nil:
		return in.arrived(it, raw), nil
	case mailbox.KindOf(err) == mailbox.NotFound:
		return nil, nil
	case mailbox.KindOf(err) == mailbox.TooLarge:
		return in.unfetched(it, causeTooLarge), nil
	default:
		return nil, err
	}
}

func (in *intake) unfetched(it mailbox.Item, cause string) *arrival {
	a := blankArrival(it, in.desk.now())
	a.cause = cause
	in.desk.log.Warn("mail quarantined", "mailbox", in.m.ID, "message", a.message, "cause", a.cause)
	return a
}

// heldUp reports whether a mail that failed to arrive has had its tries.
func (in *intake) heldUp(ctx context.Context, err error) bool {
	k := mailbox.KindOf(err)
	return (k == mailbox.Transient || k == mailbox.Permanent) && ctx.Err() == nil && in.tried() >= fetchTries
}

func (in *intake) tried() int {
	if in.lease == nil {
		return 0
	}
	return in.lease.Task.Attempts + 1
}

// insist finds out whether the mail or the provider is to blame. The mail is
// tried once more on a fresh connection; it is quarantined when others come
// through or there are none. When none of the next does, it is the provider's
// bad day, on which no good mail may end in quarantine; only after twice as
// many tries a single one does, so that some bad mails in a row cannot block
// the mailbox for ever.
func (in *intake) insist(ctx context.Context, o *opened, it mailbox.Item, rest []mailbox.Item, came bool) (*arrival, error) {
	if err := in.desk.reopen(ctx, o); err != nil {
		return nil, err
	}
	a, err := in.fetch(ctx, o, it)
	if err == nil || !in.heldUp(ctx, err) {
		return a, err
	}
	cause := err
	for _, other := range rest[:min(len(rest), 3)] {
		if came {
			break
		}
		if err := in.desk.reopen(ctx, o); err != nil {
			return nil, err
		}
		_, err := in.fetch(ctx, o, other)
		came = err == nil
	}
	switch {
	case came || len(rest) == 0:
		return in.unfetched(it, causeFetch), in.desk.reopen(ctx, o)
	case in.tried() >= 2*fetchTries:
		return in.unfetched(it, causeFetch), cause
	default:
		return nil, cause
	}
}

// workSync is the task that reads the live stream.
func (d *Desk) workSync(ctx context.Context, l *store.Lease) error {
	more, err := d.sync(ctx, l, mailbox.Live)
	again := d.cfg.PollEvery
	if more {
		again = 0
	}
	return d.settle(ctx, l, err, store.Finish{Again: true, After: again})
}

// workBackfill is the task that reads the past. It leaves room for live work
// between its turns, and ends with the window.
func (d *Desk) workBackfill(ctx context.Context, l *store.Lease) error {
	more, err := d.sync(ctx, l, mailbox.Backfill)
	return d.settle(ctx, l, err, store.Finish{Again: more, After: time.Second})
}

// workWait listens for hints as long as the process runs. A hint only wakes
// the sync task.
func (d *Desk) workWait(ctx context.Context, l *store.Lease) error {
	err := d.wait(ctx, l)
	return d.settle(ctx, l, err, store.Finish{Again: true})
}

func (d *Desk) wait(ctx context.Context, l *store.Lease) error {
	m, err := d.mailboxOf(ctx, l.Task.Tenant, l.Task.Mailbox)
	if err != nil {
		return err
	}
	o, err := d.open(ctx, m, "mailbox.wait")
	if err != nil {
		return err
	}
	defer func() { _ = o.conn.Close() }()
	w, ok := o.conn.(mailbox.Waiter)
	if !ok {
		return &mailbox.Error{Op: "wait", Kind: mailbox.Unsupported, Cause: "the connection cannot wait"}
	}
	for {
		// What arrived before listening began gave no hint, so the first sync
		// comes at once.
		err := d.write(ctx, store.Changes{
			Tenant: m.Tenant, Lease: l,
			Tasks: []store.Task{d.task(m.Tenant, m.ID, taskSync, ticket.ID{}, 0)},
		})
		if err != nil {
			return err
		}
		if err := w.Wait(ctx); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// errNoSubject: the message that a task is about is not there any more.
var errNoSubject = errors.New("helpdesk: what the task was about is gone")

// subject turns the absence of what a task is about into errNoSubject.
func subject(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return errNoSubject
	}
	return err
}

// gone reports whether a task has lost its object, so that it ends for good. An
// error alone proves nothing of the kind, because hooks, blob stores and key
// stores use the same words about other things: the mailbox itself is asked.
func (d *Desk) gone(ctx context.Context, l *store.Lease, err error) bool {
	if err == nil || errors.Is(err, errNoSubject) {
		return err != nil
	}
	var m store.Mailbox
	e := d.store.View(ctx, func(ctx context.Context, r store.Reader) (err error) {
		m, err = r.Mailbox(ctx, l.Task.Tenant, l.Task.Mailbox)
		return err
	})
	return errors.Is(e, store.ErrNotFound) || e == nil && m.State != store.MailboxConnected
}

// describe is an error for the log: its kind and cause, never foreign text.
func describe(err error) string {
	var remote *mailbox.Error
	if errors.As(err, &remote) {
		return remote.Error()
	}
	for _, known := range []error{
		store.ErrUnavailable, store.ErrStale, store.ErrLeaseLost, store.ErrFenced, store.ErrNotFound, store.ErrRejected,
		store.ErrSchema, ErrHook, ErrNoProvider, privacy.ErrAccessLog, privacy.ErrErased, privacy.ErrSealed, privacy.ErrNoKey,
		privacy.ErrFenced, privacy.ErrDenied, context.Canceled, context.DeadlineExceeded,
	} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return fmt.Sprintf("unknown (%T)", err)
}
