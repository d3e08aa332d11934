package slottest

import (
	"context"
	"errors"
	"testing"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// closer is the method set that Fence and Destroy share.
type closer = func(context.Context, ticket.TenantID, []ticket.ID) error

// RunDurable checks that a key store outlives the one who opened it, and that
// two who have it open see each other's work at once. Open opens the store in
// a folder, which is the same for every call of one case; the first call finds
// it empty.
func RunDurable(t *testing.T, open func(t *testing.T, dir string) privacy.Slots) {
	t.Helper()
	t.Run("what was done is there when it is opened again", func(t *testing.T) {
		dir := t.TempDir()
		f := newFixture(t, open(t, dir))
		live, fenced, gone, never := f.child(), f.child(), f.child(), f.child()
		f.create(live, fenced, gone)
		f.fence(fenced.ID)
		f.destroy(gone.ID, never.ID)
		after := f.child()
		f.create(after)
		rotated := rewrapped(f.mailbox, "next")
		rotated.Gen, rotated.Old = 1, f.mailbox.Wrapped
		f.replace(rotated)
		f.mailbox.Wrapped, f.mailbox.Old, f.mailbox.Gen = rotated.Wrapped, rotated.Old, 1
		if err := f.slots.Reach(f.ctx, position(4, 1)); err != nil {
			t.Fatal(err)
		}

		id := f.slots.ID()
		f.slots = open(t, dir)
		if f.slots.ID() != id {
			t.Fatal("the ID changed")
		}
		f.live(f.tenant)
		f.live(f.mailbox)
		f.live(live)
		f.live(after)
		if got, err := f.slots.Reached(f.ctx); err != nil || got != position(4, 1) {
			t.Fatalf("Reached after opening again: %+v, %v", got, err)
		}
		fenced.State = privacy.SlotFenced
		f.live(fenced)
		f.tombstone(gone.ID)
		f.tombstone(never.ID)
	})
	t.Run("two who have it open see each other", func(t *testing.T) {
		dir := t.TempDir()
		f := newFixture(t, open(t, dir))
		there := *f
		there.slots = open(t, dir)
		there.live(f.mailbox)

		s := f.child()
		f.create(s)
		there.live(s)
		back := f.child()
		there.create(back)
		f.live(back)
		moved := rewrapped(back, "anew")
		f.replace(moved)
		back.Wrapped = moved.Wrapped
		there.live(back)
		if err := there.slots.Reach(f.ctx, position(2, 1)); err != nil {
			t.Fatal(err)
		}
		if err := f.slots.Reach(f.ctx, position(2, 2)); !errors.Is(err, privacy.ErrOtherLedger) {
			t.Fatalf("two ledgers: %v", err)
		}
		there.destroy(s.ID)
		f.tombstone(s.ID)
		f.fence(f.mailbox.ID)
		there.refuse(privacy.ErrFenced, f.child())
		there.destroy(f.mailbox.ID)
		f.refuse(privacy.ErrErased, f.child())
	})
	t.Run("no live child after a fence by another", func(t *testing.T) {
		dir := t.TempDir()
		f := newFixture(t, open(t, dir))
		closeWhileCreating(t, f, open(t, dir).Fence, privacy.ErrFenced)
	})
	t.Run("no live slot after a destroy by another", func(t *testing.T) {
		dir := t.TempDir()
		f := newFixture(t, open(t, dir))
		closeWhileCreating(t, f, open(t, dir).Destroy, privacy.ErrErased)
	})
}
