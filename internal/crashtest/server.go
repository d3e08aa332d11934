package crashtest

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/helpdesk-go/helpdesk/internal/crashtest/wire"
	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
)

// idPrefix is before every id that the provider gives out, so that one in a
// log is found.
const idPrefix = "canaryid-"

// server is the harness's side of the socket: the provider, the ledger and the
// commands.
type server struct {
	fake     *mailboxtest.Fake
	provider mailbox.Provider
	ledger   *ledger
	orders   *orders
	set      wire.Settings
	overlaps *overlaps

	listen net.Listener
	http   *http.Server

	mu    sync.Mutex
	conns map[int64]*openConn
	dead  map[int]bool
}

type openConn struct {
	mailbox.Conn
	worker int
}

func newServer(socket string, f *mailboxtest.Fake, l *ledger, o *orders, set wire.Settings) (*server, error) {
	ln, err := net.Listen("unix", socket)
	if err != nil {
		return nil, err
	}
	s := &server{fake: f, provider: f.Provider(), ledger: l, orders: o, set: set, listen: ln,
		conns: map[int64]*openConn{}, dead: map[int]bool{}}
	mux := http.NewServeMux()
	handle(mux, "/hello", func(context.Context, int) wire.Settings { return s.set })
	handle(mux, "/call", s.answer)
	handle(mux, "/report", func(_ context.Context, r wire.Report) struct{} { l.report(r); return struct{}{} })
	handle(mux, "/next", o.next)
	handle(mux, "/done", func(_ context.Context, out wire.Outcome) struct{} { o.done(out); return struct{}{} })
	s.http = &http.Server{Handler: mux}
	go func() { _ = s.http.Serve(ln) }()
	return s, nil
}

func (s *server) close() {
	_ = s.http.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, c := range s.conns {
		_ = c.Close()
		delete(s.conns, id)
	}
}

// handle reads the whole request first: only then does the server notice when
// the worker goes away.
func handle[In, Out any](mux *http.ServeMux, path string, f func(context.Context, In) Out) {
	mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		var in In
		body, err := io.ReadAll(r.Body)
		if err != nil || json.Unmarshal(body, &in) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		_ = json.NewEncoder(w).Encode(f(r.Context(), in)) // a worker that died hears nothing
	})
}

// bury closes what a dead worker had open, and tells how much that was.
func (s *server) bury(worker int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead[worker] = true
	n := 0
	for id, c := range s.conns {
		if c.worker == worker {
			_ = c.Close()
			delete(s.conns, id)
			n++
		}
	}
	return n
}

// fetchFailed names in the ledger a fetch that failed or that nobody waited for
// any more, injected or not: a slow machine makes time-outs of its own.
const fetchFailed = "call/fetch-failed"

// answer makes a call and notes what may lead a mail into quarantine.
func (s *server) answer(ctx context.Context, q wire.Call) wire.Answer {
	a := s.call(ctx, q)
	if q.Op == "fetch" && (a.Error != nil || ctx.Err() != nil) {
		s.ledger.fire(fetchFailed)
	}
	return a
}

func (s *server) call(ctx context.Context, q wire.Call) wire.Answer {
	switch q.Op {
	case "open":
		return s.open(ctx, q)
	case "close":
		s.mu.Lock()
		c := s.conns[q.Conn]
		delete(s.conns, q.Conn)
		s.mu.Unlock()
		if c != nil {
			_ = c.Close()
		}
		return wire.Answer{}
	}
	s.mu.Lock()
	c := s.conns[q.Conn]
	s.mu.Unlock()
	if c == nil {
		return wire.Answer{Error: &wire.Error{Op: q.Op, Kind: mailbox.Transient, Cause: "connection is closed",
			Unsent: q.Op == "send" || q.Op == "senddraft"}}
	}
	return s.on(ctx, c, q)
}

