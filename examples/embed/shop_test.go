package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/internal/testpg"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store/postgres"
	"github.com/helpdesk-go/helpdesk/ticket"
)

func TestMain(m *testing.M) { os.Exit(testpg.Run(m)) }

// world is the shop on a real database, with a fake provider.
type world struct {
	t    *testing.T
	shop *shop
	desk *helpdesk.Desk
	fake *mailboxtest.Fake
	kari context.Context
}

func newWorld(t *testing.T) *world {
	ctx, dsn := t.Context(), testpg.DSN(t)
	st, err := postgres.Open(ctx, dsn)
	must(t, err)
	t.Cleanup(func() { _ = st.Close() })
	must(t, st.Migrate(ctx))
	pool, err := pgxpool.New(ctx, dsn)
	must(t, err)
	t.Cleanup(pool.Close)
	w := &world{t: t, shop: &shop{pool: pool}, fake: mailboxtest.NewFake(mailboxtest.FakeOptions{Capabilities: mailboxtest.PlainCapabilities()})}
	must(t, w.shop.migrate(ctx))
	w.desk, err = helpdesk.New(helpdesk.Config{
		Store: st, Keys: helpdesk.KeyFile(filepath.Join(t.TempDir(), "key")),
		Providers: helpdesk.Providers{w.fake.Provider()}, OnEvent: count,
	})
	must(t, err)
	w.shop.desk = w.desk.Tenant("shop")
	_, err = w.shop.desk.Connect(ctx, mailboxtest.Account{User: "shop", Email: "support@shop.example", Password: "secret"})
	must(t, err)
	w.kari = privacy.As(ctx, privacy.Agent("kari"), privacy.Support)
	return w
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ticket delivers a mail and returns the ticket it became.
func (w *world) ticket() helpdesk.ID {
	w.t.Helper()
	w.fake.Deliver("shop", []byte("From: ann@customer.example\r\nTo: support@shop.example\r\nSubject: Lamp\r\nMessage-ID: <1@customer.example>\r\n\r\nBroken.\r\n"))
	w.run()
	page, err := w.shop.desk.Tickets(w.kari, helpdesk.TicketQuery{})
	must(w.t, err)
	if len(page.Tickets) != 1 {
		w.t.Fatalf("%d tickets", len(page.Tickets))
	}
	return page.Tickets[0].ID
}

// run does what is due; it is called often enough for what became due a moment
// ago.
func (w *world) run() {
	w.t.Helper()
	_, err := w.desk.RunOnce(w.t.Context())
	must(w.t, err)
}

func (w *world) number(sql string) (n int64) {
	w.t.Helper()
	must(w.t, w.shop.pool.QueryRow(w.t.Context(), sql).Scan(&n))
	return n
}

// A refund and its reply commit together; the mail leaves after the commit.
func TestRefund(t *testing.T) {
	w := newWorld(t)
	id := w.ticket()
	must(t, w.shop.refund(w.kari, id, 1200, "You get it back."))
	if n := w.number("SELECT amount FROM refunds"); n != 1200 {
		t.Errorf("refunded %d", n)
	}
	w.run()
	if sent := w.fake.Sent("shop"); len(sent) != 1 || sent[0].Copies != 1 {
		t.Errorf("sent %d mails", len(sent))
	}
	got, err := w.shop.desk.Ticket(w.kari, id)
	must(t, err)
	if got.Status != ticket.Closed {
		t.Errorf("the ticket is %s", got.Status)
	}
	if n := w.number("SELECT n FROM ticket_counts WHERE event = 'reply.queued'"); n != 1 {
		t.Errorf("%d replies counted", n)
	}
}

// A refund that the shop's own table refuses takes the reply with it: nothing
// is sent, nothing is counted, the ticket has not moved.
func TestRefundRollsBack(t *testing.T) {
	w := newWorld(t)
	id := w.ticket()
	if err := w.shop.refund(w.kari, id, -5, "You get it back."); err == nil {
		t.Fatal("a negative refund went through")
	}
	w.run()
	if sent := w.fake.Sent("shop"); len(sent) != 0 {
		t.Errorf("sent %d mails", len(sent))
	}
	c, err := w.shop.desk.Conversation(w.kari, id, 0)
	must(t, err)
	if len(c.Messages) != 1 || c.Ticket.Status != ticket.Open {
		t.Errorf("%d messages on a ticket that is %s", len(c.Messages), c.Ticket.Status)
	}
	if n := w.number("SELECT count(*) FROM ticket_counts WHERE event = 'reply.queued'"); n != 0 {
		t.Errorf("%d replies counted", n)
	}
}
