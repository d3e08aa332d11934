package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/helpdesk-go/helpdesk/internal/testpg"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

func TestKilledBackend(t *testing.T) {
	s, dsn := open(t, Options{})
	box := connected(t, s, "acme")
	c := page(box, 1)
	runs := 0
	err := s.Update(t.Context(), func(ctx context.Context, tx store.Tx) error {
		runs++
		must(t, tx.Apply(ctx, c))
		testpg.Shared(t).Disconnect(t, dsn)
		_, err := tx.Ticket(ctx, "acme", newID())
		return err
	})
	if !errors.Is(err, store.ErrUnavailable) || runs != 1 {
		t.Errorf("killed in the middle: %v after %d runs", err, runs)
	}
	if has(t, s, c.NewTickets[0].ID) {
		t.Error("a killed transaction was kept")
	}
	must(t, apply(t.Context(), s, c))

	// Idle connections that died meanwhile must not be anybody's problem.
	testpg.Shared(t).Disconnect(t, dsn)
	must(t, apply(t.Context(), s, page(box, 0)))
	must(t, s.View(t.Context(), func(ctx context.Context, r store.Reader) error {
		_, err := r.Mailbox(ctx, "acme", box.ID)
		return err
	}))
}

func TestServerStopsAndComesBack(t *testing.T) {
	srv := testpg.New(t)
	s := reopen(t, srv.DSN(t), Options{})
	box := connected(t, s, "acme")
	wake, err := s.Wake(t.Context())
	must(t, err)
	srv.StopImmediate(t)
	if err := apply(t.Context(), s, page(box, 1)); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("without a server: %v", err)
	}
	if _, err := s.Claim(t.Context(), store.Claim{Limit: 1}); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("claim without a server: %v", err)
	}
	srv.Start(t)
	must(t, apply(t.Context(), s, page(box, 1)))
	select {
	case <-wake: // a new connection is a signal
	case <-time.After(30 * time.Second):
		t.Error("the listener did not come back")
	}
}

func TestListenerReconnects(t *testing.T) {
	s, dsn := open(t, Options{})
	box := connected(t, s, "acme")
	wake, err := s.Wake(t.Context())
	must(t, err)
	await := func(why string) {
		t.Helper()
		select {
		case <-wake:
		case <-time.After(30 * time.Second):
			t.Fatalf("no signal: %s", why)
		}
	}
	enqueue := func() {
		must(t, apply(t.Context(), s, store.Changes{Tenant: "acme", Tasks: []store.Task{{ID: newID(), Tenant: "acme", Mailbox: box.ID, Kind: "sync"}}}))
	}
	enqueue()
	await("enqueued")
	testpg.Shared(t).Disconnect(t, dsn)
	await("connected again")
	enqueue()
	await("enqueued after the connection broke")
}

// cutter breaks a connection at COMMIT.
type cutter struct{ before, after atomic.Bool }

func (c *cutter) configure(p *pgxpool.Config) {
	dial := p.ConnConfig.DialFunc
	p.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		return &cutConn{Conn: conn, c: c}, err
	}
}

type cutConn struct {
	net.Conn
	c    *cutter
	deaf atomic.Bool
}

func (c *cutConn) Write(b []byte) (int, error) {
	if strings.Contains(strings.ToLower(string(b)), "commit\x00") {
		if c.c.before.Swap(false) {
			_ = c.Conn.Close()
		}
		c.deaf.Store(c.c.after.Swap(false))
	}
	return c.Conn.Write(b)
}

// Read waits for the answer, so that the server has done what was asked, and
// loses it.
func (c *cutConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.deaf.Load() {
		_ = c.Conn.Close()
		return 0, io.ErrUnexpectedEOF
	}
	return n, err
}

func TestCutCommit(t *testing.T) {
	var cut cutter
	s, _ := open(t, Options{configure: cut.configure})
	box := connected(t, s, "acme")
	lost, kept := page(box, 1), page(box, 1)
	lost.Seen, kept.Seen = nil, nil

	cut.after.Store(true)
	if err := apply(t.Context(), s, kept); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("cut after COMMIT was sent: %v, want an unknown outcome", err)
	}
	if !has(t, s, kept.NewTickets[0].ID) {
		t.Error("the server had the COMMIT and the ticket is not there")
	}
	if err := apply(t.Context(), s, kept); !errors.Is(err, store.ErrStale) {
		t.Errorf("doing it again: %v, want ErrStale", err)
	}
	cut.before.Store(true)
	if err := apply(t.Context(), s, lost); err != nil && !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("cut before COMMIT was sent: %v", err)
	} else if has(t, s, lost.NewTickets[0].ID) != (err == nil) {
		t.Errorf("cut before COMMIT was sent: %v, and the ticket says otherwise", err)
	}
}

