package storetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

var erasureCases = []testCase{
	{"Records", records},
	{"Reached", reached},
	{"Retained", retainedTickets},
	{"Resealed", resealed},
	{"Erase/Mailbox", eraseMailbox},
	{"Erase/Keep", eraseKeep},
	{"Erase/Tickets", eraseTickets},
	{"Erase/Messages", eraseMessages},
	{"Erase/Contact", eraseContact},
	{"Erase/Attachments", eraseAttachments},
	{"Erase/Tenant", eraseTenant},
	{"Erase/RolledBack", eraseRolledBack},
	{"Erase/Rejects", eraseRejects},
	{"Blobs/List", blobsList},
}

func (w *world) retained(q store.RetainQuery) []store.Retained {
	w.Helper()
	q.Limit = 100
	return get(w, func(ctx context.Context, r store.Reader) ([]store.Retained, error) { return r.Retained(ctx, q) })
}

func retainedTickets(w *world) {
	box, other := w.connect("acme", 1), w.connect("beta", 1)
	c := w.page(box, 0, 2, box.LiveCursor, nil)
	w.must(c)
	o := w.page(other, 0, 1, other.LiveCursor, nil)
	w.must(o)
	all := w.retained(store.RetainQuery{})
	if len(all) != 3 || all[2].Ticket.Tenant != "beta" {
		w.Fatalf("%d tickets, want 3 by tenant", len(all))
	}
	size := int64(len(c.NewTickets[0].Subject))
	for _, m := range c.Messages {
		if m.Ticket == c.NewTickets[0].ID {
			size += int64(len(m.Subject) + len(m.Addresses) + len(m.Body) + len(m.HTML) + len(m.Files) + len(m.Raw))
		}
	}
	find := func(q store.RetainQuery, id ticket.ID) (store.Retained, bool) {
		for _, x := range w.retained(q) {
			if x.Ticket.ID == id {
				return x, true
			}
		}
		return store.Retained{}, false
	}
	first := c.NewTickets[0]
	got, _ := find(store.RetainQuery{Tenant: "acme", DueBy: w.now}, first.ID)
	w.same(got, store.Retained{Ticket: first.Ticket, Key: first.Key, Attachments: true, Bytes: size}, "a new ticket is due at once")
	later := w.now.Add(time.Hour)
	w.must(store.Changes{Tenant: "acme", Retain: []store.RetainAt{{Mailbox: box.ID, Ticket: first.ID, At: later}}})
	if _, is := find(store.RetainQuery{DueBy: w.now}, first.ID); is {
		w.Error("a ticket is due before its time")
	}
	if _, is := find(store.RetainQuery{DueBy: later}, first.ID); !is {
		w.Error("a ticket is not due at its time")
	}
	changed := first.Ticket
	changed.Version, changed.Merged, changed.Title = 2, newID(), fp(77)
	w.must(store.Changes{Tenant: "acme", Tickets: []store.TicketUpdate{{Ticket: changed, Was: 1}}})
	w.same(w.ticket("acme", first.ID).Ticket, changed, "a changed ticket")
	if _, is := find(store.RetainQuery{DueBy: w.now}, first.ID); !is {
		w.Error("a changed ticket is not due at once")
	}
	if n := len(w.retained(store.RetainQuery{Tenant: "acme", Contact: first.Contact})); n != 1 {
		w.Errorf("%d tickets of a contact, want 1", n)
	}
	if n := len(w.retained(store.RetainQuery{Tenant: "acme", Mailbox: other.ID})); n != 0 {
		w.Errorf("%d tickets of another tenant's mailbox", n)
	}
}

