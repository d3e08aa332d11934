package helpdesk

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// sendFor is how long a reply is tried before a person is asked.
const sendFor = 72 * time.Hour

// sending is one turn of a delivery. Every step that could be doubted later is
// committed before it is taken.
type sending struct {
	desk  *Desk
	lease *store.Lease
	m     store.Mailbox
	msg   store.Message
	d     ticket.Delivery
	o     *opened
	out   mailbox.Outgoing
}

// workSend brings a delivery forward.
func (d *Desk) workSend(ctx context.Context, l *store.Lease) error {
	s := &sending{desk: d, lease: l}
	f, err := s.turn(ctx)
	return d.settle(ctx, l, err, f)
}

// turn does what the state of the delivery asks for.
func (s *sending) turn(ctx context.Context) (store.Finish, error) {
	t, id := s.lease.Task.Tenant, s.lease.Task.Subject
	err := s.desk.store.View(ctx, func(ctx context.Context, r store.Reader) (err error) {
		if s.d, err = r.Delivery(ctx, t, id); err == nil {
			s.msg, err = r.Message(ctx, t, id)
		}
		return subject(err)
	})
	if err != nil {
		return store.Finish{}, err
	}
	switch s.d.State {
	case ticket.Sent, ticket.Failed, ticket.Cancelled:
		return store.Finish{}, nil
	case ticket.Wire:
		// A worker died between announcing and recording the outcome.
		if err := s.to(ctx, ticket.Uncertain, "interrupted", nil); err != nil {
			return store.Finish{}, err
		}
		return s.lookLater(), nil
	}
	if s.d.State == ticket.Uncertain {
		if _, more := s.d.NextLook(); !more {
			return store.Finish{}, nil
		}
	}
	if s.m, err = s.desk.mailboxOf(ctx, t, s.lease.Task.Mailbox); err != nil {
		return store.Finish{}, err
	}
	if s.o, err = s.desk.open(ctx, s.m, "delivery."+string(s.d.State)); err != nil {
		return s.notSent(ctx, err)
	}
	defer func() { _ = s.o.conn.Close() }()
	if s.out, err = s.desk.outgoing(ctx, s.m, s.msg, "delivery."+string(s.d.State)); err != nil {
		if unreadable(err) && s.d.State != ticket.Uncertain {
			return store.Finish{}, s.to(ctx, ticket.Failed, "content unreadable", nil)
		}
		return store.Finish{}, err
	}
	if s.d.State == ticket.Uncertain {
		return s.look(ctx)
	}
	if _, ok := s.o.conn.(mailbox.Drafter); ok {
		return s.sendDraft(ctx)
	}
	return s.sendPlain(ctx)
}

// to commits the next state of the delivery, with more changes if there are
// any. It is fenced by the lease.
func (s *sending) to(ctx context.Context, state ticket.DeliveryState, cause string, more func(*store.Changes)) error {
	next, ev, err := s.d.To(state, cause, s.desk.now().UTC())
	if err != nil {
		return err
	}
	c := store.Changes{
		Tenant: s.d.Tenant, Lease: s.lease,
		Deliveries: []ticket.Delivery{next}, Events: []ticket.Event{ev},
	}
	if more != nil {
		more(&c)
		next = c.Deliveries[0]
	}
	if err := s.desk.write(ctx, c); err != nil {
		return err
	}
	s.d = next
	return nil
}

// sendPlain is for providers without drafts: one call, announced before.
func (s *sending) sendPlain(ctx context.Context) (store.Finish, error) {
	if err := s.to(ctx, ticket.Wire, "", nil); err != nil {
		return store.Finish{}, err
	}
	r, err := call(ctx, "send", func(ctx context.Context) (mailbox.Receipt, error) { return s.o.conn.Send(ctx, s.out) })
	return s.outcome(ctx, r, err)
}

// sendDraft is for providers where a draft is a ticket for exactly one
// sending: make it, remember it, announce, send it.
func (s *sending) sendDraft(ctx context.Context) (store.Finish, error) {
	dr, _ := s.o.conn.(mailbox.Drafter)
	if s.d.State == ticket.Queued {
		if err := s.to(ctx, ticket.Preparing, "", nil); err != nil {
			return store.Finish{}, err
		}
	}
	if s.d.State == ticket.Preparing {
		// One may be left of an attempt that was cut off.
		draft, err := call(ctx, "finddraft", func(ctx context.Context) (string, error) { return dr.FindDraft(ctx, s.out.Marker) })
		if err != nil && mailbox.KindOf(err) == mailbox.NotFound {
			draft, err = call(ctx, "draft", func(ctx context.Context) (string, error) { return dr.Draft(ctx, s.out) })
		}
		if err != nil {
			return s.notSent(ctx, err)
		}
		err = s.to(ctx, ticket.Ready, "", func(c *store.Changes) { c.Deliveries[0].Draft = draft })
		if err != nil {
			return store.Finish{}, err
		}
	}
	if err := s.to(ctx, ticket.Wire, "", nil); err != nil {
		return store.Finish{}, err
	}
	r, err := call(ctx, "senddraft", func(ctx context.Context) (mailbox.Receipt, error) { return dr.SendDraft(ctx, s.d.Draft) })
	return s.outcome(ctx, r, err)
}

