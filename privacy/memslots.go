package privacy

import (
	"context"
	"crypto/rand"
	"slices"
	"sync"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// MemorySlots is a key store in memory. It is volatile: the keys are gone with
// the process, and so is whatever was sealed with them. It belongs beside a
// content store that is volatile too, and in tests.
type MemorySlots struct {
	id ticket.ID

	mu    sync.Mutex
	slots map[slotKey]Slot
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
			out = append(out, s.clone())
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
			if err := s.below(parent, known); err != nil {
				return nil, err
			}
			have = s.clone()
			have.State = SlotLive
			made[k] = have
		}
		out = append(out, have.clone())
	}
	for k, s := range made {
		m.slots[k] = s
	}
	return out, nil
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
		s.ID, s.Tenant, s.State, s.Wrapped = id, tenant, SlotDestroyed, nil
		m.slots[k] = s
	}
	return nil
}

// clone returns a slot that shares no bytes with s.
func (s Slot) clone() Slot {
	s.Wrapped = slices.Clone(s.Wrapped)
	return s
}

func (s Slot) validate() error {
	if s.ID.IsZero() {
		return ticket.ErrBadID
	}
	return s.Tenant.Validate()
}

// below tells whether s may be made below a parent.
func (s Slot) below(parent Slot, known bool) error {
	switch {
	case s.Level.Top() && s.Parent.IsZero():
		return nil // its parent is the root, which is no slot
	case !known:
		return ErrNoKey
	case parent.State == SlotFenced:
		return ErrFenced
	case parent.State == SlotDestroyed:
		return ErrErased
	default:
		return nil
	}
}
