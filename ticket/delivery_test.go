package ticket_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/helpdesk-go/helpdesk/ticket"
)

var states = []ticket.DeliveryState{
	ticket.Queued, ticket.Preparing, ticket.Ready, ticket.Wire,
	ticket.Sent, ticket.Failed, ticket.Uncertain, ticket.Cancelled,
}

// leads is the whole state machine, written down a second time.
var leads = map[ticket.DeliveryState][]ticket.DeliveryState{
	ticket.Queued:    {ticket.Preparing, ticket.Wire, ticket.Failed, ticket.Cancelled, ticket.Sent},
	ticket.Preparing: {ticket.Ready, ticket.Queued, ticket.Failed, ticket.Cancelled, ticket.Sent},
	ticket.Ready:     {ticket.Wire, ticket.Queued, ticket.Failed, ticket.Cancelled, ticket.Sent, ticket.Uncertain},
	ticket.Wire:      {ticket.Sent, ticket.Queued, ticket.Ready, ticket.Failed, ticket.Uncertain},
	ticket.Uncertain: {ticket.Sent, ticket.Ready, ticket.Queued, ticket.Failed, ticket.Uncertain},
	ticket.Failed:    {ticket.Queued, ticket.Sent},
}

func delivery() ticket.Delivery {
	return ticket.Queue(ticket.Message{
		ID: ticket.NewID(noon), Tenant: "acme", Mailbox: ticket.NewID(noon), Ticket: ticket.NewID(noon),
	}, noon)
}

func TestQueue(t *testing.T) {
	m := ticket.Message{ID: ticket.NewID(noon), Tenant: "acme", Mailbox: ticket.NewID(noon), Ticket: ticket.NewID(noon)}
	want := ticket.Delivery{
		Message: m.ID, Tenant: "acme", Mailbox: m.Mailbox, Ticket: m.Ticket,
		State: ticket.Queued, Since: noon, QueuedAt: noon, Version: 1,
	}
	if d := cmp.Diff(want, ticket.Queue(m, noon)); d != "" {
		t.Fatal(d)
	}
}

func TestDeliveryMatrix(t *testing.T) {
	now := noon.Add(time.Minute)
	for _, from := range append(states, "", "nonsense") {
		for _, to := range append(states, "", "nonsense") {
			before := delivery()
			before.State, before.Draft, before.Attempt, before.Version = from, "draft", 1, 7
			got, ev, err := before.To(to, "cause", now)
			if !slices.Contains(leads[from], to) {
				if !errors.Is(err, ticket.ErrTransition) || got != before || ev != (ticket.Event{}) {
					t.Errorf("%q to %q: %+v, %+v, %v; want ErrTransition and nothing changed", from, to, got, ev, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%q to %q: %v", from, to, err)
				continue
			}
			if got.State != to || got.Cause != "cause" || got.Version != 8 || got.Draft != "draft" || !got.QueuedAt.Equal(noon) {
				t.Errorf("%q to %q: %+v", from, to, got)
			}
			since, attempt, looks := now, 1, 0
			if to == ticket.Wire {
				attempt++
			}
			if from == to {
				since, looks = noon, 1
			}
			if !got.Since.Equal(since) || got.Attempt != attempt || got.Looks != looks {
				t.Errorf("%q to %q: since, attempt or looks: %+v", from, to, got)
			}
			if ev.Type != ticket.DeliveryChanged || ev.From != string(from) || ev.To != string(to) || ev.Cause != "cause" ||
				ev.By != ticket.BySystem() || ev.Message != before.Message || ev.Ticket != before.Ticket ||
				ev.Mailbox != before.Mailbox || ev.Tenant != "acme" || ev.Version != ticket.EventVersion || !ev.At.Equal(now) || ev.ID.IsZero() {
				t.Errorf("%q to %q: event %+v", from, to, ev)
			}
		}
	}
}

// TestNoBlindSecondSend: what may have been sent never goes on the wire again
// without a step that says why.
func TestNoBlindSecondSend(t *testing.T) {
	for _, s := range []ticket.DeliveryState{ticket.Wire, ticket.Uncertain, ticket.Sent, ticket.Cancelled, ticket.Failed} {
		d := delivery()
		d.State = s
		if _, _, err := d.To(ticket.Wire, "", noon); !errors.Is(err, ticket.ErrTransition) {
			t.Errorf("%s goes to wire: %v", s, err)
		}
	}
}

func TestFinal(t *testing.T) {
	final := []ticket.DeliveryState{ticket.Sent, ticket.Failed, ticket.Cancelled}
	for _, s := range states {
		if s.Final() != slices.Contains(final, s) {
			t.Errorf("%s: Final is %v", s, s.Final())
		}
	}
}

func TestNextLook(t *testing.T) {
	to := func(d ticket.Delivery, s ticket.DeliveryState) ticket.Delivery {
		t.Helper()
		next, _, err := d.To(s, "", noon)
		if err != nil {
			t.Fatal(err)
		}
		return next
	}
	for _, s := range states {
		d := delivery()
		d.State = s
		if _, ok := d.NextLook(); ok != (s == ticket.Uncertain) {
			t.Errorf("%s: a search is due: %v", s, ok)
		}
	}
	doubt := func(d ticket.Delivery) ticket.Delivery {
		t.Helper()
		d = to(d, ticket.Uncertain)
		for _, want := range []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute} {
			if got, ok := d.NextLook(); !ok || got != want {
				t.Fatalf("after %d looks: %v, %v, want %v", d.Looks, got, ok, want)
			}
			d = to(d, ticket.Uncertain)
		}
		if _, ok := d.NextLook(); ok {
			t.Fatal("after three searches a person decides")
		}
		return d
	}
	d := doubt(to(delivery(), ticket.Wire))
	// Every new doubt has its searches, also one that arose without a call.
	d = doubt(to(d, ticket.Ready))
	d = doubt(to(to(d, ticket.Queued), ticket.Wire))
	if d.Attempt != 2 {
		t.Fatalf("%d attempts, want 2", d.Attempt)
	}
}
