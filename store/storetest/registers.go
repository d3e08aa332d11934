package storetest

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

func (w *world) newRecord(tenant ticket.TenantID, kind store.RecordKind) store.Record {
	return store.Record{Tenant: tenant, Kind: kind, ID: newID(), Due: w.now, Version: 1, Body: json.RawMessage(`{"v": 1}`)}
}

func records(w *world) {
	a, b, other := w.newRecord("acme", "hold"), w.newRecord("acme", "hold"), w.newRecord("beta", "hold")
	b.Due = time.Time{}
	kind := w.newRecord("acme", "erasure")
	w.must(store.Changes{Tenant: "acme", Records: []store.Record{a, b, kind}})
	w.must(store.Changes{Tenant: "beta", Records: []store.Record{other}})
	list := func(q store.RecordQuery) (ids []ticket.ID) {
		q.Kind = "hold"
		if q.Limit == 0 {
			q.Limit = 100
		}
		for _, r := range get(w, func(ctx context.Context, r store.Reader) ([]store.Record, error) { return r.Records(ctx, q) }) {
			ids = append(ids, r.ID)
		}
		return ids
	}
	own := []ticket.ID{a.ID, b.ID}
	slices.SortFunc(own, func(x, y ticket.ID) int { return slices.Compare(x[:], y[:]) })
	w.same(list(store.RecordQuery{}), append(slices.Clone(own), other.ID), "records of all tenants")
	w.same(list(store.RecordQuery{Tenant: "acme"}), own, "records of a tenant")
	w.same(list(store.RecordQuery{Limit: 1}), own[:1], "a page")
	w.same(list(store.RecordQuery{AfterTenant: "acme", After: own[0]}), []ticket.ID{own[1], other.ID}, "the page after it")
	w.same(list(store.RecordQuery{DueBy: w.now}), []ticket.ID{a.ID, other.ID}, "what is due")
	w.same(list(store.RecordQuery{DueBy: w.now.Add(-time.Second)}), []ticket.ID(nil), "nothing is due yet")

	one := func(id ticket.ID) store.Record {
		r := get(w, func(ctx context.Context, r store.Reader) (store.Record, error) {
			return r.Record(ctx, "acme", "hold", id)
		})
		var body map[string]int
		w.ok(json.Unmarshal(r.Body, &body), "body")
		w.same(body, map[string]int{"v": int(r.Version)}, "body of the version")
		r.Body = nil
		return r
	}
	a.Version, a.Due, a.Body = 2, w.now.Add(time.Hour), json.RawMessage(`{"v":2}`)
	w.must(store.Changes{Tenant: "acme", Records: []store.Record{a}})
	w.refuse(store.Changes{Tenant: "acme", Records: []store.Record{a}}, store.ErrStale, "the same version again")
	w.refuse(store.Changes{Tenant: "acme", Records: []store.Record{b}}, store.ErrStale, "a record that is there")
	a.Body = nil
	w.same(one(a.ID), a, "a record that was replaced")
	w.same(one(b.ID).Due, time.Time{}, "a record that is never due")
	_, err := read(w, func(ctx context.Context, r store.Reader) (store.Record, error) {
		return r.Record(ctx, "beta", "hold", a.ID)
	})
	w.is(err, store.ErrNotFound, "another tenant's record")
}

func reached(w *world) {
	first := store.Deployment{ID: newID(), Keys: newID(), Ledger: newID(), Reached: privacy.Position{N: 7}}
	got, err := w.s.Bind(w.ctx, first)
	w.ok(err, "bind")
	first.Reached = privacy.Position{}
	w.same(got, first, "a fresh store has reached nothing")
	to := func(n int64) store.Changes {
		return store.Changes{Tenant: "acme", Reached: &privacy.Position{N: n, Hash: [32]byte{byte(n)}}}
	}
	w.refuse(to(2), store.ErrStale, "an entry left out")
	w.must(to(1))
	w.must(to(2))
	w.refuse(to(2), store.ErrStale, "an entry again")
	got, err = w.s.Deployment(w.ctx)
	w.ok(err, "deployment")
	w.same(got.Reached, *to(2).Reached, "the place in the ledger")
}
