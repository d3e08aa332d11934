package privacy

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// keyTTL is how long tenant and mailbox keys stay in memory. "Unreadable
// since" is stated only after that time.
const keyTTL = 60 * time.Second

// TenantKey is the id of a tenant's key slot.
func TenantKey(t ticket.TenantID) ticket.ID { return namedSlot("tenant", t) }

// TenantIdentity is the id of the slot of a tenant's identity key.
func TenantIdentity(t ticket.TenantID) ticket.ID { return namedSlot("tenant-identity", t) }

// namedSlot makes an id from a name (RFC 9562, version 8).
func namedSlot(use string, t ticket.TenantID) ticket.ID {
	sum := sha256.Sum256([]byte("helpdesk/slot/" + use + "/" + string(t)))
	id := ticket.ID(sum[:16])
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return id
}

// keyring unwraps slots. Keys of tenants, mailboxes and identities are kept
// for keyTTL; those of tickets only for the call. The state of every slot on
// the way to the root is read anew each time.
type keyring struct {
	root  Wrapper
	slots Slots
	now   func() time.Time

	mu    sync.Mutex
	cache map[ticket.ID]cachedKey
}

type cachedKey struct {
	key   []byte
	until time.Time
}

// chain is a set of slots with all that is above them.
type chain map[ticket.ID]Slot

// live reports whether a slot and all above it are live.
func (c chain) live(id ticket.ID) bool {
	for s, ok := c[id]; ; s, ok = c[s.Parent] {
		if !ok || s.State != SlotLive {
			return false
		}
		if s.Level.Top() {
			return true
		}
	}
}

// load reads slots and their ancestors.
func (k *keyring) load(ctx context.Context, tenant ticket.TenantID, ids []ticket.ID) (chain, error) {
	c := chain{}
	want := append([]ticket.ID{TenantKey(tenant)}, ids...)
	for len(want) > 0 {
		got, err := k.slots.Get(ctx, tenant, want)
		if err != nil {
			return nil, fmt.Errorf("privacy: reading key slots: %w", err)
		}
		want = nil
		for _, s := range got {
			c[s.ID] = s
		}
		for _, s := range got {
			if _, ok := c[s.Parent]; !ok && !s.Parent.IsZero() && !slices.Contains(want, s.Parent) {
				want = append(want, s.Parent)
			}
		}
		if len(got) == 0 {
			break
		}
	}
	return c, nil
}

// key returns the unwrapped key of a slot in the chain. Anything fenced or
// destroyed on the way to the root closes it.
func (k *keyring) key(ctx context.Context, c chain, id ticket.ID) ([]byte, error) {
	s, ok := c[id]
	switch {
	case !ok:
		return nil, ErrNoKey
	case s.State == SlotDestroyed:
		return nil, ErrErased
	case s.State != SlotLive:
		return nil, ErrFenced
	}
	if s.Level.Top() {
		return k.unwrap(ctx, s, k.root)
	}
	parent, err := k.key(ctx, c, s.Parent)
	if err != nil {
		return nil, err
	}
	w, err := NewRoot(parent)
	if err != nil {
		return nil, err
	}
	return k.unwrap(ctx, s, w)
}

func (k *keyring) unwrap(ctx context.Context, s Slot, w Wrapper) ([]byte, error) {
	now := k.now()
	if s.Level != LevelTicket {
		if key := k.cached(s.ID, now); key != nil {
			return key, nil
		}
	}
	key, err := w.DecryptWithContext(ctx, s.Wrapped, slotBinding(s))
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil || len(key) != keySize {
		return nil, ErrSealed
	}
	if s.Level != LevelTicket {
		k.keep(s.ID, key, now)
	}
	return key, nil
}

// cached returns a copy, because keep clears the cached one.
func (k *keyring) cached(id ticket.ID, now time.Time) []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	if hit, ok := k.cache[id]; ok && now.Before(hit.until) {
		return slices.Clone(hit.key)
	}
	return nil
}

func (k *keyring) keep(id ticket.ID, key []byte, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.cache == nil {
		k.cache = map[ticket.ID]cachedKey{}
	}
	for old, c := range k.cache {
		if now.After(c.until) {
			clear(c.key)
			delete(k.cache, old)
		}
	}
	// A copy of its own: the clearing above must not reach callers.
	k.cache[id] = cachedKey{slices.Clone(key), now.Add(keyTTL)}
}

// fresh makes the slot of a new random key below a parent that the chain has,
// or below the root.
func (k *keyring) fresh(ctx context.Context, c chain, s Slot) (Slot, []byte, error) {
	w := k.root
	if !s.Level.Top() {
		parent, err := k.key(ctx, c, s.Parent)
		if err != nil {
			return s, nil, err
		}
		if w, err = NewRoot(parent); err != nil {
			return s, nil, err
		}
	}
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // never fails since Go 1.24
	wrapped, err := w.EncryptWithContext(ctx, key, slotBinding(s))
	if err != nil {
		return s, nil, fmt.Errorf("privacy: wrapping a key: %w", err)
	}
	s.State, s.Wrapped = SlotLive, wrapped
	return s, key, nil
}

// slotBinding is the associated data of a wrapped key: a slot copied to
// another tenant, parent or level does not unwrap.
func slotBinding(s Slot) []byte {
	b := []byte("helpdesk/slot/1")
	for _, f := range [][]byte{[]byte(s.Tenant), []byte(s.Level), s.ID[:], s.Parent[:]} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(f)))
		b = append(b, f...)
	}
	return b
}
