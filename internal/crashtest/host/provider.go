package host

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/helpdesk-go/helpdesk/internal/crashtest/wire"
	"github.com/helpdesk-go/helpdesk/mailbox"
)

// remote is a driver whose provider is the harness.
type remote struct {
	set    wire.Settings
	client *wire.Client
	crash  *crash
	last   atomic.Int64 // connection
}

// Name implements mailbox.Provider.
func (p *remote) Name() string { return p.set.Provider }

// Capabilities implements mailbox.Provider.
func (p *remote) Capabilities() mailbox.Capabilities { return p.set.Capabilities }

// Open implements mailbox.Provider.
func (p *remote) Open(ctx context.Context, s mailbox.Session) (mailbox.Conn, error) {
	// The name is ours, so that a connection whose answer came too late can be
	// given up.
	c := &remoteConn{p: p, id: int64(p.client.Worker)<<32 | p.last.Add(1)}
	if _, err := p.call(ctx, wire.Call{Op: "open", Conn: c.id, Session: s}, p.set.Patience); err != nil {
		_ = c.Close()
		return nil, err
	}
	caps := p.set.Capabilities
	switch {
	case caps.Drafts:
		return struct {
			*remoteConn
			remoteDrafts
			remoteWait
		}{c, remoteDrafts{c}, remoteWait{c}}, nil
	case caps.Files:
		return struct {
			*remoteConn
			remoteFile
			remoteWait
		}{c, remoteFile{c}, remoteWait{c}}, nil
	default:
		return struct {
			*remoteConn
			remoteWait
		}{c, remoteWait{c}}, nil
	}
}

// call makes one call. The deadline is the driver's own, so a provider that
// does what it was asked and never says so is a time-out.
func (p *remote) call(ctx context.Context, c wire.Call, patience time.Duration) (wire.Answer, error) {
	c.Worker = p.client.Worker
	step := wire.CallStep(c.Op)
	p.crash.before(step)
	if patience > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	var a wire.Answer
	if err := p.client.Do(ctx, "/call", c, &a); err != nil {
		return a, &mailbox.Error{Op: c.Op, Kind: mailbox.Transient, Cause: "no answer", Err: ctx.Err()}
	}
	p.crash.after(step)
	return a, a.Error.Err()
}

// remoteConn is a connection without optional abilities.
type remoteConn struct {
	p  *remote
	id int64
}

func (c *remoteConn) call(ctx context.Context, q wire.Call) (wire.Answer, error) {
	q.Conn = c.id
	return c.p.call(ctx, q, c.p.set.Patience)
}

// Changes implements mailbox.Conn.
func (c *remoteConn) Changes(ctx context.Context, q mailbox.Query) (mailbox.Page, error) {
	a, err := c.call(ctx, wire.Call{Op: "changes", Query: q})
	return a.Page, err
}

// Fetch implements mailbox.Conn.
func (c *remoteConn) Fetch(ctx context.Context, it mailbox.Item, max int64) (mailbox.Raw, error) {
	a, err := c.call(ctx, wire.Call{Op: "fetch", Item: it, Max: max})
	return a.Raw, err
}

// Send implements mailbox.Conn.
func (c *remoteConn) Send(ctx context.Context, o mailbox.Outgoing) (mailbox.Receipt, error) {
	a, err := c.call(ctx, wire.Call{Op: "send", Out: o})
	return a.Receipt, err
}

// FindSent implements mailbox.Conn.
func (c *remoteConn) FindSent(ctx context.Context, s mailbox.Sought) (mailbox.Receipt, error) {
	if !c.p.set.Capabilities.FindSent {
		return mailbox.Receipt{}, &mailbox.Error{Op: "findsent", Kind: mailbox.Unsupported, Cause: "no way to look"}
	}
	a, err := c.call(ctx, wire.Call{Op: "findsent", Sought: s})
	return a.Receipt, err
}

// Close implements mailbox.Conn.
func (c *remoteConn) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), c.p.set.Patience)
	defer cancel()
	q := wire.Call{Op: "close", Conn: c.id, Worker: c.p.client.Worker}
	_ = c.p.client.Do(ctx, "/call", q, &wire.Answer{}) // the harness closes it with the process
	return nil
}

// remoteDrafts is mailbox.Drafter.
type remoteDrafts struct{ c *remoteConn }

// Draft implements mailbox.Drafter.
func (d remoteDrafts) Draft(ctx context.Context, o mailbox.Outgoing) (string, error) {
	a, err := d.c.call(ctx, wire.Call{Op: "draft", Out: o})
	return a.ID, err
}

// FindDraft implements mailbox.Drafter.
func (d remoteDrafts) FindDraft(ctx context.Context, marker string) (string, error) {
	a, err := d.c.call(ctx, wire.Call{Op: "finddraft", ID: marker})
	return a.ID, err
}

// SendDraft implements mailbox.Drafter.
func (d remoteDrafts) SendDraft(ctx context.Context, draft string) (mailbox.Receipt, error) {
	a, err := d.c.call(ctx, wire.Call{Op: "senddraft", ID: draft})
	return a.Receipt, err
}

// DraftPresent implements mailbox.Drafter.
func (d remoteDrafts) DraftPresent(ctx context.Context, draft string) (bool, error) {
	a, err := d.c.call(ctx, wire.Call{Op: "draftpresent", ID: draft})
	return a.Present, err
}

// remoteFile is mailbox.Filer.
type remoteFile struct{ c *remoteConn }

// File implements mailbox.Filer.
func (f remoteFile) File(ctx context.Context, o mailbox.Outgoing) (mailbox.Receipt, error) {
	a, err := f.c.call(ctx, wire.Call{Op: "file", Out: o})
	return a.Receipt, err
}

// remoteWait is mailbox.Waiter.
type remoteWait struct{ c *remoteConn }

// Wait implements mailbox.Waiter. It has no deadline of its own.
func (w remoteWait) Wait(ctx context.Context) error {
	_, err := w.c.p.call(ctx, wire.Call{Op: "wait", Conn: w.c.id}, 0)
	if ctx.Err() != nil {
		return nil
	}
	return err
}
