package ticket_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// world makes evidence and candidates out of few ids, so that they meet often.
type world struct{ *rand.Rand }

func (w world) fp() ticket.Fingerprint {
	if w.IntN(8) == 0 {
		return ticket.Fingerprint{}
	}
	return fp(byte(w.IntN(6)))
}

func (w world) fps() (out []ticket.Fingerprint) {
	for range w.IntN(4) {
		out = append(out, w.fp())
	}
	return out
}

func (w world) ids() (out []ticket.ID) {
	for range w.IntN(3) {
		if w.IntN(8) == 0 {
			out = append(out, ticket.ID{})
			continue
		}
		out = append(out, tid(byte(50+w.IntN(8))))
	}
	return out
}

func (w world) evidence() ticket.Evidence {
	return ticket.Evidence{
		Tokens: w.ids(), SubjectTokens: w.ids(), MessageID: w.fp(), InReplyTo: w.fps(), References: w.fps(),
		Thread: w.fp(), From: w.fp(), Subject: w.fp(), Own: w.IntN(10) == 0,
		Verified: []ticket.Verdict{"", ticket.VerdictPass, ticket.VerdictFail}[w.IntN(3)],
	}
}

// candidates returns some, each ticket once, some of them touched at the same
// instant.
func (w world) candidates() (out []ticket.Candidate) {
	for n := range w.IntN(6) {
		c := ticket.Candidate{
			Ticket: ticket.Ticket{
				ID: tid(byte(n + 1)), Status: []ticket.Status{ticket.Open, ticket.Pending, ticket.Closed}[w.IntN(3)],
				UpdatedAt: noon.Add(time.Duration(w.IntN(3)) * time.Minute),
				ClosedAt:  noon.Add(time.Duration(w.IntN(3)) * time.Minute),
			},
			Messages: w.ids(),
		}
		for range w.IntN(6) {
			c.Hits = append(c.Hits, ticket.Hit{Fingerprint: w.fp(), Role: []ticket.HitRole{hitM, hitR, hitT}[w.IntN(3)]})
		}
		for n := range w.IntN(4) {
			c.Members = append(c.Members, ticket.Member{Address: fp(byte(n)), Pending: w.IntN(2) == 0})
		}
		out = append(out, c)
	}
	return out
}

func (w world) rules() ticket.Rules {
	return ticket.Rules{ReopenWithin: time.Duration(w.IntN(3)) * time.Minute}
}

// TestMatchProperties holds what is true of any evidence and any candidates.
func TestMatchProperties(t *testing.T) {
	joins := 0
	for seed := range uint64(4000) {
		w := world{rand.New(rand.NewPCG(seed, 1))}
		ev, cands, rules, now := w.evidence(), w.candidates(), w.rules(), noon.Add(2*time.Minute)
		d := ticket.Match(ev, cands, rules, now)
		if !d.Join.IsZero() {
			joins++
		}
		checkDecision(t, d, ev, cands, rules, now)

		mixed := slices.Clone(cands)
		w.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
		if diff := cmp.Diff(d, ticket.Match(ev, mixed, rules, now)); diff != "" {
			t.Fatalf("seed %d: the order of candidates decides: %s", seed, diff)
		}

		var b ticket.Board
		for _, c := range mixed {
			b.Put(c)
		}
		if diff := cmp.Diff(d, b.Match(ev, rules, now)); diff != "" {
			t.Fatalf("seed %d: the board decides otherwise: %s", seed, diff)
		}
		if t.Failed() {
			t.Fatalf("seed %d: %+v\n%+v\n%+v", seed, ev, cands, d)
		}
	}
	if joins < 400 {
		t.Fatalf("only %d of the random mails joined: the test tests little", joins)
	}
}