func (s *server) open(ctx context.Context, q wire.Call) wire.Answer {
	c, err := s.provider.Open(ctx, q.Session)
	if err != nil {
		return wire.Answer{Error: wire.From(err)}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil || s.dead[q.Worker] {
		_ = c.Close() // nobody would
		return wire.Answer{}
	}
	s.conns[q.Conn] = &openConn{c, q.Worker}
	return wire.Answer{}
}

// on makes the call at the provider, under the provider's own ids.
func (s *server) on(ctx context.Context, c *openConn, q wire.Call) (a wire.Answer) {
	var err error
	q.Item.ID, q.Sought.Draft = plainID(q.Item.ID), plainID(q.Sought.Draft)
	switch q.Op {
	case "changes":
		a.Page, err = c.Changes(ctx, q.Query)
		s.overlaps.listed(q.Query.Stream, a.Page.Items)
	case "fetch":
		a.Raw, err = c.Fetch(ctx, q.Item, q.Max)
	case "send":
		a.Receipt, err = c.Send(ctx, q.Out)
	case "findsent":
		a.Receipt, err = c.FindSent(ctx, q.Sought)
	case "file":
		if f, ok := c.Conn.(mailbox.Filer); ok {
			a.Receipt, err = f.File(ctx, q.Out)
		}
	case "wait":
		if w, ok := c.Conn.(mailbox.Waiter); ok {
			err = w.Wait(ctx)
		}
	default:
		a, err = s.onDraft(ctx, c, q)
	}
	for i := range a.Page.Items {
		it := &a.Page.Items[i]
		it.ID, it.Thread = marked(it.ID), marked(it.Thread)
	}
	if q.Op == "changes" && err == nil {
		s.ledger.listedPage(q.Query, a.Page)
	}
	a.Receipt.ID, a.Receipt.Thread = marked(a.Receipt.ID), marked(a.Receipt.Thread)
	a.Error = wire.From(err)
	return a
}

func (s *server) onDraft(ctx context.Context, c *openConn, q wire.Call) (a wire.Answer, err error) {
	d, ok := c.Conn.(mailbox.Drafter)
	if !ok {
		return a, &mailbox.Error{Op: q.Op, Kind: mailbox.Unsupported, Cause: "no such call"}
	}
	switch q.Op {
	case "draft":
		a.ID, err = d.Draft(ctx, q.Out)
		a.ID = marked(a.ID)
	case "finddraft":
		a.ID, err = d.FindDraft(ctx, q.ID)
		a.ID = marked(a.ID)
	case "senddraft":
		a.Receipt, err = d.SendDraft(ctx, plainID(q.ID))
	case "draftpresent":
		a.Present, err = d.DraftPresent(ctx, plainID(q.ID))
	}
	return a, err
}

func marked(id string) string {
	if id == "" {
		return ""
	}
	return idPrefix + id
}

func plainID(id string) string { return strings.TrimPrefix(id, idPrefix) }

// order is a command and how far it got.
type order struct {
	wire.Command
	mail    *mail
	given   int // worker that has it, 0 for none
	settled bool
	ok      bool      // the worker said that it was done
	after   time.Time // not before
	tries   int
	cause   string // why it was not done the last time
}

// orders are the commands of a story.
type orders struct {
	mu   sync.Mutex
	all  []*order
	dead map[int]bool // workers that get nothing more
}

func newOrders() *orders { return &orders{dead: map[int]bool{}} }

func (o *orders) add(c wire.Command, m *mail) *order {
	o.mu.Lock()
	defer o.mu.Unlock()
	c.N = len(o.all) + 1
	x := &order{Command: c, mail: m}
	o.all = append(o.all, x)
	return x
}

// next gives a worker the next command, waiting a little for one.
func (o *orders) next(ctx context.Context, worker int) wire.Command {
	for end := time.Now().Add(2 * time.Second); ctx.Err() == nil && time.Now().Before(end); {
		if c, ok := o.take(worker); ok {
			return c
		}
		select {
		case <-ctx.Done():
		case <-time.After(15 * time.Millisecond):
		}
	}
	return wire.Command{}
}

func (o *orders) take(worker int) (wire.Command, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.dead[worker] {
		return wire.Command{}, false
	}
	for _, x := range o.all {
		if x.given == 0 && !x.settled && time.Now().After(x.after) {
			x.given = worker
			x.tries++
			return x.Command, true
		}
	}
	return wire.Command{}, false
}

func (o *orders) done(out wire.Outcome) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if out.N < 1 || out.N > len(o.all) {
		return
	}
	x := o.all[out.N-1]
	if x.given != out.Worker {
		return
	}
	x.given = 0
	x.settled, x.ok, x.cause = out.OK, out.OK, out.Cause
	x.after = time.Now().Add(time.Duration(min(x.tries, 25)) * 40 * time.Millisecond)
}

// bury gives back what a dead worker was told to do.
func (o *orders) bury(worker int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.dead[worker] = true // what it asked for last may still be under way
	for _, x := range o.all {
		if x.given == worker && !x.settled {
			x.given = 0
		}
	}
}

// open counts the commands that are not settled. One whose mail is known and has
// no ticket is left out: the mail is in quarantine, and stays there.
func (o *orders) open() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for _, x := range o.all {
		if !x.settled && x.cause != "not found" {
			n++
		}
	}
	return n
}

func (o *orders) list() []order {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []order
	for _, x := range o.all {
		out = append(out, *x)
	}
	return out
}
