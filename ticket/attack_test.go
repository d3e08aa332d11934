package ticket_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// TestMatchSameID: a stranger starts a ticket of his own with a Message-ID that
// he saw and copies Ann, so that her answer to the real one joins his.
func TestMatchSameID(t *testing.T) {
	real := cand(1, hit(7, hitM))
	trap := members(cand(2, hit(7, hitM)), ticket.Member{Address: fp(bob)}, ticket.Member{Address: fp(ann), Pending: true})
	ev := ticket.Evidence{From: fp(ann), InReplyTo: fps(7)}
	for _, cands := range [][]ticket.Candidate{{real, trap}, {trap, real}} {
		if d := ticket.Match(ev, cands, ticket.Rules{}, noon); d.Join != tid(1) || d.Trace.Standing != participant {
			t.Errorf("it joins %s as %s", d.Join, d.Trace.Standing)
		}
	}
	if d := ticket.Match(ev, []ticket.Candidate{trap}, ticket.Rules{}, noon); d.Join != tid(2) || d.Trace.Standing != pending {
		t.Errorf("alone: %+v", d)
	}
}

// TestMatchForgedStart: who fails his checks is no participant of the ticket he
// starts either, and nothing answers him by itself.
func TestMatchForgedStart(t *testing.T) {
	d := ticket.Match(ticket.Evidence{From: fp(ann), Verified: ticket.VerdictFail}, nil, ticket.Rules{}, noon)
	if d.Trace.Standing != unverified || d.Trace.Explain() != "new ticket: it answers nothing that is known here; the sender's address failed its checks" {
		t.Fatalf("%s: %s", d.Trace.Standing, d.Trace.Explain())
	}
	tk, _ := ticket.Start(ticket.Opening{ID: tid(1)}, ticket.ByContact(), noon)
	add := func(n byte, s ticket.Standing) ticket.Message {
		m := ticket.Message{ID: tid(n), Direction: ticket.In, Kind: ticket.KindPerson, Match: ticket.Trace{Standing: s}}
		tk, m, _ = tk.Add(m, ticket.ByContact(), ticket.Rules{}, noon)
		return m
	}
	if m := add(51, unverified); tk.Answers != m.ID || ticket.Answerable(m) {
		t.Errorf("an agent answers %s, a machine may: %v", tk.Answers, ticket.Answerable(m))
	}
	if add(52, unverified); tk.Answers != tid(51) {
		t.Errorf("a second forged mail became what a reply answers: %s", tk.Answers)
	}
}

// TestMatchAbout: a report is about the message that put it on the ticket.
func TestMatchAbout(t *testing.T) {
	one, two := cand(1), members(cand(2), ticket.Member{Address: fp(bob)})
	for _, c := range []struct {
		name  string
		ev    ticket.Evidence
		join  byte
		about byte
		rung  ticket.Rung
	}{
		{"by a token", ticket.Evidence{Tokens: []ticket.ID{tid(51)}}, 1, 51, ticket.RungToken},
		{"the first token is of a message that is gone", ticket.Evidence{Tokens: []ticket.ID{tid(99), tid(51)}}, 1, 51, ticket.RungToken},
		{"by an id that the provider gave", ticket.Evidence{About: tid(52), Reported: fps(bob)}, 2, 52, ticket.RungReport},
		{"which counts before tokens that it quotes", ticket.Evidence{About: tid(52), Reported: fps(bob), Tokens: []ticket.ID{tid(51)}}, 2, 52, ticket.RungReport},
		{"but proves nothing", ticket.Evidence{About: tid(52), Reported: fps(ann), Tokens: []ticket.ID{tid(51)}}, 1, 51, ticket.RungToken},
		{"it names nobody who is on it", ticket.Evidence{About: tid(52)}, 0, 0, ticket.RungNone},
		{"it is forged", ticket.Evidence{About: tid(52), Reported: fps(bob), Verified: ticket.VerdictFail}, 0, 0, ticket.RungNone},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.ev.Report = true
			d := ticket.Match(c.ev, []ticket.Candidate{one, two}, ticket.Rules{}, noon)
			var join, about ticket.ID
			if c.join != 0 {
				join, about = tid(c.join), tid(c.about)
			}
			if d.Join != join || d.Trace.About != about || d.Trace.Rung != c.rung {
				t.Errorf("joins %s by %s about %s", d.Join, d.Trace.Rung, d.Trace.About)
			}
		})
	}
}

