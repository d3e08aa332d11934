package erase

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// clockMost is how far the two clocks may differ at a point of no return.
const clockMost = 5 * time.Minute

// ErrClock: nothing is destroyed while the clocks disagree.
var ErrClock = errors.New("erase: this process's clock and the store's differ by more than five minutes: set them right")

// Plan announces an erasure in the ledger and carries the announcement out. A
// plan for a scope that has one already returns that one.
func (x *Executor) Plan(ctx context.Context, p Plan) (Erasure, error) {
	known, err := x.pending(ctx, p)
	if err != nil || !known.ID.IsZero() {
		return known, err
	}
	slots, err := x.fences(ctx, p)
	if err != nil {
		return Erasure{}, err
	}
	id := ticket.NewID(x.Now())
	_, err = x.Ledger.Append(ctx, privacy.LedgerEntry{
		ID: id, Kind: privacy.LedgerPlanned, At: p.RequestedAt, Scope: p.Scope, Slots: slots, Body: body(p),
	})
	if err != nil {
		return Erasure{}, err
	}
	if err := x.CatchUp(ctx); err != nil {
		return Erasure{}, err
	}
	return x.Erasure(ctx, p.Scope.Tenant, id)
}

// pending finds an erasure of the same scope that is not over.
func (x *Executor) pending(ctx context.Context, p Plan) (out Erasure, err error) {
	if p.batch() {
		return out, nil
	}
	err = x.Store.View(ctx, func(ctx context.Context, r store.Reader) error {
		out = Erasure{}
		return x.eachErasure(ctx, r, p.Scope.Tenant, func(e Erasure) error {
			if e.Scope == p.Scope && !e.batch() && (e.State == Planned || e.State == Erasing) {
				out = e
			}
			return nil
		})
	})
	return out, err
}

// fences are the slots that a plan closes until its time: those of mailboxes.
func (x *Executor) fences(ctx context.Context, p Plan) (slots []ticket.ID, err error) {
	err = x.Store.View(ctx, func(ctx context.Context, r store.Reader) error {
		slots = nil
		boxes, err := x.boxes(ctx, r, p)
		for _, m := range boxes {
			slots = append(slots, m.Key, m.Identity)
		}
		return err
	})
	return slots, err
}

// TakeBack cancels the plan of a disconnect, if there is one whose time has not
// come.
func (x *Executor) TakeBack(ctx context.Context, s privacy.Scope) error {
	e, err := x.pending(ctx, Plan{Scope: s})
	if err != nil || e.ID.IsZero() || e.State != Planned || e.Trigger != Disconnected {
		return err
	}
	return x.Cancel(ctx, e)
}

// Cancel takes a plan back that is not past the point of no return. Whether it
// was, Erasure tells afterwards: the ledger's order decides.
func (x *Executor) Cancel(ctx context.Context, e Erasure) error {
	slots, err := x.fences(ctx, e.Plan)
	if err != nil {
		return err
	}
	_, err = x.Ledger.Append(ctx, privacy.LedgerEntry{
		ID: e.ID, Kind: privacy.LedgerCancelled, At: x.Now().UTC(), Scope: e.Scope, Slots: slots,
	})
	if err != nil {
		return err
	}
	return x.CatchUp(ctx)
}

// Hold announces a hold. It returns *[UnreadableError] beside the hold when an
// erasure of something that it covers was past the point of no return: the hold
// keeps what is left.
func (x *Executor) Hold(ctx context.Context, h Hold) (Hold, error) {
	h.ID, h.V = ticket.NewID(x.Now()), 1
	at, err := x.Ledger.Append(ctx, privacy.LedgerEntry{ID: h.ID, Kind: privacy.LedgerHold, At: h.At, Scope: h.Scope, Body: body(h)})
	if err != nil {
		return Hold{}, err
	}
	if err := x.CatchUp(ctx); err != nil {
		return Hold{}, err
	}
	return h, x.tooLate(ctx, h.Scope, at.N)
}

// TooLate returns *[UnreadableError] when erasures that are past the point of
// no return are about the same thing as a scope.
func (x *Executor) TooLate(ctx context.Context, s privacy.Scope) error {
	return x.tooLate(ctx, s, math.MaxInt64)
}

func (x *Executor) tooLate(ctx context.Context, s privacy.Scope, before int64) error {
	late := &UnreadableError{}
	err := x.Store.View(ctx, func(ctx context.Context, r store.Reader) error {
		late.Erasures = nil
		return x.eachErasure(ctx, r, s.Tenant, func(e Erasure) error {
			if e.State == Erasing && e.Entry < before && meets(e.Plan, s) {
				late.Erasures = append(late.Erasures, e.ID)
			}
			return nil
		})
	})
	if err == nil && len(late.Erasures) > 0 {
		err = late
	}
	return err
}

