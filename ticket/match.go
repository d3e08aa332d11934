package ticket

import (
	"slices"
	"time"
)

// Rung is a step of the threading ladder, strongest first.
type Rung string

// The rungs, in the order in which they are tried.
const (
	RungToken        Rung = "token"         // our signed Message-ID, marker or plus-token
	RungInReplyTo    Rung = "in-reply-to"   // RFC 5322, section 3.6.4
	RungReferences   Rung = "references"    // newest first
	RungSiblings     Rung = "siblings"      // shares a reference with the ticket, or is what the ticket refers to
	RungThread       Rung = "thread"        // the provider's own thread
	RungSubjectToken Rung = "subject-token" // a signed token in the subject
	RungSubject      Rung = "subject"       // no ids at all: an answer by subject, from the same person, in time
	RungNone         Rung = "none"          // a new ticket
)

// Standing is how the sender relates to the ticket.
type Standing string

// The standings.
const (
	// Participant was on the ticket before, or started it.
	StandingParticipant Standing = "participant"
	// Pending holds a token or was copied by a participant, but no agent has
	// taken him in: he gets no mail by himself.
	StandingPending Standing = "pending"
	// Unverified claims the address of a participant and fails the checks of
	// authenticity.
	StandingUnverified Standing = "unverified"
	// Own is mail sent from the mailbox itself.
	StandingOwn Standing = "own"
)

// Verdict is what is known about the authenticity of the sender's address.
type Verdict string

// The verdicts. The zero value is unknown.
const (
	VerdictUnknown Verdict = ""
	VerdictPass    Verdict = "pass"
	VerdictFail    Verdict = "fail"
)

// Evidence is what [Match] knows of an arriving mail: keyed hashes and
// verdicts, no plaintext.
type Evidence struct {
	// Tokens and SubjectTokens are ids of our messages, proven by signature.
	Tokens        []ID
	SubjectTokens []ID
	// MessageID, InReplyTo and References (newest first) are its ids.
	MessageID  Fingerprint
	InReplyTo  []Fingerprint
	References []Fingerprint
	// Thread is the provider's thread.
	Thread Fingerprint
	// From is the sender's address.
	From Fingerprint
	// Subject is the base subject together with the sender. It is set only for
	// a mail that looks like an answer and carries no ids to answer by.
	Subject  Fingerprint
	Verified Verdict
	// Own is set for mail from the mailbox's folder of sent mail.
	Own bool
}

// HitRole says what a known fingerprint is to a ticket.
type HitRole byte

// The roles of a hit.
const (
	HitMessageID HitRole = 'm' // the Message-ID of one of its messages
	HitReference HitRole = 'r' // an id one of its messages refers to
	HitThread    HitRole = 't' // the provider's thread of one of its messages
	HitSubject   HitRole = 's' // the base subject it began with, together with a person it began with
)

// Hit is one reason why a ticket is a candidate.
type Hit struct {
	Fingerprint Fingerprint
	Role        HitRole
}

// Member is an address that is on a ticket.
type Member struct {
	Address Fingerprint
	Contact ID
	Pending bool
}

// Candidate is a ticket that may take a mail.
type Candidate struct {
	Ticket  Ticket
	Members []Member
	Hits    []Hit
	// Messages are those of its messages that a token may name.
	Messages []ID
	// Erased is set for a ticket whose keys are closed or destroyed: nothing
	// can be added to it.
	Erased bool
}

// Step is one rung that was looked at.
type Step struct {
	Rung    Rung   `json:"rung"`
	Ticket  ID     `json:"ticket,omitzero"`
	Outcome string `json:"outcome"`
}

// stepsMost bounds a trace: who quotes many ids must not fill the store with
// the reasons why he was kept out.
const stepsMost = 12

// The outcomes of a step.
const (
	OutcomeJoined   = "joined"
	OutcomeStranger = "sender was never on that ticket"
	OutcomeExpired  = "that ticket was closed too long ago"
	OutcomeErased   = "that ticket is erased or being erased"
	OutcomeOld      = "nothing happened on that ticket for too long"
	OutcomeLinked   = "linked: the mail belongs to that ticket as well"
	OutcomeNone     = "nothing known"
)

