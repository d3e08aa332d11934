package privacy

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// rotatePage is how many slots are wrapped anew at once.
const rotatePage = 500

// ErrRotating: the last rotation of the key cannot be finished.
var ErrRotating = errors.New("privacy: the last rotation is not finished, because slots below the key are fenced: finish their erasure and rotate again")

// Rotation is what a rotation did.
type Rotation struct {
	// Wrapped counts the slots that were wrapped anew by this call.
	Wrapped int
	// Fenced counts the slots that could not be, because they are fenced. As
	// long as there are any, the key before stays beside the new one (of the
	// root: keep it as OldRoot). Destroying them and rotating again ends that.
	Fenced int
}

func (r *Rotation) add(o Rotation) {
	r.Wrapped += o.Wrapped
	r.Fenced += o.Fenced
}

// RotateRoot wraps what is right below the root, the keys of tenants, holds and
// access logs, under a new root. From then on the vault wraps under it. Nothing
// below is touched. It may be interrupted and repeated; what is under the new
// root already is left as it is. An error says that some keys are still under
// the old one.
//
// Other processes need both roots meanwhile. Start all of them with the new
// root as [VaultConfig.OldRoot], then all with the new one as Root and the old
// one as OldRoot, then call RotateRoot, and drop the old one when it has
// returned without Fenced.
func (v *Vault) RotateRoot(ctx context.Context, newRoot Wrapper) (Rotation, error) {
	v.keys.adopt(newRoot)
	var done Rotation
	for mark := (SlotMark{}); ; {
		page, next, err := v.cfg.Slots.List(ctx, mark, rotatePage)
		if err != nil {
			return done, fmt.Errorf("privacy: listing key slots: %w", err)
		}
		for _, s := range page {
			if !s.Level.Top() || s.State == SlotDestroyed {
				continue
			}
			part, err := v.rerootSlot(ctx, s, newRoot)
			if err != nil {
				return done, err
			}
			done.add(part)
		}
		if next == (SlotMark{}) {
			return done, nil
		}
		mark = next
	}
}

// adopt makes a root the one that wraps, and keeps the others for opening.
func (k *keyring) adopt(root Wrapper) {
	for {
		have := k.roots.Load()
		next := []Wrapper{root}
		for _, w := range *have {
			if !same(w, root) {
				next = append(next, w)
			}
		}
		if k.roots.CompareAndSwap(have, &next) {
			return
		}
	}
}

// same reports whether two wrappers are known to be one: some can't be compared.
func same(a, b Wrapper) bool {
	return reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b
}

// rerootSlot wraps a slot under a new root unless it is.
func (v *Vault) rerootSlot(ctx context.Context, s Slot, root Wrapper) (Rotation, error) {
	for try := 1; ; try++ {
		if under(ctx, root, s) {
			return Rotation{}, ctx.Err()
		}
		if s.State == SlotFenced {
			return Rotation{Fenced: 1}, nil
		}
		change, err := v.rewrap(ctx, chain{}, s, s.Parent, 0, root)
		if err == nil {
			err = v.cfg.Slots.Replace(ctx, s.Tenant, []SlotChange{change})
		}
		if err == nil {
			return Rotation{Wrapped: 1}, nil
		}
		if !changedMeanwhile(err) || try == slotTries {
			return Rotation{}, fmt.Errorf("privacy: rotating the root: %w", err)
		}
		got, err := v.cfg.Slots.Get(ctx, s.Tenant, []ticket.ID{s.ID})
		if err != nil || len(got) == 0 {
			return Rotation{}, fmt.Errorf("privacy: reading key slots: %w", errors.Join(err, ctx.Err()))
		}
		if s = got[0]; s.State == SlotDestroyed {
			return Rotation{}, nil
		}
	}
}

// under reports whether all keys of a slot unwrap under w.
func under(ctx context.Context, w Wrapper, s Slot) bool {
	for _, wrapped := range [][]byte{s.Wrapped, s.Old} {
		if len(wrapped) == 0 {
			continue
		}
		if key, err := w.DecryptWithContext(ctx, wrapped, slotBinding(s)); err != nil || len(key) != keySize {
			return false
		}
	}
	return true
}

