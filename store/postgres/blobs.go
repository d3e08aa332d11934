package postgres

import (
	"bytes"
	"context"
	"io"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// blobs implements [store.Blobs] with one row an object.
type blobs struct{ s *Store }

// maxBlob is what PostgreSQL takes as one value, less a reserve.
const maxBlob = 1<<30 - 1<<20

func (b blobs) Put(ctx context.Context, ref store.BlobRef, r io.Reader) error {
	if ref.Tenant.Validate() != nil || ref.Mailbox.IsZero() || ref.ID.IsZero() {
		return fail("put blob without a name", store.ErrRejected)
	}
	if err := b.s.usable(ctx, "put blob"); err != nil {
		return err
	}
	// The reader may be slow: no connection is held while it is read.
	data, err := io.ReadAll(io.LimitReader(r, maxBlob+1))
	if err != nil {
		return err
	}
	if len(data) > maxBlob {
		return fail("put blob of more than 1 GB", store.ErrRejected)
	}
	return b.s.batch(ctx, "put blob", step{
		sql: `INSERT INTO {s}.blobs (tenant, mailbox, id, data, put_at) VALUES ($1, $2, $3, $4, clock_timestamp())
			ON CONFLICT (tenant, mailbox, id) DO UPDATE SET data = excluded.data, put_at = excluded.put_at`,
		args: []any{string(ref.Tenant), uid{&ref.Mailbox}, uid{&ref.ID}, data},
	})
}

func (b blobs) Get(ctx context.Context, ref store.BlobRef) (io.ReadCloser, error) {
	var data []byte
	found := false
	err := b.s.batch(ctx, "get blob", step{
		sql:  `SELECT data FROM {s}.blobs WHERE tenant = $1 AND mailbox = $2 AND id = $3`,
		args: []any{string(ref.Tenant), uid{&ref.Mailbox}, uid{&ref.ID}},
		rows: func(rows pgx.Rows) error {
			for rows.Next() {
				found = true
				if err := rows.Scan(&data); err != nil {
					return err
				}
			}
			return rows.Err()
		},
	})
	if err == nil && !found {
		err = fail("get blob", store.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

func (b blobs) Delete(ctx context.Context, refs []store.BlobRef) error {
	if len(refs) == 0 {
		return b.s.usable(ctx, "delete blobs")
	}
	tenants, boxes, ids := make([]string, len(refs)), make([][16]byte, len(refs)), make([][16]byte, len(refs))
	for i, r := range refs {
		tenants[i], boxes[i], ids[i] = string(r.Tenant), r.Mailbox, r.ID
	}
	return b.s.batch(ctx, "delete blobs", step{
		sql: `DELETE FROM {s}.blobs b USING unnest($1::text[], $2::uuid[], $3::uuid[]) AS x(tenant, mailbox, id)
			WHERE b.tenant = x.tenant AND b.mailbox = x.mailbox AND b.id = x.id`,
		args: []any{tenants, boxes, ids},
	})
}

func (b blobs) List(ctx context.Context, tenant ticket.TenantID, mailbox, after ticket.ID, limit int) ([]store.BlobRef, error) {
	var out []store.BlobRef
	err := b.s.batch(ctx, "list blobs", step{
		sql:  `SELECT id FROM {s}.blobs WHERE tenant = $1 AND mailbox = $2 AND id > $3 ORDER BY id LIMIT $4`,
		args: []any{string(tenant), uid{&mailbox}, [16]byte(after), max(limit, 0)},
		rows: func(rows pgx.Rows) error {
			for rows.Next() {
				r := store.BlobRef{Tenant: tenant, Mailbox: mailbox}
				if err := rows.Scan(uid{&r.ID}); err != nil {
					return err
				}
				out = append(out, r)
			}
			return rows.Err()
		},
	})
	return out, err
}

func (b blobs) Old(ctx context.Context, d time.Duration, after ticket.ID, limit int) ([]store.BlobRef, error) {
	var out []store.BlobRef
	err := b.s.batch(ctx, "old blobs", step{
		sql: `SELECT tenant, mailbox, id FROM {s}.blobs
			WHERE put_at < clock_timestamp() - make_interval(secs => $1) AND id > $2 ORDER BY id LIMIT $3`,
		args: []any{d.Seconds(), [16]byte(after), max(limit, 0)},
		rows: func(rows pgx.Rows) error {
			for rows.Next() {
				var r store.BlobRef
				if err := rows.Scan(str(&r.Tenant), uid{&r.Mailbox}, uid{&r.ID}); err != nil {
					return err
				}
				out = append(out, r)
			}
			return rows.Err()
		},
	})
	return out, err
}
