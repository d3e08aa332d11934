package storetest

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// RunIsolation asks every method of every interface of package store, and
// tries every kind of change, for another tenant's data. The methods are
// listed by reflection: one that is added to the contract fails here until it
// has a case or a reason to have none.
func RunIsolation(t *testing.T, h Harness) {
	t.Helper()
	covered(t, reflect.TypeFor[store.Reader](), keys(readCases), globalReads)
	covered(t, reflect.TypeFor[store.Store](), keys(storeCases), globalStore)
	covered(t, reflect.TypeFor[store.Blobs](), keys(blobCases), globalBlobs)
	covered(t, reflect.TypeFor[privacy.AccessLog](), keys(accessCases), globalAccess)
	covered(t, reflect.TypeFor[store.Changes](), keys(changeCases), globalChanges)
	t.Run("Isolation/Reads", func(t *testing.T) { isolationReads(newWorld(t, h)) })
	t.Run("Isolation/Changes", func(t *testing.T) { isolationChanges(newWorld(t, h)) })
	for _, cases := range []map[string]func(w *world, mine, theirs *estate){storeCases, blobCases, accessCases} {
		for name, fn := range cases {
			t.Run("Isolation/"+name, func(t *testing.T) {
				w := newWorld(t, h)
				theirs, mine := w.settle("acme"), w.settle("beta")
				before := w.snapshot("acme", theirs.c)
				fn(w, mine, theirs)
				w.same(w.snapshot("acme", theirs.c), before, "the other tenant's state")
			})
		}
	}
}

func keys[V any](m map[string]V) (out []string) {
	for k := range m {
		out = append(out, k)
	}
	return out
}

// covered fails for a method or field that has neither a case nor a reason.
func covered(t *testing.T, typ reflect.Type, cases []string, global map[string]string) {
	t.Helper()
	n, name := typ.NumMethod, func(i int) string { return typ.Method(i).Name }
	if typ.Kind() == reflect.Struct {
		n, name = typ.NumField, func(i int) string { return typ.Field(i).Name }
	}
	for i := range n() {
		if _, ok := global[name(i)]; !ok && !slices.Contains(cases, name(i)) {
			t.Errorf("no isolation case for %v.%s: add one in storetest", typ, name(i))
		}
	}
}

// The reasons why a method or field needs no case.
var (
	globalReads = map[string]string{
		"Consumer": "consumers belong to the deployment, not to a tenant",
	}
	globalStore = map[string]string{
		"View": "runs the Reader's methods", "Update": "runs the Tx's methods",
		"Deployment": "of the whole store", "Bind": "of the whole store", "Clock": "of the whole store", "Close": "of the whole store",
		"AccessLog": "has cases of its own", "Blobs": "has cases of its own",
	}
	globalBlobs = map[string]string{
		"Old": "sweeps all tenants and names each object's",
	}
	globalAccess = map[string]string{
		"Durable": "returns no data",
	}
	globalChanges = map[string]string{
		"Tenant":    "is what the others are checked against",
		"Consumers": "belong to the deployment, not to a tenant",
		"Reached":   "is the place of the whole store",
		"Finish":    "acts on Lease, which has a case",
	}
)

// estate is all that a tenant has: at least one of everything.
type estate struct {
	tenant ticket.TenantID
	box    store.Mailbox
	c      store.Changes
	lease  store.Lease
	blob   store.BlobRef
	entry  privacy.Entry
	record store.Record
}

