package outage

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/store/postgres"
)

// desk is a desk at work on a database.
type desk struct {
	t    *testing.T
	st   *postgres.Store
	fake *mailboxtest.Fake
	desk *helpdesk.Desk
	keys helpdesk.Keys
	acme *helpdesk.Tenant
	kari context.Context
	box  helpdesk.Mailbox
	sent int
}

var account = mailboxtest.Account{User: "acme", Email: "support@acme.example", Password: "secret"}

func newDesk(t *testing.T, dsn string) *desk {
	t.Helper()
	st, err := postgres.Open(t.Context(), dsn)
	must(t, err)
	t.Cleanup(func() { _ = st.Close() })
	must(t, st.Migrate(t.Context()))
	d := &desk{t: t, st: st, fake: mailboxtest.NewFake(mailboxtest.FakeOptions{Capabilities: mailboxtest.PlainCapabilities()})}
	d.keys = helpdesk.KeyFile(filepath.Join(t.TempDir(), "key"))
	d.desk, err = helpdesk.New(helpdesk.Config{
		Store: st, Keys: d.keys,
		Providers: helpdesk.Providers{d.fake.Provider()}, PollEvery: 100 * time.Millisecond,
	})
	must(t, err)
	d.acme = d.desk.Tenant("acme")
	d.box, err = d.acme.Connect(t.Context(), account)
	must(t, err)
	d.kari = privacy.As(t.Context(), privacy.Agent("kari"), privacy.Support)
	return d
}

// run works in the background until stop.
func (d *desk) run() (stop func()) {
	ctx, cancel := context.WithCancel(d.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.desk.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			d.t.Errorf("Run: %v", err)
		}
	}
}

// deliver lets n mails of about 100 kB arrive that do not compress.
func (d *desk) deliver(n int) {
	for range n {
		d.sent++
		raw := fmt.Appendf(nil, "From: p%d@customer.example\r\nSubject: s%d\r\nMessage-ID: <%d@customer.example>\r\n\r\n", d.sent, d.sent, d.sent)
		d.fake.Deliver("acme", append(raw, noise(100<<10)...))
	}
}

func noise(n int) []byte {
	text := make([]byte, n/2)
	_, _ = io.ReadFull(rand.Reader, text)
	return []byte(hex.EncodeToString(text))
}

func (d *desk) row() (m store.Mailbox, err error) {
	err = d.st.View(d.t.Context(), func(ctx context.Context, r store.Reader) (err error) {
		m, err = r.Mailbox(ctx, "acme", d.box.ID)
		return err
	})
	return m, err
}

// wantAll waits until every mail is there and checks that each is there once.
func (d *desk) wantAll() {
	d.t.Helper()
	await(d.t, func() bool { return count(d.acme, d.kari) == d.sent })
	held, err := d.acme.Quarantine(d.t.Context(), helpdesk.ID{}, 10)
	must(d.t, err)
	if len(held) != 0 {
		d.t.Errorf("%d good mails in quarantine", len(held))
	}
	await(d.t, func() bool { m, err := d.row(); return err == nil && m.Health.State == store.HealthOK })
}

func exec(t *testing.T, dsn, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	must(t, err)
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	_, err = conn.Exec(t.Context(), sql)
	must(t, err)
}
