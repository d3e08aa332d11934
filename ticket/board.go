package ticket

import (
	"slices"
	"time"
)

// Board is the candidates of a page of mails while the page is being decided:
// what was just decided is a candidate for the mails after it. The zero Board
// is empty. It is not safe for concurrent use.
type Board struct {
	cands map[ID]*Candidate
	hits  map[Hit][]ID
	msgs  map[ID][]ID
}

// Put adds a candidate or extends the one of the same ticket.
func (b *Board) Put(c Candidate) {
	if b.cands == nil {
		b.cands, b.hits, b.msgs = map[ID]*Candidate{}, map[Hit][]ID{}, map[ID][]ID{}
	}
	id := c.Ticket.ID
	have := b.cands[id]
	if have == nil {
		have = &Candidate{}
		b.cands[id] = have
	}
	have.Ticket = c.Ticket
	have.Erased = have.Erased || c.Erased
	for _, h := range c.Hits {
		if !slices.Contains(b.hits[h], id) {
			b.hits[h] = append(b.hits[h], id)
			have.Hits = append(have.Hits, h)
		}
	}
	for _, m := range c.Messages {
		if !slices.Contains(b.msgs[m], id) {
			b.msgs[m] = append(b.msgs[m], id)
			have.Messages = append(have.Messages, m)
		}
	}
	for _, m := range c.Members {
		have.admit(m)
	}
}

// admit adds a member; one who is there keeps the better standing.
func (c *Candidate) admit(m Member) {
	i := slices.IndexFunc(c.Members, func(x Member) bool { return x.Address == m.Address })
	if i < 0 {
		c.Members = append(c.Members, m)
		return
	}
	c.Members[i].Pending = c.Members[i].Pending && m.Pending
	if c.Members[i].Domain.IsZero() {
		c.Members[i].Domain = m.Domain
	}
}

// Ticket returns the ticket as the board has it.
func (b *Board) Ticket(id ID) (Ticket, bool) {
	if c := b.cands[id]; c != nil {
		return c.Ticket, true
	}
	return Ticket{}, false
}

// Members returns who is on a ticket.
func (b *Board) Members(id ID) []Member {
	if c := b.cands[id]; c != nil {
		return c.Members
	}
	return nil
}

// Awaiting returns the tickets that refer to a Message-ID and can be linked: a
// few at most, and none that is erased or merged.
func (b *Board) Awaiting(id Fingerprint) (out []ID) {
	for _, t := range b.hits[Hit{id, HitReference}] {
		if c := b.cands[t]; !id.IsZero() && !c.Erased && c.Ticket.Merged.IsZero() && len(out) < linksMost {
			out = append(out, t)
		}
	}
	return out
}

// Match is [Match] over the candidates that the evidence can reach at all.
func (b *Board) Match(ev Evidence, r Rules, now time.Time) Decision {
	var reach []ID
	seen := map[ID]bool{}
	add := func(ids ...ID) {
		for _, id := range ids {
			if !seen[id] {
				seen[id] = true
				reach = append(reach, id)
			}
		}
	}
	for _, g := range ladder(ev) {
		for _, m := range g.messages {
			add(b.msgs[m]...)
		}
		for _, h := range g.hits {
			add(b.hits[h]...)
		}
	}
	cands := make([]Candidate, 0, len(reach))
	for i := 0; i < len(reach); i++ {
		c := b.cands[reach[i]]
		cands = append(cands, *c)
		if into := c.Ticket.Merged; b.cands[into] != nil {
			add(into)
		}
	}
	return Match(ev, cands, r, now)
}

// Hits are the fingerprints under which a mail is found later.
func (ev Evidence) Hits() []Hit {
	var hits []Hit
	add := func(f Fingerprint, role HitRole) {
		h := Hit{f, role}
		if !f.IsZero() && !slices.Contains(hits, h) {
			hits = append(hits, h)
		}
	}
	add(ev.MessageID, HitMessageID)
	for _, f := range ev.InReplyTo {
		add(f, HitReference)
	}
	for _, f := range ev.References {
		add(f, HitReference)
	}
	add(ev.Thread, HitThread)
	return hits
}
