package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// Statements that look rows up by a selective column compare the mailbox with
// IS NOT DISTINCT FROM, which no index serves. With "=" every index that begins
// with tenant and mailbox would do as well in the planner's eyes as long as a
// table has no statistics, and it would read the whole mailbox for each mail.
// OFFSET 0 keeps a sub-select a look-up by the row before it, for the same
// reason.

// isCopy selects rows s of seen that are copies of the mail x.
const isCopy = `s.tenant = $1 AND s.mailbox IS NOT DISTINCT FROM $2 AND s.content = x.content AND (s.message_id = x.message_id
	OR x.message_id IS NULL AND s.message_id IS NULL AND s.received_at IS NOT DISTINCT FROM x.received_at)`

// probed is what mails are recognised by, as columns.
func probed(in []store.Seen) (ids []string, messages, contents, times []any) {
	for i := range in {
		p := &in[i]
		ids, messages = append(ids, p.ProviderID), append(messages, fpr{&p.MessageID})
		contents, times = append(contents, fpr{&p.Content}), append(times, moment{&p.ReceivedAt})
	}
	return ids, messages, contents, times
}

// Known implements [store.Intake].
func (r *reader) Known(ctx context.Context, tenant ticket.TenantID, mailbox ticket.ID, probes []store.Seen) ([]store.Seen, error) {
	out := make([]store.Seen, len(probes))
	if len(probes) == 0 {
		return out, nil
	}
	ids, messages, contents, times := probed(probes)
	err := r.run(ctx, "known", step{
		sql: `SELECT x.ord, ` + seen.columns() + `
			FROM unnest($3::text[], $4::bytea[], $5::bytea[], $6::timestamptz[])
				WITH ORDINALITY AS x(provider_id, message_id, content, received_at, ord)
			CROSS JOIN LATERAL (
				(SELECT 0 AS rank, s.* FROM {s}.seen s
				WHERE s.tenant = $1 AND s.mailbox = $2 AND s.provider_id = x.provider_id)
				UNION ALL
				(SELECT 1 AS rank, s.* FROM {s}.seen s
				WHERE ` + isCopy + `
				ORDER BY s.provider_id LIMIT 1)
				ORDER BY rank LIMIT 1) t`,
		args: []any{string(tenant), uid{&mailbox}, ids, messages, contents, times},
		rows: func(rows pgx.Rows) error {
			for rows.Next() {
				var ord int
				var s store.Seen
				if err := rows.Scan(append([]any{&ord}, seen.targets(&s)...)...); err != nil {
					return err
				}
				out[ord-1] = s
			}
			return rows.Err()
		},
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// candidates is one statement, so that all it tells is of one moment and a
// fingerprint's hits are scanned once: $1 tenant, $2 mailbox, $3 fingerprints,
// $4 messages, $5 senders, $6 the most tickets of a fingerprint, $7 tickets, $8
// organisations.
var candidates = `WITH picks AS MATERIALIZED (
		SELECT x.fingerprint, p.id, p.roles
		FROM (SELECT DISTINCT fingerprint FROM unnest($3::bytea[]) AS u(fingerprint)) x
		CROSS JOIN LATERAL (
			SELECT h.ticket AS id, h.roles FROM (
				SELECT ticket, array_agg(DISTINCT role) AS roles FROM {s}.hits
				WHERE tenant = $1 AND mailbox = $2 AND fingerprint = x.fingerprint GROUP BY ticket OFFSET 0) h
			CROSS JOIN LATERAL (SELECT updated_at FROM {s}.tickets
				WHERE tenant = $1 AND id = h.ticket AND mailbox IS NOT DISTINCT FROM $2 OFFSET 0) k
			ORDER BY EXISTS (SELECT FROM {s}.members m WHERE m.tenant = $1 AND m.ticket = h.ticket
					AND (m.address = ANY($5::bytea[]) OR m.domain = ANY($8::bytea[]))) DESC,
				'm' = ANY(h.roles) DESC, k.updated_at DESC, h.ticket DESC LIMIT $6) p),
	named AS MATERIALIZED (
		SELECT g.id, g.ticket FROM unnest($4::uuid[]) AS x(id) CROSS JOIN LATERAL (
			SELECT id, ticket FROM {s}.messages
			WHERE tenant = $1 AND id = x.id AND mailbox IS NOT DISTINCT FROM $2 OFFSET 0) g),
	ids AS MATERIALIZED (SELECT id FROM picks UNION SELECT ticket FROM named UNION SELECT unnest($7::uuid[]))
	SELECT ` + domainTickets.columns() + `, d.fingerprint, d.role, d.contact, d.pending, d.message, d.domain
	FROM ids CROSS JOIN LATERAL (SELECT * FROM {s}.tickets
		WHERE tenant = $1 AND id = ids.id AND mailbox IS NOT DISTINCT FROM $2 OFFSET 0) t
	CROSS JOIN LATERAL (
		SELECT p.fingerprint, unnest(p.roles) AS role, NULL::uuid AS contact, NULL::boolean AS pending, NULL::uuid AS message, NULL::bytea AS domain
		FROM picks p WHERE p.id = t.id
		UNION ALL SELECT m.address, NULL, m.contact, m.pending, NULL, m.domain
		FROM {s}.members m WHERE m.tenant = $1 AND m.ticket = t.id AND (m.address = ANY($5::bytea[]) OR m.domain = ANY($8::bytea[]))
		UNION ALL SELECT NULL, NULL, NULL, NULL, n.id, NULL FROM named n WHERE n.ticket = t.id
		UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL WHERE t.id = ANY($7::uuid[])) d
	ORDER BY t.id, d.role, d.fingerprint, d.message`

// Candidates implements [store.Intake]. Each row tells one thing of a ticket: a
// hit, a member or a message.
func (r *reader) Candidates(ctx context.Context, q store.CandidateQuery) ([]ticket.Candidate, error) {
	if len(q.Fingerprints) == 0 && len(q.Messages) == 0 && len(q.Tickets) == 0 {
		return nil, nil
	}
	var cands []ticket.Candidate
	err := r.run(ctx, "candidates", step{
		sql: candidates,
		args: []any{string(q.Tenant), uid{&q.Mailbox}, prints(q.Fingerprints), uuids(q.Messages),
			prints(q.From), store.CandidatesMost, uuids(q.Tickets), prints(q.Domains)},
		rows: func(rows pgx.Rows) error {
			for rows.Next() {
				var (
					t       ticket.Ticket
					hit     ticket.Hit
					member  ticket.Member
					pending *bool
					message ticket.ID
				)
				err := rows.Scan(append(domainTickets.targets(&t), fpr{&hit.Fingerprint}, role{&hit.Role},
					uid{&member.Contact}, &pending, uid{&message}, fpr{&member.Domain})...)
				if err != nil {
					return err
				}
				if n := len(cands); n == 0 || cands[n-1].Ticket.ID != t.ID {
					cands = append(cands, ticket.Candidate{Ticket: t})
				}
				c := &cands[len(cands)-1]
				switch {
				case pending != nil:
					member.Address, member.Pending = hit.Fingerprint, *pending
					c.Members = append(c.Members, member)
				case hit.Role != 0:
					c.Hits = append(c.Hits, hit)
				case !message.IsZero():
					c.Messages = append(c.Messages, message)
				}
			}
			return rows.Err()
		},
	})
	return cands, err
}

// pairs reads rows of two ids.
func pairs(rows pgx.Rows, each func(a, b ticket.ID)) error {
	for rows.Next() {
		var a, b ticket.ID
		if err := rows.Scan(uid{&a}, uid{&b}); err != nil {
			return err
		}
		each(a, b)
	}
	return rows.Err()
}

// Contacts implements [store.Intake].
func (r *reader) Contacts(ctx context.Context, tenant ticket.TenantID, mailbox ticket.ID, addrs []ticket.Fingerprint) (map[ticket.Fingerprint]ticket.ID, error) {
	out := map[ticket.Fingerprint]ticket.ID{}
	if len(addrs) == 0 {
		return out, nil
	}
	err := r.run(ctx, "contacts", step{
		sql: `SELECT ` + contacts.columns() + ` FROM unnest($3::bytea[]) AS x(address) CROSS JOIN LATERAL (
			SELECT * FROM {s}.contacts WHERE tenant = $1 AND mailbox = $2 AND address = x.address OFFSET 0) t`,
		args: []any{string(tenant), uid{&mailbox}, prints(addrs)},
		rows: func(rows pgx.Rows) error {
			found, err := contacts.scan(rows)
			for _, c := range found {
				out[c.Address] = c.ID
			}
			return err
		},
	})
	return out, err
}

// SentAs implements [store.Intake].
func (r *reader) SentAs(ctx context.Context, tenant ticket.TenantID, mailbox ticket.ID, ids []ticket.Fingerprint) (map[ticket.Fingerprint]ticket.ID, error) {
	out := map[ticket.Fingerprint]ticket.ID{}
	if len(ids) == 0 {
		return out, nil
	}
	err := r.run(ctx, "sent as", step{
		sql: `SELECT x.fingerprint, s.id FROM unnest($3::bytea[]) AS x(fingerprint) CROSS JOIN LATERAL (
			SELECT m.id FROM (SELECT message FROM {s}.hits
				WHERE tenant = $1 AND mailbox = $2 AND fingerprint = x.fingerprint AND role = 'm' OFFSET 0) h
			CROSS JOIN LATERAL (SELECT id FROM {s}.messages
				WHERE tenant = $1 AND id = h.message AND mailbox IS NOT DISTINCT FROM $2 AND direction = 'out' OFFSET 0) m
			ORDER BY m.id LIMIT 1) s`,
		args: []any{string(tenant), uid{&mailbox}, prints(ids)},
		rows: func(rows pgx.Rows) error {
			for rows.Next() {
				var f ticket.Fingerprint
				var id ticket.ID
				if err := rows.Scan(fpr{&f}, uid{&id}); err != nil {
					return err
				}
				out[f] = id
			}
			return rows.Err()
		},
	})
	return out, err
}

// AutoReplies implements [store.Intake].
func (r *reader) AutoReplies(ctx context.Context, q store.AutoReplyQuery) (n ticket.AutoReplies, err error) {
	err = r.run(ctx, "automatic replies", step{
		sql: `WITH sent AS MATERIALIZED (SELECT ticket, contact FROM {s}.messages
				WHERE tenant = $1 AND mailbox = $2 AND direction = 'out' AND kind = 'auto-reply' AND created_at >= coalesce($3::timestamptz, '-infinity'))
			SELECT (SELECT count(*) FROM sent), (SELECT count(*) FROM sent WHERE ticket = $4),
				coalesce((SELECT max(n) FROM (SELECT count(*) AS n FROM sent WHERE contact = ANY($5::uuid[]) GROUP BY contact) c), 0)`,
		args: []any{string(q.Tenant), uid{&q.Mailbox}, moment{&q.Since}, uid{&q.Ticket}, uuids(q.Contacts)},
		rows: func(rows pgx.Rows) error {
			for rows.Next() {
				if err := rows.Scan(&n.Mailbox, &n.Ticket, &n.Address); err != nil {
					return err
				}
			}
			return rows.Err()
		},
	})
	return n, err
}

// TicketKeys implements [store.Intake].
func (r *reader) TicketKeys(ctx context.Context, tenant ticket.TenantID, ids []ticket.ID) (map[ticket.ID]ticket.ID, error) {
	out := map[ticket.ID]ticket.ID{}
	if len(ids) == 0 {
		return out, nil
	}
	err := r.run(ctx, "ticket keys", step{
		sql: `SELECT t.id, t.key_slot FROM unnest($2::uuid[]) AS x(id) CROSS JOIN LATERAL (
			SELECT id, key_slot FROM {s}.tickets WHERE tenant = $1 AND id = x.id OFFSET 0) t`,
		args: []any{string(tenant), uuids(ids)},
		rows: func(rows pgx.Rows) error {
			return pairs(rows, func(id, key ticket.ID) { out[id] = key })
		},
	})
	return out, err
}