func checkDecision(t *testing.T, d ticket.Decision, ev ticket.Evidence, cands []ticket.Candidate, r ticket.Rules, now time.Time) {
	t.Helper()
	if d.Trace.Explain() == "" || d.Trace.Rung == "" || d.Trace.Standing == "" {
		t.Errorf("a decision without reason: %+v", d)
	}
	if d.Join.IsZero() != (d.Trace.Rung == ticket.RungNone) || !d.Join.IsZero() && !d.Related.IsZero() {
		t.Errorf("a decision that contradicts itself: %+v", d)
	}
	if d.Join.IsZero() {
		return
	}
	i := slices.IndexFunc(cands, func(c ticket.Candidate) bool { return c.Ticket.ID == d.Join })
	if i < 0 || r.Expired(cands[i].Ticket, now) {
		t.Errorf("it joins what is no candidate or expired: %+v", d)
		return
	}
	member := slices.ContainsFunc(cands[i].Members, func(m ticket.Member) bool { return !ev.From.IsZero() && m.Address == ev.From })
	proof := d.Trace.Rung == ticket.RungToken || d.Trace.Rung == ticket.RungSubjectToken
	if !ev.Own && !proof && (!member || ev.Verified == ticket.VerdictFail) {
		t.Errorf("a stranger or forger joined by %s", d.Trace.Rung)
	}
	if !ev.Own && d.Trace.Standing == participant && (!member || ev.Verified == ticket.VerdictFail) {
		t.Errorf("a stranger or forger became participant by %s", d.Trace.Rung)
	}
}

// FuzzMatch: no evidence and no candidates can make it panic or admit whom it
// must not.
func FuzzMatch(f *testing.F) {
	f.Add(uint64(1), uint64(2), int64(0))
	f.Fuzz(func(t *testing.T, a, b uint64, elapsed int64) {
		now := noon.Add(time.Duration(elapsed))
		one, other := world{rand.New(rand.NewPCG(a, b))}, world{rand.New(rand.NewPCG(b, a))}
		ev, cands, rules := one.evidence(), other.candidates(), other.rules()
		// Tickets may come twice; then only that it answers is promised.
		ticket.Match(ev, append(cands, one.candidates()...), rules, now)
		checkDecision(t, ticket.Match(ev, cands, rules, now), ev, cands, rules, now)
	})
}

// TestBoardPage decides a page in which each mail answers the one before,
// without a store in between.
func TestBoardPage(t *testing.T) {
	var b ticket.Board
	if _, ok := b.Ticket(tid(1)); ok || b.Members(tid(1)) != nil {
		t.Fatal("the zero board knows a ticket")
	}
	first := ticket.Evidence{MessageID: fp(1), From: fp(ann), References: fps(9)}
	if d := b.Match(first, ticket.Rules{}, noon); !d.Join.IsZero() {
		t.Fatalf("an empty board: %+v", d)
	}
	b.Put(ticket.Candidate{
		Ticket: ticket.Ticket{ID: tid(1), Status: ticket.Open}, Hits: first.Hits(),
		Members: []ticket.Member{{Address: fp(ann)}}, Messages: []ticket.ID{tid(51)},
	})
	for _, c := range []struct {
		name string
		ev   ticket.Evidence
		rung ticket.Rung
	}{
		{"an answer", ticket.Evidence{MessageID: fp(2), InReplyTo: fps(1)}, ticket.RungInReplyTo},
		{"an answer to the answer", ticket.Evidence{MessageID: fp(3), InReplyTo: fps(2)}, ticket.RungInReplyTo},
		{"the mail they all refer to, late", ticket.Evidence{MessageID: fp(9)}, ticket.RungSiblings},
		{"another that refers to it", ticket.Evidence{MessageID: fp(4), References: fps(9)}, ticket.RungReferences},
		{"the same thread", ticket.Evidence{MessageID: fp(5), InReplyTo: fps(4), Thread: fp(thread)}, ticket.RungInReplyTo},
		{"only the thread", ticket.Evidence{MessageID: fp(6), Thread: fp(thread)}, ticket.RungThread},
		{"only the token", ticket.Evidence{MessageID: fp(7), Tokens: []ticket.ID{tid(51)}}, ticket.RungToken},
	} {
		c.ev.From = fp(ann)
		d := b.Match(c.ev, ticket.Rules{}, noon)
		if d.Join != tid(1) || d.Trace.Rung != c.rung {
			t.Fatalf("%s: %+v", c.name, d)
		}
		tk, _ := b.Ticket(d.Join)
		tk.Version++
		b.Put(ticket.Candidate{Ticket: tk, Hits: c.ev.Hits()})
	}
	if tk, ok := b.Ticket(tid(1)); !ok || tk.Version != 7 {
		t.Fatalf("%+v, %v", tk, ok)
	}
	if d := b.Match(ticket.Evidence{MessageID: fp(8), InReplyTo: fps(7), From: fp(bob)}, ticket.Rules{}, noon); !d.Join.IsZero() || d.Related != tid(1) {
		t.Fatalf("a stranger: %+v", d)
	}
}

