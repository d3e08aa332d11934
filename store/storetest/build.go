package storetest

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// fp makes the fingerprint with a number, the same in every tenant.
func fp(n int) ticket.Fingerprint {
	f := ticket.Fingerprint{0: 1}
	binary.BigEndian.PutUint64(f[5:], uint64(n)+1)
	return f
}

// seal makes bytes that look like sealed ones and are different each time.
func seal(n int) privacy.Sealed {
	id := newID()
	s := append(privacy.Sealed{1, 1, 0}, id[:]...)
	for i := range n {
		s = append(s, byte(i)^id[15])
	}
	return s
}

// newMailbox makes a mailbox that is not stored yet.
func (w *world) newMailbox(tenant ticket.TenantID, account int) store.Mailbox {
	return store.Mailbox{
		ID: newID(), Tenant: tenant, Provider: "imap", Account: fp(account),
		State: store.MailboxConnected, Key: newID(), Identity: newID(),
		Address: seal(20), Credential: seal(40), Settings: seal(10),
		LiveCursor:  mailbox.Cursor("start"),
		Health:      store.Health{State: store.HealthOK, Since: w.now},
		ConnectedAt: w.now, Version: 1,
	}
}

// connect stores a mailbox.
func (w *world) connect(tenant ticket.TenantID, account int) store.Mailbox {
	w.Helper()
	m := w.newMailbox(tenant, account)
	w.must(store.Changes{Tenant: tenant, NewMailboxes: []store.Mailbox{m}})
	return m
}

// fence stores the mailbox as fenced and returns it.
func (w *world) fence(m store.Mailbox) store.Mailbox {
	w.Helper()
	m.State, m.Version = store.MailboxFenced, m.Version+1
	w.must(store.Changes{Tenant: m.Tenant, Mailboxes: []store.Mailbox{m}})
	return m
}

func (w *world) newTicket(box store.Mailbox) store.Ticket {
	return store.Ticket{
		Ticket: ticket.Ticket{
			ID: newID(), Tenant: box.Tenant, Mailbox: box.ID, Status: ticket.Open, Origin: ticket.FromMail,
			Tags: []string{"new", "vip"}, Contact: newID(), Seq: 1, Version: 1,
			CreatedAt: w.now, UpdatedAt: w.now,
		},
		Key: newID(), Subject: seal(30),
	}
}

// open stores a ticket without messages.
func (w *world) open(box store.Mailbox) store.Ticket {
	w.Helper()
	t := w.newTicket(box)
	w.must(store.Changes{Tenant: box.Tenant, NewTickets: []store.Ticket{t}})
	return t
}

func (w *world) newMessage(t store.Ticket, seq int64) store.Message {
	id := newID()
	return store.Message{
		Message: ticket.Message{
			ID: id, Tenant: t.Tenant, Mailbox: t.Mailbox, Ticket: t.ID, Seq: seq,
			Direction: ticket.In, Kind: ticket.KindPerson, By: ticket.ByContact(), Contact: t.Contact,
			Provenance:  ticket.Provenance{Source: ticket.SourceLive, ProviderID: "uid:" + id.String(), Parser: 3, ReceivedAt: w.now.Add(-time.Minute)},
			Match:       ticket.Trace{Rung: ticket.RungNone, Standing: ticket.StandingParticipant, Steps: []ticket.Step{{Rung: ticket.RungThread, Ticket: newID(), Outcome: ticket.OutcomeExpired}}},
			Attachments: 2, CreatedAt: w.now,
		},
		Subject: seal(12), Addresses: seal(30), Body: seal(200), HTML: seal(100), Files: seal(9), Raw: seal(300), RawSize: 300,
	}
}

func (w *world) newEvent(box store.Mailbox, typ ticket.EventType) ticket.Event {
	return ticket.Event{
		ID: newID(), Version: ticket.EventVersion, Type: typ, At: w.now, By: ticket.ByAgent("kari"),
		Tenant: box.Tenant, Mailbox: box.ID, Ticket: newID(), Message: newID(), Subject: newID(),
		From: "open", To: "closed", Cause: "test", Rung: ticket.RungToken,
	}
}

func newTask(box store.Mailbox, kind store.TaskKind, subject ticket.ID, after time.Duration) store.Task {
	return store.Task{ID: newID(), Tenant: box.Tenant, Mailbox: box.ID, Kind: kind, Subject: subject, After: after}
}

// enqueue stores tasks of one mailbox.
func (w *world) enqueue(box store.Mailbox, tasks ...store.Task) {
	w.Helper()
	w.must(store.Changes{Tenant: box.Tenant, Tasks: tasks})
}

func newDelivery(m store.Message, now time.Time) ticket.Delivery { return ticket.Queue(m.Message, now) }

func (w *world) newQuarantined(box store.Mailbox, providerID string) store.Quarantined {
	return store.Quarantined{
		ID: newID(), Tenant: box.Tenant, Mailbox: box.ID, ProviderID: providerID, Ref: seal(12), Sent: true,
		Cause: "structure", State: store.Held, Key: newID(), Raw: seal(70), Size: 70,
		ReceivedAt: w.now, Stream: mailbox.Live, CreatedAt: w.now, Version: 1,
	}
}

// page makes what the engine writes for a page of n mails: each starts a
// ticket, and with them goes one row of everything else that can be written.
// Fingerprints and provider ids count from first, the same in every tenant.
func (w *world) page(box store.Mailbox, first, n int, from, to mailbox.Cursor) store.Changes {
	c := store.Changes{
		Tenant:  box.Tenant,
		Cursors: []store.CursorMove{{Mailbox: box.ID, Stream: mailbox.Live, From: from, To: to}},
		Health:  []store.HealthChange{{Mailbox: box.ID, Health: store.Health{State: store.HealthDelayed, Since: w.now, Cause: "timeout", Failures: 2, NextAt: w.now, SyncedAt: w.now}}},
		Tasks:   []store.Task{newTask(box, "sync", ticket.ID{}, time.Hour)},
	}
	for i := first; i < first+n; i++ {
		t := w.newTicket(box)
		m := w.newMessage(t, 1)
		m.Provenance.ProviderID = fmt.Sprintf("uid:%d", i)
		c.NewTickets = append(c.NewTickets, t)
		c.Messages = append(c.Messages, m)
		c.Seen = append(c.Seen, store.Seen{
			Mailbox: box.ID, ProviderID: m.Provenance.ProviderID, MessageID: fp(i), Content: fp(i + 1e6),
			ReceivedAt: w.now, Object: m.ID,
		})
		for role, f := range map[ticket.HitRole]int{ticket.HitMessageID: i, ticket.HitReference: i + 2e6, ticket.HitThread: i + 3e6} {
			c.Hits = append(c.Hits, store.Hit{Mailbox: box.ID, Ticket: t.ID, Message: m.ID, Hit: ticket.Hit{Fingerprint: fp(f), Role: role}})
		}
		c.Members = append(c.Members, store.Member{Mailbox: box.ID, Ticket: t.ID, Member: ticket.Member{Address: fp(i + 4e6), Contact: t.Contact}})
		c.Contacts = append(c.Contacts, store.Contact{Mailbox: box.ID, Address: fp(i + 4e6), ID: t.Contact})
		c.Events = append(c.Events, w.newEvent(box, ticket.TicketCreated))
	}
	last := len(c.Messages) - 1
	c.NewDeliveries = []ticket.Delivery{newDelivery(c.Messages[last], w.now)}
	c.NewQuarantine = []store.Quarantined{w.newQuarantined(box, fmt.Sprintf("uid:q%d", first))}
	return c
}
