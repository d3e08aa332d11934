package helpdesk

import (
	"slices"
	"strings"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox/rfc822"
	"github.com/helpdesk-go/helpdesk/mailbox/rfc822/auth"
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
		if !ok || !also || other == joined || a.Related == other || b.Related == joined {
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
	return h.Fingerprint(privacy.DomainSubject, base+"\x00"+inDNS(addr))
}

// addressPrint is an address.
func addressPrint(h *privacy.Hasher, addr string) ticket.Fingerprint {
	return h.Fingerprint(privacy.DomainAddress, inDNS(addr))
}

// inDNS is an address with its domain as it stands in the DNS: mail software
// writes an international one either way (RFC 6531, section 3.7.1).
func inDNS(addr string) string {
	at := strings.LastIndexByte(addr, '@')
	if domain := auth.Domain(addr[at+1:]); at >= 0 && domain != "" {
		return addr[:at+1] + domain
	}
	return addr
}

// titlePrint is a base subject alone, for comparing two mails that ids join.
func titlePrint(h *privacy.Hasher, base string) ticket.Fingerprint {
	return h.Fingerprint(privacy.DomainSubject, base)
}

// domainPrint is the organisation of an address, or zero for one whose domain
// says nothing about who else has it.
func domainPrint(h *privacy.Hasher, addr string) ticket.Fingerprint {
	org := auth.Organisation(addr)
	if org == "" || auth.PublicMail(org) {
		return ticket.Fingerprint{}
	}
	return h.Fingerprint(privacy.DomainAddress, "@"+org)
}

// report adds what a bounce or a complaint says about the mail that it is
// about: its id, like one that is referred to, and whom it was for. It returns
// the id unless that is a token of ours.
func report(ev *ticket.Evidence, in ticket.Inbound, h *privacy.Hasher) (original ticket.Fingerprint) {
	ev.Report = in.Kind == ticket.KindBounce || in.Kind == ticket.KindComplaint
	if !ev.Report || in.Bounce == nil {
		return original
	}
	if id := in.Bounce.OriginalMessageID; id != "" {
		local, _, _ := strings.Cut(id, "@")
		if ours, ok := h.ParseToken(local); ok {
			ev.Tokens = slices.Insert(ev.Tokens, 0, ours)
		} else {
			original = h.Fingerprint(privacy.DomainMessageID, id)
			ev.InReplyTo = slices.Insert(ev.InReplyTo, 0, original)
		}
	}
	for _, r := range in.Bounce.Recipients[:min(len(in.Bounce.Recipients), copiedMost)] {
		if f := addressPrint(h, r.Address); !f.IsZero() {
			ev.Reported = append(ev.Reported, f)
		}
	}
	return original
}

// bounced tells what became of a mail of ours when the report about it names
// it: a hard bounce when every recipient it lists is out of reach for good.
func (p *decision) bounced(a *arrival, t ticket.Ticket, about ticket.ID) {
	cause := "soft"
	switch b := a.mail.Bounce; {
	case a.mail.Kind == ticket.KindComplaint:
		cause = "complaint"
	case b == nil || !slices.ContainsFunc(b.Recipients, failed):
		return // delayed or delivered after all
	case !slices.ContainsFunc(b.Recipients, func(r ticket.BouncedRecipient) bool { return failed(r) && !r.Hard }):
		cause = "hard"
	}
	ev := mailboxEvent(p.mailbox, ticket.MessageBounced, p.now)
	ev.Ticket, ev.Message, ev.Cause = t.ID, about, cause
	p.ch.Events = append(p.ch.Events, ev)
}

// failed reports whether a mail did not reach a recipient (RFC 3464, section
// 2.3.3); bounces that are no delivery status notifications name no action.
func failed(r ticket.BouncedRecipient) bool { return r.Action == "failed" || r.Action == "" }

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
