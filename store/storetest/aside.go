package storetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"testing/iotest"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// asideCases are about what lives beside the transactions.
var asideCases = []testCase{
	{"Deployment/FirstBindWins", bindFirst},
	{"Blobs/PutGetDelete", blobsBasic},
	{"Blobs/FailedPut", blobsFailedPut},
	{"Blobs/Old", blobsOld},
	{"AccessLog/Append", accessAppend},
	{"AccessLog/Pages", accessPages},
	{"AccessLog/OwnTransaction", accessOwnTransaction},
	{"Dump/IsWhole", dumpWhole},
}

func bindFirst(w *world) {
	_, err := w.s.Deployment(w.ctx)
	w.is(err, store.ErrNotFound, "deployment of a fresh store")
	first := store.Deployment{ID: newID(), Keys: newID()}
	for _, d := range []store.Deployment{first, {ID: newID(), Keys: newID()}, first} {
		got, err := w.s.Bind(w.ctx, d)
		w.ok(err, "bind")
		w.same(got, first, "the first call wins")
	}
	got, err := w.s.Deployment(w.ctx)
	w.ok(err, "deployment")
	w.same(got, first, "deployment")
}

func newBlob(tenant ticket.TenantID) store.BlobRef {
	return store.BlobRef{Tenant: tenant, Mailbox: newID(), ID: newID()}
}

func (w *world) putBlob(r store.BlobRef, data []byte) {
	w.Helper()
	w.ok(w.s.Blobs().Put(w.ctx, r, iotest.HalfReader(bytes.NewReader(data))), "put blob")
}

func (w *world) wantBlob(r store.BlobRef, want []byte) {
	w.Helper()
	rc, err := w.s.Blobs().Get(w.ctx, r)
	w.ok(err, "get blob")
	got, err := io.ReadAll(rc)
	w.ok(err, "read blob")
	w.ok(rc.Close(), "close blob")
	if !bytes.Equal(got, want) {
		w.Errorf("blob of %d bytes came back as %d other bytes", len(want), len(got))
	}
}

func (w *world) noBlob(r store.BlobRef) {
	w.Helper()
	_, err := w.s.Blobs().Get(w.ctx, r)
	w.is(err, store.ErrNotFound, "a blob that is not there")
}

func blobsBasic(w *world) {
	a, b, c := newBlob("acme"), newBlob("acme"), newBlob("acme")
	large := bytes.Repeat(seal(1021), 3000)
	w.putBlob(a, large)
	w.putBlob(b, nil)
	w.wantBlob(a, large)
	w.wantBlob(b, nil)
	w.noBlob(c)
	w.putBlob(a, []byte("shorter"))
	w.wantBlob(a, []byte("shorter"))
	for range 2 {
		w.ok(w.s.Blobs().Delete(w.ctx, []store.BlobRef{a, c}), "delete")
		w.noBlob(a)
	}
	w.wantBlob(b, nil)
	w.ok(w.s.Blobs().Delete(w.ctx, nil), "delete nothing")
}

func blobsFailedPut(w *world) {
	r := newBlob("acme")
	boom := errors.New("cut")
	err := w.s.Blobs().Put(w.ctx, r, io.MultiReader(bytes.NewReader(seal(100)), iotest.ErrReader(boom)))
	w.is(err, boom, "put returns the error of its reader")
	w.noBlob(r)
}

func blobsOld(w *world) {
	var want []ticket.ID
	for range 5 {
		r := newBlob("acme")
		w.putBlob(r, seal(10))
		want = append(want, r.ID)
	}
	slices.SortFunc(want, func(a, b ticket.ID) int { return slices.Compare(a[:], b[:]) })
	none, err := w.s.Blobs().Old(w.ctx, time.Hour, ticket.ID{}, 10)
	w.ok(err, "old")
	w.same(none, []store.BlobRef(nil), "objects put more than an hour ago")
	time.Sleep(20 * time.Millisecond)
	var got []ticket.ID
	after := ticket.ID{}
	for range 4 {
		page, err := w.s.Blobs().Old(w.ctx, time.Millisecond, after, 2)
		w.ok(err, "old")
		for _, r := range page {
			if r.Tenant != "acme" || r.Mailbox.IsZero() {
				w.Errorf("old object %+v", r)
			}
			got, after = append(got, r.ID), r.ID
		}
	}
	w.same(got, want, "old objects by id")
}

func newEntry(tenant ticket.TenantID, at time.Time) privacy.Entry {
	return privacy.Entry{
		ID: newID(), At: at, Tenant: tenant, Principal: privacy.Principal{Kind: privacy.AgentPrincipal, ID: "kari", OnBehalfOf: "ola"},
		Purpose: privacy.Support, Operation: "ticket.read",
		Classes: []privacy.Class{privacy.Subject, privacy.Text}, Objects: []ticket.ID{newID(), newID()},
	}
}

