package ticket_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/helpdesk-go/helpdesk/ticket"
)

func fp(n byte) ticket.Fingerprint { return ticket.Fingerprint{0: 1, 16: n} }
func tid(n byte) ticket.ID         { return ticket.ID{6: 0x70, 8: 0x80, 15: n} }

const (
	ann, bob    = 100, 101 // senders
	thread      = 200
	hitM, hitR  = ticket.HitMessageID, ticket.HitReference
	hitT        = ticket.HitThread
	participant = ticket.StandingParticipant
	pending     = ticket.StandingPending
	unverified  = ticket.StandingUnverified
	own         = ticket.StandingOwn
)

// cand is ticket n with ann on it, touched n minutes after noon.
func cand(n byte, hits ...ticket.Hit) ticket.Candidate {
	return ticket.Candidate{
		Ticket:   ticket.Ticket{ID: tid(n), Status: ticket.Open, UpdatedAt: noon.Add(time.Duration(n) * time.Minute)},
		Members:  []ticket.Member{{Address: fp(ann)}},
		Hits:     hits,
		Messages: []ticket.ID{tid(n + 50)},
	}
}

func hit(n byte, role ticket.HitRole) ticket.Hit { return ticket.Hit{Fingerprint: fp(n), Role: role} }

func fps(ns ...byte) []ticket.Fingerprint {
	var out []ticket.Fingerprint
	for _, n := range ns {
		out = append(out, fp(n))
	}
	return out
}

func closedAt(c ticket.Candidate, at time.Time) ticket.Candidate {
	c.Ticket.Status, c.Ticket.ClosedAt = ticket.Closed, at
	return c
}

func members(c ticket.Candidate, ms ...ticket.Member) ticket.Candidate {
	c.Members = ms
	return c
}

func step(r ticket.Rung, n byte, outcome string) ticket.Step {
	s := ticket.Step{Rung: r, Outcome: outcome}
	if n != 0 {
		s.Ticket = tid(n)
	}
	return s
}

// rungs has, for each rung, evidence that reaches ticket 1 by it alone.
var rungs = []struct {
	rung  ticket.Rung
	proof bool
	ev    ticket.Evidence
	cand  ticket.Candidate
}{
	{ticket.RungToken, true, ticket.Evidence{Tokens: []ticket.ID{tid(51)}}, cand(1)},
	{ticket.RungInReplyTo, false, ticket.Evidence{InReplyTo: fps(1)}, cand(1, hit(1, hitM))},
	{ticket.RungReferences, false, ticket.Evidence{References: fps(1)}, cand(1, hit(1, hitM))},
	{ticket.RungSiblings, false, ticket.Evidence{References: fps(1)}, cand(1, hit(1, hitR))},
	{ticket.RungSiblings, false, ticket.Evidence{InReplyTo: fps(1)}, cand(1, hit(1, hitR))},
	{ticket.RungSiblings, false, ticket.Evidence{MessageID: fp(1)}, cand(1, hit(1, hitR))}, // its answer came first
	{ticket.RungThread, false, ticket.Evidence{Thread: fp(thread)}, cand(1, hit(thread, hitT))},
	{ticket.RungSubjectToken, true, ticket.Evidence{SubjectTokens: []ticket.ID{tid(51)}}, cand(1)},
}

