package postgres

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/helpdesk-go/helpdesk/store"
)

var (
	viewOptions   = pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	updateOptions = pgx.TxOptions{IsoLevel: pgx.ReadCommitted}
)

// reader reads in one transaction.
type reader struct {
	schema schema
	tx     pgx.Tx
	// pool begins the transaction with the first statement, which saves a
	// round trip; nil when tx was begun already.
	pool  *pgxpool.Pool
	begin pgx.TxOptions
	over  atomic.Bool
	// failed is the first error that left the transaction unfit to commit.
	failed error
}

// txn reads and writes in one transaction.
type txn struct {
	reader
	// joined is set when the transaction is the host's: it decides about
	// commit and rollback.
	joined bool
}

var _ store.Tx = (*txn)(nil)

// Join makes a [store.Tx] of the host's own transaction, for a store in the
// default schema. Whatever is written through it is committed or rolled back
// by the host. When a method of it fails, the transaction is spoilt: it cannot
// commit any more, so that half of a change is never kept. A host that wants
// to go on after a failure joins a savepoint (tx.Begin).
func Join(tx pgx.Tx) store.Tx {
	s, _ := newSchema(defaultSchema) // the constant is valid
	return join(s, tx)
}

// Join is [Join] for this store's schema.
func (s *Store) Join(tx pgx.Tx) store.Tx { return join(s.schema, tx) }

func join(s schema, tx pgx.Tx) store.Tx {
	return &txn{reader: reader{schema: s, tx: tx}, joined: true}
}

// Unwrap returns the transaction behind a tx of this package, so that the
// host's own rows commit with the library's. The host must not end it.
func Unwrap(tx store.Tx) (pgx.Tx, bool) {
	t, ok := tx.(*txn)
	if !ok || t.tx == nil {
		return nil, false
	}
	return t.tx, true
}

// step is one statement of a batch and what its result means. Exactly one of
// rows and tag is set, or none when there is nothing to learn.
type step struct {
	sql  string
	args []any
	rows func(pgx.Rows) error
	tag  func(affected int64) error
}

// run sends all steps in one round trip. The first step that fails decides the
// error: what came after it is rolled back with it.
func (r *reader) run(ctx context.Context, op string, steps ...step) error {
	if r.over.Load() {
		return errOver
	}
	if r.failed != nil {
		return r.failed
	}
	if err := ctx.Err(); err != nil {
		return &Error{Op: op, kind: err}
	}
	if r.tx == nil && r.pool == nil {
		return errOver
	}
	err := classify(ctx, op, r.send(ctx, steps))
	if err != nil {
		r.failed = err
	}
	return err
}

func (r *reader) send(ctx context.Context, steps []step) (err error) {
	b := &pgx.Batch{}
	begin := r.tx == nil
	if begin {
		b.BeginTx(r.begin)
	}
	for _, s := range steps {
		b.Queue(r.schema.sql(s.sql), s.args...)
	}
	var results pgx.BatchResults
	if begin {
		results = r.pool.SendBatch(ctx, b)
	} else {
		results = r.tx.SendBatch(ctx, b)
	}
	defer func() {
		closed := results.Close()
		if begin {
			r.tx = results.Tx()
		}
		if err == nil {
			err = closed
		}
	}()
	if begin {
		if _, err := results.Exec(); err != nil {
			return err
		}
	}
	for _, s := range steps {
		if err := s.read(results); err != nil {
			return err
		}
	}
	return nil
}

func (s step) read(results pgx.BatchResults) error {
	if s.rows == nil {
		tag, err := results.Exec()
		if err != nil || s.tag == nil {
			return err
		}
		return s.tag(tag.RowsAffected())
	}
	rows, err := results.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	if err := s.rows(rows); err != nil {
		return err
	}
	rows.Close()
	return rows.Err()
}

// end releases the transaction's connection. After a commit it does nothing.
// The context may be over already, the connection must be clean all the same.
func (r *reader) end(ctx context.Context) {
	r.over.Store(true)
	if r.tx == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = r.tx.Rollback(ctx) // a connection that cannot roll back is thrown away
}
