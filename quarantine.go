package helpdesk

import (
	"context"
	"errors"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// Quarantined is a mail that could not be taken in as it is: nothing of it is
// lost, nothing of it is shown.
type Quarantined struct {
	ID      ticket.ID
	Mailbox ticket.ID
	// Cause is a constant: "too-large", "fetch-failed", "parser-failed" or
	// "rejected".
	Cause string
	State store.QuarantineState
	// Message is what it became when it was released.
	Message    ticket.ID
	Size       int64
	ReceivedAt time.Time
	// HasRaw tells whether the mail itself is here, or would have to be
	// fetched again.
	HasRaw bool
}

// Quarantine returns quarantined mails by id after one, at most 200.
func (t *Tenant) Quarantine(ctx context.Context, after ticket.ID, limit int) ([]Quarantined, error) {
	if err := t.id.Validate(); err != nil {
		return nil, err
	}
	if limit <= 0 {
		limit = pageUsual
	}
	var rows []store.Quarantined
	err := t.desk.store.View(ctx, func(ctx context.Context, r store.Reader) (err error) {
		rows, err = r.Quarantine(ctx, t.id, after, min(limit, pageMost))
		return err
	})
	out := make([]Quarantined, 0, len(rows))
	for _, q := range rows {
		out = append(out, Quarantined{
			ID: q.ID, Mailbox: q.Mailbox, Cause: q.Cause, State: q.State, Message: q.Message,
			Size: q.Size, ReceivedAt: q.ReceivedAt, HasRaw: q.Raw != nil || !q.Blob.IsZero(),
		})
	}
	return out, err
}

// QuarantinedRaw opens a quarantined mail as it was received. It is ErrNotFound
// when the mail itself never arrived.
func (t *Tenant) QuarantinedRaw(ctx context.Context, id ticket.ID) ([]byte, error) {
	if err := t.mayRead(ctx, "quarantine.raw"); err != nil {
		return nil, err
	}
	q, err := t.quarantined(ctx, id)
	if err != nil {
		return nil, err
	}
	return t.desk.heldRaw(ctx, q, "quarantine.raw")
}

func (t *Tenant) quarantined(ctx context.Context, id ticket.ID) (q store.Quarantined, err error) {
	if err := t.id.Validate(); err != nil {
		return q, err
	}
	err = t.desk.store.View(ctx, func(ctx context.Context, r store.Reader) (err error) {
		q, err = r.Quarantined(ctx, t.id, id)
		return err
	})
	return q, err
}

func (d *Desk) heldRaw(ctx context.Context, q store.Quarantined, operation string) ([]byte, error) {
	if q.Raw == nil && q.Blob.IsZero() {
		return nil, store.ErrNotFound
	}
	o := privacy.Object{Tenant: q.Tenant, Mailbox: q.Mailbox, ID: q.ID, Class: privacy.Raw}
	return d.openRaw(ctx, o, q.Raw, q.Blob, operation)
}

// Reprocess tries again to take a quarantined mail in: it is fetched if it
// never arrived, and read with today's parser. It returns the message it
// became, or ErrState when it is still not fit, which changes nothing.
func (t *Tenant) Reprocess(ctx context.Context, id ticket.ID) (ticket.ID, error) {
	return t.takeOut(ctx, id, false)
}

// Release takes a quarantined mail in whatever the parser says: as the mail it
// is or, where it cannot be read, as its raw text. It returns the message.
func (t *Tenant) Release(ctx context.Context, id ticket.ID) (ticket.ID, error) {
	return t.takeOut(ctx, id, true)
}

func (t *Tenant) takeOut(ctx context.Context, id ticket.ID, force bool) (ticket.ID, error) {
	if err := t.mayRead(ctx, "quarantine.release"); err != nil {
		return ticket.ID{}, err
	}
	for range storeTries {
		msg, err := t.takeOutOnce(ctx, id, force)
		if !isStale(err) {
			return msg, err
		}
	}
	return ticket.ID{}, store.ErrStale
}

func (t *Tenant) takeOutOnce(ctx context.Context, id ticket.ID, force bool) (ticket.ID, error) {
	q, err := t.quarantined(ctx, id)
	if err != nil {
		return ticket.ID{}, err
	}
	if q.State != store.Held {
		return q.Message, ErrState
	}
	m, err := t.desk.mailboxOf(ctx, t.id, q.Mailbox)
	if err != nil {
		return ticket.ID{}, err
	}
	in, raw, err := t.desk.refetch(ctx, m, q)
	if err != nil {
		return ticket.ID{}, err
	}
	it := mailbox.Item{ID: q.ProviderID, Size: q.Size, ReceivedAt: q.ReceivedAt, Sent: q.Sent}
	a := in.arrived(it, raw)
	a.held = &q
	a.seen.ProviderID = ticket.LocalProviderID(a.message) // its own is that of the record
	if a.cause != "" {
		if !force {
			return ticket.ID{}, ErrState
		}
		a.mail, a.cause = stub(raw.Bytes), ""
	} else if force && q.Cause == causeRejected {
		a.mail = stub(raw.Bytes)
	}
	in.verify(ctx, []*arrival{a})
	err = in.commitOnce(ctx, []*arrival{a}, tail{})
	switch {
	case err == nil:
		return a.became, nil
	case errors.Is(err, store.ErrRejected) && !errors.Is(err, ErrHook):
		return ticket.ID{}, ErrState // the store still refuses its data
	default:
		return ticket.ID{}, err
	}
}

// refetch gets a quarantined mail from the store or, if it never arrived, from
// the provider. This is the library's own work for the person who asked, whose
// access was logged when he was authorised.
func (d *Desk) refetch(ctx context.Context, m store.Mailbox, q store.Quarantined) (*intake, mailbox.Raw, error) {
	in := &intake{desk: d, m: m, stream: q.Stream}
	var err error
	if in.hash, err = d.vault.Hasher(ctx, m.Tenant, m.Identity); err != nil {
		return nil, mailbox.Raw{}, outward(err)
	}
	// Whatever follows, this is where the person is authorised and logged.
	got, err := d.vault.Open(ctx, m.Tenant, "quarantine.release", []privacy.Item{
		{Object: object(m, m.ID, privacy.Addresses), Sealed: m.Address},
		{Object: privacy.Object{Tenant: q.Tenant, Mailbox: q.Mailbox, ID: q.ID, Class: privacy.Raw}},
		{Object: privacy.Object{Tenant: q.Tenant, Mailbox: q.Mailbox, ID: q.ID, Class: privacy.Addresses}, Sealed: q.Ref},
	})
	if err != nil {
		return nil, mailbox.Raw{}, err
	}
	if err := errors.Join(got[0].Err, got[2].Err); err != nil {
		return nil, mailbox.Raw{}, outward(err)
	}
	if in.self, err = decode[own](got[0].Plain); err != nil {
		return nil, mailbox.Raw{}, err
	}
	if q.Raw != nil || !q.Blob.IsZero() {
		// Whom the mailbox believes about senders is the engine's to know.
		got, err := d.vault.Open(engineContext(ctx), m.Tenant, "quarantine.settings", []privacy.Item{
			{Object: object(m, m.Identity, privacy.Credentials), Sealed: m.Settings},
		})
		if err == nil {
			err = got[0].Err
		}
		if err != nil {
			return nil, mailbox.Raw{}, outward(err)
		}
		set, err := decode[settings](got[0].Plain)
		if err != nil {
			return nil, mailbox.Raw{}, err
		}
		in.hop = set.Hop
		raw, err := d.heldRaw(ctx, q, "quarantine.release")
		return in, mailbox.Raw{Bytes: raw}, err
	}
	o, err := d.open(engineContext(ctx), m, "quarantine.fetch")
	if err != nil {
		return nil, mailbox.Raw{}, err
	}
	defer func() { _ = o.conn.Close() }()
	it := mailbox.Item{ID: q.ProviderID, Ref: string(got[2].Plain), Size: q.Size}
	raw, err := call(ctx, "fetch", func(ctx context.Context) (mailbox.Raw, error) { return o.conn.Fetch(ctx, it, d.cfg.MaxMail) })
	in.hop = o.set.Hop
	return in, raw, err
}
