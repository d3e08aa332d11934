package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/helpdesk-go/helpdesk/store"
)

// messageSize is the size of the content of a message m.
const messageSize = `coalesce(octet_length(m.subject), 0) + coalesce(octet_length(m.addresses), 0) + coalesce(octet_length(m.body), 0) +
	coalesce(octet_length(m.html), 0) + coalesce(octet_length(m.files), 0) + coalesce(octet_length(m.raw), 0)`

// doomed is a table of which an erasure names rows.
type doomed struct {
	table string
	// where tells them, m being the row and $1 the tenant.
	where string
	args  []any
	// size is the content of a row in bytes.
	size string
	// set turns the removal into a change, for what stays without its content.
	set string
}

// target lists the tables of an erasure, those first that others are found by.
func target(e store.Erase) []doomed {
	tenant := string(e.Tenant)
	switch {
	case e.Attachments:
		return []doomed{{table: "messages", size: `coalesce(octet_length(m.files), 0) + coalesce(octet_length(m.raw), 0)`,
			where: "m.ticket = ANY($2::uuid[]) AND (m.attachments > 0 OR m.raw IS NOT NULL OR m.files IS NOT NULL OR m.blob IS NOT NULL)",
			args:  []any{tenant, uuids(e.Tickets)}, set: "attachments = 0, files = NULL, raw = NULL, blob = NULL"}}
	case len(e.Messages) > 0:
		args := []any{tenant, uuids(e.Messages)}
		return []doomed{
			{table: "messages", where: "m.id = ANY($2::uuid[])", args: args, size: messageSize},
			{table: "deliveries", where: "m.message = ANY($2::uuid[])", args: args},
			{table: "hits", where: "m.message = ANY($2::uuid[])", args: args},
			{table: "events", where: "m.message = ANY($2::uuid[])", args: args},
		}
	case len(e.Tickets) > 0:
		args := []any{tenant, uuids(e.Tickets)}
		out := []doomed{{table: "messages", where: "m.ticket = ANY($2::uuid[])", args: args, size: messageSize}}
		for _, t := range []string{"deliveries", "hits", "members", "events"} {
			out = append(out, doomed{table: t, where: "m.ticket = ANY($2::uuid[])", args: args})
		}
		return append(out, doomed{table: "tickets", where: "m.id = ANY($2::uuid[])", args: args, size: "coalesce(octet_length(m.subject), 0)"})
	case !e.Contact.IsZero():
		args := []any{tenant, uid{&e.Contact}}
		return []doomed{
			{table: "tickets", where: "m.contact = $2", args: args, set: "contact = NULL"},
			{table: "members", where: "m.contact = $2", args: args},
			{table: "contacts", where: "m.id = $2", args: args},
		}
	case !e.Mailbox.IsZero():
		return targetMailbox(e)
	}
	kinds := texts(e.KeepRecords)
	return []doomed{
		{table: "events", where: "m.mailbox IS NULL", args: []any{tenant}},
		{table: "records", where: "m.kind <> ALL($2::text[])", args: []any{tenant, kinds}},
	}
}

func targetMailbox(e store.Erase) []doomed {
	box := []any{string(e.Tenant), uid{&e.Mailbox}}
	keep := append(box[:len(box):len(box)], uuids(e.Keep))
	out := []doomed{
		{table: "messages", where: "m.mailbox = $2 AND m.ticket <> ALL($3::uuid[])", args: keep, size: messageSize},
		{table: "deliveries", where: "m.mailbox = $2 AND m.ticket <> ALL($3::uuid[])", args: keep},
		{table: "tickets", where: "m.mailbox = $2 AND m.id <> ALL($3::uuid[])", args: keep, size: "coalesce(octet_length(m.subject), 0)"},
		{table: "quarantine", where: "m.mailbox = $2", args: box, size: "coalesce(octet_length(m.raw), 0) + coalesce(octet_length(m.ref), 0)"},
	}
	for _, t := range []string{"hits", "members", "contacts", "seen", "events", "tasks"} {
		out = append(out, doomed{table: t, where: "m.mailbox = $2", args: box})
	}
	if len(e.Keep) == 0 {
		out = append(out, doomed{table: "mailboxes", where: "m.id = $2", args: box,
			size: "coalesce(octet_length(m.address), 0) + coalesce(octet_length(m.credential), 0) + coalesce(octet_length(m.settings), 0)"})
	}
	return out
}

func (d doomed) bytes() string {
	if d.size == "" {
		return "0"
	}
	return d.size
}

// Erase implements [store.Tx]. Rows are found by their place, and looked at
// once more by what names them: in a partitioned table places repeat.
func (t *txn) Erase(ctx context.Context, e store.Erase) (store.Erased, error) {
	if err := e.Validate(); err != nil {
		return store.Erased{}, err
	}
	out := store.Erased{Tally: store.Tally{}}
	var steps []step
	for _, d := range target(e) {
		where := "m.tenant = $1 AND " + d.where
		change := "DELETE FROM {s}." + d.table + " m"
		if d.set != "" {
			change = "UPDATE {s}." + d.table + " m SET " + d.set
		}
		steps = append(steps, step{
			// The size is taken before the change, which may set it to nothing.
			sql: `WITH found AS MATERIALIZED (SELECT m.ctid AS place, ` + d.bytes() + ` AS size FROM {s}.` + d.table + ` m
					WHERE ` + where + fmt.Sprintf(" LIMIT $%d FOR UPDATE),", len(d.args)+1) + `
				gone AS (` + change + ` WHERE m.ctid = ANY(ARRAY(SELECT place FROM found)) AND ` + where + ` RETURNING 1)
				SELECT (SELECT count(*) FROM gone), (SELECT coalesce(sum(size), 0)::bigint FROM found)`,
			args: append(d.args[:len(d.args):len(d.args)], e.Limit),
			rows: tally(out.Tally, d.table),
		})
	}
	if err := t.run(ctx, "erase", steps...); err != nil {
		return store.Erased{}, err
	}
	for table, a := range out.Tally {
		out.More = out.More || a.Rows >= int64(e.Limit)
		if a.Rows == 0 {
			delete(out.Tally, table)
		}
	}
	return out, nil
}

// tally reads a number of rows and of bytes.
func tally(into store.Tally, table string) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		for rows.Next() {
			var a store.Amount
			if err := rows.Scan(&a.Rows, &a.Bytes); err != nil {
				return err
			}
			into.Add(store.Tally{table: a})
		}
		return rows.Err()
	}
}

// Remaining implements [store.Retention].
func (r *reader) Remaining(ctx context.Context, e store.Erase) (store.Tally, error) {
	if err := e.Validate(); err != nil {
		return nil, err
	}
	out := store.Tally{}
	var steps []step
	for _, d := range target(e) {
		steps = append(steps, step{
			sql: strings.Join([]string{"SELECT count(*), coalesce(sum(", d.bytes(), "), 0)::bigint FROM {s}.", d.table,
				" m WHERE m.tenant = $1 AND ", d.where}, ""),
			args: d.args,
			rows: tally(out, d.table),
		})
	}
	if err := r.run(ctx, "remaining", steps...); err != nil {
		return nil, err
	}
	for table, a := range out {
		if a.Rows == 0 {
			delete(out, table)
		}
	}
	return out, nil
}
