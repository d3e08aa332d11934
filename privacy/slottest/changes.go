package slottest

import (
	"bytes"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// all walks the list with pages of a size and checks its order.
func (f *fixture) all(limit int) []privacy.Slot {
	f.Helper()
	var out []privacy.Slot
	for mark := (privacy.SlotMark{}); ; {
		page, next, err := f.slots.List(f.ctx, mark, limit)
		if err != nil {
			f.Fatalf("List: %v", err)
		}
		if len(page) > max(limit, 1) {
			f.Fatalf("List returned %d slots, asked for %d", len(page), limit)
		}
		out = append(out, page...)
		if next == (privacy.SlotMark{}) {
			break
		}
		mark = next
	}
	for i := 1; i < len(out); i++ {
		if !out[i-1].Mark().Before(out[i]) {
			f.Fatalf("List is out of order or repeats itself at %d: %+v, %+v", i, out[i-1], out[i])
		}
	}
	return out
}

func testList(t *testing.T, f *fixture) {
	want := map[privacy.SlotMark]privacy.Slot{f.tenant.Mark(): f.tenant, f.mailbox.Mark(): f.mailbox}
	for _, tenant := range []ticket.TenantID{"acme2", "Acme", "\xff\xfe", "acm"} {
		s := Slot(tenant, privacy.LevelTenant, ticket.ID{})
		f.create(s)
		want[s.Mark()] = s
	}
	for range 5 {
		s := f.child()
		f.create(s)
		want[s.Mark()] = s
	}
	fenced, gone := f.child(), f.child()
	f.create(fenced, gone)
	f.fence(fenced.ID)
	f.destroy(gone.ID)
	fenced.State, gone.State, gone.Wrapped = privacy.SlotFenced, privacy.SlotDestroyed, nil
	want[fenced.Mark()], want[gone.Mark()] = fenced, gone
	for _, limit := range []int{-1, 1, 2, 3, len(want), 100} {
		got := f.all(limit)
		if len(got) != len(want) {
			t.Fatalf("pages of %d: %d slots, want %d", limit, len(got), len(want))
		}
		for _, s := range got {
			f.same(s, want[s.Mark()])
		}
	}
}

func testChildren(t *testing.T, f *fixture) {
	next := Slot(f.acme, privacy.LevelMailbox, f.tenant.ID)
	f.create(next, Slot(f.acme, privacy.LevelTicket, next.ID))
	var want []ticket.ID
	for range 5 {
		s := f.child()
		f.create(s)
		want = append(want, s.ID)
	}
	f.fence(want[0])
	f.destroy(want[1])
	slices.SortFunc(want, func(a, b ticket.ID) int { return bytes.Compare(a[:], b[:]) })
	for _, limit := range []int{0, 1, 2, 5, 6} {
		var got []ticket.ID
		for after := (ticket.ID{}); ; {
			page, err := f.slots.Children(f.ctx, f.acme, f.mailbox.ID, after, limit)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range page {
				got = append(got, s.ID)
			}
			if len(page) < max(limit, 1) {
				break
			}
			after = page[len(page)-1].ID
		}
		if !slices.Equal(got, want) {
			t.Fatalf("pages of %d: %v, want %v", limit, got, want)
		}
	}
	for name, at := range map[string]privacy.SlotMark{
		"another tenant": {Tenant: "other", ID: f.mailbox.ID}, "a slot without any": {Tenant: f.acme, ID: want[0]},
	} {
		if got, err := f.slots.Children(f.ctx, at.Tenant, at.ID, ticket.ID{}, 10); err != nil || len(got) != 0 {
			t.Fatalf("children of %s: %v, %v", name, got, err)
		}
	}
	if got, err := f.slots.Children(f.ctx, f.acme, ticket.ID{}, ticket.ID{}, 10); err != nil || len(got) != 1 || got[0].ID != f.tenant.ID {
		t.Fatalf("right below the root: %v, %v", got, err)
	}
}

// rewrapped returns the change of a slot to another wrapping.
func rewrapped(s privacy.Slot, name string) privacy.SlotChange {
	return privacy.SlotChange{ID: s.ID, Was: s.Wrapped, Parent: s.Parent, Wrapped: []byte(name), Old: s.Old, Gen: s.Gen, Under: s.Under}
}

func (f *fixture) replace(changes ...privacy.SlotChange) {
	f.Helper()
	if err := f.slots.Replace(f.ctx, f.acme, changes); err != nil {
		f.Fatalf("Replace: %v", err)
	}
}

func (f *fixture) refuseChange(want error, changes ...privacy.SlotChange) {
	f.Helper()
	if err := f.slots.Replace(f.ctx, f.acme, changes); !errors.Is(err, want) {
		f.Fatalf("Replace: got %v, want %v", err, want)
	}
}

func testReplace(t *testing.T, f *fixture) {
	hold := Slot(f.acme, privacy.LevelHold, ticket.ID{})
	hold.Gen = 7
	a, b := f.child(), f.child()
	f.create(hold, a, b)
	f.fence(f.mailbox.ID) // a slot may leave a parent that is fenced

	move, bMove := rewrapped(a, "moved"), rewrapped(b, "b moved")
	move.Parent, move.Under, move.Gen, move.Old = hold.ID, 7, 3, []byte("before")
	bMove.Parent, bMove.Under = hold.ID, 7
	f.replace(bMove, move)
	a.Parent, a.Under, a.Gen, a.Old, a.Wrapped = hold.ID, 7, 3, []byte("before"), []byte("moved")
	b.Parent, b.Under, b.Wrapped = hold.ID, 7, []byte("b moved")
	f.live(a)
	f.live(b)
	clear(move.Wrapped)
	clear(move.Old)
	f.live(a)

	// Twice in a call, and at the top.
	once, again := rewrapped(b, "once"), rewrapped(b, "again")
	again.Was = once.Wrapped
	top := rewrapped(hold, "another root")
	f.replace(once, again, top)
	b.Wrapped, hold.Wrapped = []byte("again"), []byte("another root")
	f.live(b)
	f.live(hold)
	if got, err := f.slots.Children(f.ctx, f.acme, hold.ID, ticket.ID{}, 10); err != nil || len(got) != 2 {
		t.Fatalf("moved slots are not below their new parent: %v, %v", got, err)
	}
	f.destroy(a.ID)
	f.tombstone(a.ID)
	if s := f.get(a.ID)[a.ID]; len(s.Old) != 0 {
		t.Fatalf("a tombstone has an old key: %+v", s)
	}
	f.replace()
}

func testReplaceRefuses(t *testing.T, f *fixture) {
	good, fenced, gone := f.child(), f.child(), f.child()
	hold := Slot(f.acme, privacy.LevelHold, ticket.ID{})
	f.create(good, fenced, gone, hold)
	f.fence(fenced.ID)
	f.destroy(gone.ID)
	fine := rewrapped(good, "new")
	refuse := func(want error, c privacy.SlotChange) {
		t.Helper()
		f.refuseChange(want, rewrapped(f.mailbox, "not alone"), c)
		f.live(f.mailbox) // all or none
		f.live(good)
	}
	stale := fine
	stale.Was = []byte("what it was once")
	refuse(privacy.ErrSlotChanged, stale)
	empty := fine
	empty.Wrapped = nil
	refuse(privacy.ErrSlotChanged, empty)
	generation := fine
	generation.Under = 1
	refuse(privacy.ErrSlotChanged, generation)
	refuse(privacy.ErrNoKey, rewrapped(f.child(), "never made"))
	refuse(privacy.ErrFenced, rewrapped(fenced, "new"))
	refuse(privacy.ErrErased, rewrapped(gone, "new"))
	for parent, want := range map[ticket.ID]error{
		ticket.NewID(time.Now()): privacy.ErrNoKey, fenced.ID: privacy.ErrFenced, gone.ID: privacy.ErrErased, {}: privacy.ErrNoKey,
	} {
		c := fine
		c.Parent = parent
		refuse(want, c)
	}
	if err := f.slots.Replace(f.ctx, "other", []privacy.SlotChange{fine}); !errors.Is(err, privacy.ErrNoKey) {
		t.Fatalf("another tenant: %v", err)
	}
	f.live(good)
	f.replace(fine)
	f.refuseChange(privacy.ErrSlotChanged, fine)
}

func testGenerations(t *testing.T, f *fixture) {
	before, after := f.child(), f.child()
	after.Under = 1
	f.create(before)
	f.refuse(privacy.ErrSlotChanged, after)
	rotated := rewrapped(f.mailbox, "next")
	rotated.Gen, rotated.Old = 1, f.mailbox.Wrapped
	f.replace(rotated)
	f.create(after)
	f.live(after)
	late := f.child()
	f.refuse(privacy.ErrSlotChanged, late)
	f.absent(late.ID)
	f.same(f.create(before)[before.ID], before) // what exists stays
}

// testRotateRace: whoever makes slots while their parent is rotated makes none
// under the key before once the rotation returned.
func testRotateRace(t *testing.T, f *fixture) {
	const workers, each = 4, 40
	var wg sync.WaitGroup
	started := make(chan struct{}, workers*each)
	for range workers {
		wg.Go(func() {
			for range each {
				_, err := f.slots.Create(f.ctx, []privacy.Slot{f.child()})
				started <- struct{}{}
				if errors.Is(err, privacy.ErrSlotChanged) {
					return
				}
				if err != nil {
					t.Errorf("Create: %v", err)
					return
				}
			}
		})
	}
	for range workers {
		<-started
	}
	rotated := rewrapped(f.mailbox, "next")
	rotated.Gen, rotated.Old = 1, f.mailbox.Wrapped
	f.replace(rotated)
	before := len(f.all(1000))
	wg.Wait()
	if after := len(f.all(1000)); after != before {
		t.Fatalf("%d slots when the rotation returned, %d later", before, after)
	}
}

// testReplaceOnce: of many who change a slot at the same time, one does.
func testReplaceOnce(t *testing.T, f *fixture) {
	const workers = 6
	wins := make([]bool, workers)
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			err := f.slots.Replace(f.ctx, f.acme, []privacy.SlotChange{rewrapped(f.mailbox, string(rune('a'+i)))})
			if err != nil && !errors.Is(err, privacy.ErrSlotChanged) {
				t.Errorf("Replace: %v", err)
			}
			wins[i] = err == nil
		})
	}
	wg.Wait()
	won := slices.Index(wins, true)
	if won < 0 || slices.Contains(wins[won+1:], true) {
		t.Fatalf("who won: %v", wins)
	}
	want := f.mailbox
	want.Wrapped = []byte{byte('a' + won)}
	f.live(want)
}

