package privacy_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// sealed is one sealed text and what it says.
type sealed struct {
	obj   privacy.Object
	val   privacy.Sealed
	plain string
}

// more seals n texts, each under a new ticket key.
func (f *fixture) more(v *privacy.Vault, n int) ([]sealed, error) {
	now := time.Now()
	var fresh []ticket.ID
	for range n {
		fresh = append(fresh, ticket.NewID(now))
	}
	s, err := v.Sealer(f.t.Context(), f.keys, nil, fresh)
	if err != nil {
		return nil, err
	}
	var out []sealed
	for i, key := range fresh {
		o := f.obj
		o.ID = ticket.NewID(now)
		plain := fmt.Sprint("text ", i, key)
		val, err := s.Seal(key, o.ID, o.Class, []byte(plain))
		if err != nil {
			return nil, err
		}
		out = append(out, sealed{o, val, plain})
	}
	return out, nil
}

func (f *fixture) mustMore(n int) []sealed {
	f.t.Helper()
	out, err := f.more(f.vault, n)
	if err != nil {
		f.t.Fatal(err)
	}
	return out
}

func (f *fixture) opens(v *privacy.Vault, all []sealed) {
	f.t.Helper()
	for _, s := range all {
		if got, err := f.read(v, f.agent, s.obj, s.val); err != nil || got != s.plain {
			f.t.Fatalf("%q, %v, want %q", got, err, s.plain)
		}
	}
}

func (f *fixture) slot(id ticket.ID) privacy.Slot {
	f.t.Helper()
	got, err := f.slots.Get(f.t.Context(), "acme", []ticket.ID{id})
	if err != nil || len(got) != 1 {
		f.t.Fatalf("slot %s: %v, %v", id, got, err)
	}
	return got[0]
}

