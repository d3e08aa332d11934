package ticket_test

import (
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// TestMatchPolicies: what the tenant's rules change about an answer by ids.
func TestMatchPolicies(t *testing.T) {
	from := func(who byte, edit func(*ticket.Evidence)) ticket.Evidence {
		ev := ticket.Evidence{From: fp(who), InReplyTo: fps(1)}
		if edit != nil {
			edit(&ev)
		}
		return ev
	}
	verified := func(ev *ticket.Evidence) { ev.Domain, ev.Verified = fp(7), ticket.VerdictPass }
	domain := func(pending bool) ticket.Candidate {
		return members(cand(1, hit(1, hitM)), ticket.Member{Address: fp(ann), Domain: fp(7), Pending: pending})
	}
	titled := func(n byte) ticket.Candidate {
		c := cand(1, hit(1, hitM))
		c.Ticket.Title = fp(n)
		return c
	}
	title := func(n byte) func(*ticket.Evidence) {
		return func(ev *ticket.Evidence) { ev.Title = fp(n) }
	}
	report := func(about ...byte) func(*ticket.Evidence) {
		return func(ev *ticket.Evidence) { ev.Report, ev.Reported = true, fps(about...) }
	}
	for _, c := range []struct {
		name     string
		ev       ticket.Evidence
		c        ticket.Candidate
		r        ticket.Rules
		joins    bool
		standing ticket.Standing
		hold     bool
	}{
		{"a colleague, by default", from(bob, verified), domain(false), ticket.Rules{}, false, participant, false},
		{"a colleague", from(bob, verified), domain(false), ticket.Rules{Colleagues: true}, true, pending, false},
		{"a colleague of somebody pending", from(bob, verified), domain(true), ticket.Rules{Colleagues: true}, false, participant, false},
		{"a colleague nobody vouches for", from(bob, func(ev *ticket.Evidence) { ev.Domain = fp(7) }), domain(false), ticket.Rules{Colleagues: true}, false, participant, false},
		{"a forged colleague", from(bob, func(ev *ticket.Evidence) { ev.Domain, ev.Verified = fp(7), ticket.VerdictFail }), domain(false), ticket.Rules{Colleagues: true}, false, unverified, false},
		{"two without organisations", from(bob, func(ev *ticket.Evidence) { ev.Verified = ticket.VerdictPass }), cand(1, hit(1, hitM)), ticket.Rules{Colleagues: true}, false, participant, false},
		{"a stranger who is held", from(bob, nil), cand(1, hit(1, hitM)), ticket.Rules{HoldStrangers: true}, false, participant, true},
		{"a participant is not held", from(ann, nil), cand(1, hit(1, hitM)), ticket.Rules{HoldStrangers: true}, true, participant, false},
		{"a late answer is not held", from(ann, nil), closedAt(cand(1, hit(1, hitM)), noon.Add(-time.Hour)), ticket.Rules{HoldStrangers: true, ReopenWithin: time.Minute}, false, participant, false},
		{"new mail is not held", ticket.Evidence{From: fp(bob)}, cand(1, hit(1, hitM)), ticket.Rules{HoldStrangers: true}, false, participant, false},
		{"another subject, by default", from(ann, title(2)), titled(1), ticket.Rules{}, true, participant, false},
		{"another subject", from(ann, title(2)), titled(1), ticket.Rules{SplitSubjects: true}, false, participant, false},
		{"the same subject", from(ann, title(1)), titled(1), ticket.Rules{SplitSubjects: true}, true, participant, false},
		{"no subject", from(ann, nil), titled(1), ticket.Rules{SplitSubjects: true}, true, participant, false},
		{"a ticket without a subject", from(ann, title(1)), cand(1, hit(1, hitM)), ticket.Rules{SplitSubjects: true}, true, participant, false},
		{"another subject of an agent", from(ann, func(ev *ticket.Evidence) { ev.Title, ev.Own = fp(2), true }), titled(1), ticket.Rules{SplitSubjects: true}, true, own, false},
		{"a bounce of mail to a participant", from(bob, report(ann)), cand(1, hit(1, hitM)), ticket.Rules{HoldStrangers: true, SplitSubjects: true}, true, ticket.StandingReport, false},
		{"a bounce of mail to somebody else", from(bob, report(bob)), cand(1, hit(1, hitM)), ticket.Rules{}, false, participant, false},
		{"a bounce that names nobody", from(bob, report()), cand(1, hit(1, hitM)), ticket.Rules{HoldStrangers: true}, false, participant, false},
		{"a forged bounce", from(bob, func(ev *ticket.Evidence) { report(ann)(ev); ev.Verified = ticket.VerdictFail }), cand(1, hit(1, hitM)), ticket.Rules{}, false, participant, false},
		{"a bounce in a participant's name", from(ann, report()), cand(1, hit(1, hitM)), ticket.Rules{}, false, participant, false},
		{"a bounce by our token", ticket.Evidence{From: fp(bob), Tokens: []ticket.ID{tid(51)}, Report: true}, cand(1), ticket.Rules{}, true, ticket.StandingReport, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := ticket.Match(c.ev, []ticket.Candidate{c.c}, c.r, noon)
			if d.Join.IsZero() == c.joins || d.Trace.Standing != c.standing || d.Hold != c.hold {
				t.Errorf("%+v: %s", d, d.Trace.Explain())
			}
			if !c.joins && len(c.ev.InReplyTo) > 0 && d.Related != tid(1) {
				t.Errorf("related to %s", d.Related)
			}
		})
	}
}

