package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// query is a SELECT whose conditions depend on what was asked for. Only
// constants become part of its text.
type query struct {
	where []string
	args  []any
}

// and adds a condition; its ? stand for the arguments.
func (q *query) and(condition string, args ...any) {
	for _, a := range args {
		q.args = append(q.args, a)
		condition = strings.Replace(condition, "?", fmt.Sprintf("$%d", len(q.args)), 1)
	}
	q.where = append(q.where, condition)
}

// selectRows reads the rows of a relation that a query describes.
func selectRows[T any](ctx context.Context, r *reader, op string, from relation[T], q *query, order string, limit int) ([]T, error) {
	q.args = append(q.args, max(limit, 0))
	var out []T
	err := r.run(ctx, op, step{
		sql: "SELECT " + from.columns() + " FROM {s}." + from.name + " t WHERE " + strings.Join(q.where, " AND ") +
			" ORDER BY " + order + fmt.Sprintf(" LIMIT $%d", len(q.args)),
		args: q.args,
		rows: func(rows pgx.Rows) (err error) {
			out, err = from.scan(rows)
			return err
		},
	})
	return out, err
}

// one reads one row or returns [store.ErrNotFound].
func one[T any](ctx context.Context, r *reader, op string, from relation[T], q *query, order string) (T, error) {
	rows, err := selectRows(ctx, r, op, from, q, order, 1)
	if err == nil && len(rows) == 0 {
		err = fail(op, store.ErrNotFound)
	}
	if err != nil {
		var zero T
		return zero, err
	}
	return rows[0], nil
}

func ofTenant(tenant ticket.TenantID) *query {
	q := &query{}
	q.and("t.tenant = ?", string(tenant))
	return q
}

func byID(tenant ticket.TenantID, column string, id ticket.ID) *query {
	q := ofTenant(tenant)
	q.and("t."+column+" = ?", uid{&id})
	return q
}

// afterID continues a list that is ordered by id. The zero id is the start.
func (q *query) afterID(column string, id ticket.ID) {
	if !id.IsZero() {
		q.and("t."+column+" > ?", uid{&id})
	}
}

// texts are strings of a named type as a parameter.
func texts[S ~string](in []S) []string {
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = string(s)
	}
	return out
}

// Mailbox implements [store.Mailboxes].
func (r *reader) Mailbox(ctx context.Context, tenant ticket.TenantID, id ticket.ID) (store.Mailbox, error) {
	return one(ctx, r, "mailbox", mailboxes, byID(tenant, "id", id), "t.id")
}

// MailboxByAccount implements [store.Mailboxes]. Of several that are fenced it
// returns the newest.
func (r *reader) MailboxByAccount(ctx context.Context, tenant ticket.TenantID, account ticket.Fingerprint) (store.Mailbox, error) {
	q := ofTenant(tenant)
	q.and("t.account = ?", fpr{&account})
	return one(ctx, r, "mailbox by account", mailboxes, q, "t.state = 'connected' DESC, t.connected_at DESC NULLS LAST, t.id DESC")
}

// ListMailboxes implements [store.Mailboxes].
func (r *reader) ListMailboxes(ctx context.Context, tenant ticket.TenantID, after ticket.ID, limit int) ([]store.Mailbox, error) {
	q := ofTenant(tenant)
	q.afterID("id", after)
	return selectRows(ctx, r, "mailboxes", mailboxes, q, "t.id", limit)
}

// Ticket implements [store.Conversations].
func (r *reader) Ticket(ctx context.Context, tenant ticket.TenantID, id ticket.ID) (store.Ticket, error) {
	return one(ctx, r, "ticket", tickets, byID(tenant, "id", id), "t.id")
}

// Tickets implements [store.Conversations].
func (r *reader) Tickets(ctx context.Context, in store.TicketQuery) ([]store.Ticket, error) {
	q := ofTenant(in.Tenant)
	if !in.Mailbox.IsZero() {
		q.and("t.mailbox = ?", uid{&in.Mailbox})
	}
	if len(in.Statuses) > 0 {
		q.and("t.status = ANY(?)", texts(in.Statuses))
	}
	if in.Assignee != "" {
		q.and("t.assignee = ?", string(in.Assignee))
	}
	if in.Unassigned {
		q.and("t.assignee = ''")
	}
	if in.Tag != "" {
		q.and("t.tags @> ARRAY[?::text]", in.Tag)
	}
	if !in.Contact.IsZero() {
		q.and("t.contact = ?", uid{&in.Contact})
	}
	if !in.BeforeTime.IsZero() || !in.BeforeID.IsZero() {
		// The id goes as it is: a zero one is before all others, not absent.
		q.and("(t.updated_at, t.id) < (?, ?)", moment{&in.BeforeTime}, [16]byte(in.BeforeID))
	}
	return selectRows(ctx, r, "tickets", tickets, q, "t.updated_at DESC, t.id DESC", in.Limit)
}

// Message implements [store.Conversations].
func (r *reader) Message(ctx context.Context, tenant ticket.TenantID, id ticket.ID) (store.Message, error) {
	return one(ctx, r, "message", messages, byID(tenant, "id", id), "t.id")
}

// Messages implements [store.Conversations].
func (r *reader) Messages(ctx context.Context, in store.MessageQuery) ([]store.Message, error) {
	from := lightMessages
	if in.Raw {
		from = messages
	}
	q := byID(in.Tenant, "ticket", in.Ticket)
	q.and("t.seq > ?", in.After)
	return selectRows(ctx, r, "messages", from, q, "t.seq", in.Limit)
}

// Members implements [store.Conversations].
func (r *reader) Members(ctx context.Context, tenant ticket.TenantID, t ticket.ID) ([]ticket.Member, error) {
	rows, err := selectRows(ctx, r, "members", members, byID(tenant, "ticket", t), "t.address", 1<<30)
	var out []ticket.Member
	for _, m := range rows {
		out = append(out, m.Member)
	}
	return out, err
}

// Delivery implements [store.Conversations].
func (r *reader) Delivery(ctx context.Context, tenant ticket.TenantID, message ticket.ID) (ticket.Delivery, error) {
	return one(ctx, r, "delivery", deliveries, byID(tenant, "message", message), "t.message")
}

// Deliveries implements [store.Conversations].
func (r *reader) Deliveries(ctx context.Context, in store.DeliveryQuery) ([]ticket.Delivery, error) {
	q := ofTenant(in.Tenant)
	if !in.Mailbox.IsZero() {
		q.and("t.mailbox = ?", uid{&in.Mailbox})
	}
	if !in.Ticket.IsZero() {
		q.and("t.ticket = ?", uid{&in.Ticket})
	}
	if len(in.States) > 0 {
		q.and("t.state = ANY(?)", texts(in.States))
	}
	if len(in.Messages) > 0 {
		q.and("t.message = ANY(?)", uuids(in.Messages))
	}
	q.afterID("message", in.After)
	return selectRows(ctx, r, "deliveries", deliveries, q, "t.message", in.Limit)
}

// Quarantined implements [store.Conversations].
func (r *reader) Quarantined(ctx context.Context, tenant ticket.TenantID, id ticket.ID) (store.Quarantined, error) {
	return one(ctx, r, "quarantined mail", quarantine, byID(tenant, "id", id), "t.id")
}

// Quarantine implements [store.Conversations].
func (r *reader) Quarantine(ctx context.Context, tenant ticket.TenantID, after ticket.ID, limit int) ([]store.Quarantined, error) {
	q := ofTenant(tenant)
	q.afterID("id", after)
	return selectRows(ctx, r, "quarantine", quarantine, q, "t.id", limit)
}