// changedMeanwhile reports whether a change was refused because of what
// somebody else did to the slots after they were read.
func changedMeanwhile(err error) bool {
	return errors.Is(err, ErrSlotChanged) || errors.Is(err, ErrFenced) || errors.Is(err, ErrErased)
}

// rewrap returns the change that puts a slot below another parent, or below the
// same one under another key, with the keys that it has.
func (v *Vault) rewrap(ctx context.Context, c chain, s Slot, parent ticket.ID, gen int64, w Wrapper) (SlotChange, error) {
	next := s
	next.Parent = parent
	change := SlotChange{ID: s.ID, Was: s.Wrapped, Parent: parent, Gen: s.Gen, Under: gen}
	for _, k := range []struct {
		from []byte
		to   *[]byte
	}{{s.Wrapped, &change.Wrapped}, {s.Old, &change.Old}} {
		if len(k.from) == 0 {
			continue
		}
		key, err := v.keys.unwrap(ctx, c, s, k.from)
		if err != nil {
			return change, err
		}
		if *k.to, err = wrap(ctx, w, next, key); err != nil {
			return change, err
		}
	}
	return change, nil
}

// RotateTenant gives a tenant a new key and wraps the slots right below it, of
// mailboxes and identities, under it. Content and the keys that seal it are not
// touched, and identity keys stay what they are. It may run beside all other
// work, in any number of processes, and be interrupted: the next call goes on
// with what the last one left, before it would begin anew. It returns
// ErrRotating where that can't be, and ErrFenced, ErrErased or ErrNoKey for a
// tenant that is not live. All processes must know of rotation before the first
// one: one of an earlier version would make slots that do not open.
func (v *Vault) RotateTenant(ctx context.Context, t ticket.TenantID) (Rotation, error) {
	return v.rotate(ctx, t, TenantKey(t), LevelTenant)
}

// RotateMailbox is [Vault.RotateTenant] for the key slot of a mailbox: it wraps
// the keys of its tickets anew.
func (v *Vault) RotateMailbox(ctx context.Context, t ticket.TenantID, key ticket.ID) (Rotation, error) {
	return v.rotate(ctx, t, key, LevelMailbox)
}

// RotateHold is [Vault.RotateTenant] for the slot of a tenant's legal holds.
func (v *Vault) RotateHold(ctx context.Context, t ticket.TenantID) (Rotation, error) {
	return v.rotate(ctx, t, HoldKey(t), LevelHold)
}

func (v *Vault) rotate(ctx context.Context, t ticket.TenantID, id ticket.ID, l Level) (done Rotation, err error) {
	resumed, err := v.newGeneration(ctx, t, id, l)
	if err != nil {
		return done, err
	}
	for try := 1; ; try++ {
		part, err := v.rewrapBelow(ctx, t, id)
		done.Wrapped, done.Fenced = done.Wrapped+part.Wrapped, part.Fenced
		if err == nil && part.Fenced == 0 {
			err = v.dropOld(ctx, t, id)
		}
		switch {
		case errors.Is(err, ErrSlotChanged) && try < slotTries:
			// Somebody else rotates as well: end what is there.
		case err != nil:
			return done, err
		case resumed && done.Fenced > 0 && done.Wrapped == 0:
			return done, ErrRotating
		default:
			return done, nil
		}
	}
}

// newGeneration gives a slot a new key beside the one that it has, unless an
// earlier rotation is to be ended first.
func (v *Vault) newGeneration(ctx context.Context, t ticket.TenantID, id ticket.ID, l Level) (resumed bool, err error) {
	for try := 1; ; try++ {
		c, err := v.keys.load(ctx, t, []ticket.ID{id})
		if err != nil {
			return false, err
		}
		if err := c.check(id, false); err != nil {
			return false, err
		}
		s := c[id]
		if s.Level != l {
			return false, ErrNoKey
		}
		if len(s.Old) > 0 {
			return true, nil
		}
		if err = v.renew(ctx, c, s); !errors.Is(err, ErrSlotChanged) || try == slotTries {
			return false, err
		}
	}
}

