package postgres

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
)

// attempts is how often a closure runs at most.
const attempts = 5

// View implements [store.Store]. It runs at REPEATABLE READ, read only. A
// connection that broke is replaced and fn runs again, once.
func (s *Store) View(ctx context.Context, fn func(ctx context.Context, r store.Reader) error) error {
	if err := s.usable(ctx, "view"); err != nil {
		return err
	}
	return repeatOn(ctx, s.pool, "view", func() (error, bool) {
		r := &reader{schema: s.schema, pool: s.pool, begin: viewOptions}
		defer r.end(ctx)
		err := fn(privacy.WithinTx(ctx), r)
		return err, lost(r.failed)
	})
}

// Update implements [store.Store]. It runs at READ COMMITTED: every write
// checks what it was decided on. After a deadlock or a serialization failure
// fn runs again, at most five times in all. An error that is
// [store.ErrUnavailable] may come from the commit itself, so that the outcome
// is unknown.
func (s *Store) Update(ctx context.Context, fn func(ctx context.Context, tx store.Tx) error) error {
	if err := s.usable(ctx, "update"); err != nil {
		return err
	}
	return repeatOn(ctx, s.pool, "update", func() (error, bool) { return s.update(ctx, fn) })
}

func (s *Store) update(ctx context.Context, fn func(ctx context.Context, tx store.Tx) error) (err error, broken bool) {
	tx, err := s.pool.BeginTx(ctx, updateOptions)
	if err != nil {
		err = classify(ctx, "update", err)
		return err, lost(err) // nothing has happened yet
	}
	t := &txn{reader: reader{schema: s.schema, tx: tx}}
	defer t.end(ctx)
	err = fn(privacy.WithinTx(ctx), t)
	switch {
	case conflict(t.failed) != "":
		return t.failed, false // whatever fn made of it
	case err != nil:
		return err, false
	case t.failed != nil:
		// fn went on after a failed Apply, part of which may be written.
		return t.failed, false
	case ctx.Err() != nil:
		return &Error{Op: "update", kind: ctx.Err()}, false
	}
	t.over.Store(true)
	return commit(ctx, tx)
}

// commit ends a transaction. When the answer is missing nobody knows whether
// it committed: that is unavailability, even if ctx ended. pgconn.SafeToRetry
// is no help: pgx 5.12 says "conn closed", safe to retry, also when it was the
// answer to COMMIT that got lost.
func commit(ctx context.Context, tx pgx.Tx) (err error, broken bool) {
	if tx.Conn().IsClosed() {
		return fail("commit", store.ErrUnavailable), true // nothing is sent
	}
	err = tx.Commit(ctx)
	var pg *pgconn.PgError
	switch {
	case err == nil:
		return nil, false
	case errors.Is(err, pgx.ErrTxCommitRollback):
		return fail("commit", store.ErrRejected), false
	case errors.As(err, &pg):
		return &Error{Op: "commit", Code: pg.Code, kind: kindOf(pg.Code)}, false
	default:
		return &Error{Op: "commit", kind: store.ErrUnavailable, cause: ctx.Err()}, false
	}
}

// repeatOn runs a transaction again after conflicts, and once when the
// connection turned out dead before anything could have happened.
func repeatOn(ctx context.Context, pool *pgxpool.Pool, op string, once func() (err error, broken bool)) error {
	replaced := false
	for n := 1; ; n++ {
		err, broken := once()
		switch {
		case err == nil:
			return nil
		case broken && !replaced:
			// The other idle connections are probably as dead as this one.
			replaced = true
			pool.Reset()
		case conflict(err) == "":
			return err
		case n < attempts:
			if !pause(ctx, n) {
				return &Error{Op: op, kind: ctx.Err()}
			}
		default:
			return &Error{Op: op, Code: conflict(err), kind: store.ErrUnavailable}
		}
	}
}

