package storetest

import (
	"context"
	"strings"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

var byteCases = []testCase{
	{"Bytes/Sealed", bytesSealed},
	{"Bytes/Times", bytesTimes},
	{"Identifiers/Tenants", identifierTenants},
	{"Identifiers/Agents", identifierAgents},
	{"Identifiers/Tags", identifierTags},
	{"Identifiers/ProviderIDs", identifierProviderIDs},
	{"Identifiers/Consumers", identifierConsumers},
	{"Identifiers/Unstorable", identifierUnstorable},
}

// bytesSealed stores every byte value, and more of them than a page of a
// database holds.
func bytesSealed(w *world) {
	box := w.connect("acme", 1)
	t := w.open(box)
	m := w.newMessage(t, 1)
	var all privacy.Sealed
	for i := range 256 {
		all = append(all, byte(i))
	}
	m.Subject, m.Body, m.Files = all, privacy.Sealed(strings.Repeat(string(all), 4096)), privacy.Sealed{0}
	m.HTML = privacy.Sealed(`\x00\\'"; DROP TABLE`)
	w.must(store.Changes{
		Tenant: "acme", Messages: []store.Message{m},
		Cursors: []store.CursorMove{{Mailbox: box.ID, Stream: mailbox.Backfill, To: mailbox.Cursor(all)}},
	})
	w.same(w.message("acme", m.ID), m, "message")
	w.same(w.mailbox("acme", box.ID).BackfillCursor, mailbox.Cursor(all), "cursor")
}

func bytesTimes(w *world) {
	box := w.connect("acme", 1)
	t := w.newTicket(box)
	zone := time.FixedZone("far", -9*3600-1800)
	t.CreatedAt = time.Date(1999, 12, 31, 23, 59, 59, 999999000, zone)
	t.UpdatedAt = time.Date(2038, 1, 19, 3, 14, 8, 1000, time.UTC)
	m := w.newMessage(t, 1)
	m.Provenance.ReceivedAt = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	w.must(store.Changes{Tenant: "acme", NewTickets: []store.Ticket{t}, Messages: []store.Message{m}})
	w.same(w.ticket("acme", t.ID), t, "times to the microsecond, in UTC")
	w.same(w.message("acme", m.ID), m, "the epoch is a time like any other")
}

// names differ, to a careless eye or collation, only in case, accents, form,
// width, space or what a pattern makes of them.
var names = []string{
	"acme", "Acme", "ACME", "\u00e1cme", "a\u0301cme", "acm\u00e9", "acme ", " acme", "acme\u200b", "a\u00adcme",
	"strasse", "stra\u00dfe", "\ufb01x", "fix", "i", "\u0131", "\u0130", "%", "_", "ac%", "acm_", "*", "'", "\"", "\\", "a,b", "{a}", "NULL", "null",
	"\U0001F600", "\uff41cme", strings.Repeat("x", 254) + "y", strings.Repeat("x", 254) + "Y",
}

func identifierTenants(w *world) {
	boxes := map[string]store.Mailbox{}
	for _, name := range names {
		boxes[name] = w.connect(ticket.TenantID(name), 1)
	}
	for name, box := range boxes {
		tenant := ticket.TenantID(name)
		got := get(w, func(ctx context.Context, r store.Reader) ([]store.Mailbox, error) {
			return r.ListMailboxes(ctx, tenant, ticket.ID{}, 100)
		})
		w.same(got, []store.Mailbox{box}, "mailboxes of tenant "+name)
		w.enqueue(box, newTask(box, "sync", ticket.ID{}, 0))
	}
	for name, box := range boxes {
		if l := w.claimOne(store.Claim{Tenant: ticket.TenantID(name)}); l.Task.Mailbox != box.ID || l.Task.Tenant != box.Tenant {
			w.Errorf("claimed a task of tenant %q for %q", l.Task.Tenant, name)
		}
	}
}

func identifierAgents(w *world) {
	box := w.connect("acme", 1)
	want := map[string]store.Ticket{}
	for _, name := range names {
		t := w.newTicket(box)
		t.Assignee = ticket.AgentID(name)
		w.must(store.Changes{Tenant: "acme", NewTickets: []store.Ticket{t}})
		want[name] = t
	}
	for name, t := range want {
		got := w.list(store.TicketQuery{Tenant: "acme", Assignee: ticket.AgentID(name), Limit: 100})
		w.same(got, []ticket.ID{t.ID}, "tickets of agent "+name)
		w.same(w.ticket("acme", t.ID), t, "ticket of agent "+name)
	}
}

func identifierTags(w *world) {
	box := w.connect("acme", 1)
	all := w.newTicket(box)
	all.Tags = names
	w.must(store.Changes{Tenant: "acme", NewTickets: []store.Ticket{all}})
	w.same(w.ticket("acme", all.ID).Tags, names, "tags in their order")
	for _, name := range names {
		t := w.newTicket(box)
		t.Tags, t.UpdatedAt = []string{name}, w.now.Add(-time.Hour)
		w.must(store.Changes{Tenant: "acme", NewTickets: []store.Ticket{t}})
		w.same(w.list(store.TicketQuery{Tenant: "acme", Tag: name, Limit: 100}), []ticket.ID{all.ID, t.ID}, "tickets with tag "+name)
	}
}

func identifierProviderIDs(w *world) {
	box := w.connect("acme", 1)
	var rows []store.Seen
	for i, name := range names {
		rows = append(rows, store.Seen{Mailbox: box.ID, ProviderID: name, Content: fp(i), ReceivedAt: w.now, Object: newID()})
	}
	long := rows[0]
	long.ProviderID, long.Object = strings.Repeat("AAMkAD", 150), newID() // Graph's ids are long
	rows = append(rows, long)
	w.must(store.Changes{Tenant: "acme", Seen: rows})
	w.same(w.known(box, rows...), rows, "each provider id is its own mail")
}

func identifierConsumers(w *world) {
	box := w.connect("acme", 1)
	w.must(store.Changes{Tenant: "acme", Events: []ticket.Event{w.newEvent(box, ticket.Tagged)}})
	to := w.events("acme")[0].Cursor
	for i, name := range names {
		w.must(store.Changes{Tenant: "acme", Consumers: []store.ConsumerMove{{Name: name, To: to}}})
		for _, later := range names[i+1:] {
			c := get(w, func(ctx context.Context, r store.Reader) (store.EventCursor, error) { return r.Consumer(ctx, later) })
			if c != "" {
				w.Fatalf("consumer %q moved with consumer %q", later, name)
			}
		}
	}
}

// identifierUnstorable has strings that some databases cannot hold. A store
// keeps them exactly or refuses them as data, so that the engine can set the
// one mail aside: it must not call itself unavailable, which would have the
// engine try for ever.
func identifierUnstorable(w *world) {
	box := w.connect("acme", 1)
	for _, bad := range []string{"nul\x00byte", "not \xff utf-8", "half \xed\xa0\x80 a pair"} {
		t := w.newTicket(box)
		t.Tags = []string{bad}
		s := store.Seen{Mailbox: box.ID, ProviderID: bad, Content: fp(1), ReceivedAt: w.now, Object: newID()}
		switch err := w.apply(store.Changes{Tenant: "acme", NewTickets: []store.Ticket{t}, Seen: []store.Seen{s}}); {
		case err == nil:
			w.same(w.ticket("acme", t.ID), t, "a ticket with a strange tag")
			w.same(w.known(box, s), []store.Seen{s}, "mail with a strange provider id")
		case !isOneOf(err, store.ErrRejected):
			w.Errorf("%q: got error %v, want it kept or ErrRejected", bad, err)
		}
		if strings.Contains(bad, "\x00") {
			continue // no valid tenant has it
		}
		tenant := ticket.TenantID(bad)
		m := w.newMailbox(tenant, 1)
		switch err := w.apply(store.Changes{Tenant: tenant, NewMailboxes: []store.Mailbox{m}}); {
		case err == nil:
			w.same(w.mailbox(tenant, m.ID), m, "mailbox of a strange tenant")
		case !isOneOf(err, store.ErrRejected):
			w.Errorf("tenant %q: got error %v, want it kept or ErrRejected", bad, err)
		}
	}
}