// meets tells whether a plan and a hold may be about the same thing.
func meets(p Plan, s privacy.Scope) bool {
	apart := func(a, b ticket.ID) bool { return !a.IsZero() && !b.IsZero() && a != b }
	if apart(p.Scope.Mailbox, s.Mailbox) || apart(p.Scope.Ticket, s.Ticket) || apart(p.Scope.Contact, s.Contact) {
		return false
	}
	if p.batch() && !s.Ticket.IsZero() {
		return slices.Contains(p.Tickets, s.Ticket)
	}
	return true
}

// Release ends a hold; what it had stopped goes on by itself.
func (x *Executor) Release(ctx context.Context, t ticket.TenantID, id ticket.ID) error {
	var r store.Record
	err := x.Store.View(ctx, func(ctx context.Context, rd store.Reader) (err error) {
		r, err = rd.Record(ctx, t, HoldRecord, id)
		return err
	})
	if err != nil {
		return err
	}
	h, err := holdOf(r)
	if err != nil || !h.ReleasedAt.IsZero() {
		return err
	}
	_, err = x.Ledger.Append(ctx, privacy.LedgerEntry{ID: id, Kind: privacy.LedgerRelease, At: x.Now().UTC(), Scope: h.Scope})
	if err != nil {
		return err
	}
	return x.CatchUp(ctx)
}

// Erasure returns one.
func (x *Executor) Erasure(ctx context.Context, t ticket.TenantID, id ticket.ID) (Erasure, error) {
	var r store.Record
	err := x.Store.View(ctx, func(ctx context.Context, rd store.Reader) (err error) {
		r, err = rd.Record(ctx, t, ErasureRecord, id)
		return err
	})
	if err != nil {
		return Erasure{}, err
	}
	return erasureOf(r)
}

// Run does all that is due: it catches up with the ledger, ends holds whose
// time is over, begins erasures whose time has come and finishes those that
// were begun. One that fails is left for the next call and does not stop the
// others; the errors are joined. It returns how many it finished.
func (x *Executor) Run(ctx context.Context) (done int, err error) {
	if err := x.CatchUp(ctx); err != nil {
		return 0, err
	}
	var errs []error
	holds, err := x.dueRecords(ctx, HoldRecord)
	if err != nil {
		return 0, err
	}
	for _, r := range holds {
		errs = append(errs, x.Release(ctx, r.Tenant, r.ID))
	}
	due, err := x.dueRecords(ctx, ErasureRecord)
	if err != nil {
		return 0, errors.Join(append(errs, err)...)
	}
	for _, r := range due {
		if ctx.Err() != nil {
			return done, errors.Join(append(errs, ctx.Err())...)
		}
		e, err := erasureOf(r)
		if err == nil {
			err = x.carryOut(ctx, e)
		}
		if err == nil {
			done++
		}
		errs = append(errs, err)
	}
	return done, errors.Join(errs...)
}

func (x *Executor) dueRecords(ctx context.Context, kind store.RecordKind) (out []store.Record, err error) {
	now := x.Now()
	err = x.Store.View(ctx, func(ctx context.Context, r store.Reader) error {
		out = nil
		return each(ctx, r, store.RecordQuery{Kind: kind, DueBy: now}, func(rec store.Record) error {
			out = append(out, rec)
			return nil
		})
	})
	return out, err
}

// carryOut takes an erasure from where it is to its end.
func (x *Executor) carryOut(ctx context.Context, e Erasure) error {
	if e.State == Planned {
		if err := x.begin(ctx, e); err != nil {
			return err
		}
		var err error
		if e, err = x.Erasure(ctx, e.Scope.Tenant, e.ID); err != nil || e.State != Erasing {
			return err
		}
	}
	return x.finish(ctx, e)
}

// begin announces that the point of no return is passed, and passes it.
func (x *Executor) begin(ctx context.Context, e Erasure) error {
	if err := x.clocksAgree(ctx); err != nil {
		return err
	}
	slots, err := x.doomed(ctx, e)
	if err != nil {
		return err
	}
	_, err = x.Ledger.Append(ctx, privacy.LedgerEntry{
		ID: e.ID, Kind: privacy.LedgerErase, At: x.Now().UTC(), Scope: e.Scope, Slots: slots, Body: body(e.Plan),
	})
	if err != nil {
		return err
	}
	return x.CatchUp(ctx)
}

