package helpdesk_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/internal/score"
	"github.com/helpdesk-go/helpdesk/mailbox/rfc822"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// TestThreadingCorpora compares tickets with the threads of RFC 5256 that the
// imaptest collection expects (THREAD=REFERENCES), in every order of arrival.
// Two differ on purpose: "thread", where mails that refer to each other in a
// circle lose the one both come from, and "thread4", which joins by subject what
// refers to something else; "thread3" does so when the answer comes first. Tickets that
// a mail links count as one: which of them it joins depends on who came first.
func TestThreadingCorpora(t *testing.T) {
	dir := os.Getenv("HELPDESK_CORPORA")
	if dir == "" {
		dir = filepath.Join("..", "shared", "corpora")
	}
	files, _ := filepath.Glob(filepath.Join(dir, "imaptest", "src", "tests", "thread*.mbox"))
	if len(files) == 0 {
		msg := fmt.Sprintf("CORPORA ABSENT: %s (set HELPDESK_CORPORA): this test has checked NOTHING", dir)
		fmt.Fprintln(os.Stderr, msg)
		if os.Getenv("HELPDESK_REQUIRE_DATA") == "1" {
			t.Fatal(msg)
		}
		return
	}
	right, all := 0, 0
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".mbox")
		if strings.Contains(name, "subject") {
			continue
		}
		want, appended := expectedThreads(t, strings.TrimSuffix(f, ".mbox"))
		mbox, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		mails := regexp.MustCompile(`(?m)^From .*\n`).Split("\n"+string(mbox), -1)[1:]
		if appended > 0 {
			mails = mails[:appended]
		}
		for order := range orders(len(mails)) {
			all++
			if got := partition(mails, order); got == want {
				right++
			} else {
				t.Logf("%s in order %v: %s, want %s", name, order, got, want)
			}
		}
	}
	score.Share(t, "threads_imaptest", right, all)
}

// expectedThreads are the groups of the first answer of a test, and how many
// mails it has appended by then; 0 is all.
func expectedThreads(t *testing.T, path string) (groups string, appended int) {
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?mi)^\* thread (.*)$`).FindSubmatch(b)
	if m == nil {
		t.Fatalf("%s expects no threads", path)
	}
	var threads [][]int
	depth := 0
	for _, tok := range regexp.MustCompile(`[()]|\d+`).FindAllString(string(m[1]), -1) {
		switch tok {
		case "(":
			if depth++; depth == 1 {
				threads = append(threads, nil)
			}
		case ")":
			depth--
		default:
			n, _ := strconv.Atoi(tok)
			threads[len(threads)-1] = append(threads[len(threads)-1], n)
		}
	}
	before, _, _ := bytes.Cut(b, []byte("ok thread"))
	return grouped(threads), bytes.Count(before, []byte("ok append"))
}

func grouped(groups [][]int) string {
	for _, g := range groups {
		slices.Sort(g)
	}
	slices.SortFunc(groups, slices.Compare[[]int])
	return fmt.Sprint(groups)
}

// orders yields every order of a few things, and of many: forwards, backwards
// and the halves swapped.
func orders(n int) func(yield func([]int) bool) {
	return func(yield func([]int) bool) {
		first := make([]int, n)
		for i := range first {
			first[i] = i
		}
		if n > 5 {
			back := slices.Clone(first)
			slices.Reverse(back)
			_ = yield(first) && yield(back) && yield(slices.Concat(first[n/2:], first[:n/2]))
			return
		}
		var place func(done, rest []int) bool
		place = func(done, rest []int) bool {
			if len(rest) == 0 {
				return yield(done)
			}
			for i := range rest {
				if !place(append(slices.Clone(done), rest[i]), slices.Concat(rest[:i], rest[i+1:])) {
					return false
				}
			}
			return true
		}
		place(nil, first)
	}
}

// partition threads mails of one person in an order of arrival.
func partition(mails []string, order []int) string {
	hash := func(s string) (f ticket.Fingerprint) {
		if s != "" {
			sum := sha256.Sum256([]byte(s))
			copy(f[:], sum[:])
		}
		return f
	}
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	var board ticket.Board
	of := map[ticket.ID]int{}  // group of a ticket
	groups := map[int][]int{}  // mails of a group
	ids := map[int]ticket.ID{} // ticket of a mail
	for n, i := range order {
		in := rfc822.Parse([]byte(mails[i]))
		ev := ticket.Evidence{From: hash("person"), MessageID: hash(in.MessageID)}
		for _, id := range in.InReplyTo {
			ev.InReplyTo = append(ev.InReplyTo, hash(id))
		}
		for _, id := range slices.Backward(in.References) {
			ev.References = append(ev.References, hash(id))
		}
		subject := hash(in.BaseSubject)
		answer := len(in.BaseSubject) < len(in.Subject) && len(in.InReplyTo)+len(in.References) == 0
		if answer {
			ev.Subject = subject
		}
		now := noon.Add(time.Duration(n) * time.Minute)
		d := board.Match(ev, ticket.Rules{}, now)
		if d.Join.IsZero() {
			t, _ := ticket.Start(ticket.Opening{ID: ticket.NewID(now)}, ticket.ByContact(), now)
			d.Join, of[t.ID] = t.ID, len(of)
			board.Put(ticket.Candidate{Ticket: t, Members: []ticket.Member{{Address: ev.From}}})
			if in.BaseSubject != "" {
				board.Put(ticket.Candidate{Ticket: t, Hits: []ticket.Hit{{Fingerprint: subject, Role: ticket.HitSubject}}})
			}
		}
		t, _ := board.Ticket(d.Join)
		t.UpdatedAt = now
		board.Put(ticket.Candidate{Ticket: t, Hits: ev.Hits()})
		for _, other := range d.Links {
			from, to := of[other], of[d.Join]
			for id, g := range of {
				if g == from {
					of[id] = to
				}
			}
		}
		ids[i] = d.Join
	}
	for i, id := range ids {
		groups[of[id]] = append(groups[of[id]], i+1)
	}
	var out [][]int
	for _, g := range groups {
		out = append(out, g)
	}
	return grouped(out)
}
