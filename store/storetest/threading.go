package storetest

import (
	"context"
	"slices"
	"time"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// intakeNamed asks for tickets by id and for members by organisation.
func intakeNamed(w *world) {
	box, elsewhere := w.connect("acme", 1), w.connect("acme", 2)
	t, foreign := w.open(box), w.open(elsewhere)
	ann := ticket.Member{Address: fp(1), Domain: fp(8), Contact: newID()}
	bob := ticket.Member{Address: fp(2), Domain: fp(9), Contact: newID(), Pending: true}
	cid := ticket.Member{Address: fp(3), Contact: newID()}
	at := func(t store.Ticket, m ticket.Member) store.Member {
		return store.Member{Mailbox: t.Mailbox, Ticket: t.ID, Member: m}
	}
	w.must(store.Changes{Tenant: "acme", Members: []store.Member{at(t, ann), at(t, bob), at(t, cid)}})
	ask := func(q store.CandidateQuery) []ticket.Candidate {
		q.Tenant, q.Mailbox = "acme", box.ID
		return get(w, func(ctx context.Context, r store.Reader) ([]ticket.Candidate, error) { return r.Candidates(ctx, q) })
	}
	ids := []ticket.ID{t.ID, foreign.ID, newID(), t.ID}
	w.same(ask(store.CandidateQuery{Tickets: ids}), []ticket.Candidate{{Ticket: t.Ticket}}, "by id, of this mailbox only")
	w.same(ask(store.CandidateQuery{Tickets: ids, Domains: []ticket.Fingerprint{fp(8), {}}}),
		[]ticket.Candidate{{Ticket: t.Ticket, Members: []ticket.Member{ann}}}, "members of an organisation")

	// A later write fills an organisation in and never changes or clears it.
	learned, full := cid, bob
	learned.Domain, full.Pending, full.Domain = fp(7), false, ticket.Fingerprint{}
	other := ann
	other.Domain = fp(6)
	w.must(store.Changes{Tenant: "acme", Members: []store.Member{at(t, learned), at(t, full), at(t, other)}})
	bob.Pending = false
	got := ask(store.CandidateQuery{Tickets: ids, From: []ticket.Fingerprint{fp(1), fp(2), fp(3)}})
	slices.SortFunc(got[0].Members, func(a, b ticket.Member) int { return slices.Compare(a.Address[:], b.Address[:]) })
	w.same(got[0].Members, []ticket.Member{ann, bob, learned}, "members after a second write")
}

// intakeFlooded has strangers quote an id on more tickets than are looked at:
// the tickets that count are found all the same.
func intakeFlooded(w *world) {
	box := w.connect("acme", 1)
	c := store.Changes{Tenant: "acme"}
	put := func(age time.Duration, role ticket.HitRole) store.Ticket {
		t := w.newTicket(box)
		t.UpdatedAt = w.now.Add(-age)
		c.NewTickets = append(c.NewTickets, t)
		c.Hits = append(c.Hits, store.Hit{Mailbox: box.ID, Ticket: t.ID, Message: newID(), Hit: ticket.Hit{Fingerprint: fp(1), Role: role}})
		return t
	}
	ann, org := ticket.Member{Address: fp(5), Contact: newID()}, ticket.Member{Address: fp(6), Domain: fp(8), Contact: newID(), Pending: true}
	member := func(t store.Ticket, m ticket.Member) {
		c.Members = append(c.Members, store.Member{Mailbox: box.ID, Ticket: t.ID, Member: m})
	}
	real, hers, theirs := put(3000*time.Hour, ticket.HitMessageID), put(2000*time.Hour, ticket.HitReference), put(4000*time.Hour, ticket.HitThread)
	member(hers, ann)
	member(theirs, org)
	for range store.CandidatesMost * 2 {
		member(put(0, ticket.HitReference), ticket.Member{Address: fp(7), Contact: newID()})
	}
	w.must(c)
	found := func(q store.CandidateQuery) (out []ticket.ID) {
		q.Tenant, q.Mailbox, q.Fingerprints = "acme", box.ID, []ticket.Fingerprint{fp(1)}
		cands := get(w, func(ctx context.Context, r store.Reader) ([]ticket.Candidate, error) { return r.Candidates(ctx, q) })
		w.same(len(cands), store.CandidatesMost, "how many of a flood are looked at")
		for _, x := range cands {
			if x.Ticket.ID == real.ID || x.Ticket.ID == hers.ID || x.Ticket.ID == theirs.ID {
				out = append(out, x.Ticket.ID)
			}
		}
		return out
	}
	w.same(found(store.CandidateQuery{}), []ticket.ID{real.ID}, "the mail itself")
	both := []ticket.ID{real.ID, hers.ID}
	slices.SortFunc(both, func(a, b ticket.ID) int { return slices.Compare(a[:], b[:]) })
	w.same(found(store.CandidateQuery{From: []ticket.Fingerprint{fp(5)}}), both, "a ticket that the sender is on")
	both = []ticket.ID{real.ID, theirs.ID}
	slices.SortFunc(both, func(a, b ticket.ID) int { return slices.Compare(a[:], b[:]) })
	w.same(found(store.CandidateQuery{Domains: []ticket.Fingerprint{fp(8)}}), both, "a ticket that a colleague is on")
}

// intakeSentAs asks which messages of ours went out under ids.
func intakeSentAs(w *world) {
	box, elsewhere := w.connect("acme", 1), w.connect("acme", 2)
	t, foreign := w.open(box), w.open(elsewhere)
	c := store.Changes{Tenant: "acme"}
	put := func(t store.Ticket, seq int64, d ticket.Direction, id int, role ticket.HitRole) ticket.ID {
		m := w.newMessage(t, seq)
		m.Direction = d
		c.Messages = append(c.Messages, m)
		c.Hits = append(c.Hits, store.Hit{Mailbox: t.Mailbox, Ticket: t.ID, Message: m.ID, Hit: ticket.Hit{Fingerprint: fp(id), Role: role}})
		return m.ID
	}
	put(t, 1, ticket.In, 1, ticket.HitMessageID)
	one, two := put(t, 2, ticket.Out, 1, ticket.HitMessageID), put(t, 3, ticket.Out, 1, ticket.HitMessageID)
	put(t, 4, ticket.Out, 2, ticket.HitReference)
	put(t, 5, ticket.In, 3, ticket.HitMessageID)
	put(foreign, 1, ticket.Out, 4, ticket.HitMessageID)
	w.must(c)
	first := one
	if slices.Compare(two[:], one[:]) < 0 {
		first = two
	}
	ask := func(ids ...ticket.Fingerprint) map[ticket.Fingerprint]ticket.ID {
		return get(w, func(ctx context.Context, r store.Reader) (map[ticket.Fingerprint]ticket.ID, error) {
			return r.SentAs(ctx, "acme", box.ID, ids)
		})
	}
	w.same(ask(fp(1), fp(2), fp(3), fp(4), fp(9), fp(1)), map[ticket.Fingerprint]ticket.ID{fp(1): first}, "the first of ours, of this mailbox")
	w.same(ask(), map[ticket.Fingerprint]ticket.ID{}, "nothing asked for")
}

// intakeAutoReplies counts automatic replies in a window.
func intakeAutoReplies(w *world) {
	box, elsewhere := w.connect("acme", 1), w.connect("acme", 2)
	t, other, foreign := w.open(box), w.open(box), w.open(elsewhere)
	ann, bob := newID(), newID()
	reply := func(t store.Ticket, seq int64, to ticket.ID, age time.Duration) store.Message {
		m := w.newMessage(t, seq)
		m.Direction, m.Kind, m.Contact, m.CreatedAt = ticket.Out, ticket.KindAutoReply, to, w.now.Add(-age)
		return m
	}
	received, written := reply(t, 4, ann, 0), reply(t, 5, ann, 0)
	received.Direction, written.Kind = ticket.In, ticket.KindPerson
	w.must(store.Changes{Tenant: "acme", Messages: []store.Message{
		reply(t, 1, ann, time.Hour), reply(t, 2, ann, time.Minute), reply(t, 3, bob, 2*time.Hour), received, written,
		reply(other, 1, ann, time.Minute), reply(other, 2, bob, time.Minute), reply(foreign, 1, ann, 0),
	}})
	for _, c := range []struct {
		name string
		q    store.AutoReplyQuery
		want ticket.AutoReplies
	}{
		{"an hour, its first instant included", store.AutoReplyQuery{Ticket: t.ID, Contacts: []ticket.ID{ann, bob}, Since: w.now.Add(-time.Hour)}, ticket.AutoReplies{Ticket: 2, Address: 3, Mailbox: 4}},
		{"three hours", store.AutoReplyQuery{Ticket: t.ID, Contacts: []ticket.ID{bob}, Since: w.now.Add(-3 * time.Hour)}, ticket.AutoReplies{Ticket: 3, Address: 2, Mailbox: 5}},
		{"nobody asked about", store.AutoReplyQuery{Ticket: newID(), Since: w.now.Add(-3 * time.Hour)}, ticket.AutoReplies{Mailbox: 5}},
		{"nothing yet", store.AutoReplyQuery{Ticket: t.ID, Contacts: []ticket.ID{ann}, Since: w.now.Add(time.Second)}, ticket.AutoReplies{}},
	} {
		c.q.Tenant, c.q.Mailbox = "acme", box.ID
		got := get(w, func(ctx context.Context, r store.Reader) (ticket.AutoReplies, error) { return r.AutoReplies(ctx, c.q) })
		w.same(got, c.want, c.name)
	}
}
