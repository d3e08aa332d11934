package memory

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

func (t *tx) insertSeen(c store.Changes) error {
	for _, in := range c.Seen {
		in.ReceivedAt = instant(in.ReceivedAt)
		box := ref{c.Tenant, in.Mailbox}
		k := providerKey{box, in.ProviderID}
		if _, taken := t.state.seen[k]; taken {
			return fail("provider id was seen already", store.ErrStale)
		}
		put(&t.journal, t.state.seen, k, in)
		if m, a := mailKeyOf(box, in), arrivalKeyOf(box, in); in.Content.IsZero() {
			continue // what never arrived is like nothing else
		} else if !in.MessageID.IsZero() {
			putFirst(&t.journal, t.state.mails, m, in)
		} else {
			putFirst(&t.journal, t.state.arrivals, a, in)
		}
	}
	return nil
}

// premises makes sure that what the changes were decided on still holds.
func (t *tx) premises(c store.Changes) error {
	for _, p := range c.Premises {
		box := ref{c.Tenant, p.Mailbox}
		for _, f := range p.Fingerprints {
			for at := range t.state.prints[printKey{box, f}] {
				if !slices.Contains(p.Tickets, at.ticket) {
					return fail("another ticket came up meanwhile", store.ErrStale)
				}
			}
		}
		for _, s := range p.Absent {
			if known := t.state.copyOf(box, s); !known.Object.IsZero() {
				return fail("mail was taken in meanwhile", store.ErrStale)
			}
		}
	}
	return nil
}

// copyOf returns how a copy of a mail is known.
func (s *state) copyOf(box ref, p store.Seen) store.Seen {
	switch {
	case p.Content.IsZero(): // nothing to compare
		return store.Seen{}
	case !p.MessageID.IsZero():
		return s.mails[mailKeyOf(box, p)]
	default:
		return s.arrivals[arrivalKeyOf(box, p)]
	}
}

// putFirst keeps what is there.
func putFirst[K comparable, V any](j *journal, m map[K]V, k K, v V) {
	if _, ok := m[k]; !ok {
		put(j, m, k, v)
	}
}

func mailKeyOf(box ref, s store.Seen) mailKey { return mailKey{box, s.MessageID, s.Content} }

func arrivalKeyOf(box ref, s store.Seen) arrivalKey {
	return arrivalKey{box, s.Content, instant(s.ReceivedAt).UnixMicro()}
}

// Known implements [store.Intake].
func (r *reader) Known(ctx context.Context, tenant ticket.TenantID, mailbox ticket.ID, probes []store.Seen) ([]store.Seen, error) {
	if err := r.check(ctx); err != nil {
		return nil, err
	}
	out := make([]store.Seen, len(probes))
	box := ref{tenant, mailbox}
	for i, p := range probes {
		if s, ok := r.state.seen[providerKey{box, p.ProviderID}]; ok {
			out[i] = s
			continue
		}
		out[i] = r.state.copyOf(box, p)
	}
	return out, nil
}

func (t *tx) insertHits(c store.Changes) error {
	for _, h := range c.Hits {
		if err := t.ticketOf(c.Tenant, h.Mailbox, h.Ticket); err != nil {
			return err
		}
		k := hitKey{c.Tenant, h}
		if t.state.hits[k] {
			continue
		}
		put(&t.journal, t.state.hits, k, true)
		p := printKey{ref{c.Tenant, h.Mailbox}, h.Fingerprint}
		if t.state.prints[p] == nil {
			t.state.prints[p] = map[found]bool{}
		}
		put(&t.journal, t.state.prints[p], found{h.Ticket, h.Role, h.Message}, true)
	}
	return nil
}

