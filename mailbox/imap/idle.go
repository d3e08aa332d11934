package imap

import (
	"context"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

// leaveTime is how long the end of an IDLE may take once Wait is to return.
const leaveTime = 5 * time.Second

// lookTime is how long a Wait that is to return may go on looking at the
// folder, so that its end does not cost the connection.
const lookTime = 2 * time.Second

// Wait implements mailbox.Waiter with IDLE (RFC 2177) on the first folder. It
// leaves IDLE after each slice and looks itself, because some servers and
// most NATs let an IDLE die without a word. Where several folders are read, the
// end of a slice is a hint, as IDLE tells of one alone.
func (c *conn) Wait(ctx context.Context) error {
	if ctx.Err() != nil {
		return nil
	}
	if !c.caps.Has(imap.CapIdle) && !c.caps.Has(imap.CapIMAP4rev2) {
		return c.sleep(ctx, c.p.opts.PollInterval)
	}
	for {
		select {
		case <-c.stirred: // a hint from before the last look
		default:
		}
		f, err := c.examine(ctx, opWait, c.chosen()[0])
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if was, ok := c.seen[f.key]; ok && (was.validity != f.validity || was.next != f.next ||
			f.next == 0 && was.messages != f.messages) {
			return nil
		}
		hint, err := c.idle(ctx)
		if ctx.Err() != nil || hint {
			return nil
		}
		if err != nil {
			return err
		}
		if len(c.seen) > 1 {
			return nil
		}
	}
}

// sleep stands for IDLE where there is none.
func (c *conn) sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	case <-c.done:
		return fail(opWait, mailbox.Transient, "connection is closed", errClosed)
	}
	return nil
}

// idle spends one slice in IDLE. The context's end leaves it in an orderly way
// and keeps the connection.
func (c *conn) idle(ctx context.Context) (hint bool, err error) {
	err = c.do(context.WithoutCancel(ctx), opWait, exchange{}, func(cl *imapclient.Client) error {
		stop := context.AfterFunc(ctx, func() { c.g.extend(leaveTime) })
		cmd, err := cl.Idle()
		if err != nil {
			stop()
			return err
		}
		if stop() {
			c.g.extend(c.p.opts.IdleSlice + leaveTime)
		}
		slice := time.NewTimer(c.p.opts.IdleSlice)
		defer slice.Stop()
		select {
		case <-c.stirred:
			hint = true
		case <-slice.C:
		case <-ctx.Done():
		case <-c.done:
		case <-cl.Closed():
		}
		c.g.extend(leaveTime)
		if err := cmd.Close(); err != nil {
			return err
		}
		return cmd.Wait()
	})
	return hint && err == nil, err
}
