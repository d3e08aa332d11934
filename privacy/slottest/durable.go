package slottest

import (
	"context"
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

		id := f.slots.ID()
		f.slots = open(t, dir)
		if f.slots.ID() != id {
			t.Fatal("the ID changed")
		}
		f.live(f.tenant)
		f.live(live)
		f.live(after)
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
