package erase

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// readMost bounds how many entries of the ledger are read at once.
const readMost = 100

// applyTries is how often an entry is applied anew because the state moved on.
const applyTries = 20

// Lag returns how many entries of the ledger the content store and the key
// store have not carried out: what a restored copy lacks. A ledger that is
// older than one of them is an error.
func (x *Executor) Lag(ctx context.Context) (int64, error) {
	d, err := x.Store.Deployment(ctx)
	if err != nil {
		return 0, err
	}
	lag, err := privacy.LedgerLag(ctx, x.Ledger, d.Reached)
	if err != nil {
		return 0, err
	}
	keys, err := x.Slots.Reached(ctx)
	if err != nil {
		return 0, err
	}
	behind, err := privacy.LedgerLag(ctx, x.Ledger, keys)
	return max(lag, behind), err
}

// CatchUp carries out what the ledger says and the stores have not done yet,
// in the ledger's order: first in the content store, then in the key store.
func (x *Executor) CatchUp(ctx context.Context) error {
	if err := x.catchUpContent(ctx); err != nil {
		return err
	}
	return x.catchUpKeys(ctx)
}

func (x *Executor) catchUpContent(ctx context.Context) error {
	for {
		d, err := x.Store.Deployment(ctx)
		if err != nil {
			return err
		}
		entries, err := x.Ledger.Read(ctx, d.Reached.N, readMost)
		if err != nil || len(entries) == 0 {
			return err
		}
		for _, e := range entries {
			if err := x.apply(ctx, e); err != nil {
				return err
			}
		}
	}
}

// apply carries out one entry in the content store, unless another process did.
func (x *Executor) apply(ctx context.Context, e privacy.LedgerEntry) error {
	at, err := x.Ledger.At(ctx, e.N)
	if err != nil {
		return err
	}
	for range applyTries {
		err := x.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
			c, err := x.consequences(ctx, tx, e)
			if err != nil {
				return err
			}
			c.Tenant, c.Reached = e.Scope.Tenant, &at
			return x.Apply(ctx, tx, c)
		})
		if !errors.Is(err, store.ErrStale) {
			return err
		}
		if d, err := x.Store.Deployment(ctx); err != nil || d.Reached.N >= e.N {
			return err
		}
	}
	return store.ErrStale
}

// consequences are the changes that an entry makes.
func (x *Executor) consequences(ctx context.Context, tx store.Tx, e privacy.LedgerEntry) (store.Changes, error) {
	switch e.Kind {
	case privacy.LedgerPlanned:
		return x.planned(ctx, tx, e)
	case privacy.LedgerErase:
		return x.begun(ctx, tx, e)
	case privacy.LedgerCancelled:
		return x.cancelled(ctx, tx, e)
	case privacy.LedgerHold:
		return x.held(ctx, tx, e)
	case privacy.LedgerRelease:
		return x.released(ctx, tx, e)
	}
	return store.Changes{}, nil // closed and recovered are for readers
}

// catchUpKeys carries out entries in the key store. The content store is ahead
// of it, so what holds keep is known.
func (x *Executor) catchUpKeys(ctx context.Context) error {
	for {
		reached, err := x.Slots.Reached(ctx)
		if err != nil {
			return err
		}
		entries, err := x.Ledger.Read(ctx, reached.N, readMost)
		if err != nil || len(entries) == 0 {
			return err
		}
		for _, e := range entries {
			if err := x.applyKeys(ctx, e); err != nil {
				return err
			}
			at, err := x.Ledger.At(ctx, e.N)
			if err != nil {
				return err
			}
			if err := x.Slots.Reach(ctx, at); err != nil {
				return err
			}
		}
	}
}

func (x *Executor) applyKeys(ctx context.Context, e privacy.LedgerEntry) error {
	t := e.Scope.Tenant
	switch e.Kind {
	case privacy.LedgerPlanned:
		return x.Vault.Fence(ctx, t, e.Slots)
	case privacy.LedgerCancelled:
		return x.Vault.Unfence(ctx, t, e.Slots)
	case privacy.LedgerErase:
		return x.destroy(ctx, e)
	}
	return nil
}

// destroy keeps what holds keep and destroys the rest. The fingerprints of what
// dies are written down before.
func (x *Executor) destroy(ctx context.Context, e privacy.LedgerEntry) error {
	t := e.Scope.Tenant
	rec, err := x.Erasure(ctx, t, e.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	doomed := e.Slots
	if len(rec.Keep) > 0 {
		kept, err := x.ticketKeys(ctx, t, rec.Keep)
		if err != nil {
			return err
		}
		if err := x.Vault.Hold(ctx, t, kept); err != nil {
			return err
		}
		doomed = slices.DeleteFunc(slices.Clone(doomed), func(id ticket.ID) bool { return slices.Contains(kept, id) })
	}
	if rec.KeysAt.IsZero() && err == nil {
		prints, err := x.Vault.Fingerprints(ctx, t, doomed)
		if err != nil {
			return err
		}
		if err := x.change(ctx, t, e.ID, func(r *Erasure) { r.Keys = append(r.Keys, prints...) }); err != nil {
			return err
		}
	}
	if err := x.Vault.Destroy(ctx, t, doomed); err != nil {
		return err
	}
	if err != nil { // no record of it: the store is of a time before the mailbox
		return nil
	}
	return x.change(ctx, t, e.ID, func(r *Erasure) {
		if r.KeysAt.IsZero() {
			r.KeysAt = x.Now().UTC()
		}
	})
}

// ticketKeys returns the keys of those tickets that are there.
func (x *Executor) ticketKeys(ctx context.Context, t ticket.TenantID, ids []ticket.ID) (out []ticket.ID, err error) {
	err = x.Store.View(ctx, func(ctx context.Context, r store.Reader) error {
		keys, err := r.TicketKeys(ctx, t, ids)
		out = nil
		for _, k := range keys {
			out = append(out, k)
		}
		return err
	})
	slices.SortFunc(out, func(a, b ticket.ID) int { return slices.Compare(a[:], b[:]) })
	return out, err
}

// change rewrites an erasure.
func (x *Executor) change(ctx context.Context, t ticket.TenantID, id ticket.ID, edit func(*Erasure)) error {
	return x.retry(ctx, func(ctx context.Context, tx store.Tx) error {
		r, err := tx.Record(ctx, t, ErasureRecord, id)
		if err != nil {
			return err
		}
		e, err := erasureOf(r)
		if err != nil {
			return err
		}
		edit(&e)
		return tx.Apply(ctx, store.Changes{Tenant: t, Records: []store.Record{e.record(e.due())}})
	})
}

// retry runs a transaction again while others are faster.
func (x *Executor) retry(ctx context.Context, fn func(ctx context.Context, tx store.Tx) error) error {
	for range applyTries {
		if err := x.Store.Update(ctx, fn); !errors.Is(err, store.ErrStale) {
			return err
		}
	}
	return store.ErrStale
}

// derived makes the id of something that follows from two others, the same in
// every process (RFC 9562, version 8).
func derived(a, b ticket.ID) ticket.ID {
	sum := sha256.Sum256(append(append([]byte("helpdesk/erase/"), a[:]...), b[:]...))
	id := ticket.ID(sum[:16])
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return id
}

// body is an entry's own part.
func body(v any) json.RawMessage {
	b, _ := json.Marshal(v)
	return b
}

func read[T any](e privacy.LedgerEntry) (v T, err error) {
	if json.Unmarshal(e.Body, &v) != nil {
		return v, fmt.Errorf("%w (ledger entry %d)", errForm, e.N)
	}
	return v, nil
}
