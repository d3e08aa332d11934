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
		if _, err := parsePlace(string(m.To)); err != nil {
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

// place is a place in the event log: the epoch, the transaction and a sequence
// within it.
type place struct {
	epoch int64
	tx    uint64
	seq   int64
}

// placeVersion is by what a place of another store is recognised.
const placeVersion = "p1"

func (p place) String() string { return fmt.Sprintf("%s:%d:%d:%d", placeVersion, p.epoch, p.tx, p.seq) }

// parsePlace reads what String wrote; the empty place is the start.
func parsePlace(s string) (p place, err error) {
	if s == "" {
		return place{}, nil
	}
	parts := strings.Split(s, ":")
	if len(parts) == 4 && parts[0] == placeVersion {
		var err1, err2, err3 error
		p.epoch, err1 = strconv.ParseInt(parts[1], 10, 64)
		p.tx, err2 = strconv.ParseUint(parts[2], 10, 64)
		p.seq, err3 = strconv.ParseInt(parts[3], 10, 64)
		if err1 == nil && err2 == nil && err3 == nil {
			return p, nil
		}
	}
	return place{}, fail("place in a log that this store did not hand out", store.ErrRejected)
}

// Events implements [store.Log]. What a transaction logged is shown only when
// every older transaction has ended: one that began earlier and commits later
// would otherwise be passed by. So a transaction that writes anywhere in the
// cluster and stays open holds consumers up, though never the desk itself.
func (r *reader) Events(ctx context.Context, q store.EventQuery) ([]store.LoggedEvent, error) {
	from, err := parsePlace(string(q.After))
	if err != nil {
		return nil, err
	}
	var out []store.LoggedEvent
	where := ""
	args := []any{from.epoch, strconv.FormatUint(from.tx, 10), from.seq, max(q.Limit, 0)}
	if q.Tenant != "" {
		where = " AND t.tenant = $5"
		args = append(args, string(q.Tenant))
	}
	err = r.run(ctx, "events", step{
		sql: `SELECT t.epoch, t.tx::text, t.seq, ` + events.columns() + ` FROM {s}.events t
			WHERE (t.epoch, t.tx, t.seq) > ($1::bigint, $2::text::xid8, $3::bigint)
			AND (t.epoch < {s}.current_epoch() OR t.tx < pg_snapshot_xmin(pg_current_snapshot()))` + where + `
			ORDER BY t.epoch, t.tx, t.seq LIMIT $4`,
		args: args,
		rows: func(rows pgx.Rows) error {
			for rows.Next() {
				var e ticket.Event
				var at place
				var tx string
				if err := rows.Scan(append([]any{&at.epoch, &tx, &at.seq}, events.targets(&e)...)...); err != nil {
					return err
				}
				if at.tx, err = strconv.ParseUint(tx, 10, 64); err != nil {
					return err
				}
				out = append(out, store.LoggedEvent{Event: e, Cursor: store.EventCursor(at.String())})
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