func resealed(w *world) {
	box := w.connect("acme", 1)
	w.must(w.page(box, 0, 1, box.LiveCursor, nil))
	row := w.retained(store.RetainQuery{Tenant: "acme"})[0]
	was := w.ticket("acme", row.Ticket.ID)
	m := w.messagesOf(was.Ticket)[0]
	now := was
	now.Key, now.Subject = newID(), seal(5)
	m.Subject, m.Addresses, m.Body, m.HTML, m.Files, m.Raw = seal(1), seal(2), seal(3), nil, nil, nil
	m.Attachments, m.Blob, m.RawSize = 0, ticket.ID{}, 0
	c := store.Changes{Tenant: "acme", Resealed: []store.Resealed{{Ticket: now, Was: was.Version, Messages: []store.Message{m}}}}
	w.must(c)
	now.Version = was.Version + 1
	w.same(w.ticket("acme", was.ID), now, "a ticket under a new key")
	w.same(w.message("acme", m.ID), m, "a message under a new key")
	w.refuse(c, store.ErrStale, "the same again")
}

func (w *world) messagesOf(t ticket.Ticket) []store.Message {
	w.Helper()
	return get(w, func(ctx context.Context, r store.Reader) ([]store.Message, error) {
		return r.Messages(ctx, store.MessageQuery{Tenant: t.Tenant, Ticket: t.ID, Limit: 100, Raw: true})
	})
}

// erase removes all that is named, in small steps, and checks that nothing is
// left and that the counts add up.
func (w *world) erase(e store.Erase) store.Tally {
	w.Helper()
	e.Limit = 2
	want := w.remaining(e)
	sum := store.Tally{}
	for range 1000 {
		var got store.Erased
		w.ok(w.s.Update(w.ctx, func(ctx context.Context, tx store.Tx) (err error) {
			got, err = tx.Erase(ctx, e)
			return err
		}), "erase")
		sum.Add(got.Tally)
		if !got.More {
			break
		}
	}
	w.same(sum, want, "what was removed and what was there")
	w.same(w.remaining(e), store.Tally{}, "what is left")
	return sum
}

func (w *world) remaining(e store.Erase) store.Tally {
	w.Helper()
	e.Limit = 1
	return get(w, func(ctx context.Context, r store.Reader) (store.Tally, error) { return r.Remaining(ctx, e) })
}

