package keyfile

import (
	"context"
	"maps"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// List implements [privacy.Slots]. It looks at all slots for each page, so take
// large ones.
func (f *File) List(ctx context.Context, after privacy.SlotMark, limit int) (page []privacy.Slot, next privacy.SlotMark, err error) {
	err = f.read(ctx, func() {
		var more bool
		page, more = privacy.PageSlots(maps.Values(f.state.slots), limit, after.Before)
		if more {
			next = page[len(page)-1].Mark()
		}
	})
	return page, next, err
}

// Children implements [privacy.Slots]. It looks at all slots for each page, so
// take large ones.
func (f *File) Children(ctx context.Context, tenant ticket.TenantID, parent, after ticket.ID, limit int) (page []privacy.Slot, err error) {
	mark := privacy.SlotMark{Tenant: tenant, ID: after}
	err = f.read(ctx, func() {
		page, _ = privacy.PageSlots(maps.Values(f.state.slots), limit, func(s privacy.Slot) bool {
			return s.Tenant == tenant && s.Parent == parent && mark.Before(s)
		})
	})
	return page, err
}

// Replace implements [privacy.Slots]. It appends one line; what the slots were
// leaves the journal with the next writing anew, which is at once when a key
// that was rotated is dropped, when the root is another one, and when the
// journal has more earlier slots than present ones.
func (f *File) Replace(ctx context.Context, tenant ticket.TenantID, changes []privacy.SlotChange) error {
	return f.change(ctx, func() error {
		after, purge, err := f.state.change(tenant, changes)
		if err != nil || len(after) == 0 {
			return err
		}
		if purge || f.state.stale+len(after) > len(f.state.slots) {
			return f.rewrite(f.state.with(after))
		}
		return f.appendNew(record{Replace: storedSlots(after)})
	})
}

// Reached implements [privacy.Slots].
func (f *File) Reached(ctx context.Context) (p privacy.Position, err error) {
	err = f.read(ctx, func() { p = f.state.reached })
	return p, err
}

// Reach implements [privacy.Slots].
func (f *File) Reach(ctx context.Context, p privacy.Position) error {
	return f.change(ctx, func() error {
		next, err := f.state.reached.Advance(p)
		if err != nil || next == f.state.reached {
			return err
		}
		return f.appendNew(record{Reached: storedPosition(next)})
	})
}