// Trace is why a message is where it is, for an agent to read.
type Trace struct {
	Rung     Rung     `json:"rung"`
	Standing Standing `json:"standing,omitempty"`
	Steps    []Step   `json:"steps,omitempty"`
}

// Explain says the trace in one English sentence.
func (t Trace) Explain() string {
	if t.Rung != RungNone && t.Rung != "" {
		s := "joined by " + string(t.Rung)
		if t.Standing == StandingPending {
			s += "; the sender is new to the ticket"
		}
		if t.Standing == StandingUnverified {
			s += "; the sender's address failed its checks"
		}
		return s
	}
	for _, s := range t.Steps {
		if s.Outcome != OutcomeNone {
			return "new ticket: " + string(s.Rung) + " pointed at another one, but " + s.Outcome
		}
	}
	return "new ticket: it answers nothing that is known here"
}

// Decision is the answer of [Match].
type Decision struct {
	// Join is the ticket, or zero for a new one.
	Join ID
	// Related is a ticket that a new one is about without joining it.
	Related ID
	// Links are other tickets that a mail which joins one belongs to as well.
	// They stay tickets of their own: both may have been worked on already.
	Links []ID
	Trace Trace
}

// linksMost bounds how many tickets one mail can link.
const linksMost = 5

// Match decides which ticket a mail belongs to. It is the only path to
// threading: stores find candidates, this decides.
//
// A rung that proves possession of something only we gave out (a signed token)
// admits anybody, new senders as pending. A rung that anybody can write (ids,
// threads) admits only those who are on the ticket already. The candidates hold
// a ticket once each; their order does not matter.
func Match(ev Evidence, cands []Candidate, r Rules, now time.Time) Decision {
	d := Decision{Trace: Trace{Rung: RungNone, Standing: StandingParticipant}}
	if ev.Own {
		d.Trace.Standing = StandingOwn
	}
	for _, rung := range ladder(ev) {
		found := rung.find(cands)
		if len(found) == 0 {
			d.Trace.Steps = append(d.Trace.Steps, Step{Rung: rung.name, Outcome: OutcomeNone})
			continue
		}
		for _, c := range found {
			standing, ok := stands(ev, c, rung.proof)
			outcome := OutcomeJoined
			switch {
			case c.Erased:
				outcome = OutcomeErased
			case !ok:
				outcome = OutcomeStranger
			case r.Expired(c.Ticket, now):
				outcome = OutcomeExpired
			case rung.name == RungSubject && r.tooOldForSubject(c.Ticket, now):
				outcome = OutcomeOld
			}
			if len(d.Trace.Steps) < stepsMost || outcome == OutcomeJoined {
				d.Trace.Steps = append(d.Trace.Steps, Step{Rung: rung.name, Ticket: c.Ticket.ID, Outcome: outcome})
			}
			if outcome == OutcomeJoined {
				d.Join, d.Trace.Rung, d.Trace.Standing = c.Ticket.ID, rung.name, standing
				d.Related = ID{}
				return bridge(d, ev, cands, r, now)
			}
			if d.Related.IsZero() {
				d.Related = c.Ticket.ID
			}
		}
	}
	return d
}

// bridge adds the links of a mail that joins a ticket: the other tickets that
// its ids reach and its sender stands on. Threads and subjects link nothing:
// providers put unlike mails in one thread.
func bridge(d Decision, ev Evidence, cands []Candidate, r Rules, now time.Time) Decision {
	for _, rung := range ladder(ev) {
		if rung.name == RungThread || rung.name == RungSubject || rung.name == RungSubjectToken {
			continue
		}
		for _, c := range rung.find(cands) {
			_, ok := stands(ev, c, rung.proof)
			if id := c.Ticket.ID; ok && !c.Erased && !r.Expired(c.Ticket, now) && id != d.Join && !slices.Contains(d.Links, id) && len(d.Links) < linksMost {
				d.Links = append(d.Links, id)
				d.Trace.Steps = append(d.Trace.Steps, Step{Rung: rung.name, Ticket: id, Outcome: OutcomeLinked})
			}
		}
	}
	return d
}

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
func stands(ev Evidence, c Candidate, proof bool) (Standing, bool) {
	if ev.Own {
		return StandingOwn, true
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
	return StandingPending, proof
}