func rootOf(t *testing.T, b byte) privacy.Wrapper {
	t.Helper()
	w, err := privacy.NewRoot(bytes.Repeat([]byte{b}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestRotateTenantAndMailbox(t *testing.T) {
	f := newFixture(t)
	all := f.mustMore(1200) // more than two pages
	token := f.sealer().Hasher().Token(f.key)
	old := f.open(bytes.Repeat([]byte{7}, 32), nil) // another process, which has the keys in memory
	f.opens(old, all[:1])
	for n := range int64(3) {
		tenant, mailbox := f.slot(privacy.TenantKey("acme")), f.slot(f.keys.Key)
		if r, err := f.vault.RotateTenant(t.Context(), "acme"); err != nil || r != (privacy.Rotation{Wrapped: 2}) {
			t.Fatalf("tenant: %+v, %v", r, err)
		}
		// The text of f.key, of the tokens, the identity and the mailbox's own.
		if r, err := f.vault.RotateMailbox(t.Context(), "acme", f.keys.Key); err != nil || r != (privacy.Rotation{Wrapped: 1203 + 10*int(n)}) {
			t.Fatalf("mailbox: %+v, %v", r, err)
		}
		for _, was := range []privacy.Slot{tenant, mailbox} {
			if is := f.slot(was.ID); is.Gen != n+1 || bytes.Equal(is.Wrapped, was.Wrapped) || len(is.Old) != 0 {
				t.Fatalf("after rotation %d: %+v", n, is)
			}
		}
		f.opens(old, all)
		f.opens(f.vault, all)
		f.opens(f.open(bytes.Repeat([]byte{7}, 32), nil), all)
		more, err := f.more(old, 10)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, more...)
	}
	if h := f.sealer().Hasher(); h.Token(f.key) != token {
		t.Error("an identity key changed")
	}
	if _, err := f.vault.RotateMailbox(t.Context(), "acme", f.key); !errors.Is(err, privacy.ErrNoKey) {
		t.Errorf("rotating a ticket as a mailbox: %v", err)
	}
}

// Rotation beside ingest, by several processes, of every level at once.
func TestRotateBesideIngest(t *testing.T) {
	f := newFixture(t)
	other := f.open(bytes.Repeat([]byte{7}, 32), nil)
	var mu sync.Mutex
	var all []sealed
	ingest := func(v *privacy.Vault) {
		for range 60 {
			got, err := f.more(v, 3)
			if err != nil {
				t.Errorf("ingest: %v", err)
				return
			}
			for _, s := range got {
				if plain, err := f.read(v, f.agent, s.obj, s.val); err != nil || plain != s.plain {
					t.Errorf("reading back: %q, %v", plain, err)
					return
				}
			}
			mu.Lock()
			all = append(all, got...)
			mu.Unlock()
		}
	}
	var working, rotating sync.WaitGroup
	var over atomic.Bool
	for _, v := range []*privacy.Vault{f.vault, other} {
		working.Go(func() { ingest(v) })
		rotating.Go(func() {
			for !over.Load() {
				_, err := v.RotateTenant(t.Context(), "acme")
				if err == nil {
					_, err = v.RotateMailbox(t.Context(), "acme", f.keys.Key)
				}
				if err != nil && !errors.Is(err, privacy.ErrSlotChanged) {
					t.Errorf("rotating: %v", err)
					return
				}
			}
		})
	}
	working.Wait()
	over.Store(true)
	rotating.Wait()
	if g := f.slot(f.keys.Key).Gen; g < 2 {
		t.Errorf("only %d rotations took place", g)
	}
	if len(all) == 0 {
		t.Fatal("nothing was taken in")
	}
	for range 2 { // the second makes sure that nothing unfinished is left
		if _, err := f.vault.RotateTenant(t.Context(), "acme"); err != nil {
			t.Fatal(err)
		}
		if _, err := f.vault.RotateMailbox(t.Context(), "acme", f.keys.Key); err != nil {
			t.Fatal(err)
		}
	}
	f.opens(f.open(bytes.Repeat([]byte{7}, 32), nil), all)
}

// cutSlots is a key store that fails after some calls of Replace.
type cutSlots struct {
	privacy.Slots
	left int
}

var errCut = errors.New("cut")

func (c *cutSlots) Replace(ctx context.Context, t ticket.TenantID, ch []privacy.SlotChange) error {
	if c.left == 0 {
		return errCut
	}
	c.left--
	return c.Slots.Replace(ctx, t, ch)
}

// A rotation that was cut anywhere is ended by the next call, and everything
// opens in between.
func TestRotationResumes(t *testing.T) {
	for cut := range 5 {
		f := newFixture(t)
		all := f.mustMore(1200)
		broken := privacy.NewVault(privacy.VaultConfig{
			Root: rootOf(t, 7), Slots: &cutSlots{f.slots, cut}, Log: f.log, Now: time.Now})
		if _, err := broken.RotateMailbox(t.Context(), "acme", f.keys.Key); !errors.Is(err, errCut) {
			t.Fatalf("cut after %d: %v", cut, err)
		}
		f.opens(f.vault, all)
		more := f.mustMore(5)
		if _, err := f.vault.RotateMailbox(t.Context(), "acme", f.keys.Key); err != nil {
			t.Fatal(err)
		}
		if s := f.slot(f.keys.Key); s.Gen != 1 || len(s.Old) != 0 {
			t.Fatalf("cut after %d: generation %d, old key %v", cut, s.Gen, len(s.Old) > 0)
		}
		f.opens(f.vault, append(all, more...))
	}
}

// Slots that are fenced stay under the key before, which stays as long.
func TestRotationWaitsForFenced(t *testing.T) {
	f := newFixture(t)
	all := f.mustMore(3)
	gone := all[0].val.KeyID()
	if err := f.vault.Fence(t.Context(), "acme", []ticket.ID{gone}); err != nil {
		t.Fatal(err)
	}
	for n, want := range []error{nil, privacy.ErrRotating} {
		r, err := f.vault.RotateMailbox(t.Context(), "acme", f.keys.Key)
		if !errors.Is(err, want) || r.Fenced != 1 {
			t.Fatalf("call %d: %+v, %v", n, r, err)
		}
	}
	if s := f.slot(f.keys.Key); s.Gen != 1 || len(s.Old) == 0 {
		t.Fatalf("the old key is gone too early: %+v", s)
	}
	if err := f.vault.Destroy(t.Context(), "acme", []ticket.ID{gone}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.vault.RotateMailbox(t.Context(), "acme", f.keys.Key); err != nil {
		t.Fatal(err)
	}
	if s := f.slot(f.keys.Key); s.Gen != 1 || len(s.Old) != 0 {
		t.Fatalf("the old key is still there: %+v", s)
	}
	f.opens(f.vault, all[1:])
}

func TestRotateRoot(t *testing.T) {
	f := newFixture(t)
	all := f.mustMore(3)
	for _, tenant := range []ticket.TenantID{"b", "c", "d"} {
		if err := f.vault.PrepareTenant(t.Context(), tenant); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.vault.Hold(t.Context(), "acme", nil); err != nil {
		t.Fatal(err)
	}
	next := rootOf(t, 9)
	cut := &cutSlots{f.slots, 2}
	config := privacy.VaultConfig{Root: next, OldRoot: rootOf(t, 7), Slots: cut, Log: f.log, Now: time.Now}
	both := privacy.NewVault(config)
	f.opens(both, all)
	if r, err := both.RotateRoot(t.Context(), next); !errors.Is(err, errCut) || r.Wrapped != 2 {
		t.Fatalf("cut: %+v, %v", r, err)
	}
	f.opens(privacy.NewVault(config), all)
	cut.left = 100
	if r, err := both.RotateRoot(t.Context(), next); err != nil || r != (privacy.Rotation{Wrapped: 3}) {
		t.Fatalf("resumed: %+v, %v", r, err)
	}
	if r, err := both.RotateRoot(t.Context(), next); err != nil || r != (privacy.Rotation{}) {
		t.Fatalf("once more: %+v, %v", r, err)
	}
	only := f.open(bytes.Repeat([]byte{9}, 32), nil)
	f.opens(only, all)
	if err := only.PrepareTenant(t.Context(), "d"); err != nil {
		t.Error(err)
	}
	if got, err := f.read(f.open(bytes.Repeat([]byte{7}, 32), nil), f.agent, all[0].obj, all[0].val); !errors.Is(err, privacy.ErrSealed) {
		t.Errorf("under the old root: %q, %v", got, err)
	}
	// A vault that was made with the old root alone goes on with the new one.
	third := rootOf(t, 11)
	if _, err := only.RotateRoot(t.Context(), third); err != nil {
		t.Fatal(err)
	}
	f.opens(only, all)
}

func TestHold(t *testing.T) {
	f := newFixture(t)
	all := f.mustMore(3)
	kept, lost := all[0], all[1]
	legal := privacy.As(t.Context(), privacy.Agent("kari"), privacy.Legal)
	if err := f.vault.Fence(t.Context(), "acme", []ticket.ID{f.keys.Key}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := f.vault.Hold(t.Context(), "acme", []ticket.ID{kept.val.KeyID(), kept.val.KeyID()}); err != nil {
			t.Fatal(err)
		}
	}
	prints, err := f.vault.Fingerprints(t.Context(), "acme", []ticket.ID{f.keys.Key, ticket.NewID(time.Now()), privacy.TenantKey("acme")})
	if err != nil || len(prints) != 3 || len(prints[0]) != 64 || prints[1] != "" || prints[2] == prints[0] {
		t.Errorf("fingerprints %v, %v", prints, err)
	}
	if err := f.vault.Destroy(t.Context(), "acme", []ticket.ID{f.keys.Key, privacy.TenantKey("acme")}); err != nil {
		t.Fatal(err)
	}
	if got, err := f.read(f.vault, legal, kept.obj, kept.val); err != nil || got != kept.plain {
		t.Errorf("held, for the hold's purpose: %q, %v", got, err)
	}
	if got, err := f.read(f.vault, f.agent, kept.obj, kept.val); !errors.Is(err, privacy.ErrHeld) || got != "" {
		t.Errorf("held, for support: %q, %v", got, err)
	}
	if got, err := f.read(f.vault, legal, lost.obj, lost.val); !errors.Is(err, privacy.ErrErased) || got != "" {
		t.Errorf("not held: %q, %v", got, err)
	}
	if err := f.vault.Hold(t.Context(), "acme", []ticket.ID{lost.val.KeyID()}); !errors.Is(err, privacy.ErrErased) {
		t.Errorf("held too late: %v", err)
	}
	if r, err := f.vault.RotateHold(t.Context(), "acme"); err != nil || r.Wrapped != 1 {
		t.Errorf("rotating the hold: %+v, %v", r, err)
	}
	if got, err := f.read(f.vault, legal, kept.obj, kept.val); err != nil || got != kept.plain {
		t.Errorf("held, after a rotation: %q, %v", got, err)
	}
	if err := f.vault.Destroy(t.Context(), "acme", []ticket.ID{kept.val.KeyID()}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.read(f.vault, legal, kept.obj, kept.val); !errors.Is(err, privacy.ErrErased) {
		t.Errorf("released and erased: %v", err)
	}
}

// A live mailbox seals nothing more under what is held.
func TestHeldIsClosed(t *testing.T) {
	f := newFixture(t)
	key := f.mustMore(1)[0].val.KeyID()
	if err := f.vault.Hold(t.Context(), "acme", []ticket.ID{key}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.vault.Sealer(t.Context(), f.keys, []ticket.ID{key}, nil); !errors.Is(err, privacy.ErrHeld) {
		t.Errorf("sealing: %v", err)
	}
	if closed, err := f.vault.Closed(t.Context(), "acme", []ticket.ID{key, f.key}); err != nil || !closed[key] {
		t.Errorf("closed: %v, %v", closed, err)
	}
}

// A circle of slots, which only somebody who writes into the key store can
// make, is damage.
func TestParentCircle(t *testing.T) {
	f := newFixture(t)
	s := f.mustMore(1)[0]
	slot := f.slot(s.val.KeyID())
	err := f.slots.Replace(t.Context(), "acme", []privacy.SlotChange{{
		ID: slot.ID, Was: slot.Wrapped, Parent: slot.ID, Wrapped: slot.Wrapped}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.read(f.vault, f.agent, s.obj, s.val); !errors.Is(err, privacy.ErrSealed) {
		t.Errorf("a circle: %v", err)
	}
	if closed, err := f.vault.Closed(t.Context(), "acme", []ticket.ID{slot.ID}); err != nil || !closed[slot.ID] {
		t.Errorf("closed: %v, %v", closed, err)
	}
}

// Nothing is sealed under a mailbox key itself, so that it can be rotated.
func TestMailboxKeySealsNothing(t *testing.T) {
	f := newFixture(t)
	if _, err := f.sealer().Seal(f.keys.Key, f.obj.ID, privacy.Addresses, []byte("x")); !errors.Is(err, privacy.ErrNoKey) {
		t.Errorf("sealing under the mailbox key: %v", err)
	}
	own, err := f.sealer().Seal(privacy.MailboxContent(f.keys.Key), f.obj.ID, privacy.Text, []byte("own"))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.vault.Fence(t.Context(), "acme", []ticket.ID{f.keys.Key}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.read(f.vault, f.agent, f.obj, own); !errors.Is(err, privacy.ErrFenced) {
		t.Errorf("the mailbox's own content after its fence: %v", err)
	}
}
