package helpdesk_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

func TestConnectIsIdempotent(t *testing.T) {
	bubble(t, "twice, with another password and name", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		a := b.account()
		a.Password, a.Name, a.User = "changed", "Help", "SUPPORT" // the identity folds case
		again, err := b.acme.Connect(t.Context(), a)
		if err != nil || again.ID != b.box.ID {
			t.Fatalf("connecting again: %v, another mailbox: %v", err, again.ID != b.box.ID)
		}
	})
	bubble(t, "by another desk", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		again, err := b.newDesk(nil).Tenant("acme").Connect(t.Context(), b.account())
		if err != nil || again.ID != b.box.ID {
			t.Fatalf("connecting elsewhere: %v, another mailbox: %v", err, again.ID != b.box.ID)
		}
	})
	bubble(t, "concurrently by two desks", func(t *testing.T) {
		b := unconnected(t, mailboxtest.FakeOptions{Latency: time.Second}, nil)
		tenants := []*helpdesk.Tenant{b.acme, b.newDesk(nil).Tenant("acme")}
		ids := make([]ticket.ID, 8)
		var wg sync.WaitGroup
		for i := range ids {
			wg.Go(func() {
				m, err := tenants[i%2].Connect(t.Context(), b.account())
				if err != nil {
					t.Errorf("Connect: %v", err)
				}
				ids[i] = m.ID
			})
		}
		wg.Wait()
		if ids = slices.Compact(ids); len(ids) != 1 {
			t.Fatalf("%d mailboxes of one account", len(ids))
		}
		b.box.ID = ids[0]
		b.deliver(numbered(0))
		b.work()
		b.wantNumbered(1)
		if n := b.countEvents(ticket.MailboxConnected); n != 1 {
			t.Errorf("%d events of connecting, want 1", n)
		}
	})
	bubble(t, "after disconnecting it is the same mailbox within the grace", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		if err := b.acme.Disconnect(t.Context(), b.box.ID); err != nil {
			t.Fatal(err)
		}
		again, err := b.acme.Connect(t.Context(), b.account())
		if err != nil || again.ID != b.box.ID || again.State != store.MailboxConnected {
			t.Fatalf("%+v, %v", again, err)
		}
	})
}

func TestConnectTenantsAreApart(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		other := b.desk.Tenant("Acme") // case distinguishes
		box, err := other.Connect(t.Context(), b.account())
		if err != nil || box.ID == b.box.ID {
			t.Fatalf("%v, the same mailbox: %v", err, box.ID == b.box.ID)
		}
		b.deliver(numbered(0))
		b.work()
		b.wantNumbered(1)
		page, err := other.Tickets(b.agent, helpdesk.TicketQuery{})
		if err != nil || len(page.Tickets) != 1 || page.Tickets[0].ID == b.tickets()[0].ID {
			t.Fatalf("the other tenant has %d tickets, %v", len(page.Tickets), err)
		}
	})
}

func TestConnectRefusals(t *testing.T) {
	var nobody mailbox.Account
	for _, c := range []struct {
		name    string
		account mailbox.Account
		prepare func(b *bench)
		is      error
		kind    mailbox.Kind
	}{
		{"nil account", nobody, nil, helpdesk.ErrAccount, ""},
		{"no address", mailboxtest.Account{User: "x", Email: "nowhere", Password: "p"}, nil, helpdesk.ErrAccount, ""},
		{"unknown provider", mailboxtest.Account{User: "x", Email: ours, Password: "p", ProviderName: "pigeon"}, nil, helpdesk.ErrNoProvider, ""},
		{"wrong password", nil, func(b *bench) { b.fake.SetPassword("support", "other") }, nil, mailbox.Auth},
		{"dead server", nil, func(b *bench) {
			b.fake.Inject(mailboxtest.Fault{Op: mailboxtest.OpOpen, Kind: mailboxtest.FaultServerError, Times: -1})
		}, nil, mailbox.Transient},
		{"lost while taking the cursor", nil, func(b *bench) {
			b.fake.Inject(mailboxtest.Fault{Op: mailboxtest.OpChanges, Kind: mailboxtest.FaultCutAfter})
		}, nil, mailbox.Transient},
		{"store down", nil, func(b *bench) { b.store.set(func(s *faulty) { s.down = true }) }, helpdesk.ErrUnavailable, ""},
	} {
		bubble(t, c.name, func(t *testing.T) {
			b := unconnected(t, plain(), nil)
			a := c.account
			if c.is == nil || c.prepare != nil {
				a = b.account()
			}
			if c.prepare != nil {
				c.prepare(b)
			}
			m, err := b.acme.Connect(t.Context(), a)
			var remote *mailbox.Error
			switch {
			case c.is != nil && !errors.Is(err, c.is):
				t.Fatalf("error %v, want %v", err, c.is)
			case c.kind != "" && (!errors.As(err, &remote) || remote.Kind != c.kind):
				t.Fatalf("error %v, want kind %s", err, c.kind)
			case !m.ID.IsZero():
				t.Error("a mailbox beside an error")
			}
			if n := b.fake.Connections(); n != 0 {
				t.Errorf("%d connections stay open", n)
			}
			b.store.set(func(s *faulty) { s.down = false })
			if boxes, err := b.acme.Mailboxes(t.Context()); err != nil || len(boxes) != 0 {
				t.Errorf("%d mailboxes after a refusal, %v", len(boxes), err)
			}
		})
	}
	bubble(t, "bad tenant", func(t *testing.T) {
		b := unconnected(t, plain(), nil)
		if _, err := b.desk.Tenant("").Connect(t.Context(), b.account()); !errors.Is(err, helpdesk.ErrBadID) {
			t.Fatal(err)
		}
	})
}

