package keyfile

import (
	"bytes"
	"cmp"
	"errors"
	"iter"
	"maps"
	"slices"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// state is a journal as it was read so far.
type state struct {
	header header
	// size is the length up to which it was read, lines the number of lines
	// after the header.
	size  int64
	lines int64
	slots map[slotKey]privacy.Slot
	// reached is the place in the erasure ledger, stale the number of changes
	// whose earlier slots are still in the journal.
	reached privacy.Position
	stale   int
}

// slotKey keeps tenants apart: the same id in two tenants is two slots.
type slotKey struct {
	tenant ticket.TenantID
	id     ticket.ID
}

func newState(h header) state {
	return state{header: h, size: int64(headerSize), slots: map[slotKey]privacy.Slot{}}
}

// apply does what a record says.
func (st *state) apply(r record) error {
	if r.N != st.lines+1 {
		return errors.New("a line before it is missing")
	}
	st.lines++
	for _, s := range r.Slots {
		k := slotKey{ticket.TenantID(s.Tenant), s.ID}
		if _, ok := st.slots[k]; ok {
			return errors.New("a slot was made twice")
		}
		st.slots[k] = s.slot().Clone()
	}
	for _, s := range r.Replace {
		k := slotKey{ticket.TenantID(s.Tenant), s.ID}
		if st.slots[k].State != privacy.SlotLive {
			return errors.New("a slot was changed that is not live")
		}
		st.slots[k] = s.slot().Clone()
		st.stale++
	}
	if p := r.Reached; p != nil {
		if len(p.Hash) != len(st.reached.Hash) {
			return errors.New("malformed position")
		}
		st.reached = privacy.Position{N: p.N, Hash: [32]byte(p.Hash)}
	}
	if r.Fence == nil {
		return nil
	}
	for _, id := range r.Fence.IDs {
		k := slotKey{ticket.TenantID(r.Fence.Tenant), id}
		s, ok := st.slots[k]
		from, to := privacy.SlotLive, privacy.SlotFenced
		if r.Fence.Open {
			from, to = to, from
		}
		if !ok || s.State != from {
			return errors.New("a slot was fenced that is not live, or opened that is not fenced")
		}
		s.State = to
		st.slots[k] = s
	}
	return nil
}

func (st *state) get(tenant ticket.TenantID, ids []ticket.ID) []privacy.Slot {
	out := make([]privacy.Slot, 0, len(ids))
	seen := make(map[ticket.ID]bool, len(ids))
	for _, id := range ids {
		if s, ok := st.slots[slotKey{tenant, id}]; ok && !seen[id] {
			seen[id] = true
			out = append(out, s.Clone())
		}
	}
	return out
}

// plan returns how slots stand after making those that are new, and the new
// ones.
func (st *state) plan(slots []privacy.Slot) (all, made []privacy.Slot, err error) {
	fresh := map[slotKey]privacy.Slot{}
	find := func(k slotKey) (privacy.Slot, bool) {
		if s, ok := fresh[k]; ok {
			return s, true
		}
		s, ok := st.slots[k]
		return s, ok
	}
	for _, s := range slots {
		if s.ID.IsZero() {
			return nil, nil, ticket.ErrBadID
		}
		if err := s.Tenant.Validate(); err != nil {
			return nil, nil, err
		}
		k := slotKey{s.Tenant, s.ID}
		have, ok := find(k)
		if !ok {
			parent, known := find(slotKey{s.Tenant, s.Parent})
			if err := s.Below(parent, known); err != nil {
				return nil, nil, err
			}
			have = s.Clone()
			have.State = privacy.SlotLive
			fresh[k] = have
			made = append(made, have)
		}
		all = append(all, have.Clone())
	}
	return all, made, nil
}

// change returns the slots after changes, or why one cannot be made, and
// whether the journal must not keep what they were: a key that was rotated and
// is needed no more, and what is right below the root.
func (st *state) change(tenant ticket.TenantID, changes []privacy.SlotChange) (after []privacy.Slot, purge bool, err error) {
	next := map[slotKey]privacy.Slot{}
	find := func(id ticket.ID) (privacy.Slot, bool) {
		if s, ok := next[slotKey{tenant, id}]; ok {
			return s, true
		}
		s, ok := st.slots[slotKey{tenant, id}]
		return s, ok
	}
	for _, c := range changes {
		s, known := find(c.ID)
		parent, parentKnown := find(c.Parent)
		changed, err := s.Change(c, known, parent, parentKnown)
		if err != nil {
			return nil, false, err
		}
		purge = purge || len(s.Old) > 0 && len(c.Old) == 0 || s.Level.Top() && s.Gen == c.Gen
		next[slotKey{tenant, c.ID}] = changed
	}
	return sorted(maps.Values(next)), purge, nil
}

// with returns all slots with some in the place of what they were.
func (st *state) with(changed []privacy.Slot) []privacy.Slot {
	all := maps.Clone(st.slots)
	for _, s := range changed {
		all[slotKey{s.Tenant, s.ID}] = s
	}
	return sorted(maps.Values(all))
}

// sorted returns slots in an order that is the same for the same slots.
func sorted(slots iter.Seq[privacy.Slot]) []privacy.Slot {
	return slices.SortedFunc(slots, func(a, b privacy.Slot) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), bytes.Compare(a.ID[:], b.ID[:]))
	})
}

// in returns those of the ids that are slots in a state, once each.
func (st *state) in(is privacy.SlotState, tenant ticket.TenantID, ids []ticket.ID) []ticket.ID {
	var out []ticket.ID
	seen := make(map[ticket.ID]bool, len(ids))
	for _, id := range ids {
		if s := st.slots[slotKey{tenant, id}]; s.State == is && !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}

// without returns all slots with tombstones in the place of some, in an order
// that is the same for the same slots, and whether that changes anything.
func (st *state) without(tenant ticket.TenantID, ids []ticket.ID) (after []privacy.Slot, changed bool, err error) {
	dead := make(map[slotKey]bool, len(ids))
	for _, id := range ids {
		if id.IsZero() {
			return nil, false, ticket.ErrBadID
		}
		k := slotKey{tenant, id}
		dead[k] = true
		changed = changed || st.slots[k].State != privacy.SlotDestroyed
	}
	if !changed {
		return nil, false, nil
	}
	for k := range dead {
		s := st.slots[k]
		s.ID, s.Tenant, s.State, s.Wrapped, s.Old = k.id, k.tenant, privacy.SlotDestroyed, nil, nil
		after = append(after, s)
	}
	return st.with(after), true, nil
}
