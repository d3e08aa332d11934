package postfix

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/internal/testmail"
	"github.com/helpdesk-go/helpdesk/internal/testpg"
	"github.com/helpdesk-go/helpdesk/mailbox/imap"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/store/postgres"
	"github.com/helpdesk-go/helpdesk/ticket"
)

const (
	boxes         = 12 // mailboxes, because one has a bound on what dead workers still hold
	ticketsPerBox = 4  // more than are answered at once
	password      = "Kanarienvogel-7"
	subject       = "Zuckerdose" // in every subject, and never in a log
)

// box is a mailbox with its tickets.
type box struct {
	user    string
	id      ticket.ID
	tickets []ticket.ID
}

// bench is the servers, a store with tickets to answer, and the replies since
// the last settling.
type bench struct {
	tb      testing.TB
	program string
	env     []string
	logs    string // file that all workers log to
	logFile *os.File

	dovecot *testmail.Dovecot
	postfix *testmail.Postfix
	smtp    *proxy
	imap    *proxy
	st      store.Store
	acme    *helpdesk.Tenant
	kari    context.Context
	boxes   []box

	next    *worker // started, waiting for its line
	replies []*reply
}

// newBench starts everything and takes in a mail for each ticket.
func newBench(tb testing.TB, program string) *bench {
	tb.Helper()
	dir := tb.TempDir()
	b := &bench{tb: tb, program: program, logs: filepath.Join(dir, "workers.log")}
	log, err := os.OpenFile(b.logs, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	must(tb, err)
	b.logFile = log
	tb.Cleanup(func() { _ = log.Close() })

	b.dovecot = testmail.NewDovecot(tb, testmail.DovecotOptions{})
	for n := range boxes {
		b.boxes = append(b.boxes, box{user: fmt.Sprintf("support%d", n)})
		must(tb, b.dovecot.AddUser(b.boxes[n].user, password))
	}
	b.postfix = testmail.NewPostfix(tb, testmail.PostfixOptions{
		Dovecot: b.dovecot, Refuse: []string{"nobody@refused.example"},
	})
	b.smtp = listen(tb, b.postfix.Addr(), relaySMTP)
	b.imap = listen(tb, b.dovecot.Addr(), relayIMAP)

	dsn, keys := testpg.DSN(tb), filepath.Join(dir, "key")
	b.env = []string{"WORKER_DSN=" + dsn, "WORKER_KEYS=" + keys}
	st, err := postgres.Open(tb.Context(), dsn)
	must(tb, err)
	tb.Cleanup(func() { _ = st.Close() })
	must(tb, st.Migrate(tb.Context()))
	desk, err := helpdesk.New(helpdesk.Config{
		Store: st, Keys: helpdesk.KeyFile(keys), Providers: helpdesk.Providers{imap.New(imap.Options{})},
	})
	must(tb, err)
	b.st, b.acme = st, desk.Tenant("acme")
	b.kari = privacy.As(tb.Context(), privacy.Agent("kari"), privacy.Support)
	tb.Cleanup(func() {
		if b.next != nil {
			b.next.kill()
		}
	})
	b.fill(desk)
	return b
}

// fill connects the mailboxes and makes their tickets.
func (b *bench) fill(desk *helpdesk.Desk) {
	b.tb.Helper()
	for n := range b.boxes {
		x := &b.boxes[n]
		m, err := b.acme.Connect(b.kari, imap.Account{
			Name: "Support", Email: x.user + "@" + testmail.Domain, Password: password,
			IMAP: server(b.tb, b.imap.addr), SMTP: server(b.tb, b.smtp.addr),
		})
		must(b.tb, err)
		x.id = m.ID
		for t := range ticketsPerBox {
			from := customer(n, t)
			raw := fmt.Sprintf("From: %s\r\nTo: %s@%s\r\nSubject: %s %d\r\nMessage-ID: <%d.%d@customer.example>\r\n\r\nHello.\r\n",
				from, x.user, testmail.Domain, subject, t, n, t)
			must(b.tb, b.postfix.Submit(from, x.user+"@"+testmail.Domain, []byte(raw)))
		}
	}
	must(b.tb, b.postfix.Settle(b.tb.Context()))
	b.await("the tickets", func() bool {
		_, err := desk.RunOnce(b.tb.Context())
		must(b.tb, err)
		for n := range b.boxes {
			x := &b.boxes[n]
			x.tickets = nil
			for t, err := range b.acme.AllTickets(b.kari, helpdesk.TicketQuery{Mailbox: x.id}) {
				must(b.tb, err)
				x.tickets = append(x.tickets, t.ID)
			}
			if len(x.tickets) != ticketsPerBox {
				return false
			}
		}
		return true
	})
}

func customer(box, n int) string { return fmt.Sprintf("kunde-%d-%d@customer.example", box, n) }

func server(tb testing.TB, addr string) imap.Server {
	tb.Helper()
	host, port, err := net.SplitHostPort(addr)
	must(tb, err)
	n, err := strconv.Atoi(port)
	must(tb, err)
	return imap.Server{Host: host, Port: n, Security: imap.Plaintext}
}

// worker returns one that waits for its line, and starts the next one.
func (b *bench) worker() *worker {
	b.tb.Helper()
	w := b.next
	var err error
	if w == nil {
		w, err = startWorker(b.program, b.env, b.logFile)
		must(b.tb, err)
	}
	b.next, err = startWorker(b.program, b.env, b.logFile)
	must(b.tb, err)
	return w
}

// write writes the replies of a plan.
func (b *bench) write(p plan) {
	b.tb.Helper()
	x := b.boxes[p.box]
	for n, rp := range p.replies {
		token := fmt.Sprintf("token-%d-%d", p.seed, n)
		var text strings.Builder
		text.WriteString(token + "\n")
		for text.Len() < rp.size {
			text.WriteString("A line like any other, so that the mail has a middle.\n")
		}
		text.WriteString(end(token) + "\n")
		id, err := b.acme.Reply(b.kari, x.tickets[rp.ticket], helpdesk.Reply{Text: text.String()})
		must(b.tb, err)
		b.replies = append(b.replies, &reply{seed: p.seed, id: id, ticket: x.tickets[rp.ticket], token: token})
	}
}

// shoot lets a worker send the replies of a plan and kills it at the plan's
// step. It returns an error when that step did not come by.
func (b *bench) shoot(p plan) error {
	b.tb.Helper()
	b.write(p)
	w := b.worker()
	hit := make(chan struct{})
	b.arm(&fault{plan: p, kill: func() { w.kill(); close(hit) }})
	defer b.arm(nil)
	point := ""
	if inWorker(p.step) {
		point = p.step
	}
	must(b.tb, w.run(point))
	select {
	case <-w.gone:
	case <-time.After(patience):
		w.kill()
		return fmt.Errorf("step %s did not come by within %v", p.step, patience)
	}
	said, killed := w.killed()
	if !killed {
		return fmt.Errorf("the worker ended by itself before %s: %v", p.step, w.err)
	}
	if point == "" {
		<-hit // the proxy is who killed it
	}
	if said != point {
		return fmt.Errorf("the worker died at %q instead of %q", said, p.step)
	}
	return nil
}

func (b *bench) arm(f *fault) {
	b.smtp.arm(f)
	b.imap.arm(f)
}

// await waits for a condition, generously: nothing here is about speed.
func (b *bench) await(what string, done func() bool) {
	b.tb.Helper()
	if !within(done) {
		b.tb.Fatalf("%s: not within %v", what, patience)
	}
}

func within(done func() bool) bool {
	for stop := time.Now().Add(patience); time.Now().Before(stop); time.Sleep(50 * time.Millisecond) {
		if done() {
			return true
		}
	}
	return false
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
