package helpdesk

import (
	"context"
	"fmt"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// The kinds of background work.
const (
	taskSync     store.TaskKind = "sync"     // read the live stream
	taskBackfill store.TaskKind = "backfill" // read the past
	taskWait     store.TaskKind = "wait"     // listen for hints
	taskSend     store.TaskKind = "send"     // send, and look into doubts
	taskFile     store.TaskKind = "file"     // keep a copy among the sent mail
)

// write commits changes in a transaction of their own.
func (d *Desk) write(ctx context.Context, c store.Changes) error {
	return d.store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		return d.apply(ctx, tx, c)
	})
}

// apply is the one way changes are written: the host's hook sees every event
// in the transaction that makes it true.
func (d *Desk) apply(ctx context.Context, tx store.Tx, c store.Changes) error {
	if err := tx.Apply(ctx, c); err != nil {
		return err
	}
	if d.cfg.OnEvent == nil {
		return nil
	}
	for _, e := range c.Events {
		if err := d.hook(ctx, tx, e); err != nil {
			return fmt.Errorf("%w: %w", ErrHook, err)
		}
	}
	return nil
}

// hook calls the host's. Its panic is its error: it must not end the process,
// nor keep what happened to a task from being written down. What it panicked
// with may be content and is left out.
func (d *Desk) hook(ctx context.Context, tx store.Tx, e ticket.Event) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("it panicked (%T)", r)
		}
	}()
	return d.cfg.OnEvent(ctx, tx, e)
}
