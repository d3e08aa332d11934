package helpdesk

import (
	"context"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/store"
)

// fileTries is how often a copy is filed before it is let go: the mail was
// sent, only the mailbox's own copy is missing.
const fileTries = 10

// workFile keeps a copy among the sent mail. Whatever happens here, the mail is
// not sent again.
func (d *Desk) workFile(ctx context.Context, l *store.Lease) error {
	err := d.file(ctx, l)
	if err != nil && l.Task.Attempts >= fileTries {
		d.log.Warn("no copy among the sent mail", "mailbox", l.Task.Mailbox, "message", l.Task.Subject, "cause", describe(err))
		err = nil
	}
	return d.settle(ctx, l, err, store.Finish{})
}

func (d *Desk) file(ctx context.Context, l *store.Lease) error {
	m, err := d.mailboxOf(ctx, l.Task.Tenant, l.Task.Mailbox)
	if err != nil {
		return err
	}
	var msg store.Message
	err = d.store.View(ctx, func(ctx context.Context, r store.Reader) (err error) {
		msg, err = r.Message(ctx, m.Tenant, l.Task.Subject)
		return subject(err)
	})
	if err != nil {
		return err
	}
	o, err := d.open(ctx, m, "delivery.file")
	if err != nil {
		return err
	}
	defer func() { _ = o.conn.Close() }()
	f, ok := o.conn.(mailbox.Filer)
	if !ok {
		return nil
	}
	out, err := d.outgoing(ctx, m, msg, "delivery.file")
	if err != nil {
		return err
	}
	r, err := call(ctx, "file", func(ctx context.Context) (mailbox.Receipt, error) { return f.File(ctx, out) })
	if err != nil || r.ID == "" {
		return err
	}
	return d.write(ctx, store.Changes{
		Tenant: m.Tenant, Lease: l,
		ProviderIDs: []store.ProviderID{{Mailbox: m.ID, Message: msg.ID, ProviderID: r.ID}},
	})
}
