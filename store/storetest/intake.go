package storetest

import (
	"context"
	"slices"
	"time"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

var intakeCases = []testCase{
	{"Intake/Known", intakeKnown},
	{"Intake/KnownWithoutContent", intakeNoContent},
	{"Intake/SeenOnce", intakeSeenOnce},
	{"Intake/Candidates", intakeCandidates},
	{"Intake/CandidatesBounded", intakeBounded},
	{"Intake/CandidatesMembers", intakeSenders},
	{"Intake/Members", intakeMembers},
	{"Intake/Contacts", intakeContacts},
	{"Intake/CandidatesNamed", intakeNamed},
	{"Intake/CandidatesFlooded", intakeFlooded},
	{"Intake/SentAs", intakeSentAs},
	{"Intake/AutoReplies", intakeAutoReplies},
	{"Intake/TicketKeys", intakeTicketKeys},
	{"Intake/Premises", intakePremises},
}

func intakeKnown(w *world) {
	a, b := w.connect("acme", 1), w.connect("acme", 2)
	none := ticket.Fingerprint{}
	seen := func(box store.Mailbox, pid string, mid, content ticket.Fingerprint, at time.Time) store.Seen {
		return store.Seen{Mailbox: box.ID, ProviderID: pid, MessageID: mid, Content: content, ReceivedAt: at, Object: newID()}
	}
	withID := seen(a, "1", fp(1), fp(101), w.now)
	twice := seen(a, "1b", fp(1), fp(101), w.now.Add(time.Hour))
	twice.Object = withID.Object // the same mail under a second provider id
	without := seen(a, "2", none, fp(102), w.now)
	w.must(store.Changes{Tenant: "acme", Seen: []store.Seen{withID, twice, without, seen(b, "9", fp(9), fp(109), w.now)}})

	for _, c := range []struct {
		name  string
		probe store.Seen
		want  ticket.ID
	}{
		{"provider id", seen(a, "1", fp(50), fp(150), w.now), withID.Object},
		{"second provider id", seen(a, "1b", fp(50), fp(150), w.now), withID.Object},
		{"message id and content", seen(a, "77", fp(1), fp(101), w.now.Add(time.Hour)), withID.Object},
		{"message id, other content", seen(a, "77", fp(1), fp(199), w.now), ticket.ID{}},
		{"content, other message id", seen(a, "77", fp(2), fp(101), w.now), ticket.ID{}},
		{"no message id, content and time", seen(a, "77", none, fp(102), w.now), without.Object},
		{"no message id, other time", seen(a, "77", none, fp(102), w.now.Add(time.Microsecond)), ticket.ID{}},
		{"no message id, other content", seen(a, "77", none, fp(199), w.now), ticket.ID{}},
		{"time in another zone", seen(a, "77", none, fp(102), w.now.In(time.FixedZone("x", 3600))), without.Object},
		{"another mailbox's provider id", seen(a, "9", fp(50), fp(150), w.now), ticket.ID{}},
		{"another mailbox's mail", seen(a, "77", fp(9), fp(109), w.now), ticket.ID{}},
	} {
		if got := w.known(a, c.probe)[0].Object; got != c.want {
			w.Errorf("%s: known as %v, want %v", c.name, got, c.want)
		}
	}
	got := w.known(a, seen(a, "77", fp(3), fp(3), w.now), without, withID, without)
	w.same(got, []store.Seen{{}, without, withID, without}, "answers stand where their probes stood")
	w.known(a)
}

// intakeNoContent has two mails that never arrived whole, within the same
// second: nothing says that they are one, and taking them for one loses mail.
func intakeNoContent(w *world) {
	box := w.connect("acme", 1)
	first := store.Seen{Mailbox: box.ID, ProviderID: "1", ReceivedAt: w.now, Object: newID()}
	second := store.Seen{Mailbox: box.ID, ProviderID: "2", MessageID: fp(1), ReceivedAt: w.now, Object: newID()}
	w.must(store.Changes{Tenant: "acme", Seen: []store.Seen{first, second}})
	third, fourth := first, second
	third.ProviderID, fourth.ProviderID = "3", "4"
	w.same(w.known(box, third, fourth), []store.Seen{{}, {}}, "mail without content is only like itself")
}

func intakeSeenOnce(w *world) {
	a, b := w.connect("acme", 1), w.connect("acme", 2)
	s := store.Seen{Mailbox: a.ID, ProviderID: "1", MessageID: fp(1), Content: fp(2), ReceivedAt: w.now, Object: newID()}
	w.must(store.Changes{Tenant: "acme", Seen: []store.Seen{s}})
	again := s
	again.Object, again.Content = newID(), fp(3)
	w.refuse(store.Changes{Tenant: "acme", Seen: []store.Seen{again}}, store.ErrStale, "a provider id that is there")
	w.same(w.known(a, s), []store.Seen{s}, "after a refused one")
	again.ProviderID = "2"
	w.refuse(store.Changes{Tenant: "acme", Seen: []store.Seen{again, again}}, store.ErrStale, "a provider id twice in one page")
	s.Mailbox = b.ID
	w.must(store.Changes{Tenant: "acme", Seen: []store.Seen{s}})
}

func (w *world) candidates(box store.Mailbox, fps []ticket.Fingerprint, messages ...ticket.ID) []ticket.Candidate {
	w.Helper()
	got := get(w, func(ctx context.Context, r store.Reader) ([]ticket.Candidate, error) {
		return r.Candidates(ctx, store.CandidateQuery{
			Tenant: box.Tenant, Mailbox: box.ID, Fingerprints: fps, Messages: messages, From: []ticket.Fingerprint{fp(70)},
		})
	})
	for _, c := range got {
		slices.SortFunc(c.Hits, func(a, b ticket.Hit) int {
			if n := slices.Compare(a.Fingerprint[:], b.Fingerprint[:]); n != 0 {
				return n
			}
			return int(a.Role) - int(b.Role)
		})
		slices.SortFunc(c.Members, func(a, b ticket.Member) int { return slices.Compare(a.Address[:], b.Address[:]) })
		slices.SortFunc(c.Messages, func(a, b ticket.ID) int { return slices.Compare(a[:], b[:]) })
	}
	slices.SortFunc(got, func(a, b ticket.Candidate) int { return slices.Compare(a.Ticket.ID[:], b.Ticket.ID[:]) })
	return got
}

func intakeCandidates(w *world) {
	a, b := w.connect("acme", 1), w.connect("acme", 2)
	t1, t2, t3 := w.open(a), w.open(a), w.open(b)
	if slices.Compare(t1.ID[:], t2.ID[:]) > 0 {
		t1, t2 = t2, t1
	}
	m1, m1b, m2, m3 := w.newMessage(t1, 1), w.newMessage(t1, 2), w.newMessage(t2, 1), w.newMessage(t3, 1)
	hit := func(m store.Message, n int, role ticket.HitRole) store.Hit {
		return store.Hit{Mailbox: m.Mailbox, Ticket: m.Ticket, Message: m.ID, Hit: ticket.Hit{Fingerprint: fp(n), Role: role}}
	}
	who := ticket.Member{Address: fp(70), Contact: newID()}
	hits := []store.Hit{
		hit(m1, 1, ticket.HitMessageID), hit(m1b, 1, ticket.HitReference), hit(m1, 5, ticket.HitThread), hit(m1b, 5, ticket.HitThread),
		hit(m2, 1, ticket.HitReference), hit(m2, 2, ticket.HitMessageID),
		hit(m3, 1, ticket.HitMessageID),
	}
	w.must(store.Changes{
		Tenant: "acme", Messages: []store.Message{m1, m1b, m2, m3}, Hits: hits,
		Members: []store.Member{{Mailbox: a.ID, Ticket: t1.ID, Member: who}},
	})
	w.must(store.Changes{Tenant: "acme", Hits: hits}) // those that are there stay
	h := func(n int, role ticket.HitRole) ticket.Hit { return ticket.Hit{Fingerprint: fp(n), Role: role} }
	prints := func(ns ...int) (out []ticket.Fingerprint) {
		for _, n := range ns {
			out = append(out, fp(n))
		}
		return out
	}

	w.same(w.candidates(a, prints(1, 1, 99)), []ticket.Candidate{
		{Ticket: t1.Ticket, Members: []ticket.Member{who}, Hits: []ticket.Hit{h(1, ticket.HitMessageID), h(1, ticket.HitReference)}},
		{Ticket: t2.Ticket, Hits: []ticket.Hit{h(1, ticket.HitReference)}},
	}, "one fingerprint in all its roles, in this mailbox only")
	w.same(w.candidates(a, prints(5)), []ticket.Candidate{
		{Ticket: t1.Ticket, Members: []ticket.Member{who}, Hits: []ticket.Hit{h(5, ticket.HitThread)}},
	}, "a hit of two messages is one hit of the ticket")
	w.same(w.candidates(a, nil, m2.ID, m3.ID, newID()), []ticket.Candidate{
		{Ticket: t2.Ticket, Messages: []ticket.ID{m2.ID}},
	}, "by message, of this mailbox only")
	w.same(w.candidates(a, prints(2, 5), m1b.ID), []ticket.Candidate{
		{Ticket: t1.Ticket, Members: []ticket.Member{who}, Hits: []ticket.Hit{h(5, ticket.HitThread)}, Messages: []ticket.ID{m1b.ID}},
		{Ticket: t2.Ticket, Hits: []ticket.Hit{h(2, ticket.HitMessageID)}},
	}, "hits and messages together")
	w.same(w.candidates(a, nil), []ticket.Candidate(nil), "nothing asked")
}

// intakeBounded has more tickets under one fingerprint than become candidates,
// and ten of one instant for the last five places.
func intakeBounded(w *world) {
	box, other := w.connect("acme", 1), w.connect("acme", 2)
	c := store.Changes{Tenant: "acme"}
	put := func(box store.Mailbox, n int, updated time.Time) store.Ticket {
		t := w.newTicket(box)
		t.UpdatedAt = updated
		c.NewTickets = append(c.NewTickets, t)
		for _, role := range []ticket.HitRole{ticket.HitReference, ticket.HitMessageID} {
			c.Hits = append(c.Hits, store.Hit{Mailbox: box.ID, Ticket: t.ID, Message: newID(), Hit: ticket.Hit{Fingerprint: fp(n), Role: role}})
		}
		return t
	}
	var all []store.Ticket
	for i := range store.CandidatesMost + 5 {
		age := time.Duration(min(i, store.CandidatesMost-5)) * time.Hour
		all = append(all, put(box, 1, w.now.Add(-age)))
	}
	old := put(box, 2, w.now.Add(-2000*time.Hour))
	put(other, 1, w.now.Add(time.Hour))
	m := w.newMessage(old, 1)
	c.Messages = []store.Message{m}
	w.must(c)

	slices.SortFunc(all, func(a, b store.Ticket) int {
		if n := b.UpdatedAt.Compare(a.UpdatedAt); n != 0 {
			return n
		}
		return slices.Compare(b.ID[:], a.ID[:])
	})
	byID := func(a, b ticket.ID) int { return slices.Compare(a[:], b[:]) }
	want := func(more ...store.Ticket) (out []ticket.ID) {
		for _, t := range append(slices.Clone(all[:store.CandidatesMost]), more...) {
			out = append(out, t.ID)
		}
		slices.SortFunc(out, byID)
		return out
	}
	found := func(n int, messages ...ticket.ID) (out []ticket.ID) {
		fps := []ticket.Fingerprint{fp(1), fp(2)}
		for _, x := range w.candidates(box, fps[:n], messages...) {
			out = append(out, x.Ticket.ID)
			if len(messages) == 0 && len(x.Hits) != 2 {
				w.Errorf("a candidate with %d hits, want its two roles", len(x.Hits))
			}
		}
		return out
	}
	w.same(found(1), want(), "the most recently updated tickets of a fingerprint, ids breaking ties")
	w.same(found(2), want(old), "the bound is of each fingerprint")
	w.same(found(1, m.ID), want(old), "a message needs no place")

	cut := all[len(all)-1]
	cut.Version, cut.UpdatedAt = 2, w.now.Add(time.Hour)
	w.must(store.Changes{Tenant: "acme", Tickets: []store.TicketUpdate{{Ticket: cut.Ticket, Was: 1}}})
	all = append([]store.Ticket{cut}, all...)
	w.same(found(1), want(), "a ticket that was cut comes back when it is written to")
}

// intakeSenders asks for the membership of some senders only.
func intakeSenders(w *world) {
	box := w.connect("acme", 1)
	t, other := w.open(box), w.open(box)
	m := w.newMessage(t, 1)
	c := store.Changes{Tenant: "acme", Messages: []store.Message{m}}
	var all []ticket.Member
	for i := range 5 {
		all = append(all, ticket.Member{Address: fp(i), Contact: newID(), Pending: i == 2})
		c.Members = append(c.Members, store.Member{Mailbox: box.ID, Ticket: t.ID, Member: all[i]})
	}
	c.Members = append(c.Members, store.Member{Mailbox: box.ID, Ticket: other.ID, Member: all[3]})
	c.Hits = []store.Hit{{Mailbox: box.ID, Ticket: t.ID, Message: m.ID, Hit: ticket.Hit{Fingerprint: fp(90), Role: ticket.HitReference}}}
	w.must(c)
	for _, ask := range []struct {
		from []ticket.Fingerprint
		want []ticket.Member
	}{
		{nil, nil},
		{[]ticket.Fingerprint{fp(77)}, nil},
		{[]ticket.Fingerprint{fp(1), fp(2), fp(1), fp(77)}, all[1:3]},
	} {
		for what, q := range map[string]store.CandidateQuery{
			"by hit":     {Fingerprints: []ticket.Fingerprint{fp(90)}},
			"by message": {Messages: []ticket.ID{m.ID}},
		} {
			q.Tenant, q.Mailbox, q.From = "acme", box.ID, ask.from
			got := get(w, func(ctx context.Context, r store.Reader) ([]ticket.Candidate, error) { return r.Candidates(ctx, q) })
			if len(got) != 1 || got[0].Ticket.ID != t.ID {
				w.Fatalf("%s: %d candidates, want the one ticket", what, len(got))
			}
			slices.SortFunc(got[0].Members, func(a, b ticket.Member) int { return slices.Compare(a.Address[:], b.Address[:]) })
			w.same(got[0].Members, ask.want, "members with the addresses asked for, "+what)
		}
	}
}

func (w *world) members(t store.Ticket) []ticket.Member {
	w.Helper()
	got := get(w, func(ctx context.Context, r store.Reader) ([]ticket.Member, error) {
		return r.Members(ctx, t.Tenant, t.ID)
	})
	slices.SortFunc(got, func(a, b ticket.Member) int { return slices.Compare(a.Address[:], b.Address[:]) })
	return got
}

func intakeMembers(w *world) {
	box := w.connect("acme", 1)
	t, other := w.open(box), w.open(box)
	put := func(t store.Ticket, ms ...ticket.Member) {
		c := store.Changes{Tenant: "acme"}
		for _, m := range ms {
			c.Members = append(c.Members, store.Member{Mailbox: box.ID, Ticket: t.ID, Member: m})
		}
		w.must(c)
	}
	full := ticket.Member{Address: fp(1), Contact: newID()}
	pending := ticket.Member{Address: fp(2), Contact: newID(), Pending: true}
	put(t, full, pending)
	put(other, pending)
	w.same(w.members(t), []ticket.Member{full, pending}, "members")
	demoted, upgraded := full, pending
	demoted.Pending, upgraded.Pending = true, false
	put(t, demoted, upgraded)
	w.same(w.members(t), []ticket.Member{full, upgraded}, "a pending one becomes full, a full one never pending")
	put(t, upgraded, pending)
	w.same(w.members(t), []ticket.Member{full, upgraded}, "both standings in one page")
	w.same(w.members(other), []ticket.Member{pending}, "another ticket's")
}

func intakeContacts(w *world) {
	a, b := w.connect("acme", 1), w.connect("acme", 2)
	ann, bob := newID(), newID()
	put := func(box store.Mailbox, n int, id ticket.ID) error {
		return w.apply(store.Changes{Tenant: "acme", Contacts: []store.Contact{{Mailbox: box.ID, Address: fp(n), ID: id}}})
	}
	w.ok(put(a, 1, ann), "a contact")
	w.ok(put(a, 2, ann), "a second address of a contact")
	w.ok(put(a, 1, ann), "the same again")
	w.ok(put(b, 1, bob), "the address in another mailbox")
	w.is(put(a, 1, bob), store.ErrStale, "an address of another contact")
	got := get(w, func(ctx context.Context, r store.Reader) (map[ticket.Fingerprint]ticket.ID, error) {
		return r.Contacts(ctx, "acme", a.ID, []ticket.Fingerprint{fp(1), fp(2), fp(3), fp(1)})
	})
	w.same(got, map[ticket.Fingerprint]ticket.ID{fp(1): ann, fp(2): ann}, "contacts; unknown ones are absent")
}

func intakeTicketKeys(w *world) {
	box := w.connect("acme", 1)
	t1, t2 := w.open(box), w.open(box)
	got := get(w, func(ctx context.Context, r store.Reader) (map[ticket.ID]ticket.ID, error) {
		return r.TicketKeys(ctx, "acme", []ticket.ID{t1.ID, newID(), t2.ID, t1.ID})
	})
	w.same(got, map[ticket.ID]ticket.ID{t1.ID: t1.Key, t2.ID: t2.Key}, "keys of the tickets that are there")
}
