package storetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

var transactionCases = []testCase{
	{"Tx/ReadsItsOwnWrites", txOwnWrites},
	{"Tx/SeveralApplies", txSeveral},
	{"Tx/FailedApplyIsNotKept", txSwallowed},
	{"Tx/Panic", txPanic},
	{"Tx/MarkedContext", txMarked},
	{"Tx/CancelledContext", txCancelled},
	{"Tx/ViewReturnsError", txViewError},
	{"Tx/CopiesValues", txCopies},
	{"Store/Closed", storeClosed},
}

func txOwnWrites(w *world) {
	box := w.newMailbox("acme", 1)
	t := w.newTicket(box)
	w.ok(w.s.Update(w.ctx, func(ctx context.Context, tx store.Tx) error {
		if err := tx.Apply(ctx, store.Changes{Tenant: "acme", NewMailboxes: []store.Mailbox{box}, NewTickets: []store.Ticket{t}}); err != nil {
			return err
		}
		got, err := tx.Ticket(ctx, "acme", t.ID)
		if err != nil {
			return err
		}
		next := got.Ticket
		next.Version = 2
		return tx.Apply(ctx, store.Changes{Tenant: "acme", Tickets: []store.TicketUpdate{{Ticket: next, Was: 1}}})
	}), "update")
	if v := w.ticket("acme", t.ID).Version; v != 2 {
		w.Errorf("version %d, want 2", v)
	}
}

func txSeveral(w *world) {
	box := w.connect("acme", 1)
	a, b := w.page(box, 0, 2, box.LiveCursor, mailbox.Cursor("a")), w.page(box, 10, 2, box.LiveCursor, mailbox.Cursor("b"))
	before := w.snapshot("acme", a, b)
	w.is(w.s.Update(w.ctx, func(ctx context.Context, tx store.Tx) error {
		if err := tx.Apply(ctx, a); err != nil {
			return err
		}
		return tx.Apply(ctx, b)
	}), store.ErrStale, "two pages from one cursor")
	w.same(w.snapshot("acme", a, b), before, "state after the second of two pages failed")
}

// txSwallowed has a closure that goes on after an error: whatever it returns,
// half of a page is not kept.
func txSwallowed(w *world) {
	box := w.connect("acme", 1)
	w.must(w.page(box, 0, 2, box.LiveCursor, mailbox.Cursor("a")))
	c := w.page(box, 10, 2, mailbox.Cursor("a"), mailbox.Cursor("b"))
	c.NewDeliveries = append(c.NewDeliveries, c.NewDeliveries[0]) // fails late
	before := w.snapshot("acme", c)
	err := w.s.Update(w.ctx, func(ctx context.Context, tx store.Tx) error {
		_ = tx.Apply(ctx, c)
		return nil
	})
	if err == nil {
		w.Error("a transaction with a failed Apply was reported as committed")
	}
	w.same(w.snapshot("acme", c), before, "state after a failed Apply that nobody looked at")
}

func txPanic(w *world) {
	box := w.connect("acme", 1)
	c := w.page(box, 0, 1, box.LiveCursor, nil)
	before := w.snapshot("acme", c)
	func() {
		defer func() { _ = recover() }()
		_ = w.s.Update(w.ctx, func(ctx context.Context, tx store.Tx) error {
			if err := tx.Apply(ctx, c); err != nil {
				return err
			}
			panic("a host's hook")
		})
	}()
	w.same(w.snapshot("acme", c), before, "state after a panic")
	w.must(c)
}

func txMarked(w *world) {
	w.view(func(ctx context.Context, _ store.Reader) error {
		if !privacy.InTx(ctx) {
			return errors.New("the context of View is not marked by privacy.WithinTx")
		}
		return nil
	})
	w.ok(w.s.Update(w.ctx, func(ctx context.Context, _ store.Tx) error {
		if !privacy.InTx(ctx) {
			return errors.New("the context of Update is not marked by privacy.WithinTx")
		}
		return nil
	}), "update")
}

