package privacy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// Hold moves ticket slots below the tenant's slot for legal holds, which it
// makes if there is none: they outlive their mailbox's key and the tenant's,
// and open for the purpose Legal only. It works also where the slots above are
// fenced, and may be repeated. It returns ErrFenced, ErrErased or ErrNoKey,
// naming the slot, when one of the slots itself is not live; those before it
// may have been moved by then.
func (v *Vault) Hold(ctx context.Context, t ticket.TenantID, tickets []ticket.ID) error {
	hold := HoldKey(t)
	if err := v.ensure(ctx, t, Slot{ID: hold, Tenant: t, Level: LevelHold}); err != nil {
		return err
	}
	for at := 0; at < len(tickets); at += rotatePage {
		if err := v.holdPage(ctx, t, hold, tickets[at:min(at+rotatePage, len(tickets))]); err != nil {
			return err
		}
	}
	return nil
}

func (v *Vault) holdPage(ctx context.Context, t ticket.TenantID, hold ticket.ID, ids []ticket.ID) error {
	for try := 1; ; try++ {
		c, err := v.keys.load(ctx, t, append([]ticket.ID{hold}, ids...))
		if err != nil {
			return err
		}
		changes, err := v.moves(ctx, c, hold, ids)
		if err == nil && len(changes) > 0 {
			err = v.cfg.Slots.Replace(ctx, t, changes)
		}
		if !errors.Is(err, ErrSlotChanged) || try == slotTries {
			return err
		}
	}
}

// moves returns the changes that put ticket slots below the hold's.
func (v *Vault) moves(ctx context.Context, c chain, hold ticket.ID, ids []ticket.ID) ([]SlotChange, error) {
	if err := c.check(hold, false); err != nil {
		return nil, err
	}
	gen := c[hold].Gen
	w, err := v.keys.wrapper(ctx, c, hold, gen)
	if err != nil {
		return nil, err
	}
	var out []SlotChange
	named := map[ticket.ID]bool{}
	for _, id := range ids {
		s, ok := c[id]
		err := s.closed()
		switch {
		case !ok, s.Level != LevelTicket:
			err = ErrNoKey
		case err == nil:
			err = c.check(id, true)
		}
		if err != nil {
			return nil, fmt.Errorf("%w (slot %s)", err, id)
		}
		if s.Parent == hold || named[id] {
			continue
		}
		named[id] = true
		change, err := v.rewrap(ctx, c, s, hold, gen, w)
		if err != nil {
			return nil, err
		}
		out = append(out, change)
	}
	return out, nil
}

// Destroy makes keys unrecoverable and forgets what was unwrapped of them here.
// What other processes have in memory is of no use to them, because every call
// looks at the slots first; it is gone after a minute.
func (v *Vault) Destroy(ctx context.Context, t ticket.TenantID, ids []ticket.ID) error {
	v.keys.cache.forget(t, ids)
	defer v.keys.cache.forget(t, ids) // a call may just have unwrapped one
	if err := v.cfg.Slots.Destroy(ctx, t, ids); err != nil {
		return fmt.Errorf("privacy: destroying key slots: %w", err)
	}
	return nil
}

// Fingerprints returns the SHA-256 of the wrapped key of each slot, in
// hexadecimal and in the order of the ids, for the receipt of what is about to
// be destroyed. A slot without a key has an empty one.
func (v *Vault) Fingerprints(ctx context.Context, t ticket.TenantID, ids []ticket.ID) ([]string, error) {
	got, err := v.cfg.Slots.Get(ctx, t, ids)
	if err != nil {
		return nil, fmt.Errorf("privacy: reading key slots: %w", err)
	}
	of := make(map[ticket.ID]string, len(got))
	for _, s := range got {
		if len(s.Wrapped) > 0 {
			sum := sha256.Sum256(s.Wrapped)
			of[s.ID] = hex.EncodeToString(sum[:])
		}
	}
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = of[id]
	}
	return out, nil
}
