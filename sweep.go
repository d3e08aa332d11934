package helpdesk

import (
	"context"
	"errors"
	"time"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// A blob is durable before the transaction that names it, so a crash between
// the two leaves one that nobody names. sweepAfter is longer than any
// transaction may last, and sweepEvery how often Run looks.
const (
	sweepAfter = 24 * time.Hour
	sweepFirst = time.Hour
	sweepEvery = 24 * time.Hour
)

// sweepOften sweeps beside the work until ctx ends: the first time soon after
// the start, for hosts that start anew every day.
func (d *Desk) sweepOften(ctx context.Context) {
	for wait := sweepFirst; ; wait = sweepEvery {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		if _, err := d.Sweep(ctx); err != nil {
			d.log.Warn("sweeping failed", "cause", describe(err))
		}
	}
}

// Sweep removes large objects that are older than a day and that nothing names:
// what crashes left behind. It returns how many it removed. Run calls it once a
// day; hosts that use RunOnce call it themselves.
func (d *Desk) Sweep(ctx context.Context) (int, error) {
	swept := 0
	var after ticket.ID
	for {
		page, err := d.blobs.Old(ctx, sweepAfter, after, pageMost)
		if err != nil || len(page) == 0 {
			return swept, err
		}
		after = page[len(page)-1].ID
		var orphans []store.BlobRef
		err = d.store.View(ctx, func(ctx context.Context, r store.Reader) error {
			orphans = nil
			for _, ref := range page {
				named, err := isNamed(ctx, r, ref)
				if err != nil {
					return err
				}
				if !named {
					orphans = append(orphans, ref)
				}
			}
			return nil
		})
		if err != nil {
			return swept, err
		}
		if err := d.blobs.Delete(ctx, orphans); err != nil {
			return swept, err
		}
		swept += len(orphans)
	}
}

// isNamed tells whether a row names the blob: blobs have the id of the message
// or quarantined mail they belong to.
func isNamed(ctx context.Context, r store.Reader, ref store.BlobRef) (bool, error) {
	m, err := r.Message(ctx, ref.Tenant, ref.ID)
	if err == nil {
		return m.Blob == ref.ID, nil
	}
	if !errors.Is(err, store.ErrNotFound) {
		return false, err
	}
	q, err := r.Quarantined(ctx, ref.Tenant, ref.ID)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil && q.Blob == ref.ID, err
}
