package helpdesk_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/store/memory"
)

// meeting lets the first two pages that are about to be written wait for each
// other, so that both were decided on the state before either.
type meeting struct {
	store.Store
	mu   sync.Mutex
	on   bool
	n    int
	both chan struct{}
}

func (m *meeting) Update(ctx context.Context, fn func(context.Context, store.Tx) error) error {
	// What it writes is learned in a run that is rolled back.
	peek := &peekTx{}
	_ = m.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		peek.Tx = tx
		_ = fn(ctx, peek)
		return errors.New("only looking")
	})
	m.mu.Lock()
	wait := m.on && peek.page
	if wait {
		if m.n++; m.n == 2 {
			m.on = false
			close(m.both)
		}
	}
	m.mu.Unlock()
	if wait {
		select {
		case <-m.both:
		case <-time.After(5 * time.Second):
		}
	}
	return m.Store.Update(ctx, fn)
}

type peekTx struct {
	store.Tx
	page bool
}

func (p *peekTx) Apply(ctx context.Context, c store.Changes) error {
	p.page = p.page || len(c.Messages) > 0
	return p.Tx.Apply(ctx, c)
}

// TestStreamsMeet: the live and the backfill stream take in two mails of one
// conversation at the same moment. It stays one conversation.
func TestStreamsMeet(t *testing.T) {
	fake := mailboxtest.NewFake(mailboxtest.FakeOptions{})
	st := &meeting{Store: memory.New(), both: make(chan struct{})}
	desk, err := helpdesk.New(helpdesk.Config{Store: st, Providers: helpdesk.Providers{fake.Provider()}, PageSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	acme := desk.Tenant("acme")
	account := mailboxtest.Account{User: "acme", Email: "support@acme.example", Password: "x"}
	mail := func(head string) []byte { return []byte("From: ann@c.example\r\n" + head + "\r\n\r\ntext\r\n") }
	root := fake.DeliverAt("acme", mail("Subject: Lamp\r\nMessage-ID: <r@c>"), time.Now().Add(-2*time.Hour))
	fake.DeliverAt("acme", mail("Subject: Re: Lamp\r\nMessage-ID: <f@c>\r\nIn-Reply-To: <r@c>"), time.Now().Add(-time.Hour))
	if _, err := acme.Connect(t.Context(), account); err != nil {
		t.Fatal(err)
	}
	// The contact is known, so that nothing else makes the two collide.
	fake.Deliver("acme", mail("Subject: Other\r\nMessage-ID: <o@c>"))
	if _, err := desk.RunOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	fake.Move("acme", root, mailboxtest.Inbox) // live lists it again
	st.mu.Lock()
	st.on = true
	st.mu.Unlock()
	past := helpdesk.ConnectOptions{Intake: mailbox.Intake{Since: time.Now().Add(-24 * time.Hour)}}
	if _, err := acme.ConnectWith(t.Context(), account, past); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second finds what the first put off
		if _, err := desk.RunOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	page, err := acme.Tickets(privacy.As(t.Context(), privacy.Agent("kari"), privacy.Support), helpdesk.TicketQuery{})
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Tickets) != 2 || st.n != 2 {
		t.Errorf("%d tickets, want 2; %d pages met", len(page.Tickets), st.n)
	}
}

// TestOthersMailboxStaysUntouched: a process that lacks a mailbox's provider
// leaves its work to those that have it.
func TestOthersMailboxStaysUntouched(t *testing.T) {
	st, keys := memory.New(), helpdesk.EphemeralKeys()
	fake := mailboxtest.NewFake(mailboxtest.FakeOptions{})
	with, err := helpdesk.New(helpdesk.Config{Store: st, Keys: keys, Providers: helpdesk.Providers{fake.Provider()}})
	if err != nil {
		t.Fatal(err)
	}
	acme := with.Tenant("acme")
	if _, err := acme.Connect(t.Context(), mailboxtest.Account{User: "acme", Email: "support@acme.example", Password: "x"}); err != nil {
		t.Fatal(err)
	}
	pigeon := mailboxtest.NewFake(mailboxtest.FakeOptions{Name: "pigeon"})
	for name, providers := range map[string]helpdesk.Providers{"another provider": {pigeon.Provider()}, "no provider": nil} {
		without, err := helpdesk.New(helpdesk.Config{Store: st, Keys: keys, Providers: providers})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := without.RunOnce(t.Context()); n != 0 || err != nil {
			t.Errorf("%s: %d turns, %v", name, n, err)
		}
		boxes, err := without.Tenant("acme").Mailboxes(t.Context())
		if err != nil || len(boxes) != 1 || boxes[0].Health.State != store.HealthBroken || boxes[0].Health.Cause != "provider not configured" {
			t.Errorf("%s: shown as %+v, %v", name, boxes, err)
		}
	}
	boxes, err := acme.Mailboxes(privacy.As(t.Context(), privacy.Agent("kari"), privacy.Support))
	if err != nil || len(boxes) != 1 || boxes[0].Health.State != store.HealthOK {
		t.Errorf("%+v, %v", boxes, err)
	}
	if n, err := with.RunOnce(t.Context()); n == 0 || err != nil {
		t.Errorf("with its provider: %d turns, %v", n, err)
	}
}