// outcome records what a sending call said.
func (s *sending) outcome(ctx context.Context, r mailbox.Receipt, err error) (store.Finish, error) {
	// What happened is recorded even when the work is being stopped.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settlePatience)
	defer cancel()
	switch {
	case err == nil:
		return store.Finish{}, s.sent(ctx, r, "")
	case mailbox.Unsent(err):
		return s.notSent(ctx, err)
	}
	if err := s.to(ctx, ticket.Uncertain, "outcome unknown: "+string(mailbox.KindOf(err)), nil); err != nil {
		return store.Finish{}, err
	}
	return s.lookLater(), nil
}

// notSent puts the delivery off, or gives it up when trying again is pointless
// or has gone on for too long. It is only called when nothing was sent.
func (s *sending) notSent(ctx context.Context, cause error) (store.Finish, error) {
	kind := mailbox.KindOf(cause)
	hopeless := kind == mailbox.Permanent || kind == mailbox.TooLarge || kind == mailbox.Unsupported
	if s.d.State == ticket.Uncertain {
		return store.Finish{}, cause // nothing can be looked up now; later
	}
	if hopeless || s.late() {
		_, why := diagnose(cause)
		return store.Finish{}, s.to(ctx, ticket.Failed, why, nil)
	}
	if s.d.State == ticket.Wire {
		back := ticket.Queued
		if s.d.Draft != "" {
			back = ticket.Ready
		}
		if err := s.to(ctx, back, string(kind), nil); err != nil {
			return store.Finish{}, err
		}
	}
	return store.Finish{}, cause
}