func TestDeadlockRunsAgain(t *testing.T) {
	s, dsn := open(t, Options{})
	exec(t, dsn, "CREATE TABLE pair (n int PRIMARY KEY); INSERT INTO pair VALUES (1), (2)")
	var runs atomic.Int32
	barrier := make(chan struct{})
	cross := func(first, second int) error {
		n := 0
		return s.Update(t.Context(), func(ctx context.Context, tx store.Tx) error {
			runs.Add(1)
			n++
			raw, _ := Unwrap(tx)
			lock := "SELECT 1 FROM pair WHERE n = $1 FOR UPDATE"
			if _, err := raw.Exec(ctx, lock, first); err != nil {
				return err
			}
			if n == 1 {
				select {
				case barrier <- struct{}{}:
				case <-barrier:
				}
			}
			_, err := raw.Exec(ctx, lock, second)
			return err
		})
	}
	done := make(chan error)
	go func() { done <- cross(1, 2) }()
	must(t, cross(2, 1))
	must(t, <-done)
	if runs.Load() < 3 {
		t.Error("there was no deadlock to resolve")
	}
	n := 0
	err := s.Update(t.Context(), func(context.Context, store.Tx) error {
		n++
		return fmt.Errorf("always: %w", &pgconn.PgError{Code: "40001"})
	})
	if !errors.Is(err, store.ErrUnavailable) || n != attempts {
		t.Errorf("a conflict without end: %v after %d runs", err, n)
	}
}

// TestErrorsCarryNoData writes canaries where they are refused and looks for
// them in everything the errors say.
func TestErrorsCarryNoData(t *testing.T) {
	const canary = "canary-4711"
	s, dsn := open(t, Options{})
	box := connected(t, s, "acme")
	good := page(box, 1)
	good.Seen[0].ProviderID = canary
	must(t, apply(t.Context(), s, good))
	nul := page(box, 1)
	nul.Messages[0].Provenance.ProviderID = canary + "\x00"
	utf := page(box, 1)
	utf.Messages[0].Provenance.ProviderID = canary + "\xff"
	long := page(box, 1)
	long.NewTickets[0].Assignee = ticket.AgentID(strings.Repeat(canary, 100))
	exec(t, dsn, "ALTER TABLE helpdesk.hits ADD CHECK (ticket <> '00000000-0000-0000-0000-000000000000'), ADD CHECK (mailbox IS NULL) NOT VALID")
	check := page(box, 1)
	check.Tickets = nil
	again := good
	again.NewTickets, again.Messages, again.Hits, again.Members, again.Contacts, again.Events = nil, nil, nil, nil, nil, nil
	for name, c := range map[string]store.Changes{"unique": again, "nul": nul, "utf-8": utf, "too long": long, "check": check} {
		err := apply(t.Context(), s, c)
		want := store.ErrRejected
		if name == "unique" {
			want = store.ErrStale
		}
		if !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", name, err, want)
			continue
		}
		var pg *pgconn.PgError
		if errors.As(err, &pg) {
			t.Errorf("%s: the driver's error is within reach", name)
		}
		var own *Error
		if !errors.As(err, &own) || len(own.Code) != 5 {
			t.Errorf("%s: no SQLSTATE in %v", name, err)
		}
		for _, text := range []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", own)} {
			if strings.Contains(text, "canary") || strings.Contains(text, box.ID.String()) || strings.Contains(text, "acme") {
				t.Errorf("%s: the error tells data: %s", name, text)
			}
		}
	}
}

// TestAccessLogHasItsOwnConnections exhausts the pool with transactions that
// log before they go on.
func TestAccessLogHasItsOwnConnections(t *testing.T) {
	s, _ := open(t, Options{MaxConns: 1})
	entry := privacy.Entry{ID: newID(), At: time.Now(), Tenant: "acme", Classes: []privacy.Class{`odd "class"`, privacy.Raw}, Objects: []ticket.ID{newID(), newID()}}
	boom := errors.New("boom")
	err := s.Update(t.Context(), func(ctx context.Context, tx store.Tx) error {
		if _, err := tx.Consumer(ctx, "x"); err != nil {
			return err
		}
		must(t, s.AccessLog().Append(t.Context(), []privacy.Entry{entry}))
		return boom
	})
	if !errors.Is(err, boom) {
		t.Fatal(err)
	}
	got, _, err := s.AccessLog().Entries(t.Context(), "acme", "", 10)
	must(t, err)
	if len(got) != 1 || got[0].ID != entry.ID || len(got[0].Objects) != 2 || got[0].Objects[1] != entry.Objects[1] || got[0].Classes[0] != entry.Classes[0] {
		t.Errorf("the entry did not outlive the rollback whole: %+v", got)
	}
}

func TestCancelledContext(t *testing.T) {
	s, dsn := open(t, Options{MaxConns: 2})
	box := connected(t, s, "acme")
	host := dial(t, dsn)
	tx, err := host.Begin(t.Context())
	must(t, err)
	defer func() { _ = tx.Rollback(context.Background()) }()
	_, err = tx.Exec(t.Context(), "SELECT 1 FROM helpdesk.mailboxes FOR UPDATE")
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := apply(ctx, s, page(box, 1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting for a lock: %v", err)
	}
	// A content write waits for whoever is about to fence, and sees it.
	_, err = tx.Exec(t.Context(), "UPDATE helpdesk.mailboxes SET state = 'fenced'")
	must(t, err)
	done := make(chan error)
	go func() { done <- apply(context.Background(), s, page(box, 1)) }()
	time.Sleep(100 * time.Millisecond)
	must(t, tx.Commit(t.Context()))
	if err := <-done; !errors.Is(err, store.ErrFenced) {
		t.Errorf("writing while the mailbox was fenced: %v", err)
	}
	if !errors.Is(classify(t.Context(), "x", pgx.ErrTxClosed), errOver) {
		t.Error("a closed transaction is not over")
	}
}
