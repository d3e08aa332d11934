package helpdesk_test

import (
	"slices"
	"testing"

	"github.com/helpdesk-go/helpdesk"
)

// TestBridgeLinks: an answer to mails of two tickets joins one and links the
// other; nothing moves, and nothing is merged.
func TestBridgeLinks(t *testing.T) {
	bubble(t, "one answer to two mails", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		b.deliver(mail{from: ann, id: "1@customer.example", subject: "Lamp", text: "Dark."})
		b.deliver(mail{from: ann, id: "2@customer.example", subject: "Chair", text: "Broken."})
		b.work()
		b.deliver(mail{from: ann, id: "3@customer.example", subject: "Re: Both", text: "And?", refs: []string{"1@customer.example", "2@customer.example"}})
		b.work()
		var sizes []int
		var links int
		ts := b.tickets()
		for _, x := range ts {
			sizes = append(sizes, len(b.conversation(x.ID).Messages))
			if !x.Related.IsZero() && slices.ContainsFunc(ts, func(o helpdesk.Ticket) bool { return o.ID == x.Related && o.ID != x.ID }) {
				links++
			}
		}
		slices.Sort(sizes)
		if !slices.Equal(sizes, []int{1, 2}) || links != 1 {
			t.Fatalf("tickets of %v messages with %d links", sizes, links)
		}
	})
}
