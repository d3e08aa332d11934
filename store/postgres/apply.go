package postgres

import (
	"bytes"
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// Apply implements [store.Tx]. All of the changes are one round trip: each
// statement checks by itself what it depends on, and the results are looked at
// afterwards. Locks are taken in one order everywhere, mailboxes first and by
// id, so that transactions rarely meet in a deadlock.
func (t *txn) Apply(ctx context.Context, c store.Changes) error {
	if t.over.Load() {
		return errOver
	}
	if t.failed == nil {
		if err := c.Validate(); err != nil {
			t.failed = err
		} else if p := t.plan(c); p.early != nil {
			t.failed = p.early
		} else if len(p.steps) == 0 {
			return nil
		} else if err := t.run(ctx, "apply", p.steps...); err == nil {
			return nil
		} else {
			t.failed = err
		}
	}
	t.spoil(ctx)
	return t.failed
}

// spoil makes the host's transaction unable to commit what a failed Apply left
// half written. In a transaction of the store, Update takes care of that.
func (t *txn) spoil(ctx context.Context) {
	if t.joined && t.tx != nil {
		_, _ = t.tx.Exec(ctx, "SELECT 1/0") // an error on purpose, in a transaction it sticks
	}
}

// plan collects the statements of one Apply.
type plan struct {
	tenant  ticket.TenantID
	channel string
	steps   []step
	early   error // found before anything is sent
}

func (t *txn) plan(c store.Changes) *plan {
	p := &plan{tenant: c.Tenant, channel: t.schema.channel}
	p.guard(c)
	p.premises(c)
	p.cursors(c)
	p.mailboxes(c)
	p.conversations(c)
	p.intake(c)
	p.quarantine(c)
	p.deliveries(c)
	p.registers(c)
	p.log(c)
	p.tasks(c)
	return p
}

func (p *plan) add(s step) { p.steps = append(p.steps, s) }

// exactly is the check that a statement found all rows it was meant for.
func exactly(n int, what string, kind error) func(int64) error {
	return func(affected int64) error {
		if affected != int64(n) {
			return fail("apply: "+what, kind)
		}
		return nil
	}
}

// insertRows adds the statement that inserts rows, if there are any.
func insertRows[T any](p *plan, r relation[T], rows []T) {
	if len(rows) > 0 {
		p.add(step{sql: r.insert(""), args: r.args(p.tenant, rows)})
	}
}

// updateRows adds the statements that change the rows, one for each.
func updateRows[T any](p *plan, r relation[T], rows []T, sql, what string, kind error) {
	for i := range rows {
		p.add(step{sql: sql, args: r.row(p.tenant, &rows[i]), tag: exactly(1, what, kind)})
	}
}

// guard takes the locks that hold until the end of the transaction: on the
// mailboxes, so that none is fenced meanwhile, and on the leased task.
func (p *plan) guard(c store.Changes) {
	var own []ticket.ID
	for _, m := range c.Mailboxes {
		own = append(own, m.ID)
	}
	if len(own) > 0 {
		p.add(step{sql: `SELECT 1 FROM {s}.mailboxes WHERE tenant = $1 AND id = ANY($2) ORDER BY id FOR UPDATE`,
			args: []any{string(p.tenant), uuids(own)}})
	}
	for _, m := range c.NewMailboxes {
		own = append(own, m.ID)
	}
	boxes := slices.DeleteFunc(c.Touched(), func(id ticket.ID) bool { return slices.Contains(own, id) })
	// A lost lease is the better answer than a fenced mailbox, but mailboxes
	// are locked first: whoever disconnects one locks it and then its tasks.
	var fenced error
	if len(boxes) > 0 {
		lock := "FOR KEY SHARE"
		if len(c.Premises) > 0 {
			lock = "FOR NO KEY UPDATE" // nobody else's premises are checked meanwhile
		}
		p.add(step{sql: `SELECT state FROM {s}.mailboxes WHERE tenant = $1 AND id = ANY($2) ORDER BY id ` + lock,
			args: []any{string(p.tenant), uuids(boxes)},
			rows: func(rows pgx.Rows) error {
				err := unfenced(rows, len(boxes))
				if c.Lease != nil && !isDriver(err) {
					fenced, err = err, nil
				}
				return err
			}})
	}
	if c.Lease != nil {
		p.add(step{sql: `SELECT 1 FROM {s}.tasks WHERE tenant = $1 AND id = $2 AND token = $3 FOR UPDATE`,
			args: []any{string(p.tenant), uid{&c.Lease.Task.ID}, c.Lease.Token},
			tag: func(n int64) error {
				if n != 1 {
					return fail("apply", store.ErrLeaseLost)
				}
				return fenced
			}})
	}
}

func isDriver(err error) bool {
	_, own := err.(*Error)
	return err != nil && !own
}

func unfenced(rows pgx.Rows, want int) error {
	found, open := 0, true
	for rows.Next() {
		var state store.MailboxState
		if err := rows.Scan(str(&state)); err != nil {
			return err
		}
		found++
		open = open && state == store.MailboxConnected
	}
	switch {
	case rows.Err() != nil:
		return rows.Err()
	case !open:
		return fail("apply", store.ErrFenced)
	case found != want:
		return fail("apply: mailbox of the changes", store.ErrNotFound)
	}
	return nil
}

func compareIDs(a, b ticket.ID) int { return bytes.Compare(a[:], b[:]) }

func (p *plan) cursors(c store.Changes) {
	for _, m := range c.Cursors {
		column := "live_cursor"
		if m.Stream == mailbox.Backfill {
			column = "backfill_cursor"
		}
		p.add(step{
			sql: `UPDATE {s}.mailboxes SET ` + column + ` = $4 WHERE tenant = $1 AND id = $2 AND ` +
				column + ` IS NOT DISTINCT FROM $3`,
			args: []any{string(p.tenant), uid{&m.Mailbox}, octets{(*[]byte)(&m.From)}, octets{(*[]byte)(&m.To)}},
			tag:  exactly(1, "cursor moved meanwhile", store.ErrStale),
		})
	}
}

func (p *plan) mailboxes(c store.Changes) {
	insertRows(p, mailboxes, c.NewMailboxes)
	updateRows(p, mailboxes, c.Mailboxes, mailboxes.update("t.id = x.id AND t.version = x.version - 1",
		"state", "address", "credential", "settings", "connected_at", "version"),
		"mailbox changed meanwhile", store.ErrStale)
	// Health is written here, with the other rows of mailboxes, for the sake
	// of one order of locks.
	updateRows(p, healthChanges, c.Health, healthChanges.update("t.id = x.id",
		"health_state", "health_since", "health_cause", "health_failures", "health_next_at", "health_synced_at"),
		"health of a mailbox", store.ErrNotFound)
}
