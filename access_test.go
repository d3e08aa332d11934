package helpdesk_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// ids are those of the things that verbs are called on.
type ids struct{ box, ticket, other, message, held, reply ticket.ID }

// verb is a verb of Tenant in the smallest form.
type verb struct {
	call func(ctx context.Context, t *helpdesk.Tenant, x ids) error
	// content is set when it opens or writes content or acts for a person, so
	// that it needs a principal; opens when it opens content.
	content, opens bool
	// owned is set when it is about something with an id.
	owned bool
}

func drop[T any](_ T, err error) error { return err }

// verbs has a case for each method of Tenant; see TestEveryVerbHasACase.
var verbs = map[string]verb{
	"ID": {}, "Tx": {},
	"Connect": {}, "ConnectWith": {}, // need an account: see connect_test.go
	"Disconnect": {func(ctx context.Context, t *helpdesk.Tenant, x ids) error { return t.Disconnect(ctx, x.box) }, false, false, true},
	"Close":      {func(ctx context.Context, t *helpdesk.Tenant, _ ids) error { return drop(t.Close(lawful(ctx))) }, true, false, false},
	"Erase": {func(ctx context.Context, t *helpdesk.Tenant, x ids) error {
		return drop(t.Erase(lawful(ctx), helpdesk.EraseRequest{Ticket: x.ticket, In: time.Hour}))
	}, true, false, true},
	"Erasures": {func(ctx context.Context, t *helpdesk.Tenant, _ ids) error { return drop(t.Erasures(ctx)) }, false, false, false},
	"Hold": {func(ctx context.Context, t *helpdesk.Tenant, x ids) error {
		return drop(t.Hold(lawful(ctx), helpdesk.HoldRequest{Ticket: x.ticket, Ground: helpdesk.LegalClaim, Reason: "x", Approver: "chief"}))
	}, true, false, true},
	"ReleaseHold": {func(ctx context.Context, t *helpdesk.Tenant, x ids) error { return t.ReleaseHold(lawful(ctx), x.other) }, true, false, true},
	"Holds":       {func(ctx context.Context, t *helpdesk.Tenant, _ ids) error { return drop(t.Holds(ctx)) }, false, false, false},
	"Mailboxes":   {func(ctx context.Context, t *helpdesk.Tenant, _ ids) error { return drop(t.Mailboxes(ctx)) }, false, false, false},
	"Deliveries": {func(ctx context.Context, t *helpdesk.Tenant, _ ids) error {
		return drop(t.Deliveries(ctx, ticket.ID{}, 1))
	}, false, false, false},
	"Events": {func(ctx context.Context, t *helpdesk.Tenant, _ ids) error { return drop(t.Events(ctx, "", 1)) }, false, false, false},
	"Quarantine": {func(ctx context.Context, t *helpdesk.Tenant, _ ids) error {
		return drop(t.Quarantine(ctx, ticket.ID{}, 1))
	}, false, false, false},
	"Tickets": {func(ctx context.Context, t *helpdesk.Tenant, _ ids) error {
		return drop(t.Tickets(ctx, helpdesk.TicketQuery{}))
	}, true, true, false},
	"AllTickets": {func(ctx context.Context, t *helpdesk.Tenant, _ ids) error {
		for _, err := range t.AllTickets(ctx, helpdesk.TicketQuery{}) {
			return err
		}
		return nil
	}, true, true, false},
	"Ticket": {func(ctx context.Context, t *helpdesk.Tenant, x ids) error { return drop(t.Ticket(ctx, x.ticket)) }, true, true, true},
	"Conversation": {func(ctx context.Context, t *helpdesk.Tenant, x ids) error {
		return drop(t.Conversation(ctx, x.ticket, 0))
	}, true, true, true},
	"Raw": {func(ctx context.Context, t *helpdesk.Tenant, x ids) error { return drop(t.Raw(ctx, x.message)) }, true, true, true},
	"Attachment": {func(ctx context.Context, t *helpdesk.Tenant, x ids) error {
		return drop(t.Attachment(ctx, x.message, 0))
	}, true, true, true},
	"QuarantinedRaw": {func(ctx context.Context, t *helpdesk.Tenant, x ids) error { return drop(t.QuarantinedRaw(ctx, x.held)) }, true, true, true},
	"Reprocess":      {func(ctx context.Context, t *helpdesk.Tenant, x ids) error { return drop(t.Reprocess(ctx, x.held)) }, true, true, true},
	"Release":        {func(ctx context.Context, t *helpdesk.Tenant, x ids) error { return drop(t.Release(ctx, x.held)) }, true, true, true},
	"Compose": {func(ctx context.Context, t *helpdesk.Tenant, x ids) error {
		return drop(t.Compose(ctx, x.ticket, helpdesk.Reply{Text: "x"}))
	}, true, true, true},
	"Reply": {func(ctx context.Context, t *helpdesk.Tenant, x ids) error {
		return drop(t.Reply(ctx, x.ticket, helpdesk.Reply{Text: "x"}))
	}, true, true, true},
	"ComposeTicket": {func(ctx context.Context, t *helpdesk.Tenant, x ids) error {
		return drop(t.ComposeTicket(ctx, helpdesk.NewTicket{Mailbox: x.box, To: []helpdesk.Address{{Addr: bob}}, Text: "x"}))
	}, true, true, true},
	"Start": {func(ctx context.Context, t *helpdesk.Tenant, x ids) error {
		return drop(t.Start(ctx, helpdesk.NewTicket{Mailbox: x.box, To: []helpdesk.Address{{Addr: bob}}, Text: "x"}))
	}, true, true, true},
	"ComposeNote": {func(ctx context.Context, t *helpdesk.Tenant, x ids) error {
		return drop(t.ComposeNote(ctx, x.ticket, helpdesk.Note{Text: "x"}))
	}, true, false, true},
	"AddNote": {func(ctx context.Context, t *helpdesk.Tenant, x ids) error {
		return drop(t.AddNote(ctx, x.ticket, helpdesk.Note{Text: "x"}))
	}, true, false, true},
	"Assign": {func(ctx context.Context, t *helpdesk.Tenant, x ids) error { return t.Assign(ctx, x.ticket, "ola") }, true, false, true},
	"SetStatus": {func(ctx context.Context, t *helpdesk.Tenant, x ids) error {
		return t.SetStatus(ctx, x.ticket, ticket.Closed)
	}, true, false, true},
	"Merge": {func(ctx context.Context, t *helpdesk.Tenant, x ids) error {
		return t.Merge(ctx, x.ticket, x.other)
	}, true, false, true},
	"Tag": {func(ctx context.Context, t *helpdesk.Tenant, x ids) error {
		return t.Tag(ctx, x.ticket, []string{"a"}, nil)
	}, true, false, true},
	"SendAgain":   {func(ctx context.Context, t *helpdesk.Tenant, x ids) error { return t.SendAgain(ctx, x.reply) }, true, false, true},
	"MarkSent":    {func(ctx context.Context, t *helpdesk.Tenant, x ids) error { return t.MarkSent(ctx, x.reply) }, true, false, true},
	"CancelReply": {func(ctx context.Context, t *helpdesk.Tenant, x ids) error { return t.CancelReply(ctx, x.reply) }, true, false, true},
}

