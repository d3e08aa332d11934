package privacy

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// VaultConfig is what a [Vault] works with.
type VaultConfig struct {
	// Root wraps the keys of tenants.
	Root Wrapper
	// OldRoot is another root that keys may be wrapped under, for the time in
	// which the root is rotated; see [Vault.RotateRoot]. Nil is none.
	OldRoot Wrapper
	// Slots is the key store.
	Slots Slots
	// Log keeps the accesses.
	Log AccessLog
	// Authorize is the host's own say, asked after the library's: an error
	// denies. Nil adds nothing. It must be safe for concurrent use.
	Authorize func(ctx context.Context, r Request) error
	// Now is the clock; it must not be nil.
	Now func() time.Time
	// Ready is asked before anything else: with an error nothing is opened.
	// Nil is always ready. It must be safe for concurrent use.
	Ready func() error
}

// Vault seals and opens content. It is safe for concurrent use.
type Vault struct {
	cfg  VaultConfig
	keys *keyring
	log  *groupLog
}

// NewVault returns a vault. It does no I/O.
func NewVault(c VaultConfig) *Vault {
	return &Vault{
		cfg:  c,
		keys: newKeyring(c),
		log:  &groupLog{log: c.Log},
	}
}

// MailboxKeys names a mailbox and its slots.
type MailboxKeys struct {
	Tenant   ticket.TenantID
	Mailbox  ticket.ID
	Key      ticket.ID
	Identity ticket.ID
}

// PrepareTenant makes the slots of a tenant unless they exist. It returns
// ErrErased for a tenant whose keys were destroyed.
func (v *Vault) PrepareTenant(ctx context.Context, t ticket.TenantID) error {
	top := Slot{ID: TenantKey(t), Tenant: t, Level: LevelTenant}
	identity := Slot{ID: TenantIdentity(t), Tenant: t, Level: LevelIdentity, Parent: top.ID}
	if err := v.ensure(ctx, t, top); err != nil {
		return err
	}
	return v.ensure(ctx, t, identity)
}

// PrepareMailbox makes the slots of a mailbox unless they exist: its key, under
// which nothing is sealed, its identity, and the slot of its own content.
func (v *Vault) PrepareMailbox(ctx context.Context, m MailboxKeys) error {
	for _, s := range []Slot{
		{ID: m.Key, Tenant: m.Tenant, Level: LevelMailbox, Parent: TenantKey(m.Tenant)},
		{ID: m.Identity, Tenant: m.Tenant, Level: LevelIdentity, Parent: m.Key},
		{ID: MailboxContent(m.Key), Tenant: m.Tenant, Level: LevelTicket, Parent: m.Key},
	} {
		if err := v.ensure(ctx, m.Tenant, s); err != nil {
			return err
		}
	}
	return nil
}

// ensure makes one slot and checks that it opens.
func (v *Vault) ensure(ctx context.Context, t ticket.TenantID, s Slot) error {
	for try := 1; ; try++ {
		c, err := v.keys.load(ctx, t, []ticket.ID{s.ID, s.Parent})
		if err == nil {
			err = v.provision(ctx, c, s)
		}
		if err == nil {
			_, err = v.keys.key(ctx, c, s.ID)
		}
		if !errors.Is(err, ErrSlotChanged) || try == slotTries {
			return err
		}
	}
}

// Sealer seals for one mailbox during one call. It is safe for concurrent use.
type Sealer struct {
	keys MailboxKeys
	slot map[ticket.ID][]byte
	hash Hasher
}

// Sealer returns a sealer with the keys of the mailbox and of its tickets:
// those of existing slots and new ones for fresh ids, which are durable when
// it returns. An id of fresh that has a slot already, because an earlier
// attempt made it, keeps it.
func (v *Vault) Sealer(ctx context.Context, m MailboxKeys, existing, fresh []ticket.ID) (*Sealer, error) {
	own := MailboxContent(m.Key)
	existing = append([]ticket.ID{m.Identity, own}, existing...)
	make := []Slot{{ID: own, Tenant: m.Tenant, Level: LevelTicket, Parent: m.Key}}
	for _, id := range fresh {
		make = append(make, Slot{ID: id, Tenant: m.Tenant, Level: LevelTicket, Parent: m.Key})
	}
	for try := 1; ; try++ {
		s, err := v.sealer(ctx, m, append(existing, fresh...), make)
		if !errors.Is(err, ErrSlotChanged) || try == slotTries {
			return s, err
		}
	}
}

