package helpdesk_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/store/memory"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// bench is a desk on the memory store and a fake provider, inside a bubble of
// testing/synctest.
type bench struct {
	t     *testing.T
	store *faulty
	fake  *mailboxtest.Fake
	keys  helpdesk.Keys
	desk  *helpdesk.Desk
	acme  *helpdesk.Tenant
	box   helpdesk.Mailbox
	agent context.Context
}

const (
	ours = "support@desk.example"
	ann  = "ann@customer.example"
	bob  = "bob@customer.example"
	eve  = "eve@stranger.example"
)

// plain and rich are the two kinds of provider that send differently.
func plain() mailboxtest.FakeOptions {
	return mailboxtest.FakeOptions{Capabilities: mailboxtest.PlainCapabilities()}
}

func rich() mailboxtest.FakeOptions {
	return mailboxtest.FakeOptions{Capabilities: mailboxtest.RichCapabilities()}
}

// bubble runs a test under a clock of its own.
func bubble(t *testing.T, name string, f func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}

// unconnected is a bench whose mailbox is still to be connected.
func unconnected(t *testing.T, o mailboxtest.FakeOptions, edit func(*helpdesk.Config)) *bench {
	t.Helper()
	b := &bench{t: t, store: &faulty{Store: memory.New()}, fake: mailboxtest.NewFake(o), keys: helpdesk.EphemeralKeys()}
	b.desk = b.newDesk(edit)
	b.acme = b.desk.Tenant("acme")
	b.agent = privacy.As(t.Context(), privacy.Agent("kari"), privacy.Support)
	return b
}

func newBench(t *testing.T, o mailboxtest.FakeOptions, edit func(*helpdesk.Config)) *bench {
	t.Helper()
	b := unconnected(t, o, edit)
	b.connect(helpdesk.ConnectOptions{})
	return b
}

func (b *bench) connect(o helpdesk.ConnectOptions) {
	b.t.Helper()
	var err error
	if b.box, err = b.acme.ConnectWith(b.t.Context(), b.account(), o); err != nil {
		b.t.Fatalf("Connect: %v", err)
	}
}

// newDesk is one more process on the same store, keys and provider.
func (b *bench) newDesk(edit func(*helpdesk.Config)) *helpdesk.Desk {
	b.t.Helper()
	c := helpdesk.Config{Store: b.store, Keys: b.keys, Providers: []mailbox.Provider{b.fake.Provider()}}
	if os.Getenv("HELPDESK_TEST_LOG") != "" {
		c.Logger = slog.New(slog.NewTextHandler(b.t.Output(), nil))
	}
	if edit != nil {
		edit(&c)
	}
	d, err := helpdesk.New(c)
	if err != nil {
		b.t.Fatalf("New: %v", err)
	}
	return d
}

func (b *bench) account() mailboxtest.Account {
	return mailboxtest.Account{User: "support", Email: ours, Name: "Support", Password: "secret"}
}

// mail is a mail written by us.
type mail struct {
	from, to, cc, id, reply, subject, text string
	refs                                   []string
	more                                   string // further header lines
}

func (m mail) raw() []byte {
	var s strings.Builder
	line := func(k, v string) {
		if v != "" {
			fmt.Fprintf(&s, "%s: %s\r\n", k, v)
		}
	}
	line("From", m.from)
	to := m.to
	if to == "" {
		to = ours
	}
	line("To", to)
	line("Cc", m.cc)
	line("Subject", m.subject)
	if m.id != "" {
		line("Message-ID", "<"+m.id+">")
	}
	if m.reply != "" {
		line("In-Reply-To", "<"+m.reply+">")
	}
	if len(m.refs) > 0 {
		line("References", "<"+strings.Join(m.refs, "> <")+">")
	}
	s.WriteString(m.more)
	s.WriteString("\r\n" + m.text + "\r\n")
	return []byte(s.String())
}

// numbered is the nth of many mails of their own.
func numbered(n int) mail {
	return mail{from: ann, id: fmt.Sprintf("n%d@customer.example", n), subject: fmt.Sprintf("Number %d", n), text: fmt.Sprintf("Text %d.", n)}
}

func (b *bench) deliver(m mail) (id string) {
	b.t.Helper()
	return b.fake.Deliver("support", m.raw())
}

// work runs the desk until nothing is due, with polling brought forward.
func (b *bench) work() {
	b.t.Helper()
	time.Sleep(2 * time.Minute)
	b.once()
}

