package helpdesk_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// TestEraseContact takes one person out of a thread that others go on with.
func TestEraseContact(t *testing.T) {
	bubble(t, "his words go, theirs stay", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		b.deliver(mail{from: "Ann Brattli <" + ann + ">", cc: bob, id: "1@x", subject: "My bicycle", text: "The chain is annsecret."})
		b.work()
		c := b.one()
		id, contact := c.Ticket.ID, c.Ticket.Contact
		b.reply(id, "Dear Ann Brattli, we look into "+strings.ToUpper(ann)+" at once.")
		if _, err := b.acme.AddNote(b.agent, id, helpdesk.Note{Text: "Call " + ann + " back"}); err != nil {
			t.Fatal(err)
		}
		b.work()
		b.deliver(mail{from: bob, cc: ann, id: "2@x", reply: "1@x", subject: "Re: My bicycle",
			text: "It is mine too.\r\n\r\nOn Monday, Ann Brattli <" + ann + "> wrote:\r\n> The chain is annsecret.\r\n"})
		b.deliver(numbered(7)) // Ann again, on a ticket of her own
		b.work()
		c = b.conversation(id)
		if len(c.Messages) != 4 {
			t.Fatalf("%d messages before", len(c.Messages))
		}
		e, err := b.acme.Erase(lawyer(t), helpdesk.EraseRequest{Contact: contact})
		if err != nil {
			t.Fatal(err)
		}
		if n := b.eraseDue(); n != 1 {
			t.Fatalf("%d erasures", n)
		}
		c = b.conversation(id)
		said := fmt.Sprintf("%+v", c)
		for _, w := range []string{ann, "annsecret", "Ann Brattli", "ANN@"} {
			if strings.Contains(said, w) {
				t.Errorf("%q is left in %s", w, said)
			}
		}
		if len(c.Messages) != 3 || c.Messages[2].Text != "It is mine too." || !strings.Contains(c.Messages[0].Text, "we look into [erased] at once") {
			t.Errorf("what is left: %+v", c.Messages)
		}
		if !slices.Equal(c.Messages[2].From, []helpdesk.Address{{Addr: bob}}) || !c.Ticket.Contact.IsZero() {
			t.Errorf("from %v, contact %v", c.Messages[2].From, c.Ticket.Contact)
		}
		for _, m := range c.Messages {
			if raw, err := b.acme.Raw(b.agent, m.ID); err == nil {
				t.Errorf("raw mail is left: %s", raw)
			}
		}
		for _, x := range b.erasures() {
			if x.ID == e.ID && (x.State != "done" || len(x.Keys) != 2 || x.Trigger != "subject-asked") {
				t.Errorf("the erasure says %+v", x)
			}
		}
		// The thread goes on, and she may come back as somebody new.
		b.deliver(mail{from: bob, id: "3@x", reply: "2@x", subject: "Re: My bicycle", text: "And now?"})
		b.deliver(mail{from: ann, id: "4@x", subject: "Another day", text: "Hello."})
		b.work()
		if n := len(b.conversation(id).Messages); n != 4 {
			t.Errorf("%d messages after another answer, want 4", n)
		}
		if again := b.find("Another day"); again == (ticket.ID{}) || b.conversation(again).Ticket.Contact == contact {
			t.Error("she is known again by what was erased")
		}
	})
}
