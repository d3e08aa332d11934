package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

const (
	defaultLedgerSchema = "helpdesk_ledger"
	ledgerMigrations    = "migrations/ledger"
)

// LedgerOptions are the choices beside the connection string of a ledger. The
// zero value is usable.
type LedgerOptions struct {
	// Schema is where the ledger is; default "helpdesk_ledger".
	Schema string
	// MaxConns bounds the pool; default the greater of 4 and the CPUs.
	MaxConns int
}

// Ledger implements [privacy.Ledger]. It belongs into another database than
// the content and the keys, on another server if it can be: what is restored
// together with the content cannot tell that the content was restored. A
// trigger refuses to change or remove entries, and the chain shows it where
// somebody removed the trigger first.
type Ledger struct {
	schema schema
	pool   *pgxpool.Pool
	id     atomic.Pointer[ticket.ID]
	closed atomic.Bool
}

var _ privacy.Ledger = (*Ledger)(nil)

// OpenLedger connects to the database of the ledger. Errors are those of
// [Open]. Before the first Migrate the ledger has no ID.
func OpenLedger(ctx context.Context, dsn string, o LedgerOptions) (*Ledger, error) {
	in, config, err := configure(dsn, defaultLedgerSchema, Options{
		Schema: o.Schema, MaxConns: o.MaxConns, ApplicationName: "helpdesk-ledger"})
	if err != nil {
		return nil, err
	}
	pool, err := connect(ctx, config)
	if err != nil {
		return nil, err
	}
	l := &Ledger{schema: in, pool: pool}
	if err := l.identify(ctx); err != nil && !errors.Is(err, store.ErrSchema) {
		pool.Close()
		return nil, err
	}
	return l, nil
}

// identify reads the ID that Migrate made.
func (l *Ledger) identify(ctx context.Context) error {
	var id ticket.ID
	err := l.pool.QueryRow(ctx, l.schema.sql(`SELECT id FROM {s}.ledger`)).Scan(uid{&id})
	if errors.Is(err, pgx.ErrNoRows) {
		return fail("ledger without its first row", privacy.ErrLedger)
	}
	if err == nil {
		l.id.Store(&id)
	}
	return classify(ctx, "ledger", err)
}

// Migrate creates the schema or brings it to this version. Several processes
// may call it at once; calling it again changes nothing.
func (l *Ledger) Migrate(ctx context.Context) error {
	if err := l.usable(ctx, "migrate ledger"); err != nil {
		return err
	}
	if err := migrate(ctx, l.pool, l.schema, ledgerMigrations); err != nil {
		return err
	}
	return l.identify(ctx)
}

// MigrateTx is Migrate in the host's transaction. It commits nothing; the ID is
// known after the next Migrate or OpenLedger.
func (l *Ledger) MigrateTx(ctx context.Context, tx pgx.Tx) error {
	return classify(ctx, "migrate ledger", migrateTx(ctx, tx, l.schema, ledgerMigrations))
}

// Validate returns [store.ErrSchema] unless the schema is of this version or
// the next one.
func (l *Ledger) Validate(ctx context.Context) error {
	if err := l.usable(ctx, "validate ledger"); err != nil {
		return err
	}
	return validateSchema(ctx, l.pool, l.schema, ledgerMigrations)
}

// Close frees the connections. Closing twice does nothing.
func (l *Ledger) Close() error {
	if !l.closed.Swap(true) {
		l.pool.Close()
	}
	return nil
}

// ID implements [privacy.Ledger]. It is zero before the first Migrate.
func (l *Ledger) ID() ticket.ID {
	if id := l.id.Load(); id != nil {
		return *id
	}
	return ticket.ID{}
}

func (l *Ledger) usable(ctx context.Context, op string) error {
	if l.closed.Load() {
		return fail(op+" after Close", store.ErrUnavailable)
	}
	if err := ctx.Err(); err != nil {
		return &Error{Op: op, kind: err}
	}
	return nil
}

