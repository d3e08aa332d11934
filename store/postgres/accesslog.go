package postgres

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// accessLog implements [privacy.AccessLog] on the store's reserved
// connections. Entries of a tenant are numbered under a lock, so that their
// numbers are in the order of their commits and a reader misses none.
type accessLog struct{ s *Store }

var accessEntries = relation[privacy.Entry]{
	name:   "access_log",
	tenant: func(e *privacy.Entry) *ticket.TenantID { return &e.Tenant },
	fields: []field[privacy.Entry]{
		{name: "id", typ: "uuid", at: func(e *privacy.Entry) any { return uid{&e.ID} }},
		{name: "at", typ: "timestamptz", at: func(e *privacy.Entry) any { return moment{&e.At} }},
		{name: "principal_kind", typ: "text", at: func(e *privacy.Entry) any { return str(&e.Principal.Kind) }},
		{name: "principal_id", typ: "text", at: func(e *privacy.Entry) any { return &e.Principal.ID }},
		{name: "on_behalf_of", typ: "text", at: func(e *privacy.Entry) any { return &e.Principal.OnBehalfOf }},
		{name: "purpose", typ: "text", at: func(e *privacy.Entry) any { return str(&e.Purpose) }},
		{name: "operation", typ: "text", at: func(e *privacy.Entry) any { return &e.Operation }},
		{name: "classes", typ: "text", in: "::text[]", at: func(e *privacy.Entry) any { return list[privacy.Class]{&e.Classes} }},
		{name: "objects", typ: "text", in: "::uuid[]", out: "::text[]", at: func(e *privacy.Entry) any { return objects{&e.Objects} }},
		{name: "refused", typ: "bool", at: func(e *privacy.Entry) any { return &e.Refused }},
	},
}

func (l accessLog) Durable() bool { return true }

func (l accessLog) Append(ctx context.Context, entries []privacy.Entry) error {
	if l.s.closed.Load() {
		return fail("append to the access log after Close", store.ErrUnavailable)
	}
	if len(entries) == 0 {
		return nil
	}
	byTenant := map[ticket.TenantID][]privacy.Entry{}
	var tenants []ticket.TenantID
	for _, e := range entries {
		if e.Tenant.Validate() != nil || e.ID.IsZero() {
			return fail("access entry without tenant or id", store.ErrRejected)
		}
		if byTenant[e.Tenant] == nil {
			tenants = append(tenants, e.Tenant)
		}
		byTenant[e.Tenant] = append(byTenant[e.Tenant], e)
	}
	slices.Sort(tenants) // all lock in the same order
	var steps []step
	for _, t := range tenants {
		steps = append(steps, step{sql: `SELECT pg_advisory_xact_lock(hashtextextended($1, $2))`,
			args: []any{string(t), l.s.schema.lock}})
	}
	for _, t := range tenants {
		steps = append(steps, step{sql: accessEntries.insert(""), args: accessEntries.args(t, byTenant[t])})
	}
	return classify(ctx, "append to the access log", sendBatch(ctx, l.s.reserve, l.s.schema, steps))
}

func (l accessLog) Entries(ctx context.Context, tenant ticket.TenantID, after string, limit int) ([]privacy.Entry, string, error) {
	if l.s.closed.Load() {
		return nil, "", fail("read the access log after Close", store.ErrUnavailable)
	}
	from, err := parseNumber(after)
	if err != nil {
		return nil, "", err
	}
	var out []privacy.Entry
	next := after
	err = sendBatch(ctx, l.s.reserve, l.s.schema, []step{{
		sql: `SELECT t.seq, ` + accessEntries.columns() + ` FROM {s}.access_log t
			WHERE t.tenant = $1 AND t.seq > $2 ORDER BY t.seq LIMIT $3`,
		args: []any{string(tenant), from, max(limit, 0)},
		rows: func(rows pgx.Rows) error {
			for rows.Next() {
				var e privacy.Entry
				var seq int64
				if err := rows.Scan(append([]any{&seq}, accessEntries.targets(&e)...)...); err != nil {
					return err
				}
				out, next = append(out, e), numberVersion+strconv.FormatInt(seq, 10)
			}
			return rows.Err()
		},
	}})
	if err != nil {
		return nil, "", classify(ctx, "read the access log", err)
	}
	return out, next, nil
}

// numberVersion starts every place in the access log, so that a place of
// another store is refused instead of misread.
const numberVersion = "p1:"

func parseNumber(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	digits, ok := strings.CutPrefix(s, numberVersion)
	n, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || n < 0 {
		return 0, fail("place in a log that this store did not hand out", store.ErrRejected)
	}
	return n, nil
}
