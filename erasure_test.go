package helpdesk_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

const day = 24 * time.Hour

// lawyer may hold and erase.
func lawyer(t *testing.T) context.Context {
	return privacy.As(t.Context(), privacy.Agent("jurist"), privacy.Legal)
}

// left counts what a store has of a mailbox.
func (b *bench) left(tenant ticket.TenantID, box ticket.ID) (tally store.Tally) {
	b.t.Helper()
	err := b.store.View(b.t.Context(), func(ctx context.Context, r store.Reader) (err error) {
		tally, err = r.Remaining(ctx, store.Erase{Tenant: tenant, Mailbox: box, Limit: 1})
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return tally
}

func (b *bench) eraseDue() int {
	b.t.Helper()
	n, err := b.desk.EraseDue(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

func (b *bench) erasures() []helpdesk.Erasure {
	b.t.Helper()
	all, err := b.acme.Erasures(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return all
}

// filled is a bench with tickets, an answer and a large mail.
func filled(t *testing.T, edit func(*helpdesk.Config)) (*bench, []helpdesk.Ticket) {
	b := newBench(t, plain(), edit)
	for i := range 5 {
		b.deliver(numbered(i))
	}
	b.work()
	all := b.tickets()
	b.reply(all[0].ID, "An answer.")
	b.work()
	return b, all
}

func TestErasedAfterGrace(t *testing.T) {
	bubble(t, "nothing before, everything after", func(t *testing.T) {
		b, all := filled(t, nil)
		if err := b.acme.Disconnect(t.Context(), b.box.ID); err != nil {
			t.Fatal(err)
		}
		before := b.left("acme", b.box.ID)
		time.Sleep(7*day - time.Minute)
		if n := b.eraseDue(); n != 0 {
			t.Fatalf("%d erasures within the grace", n)
		}
		if got := b.left("acme", b.box.ID); got["messages"] != before["messages"] {
			t.Fatalf("within the grace %v of %v are left", got, before)
		}
		time.Sleep(time.Minute)
		if n := b.eraseDue(); n != 1 {
			t.Fatalf("%d erasures after the grace, want 1", n)
		}
		if got := b.left("acme", b.box.ID); got.Rows() != 0 {
			t.Errorf("left after the erasure: %v", got)
		}
		e := b.erasures()[0]
		if e.State != "done" || e.Trigger != "disconnected" || e.Late != 0 || len(e.Keys) != 2 || e.KeysAt.IsZero() {
			t.Errorf("the erasure says %+v", e)
		}
		if e.Removed["messages"] != before["messages"] || e.Removed["tickets"].Rows != int64(len(all)) {
			t.Errorf("removed %v of %v", e.Removed, before)
		}
		if _, err := b.acme.Ticket(b.agent, all[0].ID); !errors.Is(err, helpdesk.ErrNotFound) {
			t.Errorf("an erased ticket: %v", err)
		}
		if n := b.eraseDue(); n != 0 {
			t.Errorf("%d erasures after all is done", n)
		}
	})
	for _, c := range []struct {
		name string
		back time.Duration
		late time.Duration
	}{{"down until day 29", 29 * day, 0}, {"down until day 33", 33 * day, 3 * day}} {
		bubble(t, c.name, func(t *testing.T) {
			b, _ := filled(t, nil)
			if err := b.acme.Disconnect(t.Context(), b.box.ID); err != nil {
				t.Fatal(err)
			}
			time.Sleep(c.back)
			b.eraseDue()
			if got := b.left("acme", b.box.ID); got.Rows() != 0 {
				t.Errorf("left: %v", got)
			}
			if e := b.erasures()[0]; e.Late != c.late || e.Deadline.Sub(e.RequestedAt) != 30*day {
				t.Errorf("late by %v, want %v", e.Late, c.late)
			}
		})
	}
}

func TestReconnectWithinGrace(t *testing.T) {
	bubble(t, "the same account, within the grace", func(t *testing.T) {
		b, all := filled(t, nil)
		if err := b.acme.Disconnect(t.Context(), b.box.ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(6 * day)
		again, err := b.acme.Connect(t.Context(), b.account())
		if err != nil || again.ID != b.box.ID {
			t.Fatalf("connected again: %v, %v, want the same mailbox", again, err)
		}
		if c, err := b.acme.Conversation(b.agent, all[0].ID, 0); err != nil || c.Ticket.Subject == "" {
			t.Errorf("a ticket of it: %+v, %v", c.Ticket, err)
		}
		b.deliver(numbered(9))
		b.work()
		if n := len(b.tickets()); n != 6 {
			t.Errorf("%d tickets, want 6", n)
		}
		time.Sleep(40 * day)
		if n := b.eraseDue(); n != 0 || b.erasures()[0].State != "cancelled" {
			t.Errorf("%d erasures, the plan is %s", n, b.erasures()[0].State)
		}
	})
	bubble(t, "the same account, too late", func(t *testing.T) {
		b, _ := filled(t, nil)
		if err := b.acme.Disconnect(t.Context(), b.box.ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(8 * day)
		b.eraseDue()
		again, err := b.acme.Connect(t.Context(), b.account())
		if err != nil || again.ID == b.box.ID {
			t.Fatalf("connected again: %v, %v, want another mailbox", again, err)
		}
		if n := len(b.tickets()); n != 0 {
			t.Errorf("%d tickets are back", n)
		}
	})
}

func TestHoldKeeps(t *testing.T) {
	bubble(t, "a held ticket survives its mailbox until the hold ends", func(t *testing.T) {
		b, all := filled(t, nil)
		h, err := b.acme.Hold(lawyer(t), helpdesk.HoldRequest{
			Ticket: all[0].ID, Ground: helpdesk.LegalClaim, Reason: "case 12", Approver: "chief", Expires: time.Now().Add(60 * day),
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.acme.Disconnect(t.Context(), b.box.ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(7 * day)
		b.eraseDue()
		got := b.left("acme", b.box.ID)
		if got["tickets"].Rows != 1 || got["hits"].Rows != 0 || got["contacts"].Rows != 0 {
			t.Errorf("left: %v", got)
		}
		e := b.erasures()[0]
		if !slices.Equal(e.Kept, []ticket.ID{all[0].ID}) || !slices.Equal(e.Holds, []ticket.ID{h.ID}) {
			t.Errorf("kept %v for %v", e.Kept, e.Holds)
		}
		c, err := b.acme.Conversation(b.agent, all[0].ID, 0)
		if err != nil || !errors.Is(c.Ticket.Unreadable, helpdesk.ErrHeld) || c.Ticket.Subject != "" {
			t.Errorf("for support: %+v, %v", c.Ticket, err)
		}
		c, err = b.acme.Conversation(lawyer(t), all[0].ID, 0)
		if err != nil || c.Ticket.Subject == "" || c.Messages[0].Text == "" {
			t.Errorf("for the hold's purpose: %+v, %v", c.Ticket, err)
		}
		time.Sleep(53 * day) // the hold is over now, by itself
		b.eraseDue()
		if got := b.left("acme", b.box.ID); got.Rows() != 0 {
			t.Errorf("left when the hold is over: %v", got)
		}
		if n := len(b.erasures()); n != 2 {
			t.Errorf("%d erasures, want the first and the one that went on", n)
		}
	})
	bubble(t, "released by a person", func(t *testing.T) {
		b, _ := filled(t, nil)
		h, err := b.acme.Hold(lawyer(t), helpdesk.HoldRequest{Mailbox: b.box.ID, Ground: helpdesk.Statutory, Reason: "books", Approver: "chief"})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.acme.Disconnect(t.Context(), b.box.ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * day)
		b.eraseDue()
		if got := b.left("acme", b.box.ID); got["tickets"].Rows != 5 {
			t.Fatalf("left: %v", got)
		}
		if err := b.acme.ReleaseHold(lawyer(t), h.ID); err != nil {
			t.Fatal(err)
		}
		b.eraseDue()
		if got := b.left("acme", b.box.ID); got.Rows() != 0 {
			t.Errorf("left: %v", got)
		}
	})
}

// stuck is a store of the host that cannot erase yet.
type stuck struct {
	broken *bool
	calls  int
}

func (s *stuck) Name() string { return "index" }

func (s *stuck) Erase(context.Context, helpdesk.ErasurePlan, []ticket.ID) (store.Amount, error) {
	s.calls++
	if *s.broken {
		return store.Amount{}, errors.New("down")
	}
	return store.Amount{Rows: 3}, nil
}

func (s *stuck) Remaining(context.Context, helpdesk.ErasurePlan, []ticket.ID) (store.Amount, error) {
	return store.Amount{}, nil
}

func TestHoldTooLate(t *testing.T) {
	bubble(t, "after the point of no return", func(t *testing.T) {
		broken := true
		b, all := filled(t, func(c *helpdesk.Config) { c.HostStores = []helpdesk.HostStore{&stuck{broken: &broken}} })
		if err := b.acme.Disconnect(t.Context(), b.box.ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(7 * day)
		if _, err := b.desk.EraseDue(t.Context()); err == nil {
			t.Fatal("an erasure that the host's store refused is done")
		}
		e := b.erasures()[0]
		if e.State != "erasing" {
			t.Fatalf("the erasure is %s", e.State)
		}
		_, err := b.acme.Hold(lawyer(t), helpdesk.HoldRequest{Mailbox: b.box.ID, Ground: helpdesk.LegalClaim, Reason: "late", Approver: "chief"})
		var late *helpdesk.UnreadableError
		if !errors.Is(err, helpdesk.ErrUnreadable) || !errors.As(err, &late) || !slices.Equal(late.Erasures, []ticket.ID{e.ID}) {
			t.Errorf("a hold that came too late: %v", err)
		}
		broken = false
		b.eraseDue()
		if e := b.erasures()[0]; e.State != "done" || e.HostStores["index"].Rows != 3 {
			t.Errorf("the erasure says %+v", e)
		}
		if _, err := b.acme.Ticket(b.agent, all[0].ID); !errors.Is(err, helpdesk.ErrNotFound) {
			t.Errorf("an erased ticket: %v", err)
		}
	})
}

func TestTenantClosed(t *testing.T) {
	bubble(t, "all of a tenant and nothing of another", func(t *testing.T) {
		b, _ := filled(t, nil)
		other := b.desk.Tenant("other")
		box, err := other.Connect(t.Context(), b.account())
		if err != nil {
			t.Fatal(err)
		}
		b.deliver(numbered(20))
		b.work()
		theirs := b.left("other", box.ID)
		if _, err := b.acme.Close(lawyer(t)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(7 * day)
		b.eraseDue()
		if got := b.left("acme", b.box.ID); got.Rows() != 0 {
			t.Errorf("left: %v", got)
		}
		if got := b.left("other", box.ID); got["messages"] != theirs["messages"] || got["tickets"].Rows == 0 {
			t.Errorf("the other tenant has %v of %v", got, theirs)
		}
		if _, err := b.acme.Connect(t.Context(), b.account()); !errors.Is(err, helpdesk.ErrErased) {
			t.Errorf("connecting a closed tenant: %v, want ErrErased", err)
		}
	})
}

func TestEraseOnRequest(t *testing.T) {
	bubble(t, "one ticket, and a resync does not bring it back", func(t *testing.T) {
		b, all := filled(t, nil)
		if _, err := b.acme.Erase(lawyer(t), helpdesk.EraseRequest{Ticket: all[1].ID}); err != nil {
			t.Fatal(err)
		}
		b.eraseDue()
		if _, err := b.acme.Ticket(b.agent, all[1].ID); !errors.Is(err, helpdesk.ErrNotFound) {
			t.Errorf("an erased ticket: %v", err)
		}
		if n := len(b.tickets()); n != 4 {
			t.Errorf("%d tickets, want 4", n)
		}
		b.work()
		if n := len(b.tickets()); n != 4 {
			t.Errorf("%d tickets after reading again, want 4", n)
		}
	})
	bubble(t, "attachments of one ticket", func(t *testing.T) {
		b, all := filled(t, nil)
		if _, err := b.acme.Erase(lawyer(t), helpdesk.EraseRequest{Ticket: all[1].ID, Attachments: true}); err != nil {
			t.Fatal(err)
		}
		b.eraseDue()
		c, err := b.acme.Conversation(b.agent, all[1].ID, 0)
		if err != nil || c.Messages[0].Text == "" || c.Ticket.Subject == "" {
			t.Fatalf("the ticket: %+v, %v", c, err)
		}
		if _, err := b.acme.Raw(b.agent, c.Messages[0].ID); !errors.Is(err, helpdesk.ErrNotFound) {
			t.Errorf("the raw mail: %v", err)
		}
	})
	bubble(t, "what cannot be asked", func(t *testing.T) {
		b, all := filled(t, nil)
		for _, r := range []helpdesk.EraseRequest{{}, {Ticket: all[0].ID, Mailbox: b.box.ID}, {Mailbox: b.box.ID, Attachments: true}, {Ticket: all[0].ID, In: -1}} {
			if _, err := b.acme.Erase(lawyer(t), r); !errors.Is(err, helpdesk.ErrBadID) {
				t.Errorf("%+v: %v", r, err)
			}
		}
		if _, err := b.acme.Erase(b.agent, helpdesk.EraseRequest{Ticket: all[0].ID}); !errors.Is(err, helpdesk.ErrDenied) {
			t.Errorf("for support: %v", err)
		}
		for _, h := range []helpdesk.HoldRequest{
			{Ground: "curiosity", Reason: "x", Approver: "chief"},
			{Ground: helpdesk.LegalClaim, Approver: "chief"},
			{Ground: helpdesk.LegalClaim, Reason: "ask kari@example.com", Approver: "chief"},
			{Ground: helpdesk.LegalClaim, Reason: "x", Approver: "jurist"},
			{Ground: helpdesk.SecurityInvestigation, Reason: "x", Approver: "chief"},
			{Ground: helpdesk.SecurityInvestigation, Reason: "x", Approver: "chief", Expires: time.Now().Add(91 * day)},
		} {
			if _, err := b.acme.Hold(lawyer(t), h); !errors.Is(err, helpdesk.ErrHold) {
				t.Errorf("%+v: %v", h, err)
			}
		}
	})
}