// Append implements [privacy.Ledger]. An error that is [store.ErrUnavailable]
// may come from the commit itself, so that the outcome is unknown: append the
// same entry again.
func (l *Ledger) Append(ctx context.Context, e privacy.LedgerEntry) (at privacy.Position, err error) {
	const op = "append to the ledger"
	if err := l.usable(ctx, op); err != nil {
		return privacy.Position{}, err
	}
	if e, err = e.Prepare(); err != nil {
		return privacy.Position{}, err
	}
	if l.ID().IsZero() {
		return privacy.Position{}, fail(op+" before Migrate", store.ErrSchema)
	}
	err = repeatOn(ctx, l.pool, op, func() (err error, broken bool) {
		at, err = l.append(ctx, op, e)
		return err, false
	})
	if err != nil {
		return privacy.Position{}, err
	}
	return at, nil
}

// append looks at the end of the chain under a lock and adds the entry before
// letting go of it, in three round trips: look, add, commit.
func (l *Ledger) append(ctx context.Context, op string, e privacy.LedgerEntry) (privacy.Position, error) {
	r := &reader{schema: l.schema, pool: l.pool, begin: updateOptions}
	defer r.end(ctx)
	var head, last, first privacy.Position
	var id ticket.ID
	err := r.run(ctx, op,
		// The entry is announced before something is destroyed, so it must be
		// on the disk, whatever the connection string says about commits.
		step{sql: `SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'`},
		readHead(&id, &head, `FOR UPDATE`),
		readPosition(&last, `ORDER BY e.n DESC LIMIT 1`),
		readPosition(&first, `WHERE e.id = $1 AND e.kind = $2`, uid{&e.ID}, str(&e.Kind)))
	switch {
	case err != nil:
		return privacy.Position{}, err
	case id != l.ID() || last != head:
		return privacy.Position{}, fail(op, privacy.ErrLedger)
	case first.N > 0:
		return first, nil
	}
	at := e.Chain(id, head)
	e.N = at.N
	hash := at.Hash[:]
	err = r.run(ctx, op, step{
		sql: `INSERT INTO {s}.entries (n, id, kind, at, tenant, mailbox, ticket, contact, part, slots, keep, body, hash)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::uuid[], $11::uuid[], $12, $13)`,
		args: []any{e.N, uid{&e.ID}, str(&e.Kind), moment{&e.At}, []byte(e.Scope.Tenant), uid{&e.Scope.Mailbox},
			uid{&e.Scope.Ticket}, uid{&e.Scope.Contact}, str(&e.Scope.Part), uuids(e.Slots), uuids(e.Keep),
			octets{(*[]byte)(&e.Body)}, hash},
	}, step{sql: `UPDATE {s}.ledger SET n = $1, hash = $2`, args: []any{e.N, hash}})
	if err != nil {
		return privacy.Position{}, err
	}
	r.over.Store(true)
	err, _ = commit(ctx, r.tx)
	return at, err
}

func readHead(id *ticket.ID, at *privacy.Position, lock string) step {
	return step{sql: `SELECT l.id, l.n, l.hash FROM {s}.ledger l ` + lock, rows: func(rows pgx.Rows) error {
		if !rows.Next() {
			if err := rows.Err(); err != nil {
				return err
			}
			return fail("ledger without its first row", privacy.ErrLedger)
		}
		var hash []byte
		if err := rows.Scan(uid{id}, &at.N, &hash); err != nil {
			return err
		}
		copy(at.Hash[:], hash)
		return rows.Err()
	}}
}

func readPosition(at *privacy.Position, where string, args ...any) step {
	return step{sql: `SELECT e.n, e.hash FROM {s}.entries e ` + where, args: args, rows: func(rows pgx.Rows) error {
		for rows.Next() {
			var hash []byte
			if err := rows.Scan(&at.N, &hash); err != nil {
				return err
			}
			copy(at.Hash[:], hash)
		}
		return rows.Err()
	}}
}

// Read implements [privacy.Ledger].
func (l *Ledger) Read(ctx context.Context, n int64, limit int) ([]privacy.LedgerEntry, error) {
	n = max(n, 0)
	out, _, err := l.look(ctx, n, func(int64) (int64, int) { return n, max(limit, 0) })
	return out, err
}

