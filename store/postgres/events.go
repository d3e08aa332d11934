package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// log appends the events and moves consumers.
func (p *plan) log(c store.Changes) {
	insertRows(p, events, c.Events)
	for _, m := range c.Consumers {
		if _, _, err := parsePlace(string(m.To)); err != nil {
			p.early = err
		}
		s := step{
			sql:  `UPDATE {s}.consumers SET cursor = $3 WHERE name = $1 AND cursor = $2`,
			args: []any{m.Name, string(m.From), string(m.To)},
			tag:  exactly(1, "consumer moved meanwhile", store.ErrStale),
		}
		if m.From == "" {
			s.sql = `INSERT INTO {s}.consumers AS t (name, cursor) VALUES ($1, $3)
				ON CONFLICT (name) DO UPDATE SET cursor = excluded.cursor WHERE t.cursor = $2`
		}
		p.add(s)
	}
}

// Places in the event log are the transaction and a sequence within it, after
// a version by which a place of another store is recognised.
const placeVersion = "p1"

func formatPlace(tx uint64, seq int64) string {
	return fmt.Sprintf("%s:%d:%d", placeVersion, tx, seq)
}

// parsePlace reads what formatPlace wrote; the empty place is the start.
func parsePlace(s string) (tx uint64, seq int64, err error) {
	if s == "" {
		return 0, 0, nil
	}
	parts := strings.Split(s, ":")
	if len(parts) == 3 && parts[0] == placeVersion {
		tx, err1 := strconv.ParseUint(parts[1], 10, 64)
		seq, err2 := strconv.ParseInt(parts[2], 10, 64)
		if err1 == nil && err2 == nil {
			return tx, seq, nil
		}
	}
	return 0, 0, fail("place in a log that this store did not hand out", store.ErrRejected)
}

// Events implements [store.Log]. What a transaction logged is shown only when
// every older transaction has ended: one that began earlier and commits later
// would otherwise be passed by.
func (r *reader) Events(ctx context.Context, q store.EventQuery) ([]store.LoggedEvent, error) {
	tx, seq, err := parsePlace(string(q.After))
	if err != nil {
		return nil, err
	}
	var out []store.LoggedEvent
	where := ""
	args := []any{strconv.FormatUint(tx, 10), seq, max(q.Limit, 0)}
	if q.Tenant != "" {
		where = " AND t.tenant = $4"
		args = append(args, string(q.Tenant))
	}
	err = r.run(ctx, "events", step{
		sql: `SELECT t.tx::text, t.seq, ` + events.columns() + ` FROM {s}.events t
			WHERE (t.tx, t.seq) > ($1::text::xid8, $2::bigint)
			AND t.tx < pg_snapshot_xmin(pg_current_snapshot())` + where + `
			ORDER BY t.tx, t.seq LIMIT $3`,
		args: args,
		rows: func(rows pgx.Rows) error {
			for rows.Next() {
				var e ticket.Event
				var at string
				var seq int64
				if err := rows.Scan(append([]any{&at, &seq}, events.targets(&e)...)...); err != nil {
					return err
				}
				tx, err := strconv.ParseUint(at, 10, 64)
				if err != nil {
					return err
				}
				out = append(out, store.LoggedEvent{Event: e, Cursor: store.EventCursor(formatPlace(tx, seq))})
			}
			return rows.Err()
		},
	})
	return out, err
}

// Consumer implements [store.Log].
func (r *reader) Consumer(ctx context.Context, name string) (store.EventCursor, error) {
	var cursor store.EventCursor
	err := r.run(ctx, "consumer", step{
		sql: `SELECT cursor FROM {s}.consumers WHERE name = $1`, args: []any{name},
		rows: func(rows pgx.Rows) error {
			for rows.Next() {
				if err := rows.Scan(str(&cursor)); err != nil {
					return err
				}
			}
			return rows.Err()
		},
	})
	return cursor, err
}