// settle makes an estate. Accounts, fingerprints and provider ids are the same
// for each tenant, as they are when two tenants write with the same people.
func (w *world) settle(tenant ticket.TenantID) *estate {
	w.Helper()
	e := &estate{tenant: tenant, box: w.connect(tenant, 1), blob: newBlob(tenant), entry: newEntry(tenant, w.now), record: w.newRecord(tenant, "hold")}
	e.c = w.page(e.box, 0, 3, e.box.LiveCursor, mailbox.Cursor("next"))
	last := &e.c.Messages[len(e.c.Messages)-1]
	last.Direction, last.Kind = ticket.Out, ticket.KindAutoReply
	w.must(e.c)
	w.must(store.Changes{Tenant: tenant, Records: []store.Record{e.record}})
	w.enqueue(e.box, newTask(e.box, "held", ticket.ID{}, 0))
	e.lease = w.claimOne(store.Claim{Tenant: tenant, Kinds: []store.TaskKind{"held"}})
	w.enqueue(e.box, newTask(e.box, "free", ticket.ID{}, 0))
	w.putBlob(e.blob, []byte(tenant))
	w.ok(w.s.AccessLog().Append(w.ctx, []privacy.Entry{e.entry}), "append")
	w.events(tenant) // readable from here on
	return e
}

// readCase calls a method for a tenant with what an estate knows, and returns
// the ids of what it found.
type readCase func(ctx context.Context, r store.Reader, tenant ticket.TenantID, e *estate) ([]ticket.ID, error)

// idOf makes the list of one.
func idOf(id ticket.ID, err error) ([]ticket.ID, error) {
	if id.IsZero() {
		return nil, err
	}
	return []ticket.ID{id}, err
}

// idsOf maps what was found.
func idsOf[V any](rows []V, err error, id func(V) ticket.ID) (out []ticket.ID, _ error) {
	for _, v := range rows {
		if id := id(v); !id.IsZero() {
			out = append(out, id)
		}
	}
	return out, err
}

