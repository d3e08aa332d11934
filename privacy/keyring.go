package privacy

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// maxDepth bounds the way from a slot to the root, which is three or four
// slots long. More is a circle that somebody made.
const maxDepth = 8

// slotTries is how often slots are read again because they changed meanwhile.
const slotTries = 8

// TenantKey is the id of a tenant's key slot.
func TenantKey(t ticket.TenantID) ticket.ID { return namedSlot("tenant", t) }

// TenantIdentity is the id of the slot of a tenant's identity key.
func TenantIdentity(t ticket.TenantID) ticket.ID { return namedSlot("tenant-identity", t) }

// HoldKey is the id of the slot that a tenant's legal holds keep tickets under.
func HoldKey(t ticket.TenantID) ticket.ID { return namedSlot("hold", t) }

// MailboxContent is the id of the slot that a mailbox's own content, such as
// its address and credential, is sealed under. It is below the mailbox's key
// slot, which seals nothing itself, so that the latter can be rotated.
func MailboxContent(key ticket.ID) ticket.ID { return namedSlot("mailbox-content", string(key[:])) }

// namedSlot makes an id from a name (RFC 9562, version 8).
func namedSlot[S ~string](use string, t S) ticket.ID {
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
	// roots are tried one after the other; the first one wraps.
	roots atomic.Pointer[[]Wrapper]
	slots Slots
	now   func() time.Time
	cache keyCache
}

func newKeyring(c VaultConfig) *keyring {
	k := &keyring{slots: c.Slots, now: c.Now}
	roots := []Wrapper{c.Root}
	if c.OldRoot != nil {
		roots = append(roots, c.OldRoot)
	}
	k.roots.Store(&roots)
	return k
}

// root is what wraps the keys at the top.
func (k *keyring) root() Wrapper { return (*k.roots.Load())[0] }

// chain is a set of slots with all that is above them.
type chain map[ticket.ID]Slot

// check returns why a slot is closed, or nil. Where fenced slots may pass,
// only missing and destroyed ones close it.
func (c chain) check(id ticket.ID, fenced bool) error {
	for range maxDepth {
		s, ok := c[id]
		if !ok {
			return ErrNoKey
		}
		if err := s.closed(); err != nil && !(fenced && errors.Is(err, ErrFenced)) {
			return err
		}
		if s.Level.Top() {
			return nil
		}
		id = s.Parent
	}
	return ErrSealed
}

// live reports whether a slot and all above it are live.
func (c chain) live(id ticket.ID) bool { return c.check(id, false) == nil }

// held reports whether a slot is kept for a legal hold only.
func (c chain) held(id ticket.ID) bool {
	for range maxDepth {
		s, ok := c[id]
		if !ok || s.Level == LevelHold {
			return ok
		}
		id = s.Parent
	}
	return false
}

// load reads slots and their ancestors.
func (k *keyring) load(ctx context.Context, tenant ticket.TenantID, ids []ticket.ID) (chain, error) {
	c := chain{}
	want := append([]ticket.ID{TenantKey(tenant)}, ids...)
	for range maxDepth {
		if len(want) == 0 {
			break
		}
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
	}
	return c, nil
}

// open loads slots and unwraps each, with its own error. It reads again where a
// rotation was caught halfway: what had been read was of two times.
func (k *keyring) open(ctx context.Context, tenant ticket.TenantID, ids []ticket.ID) (chain, map[ticket.ID]Opened, error) {
	for try := 1; ; try++ {
		c, err := k.load(ctx, tenant, ids)
		if err != nil {
			return nil, nil, err
		}
		keys, changed := make(map[ticket.ID]Opened, len(ids)), false
		for _, id := range ids {
			key, err := k.key(ctx, c, id)
			if errors.Is(err, ErrSlotChanged) {
				err, changed = ErrSealed, true
			}
			keys[id] = Opened{key, err}
		}
		if !changed || try == slotTries {
			return c, keys, ctx.Err()
		}
	}
}

// key returns the unwrapped key of a slot in the chain. Anything fenced or
// destroyed on the way to the root closes it. It returns ErrSlotChanged when
// the chain was read while a key in it was rotated.
func (k *keyring) key(ctx context.Context, c chain, id ticket.ID) ([]byte, error) {
	if err := c.check(id, false); err != nil {
		return nil, err
	}
	return k.generation(ctx, c, id, c[id].Gen)
}

// generation returns one of the two keys that a slot has while it is rotated.
// The caller has checked the chain, which may be fenced where only the library
// wraps keys anew: what such a chain unwraps must never reach a caller.
func (k *keyring) generation(ctx context.Context, c chain, id ticket.ID, gen int64) ([]byte, error) {
	s := c[id]
	wrapped := s.Wrapped
	switch {
	case gen == s.Gen:
	case gen == s.Gen-1 && len(s.Old) > 0:
		wrapped = s.Old
	default:
		return nil, ErrSlotChanged
	}
	at := cacheKey{s.Tenant, s.ID, gen}
	kept := s.Level != LevelTicket
	if kept {
		if key := k.cache.get(at, k.now()); key != nil {
			return key, nil
		}
	}
	key, err := k.unwrap(ctx, c, s, wrapped)
	if err == nil && kept {
		k.cache.put(at, key, k.now())
	}
	return key, err
}

// unwrap opens a wrapped key of slot s.
func (k *keyring) unwrap(ctx context.Context, c chain, s Slot, wrapped []byte) ([]byte, error) {
	above := *k.roots.Load()
	if !s.Level.Top() {
		w, err := k.wrapper(ctx, c, s.Parent, s.Under)
		if err != nil {
			return nil, err
		}
		above = []Wrapper{w}
	}
	for _, w := range above {
		key, err := w.DecryptWithContext(ctx, wrapped, slotBinding(s))
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err == nil && len(key) == keySize {
			return key, nil
		}
	}
	return nil, ErrSealed
}

// wrapper returns what wraps the slots below a slot.
func (k *keyring) wrapper(ctx context.Context, c chain, id ticket.ID, gen int64) (Wrapper, error) {
	key, err := k.generation(ctx, c, id, gen)
	if err != nil {
		return nil, err
	}
	return NewRoot(key)
}

// fresh makes the slot of a new random key below a parent that the chain has,
// or below the root.
func (k *keyring) fresh(ctx context.Context, c chain, s Slot) (Slot, []byte, error) {
	w := k.root()
	if !s.Level.Top() {
		if err := c.check(s.Parent, false); err != nil {
			return s, nil, err
		}
		s.Under = c[s.Parent].Gen
		var err error
		if w, err = k.wrapper(ctx, c, s.Parent, s.Under); err != nil {
			return s, nil, err
		}
	}
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // never fails since Go 1.24
	wrapped, err := wrap(ctx, w, s, key)
	if err != nil {
		return s, nil, err
	}
	s.State, s.Wrapped = SlotLive, wrapped
	return s, key, nil
}

// wrap wraps a key of slot s, bound to its place.
func wrap(ctx context.Context, w Wrapper, s Slot, key []byte) ([]byte, error) {
	wrapped, err := w.EncryptWithContext(ctx, key, slotBinding(s))
	if err != nil {
		return nil, fmt.Errorf("privacy: wrapping a key: %w", err)
	}
	return wrapped, nil
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
