package canary

import (
	"bytes"
	"context"
	"errors"
	"os"
	osexec "os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/internal/testpg"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/store/postgres"
)

// restored is a desk on PostgreSQL whose clock the test moves.
type restored struct {
	*life
	keys string // path of the key file and the ledger
	now  time.Time
}

// open opens a desk on a database with the key file.
func (r *restored) open(dsn string) (*helpdesk.Desk, *postgres.Store) {
	r.t.Helper()
	st, err := postgres.Open(r.t.Context(), dsn)
	r.must(err)
	r.t.Cleanup(func() { _ = st.Close() })
	r.must(st.Migrate(r.t.Context()))
	desk, err := helpdesk.New(helpdesk.Config{
		Store: st, Keys: helpdesk.KeyFile(r.keys), Providers: helpdesk.Providers{r.fake.Provider()},
		Now: func() time.Time { return r.now }, SimulatedClock: true,
	})
	r.must(err)
	return desk, st
}

// load restores a dump into a database of its own.
func load(t *testing.T, dump []byte) string {
	t.Helper()
	to := testpg.DSN(t)
	psql, err := filepath.Glob("/usr/lib/postgresql/*/bin/psql")
	if err != nil || len(psql) == 0 {
		psql = []string{"psql"}
	}
	cmd := osexec.Command(psql[len(psql)-1], to, "-q", "-v", "ON_ERROR_STOP=1")
	cmd.Stdin = bytes.NewReader(dump)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("restore: %v %s", err, out)
	}
	return to
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestRestoreInterlock: a database, a key store or both that are restored from a
// copy older than an erasure open nothing until the erasure is carried out
// again, and nothing of what was erased afterwards.
func TestRestoreInterlock(t *testing.T) {
	r := &restored{life: &life{t: t}, keys: filepath.Join(t.TempDir(), "helpdesk.key"), now: time.Now()}
	r.fake = mailboxtest.NewFake(mailboxtest.FakeOptions{Capabilities: mailboxtest.PlainCapabilities()})
	r.fake.SetPassword("acme", words["password"])
	dsn := testpg.DSN(t)
	desk, first := r.open(dsn)
	ctx, kari := t.Context(), privacy.As(t.Context(), privacy.Agent("kari"), privacy.Support)
	box, err := desk.Tenant("acme").Connect(ctx, mailboxtest.Account{User: "acme", Email: r.email(), Password: words["password"]})
	r.must(err)
	r.fake.Deliver("acme", r.question("1", mixed, r.parts()))
	_, err = desk.RunOnce(ctx)
	r.must(err)
	page, err := desk.Tenant("acme").Tickets(kari, helpdesk.TicketQuery{})
	if err != nil || len(page.Tickets) != 1 || page.Tickets[0].Subject != words["subject"] {
		t.Fatalf("%+v, %v", page, err)
	}
	id := page.Tickets[0].ID

	dump := testpg.PgDump(t, dsn)
	slots := r.keys + ".slots"
	copyFile(t, slots, slots+".old")

	r.must(desk.Tenant("acme").Disconnect(ctx, box.ID))
	r.now = r.now.Add(8 * 24 * time.Hour)
	if n, err := desk.EraseDue(ctx); n != 1 || err != nil {
		t.Fatalf("%d erasures, %v", n, err)
	}
	gone := func(what string, d *helpdesk.Desk, st store.Store, dsn string) {
		t.Helper()
		if _, err := d.Tenant("acme").Conversation(kari, id, 0); !errors.Is(err, helpdesk.ErrNotFound) {
			t.Errorf("%s: the erased ticket: %v", what, err)
		}
		r.must(st.View(ctx, func(ctx context.Context, rd store.Reader) error {
			left, err := rd.Remaining(ctx, store.Erase{Tenant: "acme", Mailbox: box.ID, Limit: 1})
			if left.Rows() != 0 {
				t.Errorf("%s: rows of the erased mailbox are left: %v", what, left)
			}
			return err
		}))
		after := testpg.PgDump(t, dsn)
		for name, w := range words {
			if bytes.Contains(after, []byte(w)) {
				t.Errorf("%s: the dump has the %s in clear", what, name)
			}
		}
	}
	gone("after the erasure", desk, first, dsn)

	interlock := func(what, dsn string) {
		t.Helper()
		d, st := r.open(dsn)
		if _, err := d.Tenant("acme").Tickets(kari, helpdesk.TicketQuery{}); !errors.Is(err, helpdesk.ErrRestored) {
			t.Errorf("%s: reading before the erasures are carried out: %v, want ErrRestored", what, err)
		}
		r.must(d.Recover(ctx))
		if _, err := d.Tenant("acme").Tickets(kari, helpdesk.TicketQuery{}); err != nil {
			t.Errorf("%s: reading afterwards: %v", what, err)
		}
		gone(what, d, st, dsn)
		again, _ := r.open(dsn)
		if _, err := again.Tenant("acme").Tickets(kari, helpdesk.TicketQuery{}); err != nil {
			t.Errorf("%s: reading after another start: %v", what, err)
		}
	}
	interlock("a restored dump", load(t, dump))
	copyFile(t, slots+".old", slots)
	interlock("a restored key store", dsn)
	copyFile(t, slots+".old", slots)
	interlock("a restored dump with a restored key store", load(t, dump))

	// A ledger that is older than the stores is refused: it would hide erasures.
	r.must(os.Remove(r.keys + ".ledger"))
	st, err := postgres.Open(ctx, dsn)
	r.must(err)
	t.Cleanup(func() { _ = st.Close() })
	if _, err := helpdesk.New(helpdesk.Config{Store: st, Keys: helpdesk.KeyFile(r.keys)}); err == nil {
		t.Error("a desk without its ledger starts")
	}
}
