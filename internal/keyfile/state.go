package keyfile

import (
	"bytes"
	"cmp"
	"errors"
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
		slot := s.slot()
		slot.Wrapped = slices.Clone(slot.Wrapped)
		st.slots[k] = slot
	}
	if r.Fence == nil {
		return nil
	}
	for _, id := range r.Fence.IDs {
		k := slotKey{ticket.TenantID(r.Fence.Tenant), id}
		s, ok := st.slots[k]
		if !ok || s.State != privacy.SlotLive {
			return errors.New("a slot was fenced that is not live")
		}
		s.State = privacy.SlotFenced
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
			out = append(out, clone(s))
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
			if err := below(s, parent, known); err != nil {
				return nil, nil, err
			}
			have = clone(s)
			have.State = privacy.SlotLive
			fresh[k] = have
			made = append(made, have)
		}
		all = append(all, clone(have))
	}
	return all, made, nil
}

// below tells whether s may be made below a parent.
func below(s, parent privacy.Slot, known bool) error {
	switch {
	case s.Level.Top() && s.Parent.IsZero():
		return nil // its parent is the root, which is no slot
	case !known:
		return privacy.ErrNoKey
	case parent.State == privacy.SlotFenced:
		return privacy.ErrFenced
	case parent.State == privacy.SlotDestroyed:
		return privacy.ErrErased
	default:
		return nil
	}
}

// fenceable returns those of the ids that are live slots, once each.
func (st *state) fenceable(tenant ticket.TenantID, ids []ticket.ID) []ticket.ID {
	var out []ticket.ID
	seen := make(map[ticket.ID]bool, len(ids))
	for _, id := range ids {
		if s := st.slots[slotKey{tenant, id}]; s.State == privacy.SlotLive && !seen[id] {
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
	after = make([]privacy.Slot, 0, len(st.slots)+len(dead))
	for k, s := range st.slots {
		if !dead[k] {
			after = append(after, s)
		}
	}
	for k := range dead {
		s := st.slots[k]
		s.ID, s.Tenant, s.State, s.Wrapped = k.id, k.tenant, privacy.SlotDestroyed, nil
		after = append(after, s)
	}
	slices.SortFunc(after, func(a, b privacy.Slot) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), bytes.Compare(a.ID[:], b.ID[:]))
	})
	return after, true, nil
}

// clone returns a slot that shares no bytes with s.
func clone(s privacy.Slot) privacy.Slot {
	s.Wrapped = slices.Clone(s.Wrapped)
	return s
}
