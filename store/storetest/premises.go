package storetest

import (
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// intakePremises has decisions outlived by what another worker stored.
func intakePremises(w *world) {
	a, b := w.connect("acme", 1), w.connect("acme", 2)
	t := w.open(a)
	hit := func(t store.Ticket, n int) store.Hit {
		return store.Hit{Mailbox: t.Mailbox, Ticket: t.ID, Message: newID(), Hit: ticket.Hit{Fingerprint: fp(n), Role: ticket.HitReference}}
	}
	none := ticket.Fingerprint{}
	seen := store.Seen{Mailbox: a.ID, ProviderID: "1", MessageID: fp(50), Content: fp(150), ReceivedAt: w.now, Object: newID()}
	bare := store.Seen{Mailbox: a.ID, ProviderID: "2", MessageID: none, Content: fp(151), ReceivedAt: w.now, Object: newID()}
	w.must(store.Changes{Tenant: "acme", Hits: []store.Hit{hit(t, 7), hit(t, 8)}, Seen: []store.Seen{seen, bare}})
	changes := func(p store.Premise) store.Changes {
		if p.Mailbox.IsZero() {
			p.Mailbox = a.ID
		}
		return store.Changes{Tenant: "acme", Premises: []store.Premise{p}, Hits: []store.Hit{hit(t, 60)}}
	}
	again := seen
	again.ProviderID = "elsewhere"
	later, other, fresh := bare, seen, bare
	later.ReceivedAt = w.now.Add(1e9)
	other.MessageID = fp(51)
	fresh.Content = none
	for _, c := range []struct {
		name string
		p    store.Premise
		want error
	}{
		{"nothing presumed", store.Premise{}, nil},
		{"an unknown fingerprint", store.Premise{Fingerprints: []ticket.Fingerprint{fp(9)}}, nil},
		{"a known one with its ticket", store.Premise{Fingerprints: []ticket.Fingerprint{fp(7), fp(9)}, Tickets: []ticket.ID{newID(), t.ID}}, nil},
		{"a known one without its ticket", store.Premise{Fingerprints: []ticket.Fingerprint{fp(9), fp(7)}, Tickets: []ticket.ID{newID()}}, store.ErrStale},
		{"a known one without any ticket", store.Premise{Fingerprints: []ticket.Fingerprint{fp(8)}}, store.ErrStale},
		{"another mailbox's fingerprint", store.Premise{Mailbox: b.ID, Fingerprints: []ticket.Fingerprint{fp(7)}}, nil},
		{"a copy", store.Premise{Absent: []store.Seen{again}}, store.ErrStale},
		{"a copy without Message-ID", store.Premise{Absent: []store.Seen{bare}}, store.ErrStale},
		{"the same content later", store.Premise{Absent: []store.Seen{later}}, nil},
		{"the same content, another Message-ID", store.Premise{Absent: []store.Seen{other}}, nil},
		{"a mail that never arrived", store.Premise{Absent: []store.Seen{fresh}}, nil},
		{"a copy in another mailbox", store.Premise{Mailbox: b.ID, Absent: []store.Seen{seen}}, nil},
		{"a mailbox that is not there", store.Premise{Mailbox: newID()}, store.ErrNotFound},
	} {
		if c.want == nil {
			w.ok(w.apply(changes(c.p)), c.name)
		} else {
			w.refuse(changes(c.p), c.want, c.name)
		}
	}
}

// racePremises has all workers decide that a conversation is new. Only one can
// be right.
func racePremises(w *world) {
	box := w.connect("acme", 1)
	for round := range 20 {
		w.oneWins("the same conversation", func(int) error {
			t := w.newTicket(box)
			return w.apply(store.Changes{
				Tenant:     "acme",
				Premises:   []store.Premise{{Mailbox: box.ID, Fingerprints: []ticket.Fingerprint{fp(100 + round)}}},
				NewTickets: []store.Ticket{t},
				Hits: []store.Hit{{Mailbox: box.ID, Ticket: t.ID, Message: newID(),
					Hit: ticket.Hit{Fingerprint: fp(100 + round), Role: ticket.HitReference}}},
			})
		})
	}
}

// taskProviders narrows claims to the providers that a worker has.
func taskProviders(w *world) {
	a, b := w.connect("acme", 1), w.newMailbox("acme", 2)
	b.Provider = "pigeon"
	w.must(store.Changes{Tenant: "acme", NewMailboxes: []store.Mailbox{b}})
	w.enqueue(a, newTask(a, "sync", ticket.ID{}, 0))
	w.enqueue(b, newTask(b, "sync", ticket.ID{}, 0))
	w.claimNone(store.Claim{Providers: []string{"drum"}}, "a provider without mailboxes")
	w.claimNone(store.Claim{Providers: []string{"Pigeon"}}, "names compare byte by byte")
	if l := w.claimOne(store.Claim{Providers: []string{"drum", "pigeon"}, PerMailbox: 3}); l.Task.Mailbox != b.ID {
		w.Errorf("claimed %+v", l.Task)
	}
	if l := w.claimOne(store.Claim{}); l.Task.Mailbox != a.ID {
		w.Errorf("claimed %+v", l.Task)
	}
}
