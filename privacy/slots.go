package privacy

import (
	"bytes"
	"context"
	"errors"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// Wrapper wraps and unwraps keys. It has the method set of Tink's
// AEADWithContext, so a KMS client fits through a two-line adapter and a call
// can be cancelled. It is safe for concurrent use.
type Wrapper interface {
	// EncryptWithContext wraps a key, bound to the associated data.
	EncryptWithContext(ctx context.Context, plaintext, associatedData []byte) ([]byte, error)
	// DecryptWithContext unwraps a key, or fails if anything was changed.
	DecryptWithContext(ctx context.Context, ciphertext, associatedData []byte) ([]byte, error)
}

// Level is the place of a slot in the hierarchy root, tenant, mailbox, ticket.
type Level string

// The levels of slots. Identity slots hold the keys of fingerprints: one below
// each tenant and one below each mailbox, never rotated.
const (
	LevelTenant   Level = "tenant"
	LevelMailbox  Level = "mailbox"
	LevelIdentity Level = "identity"
	LevelTicket   Level = "ticket"
	// LevelHold holds what a legal hold keeps, LevelLog the entries of the
	// access log. They are a tenant's and below the root like the tenant's own
	// slot, because they outlive it.
	LevelHold Level = "hold"
	LevelLog  Level = "log"
)

// Top reports whether slots of the level are wrapped under the root.
func (l Level) Top() bool { return l == LevelTenant || l == LevelHold || l == LevelLog }

// SlotState tells the three kinds of "no key" apart; a slot that was never
// made is absent.
type SlotState string

// The states of a slot. From destroyed there is no way back.
const (
	SlotLive      SlotState = "live"
	SlotFenced    SlotState = "fenced"    // closed for sealing and opening; the key is still there
	SlotDestroyed SlotState = "destroyed" // the wrapped key is gone, the slot stays as a tombstone
)

// Slot is a wrapped key. Wrapped is under the parent's key, at the top under
// the root, and is empty once destroyed.
type Slot struct {
	ID      ticket.ID
	Tenant  ticket.TenantID
	Level   Level
	Parent  ticket.ID // zero at the top
	State   SlotState
	Wrapped []byte

	// Gen counts the keys that the slot has had, from zero; Under is the Gen
	// of the parent's key that Wrapped is under, zero at the top.
	Gen, Under int64
	// Old is the key before this one, wrapped like Wrapped: while the key is
	// rotated it still opens the slots below that are not wrapped anew yet.
	Old []byte
}

// SlotMark is a place in the list of all slots. The zero value is its
// beginning, and its end.
type SlotMark struct {
	Tenant ticket.TenantID
	ID     ticket.ID
}

// SlotChange is how a slot is wrapped from now on.
type SlotChange struct {
	ID ticket.ID
	// Was is the Wrapped that the slot has: if it has another one by now,
	// somebody else changed it.
	Was []byte
	// The others replace the slot's fields of these names.
	Parent       ticket.ID
	Wrapped, Old []byte
	Gen, Under   int64
}

// Slots is the key store: apart from the content store, so that a backup of
// the content alone opens nothing. Its methods are safe for concurrent use,
// also by several processes, and what they did is durable when they return.
// What a slot's key was before it was changed or destroyed is gone from the
// store as far as the store can see to it.
type Slots interface {
	// ID names the key store for good; it is recorded beside the content.
	ID() ticket.ID
	// Get returns those of the slots that were ever made, in any order.
	Get(ctx context.Context, tenant ticket.TenantID, ids []ticket.ID) ([]Slot, error)
	// List returns the slots of all tenants, in whatever state, ordered by
	// tenant and id (bytewise), at most limit after the mark, and the mark to
	// go on from, which is zero when nothing is left. A limit below one is
	// one. Walking the list visits every slot that was there all the time
	// once.
	List(ctx context.Context, after SlotMark, limit int) (page []Slot, next SlotMark, err error)
	// Children returns the slots right below a slot, in whatever state,
	// ordered by id, at most limit after an id. Fewer than limit are the last
	// ones. A limit below one is one.
	Children(ctx context.Context, tenant ticket.TenantID, parent, after ticket.ID, limit int) ([]Slot, error)
	// Create makes slots and returns how all of them stand afterwards: the
	// first to make a slot wins, and one that exists, in whatever state,
	// stays as it is. A slot whose parent is absent, fenced or destroyed is
	// not made and the call returns ErrNoKey, ErrFenced or ErrErased; one
	// wrapped under another generation of the parent's key than it has now,
	// ErrSlotChanged. Parents may be in the same call, before their children.
	// The check and the making are one step.
	Create(ctx context.Context, slots []Slot) ([]Slot, error)
	// Replace changes how live slots are wrapped, all or none, one after the
	// other as named. It returns ErrSlotChanged if one of them has another
	// Wrapped than the change says, or if Under is not the new parent's Gen;
	// ErrNoKey, ErrFenced or ErrErased if one of them or its new parent is
	// not live. Right below the root there is no parent to look at. The check
	// and the change are one step.
	Replace(ctx context.Context, tenant ticket.TenantID, changes []SlotChange) error
	// Fence closes slots. Fencing what is fenced or destroyed changes nothing.
	Fence(ctx context.Context, tenant ticket.TenantID, ids []ticket.ID) error
	// Unfence opens fenced slots again, when an erasure was taken back in time.
	// What is destroyed stays destroyed, and what is live or was never made
	// stays as it is.
	Unfence(ctx context.Context, tenant ticket.TenantID, ids []ticket.ID) error
	// Destroy makes the wrapped keys, also the old ones, unrecoverable and
	// keeps the slots as tombstones. Destroying what is destroyed changes
	// nothing; destroying what was never made leaves a tombstone, so that it
	// can't be made later.
	Destroy(ctx context.Context, tenant ticket.TenantID, ids []ticket.ID) error
	// Reached returns how far in the erasure ledger the store has come. It is
	// the zero Position before the first Reach; a store that was restored
	// from an older copy returns the older position.
	Reached(ctx context.Context) (Position, error)
	// Reach records that what the ledger says up to a position was carried
	// out here. It only moves forwards: an earlier position changes nothing.
	// The same place with another hash is ErrOtherLedger.
	Reach(ctx context.Context, p Position) error
}

// Errors of keys that were rotated, moved or brought back.
var (
	// ErrSlotChanged: a key was rotated or a slot was moved meanwhile.
	ErrSlotChanged = errors.New("privacy: a key slot was changed meanwhile: read it again and decide anew")
	// ErrHeld: the content is kept for a legal hold, and for nothing else.
	ErrHeld = errors.New("privacy: the content is kept for a legal hold only: open it for that purpose")
	// ErrOtherLedger: the key store follows another erasure ledger.
	ErrOtherLedger = errors.New("privacy: the key store has come to the same place of another erasure ledger: bring back the ledger that belongs to it")
)

// Below tells whether s may be made below its parent, or nil. Known says that
// the parent is there. It is the rule for those who implement [Slots].
func (s Slot) Below(parent Slot, known bool) error {
	switch {
	case s.Level.Top() && s.Parent.IsZero():
		return nil // its parent is the root, which is no slot
	case !known:
		return ErrNoKey
	}
	if err := parent.closed(); err != nil {
		return err
	}
	if s.Under != parent.Gen {
		return ErrSlotChanged
	}
	return nil
}

// Change returns s after a change, or why it cannot be made, where s and the
// new parent are known or not. It is the rule for those who implement [Slots].
// The result shares no bytes with the change.
func (s Slot) Change(c SlotChange, known bool, parent Slot, parentKnown bool) (Slot, error) {
	if !known {
		return s, ErrNoKey
	}
	if err := s.closed(); err != nil {
		return s, err
	}
	if !bytes.Equal(s.Wrapped, c.Was) || len(c.Wrapped) == 0 {
		return s, ErrSlotChanged
	}
	s.Parent, s.Gen, s.Under = c.Parent, c.Gen, c.Under
	s.Wrapped, s.Old = bytes.Clone(c.Wrapped), bytes.Clone(c.Old)
	return s, s.Below(parent, parentKnown)
}

// closed returns why a slot is not live, or nil.
func (s Slot) closed() error {
	switch s.State {
	case SlotLive:
		return nil
	case SlotDestroyed:
		return ErrErased
	default:
		return ErrFenced
	}
}

// Clone returns a slot that shares no bytes with s.
func (s Slot) Clone() Slot {
	s.Wrapped, s.Old = bytes.Clone(s.Wrapped), bytes.Clone(s.Old)
	return s
}

// Advance returns the position after reaching p, or ErrOtherLedger. It is the
// rule for those who implement [Slots].
func (at Position) Advance(p Position) (Position, error) {
	switch {
	case p.N > at.N:
		return p, nil
	case p.N == at.N && p.Hash != at.Hash:
		return at, ErrOtherLedger
	default:
		return at, nil
	}
}
