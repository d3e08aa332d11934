package storetest

import (
	"context"
	"slices"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

var sendCases = []testCase{
	{"Delivery/Versions", deliveryVersions},
	{"Delivery/Pages", deliveryPages},
	{"Message/ProviderIDs", providerIDs},
	{"Quarantine/Versions", quarantineVersions},
	{"Quarantine/Pages", quarantinePages},
}

func (w *world) delivery(tenant ticket.TenantID, m ticket.ID) (ticket.Delivery, error) {
	return read(w, func(ctx context.Context, r store.Reader) (ticket.Delivery, error) { return r.Delivery(ctx, tenant, m) })
}

func deliveryVersions(w *world) {
	box := w.connect("acme", 1)
	m := w.newMessage(w.open(box), 1)
	d := newDelivery(m, w.now)
	w.must(store.Changes{Tenant: "acme", Messages: []store.Message{m}, NewDeliveries: []ticket.Delivery{d}})
	got, err := w.delivery("acme", m.ID)
	w.ok(err, "delivery")
	w.same(got, d, "delivery")
	w.refuse(store.Changes{Tenant: "acme", NewDeliveries: []ticket.Delivery{d}}, store.ErrStale, "the same delivery again")

	next := d
	next.State, next.Attempt, next.Looks, next.Draft, next.Cause = ticket.Uncertain, 2, 1, "draft-Ä", "cut"
	next.Since, next.Version = w.now.Add(1e9), 2
	w.must(store.Changes{Tenant: "acme", Deliveries: []ticket.Delivery{next}})
	w.refuse(store.Changes{Tenant: "acme", Deliveries: []ticket.Delivery{next}}, store.ErrStale, "the same version again")
	got, err = w.delivery("acme", m.ID)
	w.ok(err, "delivery")
	w.same(got, next, "replaced delivery")
	next.Message = newID()
	w.refuse(store.Changes{Tenant: "acme", Deliveries: []ticket.Delivery{next}}, store.ErrStale, "a delivery that is not there")
	_, err = w.delivery("acme", next.Message)
	w.is(err, store.ErrNotFound, "a delivery that is not there")
}

func deliveryPages(w *world) {
	a, b := w.connect("acme", 1), w.connect("acme", 2)
	ta, tb := w.open(a), w.open(b)
	c := store.Changes{Tenant: "acme"}
	add := func(t store.Ticket, seq int64, s ticket.DeliveryState) ticket.Delivery {
		m := w.newMessage(t, seq)
		d := newDelivery(m, w.now)
		d.State = s
		c.Messages, c.NewDeliveries = append(c.Messages, m), append(c.NewDeliveries, d)
		return d
	}
	all := []ticket.Delivery{
		add(ta, 1, ticket.Queued), add(ta, 2, ticket.Sent), add(ta, 3, ticket.Uncertain), add(tb, 1, ticket.Queued), add(tb, 2, ticket.Sent),
	}
	w.must(c)
	byMessage := func(a, b ticket.Delivery) int { return slices.Compare(a.Message[:], b.Message[:]) }
	pick := func(fits func(ticket.Delivery) bool) []ticket.Delivery {
		out := slices.DeleteFunc(slices.Clone(all), func(d ticket.Delivery) bool { return !fits(d) })
		slices.SortFunc(out, byMessage)
		return out
	}
	list := func(q store.DeliveryQuery) []ticket.Delivery {
		q.Tenant = "acme"
		if q.Limit == 0 {
			q.Limit = 10
		}
		return get(w, func(ctx context.Context, r store.Reader) ([]ticket.Delivery, error) { return r.Deliveries(ctx, q) })
	}
	sorted := pick(func(ticket.Delivery) bool { return true })
	w.same(list(store.DeliveryQuery{}), sorted, "all by message id")
	w.same(list(store.DeliveryQuery{Limit: 2}), sorted[:2], "a page")
	w.same(list(store.DeliveryQuery{After: sorted[1].Message, Limit: 2}), sorted[2:4], "the next page")
	w.same(list(store.DeliveryQuery{Mailbox: b.ID}), pick(func(d ticket.Delivery) bool { return d.Mailbox == b.ID }), "of a mailbox")
	w.same(list(store.DeliveryQuery{Ticket: ta.ID}), pick(func(d ticket.Delivery) bool { return d.Ticket == ta.ID }), "of a ticket")
	open := []ticket.DeliveryState{ticket.Queued, ticket.Uncertain}
	w.same(list(store.DeliveryQuery{States: open}), pick(func(d ticket.Delivery) bool { return slices.Contains(open, d.State) }), "in states")
	some := []ticket.ID{sorted[2].Message, newID(), sorted[0].Message, sorted[2].Message}
	w.same(list(store.DeliveryQuery{Messages: some}), []ticket.Delivery{sorted[0], sorted[2]}, "of some messages")
	w.same(list(store.DeliveryQuery{Messages: some, After: sorted[0].Message}), sorted[2:3], "of some messages, the next page")
	w.same(list(store.DeliveryQuery{Messages: []ticket.ID{newID()}}), []ticket.Delivery(nil), "of a message that has none")
}

func providerIDs(w *world) {
	box := w.connect("acme", 1)
	t := w.open(box)
	m, other := w.newMessage(t, 1), w.newMessage(t, 2)
	w.must(store.Changes{Tenant: "acme", Messages: []store.Message{m, other}})
	w.must(store.Changes{Tenant: "acme", ProviderIDs: []store.ProviderID{{Mailbox: box.ID, Message: m.ID, ProviderID: "sent:7"}}})
	m.Provenance.ProviderID = "sent:7"
	w.same(w.message("acme", m.ID), m, "only the provider id changed")
	w.same(w.message("acme", other.ID), other, "another message")
}

func (w *world) quarantined(id ticket.ID) (store.Quarantined, error) {
	return read(w, func(ctx context.Context, r store.Reader) (store.Quarantined, error) {
		return r.Quarantined(ctx, "acme", id)
	})
}

func quarantineVersions(w *world) {
	box := w.connect("acme", 1)
	q := w.newQuarantined(box, "uid:1")
	lost := w.newQuarantined(box, "uid:2")
	lost.Raw, lost.Size, lost.Key, lost.Cause = nil, 0, ticket.ID{}, "too-large"
	w.must(store.Changes{Tenant: "acme", NewQuarantine: []store.Quarantined{q, lost}})
	for _, want := range []store.Quarantined{q, lost} {
		got, err := w.quarantined(want.ID)
		w.ok(err, "quarantined")
		w.same(got, want, "quarantined mail")
	}
	w.refuse(store.Changes{Tenant: "acme", NewQuarantine: []store.Quarantined{q}}, store.ErrStale, "the same again")

	next := lost
	next.State, next.Message, next.Cause, next.Size, next.Raw, next.Blob = store.Released, newID(), "arrived", 9, seal(9), newID()
	next.ProviderID, next.Ref, next.CreatedAt, next.Version = "other", seal(9), w.now.Add(1e9), 2
	w.must(store.Changes{Tenant: "acme", Quarantine: []store.Quarantined{next}})
	want := next
	want.ProviderID, want.Ref, want.CreatedAt = lost.ProviderID, lost.Ref, lost.CreatedAt
	got, err := w.quarantined(lost.ID)
	w.ok(err, "quarantined")
	w.same(got, want, "state, message, cause and raw are replaced, the rest stays")
	w.refuse(store.Changes{Tenant: "acme", Quarantine: []store.Quarantined{next}}, store.ErrStale, "the same version again")
	_, err = w.quarantined(newID())
	w.is(err, store.ErrNotFound, "a quarantined mail that is not there")
}

func quarantinePages(w *world) {
	box := w.connect("acme", 1)
	var all []store.Quarantined
	for i := range 5 {
		all = append(all, w.newQuarantined(box, string(rune('a'+i))))
	}
	w.must(store.Changes{Tenant: "acme", NewQuarantine: all})
	slices.SortFunc(all, func(a, b store.Quarantined) int { return slices.Compare(a.ID[:], b.ID[:]) })
	list := func(after ticket.ID, limit int) []store.Quarantined {
		return get(w, func(ctx context.Context, r store.Reader) ([]store.Quarantined, error) {
			return r.Quarantine(ctx, "acme", after, limit)
		})
	}
	w.same(list(ticket.ID{}, 10), all, "all by id")
	w.same(list(ticket.ID{}, 2), all[:2], "a page")
	w.same(list(all[1].ID, 2), all[2:4], "the next page")
	w.same(list(all[4].ID, 2), []store.Quarantined(nil), "after the last")
}