// tables returns the names of a tally, sorted.
func tables(t store.Tally) string {
	var names []string
	for n := range t {
		names = append(names, n)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// two fills a mailbox of two tenants alike and returns what the other one has.
func (w *world) two() (box, other store.Mailbox) {
	w.Helper()
	box, other = w.connect("acme", 1), w.connect("beta", 1)
	w.must(w.page(box, 0, 5, box.LiveCursor, nil))
	w.must(w.page(other, 0, 5, other.LiveCursor, nil))
	return box, other
}

func (w *world) untouched(other store.Mailbox) func() {
	w.Helper()
	look := func() store.Tally { return w.remaining(store.Erase{Tenant: other.Tenant, Mailbox: other.ID}) }
	before := look()
	return func() {
		w.Helper()
		w.same(look(), before, "what another tenant has")
	}
}

func eraseMailbox(w *world) {
	box, other := w.two()
	same := w.untouched(other)
	second := w.connect("acme", 2)
	w.must(w.page(second, 100, 2, second.LiveCursor, nil))
	left := w.remaining(store.Erase{Tenant: "acme", Mailbox: second.ID})
	sum := w.erase(store.Erase{Tenant: "acme", Mailbox: box.ID})
	w.same(tables(sum), "contacts deliveries events hits mailboxes members messages quarantine seen tasks tickets", "tables of a mailbox")
	if sum["messages"].Bytes == 0 || sum["messages"].Rows != 5 {
		w.Errorf("messages: %+v", sum["messages"])
	}
	w.same(w.remaining(store.Erase{Tenant: "acme", Mailbox: second.ID}), left, "what the tenant's other mailbox has")
	same()
	if _, err := w.byAccount(1); err == nil {
		w.Error("an erased mailbox is found by its account")
	}
}

func eraseKeep(w *world) {
	box, other := w.two()
	same := w.untouched(other)
	held := w.retained(store.RetainQuery{Tenant: "acme"})[1].Ticket
	before := w.messagesOf(held)
	sum := w.erase(store.Erase{Tenant: "acme", Mailbox: box.ID, Keep: []ticket.ID{held.ID}})
	if sum["tickets"].Rows != 4 || sum["mailboxes"].Rows != 0 || sum["hits"].Rows == 0 {
		w.Errorf("removed %+v", sum)
	}
	w.same(w.ticket("acme", held.ID).Ticket, held, "the ticket that is kept")
	w.same(w.messagesOf(held), before, "its messages")
	w.mailbox("acme", box.ID)
	same()
	sum = w.erase(store.Erase{Tenant: "acme", Mailbox: box.ID})
	if sum["tickets"].Rows != 1 || sum["mailboxes"].Rows != 1 {
		w.Errorf("removed in the end %+v", sum)
	}
}

func eraseTickets(w *world) {
	box, other := w.two()
	same := w.untouched(other)
	all := w.retained(store.RetainQuery{Tenant: "acme"})
	seen := w.remaining(store.Erase{Tenant: "acme", Mailbox: box.ID})["seen"]
	sum := w.erase(store.Erase{Tenant: "acme", Tickets: []ticket.ID{all[0].Ticket.ID, all[3].Ticket.ID, newID()}})
	if sum["tickets"].Rows != 2 || sum["messages"].Rows != 2 {
		w.Errorf("removed %+v", sum)
	}
	left := w.remaining(store.Erase{Tenant: "acme", Mailbox: box.ID})
	w.same(left["seen"], seen, "what a resync must not bring back")
	if left["tickets"].Rows != 3 || left["hits"].Rows == 0 {
		w.Errorf("left %+v", left)
	}
	same()
}

func eraseMessages(w *world) {
	box, other := w.two()
	same := w.untouched(other)
	t := w.retained(store.RetainQuery{Tenant: "acme"})[2].Ticket
	m := w.messagesOf(t)[0]
	sum := w.erase(store.Erase{Tenant: "acme", Messages: []ticket.ID{m.ID}})
	if sum["messages"].Rows != 1 || sum["tickets"].Rows != 0 {
		w.Errorf("removed %+v", sum)
	}
	if got := w.messagesOf(t); len(got) != 0 {
		w.Errorf("%d messages left", len(got))
	}
	w.ticket("acme", t.ID)
	if left := w.remaining(store.Erase{Tenant: "acme", Mailbox: box.ID}); left["seen"].Rows == 0 {
		w.Error("a resync would bring the message back")
	}
	same()
}

func eraseContact(w *world) {
	box := w.connect("acme", 1)
	t := w.open(box)
	ann := ticket.Member{Address: fp(1), Contact: t.Contact}
	bob := ticket.Member{Address: fp(2), Contact: newID()}
	w.must(store.Changes{Tenant: "acme",
		Members: []store.Member{{Mailbox: box.ID, Ticket: t.ID, Member: ann}, {Mailbox: box.ID, Ticket: t.ID, Member: bob}},
		Contacts: []store.Contact{{Mailbox: box.ID, Address: fp(1), ID: ann.Contact}, {Mailbox: box.ID, Address: fp(5), ID: ann.Contact},
			{Mailbox: box.ID, Address: fp(2), ID: bob.Contact}}})
	w.erase(store.Erase{Tenant: "acme", Contact: ann.Contact})
	got := get(w, func(ctx context.Context, r store.Reader) (map[ticket.Fingerprint]ticket.ID, error) {
		return r.Contacts(ctx, "acme", box.ID, []ticket.Fingerprint{fp(1), fp(2), fp(5)})
	})
	w.same(got, map[ticket.Fingerprint]ticket.ID{fp(2): bob.Contact}, "addresses that are left")
	members := get(w, func(ctx context.Context, r store.Reader) ([]ticket.Member, error) {
		return r.Members(ctx, "acme", t.ID)
	})
	w.same(members, []ticket.Member{bob}, "people that are left")
	w.same(w.ticket("acme", t.ID).Contact, ticket.ID{}, "the contact of the ticket")
}

func eraseAttachments(w *world) {
	w.two()
	t := w.retained(store.RetainQuery{Tenant: "acme"})[0].Ticket
	before := w.messagesOf(t)[0]
	sum := w.erase(store.Erase{Tenant: "acme", Tickets: []ticket.ID{t.ID}, Attachments: true})
	w.same(sum, store.Tally{"messages": {Rows: 1, Bytes: int64(len(before.Raw) + len(before.Files))}}, "what was removed")
	before.Raw, before.Files, before.Blob, before.Attachments = nil, nil, ticket.ID{}, 0
	w.same(w.messagesOf(t)[0], before, "the message without its attachments")
}

func eraseTenant(w *world) {
	box, other := w.two()
	same := w.untouched(other)
	keep, gone := w.newRecord("acme", "erasure"), w.newRecord("acme", "instruction")
	w.must(store.Changes{Tenant: "acme", Records: []store.Record{keep, gone}})
	free := w.newEvent(box, ticket.Tagged)
	free.Mailbox = ticket.ID{}
	w.must(store.Changes{Tenant: "acme", Events: []ticket.Event{free}})
	sum := w.erase(store.Erase{Tenant: "acme", KeepRecords: []store.RecordKind{"erasure"}})
	if sum["records"].Rows != 1 || sum["events"].Rows == 0 || sum["messages"].Rows != 0 {
		w.Errorf("removed %+v", sum)
	}
	same()
}

func eraseRolledBack(w *world) {
	box, _ := w.two()
	before := w.remaining(store.Erase{Tenant: "acme", Mailbox: box.ID})
	errOnPurpose := errors.New("on purpose")
	err := w.s.Update(w.ctx, func(ctx context.Context, tx store.Tx) error {
		if _, err := tx.Erase(ctx, store.Erase{Tenant: "acme", Mailbox: box.ID, Limit: 100}); err != nil {
			return err
		}
		return errOnPurpose
	})
	w.is(err, errOnPurpose, "an erasure that is taken back")
	w.same(w.remaining(store.Erase{Tenant: "acme", Mailbox: box.ID}), before, "what is there after it")
}

func eraseRejects(w *world) {
	for _, e := range []store.Erase{
		{},
		{Tenant: "acme", Mailbox: newID()},
		{Tenant: "acme", Limit: 1, Tickets: []ticket.ID{newID()}, Messages: []ticket.ID{newID()}},
		{Tenant: "acme", Limit: 1, Keep: []ticket.ID{newID()}},
		{Tenant: "acme", Limit: 1, Mailbox: newID(), Attachments: true},
	} {
		err := w.s.Update(w.ctx, func(ctx context.Context, tx store.Tx) error {
			_, err := tx.Erase(ctx, e)
			return err
		})
		w.is(err, store.ErrRejected, "an erasure that cannot be meant")
	}
}

func blobsList(w *world) {
	box, other := newID(), newID()
	var want []store.BlobRef
	for range 5 {
		r := store.BlobRef{Tenant: "acme", Mailbox: box, ID: newID()}
		want = append(want, r)
		w.ok(w.s.Blobs().Put(w.ctx, r, strings.NewReader("x")), "put")
		for _, elsewhere := range []store.BlobRef{{Tenant: "acme", Mailbox: other, ID: newID()}, {Tenant: "beta", Mailbox: box, ID: newID()}} {
			w.ok(w.s.Blobs().Put(w.ctx, elsewhere, strings.NewReader("x")), "put")
		}
	}
	slices.SortFunc(want, func(a, b store.BlobRef) int { return slices.Compare(a.ID[:], b.ID[:]) })
	first, err := w.s.Blobs().List(w.ctx, "acme", box, ticket.ID{}, 3)
	w.ok(err, "list")
	rest, err := w.s.Blobs().List(w.ctx, "acme", box, first[2].ID, 9)
	w.ok(err, "list")
	w.same(append(first, rest...), want, "the blobs of a mailbox")
}
