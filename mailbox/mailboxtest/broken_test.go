package mailboxtest_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
)

// brokenConn is a driver with one mistake.
type brokenConn struct {
	mailbox.Conn
	changes func(mailbox.Conn, context.Context, mailbox.Query) (mailbox.Page, error)
	fetch   func(mailbox.Conn, context.Context, mailbox.Item, int64) (mailbox.Raw, error)
	send    func(mailbox.Conn, context.Context, mailbox.Outgoing) (mailbox.Receipt, error)
	find    func(mailbox.Conn, context.Context, mailbox.Sought) (mailbox.Receipt, error)
	close   func(mailbox.Conn) error
}

func (c brokenConn) Changes(ctx context.Context, q mailbox.Query) (mailbox.Page, error) {
	if c.changes != nil {
		return c.changes(c.Conn, ctx, q)
	}
	return c.Conn.Changes(ctx, q)
}

func (c brokenConn) Fetch(ctx context.Context, it mailbox.Item, max int64) (mailbox.Raw, error) {
	if c.fetch != nil {
		return c.fetch(c.Conn, ctx, it, max)
	}
	return c.Conn.Fetch(ctx, it, max)
}

func (c brokenConn) Send(ctx context.Context, o mailbox.Outgoing) (mailbox.Receipt, error) {
	if c.send != nil {
		return c.send(c.Conn, ctx, o)
	}
	return c.Conn.Send(ctx, o)
}

func (c brokenConn) FindSent(ctx context.Context, s mailbox.Sought) (mailbox.Receipt, error) {
	if c.find != nil {
		return c.find(c.Conn, ctx, s)
	}
	return c.Conn.FindSent(ctx, s)
}

func (c brokenConn) Close() error {
	if c.close != nil {
		return c.close(c.Conn)
	}
	return c.Conn.Close()
}

type brokenProvider struct {
	mailbox.Provider
	caps mailbox.Capabilities
	conn brokenConn
}

func (p brokenProvider) Capabilities() mailbox.Capabilities { return p.caps }

func (p brokenProvider) Open(ctx context.Context, s mailbox.Session) (mailbox.Conn, error) {
	c, err := p.Provider.Open(ctx, s)
	if err != nil {
		return nil, err
	}
	b := p.conn
	b.Conn = c
	return b, nil
}

