package outage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/internal/testpg"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store/postgres"
)

func TestMain(m *testing.M) { os.Exit(testpg.Run(m)) }

// The database is shot while a desk runs, mail arrives meanwhile, and when the
// database is back the desk goes on by itself: every mail is there once, and
// the reply leaves once.
func TestDatabaseGoesAway(t *testing.T) {
	srv := testpg.New(t)
	st, err := postgres.Open(t.Context(), srv.DSN(t))
	must(t, err)
	t.Cleanup(func() { _ = st.Close() })
	must(t, st.Migrate(t.Context()))
	fake := mailboxtest.NewFake(mailboxtest.FakeOptions{Capabilities: mailboxtest.PlainCapabilities()})
	desk, err := helpdesk.New(helpdesk.Config{
		Store: st, Keys: helpdesk.KeyFile(filepath.Join(t.TempDir(), "key")),
		Providers: helpdesk.Providers{fake.Provider()}, PollEvery: 100 * time.Millisecond,
	})
	must(t, err)
	acme := desk.Tenant("acme")
	_, err = acme.Connect(t.Context(), mailboxtest.Account{User: "acme", Email: "support@acme.example", Password: "secret"})
	must(t, err)
	kari := privacy.As(t.Context(), privacy.Agent("kari"), privacy.Support)

	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- desk.Run(ctx) }()
	deliver := func(n int) {
		fake.Deliver("acme", fmt.Appendf(nil, "From: p%d@customer.example\r\nSubject: s%d\r\nMessage-ID: <%d@customer.example>\r\n\r\nText.\r\n", n, n, n))
	}
	for n := range 20 {
		deliver(n)
	}
	await(t, func() bool { return count(acme, kari) == 20 })

	srv.StopImmediate(t)
	for n := 20; n < 40; n++ {
		deliver(n)
	}
	_, err = acme.Tickets(kari, helpdesk.TicketQuery{})
	if !errors.Is(err, helpdesk.ErrUnavailable) && !errors.Is(err, helpdesk.ErrAccessLog) || helpdesk.HTTPStatus(err) != 503 {
		t.Errorf("reading without a database: %v", err)
	}
	if h := desk.Health(t.Context()); h.Store == nil {
		t.Error("the desk says that its store is well")
	}
	time.Sleep(time.Second) // the desk meets the absence
	srv.Start(t)

	await(t, func() bool { return count(acme, kari) == 40 })
	page, err := acme.Tickets(kari, helpdesk.TicketQuery{Limit: 1})
	must(t, err)
	_, err = acme.Reply(kari, page.Tickets[0].ID, helpdesk.Reply{Text: "Hello."})
	must(t, err)
	await(t, func() bool { return len(fake.Sent("acme")) == 1 })
	stop()
	must(t, <-ended)
	if n := count(acme, kari); n != 40 {
		t.Errorf("%d tickets of 40 mails", n)
	}
	if s := fake.Sent("acme"); len(s) != 1 || s[0].Copies != 1 {
		t.Errorf("the reply left %d times", len(s))
	}
}

func count(acme *helpdesk.Tenant, ctx context.Context) (n int) {
	for _, err := range acme.AllTickets(ctx, helpdesk.TicketQuery{}) {
		if err != nil {
			return -1
		}
		n++
	}
	return n
}

func await(t *testing.T, done func() bool) {
	t.Helper()
	for range 600 {
		if done() {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("not within a minute")
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