func (v *Vault) renew(ctx context.Context, c chain, s Slot) error {
	if _, err := v.keys.key(ctx, c, s.ID); err != nil {
		return err // never replace a key that does not open
	}
	w := v.keys.root()
	if !s.Level.Top() {
		var err error
		if w, err = v.keys.wrapper(ctx, c, s.Parent, c[s.Parent].Gen); err != nil {
			return err
		}
	}
	change, err := v.rewrap(ctx, c, s, s.Parent, c[s.Parent].Gen, w)
	if err != nil {
		return err
	}
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // never fails since Go 1.24
	change.Gen, change.Old = s.Gen+1, change.Wrapped
	if change.Wrapped, err = wrap(ctx, w, s, key); err != nil {
		return err
	}
	return v.cfg.Slots.Replace(ctx, s.Tenant, []SlotChange{change})
}

// rewrapBelow wraps the slots below a slot under its present key.
func (v *Vault) rewrapBelow(ctx context.Context, t ticket.TenantID, parent ticket.ID) (done Rotation, err error) {
	var after ticket.ID
	for {
		page, err := v.cfg.Slots.Children(ctx, t, parent, after, rotatePage)
		if err != nil {
			return done, fmt.Errorf("privacy: listing key slots: %w", err)
		}
		part, err := v.rewrapPage(ctx, t, parent, page)
		done.add(part)
		if err != nil || len(page) < rotatePage {
			return done, err
		}
		after = page[len(page)-1].ID
	}
}

func (v *Vault) rewrapPage(ctx context.Context, t ticket.TenantID, parent ticket.ID, page []Slot) (Rotation, error) {
	ids := []ticket.ID{parent}
	for _, s := range page {
		if s.State != SlotDestroyed {
			ids = append(ids, s.ID)
		}
	}
	for try := 1; ; try++ {
		c, err := v.keys.load(ctx, t, ids)
		if err != nil {
			return Rotation{}, err
		}
		if err := c.check(parent, false); err != nil {
			return Rotation{}, err
		}
		changes, fenced, err := v.rewraps(ctx, c, parent, ids[1:])
		if err == nil && len(changes) > 0 {
			err = v.cfg.Slots.Replace(ctx, t, changes)
		}
		if err == nil {
			return Rotation{Wrapped: len(changes), Fenced: fenced}, nil
		}
		if !changedMeanwhile(err) || try == slotTries {
			return Rotation{}, fmt.Errorf("privacy: wrapping key slots anew: %w", err)
		}
	}
}

// rewraps returns the changes that put slots under the present key of their
// parent, and counts those that can't be.
func (v *Vault) rewraps(ctx context.Context, c chain, parent ticket.ID, ids []ticket.ID) (out []SlotChange, fenced int, err error) {
	gen := c[parent].Gen
	w, err := v.keys.wrapper(ctx, c, parent, gen)
	if err != nil {
		return nil, 0, err
	}
	for _, id := range ids {
		s := c[id]
		switch {
		case s.State == SlotDestroyed, s.Parent != parent, s.Under == gen:
			continue
		case s.State == SlotFenced:
			fenced++
			continue
		}
		change, err := v.rewrap(ctx, c, s, parent, gen, w)
		if err != nil {
			return nil, 0, err
		}
		out = append(out, change)
	}
	return out, fenced, nil
}

// dropOld drops the key that a slot had before, after looking once more that
// nothing is under it. Nothing can come to be: making or moving a slot under
// an earlier generation is refused by the key store.
func (v *Vault) dropOld(ctx context.Context, t ticket.TenantID, id ticket.ID) error {
	got, err := v.cfg.Slots.Get(ctx, t, []ticket.ID{id})
	if err != nil {
		return fmt.Errorf("privacy: reading key slots: %w", err)
	}
	if len(got) == 0 {
		return ErrNoKey
	}
	s := got[0]
	if len(s.Old) == 0 {
		return nil
	}
	var after ticket.ID
	for {
		page, err := v.cfg.Slots.Children(ctx, t, id, after, rotatePage)
		if err != nil {
			return fmt.Errorf("privacy: listing key slots: %w", err)
		}
		if slices.ContainsFunc(page, func(child Slot) bool { return child.State != SlotDestroyed && child.Under != s.Gen }) {
			return ErrSlotChanged
		}
		if len(page) < rotatePage {
			break
		}
		after = page[len(page)-1].ID
	}
	return v.cfg.Slots.Replace(ctx, t, []SlotChange{{
		ID: s.ID, Was: s.Wrapped, Parent: s.Parent, Wrapped: s.Wrapped, Gen: s.Gen, Under: s.Under,
	}})
}
