package privacy

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"time"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// VaultConfig is what a [Vault] works with.
type VaultConfig struct {
	// Root wraps the keys of tenants.
	Root Wrapper
	// Slots is the key store.
	Slots Slots
	// Log keeps the accesses.
	Log AccessLog
	// Authorize is the host's own say, asked after the library's: an error
	// denies. Nil adds nothing. It must be safe for concurrent use.
	Authorize func(ctx context.Context, r Request) error
	// Now is the clock; it must not be nil.
	Now func() time.Time
}

// Vault seals and opens content. It is safe for concurrent use.
type Vault struct {
	cfg  VaultConfig
	keys keyring
	log  *groupLog
}

// NewVault returns a vault. It does no I/O.
func NewVault(c VaultConfig) *Vault {
	return &Vault{
		cfg:  c,
		keys: keyring{root: c.Root, slots: c.Slots, now: c.Now},
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

// PrepareMailbox makes the slots of a mailbox unless they exist.
func (v *Vault) PrepareMailbox(ctx context.Context, m MailboxKeys) error {
	if err := v.ensure(ctx, m.Tenant, Slot{ID: m.Key, Tenant: m.Tenant, Level: LevelMailbox, Parent: TenantKey(m.Tenant)}); err != nil {
		return err
	}
	return v.ensure(ctx, m.Tenant, Slot{ID: m.Identity, Tenant: m.Tenant, Level: LevelIdentity, Parent: m.Key})
}

// ensure makes one slot and checks that it opens.
func (v *Vault) ensure(ctx context.Context, t ticket.TenantID, s Slot) error {
	c, err := v.keys.load(ctx, t, []ticket.ID{s.ID, s.Parent})
	if err != nil {
		return err
	}
	if _, ok := c[s.ID]; !ok {
		made, _, err := v.keys.fresh(ctx, c, s)
		if err != nil {
			return err
		}
		got, err := v.cfg.Slots.Create(ctx, []Slot{made})
		if err != nil {
			return fmt.Errorf("privacy: making a key slot: %w", err)
		}
		for _, g := range got {
			c[g.ID] = g
		}
	}
	_, err = v.keys.key(ctx, c, s.ID)
	return err
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
	ids := append([]ticket.ID{m.Key, m.Identity}, existing...)
	c, err := v.keys.load(ctx, m.Tenant, append(ids, fresh...))
	if err != nil {
		return nil, err
	}
	if err := v.provision(ctx, c, m, fresh); err != nil {
		return nil, err
	}
	s := &Sealer{keys: m, slot: map[ticket.ID][]byte{}}
	for _, id := range append(ids, fresh...) {
		if s.slot[id], err = v.keys.key(ctx, c, id); err != nil {
			return nil, err
		}
	}
	s.hash = Hasher{key: s.slot[m.Identity]}
	return s, nil
}

// provision makes the fresh ticket slots that are not in the chain, in one
// call to the key store.
func (v *Vault) provision(ctx context.Context, c chain, m MailboxKeys, fresh []ticket.ID) error {
	var make []Slot
	for _, id := range fresh {
		if _, ok := c[id]; ok {
			continue
		}
		s, _, err := v.keys.fresh(ctx, c, Slot{ID: id, Tenant: m.Tenant, Level: LevelTicket, Parent: m.Key})
		if err != nil {
			return err
		}
		make = append(make, s)
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
	c, err := v.keys.load(ctx, t, []ticket.ID{identity})
	if err != nil {
		return nil, err
	}
	key, err := v.keys.key(ctx, c, identity)
	if err != nil {
		return nil, err
	}
	return &Hasher{key: key}, nil
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
	if err := v.cfg.Slots.Fence(ctx, t, ids); err != nil {
		return fmt.Errorf("privacy: fencing key slots: %w", err)
	}
	return nil
}

// Closed returns those of the slots that nothing can be sealed under any more,
// because they or a slot above them are fenced, destroyed or unknown.
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
		if !c.live(id) {
			closed[id] = true
		}
	}
	return closed, nil
}