// sealer makes slots and a sealer with the keys of all ids.
func (v *Vault) sealer(ctx context.Context, m MailboxKeys, ids []ticket.ID, fresh []Slot) (*Sealer, error) {
	c, err := v.keys.load(ctx, m.Tenant, append([]ticket.ID{m.Key}, ids...))
	if err != nil {
		return nil, err
	}
	// Also where every key asked for has found another parent.
	if err := c.check(m.Key, false); err != nil {
		return nil, err
	}
	if err := v.provision(ctx, c, fresh...); err != nil {
		return nil, err
	}
	s := &Sealer{keys: m, slot: map[ticket.ID][]byte{}}
	for _, id := range ids {
		if c.held(id) {
			return nil, ErrHeld
		}
		if s.slot[id], err = v.keys.key(ctx, c, id); err != nil {
			return nil, err
		}
	}
	s.hash = Hasher{key: s.slot[m.Identity]}
	return s, nil
}

// provision makes those of the slots that are not in the chain, in one call to
// the key store.
func (v *Vault) provision(ctx context.Context, c chain, fresh ...Slot) error {
	var make []Slot
	for _, s := range fresh {
		if _, ok := c[s.ID]; ok {
			continue
		}
		made, _, err := v.keys.fresh(ctx, c, s)
		if err != nil {
			return err
		}
		make = append(make, made)
	}
	if len(make) == 0 {
		return nil
	}
	got, err := v.cfg.Slots.Create(ctx, make)
	if err != nil {
		return fmt.Errorf("privacy: making key slots: %w", err)
	}
	for _, s := range got {
		c[s.ID] = s
	}
	return nil
}

// Hasher returns the mailbox's hasher.
func (s *Sealer) Hasher() *Hasher { return &s.hash }

// Seal seals content of an object under a slot the sealer was made with.
// Empty content is nil.
func (s *Sealer) Seal(key, object ticket.ID, c Class, plain []byte) (Sealed, error) {
	if len(plain) == 0 {
		return nil, nil
	}
	slot, ok := s.slot[key]
	if !ok {
		return nil, ErrNoKey
	}
	return seal(slot, key, s.object(object, c), plain)
}

// SealStream seals a large object while it is copied.
func (s *Sealer) SealStream(key, object ticket.ID, c Class, dst io.Writer, plain io.Reader) error {
	slot, ok := s.slot[key]
	if !ok {
		return ErrNoKey
	}
	return sealStream(slot, key, s.object(object, c), dst, plain)
}

func (s *Sealer) object(id ticket.ID, c Class) Object {
	return Object{Tenant: s.keys.Tenant, Mailbox: s.keys.Mailbox, ID: id, Class: c}
}

// Hasher returns the hasher under an identity slot: a mailbox's, or with
// TenantIdentity the tenant's own.
func (v *Vault) Hasher(ctx context.Context, t ticket.TenantID, identity ticket.ID) (*Hasher, error) {
	_, keys, err := v.keys.open(ctx, t, []ticket.ID{identity})
	if err != nil {
		return nil, err
	}
	if err := keys[identity].Err; err != nil {
		return nil, err
	}
	return &Hasher{key: keys[identity].Plain}, nil
}

// randomID returns an id for a log entry.
func randomID(now time.Time) ticket.ID {
	id := ticket.NewID(now)
	_, _ = rand.Read(id[9:])
	return id
}

// Fence closes slots and forgets their keys. What was fenced neither seals nor
// opens, from the next call on.
func (v *Vault) Fence(ctx context.Context, t ticket.TenantID, ids []ticket.ID) error {
	defer v.keys.cache.forget(t, ids)
	if err := v.cfg.Slots.Fence(ctx, t, ids); err != nil {
		return fmt.Errorf("privacy: fencing key slots: %w", err)
	}
	return nil
}

// Closed returns those of the slots that nothing can be sealed under any more,
// because they or a slot above them are fenced, destroyed, unknown or held.
func (v *Vault) Closed(ctx context.Context, t ticket.TenantID, ids []ticket.ID) (map[ticket.ID]bool, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	c, err := v.keys.load(ctx, t, ids)
	if err != nil {
		return nil, err
	}
	closed := map[ticket.ID]bool{}
	for _, id := range ids {
		if !c.live(id) || c.held(id) {
			closed[id] = true
		}
	}
	return closed, nil
}

// slotKeys unwraps the keys of slots, each with its own error. What a legal
// hold keeps opens for its purpose only.
func (v *Vault) slotKeys(ctx context.Context, t ticket.TenantID, ids []ticket.ID) (map[ticket.ID]Opened, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	c, keys, err := v.keys.open(ctx, t, ids)
	if err != nil {
		return nil, err
	}
	_, purpose, err := From(ctx)
	for _, id := range ids {
		if (err != nil || purpose != Legal) && keys[id].Err == nil && c.held(id) {
			keys[id] = Opened{Err: ErrHeld}
		}
	}
	return keys, nil
}

// Unfence opens slots again that Fence closed.
func (v *Vault) Unfence(ctx context.Context, t ticket.TenantID, ids []ticket.ID) error {
	if err := v.cfg.Slots.Unfence(ctx, t, ids); err != nil {
		return fmt.Errorf("privacy: opening key slots: %w", err)
	}
	return nil
}