var readCases = map[string]readCase{
	"Mailbox": func(ctx context.Context, r store.Reader, tenant ticket.TenantID, e *estate) ([]ticket.ID, error) {
		m, err := r.Mailbox(ctx, tenant, e.box.ID)
		return idOf(m.ID, err)
	},
	"MailboxByAccount": func(ctx context.Context, r store.Reader, tenant ticket.TenantID, e *estate) ([]ticket.ID, error) {
		m, err := r.MailboxByAccount(ctx, tenant, e.box.Account)
		return idOf(m.ID, err)
	},
	"ListMailboxes": func(ctx context.Context, r store.Reader, tenant ticket.TenantID, e *estate) ([]ticket.ID, error) {
		rows, err := r.ListMailboxes(ctx, tenant, ticket.ID{}, everything)
		return idsOf(rows, err, func(m store.Mailbox) ticket.ID { return m.ID })
	},
	"Tasks": func(ctx context.Context, r store.Reader, tenant ticket.TenantID, e *estate) ([]ticket.ID, error) {
		rows, err := r.Tasks(ctx, tenant, e.box.ID)
		return idsOf(rows, err, func(t store.Task) ticket.ID { return t.ID })
	},
	"Ticket": func(ctx context.Context, r store.Reader, tenant ticket.TenantID, e *estate) ([]ticket.ID, error) {
		t, err := r.Ticket(ctx, tenant, e.c.NewTickets[0].ID)
		return idOf(t.ID, err)
	},
	"Tickets": func(ctx context.Context, r store.Reader, tenant ticket.TenantID, e *estate) ([]ticket.ID, error) {
		rows, err := r.Tickets(ctx, store.TicketQuery{Tenant: tenant, Limit: everything})
		for _, q := range []store.TicketQuery{{Mailbox: e.box.ID}, {Contact: e.c.NewTickets[0].Contact}, {Tag: "vip"}} {
			q.Tenant, q.Limit = tenant, everything
			more, err2 := r.Tickets(ctx, q)
			rows, err = append(rows, more...), errors.Join(err, err2)
		}
		return idsOf(rows, err, func(t store.Ticket) ticket.ID { return t.ID })
	},
	"Message": func(ctx context.Context, r store.Reader, tenant ticket.TenantID, e *estate) ([]ticket.ID, error) {
		m, err := r.Message(ctx, tenant, e.c.Messages[0].ID)
		return idOf(m.ID, err)
	},
	"Messages": func(ctx context.Context, r store.Reader, tenant ticket.TenantID, e *estate) ([]ticket.ID, error) {
		rows, err := r.Messages(ctx, store.MessageQuery{Tenant: tenant, Ticket: e.c.NewTickets[0].ID, Limit: everything, Raw: true})
		return idsOf(rows, err, func(m store.Message) ticket.ID { return m.ID })
	},
	"Members": func(ctx context.Context, r store.Reader, tenant ticket.TenantID, e *estate) ([]ticket.ID, error) {
		rows, err := r.Members(ctx, tenant, e.c.NewTickets[0].ID)
		return idsOf(rows, err, func(m ticket.Member) ticket.ID { return m.Contact })
	},
	"Delivery": func(ctx context.Context, r store.Reader, tenant ticket.TenantID, e *estate) ([]ticket.ID, error) {
		d, err := r.Delivery(ctx, tenant, e.c.NewDeliveries[0].Message)
		return idOf(d.Message, err)
	},
	"Deliveries": func(ctx context.Context, r store.Reader, tenant ticket.TenantID, e *estate) ([]ticket.ID, error) {
		rows, err := r.Deliveries(ctx, store.DeliveryQuery{Tenant: tenant, Limit: everything})
		more, err2 := r.Deliveries(ctx, store.DeliveryQuery{Tenant: tenant, Ticket: e.c.NewDeliveries[0].Ticket, Limit: everything})
		return idsOf(append(rows, more...), errors.Join(err, err2), func(d ticket.Delivery) ticket.ID { return d.Message })
	},
	"Quarantined": func(ctx context.Context, r store.Reader, tenant ticket.TenantID, e *estate) ([]ticket.ID, error) {
		q, err := r.Quarantined(ctx, tenant, e.c.NewQuarantine[0].ID)
		return idOf(q.ID, err)
	},
	"Quarantine": func(ctx context.Context, r store.Reader, tenant ticket.TenantID, e *estate) ([]ticket.ID, error) {
		rows, err := r.Quarantine(ctx, tenant, ticket.ID{}, everything)
		return idsOf(rows, err, func(q store.Quarantined) ticket.ID { return q.ID })
	},
	"Known": func(ctx context.Context, r store.Reader, tenant ticket.TenantID, e *estate) ([]ticket.ID, error) {
		renamed := e.c.Seen[1]
		renamed.ProviderID = "another"
		rows, err := r.Known(ctx, tenant, e.box.ID, []store.Seen{e.c.Seen[0], renamed})
		return idsOf(rows, err, func(s store.Seen) ticket.ID { return s.Object })
	},
	"Candidates": func(ctx context.Context, r store.Reader, tenant ticket.TenantID, e *estate) ([]ticket.ID, error) {
		rows, err := r.Candidates(ctx, store.CandidateQuery{Tenant: tenant, Mailbox: e.box.ID, Fingerprints: []ticket.Fingerprint{e.c.Hits[0].Fingerprint}, Messages: []ticket.ID{e.c.Messages[1].ID}})
		return idsOf(rows, err, func(c ticket.Candidate) ticket.ID { return c.Ticket.ID })
	},
	"SentAs": func(ctx context.Context, r store.Reader, tenant ticket.TenantID, e *estate) ([]ticket.ID, error) {
		var ids []ticket.Fingerprint
		for _, h := range e.c.Hits {
			ids = append(ids, h.Fingerprint)
		}
		rows, err := r.SentAs(ctx, tenant, e.box.ID, ids)
		return slices.Collect(maps.Values(rows)), err
	},
	"AutoReplies": func(ctx context.Context, r store.Reader, tenant ticket.TenantID, e *estate) ([]ticket.ID, error) {
		var to []ticket.ID
		for _, c := range e.c.Contacts {
			to = append(to, c.ID)
		}
		n, err := r.AutoReplies(ctx, store.AutoReplyQuery{Tenant: tenant, Mailbox: e.box.ID, Ticket: e.c.NewTickets[0].ID, Contacts: to})
		// The count stands for what was counted.
		return slices.Repeat([]ticket.ID{e.box.ID}, n.Mailbox), err
	},
	"Contacts": func(ctx context.Context, r store.Reader, tenant ticket.TenantID, e *estate) (out []ticket.ID, _ error) {
		rows, err := r.Contacts(ctx, tenant, e.box.ID, []ticket.Fingerprint{e.c.Contacts[0].Address})
		for _, id := range rows {
			out = append(out, id)
		}
		return out, err
	},
	"TicketKeys": func(ctx context.Context, r store.Reader, tenant ticket.TenantID, e *estate) (out []ticket.ID, _ error) {
		rows, err := r.TicketKeys(ctx, tenant, []ticket.ID{e.c.NewTickets[0].ID})
		for _, id := range rows {
			out = append(out, id)
		}
		return out, err
	},
	"Record": func(ctx context.Context, r store.Reader, tenant ticket.TenantID, e *estate) ([]ticket.ID, error) {
		x, err := r.Record(ctx, tenant, e.record.Kind, e.record.ID)
		return idOf(x.ID, err)
	},
	"Records": func(ctx context.Context, r store.Reader, tenant ticket.TenantID, e *estate) ([]ticket.ID, error) {
		if tenant == "" {
			return nil, nil // means all tenants
		}
		rows, err := r.Records(ctx, store.RecordQuery{Tenant: tenant, Kind: e.record.Kind, Limit: everything})
		return idsOf(rows, err, func(x store.Record) ticket.ID { return x.ID })
	},
	"Retained": func(ctx context.Context, r store.Reader, tenant ticket.TenantID, e *estate) ([]ticket.ID, error) {
		if tenant == "" {
			return nil, nil // means all tenants
		}
		rows, err := r.Retained(ctx, store.RetainQuery{Tenant: tenant, Limit: everything})
		more, err2 := r.Retained(ctx, store.RetainQuery{Tenant: tenant, Contact: e.c.NewTickets[0].Contact, Limit: everything})
		return idsOf(append(rows, more...), errors.Join(err, err2), func(x store.Retained) ticket.ID { return x.Ticket.ID })
	},
	"Remaining": func(ctx context.Context, r store.Reader, tenant ticket.TenantID, e *estate) ([]ticket.ID, error) {
		if tenant == "" {
			return nil, nil // refused
		}
		// The count stands for what was counted.
		n, err := r.Remaining(ctx, store.Erase{Tenant: tenant, Mailbox: e.box.ID, Limit: 1})
		return slices.Repeat([]ticket.ID{e.box.ID}, int(n.Rows())), err
	},
	"Events": func(ctx context.Context, r store.Reader, tenant ticket.TenantID, e *estate) ([]ticket.ID, error) {
		if tenant == "" {
			return nil, nil // means all tenants
		}
		rows, err := r.Events(ctx, store.EventQuery{Tenant: tenant, Limit: everything})
		return idsOf(rows, err, func(e store.LoggedEvent) ticket.ID { return e.ID })
	},
}

