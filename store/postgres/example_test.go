package postgres_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/internal/testpg"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store/postgres"
)

// A row of the host and a reply are one transaction: Compose does what needs
// keys and plaintext before it, Join brings the reply into it, and Unwrap gives
// the OnEvent hook the same transaction.
func ExampleJoin() {
	ctx := context.Background()
	dsn, done := exampleDatabase()
	defer done()
	host, err := pgxpool.New(ctx, dsn)
	check(err)
	defer host.Close()
	_, err = host.Exec(ctx, "CREATE TABLE refunds (amount bigint CHECK (amount > 0)); CREATE TABLE log (event text)")
	check(err)

	st, err := postgres.Open(ctx, dsn)
	check(err)
	defer func() { _ = st.Close() }()
	check(st.Migrate(ctx))
	ledger, err := postgres.OpenLedger(ctx, dsn, postgres.LedgerOptions{}) // another database, in earnest
	check(err)
	defer func() { _ = ledger.Close() }()
	check(ledger.Migrate(ctx))
	fake := mailboxtest.NewFake(mailboxtest.FakeOptions{Capabilities: mailboxtest.PlainCapabilities()})
	desk, err := helpdesk.New(helpdesk.Config{
		Store: st, Keys: helpdesk.EphemeralKeys(), Ledger: helpdesk.LedgerStore(ledger), Providers: helpdesk.Providers{fake.Provider()},
		OnEvent: func(ctx context.Context, tx helpdesk.StoreTx, e helpdesk.Event) error {
			pg, _ := postgres.Unwrap(tx)
			_, err := pg.Exec(ctx, "INSERT INTO log VALUES ($1)", string(e.Type))
			return err
		},
	})
	check(err)
	acme := desk.Tenant("acme")
	_, err = acme.Connect(ctx, mailboxtest.Account{User: "acme", Email: "support@acme.example", Password: "secret"})
	check(err)
	fake.Deliver("acme", []byte("From: ann@customer.example\r\nSubject: Lamp\r\n\r\nIt is broken.\r\n"))
	_, err = desk.RunOnce(ctx)
	check(err)
	kari := privacy.As(ctx, privacy.Agent("kari"), privacy.Support)
	page, err := acme.Tickets(kari, helpdesk.TicketQuery{})
	check(err)

	refund := func(amount int) error {
		reply, err := acme.Compose(kari, page.Tickets[0].ID, helpdesk.Reply{Text: "You get your money back."})
		if err != nil {
			return err
		}
		return pgx.BeginFunc(ctx, host, func(tx pgx.Tx) error {
			if err := acme.Tx(postgres.Join(tx)).Reply(ctx, reply); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, "INSERT INTO refunds VALUES ($1)", amount)
			return err
		})
	}
	count := func(sql string) (n int) { check(host.QueryRow(ctx, sql).Scan(&n)); return n }
	report := func(what string) {
		_, err := desk.RunOnce(ctx)
		check(err)
		fmt.Printf("%s: %d refunds, %d replies queued, %d mails sent\n", what,
			count("SELECT count(*) FROM refunds"),
			count("SELECT count(*) FROM log WHERE event = 'reply.queued'"), len(fake.Sent("acme")))
	}
	if refund(-1) == nil { // the host's own table refuses it
		log.Fatal("a negative refund went through")
	}
	report("rolled back")
	check(refund(1200))
	report("committed")
	// Output:
	// rolled back: 0 refunds, 0 replies queued, 0 mails sent
	// committed: 1 refunds, 1 replies queued, 1 mails sent
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// exampleDatabase is a fresh database of the test server.
func exampleDatabase() (dsn string, done func()) {
	tb := &exampleTB{}
	dsn = testpg.DSN(tb)
	return dsn, func() {
		for _, f := range tb.cleanup {
			f()
		}
	}
}

// exampleTB lets an Example, which has no testing.T, use the test server.
type exampleTB struct {
	testing.TB
	cleanup []func()
}

func (e *exampleTB) Helper()                   {}
func (e *exampleTB) Name() string              { return "Example" }
func (e *exampleTB) Context() context.Context  { return context.Background() }
func (e *exampleTB) Cleanup(f func())          { e.cleanup = append([]func(){f}, e.cleanup...) }
func (e *exampleTB) Logf(string, ...any)       {}
func (e *exampleTB) Errorf(f string, a ...any) { fmt.Fprintf(os.Stderr, f+"\n", a...) }
func (e *exampleTB) Fatalf(f string, a ...any) { log.Fatalf(f, a...) }
func (e *exampleTB) Fatal(a ...any)            { log.Fatal(a...) }
