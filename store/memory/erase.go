package memory

import (
	"context"
	"slices"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// victim is a row that an erasure names.
type victim struct {
	table  string
	bytes  int64
	remove func(*journal)
}

// Erase implements [store.Tx].
func (t *tx) Erase(ctx context.Context, e store.Erase) (store.Erased, error) {
	if err := t.check(ctx); err != nil {
		return store.Erased{}, err
	}
	if err := e.Validate(); err != nil {
		return store.Erased{}, err
	}
	out := store.Erased{Tally: store.Tally{}}
	var found []victim
	t.state.victims(e, func(v victim) bool {
		a := out.Tally[v.table]
		if a.Rows == int64(e.Limit) {
			out.More = true
			return false
		}
		out.Tally[v.table] = store.Amount{Rows: a.Rows + 1, Bytes: a.Bytes + v.bytes}
		found = append(found, v)
		return true
	})
	for _, v := range found {
		v.remove(&t.journal)
	}
	return out, nil
}

// Remaining implements [store.Retention].
func (r *reader) Remaining(ctx context.Context, e store.Erase) (store.Tally, error) {
	if err := r.check(ctx); err != nil {
		return nil, err
	}
	if err := e.Validate(); err != nil {
		return nil, err
	}
	out := store.Tally{}
	r.state.victims(e, func(v victim) bool {
		a := out[v.table]
		out[v.table] = store.Amount{Rows: a.Rows + 1, Bytes: a.Bytes + v.bytes}
		return true
	})
	return out, nil
}

// aim tells which rows an erasure names.
type aim struct {
	store.Erase
	messages, tickets, keep map[ticket.ID]bool
}

func set(ids []ticket.ID) map[ticket.ID]bool {
	out := make(map[ticket.ID]bool, len(ids))
	for _, id := range ids {
		out[id] = true
	}
	return out
}

// ofTicket tells about a row of a mailbox, a ticket and perhaps a message.
func (a aim) ofTicket(box, id, message ticket.ID) bool {
	switch {
	case len(a.messages) > 0:
		return a.messages[message]
	case len(a.tickets) > 0:
		return a.tickets[id]
	}
	return a.ofMailbox(box) && !a.keep[id]
}

// ofMailbox tells about a row that goes with its mailbox, whatever is kept.
func (a aim) ofMailbox(box ticket.ID) bool {
	return len(a.messages) == 0 && len(a.tickets) == 0 && a.Contact.IsZero() && !a.Mailbox.IsZero() && a.Mailbox == box
}

// victims calls visit for each row until it returns false, which ends a table.
func (s *state) victims(e store.Erase, visit func(victim) bool) {
	a := aim{Erase: e, messages: set(e.Messages), tickets: set(e.Tickets), keep: set(e.Keep)}
	if e.Attachments {
		s.attachmentVictims(a, visit)
		return
	}
	s.conversationVictims(a, visit)
	s.intakeVictims(a, visit)
	s.eventVictims(a, visit)
	if e.Mailbox.IsZero() && len(a.messages) == 0 && len(a.tickets) == 0 && e.Contact.IsZero() {
		for k := range s.records {
			if k.tenant == e.Tenant && !slices.Contains(e.KeepRecords, k.kind) &&
				!visit(victim{"records", 0, func(j *journal) { drop(j, s.records, k) }}) {
				break
			}
		}
	}
}

func (s *state) attachmentVictims(a aim, visit func(victim) bool) {
	for id, m := range s.messages[a.Tenant] {
		if !a.tickets[m.Ticket] || m.Attachments == 0 && m.Raw == nil && m.Files == nil && m.Blob.IsZero() {
			continue
		}
		if !visit(victim{"messages", int64(len(m.Raw) + len(m.Files)), func(j *journal) {
			m.Attachments, m.Raw, m.Files, m.Blob = 0, nil, nil, ticket.ID{}
			put(j, s.messages[a.Tenant], id, m)
		}}) {
			return
		}
	}
}

func (s *state) conversationVictims(a aim, visit func(victim) bool) {
	tenant := a.Tenant
	for id, m := range s.messages[tenant] {
		if a.ofTicket(m.Mailbox, m.Ticket, id) && !visit(victim{"messages", messageBytes(m), func(j *journal) {
			drop(j, s.messages[tenant], id)
			k := ref{tenant, m.Ticket}
			put(j, s.threads, k, slices.DeleteFunc(slices.Clone(s.threads[k]), func(p place) bool { return p.id == id }))
		}}) {
			break
		}
	}
	for id, d := range s.deliveries[tenant] {
		if a.ofTicket(d.Mailbox, d.Ticket, id) &&
			!visit(victim{"deliveries", 0, func(j *journal) { drop(j, s.deliveries[tenant], id) }}) {
			break
		}
	}
	for id, row := range s.tickets[tenant] {
		if len(a.messages) == 0 && a.ofTicket(row.Mailbox, id, ticket.ID{}) &&
			!visit(victim{"tickets", int64(len(row.Subject)), func(j *journal) {
				drop(j, s.tickets[tenant], id)
				drop(j, s.threads, ref{tenant, id})
				drop(j, s.retain, ref{tenant, id})
			}}) {
			break
		}
	}
	for id, m := range s.mailboxes[tenant] {
		if a.ofMailbox(id) && len(a.keep) == 0 && !visit(victim{"mailboxes", mailboxBytes(m), func(j *journal) {
			drop(j, s.mailboxes[tenant], id)
			k := accountKey{tenant, m.Account}
			put(j, s.accounts, k, slices.DeleteFunc(slices.Clone(s.accounts[k]), func(x ticket.ID) bool { return x == id }))
		}}) {
			break
		}
	}
}

func (s *state) intakeVictims(a aim, visit func(victim) bool) {
	for k := range s.hits {
		named := k.tenant == a.Tenant && (a.ofTicket(k.Mailbox, k.Ticket, k.Message) || a.ofMailbox(k.Mailbox))
		if named && !visit(victim{"hits", 0, func(j *journal) { s.dropHit(j, k) }}) {
			break
		}
	}
	s.memberVictims(a, visit)
	for k, id := range s.contacts {
		named := k.tenant == a.Tenant && (a.ofMailbox(k.id) || !a.Contact.IsZero() && id == a.Contact)
		if named && !visit(victim{"contacts", 0, func(j *journal) { drop(j, s.contacts, k) }}) {
			break
		}
	}
	for k, x := range s.seen {
		if k.tenant == a.Tenant && a.ofMailbox(k.id) && !visit(victim{"seen", 0, func(j *journal) {
			drop(j, s.seen, k)
			drop(j, s.mails, mailKeyOf(k.ref, x))
			drop(j, s.arrivals, arrivalKeyOf(k.ref, x))
		}}) {
			break
		}
	}
	for id, q := range s.quarantine[a.Tenant] {
		if a.ofMailbox(q.Mailbox) && !visit(victim{"quarantine", int64(len(q.Raw) + len(q.Ref)),
			func(j *journal) { drop(j, s.quarantine[a.Tenant], id) }}) {
			break
		}
	}
	box := ref{a.Tenant, a.Mailbox}
	for k, x := range s.tasks[box] {
		if a.ofMailbox(a.Mailbox) && !visit(victim{"tasks", 0, func(j *journal) {
			drop(j, s.taskIDs, ref{a.Tenant, x.id})
			drop(j, s.tasks[box], k)
		}}) {
			break
		}
	}
}

// dropHit also forgets what the fingerprint says, unless another message of the
// ticket says it too.
func (s *state) dropHit(j *journal, k hitKey) {
	drop(j, s.hits, k)
	for other := range s.hits {
		if other.tenant == k.tenant && other.Mailbox == k.Mailbox && other.Ticket == k.Ticket && other.Hit.Hit == k.Hit.Hit {
			return
		}
	}
	drop(j, s.prints[printKey{ref{k.tenant, k.Mailbox}, k.Fingerprint}], found{k.Ticket, k.Role, k.Message})
}

// memberVictims visits the places of people on tickets.
func (s *state) memberVictims(a aim, visit func(victim) bool) {
	for k, rows := range s.members {
		if k.tenant != a.Tenant {
			continue
		}
		whole := len(a.messages) == 0 && (a.tickets[k.id] || a.ofMailbox(s.memberBox[k]))
		for _, m := range rows {
			if !whole && (a.Contact.IsZero() || m.Contact != a.Contact) {
				continue
			}
			if !visit(victim{"members", 0, func(j *journal) {
				left := slices.DeleteFunc(slices.Clone(s.members[k]), func(x ticket.Member) bool { return x.Address == m.Address })
				if len(left) == 0 {
					drop(j, s.members, k)
					drop(j, s.memberBox, k)
				} else {
					put(j, s.members, k, left)
				}
				s.forget(j, a, k)
			}}) {
				return
			}
		}
	}
}

// forget takes an erased contact off a ticket that began with him.
func (s *state) forget(j *journal, a aim, k ref) {
	if row, ok := s.tickets.get(k.tenant, k.id); ok && !a.Contact.IsZero() && row.Contact == a.Contact {
		row.Contact = ticket.ID{}
		put(j, s.tickets[k.tenant], k.id, row)
	}
}

// eventVictims visits events. Their places stay, so that cursors mean what they
// meant.
func (s *state) eventVictims(a aim, visit func(victim) bool) {
	for _, i := range s.byTenant[a.Tenant] {
		e := s.events[i]
		if e.ID.IsZero() {
			continue
		}
		own := a.ofMailbox(e.Mailbox) || len(a.tickets) > 0 && a.tickets[e.Ticket] ||
			len(a.messages) > 0 && a.messages[e.Message] ||
			a.Mailbox.IsZero() && len(a.tickets) == 0 && len(a.messages) == 0 && a.Contact.IsZero() && e.Mailbox.IsZero()
		if own && !visit(victim{"events", 0, func(j *journal) {
			j.undo = append(j.undo, func() { s.events[i] = e })
			s.events[i] = ticket.Event{}
		}}) {
			return
		}
	}
}

func messageBytes(m store.Message) int64 {
	return int64(len(m.Subject) + len(m.Addresses) + len(m.Body) + len(m.HTML) + len(m.Files) + len(m.Raw))
}

func mailboxBytes(m store.Mailbox) int64 {
	return int64(len(m.Address) + len(m.Credential) + len(m.Settings))
}
