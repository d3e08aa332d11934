package helpdesk

import (
	"context"

	"github.com/helpdesk-go/helpdesk/mailbox/rfc822"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// Attachment opens one attachment of a message, by the index it has there, with
// its content. Serve it as a download with the type it has, nosniff and a
// sandbox: it is a stranger's file. It returns ErrNotFound for another index.
func (t *Tenant) Attachment(ctx context.Context, message ticket.ID, index int) (ticket.Attachment, error) {
	raw, err := t.Raw(ctx, message)
	if err != nil {
		return ticket.Attachment{}, err
	}
	// The raw mail is the truth; attachments are not stored twice.
	for _, a := range rfc822.Parse(raw).Attachments {
		if a.Index == index {
			return a, nil
		}
	}
	return ticket.Attachment{}, store.ErrNotFound
}

// Raw opens a message as it was received or sent (RFC 5322). Notes have none
// and are ErrNotFound.
func (t *Tenant) Raw(ctx context.Context, message ticket.ID) ([]byte, error) {
	if err := t.mayRead(ctx, "message.raw"); err != nil {
		return nil, err
	}
	var m store.Message
	err := t.desk.store.View(ctx, func(ctx context.Context, r store.Reader) (err error) {
		m, err = r.Message(ctx, t.id, message)
		return err
	})
	if err != nil {
		return nil, err
	}
	if m.Raw == nil && m.Blob.IsZero() {
		return nil, store.ErrNotFound
	}
	return t.desk.raw(ctx, m, "message.raw")
}
