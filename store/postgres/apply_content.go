package postgres

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// replaced are the columns that an update of a ticket writes: all but what it
// is found by, so that none is forgotten. It also makes retention ask anew.
var replaced = func() (names []string) {
	for _, f := range ticketFields {
		if f.name != "id" && f.name != "mailbox" {
			names = append(names, f.name)
		}
	}
	return names
}()

func (p *plan) conversations(c store.Changes) {
	insertRows(p, tickets, c.NewTickets)
	inOrder := slices.SortedFunc(slices.Values(c.Tickets), func(a, b store.TicketUpdate) int { return compareIDs(a.ID, b.ID) })
	change := ticketUpdates.update("t.id = x.id AND t.version = x.was AND t.mailbox = x.mailbox", replaced...)
	change = strings.Replace(change, " SET ", " SET retain_at = '-infinity', ", 1)
	updateRows(p, ticketUpdates, inOrder, change, "ticket changed meanwhile", store.ErrStale)
	p.belongs(c)
	insertRows(p, messages, c.Messages)
}

// belonging is a ticket that something is said to belong to.
type belonging struct{ ticket, mailbox ticket.ID }

// belongs makes sure that what is written belongs to a ticket of its mailbox.
// Tickets that the same changes write need no second look.
func (p *plan) belongs(c store.Changes) {
	seen := map[belonging]bool{}
	for _, t := range c.NewTickets {
		seen[belonging{t.ID, t.Mailbox}] = true
	}
	for _, t := range c.Tickets {
		seen[belonging{t.ID, t.Mailbox}] = true
	}
	var ids, boxes []ticket.ID
	look := func(id, box ticket.ID) {
		if b := (belonging{id, box}); !seen[b] {
			seen[b] = true
			ids, boxes = append(ids, id), append(boxes, box)
		}
	}
	for _, m := range c.Messages {
		look(m.Ticket, m.Mailbox)
	}
	for _, h := range c.Hits {
		look(h.Ticket, h.Mailbox)
	}
	for _, m := range c.Members {
		look(m.Ticket, m.Mailbox)
	}
	if len(ids) > 0 {
		p.add(step{
			sql: `SELECT 1 FROM unnest($2::uuid[], $3::uuid[]) AS x(id, mailbox) CROSS JOIN LATERAL (
				SELECT 1 FROM {s}.tickets WHERE tenant = $1 AND id = x.id AND mailbox IS NOT DISTINCT FROM x.mailbox OFFSET 0) t`,
			args: []any{string(p.tenant), uuids(ids), uuids(boxes)},
			tag:  exactly(len(ids), "ticket of the changes", store.ErrNotFound),
		})
	}
}

// premises looks for what came up since the changes were decided on. It comes
// after the lock on the mailbox: each statement sees what is committed by then.
func (p *plan) premises(c store.Changes) {
	for _, q := range c.Premises {
		if len(q.Fingerprints) > 0 {
			p.add(step{
				sql: `SELECT 1 FROM unnest($3::bytea[]) AS x(fingerprint) CROSS JOIN LATERAL (
					SELECT 1 FROM {s}.hits WHERE tenant = $1 AND mailbox = $2 AND fingerprint = x.fingerprint
						AND ticket <> ALL($4::uuid[]) LIMIT 1) h LIMIT 1`,
				args: []any{string(p.tenant), uid{&q.Mailbox}, prints(q.Fingerprints), uuids(q.Tickets)},
				tag:  exactly(0, "another ticket came up meanwhile", store.ErrStale),
			})
		}
		if len(q.Absent) > 0 {
			_, messages, contents, times := probed(q.Absent)
			p.add(step{
				sql: `SELECT 1 FROM unnest($3::bytea[], $4::bytea[], $5::timestamptz[]) AS x(message_id, content, received_at)
					CROSS JOIN LATERAL (SELECT 1 FROM {s}.seen s WHERE ` + isCopy + ` LIMIT 1) c LIMIT 1`,
				args: []any{string(p.tenant), uid{&q.Mailbox}, messages, contents, times},
				tag:  exactly(0, "mail was taken in meanwhile", store.ErrStale),
			})
		}
	}
}