// TestMatchRungs tries every rung with every kind of sender.
func TestMatchRungs(t *testing.T) {
	on, off := ticket.Member{Address: fp(ann)}, ticket.Member{Address: fp(bob)}
	waiting := ticket.Member{Address: fp(ann), Pending: true}
	for _, who := range []struct {
		name     string
		from     ticket.Fingerprint
		verdict  ticket.Verdict
		own      bool
		members  []ticket.Member
		standing ticket.Standing
		proven   bool // joins only by a rung that proves
	}{
		{"participant", fp(ann), "", false, []ticket.Member{off, on}, participant, false},
		{"verified participant", fp(ann), ticket.VerdictPass, false, []ticket.Member{on}, participant, false},
		{"pending", fp(ann), "", false, []ticket.Member{waiting}, pending, false},
		{"forged participant", fp(ann), ticket.VerdictFail, false, []ticket.Member{on}, unverified, true},
		{"forged pending", fp(ann), ticket.VerdictFail, false, []ticket.Member{waiting}, unverified, true},
		{"stranger", fp(ann), "", false, []ticket.Member{off}, pending, true},
		{"verified stranger", fp(ann), ticket.VerdictPass, false, []ticket.Member{off}, pending, true},
		{"nobody on it", fp(ann), "", false, nil, pending, true},
		{"no sender", ticket.Fingerprint{}, "", false, []ticket.Member{{}}, pending, true},
		{"own mail", fp(bob), "", true, []ticket.Member{on}, own, false},
		{"own mail that fails checks", fp(bob), ticket.VerdictFail, true, nil, own, false},
	} {
		for _, r := range rungs {
			t.Run(who.name+" by "+string(r.rung), func(t *testing.T) {
				ev, c := r.ev, members(r.cand, who.members...)
				ev.From, ev.Verified, ev.Own = who.from, who.verdict, who.own
				d := ticket.Match(ev, []ticket.Candidate{cand(2), c, cand(3)}, ticket.Rules{}, noon)
				if r.proof || !who.proven {
					if d.Join != tid(1) || !d.Related.IsZero() || d.Trace.Rung != r.rung || d.Trace.Standing != who.standing {
						t.Fatalf("%+v, want it to join as %s", d, who.standing)
					}
					if last := d.Trace.Steps[len(d.Trace.Steps)-1]; last != step(r.rung, 1, ticket.OutcomeJoined) {
						t.Fatalf("last step is %+v", last)
					}
					return
				}
				if !d.Join.IsZero() || d.Related != tid(1) || d.Trace.Rung != ticket.RungNone {
					t.Fatalf("%+v, want a new ticket related to it", d)
				}
				if !hasStep(d, step(r.rung, 1, ticket.OutcomeStranger)) {
					t.Fatalf("steps are %+v", d.Trace.Steps)
				}
			})
		}
	}
}

func hasStep(d ticket.Decision, want ticket.Step) bool {
	for _, s := range d.Trace.Steps {
		if s == want {
			return true
		}
	}
	return false
}

// TestMatchPrecedence: with evidence for all rungs, taking away the strongest
// one leaves the next.
func TestMatchPrecedence(t *testing.T) {
	ev := ticket.Evidence{
		From: fp(ann), Tokens: []ticket.ID{tid(51)}, InReplyTo: fps(2), References: fps(3, 4), Thread: fp(thread),
		SubjectTokens: []ticket.ID{tid(56)},
	}
	cands := []ticket.Candidate{
		cand(6), cand(5, hit(thread, hitT)), cand(4, hit(4, hitR)), cand(3, hit(3, hitM)), cand(2, hit(2, hitM)), cand(1),
	}
	order := []ticket.Rung{
		ticket.RungToken, ticket.RungInReplyTo, ticket.RungReferences, ticket.RungSiblings, ticket.RungThread, ticket.RungSubjectToken,
	}
	for i, rung := range order {
		d := ticket.Match(ev, cands[:len(cands)-i], ticket.Rules{}, noon)
		if d.Join != tid(byte(i+1)) || d.Trace.Rung != rung {
			t.Errorf("%d: %+v, want %s", i, d, rung)
		}
		var looked []ticket.Rung
		for _, s := range d.Trace.Steps {
			if s.Outcome != ticket.OutcomeLinked {
				looked = append(looked, s.Rung)
			}
		}
		if diff := cmp.Diff(order[:i+1], looked); diff != "" {
			t.Errorf("rungs looked at: %s", diff)
		}
	}
	if d := ticket.Match(ev, nil, ticket.Rules{}, noon); !d.Join.IsZero() || !d.Related.IsZero() || d.Trace.Rung != ticket.RungNone || len(d.Trace.Steps) != 6 {
		t.Errorf("without candidates: %+v", d)
	}
	if d := ticket.Match(ticket.Evidence{}, cands, ticket.Rules{}, noon); !d.Join.IsZero() || len(d.Trace.Steps) != 0 {
		t.Errorf("without evidence: %+v", d)
	}
}