// isolationReads asks as the owner, who must find something or the case shows
// nothing, as a tenant who has the like, and as tenants who have nothing.
func isolationReads(w *world) {
	theirs := w.settle("acme")
	w.settle("beta")
	for name, fn := range readCases {
		ask := func(tenant ticket.TenantID) []ticket.ID {
			ids, err := read(w, func(ctx context.Context, r store.Reader) ([]ticket.ID, error) { return fn(ctx, r, tenant, theirs) })
			if !isOneOf(err, nil, store.ErrNotFound) {
				w.Errorf("%s for tenant %q: %v", name, tenant, err)
			}
			if len(ids) > 0 && isOneOf(err, store.ErrNotFound) {
				w.Errorf("%s for tenant %q returns data with ErrNotFound", name, tenant)
			}
			return ids
		}
		own := ask("acme")
		if len(own) == 0 {
			w.Errorf("%s does not find the tenant's own", name)
		}
		for _, id := range ask("beta") {
			if slices.Contains(own, id) {
				w.Errorf("%s for tenant beta returns an object of tenant acme", name)
			}
		}
		for _, tenant := range []ticket.TenantID{"gamma", "ACME", "acme ", "%", ""} {
			if ids := ask(tenant); len(ids) != 0 {
				w.Errorf("%s for tenant %q returns %d objects of another", name, tenant, len(ids))
			}
		}
	}
}