func txCancelled(w *world) {
	box := w.connect("acme", 1)
	c := w.page(box, 0, 1, box.LiveCursor, nil)
	before := w.snapshot("acme", c)
	ctx, cancel := context.WithCancel(w.ctx)
	err := w.s.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		if err := tx.Apply(ctx, c); err != nil {
			return err
		}
		cancel()
		return nil
	})
	if err == nil {
		w.Error("a transaction whose context ended was reported as committed")
	}
	w.same(w.snapshot("acme", c), before, "state after the context ended")
	if err := w.s.View(ctx, func(context.Context, store.Reader) error { return nil }); err == nil {
		w.Error("a view with a context that ended")
	}
	if _, err := w.s.Claim(ctx, store.Claim{Limit: 1, For: time.Minute}); err == nil {
		w.Error("a claim with a context that ended")
	}
}

func txViewError(w *world) {
	boom := fmt.Errorf("no")
	w.is(w.s.View(w.ctx, func(context.Context, store.Reader) error { return boom }), boom, "view returns the error of its closure")
}

// txCopies changes what it passed in and what it got out.
func txCopies(w *world) {
	box := w.connect("acme", 1)
	c := w.page(box, 0, 1, box.LiveCursor, mailbox.Cursor("next"))
	w.must(c)
	before := w.snapshot("acme", c)
	spoil := func(t store.Ticket, m store.Message) {
		t.Tags[0], t.Subject[20] = "spoilt", t.Subject[20]+1
		m.Body[30], m.Raw[30], m.Match.Steps[0].Outcome = m.Body[30]+1, m.Raw[30]+1, "spoilt"
	}
	t, m := w.ticket("acme", c.NewTickets[0].ID), w.message("acme", c.Messages[0].ID)
	spoil(c.NewTickets[0], c.Messages[0])
	c.Cursors[0].To[0], c.NewQuarantine[0].Raw[20] = 'X', c.NewQuarantine[0].Raw[20]+1
	w.same(w.snapshot("acme", c), before, "state after its input was changed")
	spoil(t, m)
	b := w.mailbox("acme", box.ID)
	b.LiveCursor[0], b.Credential[20] = 'X', b.Credential[20]+1
	w.same(w.snapshot("acme", c), before, "state after its output was changed")
}

func storeClosed(w *world) {
	blobs, log := w.s.Blobs(), w.s.AccessLog()
	w.ok(w.s.Close(), "close")
	_, claim := w.s.Claim(w.ctx, store.Claim{Limit: 1, For: time.Minute})
	_, extend := w.s.Extend(w.ctx, store.Lease{Task: store.Task{ID: newID(), Tenant: "acme"}, Token: 1}, time.Minute)
	_, deployment := w.s.Deployment(w.ctx)
	_, bind := w.s.Bind(w.ctx, store.Deployment{ID: newID(), Keys: newID()})
	_, get := blobs.Get(w.ctx, store.BlobRef{Tenant: "acme", Mailbox: newID(), ID: newID()})
	for what, err := range map[string]error{
		"View":       w.s.View(w.ctx, func(context.Context, store.Reader) error { return nil }),
		"Update":     w.apply(store.Changes{Tenant: "acme"}),
		"Claim":      claim,
		"Extend":     extend,
		"Deployment": deployment,
		"Bind":       bind,
		"Blobs.Get":  get,
		"AccessLog": log.Append(w.ctx, []privacy.Entry{{
			ID: newID(), At: w.now, Tenant: ticket.TenantID("acme"), Principal: privacy.Agent("kari"), Purpose: privacy.Support, Operation: "ticket.read",
		}}),
	} {
		if !errors.Is(err, store.ErrUnavailable) {
			w.Errorf("%s after Close: got error %v, want ErrUnavailable", what, err)
		}
	}
}
