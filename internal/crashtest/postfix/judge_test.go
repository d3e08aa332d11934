package postfix

import (
	"testing"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// The check sees each way in which a promise can be broken.
func TestJudge(t *testing.T) {
	whole := []byte("Message-ID: <a@b>\r\n\r\nt1 text " + end("t1") + "\r\n")
	fine := reply{token: "t1", state: ticket.Sent, messageID: "a@b", accepted: [][]byte{whole}, filed: 1}
	for _, tt := range []struct {
		name   string
		change func(r *reply)
		want   string // the invariant, or "" for none
	}{
		{"sent", func(*reply) {}, ""},
		{"sent twice", func(r *reply) { r.accepted = [][]byte{whole, whole} }, "at most one copy"},
		{"lost", func(r *reply) { r.accepted = nil }, "never silently lost"},
		{"cut", func(r *reply) { r.accepted = [][]byte{[]byte("Message-ID: <a@b>\r\n\r\nt1 te")} }, "the frozen mail"},
		{"another id", func(r *reply) { r.messageID = "c@d" }, "the frozen mail"},
		{"no copy filed", func(r *reply) { r.filed = 0 }, "one copy among the sent mail"},
		{"filed twice", func(r *reply) { r.filed = 2 }, "one copy among the sent mail"},
		{"a doubt, accepted", func(r *reply) { r.state, r.listed, r.filed, r.pending = ticket.Uncertain, true, 0, 1 }, ""},
		{"a doubt, not accepted", func(r *reply) { r.state, r.listed, r.filed, r.accepted = ticket.Uncertain, true, 0, nil }, ""},
		{"a hidden doubt", func(r *reply) { r.state, r.filed = ticket.Uncertain, 0 }, "each doubt visible"},
		{"failed", func(r *reply) { r.state, r.filed, r.accepted = ticket.Failed, 0, nil }, ""},
		{"failed but accepted", func(r *reply) { r.state, r.filed = ticket.Failed, 0 }, "never sent and called failed"},
		{"stuck", func(r *reply) { r.state, r.filed = ticket.Wire, 0 }, "final within the bound"},
		{"a task left", func(r *reply) { r.pending = 1 }, "no task left"},
	} {
		r := fine
		tt.change(&r)
		got := judge(r)
		if tt.want == "" && len(got) > 0 || tt.want != "" && (len(got) != 1 || got[0].invariant != tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, got, tt.want)
		}
	}
}

func TestLeaks(t *testing.T) {
	if got := leaks([]byte("x CANARY y"), []string{"canary", "other"}); len(got) != 1 || got[0] != "canary" {
		t.Errorf("leaks: %v", got)
	}
}

// Every step is planned for within as many seeds as there are steps, and the
// same seed plans the same.
func TestPlan(t *testing.T) {
	seen := map[string]bool{}
	for seed := range int64(len(allSteps())) {
		p := planOf(seed, 4, 12)
		seen[p.step] = true
		q := planOf(seed, 4, 12)
		if p.share != q.share || p.box != q.box || len(p.replies) != len(q.replies) || p.reach != q.reach {
			t.Errorf("seed %d plans differently the second time", seed)
		}
		for _, r := range p.replies {
			if p.step == atBody && r.size < 20_000 {
				t.Errorf("seed %d: a mail of %d bytes has no middle", seed, r.size)
			}
		}
	}
	if len(seen) != len(allSteps()) {
		t.Errorf("%d steps of %d", len(seen), len(allSteps()))
	}
}
