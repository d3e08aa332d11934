package postgres

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/helpdesk-go/helpdesk/internal/testpg"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/privacy/ledgertest"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

func reopenLedger(t *testing.T, dsn string) *Ledger {
	t.Helper()
	l, err := OpenLedger(t.Context(), dsn, LedgerOptions{})
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	must(t, l.Migrate(t.Context()))
	return l
}

func announce(t *testing.T, l privacy.Ledger) privacy.Position {
	t.Helper()
	at, err := l.Append(t.Context(), ledgertest.Entry(privacy.LedgerErase))
	must(t, err)
	return at
}

func TestLedgerConformance(t *testing.T) {
	ledgertest.Run(t, func(t *testing.T) privacy.Ledger { return reopenLedger(t, testpg.DSN(t)) })
	dsns := map[string]string{}
	ledgertest.RunDurable(t, func(t *testing.T, dir string) privacy.Ledger {
		if dsns[dir] == "" {
			dsns[dir] = testpg.DSN(t)
		}
		return reopenLedger(t, dsns[dir])
	})
}

// TestLedgerIsAppendOnly: the database itself refuses to change what is there.
func TestLedgerIsAppendOnly(t *testing.T) {
	dsn := testpg.DSN(t)
	l := reopenLedger(t, dsn)
	announce(t, l)
	announce(t, l)
	conn := dial(t, dsn)
	for _, sql := range []string{
		`UPDATE helpdesk_ledger.entries SET kind = 'hold' WHERE n = 1`,
		`DELETE FROM helpdesk_ledger.entries WHERE n = 2`,
		`TRUNCATE helpdesk_ledger.entries`,
		`UPDATE helpdesk_ledger.ledger SET n = n - 1`,
		`UPDATE helpdesk_ledger.ledger SET id = gen_random_uuid(), n = n + 1`,
		`DELETE FROM helpdesk_ledger.ledger`,
		`TRUNCATE helpdesk_ledger.ledger`,
	} {
		_, err := conn.Exec(t.Context(), sql)
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || pg.Code != "23001" {
			t.Errorf("%s: got %v, want the ledger's refusal", sql, err)
		}
	}
	if at, err := privacy.VerifyLedger(t.Context(), l, privacy.Position{}); err != nil || at.N != 2 {
		t.Fatalf("%+v, %v", at, err)
	}
}

// TestLedgerTampering: whoever removes the triggers first is found by the
// chain, by each of the methods that reads what he changed.
func TestLedgerTampering(t *testing.T) {
	for name, edit := range map[string]struct {
		atEnd bool // it is found without reading the entries before the last
		sql   string
	}{
		"slots edited":    {false, `UPDATE helpdesk_ledger.entries SET slots = '{}' WHERE n = 2`},
		"time edited":     {false, `UPDATE helpdesk_ledger.entries SET at = at + interval '1 us' WHERE n = 2`},
		"tenant edited":   {false, `UPDATE helpdesk_ledger.entries SET tenant = 'other' WHERE n = 2`},
		"hash edited":     {false, `UPDATE helpdesk_ledger.entries SET hash = decode(repeat('ab', 32), 'hex') WHERE n = 2`},
		"middle removed":  {false, `DELETE FROM helpdesk_ledger.entries WHERE n = 2`},
		"first removed":   {false, `DELETE FROM helpdesk_ledger.entries WHERE n = 1`},
		"last removed":    {true, `DELETE FROM helpdesk_ledger.entries WHERE n = 3`},
		"all removed":     {true, `TRUNCATE helpdesk_ledger.entries`},
		"head removed":    {true, `TRUNCATE helpdesk_ledger.ledger`},
		"head set back":   {true, `UPDATE helpdesk_ledger.ledger SET n = 2, hash = (SELECT hash FROM helpdesk_ledger.entries WHERE n = 2)`},
		"another ledger":  {true, `UPDATE helpdesk_ledger.ledger SET id = gen_random_uuid()`},
		"numbers swapped": {false, `UPDATE helpdesk_ledger.entries SET n = 4 WHERE n = 1; UPDATE helpdesk_ledger.entries SET n = 1 WHERE n = 2; UPDATE helpdesk_ledger.entries SET n = 2 WHERE n = 4`},
		"an entry added": {true, `INSERT INTO helpdesk_ledger.entries
			SELECT 4, gen_random_uuid(), kind, at, tenant, mailbox, ticket, contact, part, slots, keep, body, hash FROM helpdesk_ledger.entries WHERE n = 3`},
	} {
		t.Run(name, func(t *testing.T) {
			dsn := testpg.DSN(t)
			l := reopenLedger(t, dsn)
			var at privacy.Position
			for range 3 {
				at = announce(t, l)
			}
			exec(t, dsn, `ALTER TABLE helpdesk_ledger.entries DISABLE TRIGGER USER`)
			exec(t, dsn, `ALTER TABLE helpdesk_ledger.ledger DISABLE TRIGGER USER`)
			exec(t, dsn, edit.sql)
			if _, err := privacy.VerifyLedger(t.Context(), l, privacy.Position{}); !errors.Is(err, privacy.ErrLedger) {
				t.Fatalf("got %v, want ErrLedger", err)
			}
			if !edit.atEnd {
				return
			}
			if _, err := privacy.LedgerLag(t.Context(), l, at); !errors.Is(err, privacy.ErrLedger) {
				t.Fatalf("LedgerLag: got %v, want ErrLedger", err)
			}
			if _, err := l.Append(t.Context(), ledgertest.Entry(privacy.LedgerErase)); !errors.Is(err, privacy.ErrLedger) {
				t.Fatalf("Append: got %v, want ErrLedger", err)
			}
		})
	}
}

