package helpdesk_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/ticket"
)

func TestTicketPages(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		for n := range 25 {
			b.deliver(numbered(n))
			if n%5 == 0 { // some share an instant, some do not
				time.Sleep(time.Second)
				b.once()
			}
		}
		b.work()
		b.wantNumbered(25)
		seen := map[ticket.ID]bool{}
		last := time.Now()
		for tk, err := range b.acme.AllTickets(b.agent, helpdesk.TicketQuery{Limit: 4}) {
			if err != nil {
				t.Fatal(err)
			}
			if seen[tk.ID] || tk.UpdatedAt.After(last) {
				t.Error("a ticket comes twice or out of order")
			}
			seen[tk.ID], last = true, tk.UpdatedAt
		}
		if len(seen) != 25 {
			t.Errorf("%d of 25 tickets in pages of four", len(seen))
		}
		if _, err := b.acme.Tickets(b.agent, helpdesk.TicketQuery{After: "made up"}); !errors.Is(err, helpdesk.ErrBadID) {
			t.Errorf("a place that is none: %v", err)
		}
		id := b.find("Number 7")
		if err := errors.Join(b.acme.Assign(b.agent, id, "kari"), b.acme.Tag(b.agent, id, []string{"vip"}, nil), b.acme.SetStatus(b.agent, id, ticket.Closed)); err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct {
			q    helpdesk.TicketQuery
			want int
		}{
			"all":              {helpdesk.TicketQuery{}, 25},
			"assigned":         {helpdesk.TicketQuery{Assignee: "kari"}, 1},
			"another case":     {helpdesk.TicketQuery{Assignee: "Kari"}, 0},
			"unassigned":       {helpdesk.TicketQuery{Unassigned: true}, 24},
			"tagged":           {helpdesk.TicketQuery{Tag: "vip"}, 1},
			"closed":           {helpdesk.TicketQuery{Statuses: []ticket.Status{ticket.Closed}}, 1},
			"open or pending":  {helpdesk.TicketQuery{Statuses: []ticket.Status{ticket.Open, ticket.Pending}}, 24},
			"mailbox":          {helpdesk.TicketQuery{Mailbox: b.box.ID}, 25},
			"another mailbox":  {helpdesk.TicketQuery{Mailbox: id}, 0},
			"contact":          {helpdesk.TicketQuery{Contact: b.conversation(id).Ticket.Contact}, 25},
			"a bounded page":   {helpdesk.TicketQuery{Limit: 3}, 3},
			"a negative limit": {helpdesk.TicketQuery{Limit: -3}, 25},
		} {
			page, err := b.acme.Tickets(b.agent, c.q)
			if err != nil || len(page.Tickets) != c.want {
				t.Errorf("%s: %d tickets, %v, want %d", name, len(page.Tickets), err, c.want)
			}
		}
	})
}

func TestLongConversation(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		b.deliver(numbered(0))
		b.work()
		id := b.tickets()[0].ID
		for range 249 {
			if _, err := b.acme.AddNote(b.agent, id, helpdesk.Note{Text: "A remark."}); err != nil {
				t.Fatal(err)
			}
		}
		first := b.conversation(id)
		rest, err := b.acme.Conversation(b.agent, id, first.Messages[len(first.Messages)-1].Seq)
		if err != nil || len(first.Messages) != 200 || !first.More || len(rest.Messages) != 50 || rest.More {
			t.Errorf("%d and %d messages, more %v and %v, %v", len(first.Messages), len(rest.Messages), first.More, rest.More, err)
		}
		for i, m := range append(first.Messages, rest.Messages...) {
			if m.Seq != int64(i+1) || strings.TrimSpace(m.Text) == "" {
				t.Fatalf("message %d has sequence %d", i+1, m.Seq)
			}
		}
		if _, err := b.acme.Raw(b.agent, rest.Messages[0].ID); !errors.Is(err, helpdesk.ErrNotFound) {
			t.Errorf("the raw mail of a note: %v", err)
		}
	})
}

// TestAttachments: what was attached comes back byte by byte, both ways, from
// small mails and from large ones that are kept apart.
func TestAttachments(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		b.deliver(numbered(0))
		b.work()
		id := b.tickets()[0].ID
		small, large := []byte("small \x00\xff"), []byte(strings.Repeat("large ", 100_000))
		m, err := b.acme.Reply(b.agent, id, helpdesk.Reply{Text: "See.", Files: []helpdesk.File{
			{Name: "small.bin", Content: small}, {Name: "large.txt", Type: "text/plain", Content: large},
		}})
		if err != nil {
			t.Fatal(err)
		}
		b.work()
		msg := b.conversation(id).Messages[1]
		if len(msg.Attachments) != 2 || msg.Attachments[0].Name != "small.bin" {
			t.Fatalf("%d attachments", len(msg.Attachments))
		}
		for i, want := range [][]byte{small, large} {
			a, err := b.acme.Attachment(b.agent, m, msg.Attachments[i].Index)
			if err != nil || string(a.Content) != string(want) {
				t.Errorf("%s: %d bytes, %v", msg.Attachments[i].Name, len(a.Content), err)
			}
		}
		if raw, err := b.acme.Raw(b.agent, m); err != nil || string(raw) != string(b.fake.Sent("support")[0].Raw) {
			t.Errorf("what is kept is not what was sent: %v", err)
		}
	})
}
