package postgres

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// tasks drops, enqueues and finishes tasks and wakes the workers.
func (p *plan) tasks(c store.Changes) {
	if len(c.DropTasks) > 0 {
		p.add(step{sql: `DELETE FROM {s}.tasks WHERE tenant = $1 AND mailbox = ANY($2)`,
			args: []any{string(p.tenant), uuids(c.DropTasks)}})
	}
	p.enqueue(c.Tasks)
	if c.Finish != nil {
		p.finish(c.Lease, *c.Finish)
	}
	if len(c.Tasks) > 0 {
		p.add(step{sql: `SELECT pg_notify($1, '')`, args: []any{p.channel}})
	}
}

// enqueue keeps the promise that no wake-up is lost: what is held will run
// again, because its holder may have looked before the reason to run came up.
// Due times count from the statement, not from the start of a transaction
// that may have been open for long.
func (p *plan) enqueue(in []store.Task) {
	rows := mergeTasks(in)
	if len(rows) == 0 {
		return
	}
	boxes, subjects, ids := make([][16]byte, len(rows)), make([][16]byte, len(rows)), make([][16]byte, len(rows))
	kinds, after := make([]string, len(rows)), make([]float64, len(rows))
	for i, t := range rows {
		boxes[i], subjects[i], ids[i] = t.Mailbox, t.Subject, t.ID
		kinds[i], after[i] = string(t.Kind), t.After.Seconds()
	}
	p.add(step{
		sql: `INSERT INTO {s}.tasks AS t (tenant, mailbox, kind, subject, id, due, attempts)
			SELECT $1, x.mailbox, x.kind, x.subject, x.id, clock_timestamp() + make_interval(secs => x.after), 0
			FROM unnest($2::uuid[], $3::text[], $4::uuid[], $5::uuid[], $6::float8[])
				WITH ORDINALITY AS x(mailbox, kind, subject, id, after, ord) ORDER BY x.ord
			ON CONFLICT (tenant, mailbox, kind, subject) DO UPDATE SET
				due = CASE WHEN t.token IS NULL THEN least(t.due, excluded.due) ELSE t.due END,
				again = CASE WHEN t.token IS NOT NULL THEN least(t.again, excluded.due) END`,
		args: []any{string(p.tenant), boxes, kinds, subjects, ids, after},
	})
}

// mergeTasks leaves one row for each task, due at the earliest of the times
// asked for, in an order on which all who enqueue agree.
func mergeTasks(in []store.Task) []store.Task {
	out := slices.SortedStableFunc(slices.Values(in), func(a, b store.Task) int {
		return cmp.Or(sameTask(a, b), cmp.Compare(a.After, b.After))
	})
	return slices.CompactFunc(out, func(a, b store.Task) bool { return sameTask(a, b) == 0 })
}

func sameTask(a, b store.Task) int {
	return cmp.Or(compareIDs(a.Mailbox, b.Mailbox), cmp.Compare(a.Kind, b.Kind), compareIDs(a.Subject, b.Subject))
}

// finish ends the leased task, which guard has locked. If it stays and is due
// at once, somebody should look.
func (p *plan) finish(l *store.Lease, f store.Finish) {
	args := []any{string(p.tenant), uid{&l.Task.ID}, l.Token}
	if !f.Again {
		p.add(step{sql: `DELETE FROM {s}.tasks WHERE tenant = $1 AND id = $2 AND token = $3 AND again IS NULL`, args: args})
	}
	p.add(step{
		sql: `WITH u AS (
			UPDATE {s}.tasks SET
				due = least(again, CASE WHEN $4 THEN clock_timestamp() + make_interval(secs => $5) END),
				attempts = CASE WHEN $6 THEN attempts + 1 ELSE 0 END,
				token = NULL, until = NULL, again = NULL
			WHERE tenant = $1 AND id = $2 AND token = $3 RETURNING due)
			SELECT pg_notify($7, '') FROM u WHERE u.due <= clock_timestamp()`,
		args: append(slices.Clone(args), f.Again, f.After.Seconds(), f.Failed, p.channel),
	})
}

const taskColumns = `t.tenant, t.mailbox, t.kind, t.subject, t.id, t.due, t.attempts,
	t.until IS NOT NULL AND t.until > clock_timestamp(), coalesce(t.token, 0), t.until`

