package ticket_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// arrive takes mails in, in the order given, as the engine does, and returns
// for each the smallest mail that it is in one conversation with, by tickets
// and the links between them.
func arrive(mails []ticket.Evidence, order []int) []int {
	var b ticket.Board
	parent := make([]int, len(mails)) // of mails, by what joins and links
	for i := range parent {
		parent[i] = i
	}
	var root func(int) int
	root = func(i int) int {
		if parent[i] != i {
			return root(parent[i])
		}
		return i
	}
	unite := func(a, b int) {
		a, b = root(a), root(b)
		parent[max(a, b)] = min(a, b)
	}
	starts := map[ticket.ID]int{}
	for n, i := range order {
		d := b.Match(mails[i], ticket.Rules{}, noon)
		id := d.Join
		if id.IsZero() {
			id = tid(byte(i + 1))
			starts[id] = i
		}
		unite(starts[id], i)
		for _, other := range d.Links {
			unite(starts[other], i)
		}
		tk := ticket.Ticket{ID: id, Status: ticket.Open, UpdatedAt: noon.Add(time.Duration(n) * time.Second)}
		b.Put(ticket.Candidate{Ticket: tk, Hits: mails[i].Hits(), Members: []ticket.Member{{Address: mails[i].From}}})
	}
	for i := range parent {
		parent[i] = root(i)
	}
	return parent
}

func permutations(n int, visit func([]int)) {
	var grow func(done, left []int)
	grow = func(done, left []int) {
		if len(left) == 0 {
			visit(done)
		}
		for i := range left {
			grow(append(slices.Clone(done), left[i]), slices.Delete(slices.Clone(left), i, i+1))
		}
	}
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	grow(nil, all)
}

// TestMatchArrivalOrder: whatever order the mails of one sender arrive in, the
// same ones are together, on one ticket or on linked ones.
func TestMatchArrivalOrder(t *testing.T) {
	mail := func(id byte, answers []byte, refs ...byte) ticket.Evidence {
		return ticket.Evidence{From: fp(ann), MessageID: fp(id), InReplyTo: fps(answers...), References: fps(refs...)}
	}
	for _, c := range []struct {
		name  string
		mails []ticket.Evidence
		want  []int
	}{
		{"a chain by In-Reply-To only", []ticket.Evidence{mail(1, nil), mail(2, []byte{1}), mail(3, []byte{2}), mail(4, []byte{3}), mail(5, []byte{4})}, []int{0, 0, 0, 0, 0}},
		{"two chains and a bridge", []ticket.Evidence{mail(1, nil), mail(2, []byte{1}), mail(3, nil), mail(4, []byte{3}), mail(5, []byte{2, 4})}, []int{0, 0, 0, 0, 0}},
		{"two chains without one", []ticket.Evidence{mail(1, nil), mail(2, []byte{1}), mail(3, nil), mail(4, []byte{3}), mail(5, nil, 3)}, []int{0, 0, 2, 2, 2}},
		{"a root nobody saw", []ticket.Evidence{mail(1, nil, 9), mail(2, nil, 9), mail(3, []byte{2}), mail(4, nil)}, []int{0, 0, 0, 3}},
		{"a loop", []ticket.Evidence{mail(1, []byte{3}), mail(2, []byte{1}), mail(3, []byte{2}), mail(4, []byte{4})}, []int{0, 0, 0, 3}},
		{"three roots, one bridge", []ticket.Evidence{mail(1, nil), mail(2, nil), mail(3, nil), mail(4, nil, 1, 2, 3), mail(5, nil)}, []int{0, 0, 0, 0, 4}},
		{"one id twice", []ticket.Evidence{mail(1, nil), mail(1, nil), mail(2, []byte{1})}, []int{0, 0, 0}},
	} {
		permutations(len(c.mails), func(order []int) {
			if got := arrive(c.mails, order); !slices.Equal(got, c.want) {
				t.Errorf("%s, in the order %v: %v, want %v", c.name, order, got, c.want)
			}
		})
	}
}

// TestMatchSubject: an answer without ids joins by subject only as the same
// person and in time.
func TestMatchSubject(t *testing.T) {
	day := 24 * time.Hour
	for _, c := range []struct {
		ev   ticket.Evidence
		r    ticket.Rules
		age  time.Duration
		join bool
	}{
		{ticket.Evidence{}, ticket.Rules{}, 14 * day, true},
		{ticket.Evidence{}, ticket.Rules{}, 15 * day, false},
		{ticket.Evidence{}, ticket.Rules{SubjectWithin: 20 * day}, 15 * day, true},
		{ticket.Evidence{}, ticket.Rules{SubjectWithin: -1}, 0, false},
		{ticket.Evidence{InReplyTo: fps(9)}, ticket.Rules{}, 0, false},
		{ticket.Evidence{References: fps(9)}, ticket.Rules{}, 0, false},
		{ticket.Evidence{From: fp(bob)}, ticket.Rules{}, 0, false},
		{ticket.Evidence{Verified: ticket.VerdictFail}, ticket.Rules{}, 0, false},
	} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			ev := c.ev
			ev.Subject = fp(7)
			if ev.From.IsZero() {
				ev.From = fp(ann)
			}
			on := cand(1, hit(7, ticket.HitSubject))
			d := ticket.Match(ev, []ticket.Candidate{on}, c.r, on.Ticket.UpdatedAt.Add(c.age))
			if (d.Join == tid(1)) != c.join || c.join != (d.Trace.Rung == ticket.RungSubject) {
				t.Fatalf("%+v", d)
			}
		})
	}
}

func TestRelate(t *testing.T) {
	one := cand(1).Ticket
	if next, evs := one.Relate(one.ID, ticket.BySystem(), noon); len(evs) != 0 || next.Version != one.Version {
		t.Errorf("to itself: %+v %+v", next, evs)
	}
	next, evs := one.Relate(tid(2), ticket.BySystem(), noon)
	if len(evs) != 1 || evs[0].Type != ticket.TicketLinked || evs[0].To != tid(2).String() || next.Related != tid(2) || next.Version != one.Version+1 {
		t.Fatalf("%+v %+v", next, evs)
	}
	if again, evs := next.Relate(tid(3), ticket.BySystem(), noon); len(evs) != 0 || again.Related != tid(2) {
		t.Errorf("a second one: %+v %+v", again, evs)
	}
}