func position(n int64, b byte) privacy.Position {
	return privacy.Position{N: n, Hash: [32]byte(bytes.Repeat([]byte{b}, 32))}
}

func testReach(t *testing.T, f *fixture) {
	for _, step := range []struct {
		to, want privacy.Position
		err      error
	}{
		{want: privacy.Position{}},
		{to: position(0, 1), err: privacy.ErrOtherLedger},
		{to: position(3, 1), want: position(3, 1)},
		{to: position(3, 1), want: position(3, 1)},
		{to: position(2, 9), want: position(3, 1)},
		{to: position(-1, 9), want: position(3, 1)},
		{to: position(3, 2), want: position(3, 1), err: privacy.ErrOtherLedger},
		{to: position(10, 2), want: position(10, 2)},
	} {
		if err := f.slots.Reach(f.ctx, step.to); !errors.Is(err, step.err) {
			t.Fatalf("Reach(%d): %v, want %v", step.to.N, err, step.err)
		}
		if got, err := f.slots.Reached(f.ctx); err != nil || got != step.want {
			t.Fatalf("Reached: %+v, %v, want %+v", got, err, step.want)
		}
	}
	f.live(f.mailbox)
	f.destroy(f.mailbox.ID)
	if got, err := f.slots.Reached(f.ctx); err != nil || got != position(10, 2) {
		t.Fatalf("Reached after a destruction: %+v, %v", got, err)
	}
}
