package helpdesk_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

func TestConsume(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		for n := range 150 { // more than one page of events
			b.deliver(numbered(n))
		}
		b.work()
		var want []ticket.ID
		for _, e := range b.events() {
			want = append(want, e.ID)
		}
		var got []ticket.ID
		take := func(_ context.Context, e store.LoggedEvent) error { got = append(got, e.ID); return nil }
		n, err := b.desk.Consume(t.Context(), "mailer", take)
		if err != nil || n != len(want) || !slices.Equal(got, want) {
			t.Fatalf("%d events, %v, in order: %v, want %d", n, err, slices.Equal(got, want), len(want))
		}
		if n, err := b.desk.Consume(t.Context(), "mailer", take); err != nil || n != 0 {
			t.Errorf("%d again, %v", n, err)
		}
		if n, err := b.newDesk(nil).Consume(t.Context(), "other", take); err != nil || n != len(want) {
			t.Errorf("a consumer of its own got %d, %v", n, err)
		}
		// An error gives its event again, and nothing before it.
		id := b.tickets()[0].ID
		for _, a := range []ticket.AgentID{"a", "b", "c", "d"} {
			if err := b.acme.Assign(b.agent, id, a); err != nil {
				t.Fatal(err)
			}
		}
		var to []string
		fail := true
		careful := func(ctx context.Context, e store.LoggedEvent) error {
			to = append(to, e.To)
			if e.To == "c" && fail {
				fail = false
				return errUndo
			}
			_, err := b.acme.Ticket(b.agent, e.Ticket) // it may open content
			return err
		}
		if n, err := b.desk.Consume(t.Context(), "mailer", careful); !errors.Is(err, errUndo) || n != 2 {
			t.Errorf("%d events, %v", n, err)
		}
		if n, err := b.desk.Consume(t.Context(), "mailer", careful); err != nil || n != 2 {
			t.Errorf("%d events, %v", n, err)
		}
		if !slices.Equal(to, []string{"a", "b", "c", "c", "d"}) {
			t.Errorf("given %v", to)
		}
		if _, err := b.desk.Consume(t.Context(), "", take); !errors.Is(err, helpdesk.ErrBadID) {
			t.Errorf("a consumer without a name: %v", err)
		}
	})
}

func TestEventsOfATenant(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		b.deliver(numbered(0))
		b.work()
		all := b.events()
		var paged []store.LoggedEvent
		for after := store.EventCursor(""); ; {
			page, err := b.acme.Events(t.Context(), after, 1)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			paged = append(paged, page...)
			after = page[0].Cursor
		}
		if len(paged) != len(all) || len(all) == 0 {
			t.Errorf("%d events in pages of one, %d at once", len(paged), len(all))
		}
		if e, err := b.desk.Tenant("other").Events(t.Context(), "", 100); err != nil || len(e) != 0 {
			t.Errorf("another tenant reads %d events, %v", len(e), err)
		}
	})
}