// intake writes what later mails are recognised by. The rows are sorted, so
// that two workers that insert the same ones wait for each other in order.
func (p *plan) intake(c store.Changes) {
	insertRows(p, seen, slices.SortedStableFunc(slices.Values(c.Seen), func(a, b store.Seen) int {
		return cmp.Or(compareIDs(a.Mailbox, b.Mailbox), cmp.Compare(a.ProviderID, b.ProviderID))
	}))
	if len(c.Hits) > 0 {
		rows := slices.SortedStableFunc(slices.Values(c.Hits), func(a, b store.Hit) int {
			return cmp.Or(compareIDs(a.Mailbox, b.Mailbox), bytes.Compare(a.Fingerprint[:], b.Fingerprint[:]))
		})
		p.add(step{sql: hits.insert("ON CONFLICT DO NOTHING"), args: hits.args(p.tenant, rows)})
	}
	if rows := mergeMembers(c.Members); len(rows) > 0 {
		p.add(step{
			sql: members.insert(`ON CONFLICT (tenant, ticket, address) DO UPDATE
				SET pending = t.pending AND excluded.pending, domain = coalesce(t.domain, excluded.domain)
				WHERE t.pending AND NOT excluded.pending OR t.domain IS NULL AND excluded.domain IS NOT NULL`),
			args: members.args(p.tenant, rows),
		})
	}
	p.contacts(c.Contacts)
}

// mergeMembers leaves one row for each address of a ticket, because one
// statement cannot write a row twice. A full member stays full.
func mergeMembers(in []store.Member) []store.Member {
	type key struct {
		ticket  ticket.ID
		address ticket.Fingerprint
	}
	at := map[key]int{}
	var out []store.Member
	for _, m := range in {
		k := key{m.Ticket, m.Address}
		if i, ok := at[k]; ok {
			out[i].Pending = out[i].Pending && m.Pending
			if out[i].Domain.IsZero() {
				out[i].Domain = m.Domain
			}
			continue
		}
		at[k] = len(out)
		out = append(out, m)
	}
	slices.SortStableFunc(out, func(a, b store.Member) int {
		return cmp.Or(compareIDs(a.Ticket, b.Ticket), bytes.Compare(a.Address[:], b.Address[:]))
	})
	return out
}

// contacts inserts addresses. Those that are there are written again as they
// are, and count only if they are the same contact's.
func (p *plan) contacts(in []store.Contact) {
	type key struct {
		mailbox ticket.ID
		address ticket.Fingerprint
	}
	ids := map[key]ticket.ID{}
	var rows []store.Contact
	for _, c := range in {
		k := key{c.Mailbox, c.Address}
		id, twice := ids[k]
		if twice && id != c.ID {
			p.early = fail("apply: address is another contact's", store.ErrStale)
			return
		}
		if !twice {
			ids[k] = c.ID
			rows = append(rows, c)
		}
	}
	slices.SortFunc(rows, func(a, b store.Contact) int {
		return cmp.Or(compareIDs(a.Mailbox, b.Mailbox), bytes.Compare(a.Address[:], b.Address[:]))
	})
	if len(rows) > 0 {
		p.add(step{
			sql: contacts.insert(`ON CONFLICT (tenant, mailbox, address) DO UPDATE SET id = t.id
				WHERE t.id = excluded.id`),
			args: contacts.args(p.tenant, rows),
			tag:  exactly(len(rows), "address is another contact's", store.ErrStale),
		})
	}
}

func (p *plan) quarantine(c store.Changes) {
	insertRows(p, quarantine, c.NewQuarantine)
	updateRows(p, quarantine, c.Quarantine, quarantine.update(
		"t.id = x.id AND t.mailbox = x.mailbox AND t.version = x.version - 1",
		"state", "message", "cause", "size", "raw", "blob", "version"),
		"quarantined mail changed meanwhile", store.ErrStale)
}

func (p *plan) deliveries(c store.Changes) {
	insertRows(p, deliveries, c.NewDeliveries)
	updateRows(p, deliveries, c.Deliveries, deliveries.update(
		"t.message = x.message AND t.mailbox = x.mailbox AND t.version = x.version - 1",
		"ticket", "state", "attempt", "looks", "draft", "cause", "since", "queued_at", "version"),
		"delivery changed meanwhile", store.ErrStale)
	updateRows(p, providerIDs, c.ProviderIDs, providerIDs.update("t.id = x.id AND t.mailbox = x.mailbox", "provider_id"),
		"message to name", store.ErrNotFound)
}
