package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// document is a JSON object.
type document struct{ p *json.RawMessage }

func (d document) TextValue() (pgtype.Text, error) {
	return pgtype.Text{String: string(*d.p), Valid: len(*d.p) > 0}, nil
}

func (d document) ScanText(v pgtype.Text) error {
	*d.p = json.RawMessage(v.String)
	return nil
}

var records = relation[store.Record]{
	name:   "records",
	tenant: func(r *store.Record) *ticket.TenantID { return &r.Tenant },
	fields: []field[store.Record]{
		{name: "kind", typ: "text", at: func(r *store.Record) any { return str(&r.Kind) }},
		{name: "id", typ: "uuid", at: func(r *store.Record) any { return uid{&r.ID} }},
		{name: "due", typ: "timestamptz", at: func(r *store.Record) any { return moment{&r.Due} }},
		{name: "version", typ: "int8", at: func(r *store.Record) any { return &r.Version }},
		{name: "body", typ: "text", in: "::jsonb", out: "::text", at: func(r *store.Record) any { return document{&r.Body} }},
	},
}

// Record implements [store.Registers].
func (r *reader) Record(ctx context.Context, tenant ticket.TenantID, kind store.RecordKind, id ticket.ID) (store.Record, error) {
	q := byID(tenant, "id", id)
	q.and("t.kind = ?", string(kind))
	return one(ctx, r, "record", records, q, "t.id")
}

// Records implements [store.Registers].
func (r *reader) Records(ctx context.Context, q store.RecordQuery) ([]store.Record, error) {
	w := &query{}
	w.and("t.kind = ?", string(q.Kind))
	if q.Tenant != "" {
		w.and("t.tenant = ?", string(q.Tenant))
	}
	if !q.DueBy.IsZero() {
		w.and("t.due <= ?", moment{&q.DueBy})
	}
	w.afterTenant(q.AfterTenant, q.After)
	return selectRows(ctx, r, "records", records, w, "t.tenant, t.id", q.Limit)
}

// afterTenant continues a list that goes over tenants.
func (q *query) afterTenant(tenant ticket.TenantID, id ticket.ID) {
	if tenant != "" {
		q.and("(t.tenant, t.id) > (?, ?)", string(tenant), [16]byte(id))
	}
}

// registers writes records, new keys of tickets and the place in the ledger.
func (p *plan) registers(c store.Changes) {
	var fresh []store.Record
	for _, r := range c.Records {
		if r.Version == 1 {
			fresh = append(fresh, r)
			continue
		}
		p.add(step{
			sql:  records.update("t.kind = x.kind AND t.id = x.id AND t.version = x.version - 1", "due", "version", "body"),
			args: records.row(p.tenant, &r), tag: exactly(1, "record changed meanwhile", store.ErrStale),
		})
	}
	if len(fresh) > 0 {
		p.add(step{sql: records.insert("ON CONFLICT DO NOTHING"), args: records.args(p.tenant, fresh),
			tag: exactly(len(fresh), "record is there already", store.ErrStale)})
	}
	for _, r := range c.Resealed {
		p.reseal(r)
	}
	p.retain(c.Retain)
	if c.Reached != nil {
		p.add(step{
			sql:  `UPDATE {s}.deployment SET reached = $1, reached_hash = $2 WHERE reached = $1 - 1`,
			args: []any{c.Reached.N, c.Reached.Hash[:]},
			tag:  exactly(1, "another entry of the ledger is next", store.ErrStale),
		})
	}
}

var resealedMessages = slices.Concat(sealedFields, []field[store.Message]{messages.fields[len(messages.fields)-1]})

func (p *plan) reseal(r store.Resealed) {
	p.add(step{
		sql: `UPDATE {s}.tickets SET key_slot = $3, subject = $4, version = version + 1
			WHERE tenant = $1 AND id = $2 AND version = $5`,
		args: []any{string(p.tenant), uid{&r.Ticket.ID}, uid{&r.Ticket.Key}, octets{(*[]byte)(&r.Ticket.Subject)}, r.Was},
		tag:  exactly(1, "ticket changed meanwhile", store.ErrStale),
	})
	set := []string{"attachments", "blob", "raw_size"}
	for _, f := range resealedMessages {
		set = append(set, f.name)
	}
	updateRows(p, messages, r.Messages, messages.update("t.id = x.id AND t.ticket = x.ticket", set...),
		"message to seal anew", store.ErrStale)
}

func (p *plan) retain(rows []store.RetainAt) {
	if len(rows) == 0 {
		return
	}
	ids, boxes, times := make([][16]byte, len(rows)), make([][16]byte, len(rows)), make([]any, len(rows))
	for i := range rows {
		ids[i], boxes[i], times[i] = rows[i].Ticket, rows[i].Mailbox, moment{&rows[i].At}
	}
	p.add(step{
		sql: `UPDATE {s}.tickets t SET retain_at = coalesce(x.at, '-infinity')
			FROM unnest($2::uuid[], $3::uuid[], $4::timestamptz[]) AS x(id, mailbox, at)
			WHERE t.tenant = $1 AND t.id = x.id AND t.mailbox = x.mailbox`,
		args: []any{string(p.tenant), ids, boxes, times},
		tag:  exactly(len(rows), "ticket of the changes", store.ErrNotFound),
	})
}

// Retained implements [store.Retention].
func (r *reader) Retained(ctx context.Context, q store.RetainQuery) ([]store.Retained, error) {
	w := &query{}
	w.and("true")
	if q.Tenant != "" {
		w.and("t.tenant = ?", string(q.Tenant))
	}
	if !q.Mailbox.IsZero() {
		w.and("t.mailbox = ?", uid{&q.Mailbox})
	}
	if !q.Contact.IsZero() {
		w.and(`(t.contact = ? OR EXISTS (SELECT FROM {s}.members m
			WHERE m.tenant = t.tenant AND m.ticket = t.id AND m.contact = ?))`, uid{&q.Contact}, uid{&q.Contact})
	}
	if !q.DueBy.IsZero() {
		w.and("t.retain_at <= ?", moment{&q.DueBy})
	}
	w.afterTenant(q.AfterTenant, q.After)
	w.args = append(w.args, max(q.Limit, 0))
	var out []store.Retained
	err := r.run(ctx, "retained tickets", step{
		sql: "SELECT " + domainTickets.columns() + `, t.key_slot, s.attachments, s.bytes + coalesce(octet_length(t.subject), 0)
			FROM {s}.tickets t CROSS JOIN LATERAL (
				SELECT coalesce(bool_or(m.attachments > 0), false) AS attachments, coalesce(sum(` + messageSize + `), 0)::bigint AS bytes
				FROM {s}.messages m WHERE m.tenant = t.tenant AND m.ticket = t.id) s
			WHERE ` + strings.Join(w.where, " AND ") + " ORDER BY t.tenant, t.id" + fmt.Sprintf(" LIMIT $%d", len(w.args)),
		args: w.args,
		rows: func(rows pgx.Rows) error {
			for rows.Next() {
				var x store.Retained
				if err := rows.Scan(append(domainTickets.targets(&x.Ticket), uid{&x.Key}, &x.Attachments, &x.Bytes)...); err != nil {
					return err
				}
				out = append(out, x)
			}
			return rows.Err()
		},
	})
	return out, err
}