// TestMatchMerged: answers to a merged ticket join the one it went into.
func TestMatchMerged(t *testing.T) {
	into := func(n, to byte, hits ...ticket.Hit) ticket.Candidate {
		c := closedAt(cand(n, hits...), noon)
		c.Ticket.Merged = tid(to)
		return c
	}
	stranger := func(c ticket.Candidate) ticket.Candidate { return members(c) }
	for _, c := range []struct {
		name  string
		cands []ticket.Candidate
		r     ticket.Rules
		join  byte
		rel   byte
	}{
		{"once", []ticket.Candidate{into(1, 2, hit(1, hitM)), cand(2)}, ticket.Rules{}, 2, 0},
		{"long after", []ticket.Candidate{into(1, 2, hit(1, hitM)), cand(2)}, ticket.Rules{ReopenWithin: time.Minute}, 2, 0},
		{"twice", []ticket.Candidate{into(1, 2, hit(1, hitM)), into(2, 3), cand(3)}, ticket.Rules{}, 3, 0},
		{"who is not on the other", []ticket.Candidate{into(1, 2, hit(1, hitM)), stranger(cand(2))}, ticket.Rules{}, 2, 0},
		{"by a stranger", []ticket.Candidate{stranger(into(1, 2, hit(1, hitM))), cand(2)}, ticket.Rules{}, 0, 2},
		{"into one long closed", []ticket.Candidate{into(1, 2, hit(1, hitM)), closedAt(cand(2), noon.Add(-time.Hour))}, ticket.Rules{ReopenWithin: time.Minute}, 0, 2},
		{"into one that is gone", []ticket.Candidate{into(1, 2, hit(1, hitM))}, ticket.Rules{}, 0, 1},
		{"in a circle", []ticket.Candidate{into(1, 2, hit(1, hitM)), into(2, 1)}, ticket.Rules{}, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			check := func(d ticket.Decision) {
				t.Helper()
				want := func(n byte) ticket.ID {
					if n == 0 {
						return ticket.ID{}
					}
					return tid(n)
				}
				if d.Join != want(c.join) || d.Related != want(c.rel) || len(d.Links) > 0 {
					t.Errorf("joins %s, related to %s, links %v: %s", d.Join, d.Related, d.Links, d.Trace.Explain())
				}
			}
			ev := ticket.Evidence{From: fp(ann), InReplyTo: fps(1)}
			check(ticket.Match(ev, c.cands, c.r, noon.Add(time.Minute*2)))
			var b ticket.Board
			for _, x := range c.cands {
				b.Put(x)
			}
			check(b.Match(ev, c.r, noon.Add(time.Minute*2)))
		})
	}
}

func TestMerge(t *testing.T) {
	a, _ := ticket.Start(ticket.Opening{ID: tid(1)}, ticket.ByContact(), noon)
	m, events := a.Merge(tid(2), ticket.ByAgent("kari"), noon.Add(time.Hour))
	if m.Merged != tid(2) || m.Status != ticket.Closed || m.Version != a.Version+1 || len(events) != 2 || events[0].Type != ticket.TicketMerged || events[0].To != tid(2).String() {
		t.Errorf("%+v, events %+v", m, events)
	}
	for _, into := range []ticket.ID{tid(1), tid(2), {}} {
		if again, events := m.Merge(into, ticket.BySystem(), noon); again.Version != m.Version || len(events) > 0 {
			t.Errorf("into %s again: %+v", into, events)
		}
	}
	if out, _ := m.SetStatus(ticket.Open, ticket.ByAgent("kari"), noon); !out.Merged.IsZero() {
		t.Error("opened again, it is still merged")
	}
}