// storeCases, blobCases and accessCases act for mine with the names of theirs.
var storeCases = map[string]func(w *world, mine, theirs *estate){
	"Claim": func(w *world, mine, theirs *estate) {
		w.claimNone(store.Claim{Tenant: mine.tenant, Mailbox: theirs.box.ID}, "the mailbox is another tenant's")
		w.claimNone(store.Claim{Tenant: "gamma"}, "the tenant has none")
		if l := w.claimOne(store.Claim{Tenant: mine.tenant}); l.Task.Mailbox != mine.box.ID {
			w.Error("claimed a task of another tenant")
		}
	},
	"Extend": func(w *world, mine, theirs *estate) {
		l := theirs.lease
		l.Task.Tenant = mine.tenant
		_, err := w.s.Extend(w.ctx, l, time.Hour)
		w.is(err, store.ErrLeaseLost, "extending another tenant's lease")
	},
}

var blobCases = map[string]func(w *world, mine, theirs *estate){
	"Put": func(w *world, mine, theirs *estate) {
		r := theirs.blob
		r.Tenant = mine.tenant
		_ = w.s.Blobs().Put(w.ctx, r, strings.NewReader("mine")) // kept apart or refused
		w.wantBlob(theirs.blob, []byte(theirs.tenant))
	},
	"Get": func(w *world, mine, theirs *estate) {
		r := theirs.blob
		r.Tenant = mine.tenant
		w.noBlob(r)
		r = theirs.blob
		r.Mailbox = mine.box.ID
		w.noBlob(r)
	},
	"List": func(w *world, mine, theirs *estate) {
		for _, of := range [][2]any{{mine.tenant, theirs.box.ID}, {theirs.tenant, mine.box.ID}} {
			got, err := w.s.Blobs().List(w.ctx, of[0].(ticket.TenantID), of[1].(ticket.ID), ticket.ID{}, everything)
			w.ok(err, "list")
			w.same(got, []store.BlobRef(nil), "blobs of another tenant or mailbox")
		}
	},
	"Delete": func(w *world, mine, theirs *estate) {
		r := theirs.blob
		r.Tenant = mine.tenant
		w.ok(w.s.Blobs().Delete(w.ctx, []store.BlobRef{r}), "delete")
		w.wantBlob(theirs.blob, []byte(theirs.tenant))
	},
}

var accessCases = map[string]func(w *world, mine, theirs *estate){
	"Append": func(w *world, mine, theirs *estate) {
		more := newEntry(mine.tenant, w.now)
		w.ok(w.s.AccessLog().Append(w.ctx, []privacy.Entry{more}), "append")
		got, _ := w.entries(theirs.tenant, "", 10)
		w.same(got, []privacy.Entry{theirs.entry}, "the other tenant's entries")
	},
	"Entries": func(w *world, mine, theirs *estate) {
		_, after := w.entries(theirs.tenant, "", 10)
		for _, tenant := range []ticket.TenantID{mine.tenant, "gamma", "ACME", ""} {
			for _, from := range []string{"", after} {
				got, _ := w.entries(tenant, from, 10)
				for _, e := range got {
					if e.Tenant != tenant {
						w.Errorf("an entry of tenant %q for tenant %q", e.Tenant, tenant)
					}
				}
			}
		}
	},
}