func (x *Executor) clocksAgree(ctx context.Context) error {
	if x.Simulated {
		return nil
	}
	at, err := x.Store.Clock(ctx)
	if err != nil {
		return err
	}
	if d := x.Now().Sub(at); d > clockMost || d < -clockMost {
		return ErrClock
	}
	return nil
}

// doomed lists the slots that an erasure destroys. Of a mailbox or tenant it is
// the key above all others; where that is dead already because an earlier
// erasure had to keep something, it is the keys of what was kept.
func (x *Executor) doomed(ctx context.Context, e Erasure) ([]ticket.ID, error) {
	t := e.Scope.Tenant
	switch {
	case e.Scope.Part == privacy.AttachmentsPart:
		return nil, nil // what they are sealed with is the ticket's
	case e.batch():
		return x.ticketKeys(ctx, t, e.Tickets)
	case e.Scope.Kind() == privacy.ScopeTicket:
		return x.ticketKeys(ctx, t, []ticket.ID{e.Scope.Ticket})
	case e.Scope.Kind() == privacy.ScopeContact:
		return x.rekey(ctx, e)
	}
	slots, err := x.fences(ctx, e.Plan)
	if err != nil {
		return nil, err
	}
	if e.Scope.Kind() == privacy.ScopeTenant {
		slots = append(slots, privacy.TenantKey(t), privacy.TenantIdentity(t))
	}
	if e.After.IsZero() {
		return slots, nil
	}
	kept, err := x.inScope(ctx, e.Plan)
	if err != nil {
		return nil, err
	}
	keys, err := x.ticketKeys(ctx, t, kept)
	return append(slots, keys...), err
}

// inScope lists the tickets that are there of a mailbox, tenant or contact.
func (x *Executor) inScope(ctx context.Context, p Plan) (out []ticket.ID, err error) {
	err = x.Store.View(ctx, func(ctx context.Context, r store.Reader) error {
		out = nil
		q := store.RetainQuery{Tenant: p.Scope.Tenant, Mailbox: p.Scope.Mailbox, Contact: p.Scope.Contact, Limit: pageMost}
		for {
			page, err := r.Retained(ctx, q)
			if err != nil {
				return err
			}
			for _, t := range page {
				out = append(out, t.Ticket.ID)
			}
			if len(page) < q.Limit {
				return nil
			}
			q.AfterTenant, q.After = q.Tenant, out[len(out)-1]
		}
	})
	return out, err
}

// rekey takes a contact out of his tickets, but for those that holds cover, and
// returns the keys that are to die. They are written down first: after a crash
// nothing else would know them.
func (x *Executor) rekey(ctx context.Context, e Erasure) ([]ticket.ID, error) {
	tickets, err := x.inScope(ctx, e.Plan)
	if err != nil {
		return nil, err
	}
	var held []ticket.ID
	err = x.Store.View(ctx, func(ctx context.Context, r store.Reader) (err error) {
		held, _, err = x.keep(ctx, r, e.Plan, x.Now())
		return err
	})
	if err != nil {
		return nil, err
	}
	tickets = slices.DeleteFunc(tickets, func(id ticket.ID) bool { return slices.Contains(held, id) })
	if len(e.Doomed) == 0 && len(tickets) > 0 {
		if e.Doomed, err = x.ticketKeys(ctx, e.Scope.Tenant, tickets); err != nil {
			return nil, err
		}
		if err := x.change(ctx, e.Scope.Tenant, e.ID, func(r *Erasure) { r.Doomed = e.Doomed }); err != nil {
			return nil, err
		}
	}
	for _, id := range tickets {
		key, err := x.ticketKeys(ctx, e.Scope.Tenant, []ticket.ID{id})
		if err != nil {
			return nil, err
		}
		if len(key) == 1 && slices.Contains(e.Doomed, key[0]) {
			if err := x.Rekey(ctx, e.Scope.Tenant, id, e.Scope.Contact); err != nil {
				return nil, err
			}
		}
	}
	return e.Doomed, nil
}

// Erasures returns those of a tenant, by id.
func (x *Executor) Erasures(ctx context.Context, t ticket.TenantID) (out []Erasure, err error) {
	err = x.Store.View(ctx, func(ctx context.Context, r store.Reader) error {
		out = nil
		return x.eachErasure(ctx, r, t, func(e Erasure) error {
			out = append(out, e)
			return nil
		})
	})
	return out, err
}

// Holds returns those of a tenant, by id.
func (x *Executor) Holds(ctx context.Context, t ticket.TenantID) (out []Hold, err error) {
	err = x.Store.View(ctx, func(ctx context.Context, r store.Reader) error {
		out = nil
		return x.eachHold(ctx, r, t, func(h Hold) error {
			out = append(out, h)
			return nil
		})
	})
	return out, err
}
