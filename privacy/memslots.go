package privacy

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"iter"
	"maps"
	"slices"
	"sync"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// MemorySlots is a key store in memory. It is volatile: the keys are gone with
// the process, and so is whatever was sealed with them. It belongs beside a
// content store that is volatile too, and in tests.
type MemorySlots struct {
	id ticket.ID

	mu      sync.Mutex
	slots   map[slotKey]Slot
	reached Position
}

// slotKey keeps tenants apart: the same id in two tenants is two slots.
type slotKey struct {
	tenant ticket.TenantID
	id     ticket.ID
}

var _ Slots = (*MemorySlots)(nil)

// NewMemorySlots returns an empty key store in memory with an ID of its own.
func NewMemorySlots() *MemorySlots {
	m := &MemorySlots{slots: map[slotKey]Slot{}}
	// A random UUID: this package reads no clock, and nothing sorts by it.
	_, _ = rand.Read(m.id[:]) // never fails since Go 1.24
	m.id[6] = m.id[6]&0x0f | 0x40
	m.id[8] = m.id[8]&0x3f | 0x80
	return m
}

// ID implements [Slots].
func (m *MemorySlots) ID() ticket.ID { return m.id }

// Get implements [Slots].
func (m *MemorySlots) Get(ctx context.Context, tenant ticket.TenantID, ids []ticket.ID) ([]Slot, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]Slot, 0, len(ids))
	seen := make(map[ticket.ID]bool, len(ids))
	for _, id := range ids {
		if s, ok := m.slots[slotKey{tenant, id}]; ok && !seen[id] {
			seen[id] = true
			out = append(out, s.Clone())
		}
	}
	return out, nil
}

// Create implements [Slots]. When it returns an error none of the slots was
// made.
func (m *MemorySlots) Create(ctx context.Context, slots []Slot) ([]Slot, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	made := map[slotKey]Slot{}
	find := func(k slotKey) (Slot, bool) {
		if s, ok := made[k]; ok {
			return s, true
		}
		s, ok := m.slots[k]
		return s, ok
	}
	out := make([]Slot, 0, len(slots))
	for _, s := range slots {
		if err := s.validate(); err != nil {
			return nil, err
		}
		k := slotKey{s.Tenant, s.ID}
		have, ok := find(k)
		if !ok {
			parent, known := find(slotKey{s.Tenant, s.Parent})
			if err := s.Below(parent, known); err != nil {
				return nil, err
			}
			have = s.Clone()
			have.State = SlotLive
			made[k] = have
		}
		out = append(out, have.Clone())
	}
	for k, s := range made {
		m.slots[k] = s
	}
	return out, nil
}

// List implements [Slots].
func (m *MemorySlots) List(ctx context.Context, after SlotMark, limit int) ([]Slot, SlotMark, error) {
	if err := ctx.Err(); err != nil {
		return nil, SlotMark{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	page, more := PageSlots(maps.Values(m.slots), limit, func(s Slot) bool { return after.Before(s) })
	if !more {
		return page, SlotMark{}, nil
	}
	return page, page[len(page)-1].Mark(), nil
}

// Children implements [Slots].
func (m *MemorySlots) Children(ctx context.Context, tenant ticket.TenantID, parent, after ticket.ID, limit int) ([]Slot, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	mark := SlotMark{tenant, after}
	page, _ := PageSlots(maps.Values(m.slots), limit, func(s Slot) bool {
		return s.Tenant == tenant && s.Parent == parent && mark.Before(s)
	})
	return page, nil
}

// Replace implements [Slots]. Keys that were replaced are overwritten in place.
func (m *MemorySlots) Replace(ctx context.Context, tenant ticket.TenantID, changes []SlotChange) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	next := map[slotKey]Slot{}
	find := func(id ticket.ID) (Slot, bool) {
		if s, ok := next[slotKey{tenant, id}]; ok {
			return s, true
		}
		s, ok := m.slots[slotKey{tenant, id}]
		return s, ok
	}
	for _, c := range changes {
		s, known := find(c.ID)
		parent, parentKnown := find(c.Parent)
		s, err := s.Change(c, known, parent, parentKnown)
		if err != nil {
			return err
		}
		next[slotKey{tenant, c.ID}] = s
	}
	for k, s := range next {
		clear(m.slots[k].Wrapped)
		clear(m.slots[k].Old)
		m.slots[k] = s
	}
	return nil
}

// Reached implements [Slots].
func (m *MemorySlots) Reached(ctx context.Context) (Position, error) {
	if err := ctx.Err(); err != nil {
		return Position{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.reached, nil
}

// Reach implements [Slots].
func (m *MemorySlots) Reach(ctx context.Context, p Position) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reached, err = m.reached.Advance(p)
	return err
}

// Fence implements [Slots].
func (m *MemorySlots) Fence(ctx context.Context, tenant ticket.TenantID, ids []ticket.ID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range ids {
		k := slotKey{tenant, id}
		if s, ok := m.slots[k]; ok && s.State == SlotLive {
			s.State = SlotFenced
			m.slots[k] = s
		}
	}
	return nil
}

// Unfence implements [Slots].
func (m *MemorySlots) Unfence(ctx context.Context, tenant ticket.TenantID, ids []ticket.ID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range ids {
		k := slotKey{tenant, id}
		if s, ok := m.slots[k]; ok && s.State == SlotFenced {
			s.State = SlotLive
			m.slots[k] = s
		}
	}
	return nil
}

// Destroy implements [Slots]. The wrapped keys are overwritten in place.
func (m *MemorySlots) Destroy(ctx context.Context, tenant ticket.TenantID, ids []ticket.ID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := tenant.Validate(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range ids {
		if id.IsZero() {
			return ticket.ErrBadID
		}
	}
	for _, id := range ids {
		k := slotKey{tenant, id}
		s := m.slots[k]
		clear(s.Wrapped)
		clear(s.Old)
		s.ID, s.Tenant, s.State, s.Wrapped, s.Old = id, tenant, SlotDestroyed, nil, nil
		m.slots[k] = s
	}
	return nil
}

func (s Slot) validate() error {
	if s.ID.IsZero() {
		return ticket.ErrBadID
	}
	return s.Tenant.Validate()
}

// Mark returns the place of a slot in the list of all slots.
func (s Slot) Mark() SlotMark { return SlotMark{s.Tenant, s.ID} }

// Before reports whether a slot comes after the mark.
func (m SlotMark) Before(s Slot) bool { return m.compare(s.Mark()) < 0 }

func (m SlotMark) compare(o SlotMark) int {
	return cmp.Or(cmp.Compare(m.Tenant, o.Tenant), bytes.Compare(m.ID[:], o.ID[:]))
}

// PageSlots returns copies of the first slots, in order, of those that are
// wanted, and whether there are more. It is for implementations of [Slots] that
// have all slots in memory.
func PageSlots(all iter.Seq[Slot], limit int, want func(Slot) bool) (page []Slot, more bool) {
	for s := range all {
		if want(s) {
			page = append(page, s)
		}
	}
	slices.SortFunc(page, func(a, b Slot) int { return a.Mark().compare(b.Mark()) })
	if n := max(limit, 1); len(page) > n {
		page, more = page[:n:n], true
	}
	for i := range page {
		page[i] = page[i].Clone()
	}
	return page, more
}
