package storetest

import (
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// changeCases make, for each field of store.Changes, changes of one tenant that
// reach for another's: once under the other's ids in the own tenant, once as
// records that name the other tenant, where records name one.
var changeCases = map[string]func(w *world, mine, theirs *estate) []store.Changes{
	"Lease": func(w *world, mine, theirs *estate) []store.Changes {
		forged := theirs.lease
		forged.Task.Tenant = mine.tenant
		return []store.Changes{{Lease: &theirs.lease, Finish: &store.Finish{}}, {Lease: &forged, Finish: &store.Finish{}}}
	},
	"Premises": func(w *world, mine, theirs *estate) []store.Changes {
		return []store.Changes{{Premises: []store.Premise{{Mailbox: theirs.box.ID, Fingerprints: []ticket.Fingerprint{fp(1)}}}}}
	},
	"Cursors": func(w *world, mine, theirs *estate) []store.Changes {
		return []store.Changes{{Cursors: []store.CursorMove{{Mailbox: theirs.box.ID, Stream: mailbox.Live, From: mailbox.Cursor("next"), To: mailbox.Cursor("stolen")}}}}
	},
	"NewMailboxes": func(w *world, mine, theirs *estate) []store.Changes {
		named := w.newMailbox(theirs.tenant, 7)
		return []store.Changes{{NewMailboxes: []store.Mailbox{named}}}
	},
	"Mailboxes": func(w *world, mine, theirs *estate) []store.Changes {
		named := w.mailbox(theirs.tenant, theirs.box.ID)
		named.State, named.Version = store.MailboxFenced, named.Version+1
		moved := named
		moved.Tenant = mine.tenant
		return []store.Changes{{Mailboxes: []store.Mailbox{named}}, {Mailboxes: []store.Mailbox{moved}}}
	},
	"NewTickets": func(w *world, mine, theirs *estate) []store.Changes {
		named, inside := w.newTicket(theirs.box), w.newTicket(theirs.box)
		inside.Tenant = mine.tenant
		return []store.Changes{{NewTickets: []store.Ticket{named}}, {NewTickets: []store.Ticket{inside}}}
	},
	"Tickets": func(w *world, mine, theirs *estate) []store.Changes {
		named := theirs.c.NewTickets[0].Ticket
		named.Status, named.Version = ticket.Closed, 2
		moved, into := named, named
		moved.Tenant = mine.tenant
		into.Tenant, into.Mailbox = mine.tenant, mine.box.ID
		return []store.Changes{
			{Tickets: []store.TicketUpdate{{Ticket: named, Was: 1}}},
			{Tickets: []store.TicketUpdate{{Ticket: moved, Was: 1}}},
			{Tickets: []store.TicketUpdate{{Ticket: into, Was: 1}}},
		}
	},
	"Messages": func(w *world, mine, theirs *estate) []store.Changes {
		named, moved, into := w.newMessage(theirs.c.NewTickets[0], 2), w.newMessage(theirs.c.NewTickets[0], 3), w.newMessage(theirs.c.NewTickets[0], 4)
		moved.Tenant = mine.tenant
		into.Tenant, into.Mailbox = mine.tenant, mine.box.ID
		return []store.Changes{{Messages: []store.Message{named}}, {Messages: []store.Message{moved}}, {Messages: []store.Message{into}}}
	},
	"Seen": func(w *world, mine, theirs *estate) []store.Changes {
		s := theirs.c.Seen[0]
		s.ProviderID, s.MessageID = "planted", fp(77)
		return []store.Changes{{Seen: []store.Seen{s}}}
	},
	"Hits": func(w *world, mine, theirs *estate) []store.Changes {
		h := theirs.c.Hits[0]
		h.Fingerprint = fp(77)
		return []store.Changes{{Hits: []store.Hit{h}}}
	},
	"Members": func(w *world, mine, theirs *estate) []store.Changes {
		m := theirs.c.Members[0]
		m.Address = fp(77)
		return []store.Changes{{Members: []store.Member{m}}}
	},
	"Contacts": func(w *world, mine, theirs *estate) []store.Changes {
		return []store.Changes{{Contacts: []store.Contact{{Mailbox: theirs.box.ID, Address: fp(77), ID: newID()}}}}
	},
	"NewQuarantine": func(w *world, mine, theirs *estate) []store.Changes {
		named, moved := w.newQuarantined(theirs.box, "planted"), w.newQuarantined(theirs.box, "planted")
		moved.Tenant = mine.tenant
		return []store.Changes{{NewQuarantine: []store.Quarantined{named}}, {NewQuarantine: []store.Quarantined{moved}}}
	},
	"Quarantine": func(w *world, mine, theirs *estate) []store.Changes {
		named := theirs.c.NewQuarantine[0]
		named.State, named.Version = store.Released, 2
		moved, into := named, named
		moved.Tenant = mine.tenant
		into.Tenant, into.Mailbox = mine.tenant, mine.box.ID
		return []store.Changes{{Quarantine: []store.Quarantined{named}}, {Quarantine: []store.Quarantined{moved}}, {Quarantine: []store.Quarantined{into}}}
	},
	"NewDeliveries": func(w *world, mine, theirs *estate) []store.Changes {
		named := newDelivery(theirs.c.Messages[0], w.now)
		moved := named
		moved.Tenant = mine.tenant
		return []store.Changes{{NewDeliveries: []ticket.Delivery{named}}, {NewDeliveries: []ticket.Delivery{moved}}}
	},
	"Deliveries": func(w *world, mine, theirs *estate) []store.Changes {
		named := theirs.c.NewDeliveries[0]
		named.State, named.Version = ticket.Cancelled, 2
		moved, into := named, named
		moved.Tenant = mine.tenant
		into.Tenant, into.Mailbox = mine.tenant, mine.box.ID
		return []store.Changes{{Deliveries: []ticket.Delivery{named}}, {Deliveries: []ticket.Delivery{moved}}, {Deliveries: []ticket.Delivery{into}}}
	},
	"ProviderIDs": func(w *world, mine, theirs *estate) []store.Changes {
		return []store.Changes{{ProviderIDs: []store.ProviderID{{Mailbox: theirs.box.ID, Message: theirs.c.Messages[0].ID, ProviderID: "stolen"}}}}
	},
	"Health": func(w *world, mine, theirs *estate) []store.Changes {
		return []store.Changes{{Health: []store.HealthChange{{Mailbox: theirs.box.ID, Health: store.Health{State: store.HealthBroken, Since: w.now}}}}}
	},
	"Events": func(w *world, mine, theirs *estate) []store.Changes {
		return []store.Changes{{Events: []ticket.Event{w.newEvent(theirs.box, ticket.Tagged)}}}
	},
	"Tasks": func(w *world, mine, theirs *estate) []store.Changes {
		named, moved := newTask(theirs.box, "planted", ticket.ID{}, 0), newTask(theirs.box, "free", ticket.ID{}, time.Hour)
		moved.Tenant = mine.tenant
		return []store.Changes{{Tasks: []store.Task{named}}, {Tasks: []store.Task{moved}}}
	},
	"Records": func(w *world, mine, theirs *estate) []store.Changes {
		named := theirs.record
		named.Version = 2
		moved := named
		moved.Tenant = mine.tenant
		return []store.Changes{{Records: []store.Record{named}}, {Records: []store.Record{moved}}}
	},
	"Resealed": func(w *world, mine, theirs *estate) []store.Changes {
		named := store.Resealed{Ticket: theirs.c.NewTickets[0], Was: 1}
		moved, into := named, named
		moved.Ticket.Tenant = mine.tenant
		into.Ticket.Tenant, into.Ticket.Mailbox = mine.tenant, mine.box.ID
		return []store.Changes{{Resealed: []store.Resealed{named}}, {Resealed: []store.Resealed{moved}}, {Resealed: []store.Resealed{into}}}
	},
	"Retain": func(w *world, mine, theirs *estate) []store.Changes {
		id := theirs.c.NewTickets[0].ID
		return []store.Changes{{Retain: []store.RetainAt{{Mailbox: theirs.box.ID, Ticket: id, At: w.now}}},
			{Retain: []store.RetainAt{{Mailbox: mine.box.ID, Ticket: id, At: w.now}}}}
	},
	"DropTasks": func(w *world, mine, theirs *estate) []store.Changes {
		return []store.Changes{{DropTasks: []ticket.ID{theirs.box.ID}}}
	},
}

// isolationChanges applies each trespass: it must fail, and leave both tenants
// as they were.
func isolationChanges(w *world) {
	theirs, mine := w.settle("acme"), w.settle("beta")
	for name, fn := range changeCases {
		for i, c := range fn(w, mine, theirs) {
			c.Tenant = mine.tenant
			before, own := w.snapshot("acme", theirs.c, c), w.snapshot("beta", mine.c, c)
			events := w.eventIDs(theirs.box)
			if err := w.apply(c); !isOneOf(err, store.ErrNotFound, store.ErrFenced, store.ErrRejected, store.ErrStale, store.ErrLeaseLost) {
				w.Errorf("%s, trespass %d: got error %v, want it refused", name, i, err)
			}
			w.same(w.snapshot("acme", theirs.c, c), before, name+": the other tenant's state")
			w.same(w.snapshot("beta", mine.c, c), own, name+": the own state")
			w.same(w.eventIDs(theirs.box), events, name+": the other tenant's events")
		}
	}
}
