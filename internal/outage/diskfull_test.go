package outage

import (
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/internal/testpg"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/store/postgres"
)

// A database that has no room for messages answers with SQLSTATE 53100: the
// mail waits at the provider, the health says so, nothing is quarantined, and
// the mail is there once when there is room again. A trigger gives the answer
// of the full disk.
func TestDiskFull(t *testing.T) {
	ctx, dsn := t.Context(), testpg.DSN(t)
	st, err := postgres.Open(ctx, dsn)
	must(t, err)
	t.Cleanup(func() { _ = st.Close() })
	must(t, st.Migrate(ctx))
	fake := mailboxtest.NewFake(mailboxtest.FakeOptions{Capabilities: mailboxtest.PlainCapabilities()})
	desk, err := helpdesk.New(helpdesk.Config{
		Store: st, Keys: helpdesk.KeyFile(filepath.Join(t.TempDir(), "key")), Providers: helpdesk.Providers{fake.Provider()},
	})
	must(t, err)
	acme := desk.Tenant("acme")
	account := mailboxtest.Account{User: "acme", Email: "support@acme.example", Password: "secret"}
	_, err = acme.Connect(ctx, account)
	must(t, err)
	kari := privacy.As(ctx, privacy.Agent("kari"), privacy.Support)
	conn, err := pgx.Connect(ctx, dsn)
	must(t, err)
	t.Cleanup(func() { _ = conn.Close(ctx) })
	_, err = conn.Exec(ctx, `
		CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
			$$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$;
		CREATE TRIGGER full_disk BEFORE INSERT ON helpdesk.messages EXECUTE FUNCTION full_disk()`)
	must(t, err)

	fake.Deliver("acme", []byte("From: ann@customer.example\r\nSubject: Lamp\r\nMessage-ID: <1@customer.example>\r\n\r\nDark.\r\n"))
	_, err = desk.RunOnce(ctx)
	must(t, err)
	boxes, err := acme.Mailboxes(ctx)
	must(t, err)
	if h := boxes[0].Health; h.State != store.HealthDelayed || h.Failures != 1 || boxes[0].NextAction() != helpdesk.ActionWait {
		t.Errorf("health %+v", h)
	}
	held, err := acme.Quarantine(ctx, helpdesk.ID{}, 10)
	must(t, err)
	if n := count(acme, kari); n != 0 || len(held) != 0 {
		t.Errorf("%d tickets and %d quarantined mails on a full disk", n, len(held))
	}

	_, err = conn.Exec(ctx, "DROP TRIGGER full_disk ON helpdesk.messages")
	must(t, err)
	_, err = acme.Connect(ctx, account) // brings the next attempt forward
	must(t, err)
	_, err = desk.RunOnce(ctx)
	must(t, err)
	if n := count(acme, kari); n != 1 {
		t.Errorf("%d tickets when there is room again", n)
	}
}
