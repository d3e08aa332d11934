package helpdesk

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"slices"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// intake takes mails of one mailbox in.
type intake struct {
	desk   *Desk
	m      store.Mailbox
	self   own
	hop    mailbox.Hop // whose results about senders are believed
	hash   *privacy.Hasher
	stream mailbox.Stream
	lease  *store.Lease
}

// tail is what is committed together with the last mails of a page.
type tail struct {
	cursor *store.CursorMove
}

// batchBytes bounds how much raw mail is decided on, sealed and committed at
// once, so that memory does not grow with the page.
const batchBytes = 16 << 20

// commit stores a page. Pieces of it may be committed before the rest; the
// cursor moves with the last one. Data that the store refuses are narrowed
// down to the single mail, which is quarantined.
func (in *intake) commit(ctx context.Context, page []*arrival, t tail) error {
	in.verify(ctx, page)
	err := in.commitOnce(ctx, page, t)
	if !errors.Is(err, store.ErrRejected) || errors.Is(err, ErrHook) {
		return err // what a host's hook refuses is not the mail's fault
	}
	if len(page) > 1 {
		half := len(page) / 2
		if err := in.commit(ctx, page[:half], tail{}); err != nil {
			return err
		}
		return in.commit(ctx, page[half:], t)
	}
	if len(page) == 0 || page[0].cause != "" {
		return err
	}
	in.desk.log.Warn("mail quarantined", "mailbox", in.m.ID, "message", page[0].message, "cause", causeRejected)
	page[0].cause = causeRejected
	return in.commitOnce(ctx, page, t)
}

// commitOnce decides and writes, anew when the state moved on meanwhile.
func (in *intake) commitOnce(ctx context.Context, page []*arrival, t tail) error {
	for try := range storeTries {
		p, err := in.decide(ctx, page)
		if err != nil {
			return err
		}
		if err := in.seal(ctx, p); err != nil {
			return err
		}
		p.ch.Lease = in.lease
		if t.cursor != nil {
			p.ch.Cursors = []store.CursorMove{*t.cursor}
		}
		err = in.desk.write(ctx, p.ch)
		if !errors.Is(err, store.ErrStale) || try == storeTries-1 {
			return err
		}
	}
	return store.ErrStale
}

func (in *intake) decide(ctx context.Context, page []*arrival) (*decision, error) {
	p := &decision{mailbox: in.m, stream: in.stream, rules: in.desk.cfg.Rules, now: in.desk.now().UTC()}
	if len(page) > 0 {
		err := in.desk.store.View(ctx, func(ctx context.Context, r store.Reader) error {
			return p.read(ctx, r, page)
		})
		if err != nil {
			return nil, err
		}
		closed, err := in.desk.vault.Closed(ctx, in.m.Tenant, slices.Collect(maps.Values(p.keys)))
		if err != nil {
			return nil, err
		}
		p.lay(closed)
	}
	p.decide(page)
	return p, nil
}

// seal turns the decision's content into sealed values, with all key slots in
// one call, and puts large mail where large mail goes.
func (in *intake) seal(ctx context.Context, p *decision) error {
	if len(p.messages) == 0 && len(p.held) == 0 {
		return nil
	}
	var existing, fresh []ticket.ID
	for _, u := range p.messages {
		if u.fresh {
			fresh = append(fresh, u.key)
		} else if !slices.Contains(existing, u.key) {
			existing = append(existing, u.key)
		}
	}
	existing = slices.DeleteFunc(existing, func(id ticket.ID) bool { return slices.Contains(fresh, id) })
	for _, a := range p.held {
		fresh = append(fresh, a.key)
	}
	s, err := in.desk.vault.Sealer(ctx, mailboxKeys(in.m), existing, fresh)
	if err != nil {
		return err
	}
	for i, t := range p.ch.NewTickets {
		if p.ch.NewTickets[i].Subject, err = s.Seal(t.Key, t.ID, privacy.Subject, []byte(p.subjects[t.ID])); err != nil {
			return err
		}
	}
	for _, u := range p.messages {
		if err := sealMessage(s, u.key, &u.msg, u.plain); err != nil {
			return err
		}
		if err := in.desk.putBlob(ctx, s, u.key, u.msg.Mailbox, u.msg.Tenant, u.msg.Blob, u.plain.raw); err != nil {
			return err
		}
		p.ch.Messages = append(p.ch.Messages, u.msg)
	}
	return in.sealHeld(ctx, s, p)
}

func (in *intake) sealHeld(ctx context.Context, s *privacy.Sealer, p *decision) error {
	for _, a := range p.held {
		q := store.Quarantined{
			ID: a.message, Tenant: in.m.Tenant, Mailbox: in.m.ID, ProviderID: a.item.ID,
			Cause: a.cause, State: store.Held, Key: a.key, Size: max(a.item.Size, int64(len(a.raw))),
			ReceivedAt: a.seen.ReceivedAt, Stream: in.stream, Sent: a.item.Sent, CreatedAt: p.now, Version: 1,
		}
		var err error
		if q.Ref, err = s.Seal(a.key, a.message, privacy.Addresses, []byte(a.item.Ref)); err != nil {
			return err
		}
		if len(a.raw) > blobAbove {
			q.Blob = a.message
			err = in.desk.putBlob(ctx, s, a.key, in.m.ID, in.m.Tenant, q.Blob, a.raw)
		} else {
			q.Raw, err = s.Seal(a.key, a.message, privacy.Raw, a.raw)
		}
		if err != nil {
			return err
		}
		p.ch.NewQuarantine = append(p.ch.NewQuarantine, q)
	}
	return nil
}

// putBlob seals a large raw mail into the blob store; a zero id means it is
// not large.
func (d *Desk) putBlob(ctx context.Context, s *privacy.Sealer, key, mb ticket.ID, t ticket.TenantID, id ticket.ID, raw []byte) error {
	if id.IsZero() {
		return nil
	}
	// Sealed while it is put, so that a large mail is not held twice.
	r, w := io.Pipe()
	go func() { w.CloseWithError(s.SealStream(key, id, privacy.Raw, w, bytes.NewReader(raw))) }()
	err := d.blobs.Put(ctx, store.BlobRef{Tenant: t, Mailbox: mb, ID: id}, r)
	_ = r.Close() // ends the sealing when Put gave up
	return err
}

// release takes a quarantined mail out: it becomes a message or, when the same
// mail came in by another way meanwhile, that one.
func (p *decision) release(a *arrival, known ticket.ID) {
	q := *a.held
	q.State, q.Message = store.Released, a.message
	q.Version++
	if known.IsZero() || known == q.ID {
		p.take(a)
	} else {
		q.Message = known
		p.duplicate(a, known)
	}
	a.became = q.Message
	p.ch.Quarantine = append(p.ch.Quarantine, q)
	ev := mailboxEvent(p.mailbox, ticket.MailReleased, p.now)
	ev.Message = q.Message
	p.ch.Events = append(p.ch.Events, ev)
}