// TestMatchAnyGraph: mails of one person that name each other in whatever way
// are together in whatever order they arrive, and nothing else is.
func TestMatchAnyGraph(t *testing.T) {
	together := 0
	for seed := range uint64(600) {
		r := rand.New(rand.NewPCG(seed, 7))
		n := 3 + r.IntN(4)
		mails := make([]ticket.Evidence, n)
		for i := range mails {
			ids := func(most int) (out []byte) {
				for range r.IntN(most + 1) {
					out = append(out, byte(1+r.IntN(n+2))) // the last two are of mails nobody saw
				}
				return out
			}
			mails[i] = ticket.Evidence{From: fp(ann), MessageID: fp(byte(i + 1)), InReplyTo: fps(ids(1)...), References: fps(ids(2)...)}
		}
		want := components(mails)
		together += n - len(slices.Compact(slices.Sorted(slices.Values(want))))
		for range 24 {
			order := r.Perm(n)
			if got := arrive(mails, order); !slices.Equal(got, want) {
				t.Fatalf("seed %d, in the order %v: %v, want %v\n%+v", seed, order, got, want, mails)
			}
		}
	}
	if together < 600 {
		t.Fatalf("only %d mails belonged to others: the test tests little", together)
	}
}

// components returns for each mail the smallest one that it is connected with
// by ids.
func components(mails []ticket.Evidence) []int {
	out := make([]int, len(mails))
	for i := range out {
		out[i] = i
	}
	share := func(a, b ticket.Evidence) bool {
		ids := func(e ticket.Evidence) []ticket.Fingerprint {
			return slices.Concat(e.InReplyTo, e.References, []ticket.Fingerprint{e.MessageID})
		}
		return slices.ContainsFunc(ids(a), func(f ticket.Fingerprint) bool { return slices.Contains(ids(b), f) })
	}
	for range mails {
		for i := range mails {
			for j := range mails {
				if share(mails[i], mails[j]) {
					out[i] = min(out[i], out[j])
				}
			}
		}
	}
	return out
}

// TestBoardAwaiting: a mail of ours that comes late links a few of the tickets
// that wait for it.
func TestBoardAwaiting(t *testing.T) {
	var b ticket.Board
	erased, gone, named := cand(1, hit(7, hitR)), cand(2, hit(7, hitR)), cand(3, hit(7, hitM))
	erased.Erased, gone.Ticket.Merged = true, tid(4)
	for _, c := range []ticket.Candidate{erased, gone, named, cand(4, hit(7, hitR))} {
		b.Put(c)
	}
	if got := b.Awaiting(fp(7)); !slices.Equal(got, []ticket.ID{tid(4)}) {
		t.Errorf("%v", got)
	}
	for n := range byte(20) {
		b.Put(cand(10+n, hit(7, hitR)))
	}
	if got := b.Awaiting(fp(7)); len(got) != 5 {
		t.Errorf("%d of a flood", len(got))
	}
	if got := b.Awaiting(ticket.Fingerprint{}); got != nil {
		t.Errorf("no id: %v", got)
	}
}

// BenchmarkMatchManyReferences is a page of mails of strangers that all refer
// to the same ids.
func BenchmarkMatchManyReferences(b *testing.B) {
	wide := func(n int) (f ticket.Fingerprint) {
		copy(f[:], fmt.Sprintf("%017d", n))
		return f
	}
	for b.Loop() {
		var board ticket.Board
		for n := range 100 {
			ev := ticket.Evidence{MessageID: wide(1e6 + n), From: wide(n + 1)}
			for k := range 100 {
				ev.References = append(ev.References, wide(2e6+k))
			}
			if d := board.Match(ev, ticket.Rules{}, noon); !d.Join.IsZero() {
				b.Fatal("a stranger joined")
			}
			tk := ticket.Ticket{ID: ticket.ID([]byte(fmt.Sprintf("%016d", n)))}
			board.Put(ticket.Candidate{Ticket: tk, Hits: ev.Hits(), Members: []ticket.Member{{Address: ev.From}}})
		}
	}
}
