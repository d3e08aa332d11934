package helpdesk

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// read gathers what the page is decided on, in a handful of round trips.
func (p *decision) read(ctx context.Context, r store.Reader, page []*arrival) error {
	probes := make([]store.Seen, len(page))
	var fps, addrs, from, domains, originals []ticket.Fingerprint
	var msgs []ticket.ID
	for i, a := range page {
		probes[i] = a.seen
		fps = append(fps, a.fingerprints()...)
		originals = append(originals, a.original)
		msgs = append(msgs, slices.Concat(a.ev.Tokens, a.ev.SubjectTokens)...)
		addrs = append(append(addrs, a.people.to...), a.people.from)
		from = append(append(from, a.people.from), a.ev.Reported...)
		if p.rules.Colleagues {
			domains = append(domains, a.ev.Domain)
		}
	}
	var err error
	t, mb := p.mailbox.Tenant, p.mailbox.ID
	if p.known, err = r.Known(ctx, t, mb, probes); err != nil {
		return err
	}
	if p.sentAs, err = r.SentAs(ctx, t, mb, distinct(originals)); err != nil {
		return err
	}
	msgs = slices.AppendSeq(msgs, maps.Values(p.sentAs))
	for i, a := range page { // mails of ours that may have come back
		if k := p.known[i]; a.item.Sent && k.ProviderID != a.seen.ProviderID {
			msgs = append(msgs, a.ours, k.Object)
		}
	}
	p.prints = distinct(fps)
	cands, err := candidates(ctx, r, store.CandidateQuery{
		Tenant: t, Mailbox: mb, Fingerprints: p.prints, Messages: slices.DeleteFunc(msgs, ticket.ID.IsZero), From: distinct(from), Domains: distinct(domains),
	})
	if err != nil {
		return err
	}
	if p.contacts, err = r.Contacts(ctx, t, mb, distinct(addrs)); err != nil {
		return err
	}
	p.cands, p.was = cands, map[ticket.ID]int64{}
	ids := make([]ticket.ID, 0, len(cands))
	for _, c := range cands {
		p.was[c.Ticket.ID] = c.Ticket.Version
		ids = append(ids, c.Ticket.ID)
	}
	if p.keys, err = r.TicketKeys(ctx, t, ids); err != nil {
		return err
	}
	return p.readDeliveries(ctx, r, page)
}

// mergesMost bounds how many merges in a row are followed.
const mergesMost = 8

// candidates are the tickets that mails may belong to, with those that some of
// them were merged into.
func candidates(ctx context.Context, r store.Reader, q store.CandidateQuery) ([]ticket.Candidate, error) {
	all, err := r.Candidates(ctx, q)
	for range mergesMost {
		var into []ticket.ID
		for _, c := range all {
			id := c.Ticket.Merged
			there := func(x ticket.Candidate) bool { return x.Ticket.ID == id }
			if !id.IsZero() && !slices.ContainsFunc(all, there) && !slices.Contains(into, id) {
				into = append(into, id)
			}
		}
		if err != nil || len(into) == 0 {
			break
		}
		var more []ticket.Candidate
		q.Fingerprints, q.Messages, q.Tickets = nil, nil, into
		more, err = r.Candidates(ctx, q)
		if len(more) == 0 {
			break
		}
		all = append(all, more...)
	}
	return all, err
}

// lay puts the candidates on the board. Tickets whose keys are closed stay
// outside: nothing can be sealed into them.
func (p *decision) lay(closed map[ticket.ID]bool) {
	p.board = ticket.Board{}
	for _, c := range p.cands {
		c.Erased = closed[p.keys[c.Ticket.ID]]
		p.board.Put(c)
	}
}

// readDeliveries looks up the sending state of mails that prove to be ours.
func (p *decision) readDeliveries(ctx context.Context, r store.Reader, page []*arrival) error {
	p.deliveries, p.ours = map[ticket.ID]ticket.Delivery{}, make([]ticket.ID, len(page))
	for i, a := range page {
		if a.seen.ProviderID == p.known[i].ProviderID {
			continue
		}
		id := p.known[i].Object
		if id.IsZero() && !a.ours.IsZero() {
			mine, err := p.isOurs(ctx, r, a)
			if err != nil {
				return err
			}
			if !mine {
				continue
			}
			id, p.ours[i] = a.ours, a.ours
		}
		if id.IsZero() {
			continue
		}
		d, err := r.Delivery(ctx, p.mailbox.Tenant, id)
		switch {
		case err == nil:
			p.deliveries[id] = d
		case !errors.Is(err, store.ErrNotFound):
			return err
		}
	}
	return nil
}

// isOurs tells whether a sent mail with our mark is the message it names. With
// our Message-ID it is; with our marker alone only while no copy of the message
// was seen, because mail that a person sends on may keep the marker.
func (p *decision) isOurs(ctx context.Context, r store.Reader, a *arrival) (bool, error) {
	m, err := r.Message(ctx, p.mailbox.Tenant, a.ours)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return false, nil
	case err != nil:
		return false, err
	}
	at := m.Provenance.ProviderID
	return m.Direction == ticket.Out && m.Mailbox == p.mailbox.ID &&
		(a.oursByID || at == a.item.ID || at == ticket.LocalProviderID(m.ID)), nil
}