// lawful gives who supports a purpose that he may hold and erase for.
func lawful(ctx context.Context) context.Context {
	if who, purpose, err := privacy.From(ctx); err == nil && purpose == privacy.Support {
		return privacy.As(ctx, who, privacy.Legal)
	}
	return ctx
}

func TestEveryVerbHasACase(t *testing.T) {
	for m := range reflect.TypeFor[*helpdesk.Tenant]().Methods() {
		if _, ok := verbs[m.Name]; !ok {
			t.Errorf("Tenant.%s has no case: say who may call it", m.Name)
		}
	}
}

// furnished is a bench with one of everything.
func furnished(t *testing.T, edit func(*helpdesk.Config)) (*bench, ids) {
	b := newBench(t, plain(), edit)
	b.deliver(numbered(0))
	held := b.deliver(numbered(1))
	b.store.set(func(s *faulty) { s.refuse = refuseMail(held) })
	b.work()
	b.store.set(func(s *faulty) { s.refuse = nil })
	x := ids{box: b.box.ID, ticket: b.tickets()[0].ID, held: b.quarantine()[0].ID}
	x.message = b.one().Messages[0].ID
	x.other = b.start("Another matter")
	x.reply = b.reply(x.ticket, "An answer.")
	return b, x
}

func (b *bench) accesses() []privacy.Entry {
	b.t.Helper()
	e, _, err := b.store.AccessLog().Entries(b.t.Context(), "acme", "", 10_000)
	if err != nil {
		b.t.Fatal(err)
	}
	return e
}

