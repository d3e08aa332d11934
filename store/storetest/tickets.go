package storetest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

var ticketCases = []testCase{
	{"Ticket/RoundTrip", ticketRoundTrip},
	{"Ticket/Versions", ticketVersions},
	{"Ticket/SameInstantOrder", ticketOrder},
	{"Ticket/Filters", ticketFilters},
	{"Message/RoundTrip", messageRoundTrip},
	{"Message/Sequence", messageSequence},
	{"Message/Pages", messagePages},
	{"Message/Raw", messageRaw},
}

func ticketRoundTrip(w *world) {
	box := w.connect("acme", 1)
	t := w.newTicket(box)
	t.Assignee, t.Related, t.Answers, t.ClosedAt, t.Status = "kari", newID(), newID(), w.now, ticket.Closed
	w.must(store.Changes{Tenant: "acme", NewTickets: []store.Ticket{t}})
	w.same(w.ticket("acme", t.ID), t, "ticket")
	w.refuse(store.Changes{Tenant: "acme", NewTickets: []store.Ticket{t}}, store.ErrStale, "the same ticket again")
	_, err := read(w, func(ctx context.Context, r store.Reader) (store.Ticket, error) { return r.Ticket(ctx, "acme", newID()) })
	w.is(err, store.ErrNotFound, "a ticket that is not there")
	bare := w.newTicket(box)
	bare.Tags, bare.Subject, bare.Contact = nil, nil, ticket.ID{}
	w.must(store.Changes{Tenant: "acme", NewTickets: []store.Ticket{bare}})
	w.same(w.ticket("acme", bare.ID), bare, "a ticket with nothing that may be absent")
}

func ticketVersions(w *world) {
	box := w.connect("acme", 1)
	t := w.open(box)
	next := t.Ticket
	next.Version, next.Status, next.Assignee, next.Tags = 4, ticket.Closed, "kari", []string{"done"}
	next.ClosedAt, next.UpdatedAt, next.Seq, next.Answers = w.now, w.now.Add(time.Second), 3, newID()
	w.must(store.Changes{Tenant: "acme", Tickets: []store.TicketUpdate{{Ticket: next, Was: 1}}})
	want := t
	want.Ticket = next
	w.same(w.ticket("acme", t.ID), want, "all domain fields are replaced, key and subject stay")

	late := t.Ticket
	late.Version = 2
	w.refuse(store.Changes{Tenant: "acme", Tickets: []store.TicketUpdate{{Ticket: late, Was: 1}}}, store.ErrStale, "a write decided on an old version")
	late.ID = newID()
	w.refuse(store.Changes{Tenant: "acme", Tickets: []store.TicketUpdate{{Ticket: late, Was: 1}}}, store.ErrStale, "a ticket that is not there")
	w.same(w.ticket("acme", t.ID), want, "after stale writes")

	open := next
	open.Version, open.Status, open.Assignee, open.ClosedAt, open.Tags = 5, ticket.Open, "", time.Time{}, nil
	open.Answers = ticket.ID{}
	w.must(store.Changes{Tenant: "acme", Tickets: []store.TicketUpdate{{Ticket: open, Was: 4}}})
	want.Ticket = open
	w.same(w.ticket("acme", t.ID), want, "fields can become absent again")
}

func (w *world) list(q store.TicketQuery) []ticket.ID {
	w.Helper()
	var ids []ticket.ID
	for _, t := range get(w, func(ctx context.Context, r store.Reader) ([]store.Ticket, error) { return r.Tickets(ctx, q) }) {
		ids = append(ids, t.ID)
	}
	return ids
}