func TestMatch(t *testing.T) {
	month := ticket.Rules{ReopenWithin: 30 * 24 * time.Hour}
	now := noon.Add(60 * 24 * time.Hour)
	stranger := func(c ticket.Candidate) ticket.Candidate { return members(c, ticket.Member{Address: fp(bob)}) }
	for _, c := range []struct {
		name  string
		ev    ticket.Evidence
		cands []ticket.Candidate
		want  ticket.Decision
	}{
		{
			"the newest reference counts, not the newest ticket",
			ticket.Evidence{References: fps(7, 8)},
			[]ticket.Candidate{cand(2, hit(8, hitM)), cand(1, hit(7, hitM))},
			linked(2, joined(1, ticket.RungReferences, participant, step(ticket.RungReferences, 1, ticket.OutcomeJoined),
				step(ticket.RungReferences, 2, ticket.OutcomeLinked))),
		}, {
			"an older reference is tried when the sender is a stranger to the newest",
			ticket.Evidence{References: fps(7, 8)},
			[]ticket.Candidate{cand(2, hit(8, hitM)), stranger(cand(1, hit(7, hitM)))},
			joined(2, ticket.RungReferences, participant,
				step(ticket.RungReferences, 1, ticket.OutcomeStranger), step(ticket.RungReferences, 2, ticket.OutcomeJoined)),
		}, {
			"of two tickets with one id the one touched last",
			ticket.Evidence{InReplyTo: fps(7)},
			[]ticket.Candidate{cand(1, hit(7, hitM)), cand(2, hit(7, hitM))},
			linked(1, joined(2, ticket.RungInReplyTo, participant, step(ticket.RungInReplyTo, 2, ticket.OutcomeJoined),
				step(ticket.RungInReplyTo, 1, ticket.OutcomeLinked))),
		}, {
			"a ticket found by two ids is looked at once",
			ticket.Evidence{InReplyTo: fps(7, 8)},
			[]ticket.Candidate{stranger(cand(1, hit(7, hitM), hit(8, hitM)))},
			refused(1, step(ticket.RungInReplyTo, 1, ticket.OutcomeStranger), step(ticket.RungSiblings, 0, ticket.OutcomeNone)),
		}, {
			"a stranger by ids joins by the token in the subject",
			ticket.Evidence{InReplyTo: fps(7), SubjectTokens: []ticket.ID{tid(51)}},
			[]ticket.Candidate{stranger(cand(1, hit(7, hitM)))},
			joined(1, ticket.RungSubjectToken, pending,
				step(ticket.RungInReplyTo, 1, ticket.OutcomeStranger), step(ticket.RungSiblings, 0, ticket.OutcomeNone),
				step(ticket.RungSubjectToken, 1, ticket.OutcomeJoined)),
		}, {
			"closed too long ago: a new ticket, related",
			ticket.Evidence{InReplyTo: fps(7)},
			[]ticket.Candidate{closedAt(cand(1, hit(7, hitM)), noon)},
			refused(1, step(ticket.RungInReplyTo, 1, ticket.OutcomeExpired), step(ticket.RungSiblings, 0, ticket.OutcomeNone)),
		}, {
			"closed too long ago, even with a token",
			ticket.Evidence{Tokens: []ticket.ID{tid(51)}},
			[]ticket.Candidate{closedAt(cand(1), noon)},
			refused(1, step(ticket.RungToken, 1, ticket.OutcomeExpired)),
		}, {
			"closed a moment ago: it joins",
			ticket.Evidence{InReplyTo: fps(7)},
			[]ticket.Candidate{closedAt(cand(1, hit(7, hitM)), now.Add(-month.ReopenWithin))},
			joined(1, ticket.RungInReplyTo, participant, step(ticket.RungInReplyTo, 1, ticket.OutcomeJoined)),
		}, {
			"an expired ticket gives way to its successor by a weaker rung",
			ticket.Evidence{InReplyTo: fps(7), Thread: fp(thread)},
			[]ticket.Candidate{closedAt(cand(1, hit(7, hitM)), noon), cand(2, hit(thread, hitT))},
			joined(2, ticket.RungThread, participant, step(ticket.RungInReplyTo, 1, ticket.OutcomeExpired),
				step(ticket.RungSiblings, 0, ticket.OutcomeNone), step(ticket.RungThread, 2, ticket.OutcomeJoined)),
		}, {
			"the first ticket pointed at is the related one",
			ticket.Evidence{InReplyTo: fps(7), Thread: fp(thread)},
			[]ticket.Candidate{stranger(cand(2, hit(thread, hitT))), stranger(cand(1, hit(7, hitM)))},
			refused(1, step(ticket.RungInReplyTo, 1, ticket.OutcomeStranger), step(ticket.RungSiblings, 0, ticket.OutcomeNone),
				step(ticket.RungThread, 2, ticket.OutcomeStranger)),
		}, {
			"its own id as a message of a ticket proves nothing: duplicates are not threads",
			ticket.Evidence{MessageID: fp(7)},
			[]ticket.Candidate{cand(1, hit(7, hitM))},
			fresh(step(ticket.RungSiblings, 0, ticket.OutcomeNone)),
		}, {
			"an id is no thread, a thread no id",
			ticket.Evidence{InReplyTo: fps(7), Thread: fp(8)},
			[]ticket.Candidate{cand(1, hit(7, hitT), hit(8, hitM), hit(8, hitR))},
			fresh(step(ticket.RungInReplyTo, 0, ticket.OutcomeNone), step(ticket.RungSiblings, 0, ticket.OutcomeNone),
				step(ticket.RungThread, 0, ticket.OutcomeNone)),
		}, {
			"what is absent joins nothing",
			ticket.Evidence{InReplyTo: []ticket.Fingerprint{{}}, Tokens: []ticket.ID{{}}},
			[]ticket.Candidate{{Ticket: cand(1).Ticket, Members: cand(1).Members, Hits: []ticket.Hit{{Role: hitM}, {Role: hitR}}, Messages: []ticket.ID{{}}}},
			fresh(step(ticket.RungToken, 0, ticket.OutcomeNone), step(ticket.RungInReplyTo, 0, ticket.OutcomeNone),
				step(ticket.RungSiblings, 0, ticket.OutcomeNone)),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.ev.From = fp(ann)
			if d := cmp.Diff(c.want, ticket.Match(c.ev, c.cands, month, now)); d != "" {
				t.Fatal(d)
			}
		})
	}
}