func TestVerbsRefuse(t *testing.T) {
	denying, failing := false, false
	for name, v := range verbs {
		if v.call == nil {
			continue
		}
		bubble(t, name, func(t *testing.T) {
			denying, failing = false, false
			var log *brokenLog
			b, x := furnished(t, func(c *helpdesk.Config) {
				log = &brokenLog{AccessLog: c.Store.AccessLog(), broken: &failing}
				c.AccessLog = log
				c.Authorize = func(context.Context, privacy.Request) error {
					if denying {
						return errors.New("no")
					}
					return nil
				}
			})
			as := func(p privacy.Purpose) context.Context { return privacy.As(t.Context(), privacy.Agent("kari"), p) }
			want := func(why string, ctx context.Context, want error) {
				t.Helper()
				if err := v.call(ctx, b.acme, x); !errors.Is(err, want) {
					t.Errorf("%s: %v, want %v", why, err, want)
				}
			}
			if v.content {
				want("nobody", t.Context(), helpdesk.ErrNoPrincipal)
				want("no purpose", as(""), helpdesk.ErrNoPurpose)
				want("unknown purpose", as("curiosity"), helpdesk.ErrNoPurpose)
				for _, p := range []privacy.Purpose{privacy.Advertising, privacy.Sale, privacy.ModelTraining} {
					want(string(p), as(p), helpdesk.ErrDenied)
				}
				want("inside a transaction", privacy.WithinTx(b.agent), helpdesk.ErrInTransaction)
			}
			if v.opens {
				want("an agent on the engine's purpose", as(privacy.Operation), helpdesk.ErrDenied)
				before := len(b.accesses())
				denying = true
				want("the host denies", b.agent, helpdesk.ErrDenied)
				denying = false
				if all := b.accesses(); len(all) == before || !all[len(all)-1].Refused {
					t.Error("a refused access left no entry")
				}
				failing = true
				want("the log is broken", b.agent, helpdesk.ErrAccessLog)
				failing = false
			}
			other := b.desk.Tenant("other")
			if _, err := other.Connect(t.Context(), b.account()); err != nil {
				t.Fatal(err)
			}
			foreign := v.call(b.agent, other, x)
			if v.owned && !errors.Is(foreign, helpdesk.ErrNotFound) || !v.owned && foreign != nil {
				t.Errorf("of another tenant: %v", foreign)
			}
			if v.owned {
				unknown := ids{}
				for _, p := range []*ticket.ID{&unknown.box, &unknown.ticket, &unknown.message, &unknown.held, &unknown.reply} {
					*p = ticket.NewID(time.Now())
				}
				if err := v.call(b.agent, b.acme, unknown); err == nil || err.Error() != foreign.Error() {
					t.Errorf("an unknown id says %v, another tenant's %v: they must not differ", err, foreign)
				}
			}
			if err := v.call(b.agent, b.desk.Tenant(""), x); !errors.Is(err, helpdesk.ErrBadID) {
				t.Errorf("no tenant: %v", err)
			}
		})
	}
}

// brokenLog is an access log that cannot be written.
type brokenLog struct {
	privacy.AccessLog
	broken *bool
}

func (l *brokenLog) Append(ctx context.Context, e []privacy.Entry) error {
	if *l.broken {
		return errors.New("disk full")
	}
	return l.AccessLog.Append(ctx, e)
}

func TestAccessEntries(t *testing.T) {
	bubble(t, "a page is one entry that names all it opened", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		for n := range 60 {
			b.deliver(numbered(n))
		}
		b.work()
		before := len(b.accesses())
		page, err := b.acme.Tickets(b.agent, helpdesk.TicketQuery{})
		if err != nil || len(page.Tickets) != 50 || page.Next == "" {
			t.Fatalf("%d tickets, %v", len(page.Tickets), err)
		}
		all := b.accesses()
		e := all[len(all)-1]
		if len(all) != before+1 || len(e.Objects) != 50 || !slices.Equal(e.Classes, []privacy.Class{privacy.Subject}) ||
			e.Principal != privacy.Agent("kari") || e.Purpose != privacy.Support || e.Operation != "tickets.list" {
			t.Errorf("%d entries, the last %+v", len(all)-before, e)
		}
		b.conversation(page.Tickets[0].ID)
		if n := len(b.accesses()); n != before+2 {
			t.Errorf("a conversation left %d entries", n-before-1)
		}
	})
	bubble(t, "credentials are opened by the engine only", func(t *testing.T) {
		b, x := furnished(t, nil)
		if _, err := b.acme.Release(b.agent, x.held); err != nil {
			t.Fatal(err)
		}
		b.work()
		n := 0
		for _, e := range b.accesses() {
			if slices.Contains(e.Classes, privacy.Credentials) {
				n++
				if e.Principal.Kind != privacy.SystemPrincipal || e.Purpose != privacy.Operation {
					t.Errorf("credentials opened by %+v", e)
				}
			}
		}
		if n == 0 {
			t.Error("no entry for credentials at all")
		}
	})
	bubble(t, "nothing opens inside View, Update or OnEvent", func(t *testing.T) {
		var b *bench
		tried := 0
		try := func(ctx context.Context) {
			tried++
			if _, err := b.acme.Tickets(privacy.As(ctx, privacy.Agent("kari"), privacy.Support), helpdesk.TicketQuery{}); !errors.Is(err, helpdesk.ErrInTransaction) {
				t.Errorf("%v, want ErrInTransaction", err)
			}
		}
		b = unconnected(t, plain(), func(c *helpdesk.Config) {
			c.OnEvent = func(ctx context.Context, _ store.Tx, _ ticket.Event) error { try(ctx); return nil }
		})
		b.connect(helpdesk.ConnectOptions{})
		_ = b.store.View(b.agent, func(ctx context.Context, _ store.Reader) error { try(ctx); return nil })
		_ = b.store.Update(b.agent, func(ctx context.Context, _ store.Tx) error { try(ctx); return nil })
		if tried != 3 {
			t.Errorf("tried %d times", tried)
		}
	})
}