func TestBoardMembers(t *testing.T) {
	var b ticket.Board
	put := func(ms ...ticket.Member) {
		b.Put(ticket.Candidate{Ticket: ticket.Ticket{ID: tid(1)}, Members: ms})
	}
	put(ticket.Member{Address: fp(ann), Contact: tid(9), Pending: true}, ticket.Member{Address: fp(bob), Pending: true})
	put(ticket.Member{Address: fp(ann)})
	put(ticket.Member{Address: fp(ann), Pending: true}, ticket.Member{Address: fp(102)})
	want := []ticket.Member{{Address: fp(ann), Contact: tid(9)}, {Address: fp(bob), Pending: true}, {Address: fp(102)}}
	if d := cmp.Diff(want, b.Members(tid(1))); d != "" {
		t.Fatalf("one who is there keeps the better standing: %s", d)
	}
}

// TestBoardSharedMessage: what two tickets claim reaches both.
func TestBoardSharedMessage(t *testing.T) {
	var b ticket.Board
	one, two := cand(1), closedAt(cand(2), noon)
	two.Messages = one.Messages
	for _, c := range []ticket.Candidate{one, two} {
		b.Put(c)
	}
	ev := ticket.Evidence{From: fp(ann), Tokens: one.Messages}
	rules, now := ticket.Rules{ReopenWithin: time.Hour}, noon.Add(2*time.Hour)
	if d := cmp.Diff(ticket.Match(ev, []ticket.Candidate{one, two}, rules, now), b.Match(ev, rules, now)); d != "" {
		t.Fatal(d)
	}
}

// TestBoardKeepsItsOwn: putting does not keep the caller's slices.
func TestBoardKeepsItsOwn(t *testing.T) {
	var b ticket.Board
	c := cand(1, hit(7, hitM))
	b.Put(c)
	c.Hits[0], c.Members[0], c.Messages[0] = ticket.Hit{}, ticket.Member{}, ticket.ID{}
	if d := b.Match(ticket.Evidence{From: fp(ann), InReplyTo: fps(7)}, ticket.Rules{}, noon); d.Join != tid(1) {
		t.Fatalf("%+v", d)
	}
}

func TestHits(t *testing.T) {
	for _, c := range []struct {
		ev   ticket.Evidence
		want []ticket.Hit
	}{
		{ticket.Evidence{}, nil},
		{ticket.Evidence{From: fp(1), Subject: fp(2)}, nil},
		{
			ticket.Evidence{MessageID: fp(1), InReplyTo: fps(2, 2), References: append(fps(2, 3, 1), ticket.Fingerprint{}), Thread: fp(4)},
			[]ticket.Hit{hit(1, hitM), hit(2, hitR), hit(3, hitR), hit(1, hitR), hit(4, hitT)},
		},
	} {
		if d := cmp.Diff(c.want, c.ev.Hits(), cmpopts.EquateEmpty()); d != "" {
			t.Error(d)
		}
	}
}