// TestLedgerRolledBack: an older copy in the place of the ledger hangs
// together, and is found by those who have seen more.
func TestLedgerRolledBack(t *testing.T) {
	dsn := testpg.DSN(t)
	l := reopenLedger(t, dsn)
	announce(t, l)
	reached := announce(t, l)
	exec(t, dsn, `ALTER TABLE helpdesk_ledger.entries DISABLE TRIGGER USER`)
	exec(t, dsn, `ALTER TABLE helpdesk_ledger.ledger DISABLE TRIGGER USER`)
	exec(t, dsn, `DELETE FROM helpdesk_ledger.entries WHERE n = 2`)
	exec(t, dsn, `UPDATE helpdesk_ledger.ledger SET n = 1, hash = (SELECT hash FROM helpdesk_ledger.entries WHERE n = 1)`)
	if _, err := privacy.LedgerLag(t.Context(), l, reached); !errors.Is(err, privacy.ErrLedgerBehind) {
		t.Fatalf("got %v, want ErrLedgerBehind", err)
	}
	announce(t, l)
	if _, err := privacy.LedgerLag(t.Context(), l, reached); !errors.Is(err, privacy.ErrLedger) {
		t.Fatalf("after it has grown: got %v, want ErrLedger", err)
	}
}

// TestLedgerCommitsDurably: an entry waits for the disk although the
// connection string says that commits don't.
func TestLedgerCommitsDurably(t *testing.T) {
	srv := testpg.New(t)
	l := reopenLedger(t, srv.DSN(t)+"&options=-csynchronous_commit%3Doff")
	var mode string
	must(t, l.pool.QueryRow(t.Context(), `SHOW synchronous_commit`).Scan(&mode))
	if mode != "off" {
		t.Fatalf("synchronous_commit is %q: this test would prove nothing", mode)
	}
	var at privacy.Position
	for range 20 {
		at = announce(t, l)
	}
	srv.StopImmediate(t)
	if _, err := l.Append(t.Context(), ledgertest.Entry(privacy.LedgerErase)); !errors.Is(err, store.ErrUnavailable) {
		t.Fatalf("while it is down: got %v, want ErrUnavailable", err)
	}
	srv.Start(t)
	soon(t, "the ledger answers", func() bool { _, err := l.Head(t.Context()); return err == nil })
	if got, err := privacy.VerifyLedger(t.Context(), l, privacy.Position{}); err != nil || got != at {
		t.Fatalf("after a crash the ledger ends at %d, want %d: %v", got.N, at.N, err)
	}
}

func TestLedgerLifecycle(t *testing.T) {
	dsn := testpg.DSN(t)
	l, err := OpenLedger(t.Context(), dsn, LedgerOptions{Schema: "other"})
	must(t, err)
	if !l.ID().IsZero() {
		t.Fatal("an ID before Migrate")
	}
	if _, err := l.Append(t.Context(), ledgertest.Entry(privacy.LedgerErase)); !errors.Is(err, store.ErrSchema) {
		t.Fatalf("Append before Migrate: got %v, want ErrSchema", err)
	}
	if err := l.Validate(t.Context()); !errors.Is(err, store.ErrSchema) {
		t.Fatalf("Validate before Migrate: got %v, want ErrSchema", err)
	}
	must(t, l.Migrate(t.Context()))
	id := l.ID()
	must(t, l.Migrate(t.Context()))
	must(t, l.Validate(t.Context()))
	if l.ID() != id || id == (ticket.ID{}) {
		t.Fatal("the ID changed")
	}
	must(t, l.Close())
	must(t, l.Close())
	if _, err := l.Head(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Fatalf("after Close: got %v, want ErrUnavailable", err)
	}
}