func (t *tx) admitMembers(c store.Changes) error {
	for _, in := range c.Members {
		if err := t.ticketOf(c.Tenant, in.Mailbox, in.Ticket); err != nil {
			return err
		}
		k := ref{c.Tenant, in.Ticket}
		rows := t.state.members[k]
		i := slices.IndexFunc(rows, func(m ticket.Member) bool { return m.Address == in.Address })
		switch {
		case i < 0:
			rows = append(rows, in.Member)
		case rows[i].Pending && !in.Pending:
			rows = slices.Clone(rows)
			rows[i].Pending = false
			if rows[i].Domain.IsZero() {
				rows[i].Domain = in.Domain
			}
		case rows[i].Domain.IsZero() && !in.Domain.IsZero():
			rows = slices.Clone(rows)
			rows[i].Domain = in.Domain
		default:
			continue
		}
		put(&t.journal, t.state.members, k, rows)
		put(&t.journal, t.state.memberBox, k, in.Mailbox)
	}
	return nil
}

func (t *tx) insertContacts(c store.Changes) error {
	for _, in := range c.Contacts {
		k := printKey{ref{c.Tenant, in.Mailbox}, in.Address}
		if id, ok := t.state.contacts[k]; ok && id != in.ID {
			return fail("address is another contact's", store.ErrStale)
		}
		put(&t.journal, t.state.contacts, k, in.ID)
	}
	return nil
}

// Candidates implements [store.Intake].
func (r *reader) Candidates(ctx context.Context, q store.CandidateQuery) ([]ticket.Candidate, error) {
	if err := r.check(ctx); err != nil {
		return nil, err
	}
	cands := map[ticket.ID]*ticket.Candidate{}
	of := func(id ticket.ID) *ticket.Candidate {
		c := cands[id]
		if c == nil {
			row, _ := r.state.tickets.get(q.Tenant, id)
			c = &ticket.Candidate{Ticket: cloneDomain(row.Ticket), Members: r.asked(q, id)}
			cands[id] = c
		}
		return c
	}
	for _, f := range unique(q.Fingerprints) {
		hits := r.state.prints[printKey{ref{q.Tenant, q.Mailbox}, f}]
		first := r.first(q, hits)
		for at := range hits {
			if h := (ticket.Hit{Fingerprint: f, Role: at.role}); first[at.ticket] && !slices.Contains(of(at.ticket).Hits, h) {
				c := of(at.ticket)
				c.Hits = append(c.Hits, h)
			}
		}
	}
	for _, id := range unique(q.Messages) {
		if m, ok := r.state.messages.get(q.Tenant, id); ok && m.Mailbox == q.Mailbox {
			c := of(m.Ticket)
			c.Messages = append(c.Messages, id)
		}
	}
	for _, id := range q.Tickets {
		if row, ok := r.state.tickets.get(q.Tenant, id); ok && row.Mailbox == q.Mailbox {
			of(id)
		}
	}
	return inOrder(cands), nil
}

// AutoReplies implements [store.Intake].
func (r *reader) AutoReplies(ctx context.Context, q store.AutoReplyQuery) (n ticket.AutoReplies, err error) {
	if err := r.check(ctx); err != nil {
		return n, err
	}
	to := map[ticket.ID]int{}
	for _, m := range r.state.messages[q.Tenant] {
		if m.Mailbox != q.Mailbox || m.Direction != ticket.Out || m.Kind != ticket.KindAutoReply || m.CreatedAt.Before(q.Since) {
			continue
		}
		n.Mailbox++
		if m.Ticket == q.Ticket {
			n.Ticket++
		}
		if slices.Contains(q.Contacts, m.Contact) {
			to[m.Contact]++
			n.Address = max(n.Address, to[m.Contact])
		}
	}
	return n, nil
}

// asked returns the members of a ticket that a query asks for.
func (r *reader) asked(q store.CandidateQuery, id ticket.ID) (out []ticket.Member) {
	for _, m := range r.state.members[ref{q.Tenant, id}] {
		if slices.Contains(q.From, m.Address) || !m.Domain.IsZero() && slices.Contains(q.Domains, m.Domain) {
			out = append(out, m)
		}
	}
	return out
}

