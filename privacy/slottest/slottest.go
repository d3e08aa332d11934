// Package slottest is the conformance suite of [privacy.Slots]: what every key
// store must do, whoever wrote it.
//
//	func TestSlots(t *testing.T) {
//		slottest.Run(t, func(t *testing.T) privacy.Slots { return mystore.New(t) })
//	}
//
// A store that is durable also runs [RunDurable].
package slottest

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// Run checks a key store. Open returns an empty one each time it is called.
// Every case is named after the sentence of the contract that it holds the
// store to.
func Run(t *testing.T, open func(t *testing.T) privacy.Slots) {
	t.Helper()
	cases := []struct {
		name string
		test func(*testing.T, *fixture)
	}{
		{"id is set and stable", testID},
		{"get returns only what was made", testGet},
		{"the first to create wins", testFirstWins},
		{"parents in the same call before their children", testSameCall},
		{"parent absent, fenced or destroyed", testParents},
		{"what exists stays whatever its parent", testExistsUnderClosedParent},
		{"a refused call makes nothing", testAllOrNothing},
		{"fence closes and is idempotent", testFence},
		{"unfence opens what is fenced and nothing else", testUnfence},
		{"destroy leaves a tombstone without key", testDestroy},
		{"destroyed before it was made", testDestroyUnmade},
		{"tenants are apart", testTenants},
		{"tenant ids are opaque bytes", testOpaqueTenants},
		{"callers and the store share no bytes", testAliasing},
		{"empty calls", testEmpty},
		{"concurrent creates agree on one winner", testConcurrentCreate},
		{"no live child after a fence returned", testCreateFenceRace},
		{"no live slot after a destroy returned", testCreateDestroyRace},
		{"list is all slots in order", testList},
		{"children are the slots right below", testChildren},
		{"replace changes how slots are wrapped", testReplace},
		{"replace refuses what is stale or closed", testReplaceRefuses},
		{"create refuses an earlier generation", testGenerations},
		{"no slot of an earlier generation after a rotation returned", testRotateRace},
		{"one of many changes wins", testReplaceOnce},
		{"the position only moves forwards", testReach},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.test(t, newFixture(t, open(t))) })
	}
}

// fixture is a store with a tenant and a mailbox slot in it.
type fixture struct {
	*testing.T
	slots           privacy.Slots
	ctx             context.Context
	acme            ticket.TenantID
	tenant, mailbox privacy.Slot
}

func newFixture(t *testing.T, slots privacy.Slots) *fixture {
	t.Helper()
	f := &fixture{T: t, slots: slots, ctx: t.Context(), acme: "acme"}
	f.tenant = Slot("acme", privacy.LevelTenant, ticket.ID{})
	f.mailbox = Slot("acme", privacy.LevelMailbox, f.tenant.ID)
	f.create(f.tenant, f.mailbox)
	return f
}

// Slot returns a slot with a fresh id and a key that no other slot has.
func Slot(tenant ticket.TenantID, level privacy.Level, parent ticket.ID) privacy.Slot {
	id, key := ticket.NewID(time.Now()), ticket.NewID(time.Now())
	return privacy.Slot{
		ID: id, Tenant: tenant, Level: level, Parent: parent, State: privacy.SlotLive,
		Wrapped: append([]byte("wrapped:"), key[:]...),
	}
}

// child returns a new ticket slot below the fixture's mailbox.
func (f *fixture) child() privacy.Slot {
	return Slot(f.acme, privacy.LevelTicket, f.mailbox.ID)
}

func (f *fixture) create(slots ...privacy.Slot) map[ticket.ID]privacy.Slot {
	f.Helper()
	got, err := f.slots.Create(f.ctx, slots)
	if err != nil {
		f.Fatalf("Create: %v", err)
	}
	out := byID(got)
	for _, s := range slots {
		if _, ok := out[s.ID]; !ok {
			f.Fatalf("Create did not return how slot %v stands", s.ID)
		}
	}
	return out
}

func (f *fixture) refuse(want error, slots ...privacy.Slot) {
	f.Helper()
	if _, err := f.slots.Create(f.ctx, slots); !errors.Is(err, want) {
		f.Fatalf("Create: got %v, want %v", err, want)
	}
}

func (f *fixture) fence(ids ...ticket.ID) {
	f.Helper()
	if err := f.slots.Fence(f.ctx, f.acme, ids); err != nil {
		f.Fatalf("Fence: %v", err)
	}
}

func (f *fixture) destroy(ids ...ticket.ID) {
	f.Helper()
	if err := f.slots.Destroy(f.ctx, f.acme, ids); err != nil {
		f.Fatalf("Destroy: %v", err)
	}
}

func (f *fixture) get(ids ...ticket.ID) map[ticket.ID]privacy.Slot {
	f.Helper()
	got, err := f.slots.Get(f.ctx, f.acme, ids)
	if err != nil {
		f.Fatalf("Get: %v", err)
	}
	out := byID(got)
	if len(out) != len(got) {
		f.Fatalf("Get returned a slot twice: %d slots, %d ids", len(got), len(out))
	}
	return out
}

// live checks that a slot is as it was made.
func (f *fixture) live(want privacy.Slot) {
	f.Helper()
	f.same(f.get(want.ID)[want.ID], want)
}

func (f *fixture) same(got, want privacy.Slot) {
	f.Helper()
	if got.ID != want.ID || got.Tenant != want.Tenant || got.Level != want.Level ||
		got.Parent != want.Parent || got.State != want.State || !bytes.Equal(got.Wrapped, want.Wrapped) ||
		got.Gen != want.Gen || got.Under != want.Under || !bytes.Equal(got.Old, want.Old) {
		f.Fatalf("slot is\n  %+v\nwant\n  %+v", got, want)
	}
}

func (f *fixture) absent(id ticket.ID) {
	f.Helper()
	if s, ok := f.get(id)[id]; ok {
		f.Fatalf("slot %v exists, want none: %+v", id, s)
	}
}

// tombstone checks that a slot is destroyed and has no key.
func (f *fixture) tombstone(id ticket.ID) {
	f.Helper()
	s, ok := f.get(id)[id]
	if !ok {
		f.Fatalf("no tombstone of slot %v", id)
	}
	if s.State != privacy.SlotDestroyed || len(s.Wrapped) != 0 || s.Tenant != f.acme {
		f.Fatalf("not a tombstone: %+v", s)
	}
}

func byID(slots []privacy.Slot) map[ticket.ID]privacy.Slot {
	out := make(map[ticket.ID]privacy.Slot, len(slots))
	for _, s := range slots {
		out[s.ID] = s
	}
	return out
}
