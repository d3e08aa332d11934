package ticket

import "slices"

// rung is one step of the ladder with what it looks for, in the order in which
// it counts.
type rung struct {
	name     Rung
	proof    bool
	messages []ID
	hits     []Hit
}

func ladder(ev Evidence) []rung {
	all := []rung{
		{name: RungToken, proof: true, messages: ev.Tokens},
		{name: RungInReplyTo, hits: hitsOf(HitMessageID, ev.InReplyTo...)},
		{name: RungReferences, hits: hitsOf(HitMessageID, ev.References...)},
		{name: RungSiblings, hits: hitsOf(HitReference, siblings(ev)...)},
		{name: RungThread, hits: hitsOf(HitThread, known(ev.Thread)...)},
		{name: RungSubjectToken, proof: true, messages: ev.SubjectTokens},
	}
	if !ev.About.IsZero() {
		all = slices.Insert(all, 0, rung{name: RungReport, messages: []ID{ev.About}})
	}
	if len(ev.InReplyTo) == 0 && len(ev.References) == 0 {
		all = append(all, rung{name: RungSubject, hits: hitsOf(HitSubject, known(ev.Subject)...)})
	}
	return slices.DeleteFunc(all, func(g rung) bool { return len(g.messages) == 0 && len(g.hits) == 0 })
}

func hitsOf(role HitRole, ids ...Fingerprint) (hits []Hit) {
	for _, id := range ids {
		hits = append(hits, Hit{id, role})
	}
	return hits
}

func known(f Fingerprint) []Fingerprint {
	if f.IsZero() {
		return nil
	}
	return []Fingerprint{f}
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

// field is the candidates by what a rung looks for. It is made once for a mail,
// so that who quotes many ids costs in proportion to them.
type field struct {
	cands    []Candidate
	tickets  map[ID]int
	messages map[ID][]int
	hits     map[Hit][]int
}

// fieldOf sorts the candidates: those whose sender stands on them in full come
// first, so that a ticket somebody made under the same id to catch his answers
// does not; then the most recently touched ones, so that the answer does not
// depend on a store's order.
func fieldOf(ev Evidence, cands []Candidate) field {
	f := field{slices.Clone(cands), map[ID]int{}, map[ID][]int{}, map[Hit][]int{}}
	slices.SortFunc(f.cands, func(a, b Candidate) int {
		if x, y := a.full(ev.From), b.full(ev.From); x != y {
			if x {
				return -1
			}
			return 1
		}
		if n := b.Ticket.UpdatedAt.Compare(a.Ticket.UpdatedAt); n != 0 {
			return n
		}
		return slices.Compare(b.Ticket.ID[:], a.Ticket.ID[:])
	})
	for i, c := range f.cands {
		f.tickets[c.Ticket.ID] = i
		for _, m := range c.Messages {
			f.messages[m] = append(f.messages[m], i)
		}
		for _, h := range c.Hits {
			f.hits[h] = append(f.hits[h], i)
		}
	}
	return f
}

// find returns the candidates that a rung reaches, once each.
func (f field) find(g rung) (found []Candidate) {
	seen := map[int]bool{}
	add := func(at []int) {
		for _, i := range at {
			if !seen[i] {
				seen[i] = true
				found = append(found, f.cands[i])
			}
		}
	}
	for _, m := range g.messages {
		if !m.IsZero() {
			add(f.messages[m])
		}
	}
	for _, h := range g.hits {
		if !h.Fingerprint.IsZero() {
			add(f.hits[h])
		}
	}
	return found
}

// full reports whether an address stands on the ticket in full.
func (c Candidate) full(from Fingerprint) bool {
	return !from.IsZero() && slices.ContainsFunc(c.Members, func(m Member) bool { return m.Address == from && !m.Pending })
}

// starts is the standing of who starts a ticket of his own.
func starts(ev Evidence) Standing {
	switch {
	case ev.Own:
		return StandingOwn
	case ev.Verified == VerdictFail && !ev.Report:
		return StandingUnverified
	}
	return StandingParticipant
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
