package postgres

import (
	"context"
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

func newID() ticket.ID { return ticket.NewID(time.Now()) }

func newPrint() (f ticket.Fingerprint) {
	_, _ = rand.Read(f[:])
	f[0] = 1
	return f
}

func newMailbox(tenant ticket.TenantID) store.Mailbox {
	return store.Mailbox{
		ID: newID(), Tenant: tenant, Provider: "imap", Account: newPrint(), State: store.MailboxConnected,
		Key: newID(), Identity: newID(), Credential: []byte("sealed"), ConnectedAt: time.Now(), Version: 1,
		Health: store.Health{State: store.HealthOK},
	}
}

// page is the changes that n mails cause, each a ticket of its own.
func page(box store.Mailbox, n int) store.Changes {
	now := time.Now()
	c := store.Changes{Tenant: box.Tenant}
	for i := range n {
		t := store.Ticket{Key: newID(), Subject: []byte("sealed")}
		t.Ticket = ticket.Ticket{ID: newID(), Tenant: box.Tenant, Mailbox: box.ID, Status: ticket.Open, Origin: ticket.FromMail,
			Contact: newID(), Seq: 1, Version: 1, CreatedAt: now, UpdatedAt: now, Tags: []string{`a "tag"`, `b\c`}}
		m := store.Message{Subject: []byte("sealed"), Body: make([]byte, 500), Raw: make([]byte, 2000), RawSize: 1}
		m.Message = ticket.Message{ID: newID(), Tenant: box.Tenant, Mailbox: box.ID, Ticket: t.ID, Seq: 1,
			Direction: ticket.In, Kind: ticket.KindPerson, By: ticket.ByContact(), CreatedAt: now,
			Provenance: ticket.Provenance{Source: ticket.SourceLive, ProviderID: fmt.Sprint("mail ", i), Parser: 1, ReceivedAt: now},
			Match:      ticket.Trace{Rung: ticket.RungNone}}
		from := newPrint()
		c.NewTickets, c.Messages = append(c.NewTickets, t), append(c.Messages, m)
		c.Seen = append(c.Seen, store.Seen{Mailbox: box.ID, ProviderID: m.Provenance.ProviderID, MessageID: newPrint(),
			Content: newPrint(), ReceivedAt: now, Object: m.ID})
		for range 5 {
			c.Hits = append(c.Hits, store.Hit{Mailbox: box.ID, Ticket: t.ID, Message: m.ID,
				Hit: ticket.Hit{Fingerprint: newPrint(), Role: ticket.HitReference}})
		}
		c.Members = append(c.Members, store.Member{Mailbox: box.ID, Ticket: t.ID, Member: ticket.Member{Address: from, Contact: t.Contact}})
		c.Contacts = append(c.Contacts, store.Contact{Mailbox: box.ID, Address: from, ID: t.Contact})
		c.Events = append(c.Events, newEvent(box.Tenant, t.ID))
	}
	return c
}

func newEvent(tenant ticket.TenantID, about ticket.ID) ticket.Event {
	return ticket.Event{ID: newID(), Version: ticket.EventVersion, Type: ticket.TicketCreated, At: time.Now(),
		By: ticket.BySystem(), Tenant: tenant, Ticket: about}
}

func apply(ctx context.Context, s *Store, c store.Changes) error {
	return s.Update(ctx, func(ctx context.Context, tx store.Tx) error { return tx.Apply(ctx, c) })
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// connected returns a mailbox that s has.
func connected(t *testing.T, s *Store, tenant ticket.TenantID) store.Mailbox {
	t.Helper()
	box := newMailbox(tenant)
	must(t, apply(t.Context(), s, store.Changes{Tenant: tenant, NewMailboxes: []store.Mailbox{box}}))
	return box
}

// exec runs one statement outside the store.
func exec(t *testing.T, dsn, sql string, args ...any) {
	t.Helper()
	conn := dial(t, dsn)
	_, err := conn.Exec(t.Context(), sql, args...)
	must(t, err)
}

func dial(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	must(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// soon waits for what needs no more than time.
func soon(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}
