package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/helpdesk-go/helpdesk/store"
)

//go:embed migrations
var migrationFiles embed.FS

// The folders of the two schemas' migrations.
const (
	storeMigrations = "migrations/store"
	slotsMigrations = "migrations/slots"
)

// migration is one numbered file. Files are only ever added.
type migration struct {
	version int
	name    string
	sql     string
}

// migrationsOf reads a folder of migrations, which must be numbered from 1.
func migrationsOf(dir string) ([]migration, error) {
	entries, err := fs.ReadDir(migrationFiles, dir)
	if err != nil {
		return nil, err
	}
	var out []migration
	for i, e := range entries {
		text, err := fs.ReadFile(migrationFiles, path.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		version, err := strconv.Atoi(e.Name()[:4])
		if err != nil || version != i+1 {
			return nil, errors.New("postgres: migrations are not numbered from 0001")
		}
		out = append(out, migration{version, e.Name(), string(text)})
	}
	return out, nil
}

// Migrate creates the schema or brings it to this version. Several processes
// may call it at once; calling it again changes nothing.
func (s *Store) Migrate(ctx context.Context) error {
	if err := s.usable(ctx, "migrate"); err != nil {
		return err
	}
	return migrate(ctx, s.pool, s.schema, storeMigrations)
}

// MigrateTx is Migrate in the host's transaction, for hosts that migrate all
// their tables together. It commits nothing.
func (s *Store) MigrateTx(ctx context.Context, tx pgx.Tx) error {
	return classify(ctx, "migrate", migrateTx(ctx, tx, s.schema, storeMigrations))
}

// Validate returns [store.ErrSchema] unless the schema is of this version or
// the next one, which every version can work on.
func (s *Store) Validate(ctx context.Context) error {
	if err := s.usable(ctx, "validate"); err != nil {
		return err
	}
	return validateSchema(ctx, s.pool, s.schema, storeMigrations)
}

func migrate(ctx context.Context, pool *pgxpool.Pool, in schema, dir string) error {
	tx, err := pool.Begin(ctx)
	if err != nil {
		return classify(ctx, "migrate", err)
	}
	r := &reader{tx: tx}
	defer r.end(ctx)
	// Waiting for another process that migrates is no reason to give up.
	if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0"); err != nil {
		return classify(ctx, "migrate", err)
	}
	if err := migrateTx(ctx, tx, in, dir); err != nil {
		return classify(ctx, "migrate", err)
	}
	err, _ = commit(ctx, tx)
	return err
}

func migrateTx(ctx context.Context, tx pgx.Tx, in schema, dir string) error {
	all, err := migrationsOf(dir)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", in.lock); err != nil {
		return err
	}
	// Whoever may not create schemas can use one that is there already, so
	// CREATE SCHEMA IF NOT EXISTS, which asks for the right first, won't do.
	var exists bool
	err = tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", in.name).Scan(&exists)
	if err != nil {
		return err
	}
	if !exists {
		if _, err := tx.Exec(ctx, in.sql("CREATE SCHEMA {s}")); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, in.sql(`CREATE TABLE IF NOT EXISTS {s}.migrations (
		version int PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`))
	if err != nil {
		return err
	}
	have, err := schemaVersion(ctx, tx, in)
	if err != nil {
		return err
	}
	if have > len(all)+1 {
		return fail("migrate: the schema is of a newer version", store.ErrSchema)
	}
	for _, m := range all[min(have, len(all)):] {
		if _, err := tx.Exec(ctx, in.sql(m.sql)); err != nil {
			return classify(ctx, "migrate "+m.name, err)
		}
		_, err = tx.Exec(ctx, in.sql("INSERT INTO {s}.migrations (version, name) VALUES ($1, $2)"), m.version, m.name)
		if err != nil {
			return err
		}
	}
	return nil
}

type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func schemaVersion(ctx context.Context, q querier, in schema) (int, error) {
	var version int
	err := q.QueryRow(ctx, in.sql("SELECT coalesce(max(version), 0) FROM {s}.migrations")).Scan(&version)
	return version, err
}

func validateSchema(ctx context.Context, q querier, in schema, dir string) error {
	all, err := migrationsOf(dir)
	if err != nil {
		return err
	}
	have, err := schemaVersion(ctx, q, in)
	if err != nil {
		return classify(ctx, "validate", err)
	}
	if have != len(all) && have != len(all)+1 {
		return fail(fmt.Sprintf("schema version %d, this program has %d", have, len(all)), store.ErrSchema)
	}
	return nil
}