func TestConnectAgain(t *testing.T) {
	bubble(t, "while the server is down", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		b.fake.Inject(mailboxtest.Fault{Op: mailboxtest.OpOpen, Kind: mailboxtest.FaultServerError, Times: 2})
		if again, err := b.acme.Connect(t.Context(), b.account()); err != nil || again.ID != b.box.ID {
			t.Fatalf("a known mailbox must survive its server's bad day: %v", err)
		}
		b.deliver(numbered(0))
		b.patiently(time.Minute)
		b.wantNumbered(1)
	})
	bubble(t, "with a wrong password keeps the right one", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		b.fake.SetPassword("support", "secret")
		a := b.account()
		a.Password = "wrong"
		if _, err := b.acme.Connect(t.Context(), a); mailbox.KindOf(err) != mailbox.Auth {
			t.Fatal(err)
		}
		b.deliver(numbered(0))
		b.work()
		b.wantNumbered(1)
	})
	bubble(t, "a new password wakes what waited for it", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		b.deliver(numbered(0))
		b.work()
		b.fake.SetPassword("support", "new")
		b.reply(b.tickets()[0].ID, "An answer.")
		b.work()
		if h := b.health(); h.State != store.HealthNeedsConsent || h.Cause != "open: login refused" {
			t.Fatalf("health %+v", h)
		}
		a := b.account()
		a.Password = "new"
		if _, err := b.acme.Connect(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		b.once()
		if h := b.health(); h.State != store.HealthOK || h.Cause != "" || h.Failures != 0 {
			t.Errorf("health %+v", h)
		}
		if len(b.fake.Sent("support")) != 1 {
			t.Error("the reply still waits for the old password's time-out")
		}
	})
}

