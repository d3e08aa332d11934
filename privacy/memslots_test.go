package privacy_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/privacy/slottest"
	"github.com/helpdesk-go/helpdesk/ticket"
)

func TestMemorySlots(t *testing.T) {
	slottest.Run(t, func(*testing.T) privacy.Slots { return privacy.NewMemorySlots() })
}

func TestMemorySlotsRefuse(t *testing.T) {
	m := privacy.NewMemorySlots()
	if m.ID() == privacy.NewMemorySlots().ID() {
		t.Error("two key stores share an ID")
	}
	good := slottest.Slot("acme", privacy.LevelTenant, ticket.ID{})
	noID, noTenant := good, good
	noID.ID, noTenant.Tenant = ticket.ID{}, ""
	for _, s := range []privacy.Slot{noID, noTenant} {
		if _, err := m.Create(t.Context(), []privacy.Slot{s}); !errors.Is(err, ticket.ErrBadID) {
			t.Errorf("Create(%+v): got %v, want ErrBadID", s, err)
		}
	}
	if err := m.Destroy(t.Context(), "acme", []ticket.ID{{}}); !errors.Is(err, ticket.ErrBadID) {
		t.Errorf("Destroy of the zero ID: got %v, want ErrBadID", err)
	}
	if err := m.Destroy(t.Context(), "", []ticket.ID{good.ID}); !errors.Is(err, ticket.ErrBadID) {
		t.Errorf("Destroy without tenant: got %v, want ErrBadID", err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, createErr := m.Create(ctx, []privacy.Slot{good})
	_, getErr := m.Get(ctx, "acme", []ticket.ID{good.ID})
	for _, err := range []error{
		createErr, getErr,
		m.Fence(ctx, "acme", []ticket.ID{good.ID}),
		m.Destroy(ctx, "acme", []ticket.ID{good.ID}),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled call: got %v", err)
		}
	}
}

func TestRoot(t *testing.T) {
	ctx := t.Context()
	key := bytes.Repeat([]byte{7}, privacy.RootKeySize)
	root, err := privacy.NewRoot(key)
	if err != nil {
		t.Fatal(err)
	}
	wrapped, err := root.EncryptWithContext(ctx, []byte("a key"), []byte("here"))
	if err != nil {
		t.Fatal(err)
	}
	clear(key) // the root has a copy
	if got, err := root.DecryptWithContext(ctx, wrapped, []byte("here")); err != nil || string(got) != "a key" {
		t.Fatalf("unwrap: %q, %v", got, err)
	}
	if _, err := root.DecryptWithContext(ctx, wrapped, []byte("there")); !errors.Is(err, privacy.ErrSealed) {
		t.Fatalf("unwrap elsewhere: got %v, want ErrSealed", err)
	}
	other, err := privacy.NewEphemeralRoot()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.DecryptWithContext(ctx, wrapped, []byte("here")); !errors.Is(err, privacy.ErrSealed) {
		t.Fatalf("unwrap under another root: got %v, want ErrSealed", err)
	}
	for _, n := range []int{0, 16, 31, 33} {
		if _, err := privacy.NewRoot(make([]byte, n)); !errors.Is(err, privacy.ErrRootKey) {
			t.Errorf("key of %d bytes: got %v, want ErrRootKey", n, err)
		}
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := root.EncryptWithContext(gone, nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled wrap: %v", err)
	}
	if _, err := root.DecryptWithContext(gone, wrapped, []byte("here")); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled unwrap: %v", err)
	}
}
