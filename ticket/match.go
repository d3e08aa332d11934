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
	// Report is a bounce or a complaint about a mail of the ticket. It brings
	// nobody onto it and nothing answers it.
	StandingReport Standing = "report"
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
	OutcomeMerged   = "that ticket was merged into another"
	OutcomeSubject  = "its subject is another than that of the ticket"
	OutcomeNone     = "nothing known"
)

// Trace is why a message is where it is, for an agent to read.
type Trace struct {
	Rung     Rung     `json:"rung"`
	Standing Standing `json:"standing,omitempty"`
	Steps    []Step   `json:"steps,omitempty"`
	// About is the message of ours that a bounce or a complaint is about, where
	// it says so.
	About ID `json:"about,omitzero"`
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
		if t.Standing == StandingReport {
			s += "; a report about a mail of this ticket"
		}
		return s
	}
	for _, s := range t.Steps {
		if s.Outcome != OutcomeNone && s.Outcome != OutcomeMerged {
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
	// Hold is set when the tenant wants a person to look before the mail
	// becomes a ticket: its sender quotes a ticket he was never on.
	Hold  bool
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
			into, outcome := rung.judge(ev, c, cands, r, now)
			standing, _ := stands(ev, c, rung.proof, r)
			if into.ID != c.Ticket.ID {
				d.note(Step{Rung: rung.name, Ticket: c.Ticket.ID, Outcome: OutcomeMerged})
			}
			d.note(Step{Rung: rung.name, Ticket: into.ID, Outcome: outcome})
			if outcome == OutcomeJoined {
				d.Join, d.Trace.Rung, d.Trace.Standing = into.ID, rung.name, standing
				d.Related, d.Hold = ID{}, false
				return bridge(d, ev, cands, r, now)
			}
			if d.Related.IsZero() {
				d.Related = into.ID
			}
			d.Hold = d.Hold || outcome == OutcomeStranger && r.HoldStrangers && !ev.Report
		}
	}
	return d
}

// note adds a step while there is room; the last one, which joins, always has.
func (d *Decision) note(s Step) {
	if len(d.Trace.Steps) < stepsMost || s.Outcome == OutcomeJoined {
		d.Trace.Steps = append(d.Trace.Steps, s)
	}
}

// judge says whether a mail may join what a rung found. The sender is judged
// on the ticket that was found, all else on the one it was merged into.
func (g rung) judge(ev Evidence, c Candidate, cands []Candidate, r Rules, now time.Time) (Ticket, string) {
	into, ok := merged(c, cands)
	t := into.Ticket
	_, known := stands(ev, c, g.proof, r)
	switch {
	case !ok:
		return t, OutcomeMerged
	case c.Erased || into.Erased:
		return t, OutcomeErased
	case !known:
		return t, OutcomeStranger
	case r.Expired(t, now):
		return t, OutcomeExpired
	case g.name == RungSubject && r.tooOldForSubject(t, now):
		return t, OutcomeOld
	case r.SplitSubjects && !ev.Own && !ev.Report && differ(ev.Title, c.Ticket.Title):
		return t, OutcomeSubject
	}
	return t, OutcomeJoined
}

// differ tells of two fingerprints that both are known and not the same.
func differ(a, b Fingerprint) bool { return !a.IsZero() && !b.IsZero() && a != b }

// mergesMost bounds how many merges are followed, so that a circle ends.
const mergesMost = 8

// merged follows a ticket to the one that it was merged into.
func merged(c Candidate, cands []Candidate) (Candidate, bool) {
	for range mergesMost {
		if c.Ticket.Merged.IsZero() {
			return c, true
		}
		i := slices.IndexFunc(cands, func(x Candidate) bool { return x.Ticket.ID == c.Ticket.Merged })
		if i < 0 {
			return c, false
		}
		c = cands[i]
	}
	return c, false
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
			into, outcome := rung.judge(ev, c, cands, r, now)
			if id := into.ID; outcome == OutcomeJoined && id != d.Join && !slices.Contains(d.Links, id) && len(d.Links) < linksMost {
				d.Links = append(d.Links, id)
				d.Trace.Steps = append(d.Trace.Steps, Step{Rung: rung.name, Ticket: id, Outcome: OutcomeLinked})
			}
		}
	}
	return d
}