func TestIntakeWindow(t *testing.T) {
	old := func(b *bench, n int, age time.Duration) string {
		return b.fake.DeliverAt("support", numbered(n).raw(), time.Now().Add(-age))
	}
	bubble(t, "the zero window never fetches the past", func(t *testing.T) {
		b := unconnected(t, plain(), nil)
		past := []string{old(b, 8, time.Hour), old(b, 9, time.Minute)}
		b.connect(helpdesk.ConnectOptions{})
		b.deliver(numbered(0))
		b.work()
		b.fake.ExpireCursor("support") // a resynchronisation lists more, but not that
		b.deliver(numbered(1))
		b.work()
		b.wantNumbered(2)
		for _, id := range b.fake.FetchedIDs("support") {
			if slices.Contains(past, id) {
				t.Error("a mail from before connecting was fetched")
			}
		}
	})
	bubble(t, "Since opens it, newest first, without consequences", func(t *testing.T) {
		b := unconnected(t, plain(), func(c *helpdesk.Config) { c.PageSize = 2 })
		outside := old(b, 9, 30*time.Hour)
		inside := []string{old(b, 0, 20*time.Hour), old(b, 1, 10*time.Hour), old(b, 2, time.Hour)}
		b.connect(helpdesk.ConnectOptions{Intake: mailbox.Intake{Since: time.Now().Add(-24 * time.Hour)}})
		b.patiently(time.Minute)
		b.wantNumbered(3)
		slices.Reverse(inside)
		if got := b.fake.FetchedIDs("support"); !slices.Equal(got, inside) {
			t.Errorf("fetched %v, want %v and never %s", got, inside, outside)
		}
		for _, tk := range b.tickets() {
			if tk.Status != ticket.Closed || tk.Origin != ticket.FromBackfill {
				t.Errorf("a backfilled ticket is %s from %s", tk.Status, tk.Origin)
			}
		}
		if b.countEvents(ticket.StatusChanged) != 0 || len(b.deliveries()) != 0 || len(b.fake.Sent("support")) != 0 {
			t.Error("backfill had consequences")
		}
		b.deliver(mail{from: ann, id: "late@customer.example", reply: "n1@customer.example", text: "Again."})
		b.work()
		if c := b.conversation(b.find("Number 1")); len(c.Messages) != 2 || c.Ticket.Status != ticket.Open {
			t.Errorf("a live answer does not open the backfilled ticket: %d messages, %s", len(c.Messages), c.Ticket.Status)
		}
	})
	bubble(t, "the past and the live stream leave no gap", func(t *testing.T) {
		b := unconnected(t, mailboxtest.FakeOptions{Latency: time.Second}, nil)
		go func() { // while connecting waits for the cursor
			time.Sleep(1500 * time.Millisecond)
			b.deliver(numbered(0))
		}()
		b.connect(helpdesk.ConnectOptions{Intake: mailbox.Intake{Since: time.Now().Add(-time.Hour)}})
		b.patiently(time.Minute)
		b.wantNumbered(1)
	})
	bubble(t, "only the chosen folders", func(t *testing.T) {
		b := unconnected(t, plain(), nil)
		b.fake.AddFolder("support", "Sales")
		b.connect(helpdesk.ConnectOptions{Intake: mailbox.Intake{Folders: []string{"Sales"}}})
		b.fake.Put("support", mailboxtest.Arrival{Raw: numbered(0).raw(), Folder: "Sales"})
		b.fake.Put("support", mailboxtest.Arrival{Raw: numbered(1).raw()})
		b.work()
		b.wantNumbered(1)
	})
}

// find returns the ticket with a subject.
func (b *bench) find(subject string) ticket.ID {
	b.t.Helper()
	for _, t := range b.tickets() {
		if t.Subject == subject {
			return t.ID
		}
	}
	b.t.Fatalf("no ticket %q among %q", subject, b.subjects())
	return ticket.ID{}
}

func TestDisconnect(t *testing.T) {
	bubble(t, "fences everything at once", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		b.deliver(numbered(0))
		b.work()
		id := b.tickets()[0].ID
		b.reply(id, "Never leaves.")
		if err := b.acme.Disconnect(t.Context(), b.box.ID); err != nil {
			t.Fatal(err)
		}
		if err := b.acme.Disconnect(t.Context(), b.box.ID); err != nil {
			t.Errorf("a second time: %v", err)
		}
		b.deliver(numbered(1))
		b.work()
		if d := b.delivery(); d.State != ticket.Cancelled || len(b.fake.Sent("support")) != 0 {
			t.Errorf("delivery %s, %d sent", d.State, len(b.fake.Sent("support")))
		}
		c, err := b.acme.Conversation(b.agent, id, 0)
		if err != nil || c.Ticket.Subject != "" || c.Messages[0].Text != "" {
			t.Errorf("content of a disconnected mailbox: %v", err)
		}
		if !errors.Is(c.Ticket.Unreadable, helpdesk.ErrFenced) || !errors.Is(c.Messages[0].Unreadable, helpdesk.ErrFenced) {
			t.Errorf("unreadable because of %v, want ErrFenced", c.Ticket.Unreadable)
		}
		_, raw := b.acme.Raw(b.agent, c.Messages[0].ID)
		_, reply := b.acme.Reply(b.agent, id, helpdesk.Reply{Text: "x"})
		for _, err := range []error{raw, reply, b.acme.Assign(b.agent, id, "kari")} {
			if !errors.Is(err, helpdesk.ErrFenced) {
				t.Errorf("error %v, want ErrFenced", err)
			}
		}
	})
	bubble(t, "what was on the wire is in doubt, not forgotten", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		b.deliver(numbered(0))
		b.work()
		b.reply(b.tickets()[0].ID, "An answer.")
		b.fake.Inject(mailboxtest.Fault{Op: mailboxtest.OpSend, Kind: mailboxtest.FaultHangAfter, Delay: time.Second})
		go func() {
			time.Sleep(2*time.Minute + 5*time.Second)
			if err := b.acme.Disconnect(privacy.As(t.Context(), privacy.System("test"), privacy.Operation), b.box.ID); err != nil {
				t.Errorf("Disconnect: %v", err)
			}
		}()
		b.work()
		if d := b.delivery(); d.State != ticket.Uncertain {
			t.Errorf("delivery %s, want uncertain", d.State)
		}
	})
}
