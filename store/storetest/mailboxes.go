package storetest

import (
	"context"
	"slices"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

var mailboxCases = []testCase{
	{"Mailbox/RoundTrip", mailboxRoundTrip},
	{"Mailbox/OneConnectedPerAccount", mailboxPerAccount},
	{"Mailbox/Versions", mailboxVersions},
	{"Mailbox/List", mailboxList},
	{"Mailbox/Health", mailboxHealth},
	{"Mailbox/Cursors", mailboxCursors},
	{"Mailbox/Fence", mailboxFence},
	{"Mailbox/Unknown", mailboxUnknown},
}

func mailboxRoundTrip(w *world) {
	m := w.newMailbox("acme", 1)
	m.BackfillCursor = mailbox.Cursor("back")
	m.Health = store.Health{State: store.HealthBroken, Since: w.now, Cause: "hook", Failures: 3, NextAt: w.now, SyncedAt: w.now}
	w.must(store.Changes{Tenant: "acme", NewMailboxes: []store.Mailbox{m}})
	w.same(w.mailbox("acme", m.ID), m, "mailbox")
	w.refuse(store.Changes{Tenant: "acme", NewMailboxes: []store.Mailbox{m}}, store.ErrStale, "the same mailbox again")
	_, err := read(w, func(ctx context.Context, r store.Reader) (store.Mailbox, error) {
		return r.Mailbox(ctx, "acme", newID())
	})
	w.is(err, store.ErrNotFound, "a mailbox that is not there")
}

func (w *world) byAccount(account int) (store.Mailbox, error) {
	return read(w, func(ctx context.Context, r store.Reader) (store.Mailbox, error) {
		return r.MailboxByAccount(ctx, "acme", fp(account))
	})
}

func mailboxPerAccount(w *world) {
	_, err := w.byAccount(1)
	w.is(err, store.ErrNotFound, "an account without mailbox")
	first := w.connect("acme", 1)
	second := w.newMailbox("acme", 1)
	w.refuse(store.Changes{Tenant: "acme", NewMailboxes: []store.Mailbox{second}}, store.ErrStale, "a second mailbox for the account")
	w.connect("acme", 2)
	w.connect("beta", 1)

	first = w.fence(first)
	got, err := w.byAccount(1)
	w.ok(err, "by account")
	w.same(got, first, "a fenced mailbox is found when it is the only one")
	w.must(store.Changes{Tenant: "acme", NewMailboxes: []store.Mailbox{second}})
	got, err = w.byAccount(1)
	w.ok(err, "by account")
	w.same(got, second, "the connected mailbox is preferred")

	first.State, first.Version = store.MailboxConnected, first.Version+1
	w.refuse(store.Changes{Tenant: "acme", Mailboxes: []store.Mailbox{first}}, store.ErrStale, "reconnecting the first beside the second")
}

func mailboxVersions(w *world) {
	m := w.connect("acme", 1)
	next := w.newMailbox("acme", 99)
	next.ID, next.Version, next.State = m.ID, 2, store.MailboxConnected
	next.Provider, next.LiveCursor, next.ConnectedAt = "gmail", mailbox.Cursor("elsewhere"), w.now.Add(1e9)
	next.Health.State = store.HealthBroken
	w.must(store.Changes{Tenant: "acme", Mailboxes: []store.Mailbox{next}})
	want := m
	want.Address, want.Credential, want.Settings = next.Address, next.Credential, next.Settings
	want.ConnectedAt, want.Version = next.ConnectedAt, 2
	w.same(w.mailbox("acme", m.ID), want, "only state, address, credential, settings and connected-at are replaced")
	w.refuse(store.Changes{Tenant: "acme", Mailboxes: []store.Mailbox{next}}, store.ErrStale, "the same version again")
	next.Version = 4
	w.refuse(store.Changes{Tenant: "acme", Mailboxes: []store.Mailbox{next}}, store.ErrStale, "a version left out")
	next.ID, next.Version = newID(), 2
	w.refuse(store.Changes{Tenant: "acme", Mailboxes: []store.Mailbox{next}}, store.ErrStale, "a mailbox that is not there")
}

func mailboxList(w *world) {
	var want []ticket.ID
	for i := range 7 {
		want = append(want, w.connect("acme", i).ID)
	}
	w.connect("beta", 1)
	slices.SortFunc(want, func(a, b ticket.ID) int { return slices.Compare(a[:], b[:]) })
	var got []ticket.ID
	for {
		after := ticket.ID{}
		if len(got) > 0 {
			after = got[len(got)-1]
		}
		page := get(w, func(ctx context.Context, r store.Reader) ([]store.Mailbox, error) {
			return r.ListMailboxes(ctx, "acme", after, 3)
		})
		if len(page) > 3 {
			w.Fatalf("a page of %d, want at most 3", len(page))
		}
		if len(page) == 0 {
			break
		}
		for _, m := range page {
			got = append(got, m.ID)
		}
	}
	w.same(got, want, "mailboxes by id")
}

func mailboxHealth(w *world) {
	m := w.connect("acme", 1)
	m.Health = store.Health{State: store.HealthThrottled, Since: w.now, Cause: "429", Failures: 1, NextAt: w.now.Add(1e9), SyncedAt: w.now}
	w.must(store.Changes{Tenant: "acme", Health: []store.HealthChange{{Mailbox: m.ID, Health: m.Health}}})
	w.same(w.mailbox("acme", m.ID), m, "health is replaced, the version stays")
	m.Health = store.Health{State: store.HealthOK, Since: w.now}
	w.must(store.Changes{Tenant: "acme", Health: []store.HealthChange{{Mailbox: m.ID, Health: m.Health}}})
	w.same(w.mailbox("acme", m.ID), m, "absent times come back absent")
}

func mailboxCursors(w *world) {
	m := w.connect("acme", 1)
	move := func(s mailbox.Stream, from, to string) store.Changes {
		return store.Changes{Tenant: "acme", Cursors: []store.CursorMove{{Mailbox: m.ID, Stream: s, From: mailbox.Cursor(from), To: mailbox.Cursor(to)}}}
	}
	w.must(move(mailbox.Live, "start", "a\x00\xff"))
	w.must(move(mailbox.Backfill, "", "b"))
	w.refuse(move(mailbox.Live, "start", "c"), store.ErrStale, "a cursor from where it is no longer")
	w.refuse(move(mailbox.Backfill, "", "c"), store.ErrStale, "a cursor from the start that it left")
	w.refuse(move(mailbox.Live, "A\x00\xff", "c"), store.ErrStale, "a cursor that differs in case")
	m.LiveCursor, m.BackfillCursor = mailbox.Cursor("a\x00\xff"), mailbox.Cursor("b")
	w.same(w.mailbox("acme", m.ID), m, "cursors move apart and leave the version alone")
	w.must(move(mailbox.Live, "a\x00\xff", ""))
	w.must(move(mailbox.Live, "", "again"))
}

func mailboxFence(w *world) {
	m := w.connect("acme", 1)
	other := w.connect("acme", 2)
	w.must(w.page(m, 0, 1, mailbox.Cursor("start"), nil))
	w.fence(m)
	whole := w.page(m, 10, 1, nil, mailbox.Cursor("x"))
	before := w.snapshot("acme", whole)
	for name, c := range parts(whole) {
		w.refuse(c, store.ErrFenced, "writing "+name+" of a fenced mailbox")
	}
	w.same(w.snapshot("acme", whole), before, "state after refused writes")
	w.must(w.page(other, 0, 1, mailbox.Cursor("start"), nil))

	back := w.mailbox("acme", m.ID)
	back.State, back.Version = store.MailboxConnected, back.Version+1
	whole.Mailboxes = []store.Mailbox{back}
	w.must(whole) // what reconnects a mailbox may write to it at once
}

// parts takes changes apart into one for each kind of record that can stand
// alone.
func parts(c store.Changes) map[string]store.Changes {
	t := c.Tenant
	return map[string]store.Changes{
		"cursors":    {Tenant: t, Cursors: c.Cursors},
		"tickets":    {Tenant: t, NewTickets: c.NewTickets},
		"seen":       {Tenant: t, Seen: c.Seen},
		"contacts":   {Tenant: t, Contacts: c.Contacts},
		"quarantine": {Tenant: t, NewQuarantine: c.NewQuarantine},
		"health":     {Tenant: t, Health: c.Health},
		"tasks":      {Tenant: t, Tasks: c.Tasks},
		"events":     {Tenant: t, Events: c.Events},
		"messages":   {Tenant: t, NewTickets: c.NewTickets, Messages: c.Messages},
	}
}

func mailboxUnknown(w *world) {
	w.connect("acme", 1)
	ghost := w.newMailbox("acme", 2)
	for name, c := range parts(w.page(ghost, 0, 1, nil, nil)) {
		// An erased mailbox and one that never was look the same.
		if err := w.apply(c); !isOneOf(err, store.ErrNotFound, store.ErrFenced, store.ErrStale) {
			w.Errorf("writing %s of a mailbox that is not there: got error %v, want ErrNotFound, ErrFenced or ErrStale", name, err)
		}
	}
}
