package memory_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/store/memory"
	"github.com/helpdesk-go/helpdesk/ticket"
)

func TestSmoke(t *testing.T) {
	s, ctx, now := memory.New(), context.Background(), time.Now()
	box := store.Mailbox{ID: ticket.NewID(now), Tenant: "acme", Provider: "imap", Account: ticket.Fingerprint{1}, State: store.MailboxConnected, Key: ticket.NewID(now), Identity: ticket.NewID(now), Version: 1}
	err := s.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		return tx.Apply(ctx, store.Changes{
			Tenant: "acme", NewMailboxes: []store.Mailbox{box},
			Tasks: []store.Task{{ID: ticket.NewID(now), Tenant: "acme", Mailbox: box.ID, Kind: "sync"}},
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	leases, err := s.Claim(ctx, store.Claim{Limit: 5, For: time.Minute})
	if err != nil || len(leases) != 1 {
		t.Fatal(leases, err)
	}
	var w bytes.Buffer
	if err := s.WriteState(&w); err != nil {
		t.Fatal(err)
	}
}