// ticketOrder has more tickets of one instant than fit a page, as a page of
// arriving mail makes them.
func ticketOrder(w *world) {
	box := w.connect("acme", 1)
	var all []store.Ticket
	for i := range 12 {
		t := w.newTicket(box)
		switch {
		case i < 3:
			t.UpdatedAt = w.now.Add(-time.Microsecond)
		case i < 10:
			t.UpdatedAt = w.now
		default:
			t.UpdatedAt = w.now.Add(time.Hour)
		}
		all = append(all, t)
	}
	slices.Reverse(all) // not in the order of the answer
	all[2], all[6] = all[6], all[2]
	w.must(store.Changes{Tenant: "acme", NewTickets: all})
	slices.SortFunc(all, func(a, b store.Ticket) int {
		if n := b.UpdatedAt.Compare(a.UpdatedAt); n != 0 {
			return n
		}
		return slices.Compare(b.ID[:], a.ID[:])
	})
	for _, limit := range []int{1, 4, 5, 100} {
		var got []store.Ticket
		q := store.TicketQuery{Tenant: "acme", Limit: limit}
		for {
			page := get(w, func(ctx context.Context, r store.Reader) ([]store.Ticket, error) { return r.Tickets(ctx, q) })
			if len(page) == 0 {
				break
			}
			if len(page) > limit || len(got) > len(all) {
				w.Fatalf("limit %d: a page of %d after %d tickets", limit, len(page), len(got))
			}
			got = append(got, page...)
			q.BeforeTime, q.BeforeID = got[len(got)-1].UpdatedAt, got[len(got)-1].ID
		}
		w.same(got, all, "tickets by last update, then by id, both descending")
	}
}

func ticketFilters(w *world) {
	a, b := w.connect("acme", 1), w.connect("acme", 2)
	make := func(box store.Mailbox, s ticket.Status, who ticket.AgentID, age time.Duration, tags ...string) store.Ticket {
		t := w.newTicket(box)
		t.Status, t.Assignee, t.Tags, t.UpdatedAt = s, who, tags, w.now.Add(-age)
		w.must(store.Changes{Tenant: "acme", NewTickets: []store.Ticket{t}})
		return t
	}
	t1 := make(a, ticket.Open, "kari", 1*time.Second, "red")
	t2 := make(a, ticket.Closed, "", 2*time.Second, "blue", "red")
	t3 := make(b, ticket.Pending, "ola", 3*time.Second)
	t4 := make(b, ticket.Open, "", 4*time.Second, "red")
	w.connect("beta", 1)
	for _, c := range []struct {
		name string
		q    store.TicketQuery
		want []store.Ticket
	}{
		{"all", store.TicketQuery{}, []store.Ticket{t1, t2, t3, t4}},
		{"mailbox", store.TicketQuery{Mailbox: b.ID}, []store.Ticket{t3, t4}},
		{"statuses", store.TicketQuery{Statuses: []ticket.Status{ticket.Open, ticket.Pending}}, []store.Ticket{t1, t3, t4}},
		{"assignee", store.TicketQuery{Assignee: "ola"}, []store.Ticket{t3}},
		{"unassigned", store.TicketQuery{Unassigned: true}, []store.Ticket{t2, t4}},
		{"tag", store.TicketQuery{Tag: "red"}, []store.Ticket{t1, t2, t4}},
		{"part of a tag", store.TicketQuery{Tag: "re"}, nil},
		{"contact", store.TicketQuery{Contact: t2.Contact}, []store.Ticket{t2}},
		{"together", store.TicketQuery{Mailbox: a.ID, Tag: "red", Statuses: []ticket.Status{ticket.Closed}, Unassigned: true}, []store.Ticket{t2}},
		{"nothing", store.TicketQuery{Mailbox: newID()}, nil},
		{"continued", store.TicketQuery{Tag: "red", BeforeTime: t1.UpdatedAt, BeforeID: t1.ID}, []store.Ticket{t2, t4}},
		{"limited", store.TicketQuery{Tag: "red", Limit: 2}, []store.Ticket{t1, t2}},
	} {
		c.q.Tenant = "acme"
		if c.q.Limit == 0 {
			c.q.Limit = 10
		}
		var want []ticket.ID
		for _, t := range c.want {
			want = append(want, t.ID)
		}
		w.same(w.list(c.q), want, "filter "+c.name)
	}
}

