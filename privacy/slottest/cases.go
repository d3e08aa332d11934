package slottest

import (
	"bytes"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/ticket"
)

func testID(t *testing.T, f *fixture) {
	id := f.slots.ID()
	if id.IsZero() {
		t.Fatal("a key store without ID cannot be recognised")
	}
	f.fence(f.mailbox.ID)
	f.destroy(f.mailbox.ID)
	if f.slots.ID() != id {
		t.Fatal("the ID changed")
	}
}

func testGet(t *testing.T, f *fixture) {
	made, unmade := f.child(), f.child()
	f.create(made)
	got := f.get(made.ID, unmade.ID, f.mailbox.ID, made.ID)
	if len(got) != 2 {
		t.Fatalf("got %d slots, want the two that were made", len(got))
	}
	f.same(got[made.ID], made)
	f.same(got[f.mailbox.ID], f.mailbox)
	f.live(f.tenant)
}

func testFirstWins(t *testing.T, f *fixture) {
	first := f.child()
	second := first
	second.Wrapped = []byte("another key")
	twice := f.child()
	twiceOther := twice
	twiceOther.Wrapped = []byte("another key")

	f.same(f.create(first)[first.ID], first)
	f.same(f.create(second)[first.ID], first)
	f.live(first)
	f.same(f.create(twice, twiceOther)[twice.ID], twice)
	f.live(twice)

	// State is the store's to say: a slot starts live.
	odd := f.child()
	odd.State = privacy.SlotDestroyed
	got := f.create(odd)[odd.ID]
	odd.State = privacy.SlotLive
	f.same(got, odd)
}

func testSameCall(t *testing.T, f *fixture) {
	tenant := Slot("other", privacy.LevelTenant, ticket.ID{})
	identity := Slot("other", privacy.LevelIdentity, tenant.ID)
	mailbox := Slot("other", privacy.LevelMailbox, tenant.ID)
	mailboxIdentity := Slot("other", privacy.LevelIdentity, mailbox.ID)
	child := Slot("other", privacy.LevelTicket, mailbox.ID)
	got := f.create(tenant, identity, mailbox, mailboxIdentity, child)
	for _, want := range []privacy.Slot{tenant, identity, mailbox, mailboxIdentity, child} {
		f.same(got[want.ID], want)
	}

	late := Slot("acme", privacy.LevelMailbox, f.tenant.ID)
	early := Slot("acme", privacy.LevelTicket, late.ID)
	f.refuse(privacy.ErrNoKey, early, late)
	f.absent(early.ID)
}

func testParents(t *testing.T, f *fixture) {
	orphan := Slot(f.acme, privacy.LevelTicket, ticket.NewID(time.Now()))
	f.refuse(privacy.ErrNoKey, orphan)
	f.absent(orphan.ID)
	noParent := Slot(f.acme, privacy.LevelMailbox, ticket.ID{})
	f.refuse(privacy.ErrNoKey, noParent)
	f.absent(noParent.ID)

	f.fence(f.mailbox.ID)
	fenced := f.child()
	f.refuse(privacy.ErrFenced, fenced)
	f.absent(fenced.ID)

	f.destroy(f.mailbox.ID)
	erased := f.child()
	f.refuse(privacy.ErrErased, erased)
	f.absent(erased.ID)

	// Its neighbour goes on.
	next := Slot(f.acme, privacy.LevelMailbox, f.tenant.ID)
	f.create(next, Slot(f.acme, privacy.LevelTicket, next.ID))
}

func testExistsUnderClosedParent(t *testing.T, f *fixture) {
	child := f.child()
	f.create(child)
	f.fence(f.mailbox.ID)
	f.same(f.create(child)[child.ID], child)
	f.destroy(f.mailbox.ID)
	f.same(f.create(child)[child.ID], child)

	f.destroy(child.ID)
	if got := f.create(child)[child.ID]; got.State != privacy.SlotDestroyed {
		t.Fatalf("creating a destroyed slot returned %q", got.State)
	}
}

func testAllOrNothing(t *testing.T, f *fixture) {
	good, bad := f.child(), Slot(f.acme, privacy.LevelTicket, ticket.NewID(time.Now()))
	f.refuse(privacy.ErrNoKey, good, bad)
	f.absent(good.ID)
	f.absent(bad.ID)
	f.create(good)
}

func testFence(t *testing.T, f *fixture) {
	f.fence(f.mailbox.ID)
	want := f.mailbox
	want.State = privacy.SlotFenced
	f.live(want) // the key is still there
	f.fence(f.mailbox.ID, f.mailbox.ID)
	f.live(want)
	f.same(f.create(f.mailbox)[f.mailbox.ID], want)
	f.live(f.tenant)

	f.destroy(f.mailbox.ID)
	f.fence(f.mailbox.ID)
	f.tombstone(f.mailbox.ID)
}

