package storetest

import (
	"context"
	"fmt"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/store"
)

var pageCases = []testCase{
	{"Page/Hundred", pageHundred},
	{"Page/CommitTwice", pageTwice},
	{"Page/RollBackLeavesNothing", pageRollback},
	{"Page/FailsAsAWhole", pageFailsWhole},
	{"Page/Lasts", pageLasts},
}

// eventIDs is what was logged, in order.
func (w *world) eventIDs(box store.Mailbox) (ids []string) {
	w.Helper()
	for _, e := range w.events(box.Tenant) {
		ids = append(ids, e.ID.String())
	}
	return ids
}

func pageHundred(w *world) {
	box := w.connect("acme", 1)
	c := w.page(box, 0, 100, mailbox.Cursor("start"), mailbox.Cursor("next"))
	w.must(c)
	for i := range c.NewTickets {
		w.same(w.ticket("acme", c.NewTickets[i].ID), c.NewTickets[i], "ticket of a page")
		w.same(w.message("acme", c.Messages[i].ID), c.Messages[i], "message of a page")
	}
	w.same(w.known(box, c.Seen...), c.Seen, "seen of a page")
	if got := w.eventIDs(box); len(got) != 100 {
		w.Errorf("%d events, want 100", len(got))
	}
	w.must(w.page(box, 100, 100, mailbox.Cursor("next"), mailbox.Cursor("last")))
	if got := w.mailbox("acme", box.ID); string(got.LiveCursor) != "last" {
		w.Errorf("cursor %q, want last", got.LiveCursor)
	}
}

// pageTwice is what a worker does whose commit succeeded but whose connection
// broke before it heard so.
func pageTwice(w *world) {
	box := w.connect("acme", 1)
	c := w.page(box, 0, 5, mailbox.Cursor("start"), mailbox.Cursor("next"))
	w.must(c)
	before, events := w.snapshot("acme", c), w.eventIDs(box)
	w.refuse(c, store.ErrStale, "the same page again")
	c.Cursors = nil
	w.refuse(c, store.ErrStale, "the same mails under the same ids again")
	w.same(w.snapshot("acme", c), before, "state after repeating a page")
	w.same(w.eventIDs(box), events, "events after repeating a page")

	// The same mails decided anew, as another worker would.
	again := w.page(box, 0, 5, nil, nil)
	again.Cursors = nil
	w.refuse(again, store.ErrStale, "the same mails under new ids")
	w.same(w.snapshot("acme", c), before, "state after another worker's page")
}

func pageRollback(w *world) {
	box := w.connect("acme", 1)
	w.must(w.page(box, 0, 3, mailbox.Cursor("start"), mailbox.Cursor("next")))
	c := w.page(box, 10, 3, mailbox.Cursor("next"), mailbox.Cursor("never"))
	c.Consumers = []store.ConsumerMove{{Name: "hook", To: w.events("acme")[0].Cursor}}
	c.NewMailboxes = []store.Mailbox{w.newMailbox("acme", 5)}
	old := w.list(store.TicketQuery{Tenant: "acme", Limit: 1})[0]
	t := w.ticket("acme", old).Ticket
	t.Version, t.Tags = 2, []string{"never"}
	c.Tickets = []store.TicketUpdate{{Ticket: t, Was: 1}}
	before, events := w.snapshot("acme", c), w.eventIDs(box)

	boom := fmt.Errorf("the host's hook failed")
	err := w.s.Update(w.ctx, func(ctx context.Context, tx store.Tx) error {
		if err := tx.Apply(ctx, c); err != nil {
			return err
		}
		return boom
	})
	w.is(err, boom, "update returns the error of its closure")
	w.same(w.snapshot("acme", c), before, "state after a rollback")
	w.same(w.eventIDs(box), events, "events after a rollback")
	w.must(c) // and nothing is in the way of doing it for good
}

// pageFailsWhole spoils each kind of record in turn, also the last to be
// written.
func pageFailsWhole(w *world) {
	box := w.connect("acme", 1)
	first := w.page(box, 0, 2, mailbox.Cursor("start"), mailbox.Cursor("next"))
	w.must(first)
	spoil := map[string]func(c *store.Changes){
		"cursor":     func(c *store.Changes) { c.Cursors[0].From = mailbox.Cursor("elsewhere") },
		"ticket":     func(c *store.Changes) { c.NewTickets = append(c.NewTickets, first.NewTickets[0]) },
		"message":    func(c *store.Changes) { c.Messages = append(c.Messages, first.Messages[0]) },
		"seen":       func(c *store.Changes) { c.Seen = append(c.Seen, first.Seen[1]) },
		"contact":    func(c *store.Changes) { c.Contacts[1].Address = first.Contacts[0].Address },
		"quarantine": func(c *store.Changes) { c.NewQuarantine = append(c.NewQuarantine, first.NewQuarantine[0]) },
		"delivery":   func(c *store.Changes) { c.NewDeliveries = append(c.NewDeliveries, first.NewDeliveries[0]) },
		"consumer": func(c *store.Changes) {
			c.Consumers = []store.ConsumerMove{{Name: "hook", From: "elsewhere", To: w.events("acme")[0].Cursor}}
		},
	}
	for name, fn := range spoil {
		c := w.page(box, 20, 2, mailbox.Cursor("next"), mailbox.Cursor("never"))
		fn(&c)
		before, events := w.snapshot("acme", c), w.eventIDs(box)
		w.refuse(c, store.ErrStale, "a page with a stale "+name)
		w.same(w.snapshot("acme", c), before, "state after a page with a stale "+name)
		w.same(w.eventIDs(box), events, "events after a page with a stale "+name)
	}
}

func pageLasts(w *world) {
	if w.h.Reopen == nil {
		w.Skip("the store does not outlive its process: no Harness.Reopen")
	}
	box := w.connect("acme", 1)
	c := w.page(box, 0, 5, mailbox.Cursor("start"), mailbox.Cursor("next"))
	w.must(c)
	before, events := w.snapshot("acme", c), w.eventIDs(box)
	w.s = w.h.Reopen(w.T, w.s)
	w.same(w.snapshot("acme", c), before, "state after reopening")
	w.same(w.eventIDs(box), events, "events after reopening")
	w.must(w.page(box, 10, 5, mailbox.Cursor("next"), mailbox.Cursor("last")))
}