func messageRoundTrip(w *world) {
	box := w.connect("acme", 1)
	t := w.open(box)
	m := w.newMessage(t, 1)
	m.Blob = newID()
	note := w.newMessage(t, 2)
	note.Direction, note.Kind, note.By, note.Contact = ticket.Note, "", ticket.ByAgent("kari"), ticket.ID{}
	note.Provenance = ticket.Provenance{Source: ticket.SourceHost, ProviderID: ticket.LocalProviderID(note.ID), ReceivedAt: w.now}
	note.Match, note.Attachments, note.RawSize = ticket.Trace{}, 0, 0
	note.Subject, note.Addresses, note.HTML, note.Files, note.Raw = nil, nil, nil, nil, nil
	w.must(store.Changes{Tenant: "acme", Messages: []store.Message{m, note}})
	w.same(w.message("acme", m.ID), m, "mail")
	got := w.message("acme", note.ID)
	w.same(got, note, "note")
	if got.Subject != nil || got.Addresses != nil || got.HTML != nil || got.Files != nil || got.Raw != nil {
		w.Error("absent content came back as content of no bytes")
	}
	w.refuse(store.Changes{Tenant: "acme", Messages: []store.Message{m}}, store.ErrStale, "the same message again")
	_, err := read(w, func(ctx context.Context, r store.Reader) (store.Message, error) {
		return r.Message(ctx, "acme", newID())
	})
	w.is(err, store.ErrNotFound, "a message that is not there")
	if w.apply(store.Changes{Tenant: "acme", Messages: []store.Message{w.newMessage(w.newTicket(box), 1)}}) == nil {
		w.Error("a message of a ticket that is not there was stored")
	}
}

func messageSequence(w *world) {
	box := w.connect("acme", 1)
	t, other := w.open(box), w.open(box)
	w.must(store.Changes{Tenant: "acme", Messages: []store.Message{w.newMessage(t, 1), w.newMessage(other, 1)}})
	w.refuse(store.Changes{Tenant: "acme", Messages: []store.Message{w.newMessage(t, 2), w.newMessage(t, 1)}}, store.ErrStale, "a sequence that is taken")
	w.must(store.Changes{Tenant: "acme", Messages: []store.Message{w.newMessage(t, 2)}})
	w.refuse(store.Changes{Tenant: "acme", Messages: []store.Message{w.newMessage(t, 3), w.newMessage(t, 3)}}, store.ErrStale, "a sequence taken by the same changes")
}

func messagePages(w *world) {
	box := w.connect("acme", 1)
	t, other := w.open(box), w.open(box)
	seqs := func(t ticket.ID, after int64, limit int) (out []int64) {
		for _, m := range get(w, func(ctx context.Context, r store.Reader) ([]store.Message, error) {
			return r.Messages(ctx, store.MessageQuery{Tenant: "acme", Ticket: t, After: after, Limit: limit, Raw: true})
		}) {
			out = append(out, m.Seq)
		}
		return out
	}
	var c store.Changes
	for _, seq := range []int64{5, 1, 2, 9, 3} {
		c.Messages = append(c.Messages, w.newMessage(t, seq))
	}
	c.Tenant, c.Messages = "acme", append(c.Messages, w.newMessage(other, 1))
	w.must(c)
	w.same(seqs(t.ID, 0, 100), []int64{1, 2, 3, 5, 9}, "all by sequence")
	w.same(seqs(t.ID, 0, 2), []int64{1, 2}, "first page")
	w.same(seqs(t.ID, 2, 2), []int64{3, 5}, "second page")
	w.same(seqs(t.ID, 4, 9), []int64{5, 9}, "after a sequence that is not there")
	w.same(seqs(newID(), 0, 9), []int64(nil), "an unknown ticket has none")
}

// messageRaw reads a thread with and without what most of its size is.
func messageRaw(w *world) {
	t := w.open(w.connect("acme", 1))
	m := w.newMessage(t, 1)
	m.Raw, m.RawSize = seal(500), 480
	w.must(store.Changes{Tenant: "acme", Messages: []store.Message{m}})
	for _, raw := range []bool{false, true} {
		got := get(w, func(ctx context.Context, r store.Reader) ([]store.Message, error) {
			return r.Messages(ctx, store.MessageQuery{Tenant: "acme", Ticket: t.ID, Limit: 9, Raw: raw})
		})
		want := m
		if !raw {
			want.Raw = nil
		}
		w.same(got, []store.Message{want}, fmt.Sprintf("messages, asked for raw mail: %v", raw))
	}
	w.same(w.message("acme", m.ID), m, "one message is whole")
}
