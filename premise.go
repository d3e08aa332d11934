package helpdesk

import (
	"slices"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// premise states what the decision rests on. A fingerprint with as many tickets
// as are ever looked at says nothing by one more.
func (p *decision) premise(page []*arrival) {
	if len(page) == 0 {
		return
	}
	q := store.Premise{Mailbox: p.mailbox.ID}
	tickets := map[ticket.Fingerprint]int{}
	for _, c := range p.cands {
		q.Tickets = append(q.Tickets, c.Ticket.ID)
		for _, f := range distinctHits(c.Hits) {
			tickets[f]++
		}
	}
	for _, f := range p.prints {
		if tickets[f] < store.CandidatesMost {
			q.Fingerprints = append(q.Fingerprints, f)
		}
	}
	fresh := map[ticket.ID]bool{}
	for _, a := range page {
		fresh[a.message] = a.held == nil
	}
	for _, s := range p.ch.Seen {
		if fresh[s.Object] {
			q.Absent = append(q.Absent, s)
		}
	}
	p.ch.Premises = []store.Premise{q}
}

func distinctHits(hits []ticket.Hit) []ticket.Fingerprint {
	var fps []ticket.Fingerprint
	for _, h := range hits {
		fps = append(fps, h.Fingerprint)
	}
	return distinct(fps)
}

func distinct(fps []ticket.Fingerprint) []ticket.Fingerprint {
	slices.SortFunc(fps, func(a, b ticket.Fingerprint) int { return slices.Compare(a[:], b[:]) })
	fps = slices.Compact(fps)
	return slices.DeleteFunc(fps, ticket.Fingerprint.IsZero)
}
