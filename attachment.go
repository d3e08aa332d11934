package helpdesk

import (
	"bytes"
	"context"

	"github.com/helpdesk-go/helpdesk/mailbox/rfc822"
	"github.com/helpdesk-go/helpdesk/scan"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// Attachment is an opened attachment and what the scanner said of it.
type Attachment struct {
	ticket.Attachment
	// Scan is unscanned when there is no scanner or it could not tell.
	Scan scan.Verdict
}

// Attachment opens one attachment of a message, by the index it has there, with
// its content. Serve it as a download with the type it has, nosniff and a
// sandbox: it is a stranger's file. It returns ErrNotFound for another index.
// With Config.Scanner, one with malware is ErrInfected and comes without its
// content, but with the verdict. A scanner that fails refuses nothing unless
// Config.RequireScan is set, which makes it ErrUnscanned, without content.
func (t *Tenant) Attachment(ctx context.Context, message ticket.ID, index int) (Attachment, error) {
	raw, err := t.Raw(ctx, message)
	if err != nil {
		return Attachment{}, err
	}
	// The raw mail is the truth; attachments are not stored twice.
	for _, a := range rfc822.Parse(raw).Attachments {
		if a.Index == index {
			return t.desk.scanned(ctx, message, a)
		}
	}
	return Attachment{}, store.ErrNotFound
}

// scanned asks the scanner, and takes the content away where it may not be
// revealed.
func (d *Desk) scanned(ctx context.Context, message ticket.ID, a ticket.Attachment) (Attachment, error) {
	out := Attachment{Attachment: a, Scan: scan.Verdict{State: scan.Unscanned}}
	if d.cfg.Scanner == nil {
		return out, nil
	}
	v, err := d.cfg.Scanner.Scan(ctx, bytes.NewReader(a.Content))
	switch {
	case err != nil:
		// Not the error itself: a scanner is the host's and may say anything.
		d.log.WarnContext(ctx, "attachment not scanned", "message", message, "index", a.Index)
	case v.Known():
		out.Scan = v
	}
	switch {
	case out.Scan.State == scan.Infected:
		out.Content = nil
		return out, ErrInfected
	case out.Scan.State != scan.Clean && d.cfg.RequireScan:
		out.Content = nil
		return out, ErrUnscanned
	}
	return out, nil
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