// pause waits a random while that grows, so that those in conflict part.
func pause(ctx context.Context, n int) bool {
	wait := time.Duration(rand.Int64N(int64(10*time.Millisecond) << n))
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// usable tells a call that can go on from one that would wait for the
// connection its own caller holds.
func (s *Store) usable(ctx context.Context, op string) error {
	switch {
	case privacy.InTx(ctx):
		return errNested
	case s.closed.Load():
		return fail(op+" after Close", store.ErrUnavailable)
	case ctx.Err() != nil:
		return &Error{Op: op, kind: ctx.Err()}
	}
	return nil
}

// batch sends statements in one round trip and one transaction of their own.
func (s *Store) batch(ctx context.Context, op string, steps ...step) error {
	if err := s.usable(ctx, op); err != nil {
		return err
	}
	return classify(ctx, op, sendBatch(ctx, s.pool, s.schema, steps))
}

type batcher interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// sendBatch sends statements outside a transaction: the server treats those
// of one batch as one transaction.
func sendBatch(ctx context.Context, conn batcher, in schema, steps []step) error {
	b := &pgx.Batch{}
	for _, s := range steps {
		b.Queue(in.sql(s.sql), s.args...)
	}
	results := conn.SendBatch(ctx, b)
	for _, s := range steps {
		if err := s.read(results); err != nil {
			_ = results.Close()
			return err
		}
	}
	return results.Close()
}

// newEpoch raises the epoch of the event log when the log holds transactions
// that this cluster has not come to yet: the database was restored from a dump
// of another one.
var newEpoch = step{sql: `UPDATE {s}.deployment d SET epoch = epoch + 1 WHERE EXISTS (SELECT 1 FROM {s}.events e
	WHERE e.epoch = d.epoch AND e.tx >= pg_snapshot_xmax(pg_current_snapshot()))`}

// Deployment implements [store.Store]. Every desk asks it first, so it is also
// where a restored database is noticed.
func (s *Store) Deployment(ctx context.Context) (store.Deployment, error) {
	var d store.Deployment
	err := s.batch(ctx, "deployment", newEpoch, s.readDeployment(&d))
	if err == nil && d.ID.IsZero() {
		err = fail("deployment", store.ErrNotFound)
	}
	return d, err
}

// Clock implements [store.Store].
func (s *Store) Clock(ctx context.Context) (time.Time, error) {
	var now time.Time
	err := s.batch(ctx, "clock", step{sql: `SELECT clock_timestamp()`, rows: func(rows pgx.Rows) error {
		for rows.Next() {
			if err := rows.Scan(moment{&now}); err != nil {
				return err
			}
		}
		return rows.Err()
	}})
	return now, err
}

// Bind implements [store.Store].
func (s *Store) Bind(ctx context.Context, d store.Deployment) (store.Deployment, error) {
	if d.ID.IsZero() || d.Keys.IsZero() {
		return store.Deployment{}, fail("bind without ids", store.ErrRejected)
	}
	var is store.Deployment
	err := s.batch(ctx, "bind", step{
		sql: `INSERT INTO {s}.deployment (id, keys, ledger) VALUES ($1, $2, $3)
			ON CONFLICT (one) DO UPDATE SET ledger = coalesce(deployment.ledger, excluded.ledger)`,
		args: []any{uid{&d.ID}, uid{&d.Keys}, uid{&d.Ledger}},
	}, s.readDeployment(&is))
	return is, err
}

func (s *Store) readDeployment(d *store.Deployment) step {
	return step{sql: `SELECT id, keys, ledger, reached, reached_hash FROM {s}.deployment`, rows: func(rows pgx.Rows) error {
		for rows.Next() {
			var hash []byte
			if err := rows.Scan(uid{&d.ID}, uid{&d.Keys}, uid{&d.Ledger}, &d.Reached.N, &hash); err != nil {
				return err
			}
			copy(d.Reached.Hash[:], hash)
		}
		return rows.Err()
	}}
}
