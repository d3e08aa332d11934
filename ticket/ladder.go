package ticket

import "slices"

// rung is one step of the ladder with what it looks for.
type rung struct {
	name  Rung
	proof bool
	find  func([]Candidate) []Candidate
}

func ladder(ev Evidence) []rung {
	var out []rung
	add := func(name Rung, proof bool, find func([]Candidate) []Candidate) {
		out = append(out, rung{name, proof, find})
	}
	if len(ev.Tokens) > 0 {
		add(RungToken, true, byMessage(ev.Tokens))
	}
	if len(ev.InReplyTo) > 0 {
		add(RungInReplyTo, false, byHit(ev.InReplyTo, HitMessageID))
	}
	if len(ev.References) > 0 {
		add(RungReferences, false, byHit(ev.References, HitMessageID))
	}
	if shared := siblings(ev); len(shared) > 0 {
		add(RungSiblings, false, byHit(shared, HitReference))
	}
	if !ev.Thread.IsZero() {
		add(RungThread, false, byHit([]Fingerprint{ev.Thread}, HitThread))
	}
	if len(ev.SubjectTokens) > 0 {
		add(RungSubjectToken, true, byMessage(ev.SubjectTokens))
	}
	if !ev.Subject.IsZero() && len(ev.InReplyTo) == 0 && len(ev.References) == 0 {
		add(RungSubject, false, byHit([]Fingerprint{ev.Subject}, HitSubject))
	}
	return out
}

// siblings are the ids under which a ticket may already be waiting for this
// mail: what it refers to, and its own id, which an answer that arrived earlier
// refers to.
func siblings(ev Evidence) []Fingerprint {
	ids := slices.Concat(ev.InReplyTo, ev.References)
	if !ev.MessageID.IsZero() {
		ids = append(ids, ev.MessageID)
	}
	return ids
}

func byMessage(ids []ID) func([]Candidate) []Candidate {
	return func(cands []Candidate) (found []Candidate) {
		for _, id := range ids {
			found = append(found, newest(cands, found, func(c Candidate) bool {
				return !id.IsZero() && slices.Contains(c.Messages, id)
			})...)
		}
		return found
	}
}

func byHit(ids []Fingerprint, role HitRole) func([]Candidate) []Candidate {
	return func(cands []Candidate) (found []Candidate) {
		for _, id := range ids {
			found = append(found, newest(cands, found, func(c Candidate) bool {
				return !id.IsZero() && slices.Contains(c.Hits, Hit{id, role})
			})...)
		}
		return found
	}
}

// newest returns the candidates that fit and are not found yet, most recently
// touched first, so that the answer does not depend on a store's order.
func newest(cands, found []Candidate, fits func(Candidate) bool) []Candidate {
	var out []Candidate
	for _, c := range cands {
		known := slices.ContainsFunc(found, func(f Candidate) bool { return f.Ticket.ID == c.Ticket.ID })
		if !known && fits(c) {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b Candidate) int {
		if n := b.Ticket.UpdatedAt.Compare(a.Ticket.UpdatedAt); n != 0 {
			return n
		}
		return slices.Compare(b.Ticket.ID[:], a.Ticket.ID[:])
	})
	return out
}

// stands tells how the sender relates to a candidate and whether that is
// enough for the rung.
func stands(ev Evidence, c Candidate, proof bool, r Rules) (Standing, bool) {
	switch {
	case ev.Own:
		return StandingOwn, true
	case ev.Report:
		return StandingReport, proof || concerns(ev, c)
	}
	for _, m := range c.Members {
		if m.Address != ev.From || ev.From.IsZero() {
			continue
		}
		switch {
		case ev.Verified == VerdictFail:
			// A forged sender with a token is shown, never trusted; a forged
			// sender with ids that anybody can quote stays outside.
			return StandingUnverified, proof
		case m.Pending:
			return StandingPending, true
		default:
			return StandingParticipant, true
		}
	}
	return StandingPending, proof || r.Colleagues && colleague(ev, c)
}

// colleague tells whether a proven sender is of the organisation of somebody
// who stands on the ticket in full.
func colleague(ev Evidence, c Candidate) bool {
	return ev.Verified == VerdictPass && !ev.Domain.IsZero() && slices.ContainsFunc(c.Members, func(m Member) bool {
		return !m.Pending && m.Domain == ev.Domain
	})
}

// concerns tells whether a report is about somebody on the ticket. Whoever
// makes one up must know an id of the ticket and an address on it; what he gets
// is a message without standing, which reaches nobody.
func concerns(ev Evidence, c Candidate) bool {
	return ev.Verified != VerdictFail && slices.ContainsFunc(c.Members, func(m Member) bool {
		return slices.Contains(ev.Reported, m.Address)
	})
}
