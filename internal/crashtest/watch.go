package crashtest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/helpdesk-go/helpdesk/internal/crashtest/wire"
)

// watch reads the database, past the proxy, after every commit that moves a
// cursor and at times of its own, and holds the cursors to what the harness
// listed.
type watch struct {
	s      *story
	cancel context.CancelFunc
	done   chan struct{}
	last   atomic.Pointer[state]

	mu   sync.Mutex
	conn *pgx.Conn
}

func watchDatabase(ctx context.Context, s *story) (*watch, error) {
	ctx, cancel := context.WithCancel(ctx)
	w := &watch{s: s, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(w.done)
		t := time.NewTicker(150 * time.Millisecond)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-t.C:
			case <-s.ledger.moved:
			}
			_, _ = w.look(ctx) // a database that is away is looked at later
		}
	}()
	return w, nil
}

func (w *watch) close() {
	w.cancel()
	<-w.done
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conn != nil {
		_ = w.conn.Close(context.Background())
	}
}

// state is the database at one instant.
type state struct {
	cursors    []string
	seen       map[string]bool
	held       map[string]string // provider id -> cause of quarantine
	deliveries map[[16]byte]string
	replies    map[[16]byte]bool // rows of the host
	events     map[[16]byte]bool
	tasks      []taskRow
	// loose counts events without a row of the host beside them, and rows
	// without an event.
	loose int
}

type taskRow struct {
	kind   string
	leased bool
	late   time.Duration // how long ago its lease ran out
}

// look reads the database and checks that no cursor is past a mail that is
// neither a message nor in quarantine.
func (w *watch) look(ctx context.Context) (*state, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	st, err := w.read(ctx)
	if err != nil {
		if w.conn != nil {
			_ = w.conn.Close(ctx)
			w.conn = nil
		}
		return nil, err
	}
	w.last.Store(st)
	for _, c := range st.cursors {
		for _, id := range w.s.ledger.before(c) {
			if !st.seen[id] {
				w.s.ledger.violate("6", "cursor passed mail %s, which is not stored", plainID(id))
			}
		}
	}
	return st, nil
}

func (w *watch) read(ctx context.Context) (st *state, err error) {
	if w.conn == nil || w.conn.IsClosed() {
		if w.conn, err = pgx.Connect(ctx, w.s.dsn); err != nil {
			return nil, err
		}
	}
	tx, err := w.conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	st = &state{seen: map[string]bool{}, held: map[string]string{}, deliveries: map[[16]byte]string{}, replies: map[[16]byte]bool{},
		events: map[[16]byte]bool{}}
	var live, back []byte
	var name, text string
	var id [16]byte
	var leased bool
	var late float64
	type query struct {
		sql string
		to  []any
		row func() error
	}
	for _, q := range []query{
		{"SELECT live_cursor, backfill_cursor FROM helpdesk.mailboxes", []any{&live, &back}, func() error {
			st.cursors = append(st.cursors, string(live), string(back))
			return nil
		}},
		{"SELECT provider_id FROM helpdesk.seen", []any{&name}, func() error { st.seen[name] = true; return nil }},
		{"SELECT provider_id, cause FROM helpdesk.quarantine", []any{&name, &text}, func() error { st.held[name] = text; return nil }},
		{"SELECT message, state FROM helpdesk.deliveries", []any{&id, &text}, func() error { st.deliveries[id] = text; return nil }},
		{"SELECT id FROM helpdesk.events", []any{&id}, func() error { st.events[id] = true; return nil }},
		{"SELECT id FROM host_replies", []any{&id}, func() error { st.replies[id] = true; return nil }},
		{`SELECT kind, token IS NOT NULL, coalesce(extract(epoch FROM clock_timestamp() - until), 0)::float8 FROM helpdesk.tasks`,
			[]any{&name, &leased, &late}, func() error {
				st.tasks = append(st.tasks, taskRow{name, leased, time.Duration(late * float64(time.Second))})
				return nil
			}},
		{"SELECT count(*) FROM helpdesk.events e FULL JOIN host_events h ON h.id = e.id WHERE h.id IS NULL OR e.id IS NULL",
			[]any{&st.loose}, func() error { return nil }},
	} {
		rows, err := tx.Query(ctx, q.sql)
		if err != nil {
			return nil, err
		}
		if _, err := pgx.ForEachRow(rows, q.to, q.row); err != nil {
			return nil, err
		}
	}
	return st, nil
}

// unfinished names what is not final yet, or nothing.
func (s *story) unfinished(st *state) (what []string) {
	add := func(on bool, name string) {
		if on && !slices.Contains(what, name) {
			what = append(what, name)
		}
	}
	for _, m := range s.gen.mails {
		add(!st.seen[marked(m.id)], "mail "+m.id+" is not stored")
	}
	for _, d := range st.deliveries {
		switch d {
		case "queued", "preparing", "ready", "wire":
			add(true, "a delivery is "+d)
		}
	}
	for _, t := range st.tasks {
		add(t.kind != "sync" && t.kind != "wait", "a task is left: "+t.kind)
		add(t.leased && t.late > leaseGrace, "a lease ran out and nobody took it: "+t.kind)
	}
	for _, x := range s.orders.list() {
		if x.mail != nil && !x.settled && s.quarantined(st, x.mail) {
			continue // there is no ticket to answer
		}
		if !x.settled {
			id, held := "", ""
			if x.mail != nil {
				id, held = x.mail.id, st.held[marked(x.mail.id)]
			}
			add(true, fmt.Sprintf("a command is not done: %s (%s, %d tries, mail %s, held %q)", x.Kind, x.cause, x.tries, id, held))
		}
		add(x.ok && x.Kind != wire.CmdConnect && x.Kind != wire.CmdRollback && st.deliveries[x.Reply] == "", "a reply is missing")
	}
	return what
}

// leaseGrace is how long after its end a lease may stand in the database while
// workers live: they look ten times a second.
const leaseGrace = 5 * time.Second