// mistakes name the case that must catch each.
var mistakes = map[string]struct {
	caught string
	conn   brokenConn
	caps   mailbox.Capabilities
	fault  mailboxtest.FaultKind
	says   string // what the output must hold instead of a failed case
	lacks  bool   // leaves a control out without a word
}{
	"leaves a control out": {says: "Server.Cut is missing", lacks: true},
	"lists twice":          {caught: "live/lists_each_mail_once", fault: mailboxtest.FaultDuplicate},
	"lists in disorder":    {caught: "live/lists_each_mail_once", fault: mailboxtest.FaultReorder},
	"declares too much":    {caught: "provider/flags", caps: mailbox.Capabilities{FindSent: true, Revokes: true}},
	"ignores the limit": {caught: "live/pages_by_limit", conn: brokenConn{
		changes: func(c mailbox.Conn, ctx context.Context, q mailbox.Query) (mailbox.Page, error) {
			q.Limit = 1000
			return c.Changes(ctx, q)
		}}},
	"forgets More": {caught: "live/pages_by_limit", conn: brokenConn{
		changes: func(c mailbox.Conn, ctx context.Context, q mailbox.Query) (mailbox.Page, error) {
			p, err := c.Changes(ctx, q)
			p.More = false
			return p, err
		}}},
	"starts over for an unknown cursor": {caught: "live/unknown_cursor", conn: brokenConn{
		changes: func(c mailbox.Conn, ctx context.Context, q mailbox.Query) (mailbox.Page, error) {
			p, err := c.Changes(ctx, q)
			if mailbox.KindOf(err) == mailbox.CursorExpired {
				q.Cursor = nil
				return c.Changes(ctx, q)
			}
			return p, err
		}}},
	"shortens bodies": {caught: "fetch/exact_bytes", conn: brokenConn{
		fetch: func(c mailbox.Conn, ctx context.Context, it mailbox.Item, max int64) (mailbox.Raw, error) {
			r, err := c.Fetch(ctx, it, max)
			r.Bytes = []byte(strings.TrimRight(string(r.Bytes), "\r\n"))
			return r, err
		}}},
	"transfers before it measures": {caught: "fetch/too_large", conn: brokenConn{
		fetch: func(c mailbox.Conn, ctx context.Context, it mailbox.Item, max int64) (mailbox.Raw, error) {
			r, err := c.Fetch(ctx, it, 1<<30)
			if err == nil && int64(len(r.Bytes)) > max {
				return mailbox.Raw{}, &mailbox.Error{Op: "fetch", Kind: mailbox.TooLarge}
			}
			return r, err
		}}},
	"sends again after doubt": {caught: "send/cut_after", conn: brokenConn{
		send: func(c mailbox.Conn, ctx context.Context, o mailbox.Outgoing) (mailbox.Receipt, error) {
			r, err := c.Send(ctx, o)
			if err == nil || mailbox.Unsent(err) {
				return r, err
			}
			return r, &mailbox.Error{Op: "send", Kind: mailbox.Transient, Unsent: true}
		}}},
	"sends twice": {caught: "send/once", conn: brokenConn{
		send: func(c mailbox.Conn, ctx context.Context, o mailbox.Outgoing) (mailbox.Receipt, error) {
			c.Send(ctx, o)
			return c.Send(ctx, o)
		}}},
	"drops Bcc": {caught: "send/once", conn: brokenConn{
		send: func(c mailbox.Conn, ctx context.Context, o mailbox.Outgoing) (mailbox.Receipt, error) {
			o.To = o.To[:1]
			return c.Send(ctx, o)
		}}},
	"finds what was never sent": {caught: "findsent/NotFound", conn: brokenConn{
		find: func(mailbox.Conn, context.Context, mailbox.Sought) (mailbox.Receipt, error) {
			return mailbox.Receipt{ID: "x"}, nil
		}}},
	"returns naked errors": {caught: "fetch/unknown_mail", conn: brokenConn{
		fetch: func(c mailbox.Conn, ctx context.Context, it mailbox.Item, max int64) (mailbox.Raw, error) {
			r, err := c.Fetch(ctx, it, max)
			if err != nil {
				err = errors.New("550 ann@customer.example")
			}
			return r, err
		}}},
	"cannot close twice": {caught: "conn/close_twice", conn: brokenConn{
		close: func(c mailbox.Conn) error {
			c.Close()
			return errors.New("already closed")
		}}},
}

// A suite is worth what it catches: each mistake runs in a process of its own,
// which must fail in the case made for it.
func TestSuiteCatchesMistakes(t *testing.T) {
	for name, m := range mistakes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(os.Args[0], "-test.run=^TestMistake$")
			cmd.Env = append(os.Environ(), "MAILBOXTEST_MISTAKE="+name)
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Fatal("the suite passes")
			}
			want := m.says
			if want == "" {
				want = "--- FAIL: TestMistake/" + m.caught
			}
			if !strings.Contains(string(out), want) {
				t.Errorf("the output lacks %q:\n%s", want, out)
			}
		})
	}
}

// TestMistake is the process of TestSuiteCatchesMistakes.
func TestMistake(t *testing.T) {
	m, ok := mistakes[os.Getenv("MAILBOXTEST_MISTAKE")]
	if !ok {
		return
	}
	caps := mailbox.Capabilities{FindSent: true}
	if m.caps == (mailbox.Capabilities{}) {
		m.caps = caps
	}
	mailboxtest.Run(t, mailboxtest.Harness{Timeout: 300 * time.Millisecond, New: func(t *testing.T) *mailboxtest.Server {
		f := mailboxtest.NewFake(mailboxtest.FakeOptions{Capabilities: caps, FilesSent: true})
		s := serve(f, false)
		s.Provider = brokenProvider{f.Provider(), m.caps, m.conn}
		if m.fault != "" {
			f.Inject(mailboxtest.Fault{Op: mailboxtest.OpChanges, Kind: m.fault, Times: -1})
		}
		if m.lacks {
			s.Cut = nil
		}
		return s
	}})
}

// A control may be missing if the harness says why.
func TestSuiteAllowsOptOuts(t *testing.T) {
	mailboxtest.Run(t, mailboxtest.Harness{
		New: func(t *testing.T) *mailboxtest.Server {
			s := serve(mailboxtest.NewFake(mailboxtest.FakeOptions{}), false)
			s.Cut, s.Hang = nil, nil
			return s
		},
		Without: map[string]string{"Cut": "no wire to cut", "Hang": "no server to hang"},
	})
}