// At implements [privacy.Ledger].
func (l *Ledger) At(ctx context.Context, n int64) (privacy.Position, error) {
	_, at, err := l.look(ctx, n, func(int64) (int64, int) { return lastOne(n) })
	return at, err
}

// Head implements [privacy.Ledger].
func (l *Ledger) Head(ctx context.Context) (privacy.Position, error) {
	_, at, err := l.look(ctx, 0, lastOne)
	return at, err
}

// lastOne says how to read the last of n entries.
func lastOne(n int64) (after int64, limit int) {
	if n < 1 {
		return 0, 0
	}
	return n - 1, 1
}

// look reads the entries that which names when it is told how many there are,
// checks them against the chain, and returns the position after the last of
// them. There must be at least a number of entries.
func (l *Ledger) look(ctx context.Context, least int64, which func(entries int64) (after int64, limit int)) ([]privacy.LedgerEntry, privacy.Position, error) {
	const op = "read the ledger"
	if err := l.usable(ctx, op); err != nil {
		return nil, privacy.Position{}, err
	}
	var out []privacy.LedgerEntry
	var at privacy.Position
	err := repeatOn(ctx, l.pool, op, func() (error, bool) {
		r := &reader{schema: l.schema, pool: l.pool, begin: viewOptions}
		defer r.end(ctx)
		var err error
		out, at, err = l.chain(ctx, op, r, least, which)
		return err, lost(r.failed)
	})
	if err != nil {
		return nil, privacy.Position{}, err
	}
	return out, at, nil
}

func (l *Ledger) chain(ctx context.Context, op string, r *reader, least int64, which func(int64) (int64, int)) ([]privacy.LedgerEntry, privacy.Position, error) {
	var id ticket.ID
	var head, last privacy.Position
	if err := r.run(ctx, op, readHead(&id, &head, ""), readPosition(&last, `ORDER BY e.n DESC LIMIT 1`)); err != nil {
		return nil, privacy.Position{}, err
	}
	broken := func(n int64) ([]privacy.LedgerEntry, privacy.Position, error) {
		return nil, privacy.Position{}, fail(fmt.Sprintf("%s at entry %d", op, n), privacy.ErrLedger)
	}
	if id != l.ID() || last != head {
		return broken(head.N)
	}
	if least > head.N {
		return nil, privacy.Position{}, fail(op, privacy.ErrLedgerBehind)
	}
	after, limit := which(head.N)
	var at privacy.Position
	var page []privacy.LedgerEntry
	var hashes [][32]byte
	err := r.run(ctx, op, readPosition(&at, `WHERE e.n = $1`, after), readEntries(&page, &hashes, after, limit))
	if err != nil {
		return nil, privacy.Position{}, err
	}
	if at.N != after || int64(len(page)) != min(int64(limit), head.N-after) {
		return broken(after + 1)
	}
	for i, e := range page {
		if at = e.Chain(id, at); e.N != at.N || hashes[i] != at.Hash {
			return broken(at.N)
		}
	}
	return page, at, nil
}

func readEntries(page *[]privacy.LedgerEntry, hashes *[][32]byte, after int64, limit int) step {
	return step{
		sql: `SELECT e.n, e.id, e.kind, e.at, e.tenant, e.mailbox, e.ticket, e.contact, e.part,
			e.slots::text[], e.keep::text[], e.body, e.hash
			FROM {s}.entries e WHERE e.n > $1 ORDER BY e.n LIMIT $2`,
		args: []any{after, limit},
		rows: func(rows pgx.Rows) error {
			for rows.Next() {
				var e privacy.LedgerEntry
				var tenant, hash []byte
				err := rows.Scan(&e.N, uid{&e.ID}, str(&e.Kind), moment{&e.At}, &tenant, uid{&e.Scope.Mailbox},
					uid{&e.Scope.Ticket}, uid{&e.Scope.Contact}, str(&e.Scope.Part), objects{&e.Slots}, objects{&e.Keep},
					octets{(*[]byte)(&e.Body)}, &hash)
				if err != nil {
					return err
				}
				e.Scope.Tenant = ticket.TenantID(tenant)
				*page, *hashes = append(*page, e), append(*hashes, [32]byte(hash))
			}
			return rows.Err()
		},
	}
}
