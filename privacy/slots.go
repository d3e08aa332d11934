package privacy

import (
	"context"

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

// The states of a slot, which it only ever walks forwards.
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
}

// Slots is the key store: apart from the content store, so that a backup of
// the content alone opens nothing. Its methods are safe for concurrent use,
// also by several processes, and what they did is durable when they return.
type Slots interface {
	// ID names the key store for good; it is recorded beside the content.
	ID() ticket.ID
	// Get returns those of the slots that were ever made, in any order.
	Get(ctx context.Context, tenant ticket.TenantID, ids []ticket.ID) ([]Slot, error)
	// Create makes slots and returns how all of them stand afterwards: the
	// first to make a slot wins, and one that exists, in whatever state,
	// stays as it is. A slot whose parent is absent, fenced or destroyed is
	// not made and the call returns ErrNoKey, ErrFenced or ErrErased; parents
	// may be in the same call, before their children. The check and the
	// making are one step.
	Create(ctx context.Context, slots []Slot) ([]Slot, error)
	// Fence closes slots. Fencing what is fenced or destroyed changes nothing.
	Fence(ctx context.Context, tenant ticket.TenantID, ids []ticket.ID) error
	// Destroy makes the wrapped keys unrecoverable and keeps the slots as
	// tombstones. Destroying what is destroyed changes nothing; destroying
	// what was never made leaves a tombstone, so that it can't be made later.
	Destroy(ctx context.Context, tenant ticket.TenantID, ids []ticket.ID) error
}
