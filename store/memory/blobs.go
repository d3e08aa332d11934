package memory

import (
	"bytes"
	"context"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// blobs implements [store.Blobs]. It has a lock of its own: blobs are put
// before the transaction that names them.
type blobs struct {
	mu      sync.Mutex
	objects map[store.BlobRef]blob
	closed  bool
}

// blob is never changed in place, so that readers need no copy.
type blob struct {
	data []byte
	at   time.Time
}

func (b *blobs) Put(ctx context.Context, r store.BlobRef, from io.Reader) error {
	if r.Tenant == "" || r.Mailbox.IsZero() || r.ID.IsZero() {
		return fail("blob without a name", store.ErrRejected)
	}
	// The reader may be slow: no lock while it is read.
	data, err := io.ReadAll(from)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return errClosed("put blob")
	}
	b.objects[r] = blob{data: data, at: time.Now()}
	return nil
}

func (b *blobs) Get(ctx context.Context, r store.BlobRef) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, errClosed("get blob")
	}
	o, ok := b.objects[r]
	if !ok {
		return nil, fail("blob", store.ErrNotFound)
	}
	return io.NopCloser(bytes.NewReader(o.data)), nil
}

func (b *blobs) Delete(ctx context.Context, refs []store.BlobRef) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return errClosed("delete blobs")
	}
	for _, r := range refs {
		delete(b.objects, r)
	}
	return nil
}

func (b *blobs) Old(ctx context.Context, d time.Duration, after ticket.ID, limit int) ([]store.BlobRef, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, errClosed("old blobs")
	}
	p := pager[store.BlobRef]{limit: limit, order: func(x, y store.BlobRef) int { return slices.Compare(x.ID[:], y.ID[:]) }}
	before := time.Now().Add(-d)
	for r, o := range b.objects {
		if o.at.Before(before) && slices.Compare(r.ID[:], after[:]) > 0 {
			p.add(r)
		}
	}
	return p.rows, nil
}

func (b *blobs) List(ctx context.Context, tenant ticket.TenantID, mailbox, after ticket.ID, limit int) ([]store.BlobRef, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, errClosed("list blobs")
	}
	p := pager[store.BlobRef]{limit: limit, order: func(x, y store.BlobRef) int { return slices.Compare(x.ID[:], y.ID[:]) }}
	for r := range b.objects {
		if r.Tenant == tenant && r.Mailbox == mailbox && slices.Compare(r.ID[:], after[:]) > 0 {
			p.add(r)
		}
	}
	return p.rows, nil
}

func (b *blobs) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
}