// first returns the tickets of hits that a fingerprint makes candidates.
func (r *reader) first(q store.CandidateQuery, hits map[found]bool) map[ticket.ID]bool {
	type rank struct {
		id      ticket.ID
		stands  int // 1 with a member asked for
		named   int // 1 with the fingerprint as Message-ID
		updated time.Time
	}
	rows := map[ticket.ID]*rank{}
	for at := range hits {
		row := rows[at.ticket]
		if row == nil {
			t, _ := r.state.tickets.get(q.Tenant, at.ticket)
			row = &rank{id: at.ticket, updated: t.UpdatedAt, stands: min(len(r.asked(q, at.ticket)), 1)}
			rows[at.ticket] = row
		}
		if at.role == ticket.HitMessageID {
			row.named = 1
		}
	}
	ranks := slices.SortedFunc(maps.Values(rows), func(a, b *rank) int {
		return cmp.Or(b.stands-a.stands, b.named-a.named, b.updated.Compare(a.updated), slices.Compare(b.id[:], a.id[:]))
	})
	out := map[ticket.ID]bool{}
	for _, row := range ranks[:min(len(ranks), store.CandidatesMost)] {
		out[row.id] = true
	}
	return out
}

// SentAs implements [store.Intake].
func (r *reader) SentAs(ctx context.Context, tenant ticket.TenantID, mailbox ticket.ID, ids []ticket.Fingerprint) (map[ticket.Fingerprint]ticket.ID, error) {
	if err := r.check(ctx); err != nil {
		return nil, err
	}
	out := map[ticket.Fingerprint]ticket.ID{}
	for _, f := range ids {
		for at := range r.state.prints[printKey{ref{tenant, mailbox}, f}] {
			m, ok := r.state.messages.get(tenant, at.message)
			if at.role != ticket.HitMessageID || !ok || m.Mailbox != mailbox || m.Direction != ticket.Out {
				continue
			}
			if have, ok := out[f]; !ok || slices.Compare(m.ID[:], have[:]) < 0 {
				out[f] = m.ID
			}
		}
	}
	return out, nil
}

func unique[T comparable](in []T) []T {
	seen := make(map[T]bool, len(in))
	return slices.DeleteFunc(slices.Clone(in), func(v T) bool {
		again := seen[v]
		seen[v] = true
		return again
	})
}

// inOrder takes the randomness of maps out of the answer.
func inOrder(cands map[ticket.ID]*ticket.Candidate) []ticket.Candidate {
	out := make([]ticket.Candidate, 0, len(cands))
	for _, c := range cands {
		slices.SortFunc(c.Hits, func(a, b ticket.Hit) int {
			if a.Role != b.Role {
				return int(a.Role) - int(b.Role)
			}
			return slices.Compare(a.Fingerprint[:], b.Fingerprint[:])
		})
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b ticket.Candidate) int { return slices.Compare(a.Ticket.ID[:], b.Ticket.ID[:]) })
	return out
}

// Contacts implements [store.Intake].
func (r *reader) Contacts(ctx context.Context, tenant ticket.TenantID, mailbox ticket.ID, addrs []ticket.Fingerprint) (map[ticket.Fingerprint]ticket.ID, error) {
	if err := r.check(ctx); err != nil {
		return nil, err
	}
	out := map[ticket.Fingerprint]ticket.ID{}
	for _, a := range addrs {
		if id, ok := r.state.contacts[printKey{ref{tenant, mailbox}, a}]; ok {
			out[a] = id
		}
	}
	return out, nil
}

// TicketKeys implements [store.Intake].
func (r *reader) TicketKeys(ctx context.Context, tenant ticket.TenantID, tickets []ticket.ID) (map[ticket.ID]ticket.ID, error) {
	if err := r.check(ctx); err != nil {
		return nil, err
	}
	out := map[ticket.ID]ticket.ID{}
	for _, id := range tickets {
		if t, ok := r.state.tickets.get(tenant, id); ok {
			out[id] = t.Key
		}
	}
	return out, nil
}
