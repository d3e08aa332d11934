package storetest

import (
	"context"
	"slices"
	"time"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// boundCases keep one stranger, one mailbox or one crash from costing all.
var boundCases = []testCase{
	{"Bound/Candidates", boundCandidates},
	{"Bound/Members", boundMembers},
	{"Bound/RawOnlyWhenAsked", boundRaw},
	{"Bound/DeliveriesOfMessages", boundDeliveries},
	{"Bound/PerMailbox", boundPerMailbox},
	{"Bound/CrashIsAnAttempt", boundAttempts},
	{"Bound/Answers", boundAnswers},
}

// boundCandidates has more tickets on one fingerprint than may be candidates:
// the most recently updated ones are, ids breaking ties.
func boundCandidates(w *world) {
	box := w.connect("acme", 1)
	var all []store.Ticket
	c := store.Changes{Tenant: "acme"}
	for i := range store.CandidatesMost + 5 {
		t := w.newTicket(box)
		t.UpdatedAt = w.now.Add(time.Duration(i/4) * time.Minute) // four of each instant
		all = append(all, t)
		c.NewTickets = append(c.NewTickets, t)
		m := w.newMessage(t, 1)
		c.Messages = append(c.Messages, m)
		c.Hits = append(c.Hits, store.Hit{Mailbox: box.ID, Ticket: t.ID, Message: m.ID, Hit: ticket.Hit{Fingerprint: fp(1), Role: ticket.HitReference}})
	}
	w.must(c)
	slices.SortFunc(all, func(a, b store.Ticket) int {
		if n := b.UpdatedAt.Compare(a.UpdatedAt); n != 0 {
			return n
		}
		return slices.Compare(b.ID[:], a.ID[:])
	})
	want := map[ticket.ID]bool{}
	for _, t := range all[:store.CandidatesMost] {
		want[t.ID] = true
	}
	got := w.candidates(box, []ticket.Fingerprint{fp(1)})
	if len(got) != len(want) {
		w.Errorf("%d candidates, want %d", len(got), len(want))
	}
	for _, g := range got {
		if !want[g.Ticket.ID] {
			w.Errorf("ticket updated at %v is a candidate, newer ones are not", g.Ticket.UpdatedAt)
		}
	}
}

// boundMembers returns the members that were asked for and no others.
func boundMembers(w *world) {
	box := w.connect("acme", 1)
	t := w.open(box)
	m := w.newMessage(t, 1)
	c := store.Changes{Tenant: "acme", Messages: []store.Message{m}, Hits: []store.Hit{
		{Mailbox: box.ID, Ticket: t.ID, Message: m.ID, Hit: ticket.Hit{Fingerprint: fp(1), Role: ticket.HitMessageID}},
	}}
	for i := range 10 {
		c.Members = append(c.Members, store.Member{Mailbox: box.ID, Ticket: t.ID, Member: ticket.Member{Address: fp(100 + i), Contact: newID()}})
	}
	w.must(c)
	got := get(w, func(ctx context.Context, r store.Reader) ([]ticket.Candidate, error) {
		return r.Candidates(ctx, store.CandidateQuery{
			Tenant: "acme", Mailbox: box.ID, Fingerprints: []ticket.Fingerprint{fp(1)}, From: []ticket.Fingerprint{fp(103), fp(999)},
		})
	})
	if len(got) != 1 || len(got[0].Members) != 1 || got[0].Members[0].Address != fp(103) {
		w.Errorf("candidates %+v, want one with the one member asked for", got)
	}
}

func boundRaw(w *world) {
	box := w.connect("acme", 1)
	t := w.open(box)
	m := w.newMessage(t, 1)
	m.Raw, m.RawSize = seal(90), 90
	w.must(store.Changes{Tenant: "acme", Messages: []store.Message{m}})
	for _, raw := range []bool{false, true} {
		got := get(w, func(ctx context.Context, r store.Reader) ([]store.Message, error) {
			return r.Messages(ctx, store.MessageQuery{Tenant: "acme", Ticket: t.ID, Limit: 10, Raw: raw})
		})
		want := m
		if !raw {
			want.Raw = nil
		}
		w.same(got, []store.Message{want}, "messages")
	}
}

func boundDeliveries(w *world) {
	box := w.connect("acme", 1)
	t := w.open(box)
	c := store.Changes{Tenant: "acme"}
	for i := range 5 {
		m := w.newMessage(t, int64(i+1))
		c.Messages = append(c.Messages, m)
		c.NewDeliveries = append(c.NewDeliveries, newDelivery(m, w.now))
	}
	w.must(c)
	got := get(w, func(ctx context.Context, r store.Reader) ([]ticket.Delivery, error) {
		return r.Deliveries(ctx, store.DeliveryQuery{Tenant: "acme", Messages: []ticket.ID{c.Messages[3].ID, newID()}, Limit: 10})
	})
	w.same(got, []ticket.Delivery{c.NewDeliveries[3]}, "deliveries of one message")
}

// boundPerMailbox lets a mailbox behind a long backlog get its share.
func boundPerMailbox(w *world) {
	busy, quiet := w.connect("acme", 1), w.connect("acme", 2)
	var backlog []store.Task
	for range 50 {
		backlog = append(backlog, newTask(busy, "send", newID(), 0))
	}
	w.enqueue(busy, backlog...)
	time.Sleep(2 * time.Millisecond)
	w.enqueue(quiet, newTask(quiet, "send", newID(), 0))
	q := store.Claim{Kinds: []store.TaskKind{"send"}, PerMailbox: 2, Limit: 8, For: time.Minute}
	held := w.claim(q)
	if len(held) != 3 {
		w.Errorf("claimed %d tasks, want two of the busy mailbox and one of the quiet one", len(held))
	}
	w.claimNone(q, "both mailboxes have their share")
	for _, l := range held {
		if l.Task.Mailbox == busy.ID {
			w.ok(w.finish(l, store.Finish{}), "finish")
			break
		}
	}
	if again := w.claim(q); len(again) != 1 || again[0].Task.Mailbox != busy.ID {
		w.Errorf("claimed %+v, want one more of the busy mailbox", again)
	}
}

func boundAttempts(w *world) {
	box := w.connect("acme", 1)
	w.enqueue(box, newTask(box, "sync", ticket.ID{}, 0))
	q := store.Claim{Limit: 1, For: 50 * time.Millisecond}
	if l := w.claimOne(q); l.Task.Attempts != 0 {
		w.Errorf("a new task has %d attempts", l.Task.Attempts)
	}
	time.Sleep(100 * time.Millisecond) // its holder died
	q.For = time.Minute
	l := w.claimOne(q)
	if l.Task.Attempts != 1 {
		w.Errorf("%d attempts after a lease ran out, want 1", l.Task.Attempts)
	}
	w.ok(w.finish(l, store.Finish{Again: true}), "finish")
	if l := w.claimOne(q); l.Task.Attempts != 0 {
		w.Errorf("%d attempts after a turn that went well", l.Task.Attempts)
	}
}

func boundAnswers(w *world) {
	box := w.connect("acme", 1)
	t := w.newTicket(box)
	t.Answers = newID()
	w.must(store.Changes{Tenant: "acme", NewTickets: []store.Ticket{t}})
	w.same(w.ticket("acme", t.ID).Ticket, t.Ticket, "ticket")
	next := t.Ticket
	next.Answers, next.Version = newID(), t.Version+1
	w.must(store.Changes{Tenant: "acme", Tickets: []store.TicketUpdate{{Ticket: next, Was: t.Version}}})
	w.same(w.ticket("acme", t.ID).Ticket, next, "ticket")
}