// unreadable reports whether a mail can never be sent because it cannot be
// opened any more. Without this its delivery would wait for ever.
func unreadable(err error) bool {
	for _, e := range []error{store.ErrNotFound, privacy.ErrErased, privacy.ErrSealed, privacy.ErrNoKey, errForm} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// sent records the success, under the ids the provider gave, and asks for a
// copy among the sent mail where the provider keeps none.
func (s *sending) sent(ctx context.Context, r mailbox.Receipt, cause string) error {
	h, err := s.desk.vault.Hasher(ctx, s.d.Tenant, s.m.Identity)
	if err != nil {
		return err
	}
	if len(r.Refused) > 0 {
		cause = "some recipients refused"
	}
	facts := func(c *store.Changes) {
		if r.ID != "" {
			c.ProviderIDs = []store.ProviderID{{Mailbox: s.m.ID, Message: s.msg.ID, ProviderID: r.ID}}
		}
		hit := func(f ticket.Fingerprint, role ticket.HitRole) {
			if !f.IsZero() {
				c.Hits = append(c.Hits, store.Hit{Mailbox: s.m.ID, Ticket: s.msg.Ticket, Message: s.msg.ID, Hit: ticket.Hit{Fingerprint: f, Role: role}})
			}
		}
		hit(h.Fingerprint(privacy.DomainMessageID, r.MessageID), ticket.HitMessageID)
		hit(h.Fingerprint(privacy.DomainThread, r.Thread), ticket.HitThread)
		if s.o.caps.Files && !r.Filed {
			c.Tasks = []store.Task{s.desk.task(s.d.Tenant, s.m.ID, taskFile, s.msg.ID, 0)}
		}
	}
	err = s.to(ctx, ticket.Sent, cause, facts)
	if !errors.Is(err, store.ErrStale) {
		return err
	}
	// Somebody else moved the delivery: the copy came back by Changes, or a
	// person decided meanwhile. The proof counts all the same.
	e := s.desk.store.View(ctx, func(ctx context.Context, rd store.Reader) (err error) {
		s.d, err = rd.Delivery(ctx, s.d.Tenant, s.d.Message)
		return err
	})
	if e != nil {
		return errors.Join(e, err)
	}
	if s.d.State != ticket.Sent {
		return s.to(ctx, ticket.Sent, cause, facts)
	}
	c := store.Changes{Tenant: s.d.Tenant, Lease: s.lease}
	facts(&c)
	return s.desk.write(ctx, c)
}

// clockSkew is how far a provider's clock may be behind ours.
const clockSkew = time.Hour

// look searches for a mail whose sending is in doubt.
func (s *sending) look(ctx context.Context) (store.Finish, error) {
	if dr, ok := s.o.conn.(mailbox.Drafter); ok && s.d.Draft != "" {
		present, err := call(ctx, "draftpresent", func(ctx context.Context) (bool, error) { return dr.DraftPresent(ctx, s.d.Draft) })
		if err != nil {
			return store.Finish{}, err
		}
		if present { // proof that it was not sent
			return s.stillDraft(ctx)
		}
	}
	sought := mailbox.Sought{
		MessageID: s.out.MessageID, Marker: s.out.Marker, Draft: s.d.Draft, Since: s.d.QueuedAt.Add(-clockSkew),
	}
	r, err := call(ctx, "findsent", func(ctx context.Context) (mailbox.Receipt, error) { return s.o.conn.FindSent(ctx, sought) })
	switch {
	case err == nil:
		return store.Finish{}, s.sent(ctx, r, "found among the sent mail")
	case mailbox.KindOf(err) == mailbox.Unsupported:
		return store.Finish{}, nil // only a person can tell
	case mailbox.KindOf(err) != mailbox.NotFound:
		return store.Finish{}, err
	}
	if err := s.to(ctx, ticket.Uncertain, s.d.Cause, nil); err != nil {
		return store.Finish{}, err
	}
	return s.lookLater(), nil
}

// stillDraft takes a doubt back: the draft is sent once more, after a pause that
// grows with the attempts, or given up when that has gone on for too long.
func (s *sending) stillDraft(ctx context.Context) (store.Finish, error) {
	if s.late() {
		return store.Finish{}, s.to(ctx, ticket.Failed, "draft still there", nil)
	}
	if err := s.to(ctx, ticket.Ready, "draft still there", nil); err != nil {
		return store.Finish{}, err
	}
	return store.Finish{Again: true, After: backoff(nil, max(0, s.d.Attempt-1))}, nil
}

func (s *sending) late() bool { return s.desk.now().Sub(s.d.QueuedAt) > sendFor }

// lookLater schedules the next search, if there is one.
func (s *sending) lookLater() store.Finish {
	after, more := s.d.NextLook() // counted from the doubt
	return store.Finish{Again: more, After: max(0, s.d.Since.Add(after).Sub(s.desk.now()))}
}

// outgoing opens the frozen bytes of a message with its envelope.
func (d *Desk) outgoing(ctx context.Context, m store.Mailbox, msg store.Message, operation string) (mailbox.Outgoing, error) {
	got, err := d.vault.Open(ctx, m.Tenant, operation, []privacy.Item{
		{Object: messageObject(msg, privacy.Addresses), Sealed: msg.Addresses},
		{Object: object(m, m.ID, privacy.Addresses), Sealed: m.Address},
	})
	if err != nil {
		return mailbox.Outgoing{}, err
	}
	if err := errors.Join(got[0].Err, got[1].Err); err != nil {
		return mailbox.Outgoing{}, err
	}
	h, err := decode[head](got[0].Plain)
	if err != nil {
		return mailbox.Outgoing{}, err
	}
	self, err := decode[own](got[1].Plain)
	if err != nil {
		return mailbox.Outgoing{}, err
	}
	raw, err := d.raw(ctx, msg, operation)
	if err != nil {
		return mailbox.Outgoing{}, err
	}
	hash, err := d.vault.Hasher(ctx, m.Tenant, m.Identity)
	if err != nil {
		return mailbox.Outgoing{}, err
	}
	return mailbox.Outgoing{
		From: self.Addr, To: envelope(h), Raw: raw, MessageID: h.MessageID, Marker: hash.Token(msg.ID),
	}, nil
}

// raw opens the raw mail of a message, wherever it is kept.
func (d *Desk) raw(ctx context.Context, msg store.Message, operation string) ([]byte, error) {
	return d.openRaw(ctx, messageObject(msg, privacy.Raw), msg.Raw, msg.Blob, operation)
}

func (d *Desk) openRaw(ctx context.Context, o privacy.Object, sealed privacy.Sealed, blob ticket.ID, operation string) ([]byte, error) {
	if blob.IsZero() {
		got, err := d.vault.Open(ctx, o.Tenant, operation, []privacy.Item{{Object: o, Sealed: sealed}})
		if err != nil {
			return nil, err
		}
		return got[0].Plain, outward(got[0].Err)
	}
	src, err := d.blobs.Get(ctx, store.BlobRef{Tenant: o.Tenant, Mailbox: o.Mailbox, ID: blob})
	if err != nil {
		return nil, err
	}
	defer func() { _ = src.Close() }()
	r, err := d.vault.OpenStream(ctx, operation, o, src)
	if err != nil {
		return nil, outward(err)
	}
	var buf bytes.Buffer
	_, err = io.Copy(&buf, r)
	return buf.Bytes(), err
}
