package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/helpdesk-go/helpdesk/internal/testpg"
	"github.com/helpdesk-go/helpdesk/store"
)

func unmigrated(t *testing.T, dsn string, o Options) *Store {
	t.Helper()
	s, err := OpenWith(t.Context(), dsn, o)
	must(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestMigrateBySeveralAtOnceAndAgain(t *testing.T) {
	dsn := testpg.DSN(t)
	var wg sync.WaitGroup
	for range 8 {
		s := unmigrated(t, dsn, Options{MaxConns: 1})
		wg.Go(func() {
			if err := s.Migrate(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	s := unmigrated(t, dsn, Options{})
	must(t, s.Migrate(t.Context()))
	must(t, s.Validate(t.Context()))
	connected(t, s, "acme")
}

func TestValidate(t *testing.T) {
	dsn := testpg.DSN(t)
	s := unmigrated(t, dsn, Options{})
	if err := s.Validate(t.Context()); !errors.Is(err, store.ErrSchema) {
		t.Errorf("without a schema: %v", err)
	}
	if err := apply(t.Context(), s, store.Changes{Tenant: "acme", NewMailboxes: []store.Mailbox{newMailbox("acme")}}); !errors.Is(err, store.ErrSchema) {
		t.Errorf("writing without a schema: %v", err)
	}
	must(t, s.Migrate(t.Context()))
	must(t, s.Validate(t.Context()))
	all, err := migrationsOf(storeMigrations)
	must(t, err)
	newer := func(by int, name string) {
		exec(t, dsn, fmt.Sprintf("INSERT INTO helpdesk.migrations (version, name) VALUES (%d, '%s')", len(all)+by, name))
	}
	// The next version's expansion is no reason to stop; the one after is.
	newer(1, "later")
	must(t, s.Validate(t.Context()))
	must(t, s.Migrate(t.Context()))
	newer(2, "much later")
	if err := s.Validate(t.Context()); !errors.Is(err, store.ErrSchema) {
		t.Errorf("two versions ahead: %v", err)
	}
	if err := s.Migrate(t.Context()); !errors.Is(err, store.ErrSchema) {
		t.Errorf("migrating a schema two versions ahead: %v", err)
	}
}

func TestMigrateTx(t *testing.T) {
	dsn := testpg.DSN(t)
	s := unmigrated(t, dsn, Options{})
	host := dial(t, dsn)
	for _, commit := range []bool{false, true} {
		tx, err := host.Begin(t.Context())
		must(t, err)
		_, err = tx.Exec(t.Context(), "CREATE TABLE theirs ()")
		must(t, err)
		must(t, s.MigrateTx(t.Context(), tx))
		if commit {
			must(t, tx.Commit(t.Context()))
			must(t, s.Validate(t.Context()))
			continue
		}
		must(t, tx.Rollback(t.Context()))
		if err := s.Validate(t.Context()); !errors.Is(err, store.ErrSchema) {
			t.Errorf("after a rollback: %v", err)
		}
	}
	connected(t, s, "acme")
}

func TestSchemasSideBySide(t *testing.T) {
	dsn := testpg.DSN(t)
	a := reopen(t, dsn, Options{Schema: "Desk_A"})
	b := reopen(t, dsn, Options{Schema: "select"})
	box := connected(t, a, "acme")
	must(t, apply(t.Context(), a, page(box, 1)))
	read := func(s *Store) error {
		return s.View(t.Context(), func(ctx context.Context, r store.Reader) error {
			_, err := r.Mailbox(ctx, box.Tenant, box.ID)
			return err
		})
	}
	must(t, read(a))
	if err := read(b); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the other schema: %v", err)
	}
	wakeA, err := a.Wake(t.Context())
	must(t, err)
	other := connected(t, b, "acme")
	must(t, apply(t.Context(), b, store.Changes{Tenant: "acme", Tasks: []store.Task{{ID: newID(), Tenant: "acme", Mailbox: other.ID, Kind: "sync"}}}))
	got, err := a.Claim(t.Context(), store.Claim{Limit: 10, For: 1e9})
	must(t, err)
	if len(got) != 0 {
		t.Error("claimed a task of the other schema")
	}
	select {
	case <-wakeA:
		t.Error("woken by the other schema")
	default:
	}
	// The schema may be made beforehand by somebody with more rights.
	exec(t, dsn, "CREATE SCHEMA made_before")
	reopen(t, dsn, Options{Schema: "made_before"})
}

// TestUniqueConstraintsStartWithTenant keeps the tables fit for partitioning by
// tenant, and every key of content fit for nothing else.
func TestUniqueConstraintsStartWithTenant(t *testing.T) {
	_, dsn := open(t, Options{})
	rows, err := dial(t, dsn).Query(t.Context(), `SELECT c.relname || '.' || i.relname, coalesce(a.attname, '')
		FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
		JOIN pg_namespace n ON n.oid = c.relnamespace
		LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.indkey[0]
		WHERE n.nspname = 'helpdesk' AND x.indisunique AND c.relname NOT IN ('migrations', 'deployment', 'consumers')`)
	must(t, err)
	n := 0
	for rows.Next() {
		var index, column string
		must(t, rows.Scan(&index, &column))
		if column != "tenant" {
			t.Errorf("unique index %s starts with %s", index, column)
		}
		n++
	}
	must(t, rows.Err())
	if n < 12 {
		t.Errorf("looked at %d indexes only", n)
	}
	// Identifiers compare byte by byte whatever the database's collation.
	rows, err = dial(t, dsn).Query(t.Context(), `SELECT table_name || '.' || column_name FROM information_schema.columns
		WHERE table_schema = 'helpdesk' AND table_name <> 'migrations' AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'`)
	must(t, err)
	for rows.Next() {
		var column string
		must(t, rows.Scan(&column))
		t.Errorf("%s has the database's collation", column)
	}
	must(t, rows.Err())
}

func TestHashPartitioned(t *testing.T) {
	s, dsn := open(t, Options{})
	for _, table := range []string{"mailboxes", "tickets", "messages", "seen", "hits", "members", "contacts",
		"quarantine", "deliveries", "events", "tasks", "blobs", "access_log"} {
		exec(t, dsn, "ALTER TABLE helpdesk."+table+" RENAME TO old_"+table)
		exec(t, dsn, "CREATE TABLE helpdesk."+table+" (LIKE helpdesk.old_"+table+" INCLUDING ALL) PARTITION BY HASH (tenant)")
		for _, i := range []string{"0", "1", "2"} {
			exec(t, dsn, "CREATE TABLE helpdesk."+table+"_"+i+" PARTITION OF helpdesk."+table+" FOR VALUES WITH (MODULUS 3, REMAINDER "+i+")")
		}
	}
	box := connected(t, s, "acme")
	must(t, apply(t.Context(), s, page(box, 5)))
	must(t, apply(t.Context(), s, store.Changes{Tenant: "acme", Tasks: []store.Task{{ID: newID(), Tenant: "acme", Mailbox: box.ID, Kind: "sync"}}}))
	got, err := s.Claim(t.Context(), store.Claim{Limit: 10, For: 1e9})
	must(t, err)
	if len(got) != 1 {
		t.Errorf("claimed %d tasks, want 1", len(got))
	}
}
