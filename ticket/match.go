package ticket

import (
	"slices"
	"time"
)

// Rung is a step of the threading ladder, strongest first.
type Rung string

// The rungs, in the order in which they are tried.
const (
	RungReport       Rung = "report"        // a bounce names a mail of ours by the id that the provider gave it
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
	switch t.Standing {
	case StandingPending:
		return t.where() + "; the sender is new to the ticket"
	case StandingUnverified:
		return t.where() + "; the sender's address failed its checks"
	case StandingReport:
		return t.where() + "; a report about a mail of this ticket"
	}
	return t.where()
}

func (t Trace) where() string {
	if t.Rung != RungNone && t.Rung != "" {
		return "joined by " + string(t.Rung)
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
	m := match{ev, fieldOf(ev, cands), r, now}
	d := Decision{Trace: Trace{Rung: RungNone, Standing: starts(ev)}}
	rungs := ladder(ev)
	for _, g := range rungs {
		found := m.find(g)
		if len(found) == 0 {
			d.Trace.Steps = append(d.Trace.Steps, Step{Rung: g.name, Outcome: OutcomeNone})
			continue
		}
		for _, c := range found {
			into, outcome := m.judge(g, c)
			if into.ID != c.Ticket.ID {
				d.note(Step{Rung: g.name, Ticket: c.Ticket.ID, Outcome: OutcomeMerged})
			}
			d.note(Step{Rung: g.name, Ticket: into.ID, Outcome: outcome})
			if outcome == OutcomeJoined {
				d.Join, d.Trace.Rung, d.Trace.About = into.ID, g.name, about(ev, g, c)
				d.Trace.Standing, _ = stands(ev, c, g.proof, r)
				d.Related, d.Hold = ID{}, false
				return m.bridge(d, rungs)
			}
			if d.Related.IsZero() {
				d.Related = into.ID
			}
			d.Hold = d.Hold || outcome == OutcomeStranger && r.HoldStrangers && !ev.Report
		}
	}
	return d
}

// match is what one mail is decided on.
type match struct {
	ev Evidence
	field
	r   Rules
	now time.Time
}

// about is the message of ours that put a report on its ticket.
func about(ev Evidence, g rung, c Candidate) ID {
	if i := slices.IndexFunc(g.messages, func(m ID) bool { return slices.Contains(c.Messages, m) }); ev.Report && i >= 0 {
		return g.messages[i]
	}
	return ID{}
}

// note adds a step while there is room; the last one, which joins, always has.
func (d *Decision) note(s Step) {
	if len(d.Trace.Steps) < stepsMost || s.Outcome == OutcomeJoined {
		d.Trace.Steps = append(d.Trace.Steps, s)
	}
}

// judge says whether the mail may join what a rung found. The sender is judged
// on the ticket that was found, all else on the one it was merged into.
func (m match) judge(g rung, c Candidate) (Ticket, string) {
	into, ok := m.merged(c)
	t := into.Ticket
	_, known := stands(m.ev, c, g.proof, m.r)
	switch {
	case !ok:
		return t, OutcomeMerged
	case c.Erased || into.Erased:
		return t, OutcomeErased
	case !known:
		return t, OutcomeStranger
	case m.r.Expired(t, m.now):
		return t, OutcomeExpired
	case g.name == RungSubject && m.r.tooOldForSubject(t, m.now):
		return t, OutcomeOld
	case m.r.SplitSubjects && !m.ev.Own && !m.ev.Report && differ(m.ev.Title, c.Ticket.Title):
		return t, OutcomeSubject
	}
	return t, OutcomeJoined
}

// differ tells of two fingerprints that both are known and not the same.
func differ(a, b Fingerprint) bool { return !a.IsZero() && !b.IsZero() && a != b }

// mergesMost bounds how many merges are followed, so that a circle ends.
const mergesMost = 8

// merged follows a ticket to the one that it was merged into.
func (f field) merged(c Candidate) (Candidate, bool) {
	for range mergesMost {
		if c.Ticket.Merged.IsZero() {
			return c, true
		}
		i, ok := f.tickets[c.Ticket.Merged]
		if !ok {
			return c, false
		}
		c = f.cands[i]
	}
	return c, c.Ticket.Merged.IsZero()
}

// bridge adds the links of a mail that joins a ticket: the other tickets that
// its ids reach and its sender stands on. Threads and subjects link nothing:
// providers put unlike mails in one thread.
func (m match) bridge(d Decision, rungs []rung) Decision {
	for _, g := range rungs {
		if g.name == RungThread || g.name == RungSubject || g.name == RungSubjectToken {
			continue
		}
		for _, c := range m.find(g) {
			into, outcome := m.judge(g, c)
			if id := into.ID; outcome == OutcomeJoined && id != d.Join && !slices.Contains(d.Links, id) && len(d.Links) < linksMost {
				d.Links = append(d.Links, id)
				d.Trace.Steps = append(d.Trace.Steps, Step{Rung: g.name, Ticket: id, Outcome: OutcomeLinked})
			}
		}
	}
	return d
}