func testUnfence(t *testing.T, f *fixture) {
	unfence := func(ids ...ticket.ID) {
		t.Helper()
		if err := f.slots.Unfence(f.ctx, f.acme, ids); err != nil {
			t.Fatalf("Unfence: %v", err)
		}
	}
	unfence(f.mailbox.ID)
	f.live(f.mailbox)
	f.fence(f.mailbox.ID)
	unfence(f.mailbox.ID, f.mailbox.ID)
	f.live(f.mailbox)
	f.create(f.child())
	unmade := f.child()
	unfence(unmade.ID)
	f.absent(unmade.ID)
	f.destroy(f.mailbox.ID)
	unfence(f.mailbox.ID)
	f.tombstone(f.mailbox.ID)
	if err := f.slots.Unfence(f.ctx, "other", []ticket.ID{f.tenant.ID}); err != nil {
		t.Fatalf("Unfence of another tenant's id: %v", err)
	}
}

func testDestroy(t *testing.T, f *fixture) {
	gone, stays := f.child(), f.child()
	f.create(gone, stays)
	f.destroy(gone.ID)
	f.tombstone(gone.ID)
	if s := f.get(gone.ID)[gone.ID]; s.Level != gone.Level || s.Parent != gone.Parent {
		t.Fatalf("the tombstone forgot its place: %+v", s)
	}
	f.live(stays)
	f.live(f.mailbox)

	f.destroy(gone.ID, gone.ID)
	f.tombstone(gone.ID)
	if got := f.create(gone)[gone.ID]; got.State != privacy.SlotDestroyed || len(got.Wrapped) != 0 {
		t.Fatalf("a destroyed slot came back: %+v", got)
	}
	f.tombstone(gone.ID)
}

func testDestroyUnmade(t *testing.T, f *fixture) {
	never := f.child()
	f.destroy(never.ID)
	f.tombstone(never.ID)
	if got := f.create(never)[never.ID]; got.State != privacy.SlotDestroyed || len(got.Wrapped) != 0 {
		t.Fatalf("a slot was made after it was destroyed: %+v", got)
	}
	f.tombstone(never.ID)
	f.refuse(privacy.ErrErased, Slot(f.acme, privacy.LevelTicket, never.ID))
}

func testTenants(t *testing.T, f *fixture) {
	const other = ticket.TenantID("other")
	if got, err := f.slots.Get(f.ctx, other, []ticket.ID{f.tenant.ID, f.mailbox.ID}); err != nil || len(got) != 0 {
		t.Fatalf("another tenant sees %v, %v", got, err)
	}
	f.refuse(privacy.ErrNoKey, Slot(other, privacy.LevelTicket, f.mailbox.ID))

	// The same id in two tenants is two slots.
	mine := Slot(other, privacy.LevelTenant, ticket.ID{})
	mine.ID = f.tenant.ID
	f.create(mine)
	if err := f.slots.Fence(f.ctx, other, []ticket.ID{f.tenant.ID, f.mailbox.ID}); err != nil {
		t.Fatal(err)
	}
	if err := f.slots.Destroy(f.ctx, other, []ticket.ID{f.tenant.ID, f.mailbox.ID}); err != nil {
		t.Fatal(err)
	}
	f.live(f.tenant)
	f.live(f.mailbox)
	f.create(f.child())
}

func testOpaqueTenants(t *testing.T, f *fixture) {
	long := bytes.Repeat([]byte{0xfe}, 255)
	tenants := []ticket.TenantID{"Acme", "acmé", "acme\u0301", "acme ", "\xff\xfe", "\xff\xfd", ticket.TenantID(long)}
	var all []privacy.Slot
	for _, id := range tenants {
		s := Slot(id, privacy.LevelTenant, ticket.ID{})
		s.ID = f.tenant.ID
		f.create(s)
		all = append(all, s)
	}
	for _, want := range append(all, f.tenant) {
		got, err := f.slots.Get(f.ctx, want.Tenant, []ticket.ID{want.ID})
		if err != nil || len(got) != 1 {
			t.Fatalf("tenant %q: %v, %v", want.Tenant, got, err)
		}
		f.same(got[0], want)
	}
}

func testAliasing(t *testing.T, f *fixture) {
	s := f.child()
	want := s
	want.Wrapped = bytes.Clone(s.Wrapped)
	created := f.create(s)[s.ID]
	clear(s.Wrapped)
	f.live(want)
	clear(created.Wrapped)
	f.live(want)
	clear(f.get(s.ID)[s.ID].Wrapped)
	f.live(want)

	got := f.get(s.ID)[s.ID]
	f.destroy(s.ID)
	if !bytes.Equal(got.Wrapped, want.Wrapped) {
		t.Fatal("destroying changed a slot that was handed out before")
	}
}

func testEmpty(t *testing.T, f *fixture) {
	if got := f.get(); len(got) != 0 {
		t.Fatalf("Get of nothing returned %v", got)
	}
	f.create()
	f.fence()
	f.destroy()
	f.live(f.mailbox)
}