func scanLeases(rows pgx.Rows) ([]store.Lease, error) {
	var out []store.Lease
	for rows.Next() {
		var l store.Lease
		t := &l.Task
		err := rows.Scan(str(&t.Tenant), uid{&t.Mailbox}, str(&t.Kind), uid{&t.Subject}, uid{&t.ID},
			moment{&t.Due}, &t.Attempts, &t.Leased, &l.Token, moment{&l.Until})
		if err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	return out, rows.Err()
}

func longestDueFirst(a, b store.Lease) int {
	return cmp.Or(a.Task.Due.Compare(b.Task.Due), compareIDs(a.Task.ID, b.Task.ID))
}

// Claim implements [store.Store]. Tasks that another claim is about to take
// are skipped. Claims with a bound per mailbox go one after the other, for the
// length of one statement, because each counts what the others took.
func (s *Store) Claim(ctx context.Context, q store.Claim) ([]store.Lease, error) {
	where, joined := "", ""
	args := []any{max(q.Limit, 0), q.For.Seconds()}
	narrow := func(condition string, arg any) {
		args = append(args, arg)
		where += condition + "$" + strconv.Itoa(len(args)) + ")"
	}
	if len(q.Kinds) > 0 {
		kinds := make([]string, len(q.Kinds))
		for i, k := range q.Kinds {
			kinds[i] = string(k)
		}
		narrow(" AND t.kind = ANY(", kinds)
	}
	if q.Tenant != "" {
		narrow(" AND t.tenant = (", string(q.Tenant))
	}
	if !q.Mailbox.IsZero() {
		narrow(" AND t.mailbox = (", uid{&q.Mailbox})
	}
	if len(q.Providers) > 0 {
		narrow(" AND EXISTS (SELECT 1 FROM {s}.mailboxes m WHERE m.tenant = t.tenant AND m.id = t.mailbox AND m.provider = ANY(", q.Providers)
		where += ")"
	}
	var steps []step
	if q.PerMailbox > 0 {
		steps = append(steps, step{sql: `SELECT pg_advisory_xact_lock(hashtextextended('claim', $1))`, args: []any{s.schema.lock}})
		// What is held is due as well and comes first, so the number of a free
		// task counts those that are held.
		args = append(args, q.PerMailbox)
		joined = ` JOIN (SELECT t.tenant, t.id, row_number() OVER (PARTITION BY t.tenant, t.mailbox
				ORDER BY t.until IS NULL OR t.until <= now(), t.due, t.id) AS n
			FROM {s}.tasks t WHERE t.due <= now()` + where + `) r
			ON r.tenant = t.tenant AND r.id = t.id AND r.n <= $` + strconv.Itoa(len(args))
	}
	var leases []store.Lease
	err := s.batch(ctx, "claim", append(steps, step{
		sql: `WITH c AS MATERIALIZED (
				SELECT t.tenant, t.id FROM {s}.tasks t` + joined + `
				WHERE t.due <= now() AND (t.until IS NULL OR t.until <= now())` + where + `
				ORDER BY t.due, t.id LIMIT $1 FOR UPDATE OF t SKIP LOCKED)
			UPDATE {s}.tasks t SET token = nextval('{s}.tokens'),
				until = clock_timestamp() + make_interval(secs => $2),
				attempts = t.attempts + (t.token IS NOT NULL)::int, -- its holder never said how it went
				again = CASE WHEN t.again > clock_timestamp() THEN t.again END
			FROM c WHERE t.tenant = c.tenant AND t.id = c.id
			RETURNING ` + taskColumns,
		args: args,
		rows: func(rows pgx.Rows) (err error) {
			leases, err = scanLeases(rows)
			return err
		},
	})...)
	slices.SortFunc(leases, longestDueFirst)
	return leases, err
}

// Extend implements [store.Store]. A lease that ran out and that nobody else
// claimed can still be extended.
func (s *Store) Extend(ctx context.Context, l store.Lease, d time.Duration) (store.Lease, error) {
	var leases []store.Lease
	err := s.batch(ctx, "extend", step{
		sql: `UPDATE {s}.tasks t SET until = clock_timestamp() + make_interval(secs => $4)
			WHERE tenant = $1 AND id = $2 AND token = $3 RETURNING ` + taskColumns,
		args: []any{string(l.Task.Tenant), uid{&l.Task.ID}, l.Token, d.Seconds()},
		rows: func(rows pgx.Rows) (err error) {
			leases, err = scanLeases(rows)
			return err
		},
	})
	if err == nil && len(leases) == 0 {
		err = fail("extend", store.ErrLeaseLost)
	}
	if err != nil {
		return store.Lease{}, err
	}
	return leases[0], nil
}

// Tasks implements [store.Mailboxes].
func (r *reader) Tasks(ctx context.Context, tenant ticket.TenantID, mailbox ticket.ID) ([]store.Task, error) {
	var leases []store.Lease
	err := r.run(ctx, "tasks", step{
		sql:  `SELECT ` + taskColumns + ` FROM {s}.tasks t WHERE t.tenant = $1 AND t.mailbox = $2 ORDER BY t.due, t.id`,
		args: []any{string(tenant), uid{&mailbox}},
		rows: func(rows pgx.Rows) (err error) {
			leases, err = scanLeases(rows)
			return err
		},
	})
	var out []store.Task
	for _, l := range leases {
		out = append(out, l.Task)
	}
	return out, err
}