func (b *bench) once() {
	b.t.Helper()
	if _, err := b.desk.RunOnce(b.t.Context()); err != nil {
		b.t.Fatalf("RunOnce: %v", err)
	}
}

// patiently works for a while, as Run would.
func (b *bench) patiently(d time.Duration) {
	b.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); {
		time.Sleep(time.Second)
		_, _ = b.desk.RunOnce(b.t.Context()) // a store that is down comes back
	}
}

func (b *bench) tickets() []helpdesk.Ticket {
	b.t.Helper()
	var all []helpdesk.Ticket
	for t, err := range b.acme.AllTickets(b.agent, helpdesk.TicketQuery{Limit: 200}) {
		if err != nil {
			b.t.Fatalf("Tickets: %v", err)
		}
		all = append(all, t)
	}
	return all
}

func (b *bench) one() helpdesk.Conversation {
	b.t.Helper()
	ts := b.tickets()
	if len(ts) != 1 {
		b.t.Fatalf("%d tickets, want 1", len(ts))
	}
	return b.conversation(ts[0].ID)
}

func (b *bench) conversation(id ticket.ID) helpdesk.Conversation {
	b.t.Helper()
	c, err := b.acme.Conversation(b.agent, id, 0)
	if err != nil {
		b.t.Fatalf("Conversation: %v", err)
	}
	return c
}

// subjects are those of all tickets, sorted.
func (b *bench) subjects() []string {
	b.t.Helper()
	var out []string
	for _, t := range b.tickets() {
		out = append(out, t.Subject)
	}
	slices.Sort(out)
	return out
}

// wantNumbered checks that the mails 0 to n-1 are there exactly once each.
func (b *bench) wantNumbered(n int) {
	b.t.Helper()
	got := b.subjects()
	var want []string
	for i := range n {
		want = append(want, fmt.Sprintf("Number %d", i))
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		b.t.Fatalf("%d tickets %q, want %d", len(got), got, n)
	}
}

func (b *bench) reply(id ticket.ID, text string) ticket.ID {
	b.t.Helper()
	m, err := b.acme.Reply(b.agent, id, helpdesk.Reply{Text: text})
	if err != nil {
		b.t.Fatalf("Reply: %v", err)
	}
	return m
}

func (b *bench) deliveries(states ...ticket.DeliveryState) []ticket.Delivery {
	b.t.Helper()
	d, err := b.acme.Deliveries(b.t.Context(), ticket.ID{}, 200, states...)
	if err != nil {
		b.t.Fatalf("Deliveries: %v", err)
	}
	return d
}

// delivery is the only one there is.
func (b *bench) delivery() ticket.Delivery {
	b.t.Helper()
	d := b.deliveries()
	if len(d) != 1 {
		b.t.Fatalf("%d deliveries, want 1", len(d))
	}
	return d[0]
}

func (b *bench) health() store.Health {
	b.t.Helper()
	boxes, err := b.acme.Mailboxes(b.t.Context())
	if err != nil || len(boxes) == 0 {
		b.t.Fatalf("Mailboxes: %d, %v", len(boxes), err)
	}
	return boxes[0].Health
}

func (b *bench) quarantine() []helpdesk.Quarantined {
	b.t.Helper()
	q, err := b.acme.Quarantine(b.t.Context(), ticket.ID{}, 200)
	if err != nil {
		b.t.Fatalf("Quarantine: %v", err)
	}
	return q
}

func (b *bench) events() []store.LoggedEvent {
	b.t.Helper()
	e, err := b.acme.Events(b.t.Context(), "", 1000)
	if err != nil {
		b.t.Fatalf("Events: %v", err)
	}
	return e
}

func (b *bench) countEvents(typ ticket.EventType) (n int) {
	b.t.Helper()
	for _, e := range b.events() {
		if e.Type == typ {
			n++
		}
	}
	return n
}

// mailboxRow reads the stored mailbox.
func (b *bench) mailboxRow() (m store.Mailbox) {
	b.t.Helper()
	err := b.store.View(b.t.Context(), func(ctx context.Context, r store.Reader) (err error) {
		m, err = r.Mailbox(ctx, "acme", b.box.ID)
		return err
	})
	if err != nil {
		b.t.Fatalf("Mailbox: %v", err)
	}
	return m
}

// fired makes sure that a planned fault really happened.
func (b *bench) fired(op string, k mailboxtest.FaultKind) {
	b.t.Helper()
	if b.fake.Fired()[op+"/"+string(k)] == 0 {
		b.t.Errorf("the fault %s/%s never happened: the test tests nothing", op, k)
	}
}
