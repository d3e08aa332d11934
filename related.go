package helpdesk

import (
	"slices"
	"strings"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox/rfc822"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// link relates the tickets that a mail bridges. Nothing moves between them. A
// ticket names one other; where the one joined names one already, the other
// one names it.
func (p *decision) link(joined ticket.ID, links []ticket.ID, at time.Time) {
	for _, other := range links {
		a, ok := p.board.Ticket(joined)
		b, also := p.board.Ticket(other)
		if !ok || !also || a.Related == other || b.Related == joined {
			continue
		}
		next, events := a.Relate(other, ticket.BySystem(), at)
		if len(events) == 0 {
			next, events = b.Relate(joined, ticket.BySystem(), at)
		}
		if len(events) == 0 {
			continue
		}
		p.ch.Events = append(p.ch.Events, events...)
		p.board.Put(ticket.Candidate{Ticket: next})
		if !slices.Contains(p.touched, next.ID) {
			p.touched = append(p.touched, next.ID)
		}
	}
}

// answersBySubject tells whether a mail can only be placed by its subject: it
// looks like an answer and names no mail that it answers.
func answersBySubject(in ticket.Inbound) bool {
	if len(in.InReplyTo) > 0 || len(in.References) > 0 || in.Kind.Automatic() {
		return false
	}
	bare := strings.TrimPrefix(rfc822.ReplySubject(in.Subject), "Re:")
	return letters(bare) < letters(in.Subject) // a prefix was taken off
}

func letters(s string) (n int) {
	for _, w := range strings.Fields(s) {
		n += len(w)
	}
	return n
}

// subjectPrint is a base subject together with a person, so that everybody's
// "invoice" is his own.
func subjectPrint(h *privacy.Hasher, base, addr string) ticket.Fingerprint {
	if base == "" || addr == "" {
		return ticket.Fingerprint{}
	}
	return h.Fingerprint(privacy.DomainSubject, base+"\x00"+addr)
}

// subjectsMost bounds by how many people a ticket is found by its subject.
const subjectsMost = 10

// subjectHits are under what an answer without ids finds the ticket that this
// mail starts: its sender or, for mail of ours, those it went to.
func subjectHits(in ticket.Inbound, sent bool, h *privacy.Hasher) []ticket.Hit {
	who := in.From[:min(len(in.From), 1)]
	if sent {
		who = slices.Concat(in.To, in.Cc)
	}
	var hits []ticket.Hit
	for _, a := range who[:min(len(who), subjectsMost)] {
		hit := ticket.Hit{Fingerprint: subjectPrint(h, in.BaseSubject, a.Addr), Role: ticket.HitSubject}
		if !hit.Fingerprint.IsZero() && !slices.Contains(hits, hit) {
			hits = append(hits, hit)
		}
	}
	return hits
}