func joined(n byte, r ticket.Rung, s ticket.Standing, steps ...ticket.Step) ticket.Decision {
	return ticket.Decision{Join: tid(n), Trace: ticket.Trace{Rung: r, Standing: s, Steps: steps}}
}

func linked(other byte, d ticket.Decision) ticket.Decision {
	d.Links = append(d.Links, tid(other))
	return d
}

func refused(related byte, steps ...ticket.Step) ticket.Decision {
	d := fresh(steps...)
	d.Related = tid(related)
	return d
}

func fresh(steps ...ticket.Step) ticket.Decision {
	return ticket.Decision{Trace: ticket.Trace{Rung: ticket.RungNone, Standing: participant, Steps: steps}}
}

func TestExplain(t *testing.T) {
	none := step(ticket.RungInReplyTo, 0, ticket.OutcomeNone)
	for want, trace := range map[string]ticket.Trace{
		"joined by in-reply-to":                                   {Rung: ticket.RungInReplyTo, Standing: participant},
		"joined by token; the sender is new to the ticket":        {Rung: ticket.RungToken, Standing: pending},
		"joined by token; the sender's address failed its checks": {Rung: ticket.RungToken, Standing: unverified},
		"joined by thread":                                        {Rung: ticket.RungThread, Standing: own},
		"new ticket: it answers nothing that is known here":       {Rung: ticket.RungNone, Steps: []ticket.Step{none}},
		"new ticket: thread pointed at another one, but sender was never on that ticket": {
			Rung: ticket.RungNone, Steps: []ticket.Step{none, step(ticket.RungThread, 1, ticket.OutcomeStranger)},
		},
		"new ticket: token pointed at another one, but that ticket was closed too long ago": {
			Rung: ticket.RungNone, Steps: []ticket.Step{step(ticket.RungToken, 1, ticket.OutcomeExpired)},
		},
	} {
		if got := trace.Explain(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
