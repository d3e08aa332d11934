package postgres

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// Known implements [store.Intake].
func (r *reader) Known(ctx context.Context, tenant ticket.TenantID, mailbox ticket.ID, probes []store.Seen) ([]store.Seen, error) {
	out := make([]store.Seen, len(probes))
	if len(probes) == 0 {
		return out, nil
	}
	ids, messages, contents, times := make([]string, len(probes)), make([]any, len(probes)), make([]any, len(probes)), make([]any, len(probes))
	for i := range probes {
		p := &probes[i]
		ids[i], messages[i], contents[i], times[i] = p.ProviderID, fpr{&p.MessageID}, fpr{&p.Content}, moment{&p.ReceivedAt}
	}
	err := r.run(ctx, "known", step{
		sql: `SELECT x.ord, ` + seen.columns() + `
			FROM unnest($3::text[], $4::bytea[], $5::bytea[], $6::timestamptz[])
				WITH ORDINALITY AS x(provider_id, message_id, content, received_at, ord)
			CROSS JOIN LATERAL (
				(SELECT 0 AS rank, s.* FROM {s}.seen s
				WHERE s.tenant = $1 AND s.mailbox = $2 AND s.provider_id = x.provider_id)
				UNION ALL
				(SELECT 1 AS rank, s.* FROM {s}.seen s
				WHERE s.tenant = $1 AND s.mailbox = $2 AND s.content = x.content AND (s.message_id = x.message_id
					OR x.message_id IS NULL AND s.message_id IS NULL AND s.received_at IS NOT DISTINCT FROM x.received_at)
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

// reached selects the tickets of a mailbox that fingerprints or messages lead
// to: $1 tenant, $2 mailbox, $3 fingerprints, $4 messages.
const reached = `(SELECT ticket FROM {s}.hits WHERE tenant = $1 AND mailbox = $2 AND fingerprint = ANY($3::bytea[])
	UNION SELECT ticket FROM {s}.messages WHERE tenant = $1 AND mailbox = $2 AND id = ANY($4::uuid[]))`

// Candidates implements [store.Intake]. Four statements are one round trip.
func (r *reader) Candidates(ctx context.Context, tenant ticket.TenantID, mailbox ticket.ID, fps []ticket.Fingerprint, ids []ticket.ID) ([]ticket.Candidate, error) {
	if len(fps) == 0 && len(ids) == 0 {
		return nil, nil
	}
	var (
		cands []ticket.Candidate
		at    = map[ticket.ID]*ticket.Candidate{}
		args  = []any{string(tenant), uid{&mailbox}, prints(fps), uuids(ids)}
	)
	err := r.run(ctx, "candidates", step{
		sql: `SELECT ` + domainTickets.columns() + ` FROM {s}.tickets t
			WHERE t.tenant = $1 AND t.mailbox = $2 AND t.id IN ` + reached + ` ORDER BY t.id`,
		args: args,
		rows: func(rows pgx.Rows) error {
			found, err := domainTickets.scan(rows)
			cands = make([]ticket.Candidate, len(found))
			for i, t := range found {
				cands[i].Ticket = t
				at[t.ID] = &cands[i]
			}
			return err
		},
	}, step{
		sql: `SELECT ` + members.columns() + ` FROM {s}.members t
			WHERE t.tenant = $1 AND t.ticket IN ` + reached + ` ORDER BY t.address`,
		args: args,
		rows: func(rows pgx.Rows) error {
			found, err := members.scan(rows)
			for _, m := range found {
				if c := at[m.Ticket]; c != nil {
					c.Members = append(c.Members, m.Member)
				}
			}
			return err
		},
	}, step{
		sql: `SELECT DISTINCT ` + foundHits.columns() + ` FROM {s}.hits t
			WHERE t.tenant = $1 AND t.mailbox = $2 AND t.fingerprint = ANY($3::bytea[])`,
		args: args[:3],
		rows: func(rows pgx.Rows) error {
			hits, err := foundHits.scan(rows)
			for _, h := range hits {
				if c := at[h.ticket]; c != nil {
					c.Hits = append(c.Hits, h.Hit)
				}
			}
			return err
		},
	}, step{
		sql:  `SELECT ticket, id FROM {s}.messages WHERE tenant = $1 AND mailbox = $2 AND id = ANY($3::uuid[]) ORDER BY id`,
		args: []any{args[0], args[1], args[3]},
		rows: func(rows pgx.Rows) error {
			return pairs(rows, func(t, id ticket.ID) {
				if c := at[t]; c != nil {
					c.Messages = append(c.Messages, id)
				}
			})
		},
	})
	for _, c := range cands {
		slices.SortFunc(c.Hits, func(a, b ticket.Hit) int {
			return cmp.Or(cmp.Compare(a.Role, b.Role), bytes.Compare(a.Fingerprint[:], b.Fingerprint[:]))
		})
	}
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
		sql: `SELECT ` + contacts.columns() + ` FROM {s}.contacts t
			WHERE t.tenant = $1 AND t.mailbox = $2 AND t.address = ANY($3::bytea[])`,
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

// TicketKeys implements [store.Intake].
func (r *reader) TicketKeys(ctx context.Context, tenant ticket.TenantID, ids []ticket.ID) (map[ticket.ID]ticket.ID, error) {
	out := map[ticket.ID]ticket.ID{}
	if len(ids) == 0 {
		return out, nil
	}
	err := r.run(ctx, "ticket keys", step{
		sql:  `SELECT id, key_slot FROM {s}.tickets WHERE tenant = $1 AND id = ANY($2::uuid[])`,
		args: []any{string(tenant), uuids(ids)},
		rows: func(rows pgx.Rows) error {
			return pairs(rows, func(id, key ticket.ID) { out[id] = key })
		},
	})
	return out, err
}