func (w *world) entries(tenant ticket.TenantID, after string, limit int) ([]privacy.Entry, string) {
	w.Helper()
	got, next, err := w.s.AccessLog().Entries(w.ctx, tenant, after, limit)
	w.ok(err, "entries")
	return got, next
}

func accessAppend(w *world) {
	log := w.s.AccessLog()
	one, refused := newEntry("acme", w.now), newEntry("acme", w.now)
	refused.Refused, refused.Objects, refused.Classes, refused.Principal = true, nil, nil, privacy.System("sync")
	w.ok(log.Append(w.ctx, []privacy.Entry{one, refused}), "append")
	w.ok(log.Append(w.ctx, nil), "append nothing")
	got, _ := w.entries("acme", "", 10)
	w.same(got, []privacy.Entry{one, refused}, "entries")
	one.Objects[0], got[0].Objects[1] = newID(), newID()
	again, _ := w.entries("acme", "", 10)
	if again[0].Objects[0] == one.Objects[0] || again[0].Objects[1] == got[0].Objects[1] {
		w.Error("the log shares memory with its callers")
	}
	if log.Durable() != (w.h.Reopen != nil) {
		w.Errorf("Durable is %v, and Harness.Reopen says otherwise", log.Durable())
	}
	if w.h.Reopen != nil {
		w.s = w.h.Reopen(w.T, w.s)
		last, _ := w.entries("acme", "", 10)
		w.same(last, again, "entries after reopening")
	}
}

// accessPages appends entries whose times and ids go backwards: the order is
// that of appending.
func accessPages(w *world) {
	var want []privacy.Entry
	for i := range 7 {
		e, other := newEntry("acme", w.now.Add(-time.Duration(i)*time.Hour)), newEntry("beta", w.now)
		e.ID[0] = byte(200 - i)
		w.ok(w.s.AccessLog().Append(w.ctx, []privacy.Entry{e, other}), "append")
		want = append(want, e)
	}
	var got []privacy.Entry
	after := ""
	for range 10 {
		page, next := w.entries("acme", after, 3)
		got, after = append(got, page...), next
		if len(page) > 3 {
			w.Fatalf("a page of %d", len(page))
		}
	}
	w.same(got, want, "entries in the order in which they were appended")
	last := newEntry("acme", w.now)
	w.ok(w.s.AccessLog().Append(w.ctx, []privacy.Entry{last}), "append")
	page, _ := w.entries("acme", after, 3)
	w.same(page, []privacy.Entry{last}, "reading goes on where the log ended")
}

// accessOwnTransaction appends while a transaction runs that rolls back.
func accessOwnTransaction(w *world) {
	e := newEntry("acme", w.now)
	boom := errors.New("rolled back")
	w.is(w.s.Update(w.ctx, func(context.Context, store.Tx) error {
		if err := w.s.AccessLog().Append(w.ctx, []privacy.Entry{e}); err != nil {
			return err
		}
		return boom
	}), boom, "update")
	got, _ := w.entries("acme", "", 10)
	w.same(got, []privacy.Entry{e}, "an entry outlives the transaction that it was made beside")
}

// dumpWhole proves that a search of the dump means something: what was stored
// is found in it.
func dumpWhole(w *world) {
	if w.h.Dump == nil {
		w.Skip("no Harness.Dump")
	}
	box := w.connect("acme", 1)
	c := w.page(box, 0, 1, box.LiveCursor, mailbox.Cursor("cursor-4f1d77"))
	c.Seen[0].ProviderID = "provider-id-8c22e1"
	w.must(c)
	blob := seal(50)
	w.putBlob(newBlob("acme"), blob)
	e := newEntry("acme", w.now)
	e.Operation = "operation-93b0aa"
	w.ok(w.s.AccessLog().Append(w.ctx, []privacy.Entry{e}), "append")
	m, t, q := c.Messages[0], c.NewTickets[0], c.NewQuarantine[0]
	dump := w.h.Dump(w.T, w.s)
	for what, text := range map[string][]byte{
		"address": box.Address, "credential": box.Credential, "settings": box.Settings,
		"cursor": []byte("cursor-4f1d77"), "provider id": []byte(c.Seen[0].ProviderID),
		"ticket subject": t.Subject, "subject": m.Subject, "addresses": m.Addresses, "body": m.Body,
		"html": m.HTML, "files": m.Files, "raw": m.Raw, "quarantined": q.Raw, "blob": blob,
		"access log": []byte(e.Operation),
	} {
		if canaryForm(dump, text) == "" {
			w.Errorf("the dump does not hold the %s that was stored: it is not whole", what)
		}
	}
}
