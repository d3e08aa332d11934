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

func (b *bench) inTx(f func(ctx context.Context, x *helpdesk.Tx) error) error {
	return b.store.Update(b.agent, func(ctx context.Context, tx store.Tx) error { return f(ctx, b.acme.Tx(tx)) })
}

func TestHostTransaction(t *testing.T) {
	ticketed := func(t *testing.T, edit func(*helpdesk.Config)) (*bench, ticket.ID) {
		b := newBench(t, plain(), edit)
		b.deliver(numbered(0))
		b.work()
		return b, b.tickets()[0].ID
	}
	prepare := func(b *bench, id ticket.ID) *helpdesk.Prepared {
		p, err := b.acme.Compose(b.agent, id, helpdesk.Reply{Text: "An answer."})
		if err != nil {
			b.t.Fatal(err)
		}
		return p
	}
	bubble(t, "rolled back is never sent", func(t *testing.T) {
		b, id := ticketed(t, nil)
		p, events := prepare(b, id), len(b.events())
		err := b.inTx(func(ctx context.Context, x *helpdesk.Tx) error {
			if err := errors.Join(x.Reply(ctx, p), x.Assign(ctx, id, "kari"), x.Tag(ctx, id, []string{"vip"}, nil)); err != nil {
				t.Error(err)
			}
			return errUndo
		})
		if !errors.Is(err, errUndo) {
			t.Fatal(err)
		}
		b.work()
		c := b.one()
		if len(c.Messages) != 1 || len(b.deliveries()) != 0 || b.copies() != 0 || c.Ticket.Assignee != "" || len(b.events()) != events {
			t.Errorf("%d messages, %d events", len(c.Messages), len(b.events())-events)
		}
	})
	bubble(t, "committed is sent once, with all that went with it", func(t *testing.T) {
		b, id := ticketed(t, nil)
		p := prepare(b, id)
		note, err := b.acme.ComposeNote(b.agent, id, helpdesk.Note{Text: "A remark."})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.inTx(func(ctx context.Context, x *helpdesk.Tx) error { return x.Reply(ctx, p) }); err != nil {
			t.Fatal(err)
		}
		for name, q := range map[string]*helpdesk.Prepared{"a note for the ticket before": note, "the same again": p} {
			if err := b.inTx(func(ctx context.Context, x *helpdesk.Tx) error { return x.Note(ctx, q) }); !errors.Is(err, helpdesk.ErrStale) {
				t.Errorf("%s: %v, want ErrStale", name, err)
			}
		}
		err = b.inTx(func(ctx context.Context, x *helpdesk.Tx) error {
			return errors.Join(x.Assign(ctx, id, "kari"), x.SetStatus(ctx, id, ticket.Closed), x.Tag(ctx, id, []string{"b", "a"}, []string{"b"}))
		})
		if err != nil {
			t.Fatal(err)
		}
		b.work()
		c := b.one()
		if b.copies() != 1 || c.Messages[1].ID != p.Message || c.Ticket.Assignee != "kari" || c.Ticket.Status != ticket.Closed || !slices.Equal(c.Ticket.Tags, []string{"a"}) {
			t.Errorf("%d copies, ticket %+v", b.copies(), c.Ticket.Ticket)
		}
	})
	bubble(t, "a new ticket", func(t *testing.T) {
		b, _ := ticketed(t, nil)
		n := helpdesk.NewTicket{Mailbox: b.box.ID, To: []helpdesk.Address{{Addr: bob}}, Subject: "Hello", Text: "We write first."}
		p, err := b.acme.ComposeTicket(b.agent, n)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.inTx(func(ctx context.Context, x *helpdesk.Tx) error { return x.Start(ctx, p) }); err != nil {
			t.Fatal(err)
		}
		b.work()
		if c := b.conversation(p.Ticket); c.Ticket.Subject != "Hello" || c.Messages[0].Delivery.State != ticket.Sent {
			t.Errorf("%+v", c.Ticket)
		}
	})
	bubble(t, "of another tenant", func(t *testing.T) {
		b, id := ticketed(t, nil)
		p := prepare(b, id)
		err := b.store.Update(b.agent, func(ctx context.Context, tx store.Tx) error { return b.desk.Tenant("other").Tx(tx).Reply(ctx, p) })
		if !errors.Is(err, helpdesk.ErrNotFound) {
			t.Errorf("%v, want ErrNotFound", err)
		}
		if err := b.inTx(func(ctx context.Context, x *helpdesk.Tx) error { return x.Reply(ctx, nil) }); !errors.Is(err, helpdesk.ErrNotFound) {
			t.Errorf("nothing prepared: %v", err)
		}
	})
	bubble(t, "wrong values", func(t *testing.T) {
		b, id := ticketed(t, nil)
		if err := b.acme.SetStatus(b.agent, id, "done"); !errors.Is(err, helpdesk.ErrState) {
			t.Error(err)
		}
		if err := b.acme.Assign(b.agent, id, ticket.AgentID(make([]byte, 300))); !errors.Is(err, helpdesk.ErrBadID) {
			t.Error(err)
		}
		if _, err := b.acme.Reply(b.agent, id, helpdesk.Reply{Text: " \n"}); !errors.Is(err, helpdesk.ErrEmpty) {
			t.Error(err)
		}
		if _, err := b.acme.Reply(b.agent, id, helpdesk.Reply{Text: "x", Status: "done"}); !errors.Is(err, helpdesk.ErrState) {
			t.Error(err)
		}
		if _, err := b.acme.Reply(b.agent, id, helpdesk.Reply{Text: "x", To: []helpdesk.Address{{Addr: "no address"}}}); !errors.Is(err, helpdesk.ErrAddress) {
			t.Error(err)
		}
		injected := []helpdesk.File{{Name: "a\r\nBcc: x"}}
		if _, err := b.acme.Reply(b.agent, id, helpdesk.Reply{Text: "x", Files: injected}); !errors.Is(err, helpdesk.ErrHeader) {
			t.Error(err)
		}
	})
	bubble(t, "the hook sees its event in the transaction and can undo it", func(t *testing.T) {
		var b *bench
		var veto bool
		saw := 0
		hook := func(ctx context.Context, tx store.Tx, e ticket.Event) error {
			if e.Type != ticket.Assigned {
				return nil
			}
			row, err := tx.Ticket(ctx, e.Tenant, e.Ticket)
			if err != nil || string(row.Assignee) != e.To {
				t.Errorf("the hook does not see what is true: %v", err)
			}
			saw++
			if veto {
				return errUndo
			}
			// It may act itself, in the same transaction.
			return b.acme.Tx(tx).Tag(ctx, e.Ticket, []string{"assigned"}, nil)
		}
		b, id := ticketed(t, func(c *helpdesk.Config) {
			c.OnEvent = func(ctx context.Context, tx store.Tx, e ticket.Event) error { return hook(ctx, tx, e) }
		})
		veto = true
		if err := b.acme.Assign(b.agent, id, "kari"); !errors.Is(err, helpdesk.ErrHook) || !errors.Is(err, errUndo) {
			t.Errorf("%v, want ErrHook and the hook's own", err)
		}
		if tk := b.tickets()[0]; tk.Assignee != "" {
			t.Error("what the hook undid was kept")
		}
		veto = false
		if err := b.acme.Assign(b.agent, id, "kari"); err == nil {
			if tk := b.tickets()[0]; tk.Assignee != "kari" || !slices.Equal(tk.Tags, []string{"assigned"}) || saw != 2 {
				t.Errorf("%+v, seen %d times", tk.Ticket, saw)
			}
		} else {
			t.Error(err)
		}
	})
}

func TestVerbsMeetMovingTickets(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		b.deliver(numbered(0))
		b.work()
		id := b.tickets()[0].ID
		n := 0
		b.store.set(func(s *faulty) {
			s.refuse = func(c store.Changes) error {
				if len(c.Tickets) > 0 && n < 3 {
					n++
					return store.ErrStale
				}
				return nil
			}
		})
		b.reply(id, "An answer.")
		n = 0
		if _, err := b.acme.AddNote(b.agent, id, helpdesk.Note{Text: "x"}); err != nil {
			t.Error(err)
		}
		n = 0
		if err := b.acme.Assign(b.agent, id, "kari"); err != nil {
			t.Error(err)
		}
		n = -100
		if err := b.acme.Assign(b.agent, id, "ola"); !errors.Is(err, helpdesk.ErrStale) {
			t.Errorf("%v, want ErrStale", err)
		}
	})
}
