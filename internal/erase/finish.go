package erase

import (
	"context"
	"errors"
	"fmt"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// batchMost is how many rows of each table one transaction removes.
const batchMost = 500

// ErrNotGone: after an erasure something is still there. The erasure stays open
// and is tried again.
var ErrNotGone = errors.New("erase: something is still there after the erasure")

// finish removes what the destroyed keys made unreadable, looks whether it is
// gone, and closes the erasure with its receipt.
func (x *Executor) finish(ctx context.Context, e Erasure) error {
	for _, step := range []func(context.Context, Erasure) error{x.blobsOfTickets, x.rows, x.blobsOfBoxes, x.leftContacts, x.hosts} {
		if err := step(ctx, e); err != nil {
			return err
		}
	}
	checks, err := x.verify(ctx, e)
	if err != nil {
		return err
	}
	for _, c := range checks {
		if !c.OK {
			return fmt.Errorf("%w (%s: %d)", ErrNotGone, c.Name, c.Left)
		}
	}
	if e, err = x.Erasure(ctx, e.Scope.Tenant, e.ID); err != nil || e.State != Erasing {
		return err
	}
	e.FinishedAt = x.Now().UTC()
	receipt := ""
	if x.Receipt != nil {
		if receipt, err = x.Receipt(ctx, e, checks); err != nil {
			return err
		}
	}
	return x.retry(ctx, func(ctx context.Context, tx store.Tx) error {
		r, err := tx.Record(ctx, e.Scope.Tenant, ErasureRecord, e.ID)
		if err != nil {
			return err
		}
		rec, err := erasureOf(r)
		if err != nil || rec.State != Erasing {
			return err // another process was faster
		}
		rec.State, rec.FinishedAt, rec.Receipt = Done, e.FinishedAt, receipt
		ev := x.event(ticket.DataErased, e.Scope.Tenant, ticket.ID{}, e.FinishedAt)
		ev.Subject, ev.To, ev.Cause = e.ID, string(e.Scope.Kind()), string(e.Trigger)
		return x.Apply(ctx, tx, store.Changes{
			Tenant: e.Scope.Tenant, Records: []store.Record{rec.record(rec.due())}, Events: []ticket.Event{ev},
		})
	})
}

// kept are the kinds of records that outlive a tenant: they are what tells that
// his data are gone.
var kept = []store.RecordKind{ErasureRecord, HoldRecord}

// aims are the rows that an erasure removes, in this order.
func (x *Executor) aims(ctx context.Context, e Erasure) ([]store.Erase, error) {
	t, s := e.Scope.Tenant, e.Scope
	free := func(ids []ticket.ID) []ticket.ID { return without(ids, e.Keep) }
	attachments := s.Part == privacy.AttachmentsPart
	switch {
	case e.batch():
		return ofTickets(t, free(e.Tickets), attachments), nil
	case s.Kind() == privacy.ScopeTicket:
		return ofTickets(t, free([]ticket.ID{s.Ticket}), attachments), nil
	case s.Kind() == privacy.ScopeContact:
		if len(e.Keep) > 0 {
			return nil, nil // his addresses lead to what is held
		}
		return []store.Erase{{Tenant: t, Contact: s.Contact}}, nil
	case s.Kind() == privacy.ScopeMailbox:
		return []store.Erase{{Tenant: t, Mailbox: s.Mailbox, Keep: e.Keep}}, nil
	}
	var out []store.Erase
	for _, id := range e.Boxes {
		keep, err := x.keptIn(ctx, t, id, e.Keep)
		if err != nil {
			return nil, err
		}
		out = append(out, store.Erase{Tenant: t, Mailbox: id, Keep: keep})
	}
	return append(out, store.Erase{Tenant: t, KeepRecords: kept}), nil
}

func ofTickets(t ticket.TenantID, ids []ticket.ID, attachments bool) []store.Erase {
	if len(ids) == 0 {
		return nil
	}
	return []store.Erase{{Tenant: t, Tickets: ids, Attachments: attachments}}
}

func without(ids, gone []ticket.ID) (out []ticket.ID) {
	skip := map[ticket.ID]bool{}
	for _, id := range gone {
		skip[id] = true
	}
	for _, id := range ids {
		if !skip[id] {
			out = append(out, id)
		}
	}
	return out
}

// keptIn are those of the kept tickets that are in a mailbox, so that a mailbox
// without any goes as a whole.
func (x *Executor) keptIn(ctx context.Context, t ticket.TenantID, box ticket.ID, keep []ticket.ID) (out []ticket.ID, err error) {
	err = x.Store.View(ctx, func(ctx context.Context, r store.Reader) error {
		out = nil
		for _, id := range keep {
			row, err := r.Ticket(ctx, t, id)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			if err == nil && row.Mailbox == box {
				out = append(out, id)
			}
		}
		return nil
	})
	return out, err
}

// rows removes rows in batches. What a batch removed is counted where it is
// removed, so that a crash counts nothing twice and nothing less.
func (x *Executor) rows(ctx context.Context, e Erasure) error {
	aims, err := x.aims(ctx, e)
	if err != nil {
		return err
	}
	for _, aim := range aims {
		aim.Limit = batchMost
		for more := true; more; {
			err := x.retry(ctx, func(ctx context.Context, tx store.Tx) error {
				got, err := tx.Erase(ctx, aim)
				if err != nil {
					return err
				}
				more = got.More
				if got.Tally.Rows() == 0 {
					return nil
				}
				return x.count(ctx, tx, e, func(r *Erasure) {
					if r.Removed == nil {
						r.Removed = store.Tally{}
					}
					r.Removed.Add(got.Tally)
				})
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// count rewrites the erasure in the transaction that did what is counted.
func (x *Executor) count(ctx context.Context, tx store.Tx, e Erasure, edit func(*Erasure)) error {
	r, err := tx.Record(ctx, e.Scope.Tenant, ErasureRecord, e.ID)
	if err != nil {
		return err
	}
	rec, err := erasureOf(r)
	if err != nil {
		return err
	}
	edit(&rec)
	return tx.Apply(ctx, store.Changes{Tenant: e.Scope.Tenant, Records: []store.Record{rec.record(rec.due())}})
}

// blobsOfTickets removes the large objects of tickets while their messages
// still name them.
func (x *Executor) blobsOfTickets(ctx context.Context, e Erasure) error {
	aims, err := x.aims(ctx, e)
	if err != nil {
		return err
	}
	for _, aim := range aims {
		for _, id := range aim.Tickets {
			refs, err := x.blobsOf(ctx, e.Scope.Tenant, id)
			if err == nil {
				err = x.dropBlobs(ctx, e, refs)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (x *Executor) blobsOf(ctx context.Context, t ticket.TenantID, id ticket.ID) (refs []store.BlobRef, err error) {
	err = x.Store.View(ctx, func(ctx context.Context, r store.Reader) error {
		refs = nil
		q := store.MessageQuery{Tenant: t, Ticket: id, Limit: pageMost}
		for {
			page, err := r.Messages(ctx, q)
			if err != nil {
				return err
			}
			for _, m := range page {
				if !m.Blob.IsZero() {
					refs = append(refs, store.BlobRef{Tenant: t, Mailbox: m.Mailbox, ID: m.Blob})
				}
			}
			if len(page) < q.Limit {
				return nil
			}
			q.After = page[len(page)-1].Seq
		}
	})
	return refs, err
}

// blobsOfBoxes removes the large objects of mailboxes that no row names any
// more, also those that none ever named.
func (x *Executor) blobsOfBoxes(ctx context.Context, e Erasure) error {
	return x.eachBlob(ctx, e, func(page []store.BlobRef) error { return x.dropBlobs(ctx, e, page) })
}

// eachBlob visits the objects of the mailboxes of a plan, but not those of kept
// tickets.
func (x *Executor) eachBlob(ctx context.Context, e Erasure, visit func([]store.BlobRef) error) error {
	boxes := []ticket.ID{e.Scope.Mailbox}
	switch {
	case e.batch() || e.Scope.Kind() == privacy.ScopeTicket || e.Scope.Kind() == privacy.ScopeContact:
		return nil
	case e.Scope.Kind() == privacy.ScopeTenant:
		boxes = e.Boxes
	}
	keep := map[store.BlobRef]bool{}
	for _, id := range e.Keep {
		refs, err := x.blobsOf(ctx, e.Scope.Tenant, id)
		if err != nil {
			return err
		}
		for _, r := range refs {
			keep[r] = true
		}
	}
	for _, box := range boxes {
		var after ticket.ID
		for {
			page, err := x.Blobs.List(ctx, e.Scope.Tenant, box, after, pageMost)
			if err != nil {
				return err
			}
			var free []store.BlobRef
			for _, r := range page {
				if after = r.ID; !keep[r] {
					free = append(free, r)
				}
			}
			if err := visit(free); err != nil {
				return err
			}
			if len(page) < pageMost {
				break
			}
		}
	}
	return nil
}

func (x *Executor) dropBlobs(ctx context.Context, e Erasure, refs []store.BlobRef) error {
	if len(refs) == 0 {
		return nil
	}
	if err := x.Blobs.Delete(ctx, refs); err != nil {
		return err
	}
	return x.change(ctx, e.Scope.Tenant, e.ID, func(r *Erasure) { r.Blobs += int64(len(refs)) })
}

// leftContacts removes contacts who are on no ticket any more.
func (x *Executor) leftContacts(ctx context.Context, e Erasure) error {
	if e.Scope.Part == privacy.AttachmentsPart {
		return nil
	}
	for _, id := range e.Contacts {
		aim := store.Erase{Tenant: e.Scope.Tenant, Contact: id, Limit: batchMost}
		err := x.retry(ctx, func(ctx context.Context, tx store.Tx) error {
			on, err := tx.Retained(ctx, store.RetainQuery{Tenant: e.Scope.Tenant, Contact: id, Limit: 1})
			if err != nil || len(on) > 0 {
				return err
			}
			got, err := tx.Erase(ctx, aim)
			if err != nil || got.Tally.Rows() == 0 {
				return err
			}
			return x.count(ctx, tx, e, func(r *Erasure) { r.Removed.Add(got.Tally) })
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// hosts asks the host's own stores to erase.
func (x *Executor) hosts(ctx context.Context, e Erasure) error {
	for _, h := range x.Hosts {
		got, err := h.Erase(ctx, e.Plan, e.Keep)
		if err != nil {
			return fmt.Errorf("erase: host store %s: %w", h.Name(), err)
		}
		if got.Rows == 0 {
			continue
		}
		err = x.change(ctx, e.Scope.Tenant, e.ID, func(r *Erasure) {
			if r.Hosts == nil {
				r.Hosts = store.Tally{}
			}
			r.Hosts.Add(store.Tally{h.Name(): got})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// verify looks whether everything is gone. It asks in other ways than the steps
// that removed it.
func (x *Executor) verify(ctx context.Context, e Erasure) ([]Check, error) {
	var out []Check
	aims, err := x.aims(ctx, e)
	if err != nil {
		return nil, err
	}
	left := int64(0)
	err = x.Store.View(ctx, func(ctx context.Context, r store.Reader) error {
		left = 0
		for _, aim := range aims {
			aim.Limit = 1
			tally, err := r.Remaining(ctx, aim)
			if err != nil {
				return err
			}
			left += tally.Rows()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out = append(out, Check{"rows", left == 0, left})
	blobs := int64(0)
	if err := x.eachBlob(ctx, e, func(page []store.BlobRef) error { blobs += int64(len(page)); return nil }); err != nil {
		return nil, err
	}
	out = append(out, Check{"objects", blobs == 0, blobs})
	live, err := x.liveKeys(ctx, e)
	if err != nil {
		return nil, err
	}
	out = append(out, Check{"keys", live == 0, live})
	for _, h := range x.Hosts {
		got, err := h.Remaining(ctx, e.Plan, e.Keep)
		if err != nil {
			return nil, fmt.Errorf("erase: host store %s: %w", h.Name(), err)
		}
		out = append(out, Check{"host:" + h.Name(), got.Rows == 0, got.Rows})
	}
	return out, nil
}

// liveKeys counts the announced keys that are not destroyed.
func (x *Executor) liveKeys(ctx context.Context, e Erasure) (n int64, err error) {
	entries, err := x.Ledger.Read(ctx, e.Entry-1, 1)
	if err != nil || len(entries) != 1 {
		return 0, err
	}
	kept, err := x.ticketKeys(ctx, e.Scope.Tenant, e.Keep)
	if err != nil {
		return 0, err
	}
	slots, err := x.Slots.Get(ctx, e.Scope.Tenant, without(entries[0].Slots, kept))
	for _, s := range slots {
		if s.State != privacy.SlotDestroyed || len(s.Wrapped) > 0 {
			n++
		}
	}
	return n, err
}
