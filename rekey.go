package helpdesk

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/helpdesk-go/helpdesk/mailbox/rfc822"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// erased stands where an erased person's address stood.
const erased = "[erased]"

// rekey takes a contact out of a ticket: his messages go, and what the others
// wrote is sealed anew under a new key, without his addresses and names in the
// header, without the mails it quotes, without HTML and raw mail, which repeat
// them.
func (d *Desk) rekey(ctx context.Context, tenant ticket.TenantID, id, contact ticket.ID) error {
	for range storeTries {
		err := d.rekeyOnce(ctx, tenant, id, contact)
		if !errors.Is(err, store.ErrStale) {
			return err
		}
	}
	return store.ErrStale
}

// survivors is a ticket with what is read of it.
type survivors struct {
	box  store.Mailbox
	row  store.Ticket
	msgs []store.Message
	conv Conversation
}

func (d *Desk) rekeyOnce(ctx context.Context, tenant ticket.TenantID, id, contact ticket.ID) error {
	s, err := d.survivors(ctx, tenant, id)
	if err != nil {
		return err
	}
	key := ticket.NewID(d.now())
	sealer, err := d.vault.Sealer(ctx, mailboxKeys(s.box), nil, []ticket.ID{key})
	if err != nil {
		return err
	}
	out := redactor{contact: contact, hasher: sealer.Hasher()}
	if err := d.learn(ctx, s, &out); err != nil {
		return err
	}
	again := store.Resealed{Ticket: s.row, Was: s.row.Version}
	again.Ticket.Key = key
	subject := s.conv.Ticket.Subject
	var gone []ticket.ID
	for i, m := range s.msgs {
		if m.Contact == contact && m.Direction == ticket.In {
			if gone = append(gone, m.ID); m.Seq == 1 {
				subject = erased // it was his
			}
			continue
		}
		n := m
		n.Subject, n.Addresses, n.Body, n.HTML, n.Files, n.Raw = nil, nil, nil, nil, nil, nil
		n.Blob, n.RawSize, n.Attachments = ticket.ID{}, 0, 0
		p := out.redact(s.conv.Messages[i], m.Direction == ticket.Note)
		if err := sealMessage(sealer, key, &n, p); err != nil {
			return err
		}
		n.Raw, n.RawSize = nil, 0
		again.Messages = append(again.Messages, n)
	}
	if again.Ticket.Subject, err = sealer.Seal(key, s.row.ID, privacy.Subject, []byte(out.clean(subject))); err != nil {
		return err
	}
	err = d.store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		if len(gone) > 0 {
			e := store.Erase{Tenant: tenant, Messages: gone, Limit: conversationMost * len(gone)}
			if _, err := tx.Erase(ctx, e); err != nil {
				return err
			}
		}
		return tx.Apply(ctx, store.Changes{Tenant: tenant, Resealed: []store.Resealed{again}})
	})
	if err != nil {
		return err
	}
	return d.dropBlobs(ctx, s.msgs)
}

// survivors reads a whole ticket.
func (d *Desk) survivors(ctx context.Context, tenant ticket.TenantID, id ticket.ID) (s survivors, err error) {
	err = d.store.View(ctx, func(ctx context.Context, r store.Reader) (err error) {
		s = survivors{}
		if s.row, err = r.Ticket(ctx, tenant, id); err != nil {
			return err
		}
		if s.box, err = r.Mailbox(ctx, tenant, s.row.Mailbox); err != nil {
			return err
		}
		var after int64
		for {
			page, err := r.Messages(ctx, store.MessageQuery{Tenant: tenant, Ticket: id, After: after, Limit: conversationMost})
			if s.msgs = append(s.msgs, page...); err != nil || len(page) < conversationMost {
				return err
			}
			after = page[len(page)-1].Seq
		}
	})
	if err != nil {
		return s, err
	}
	t := d.Tenant(tenant)
	s.conv, err = t.openConversation(privacy.As(ctx, privacy.System("erasure"), privacy.SubjectRights), s.row, s.msgs)
	for _, m := range s.conv.Messages {
		if m.Unreadable != nil {
			return s, m.Unreadable
		}
	}
	return s, err
}

// learn finds out under which addresses and names the contact is on a ticket.
func (d *Desk) learn(ctx context.Context, s survivors, out *redactor) error {
	prints := map[ticket.Fingerprint]string{}
	names := map[string][]string{}
	for _, m := range s.conv.Messages {
		for _, a := range slices.Concat(m.From, m.ReplyTo, m.To, m.Cc) {
			prints[out.hasher.Fingerprint(privacy.DomainAddress, a.Addr)] = a.Addr
			names[a.Addr] = append(names[a.Addr], a.Name)
		}
	}
	var asked []ticket.Fingerprint
	for f := range prints {
		asked = append(asked, f)
	}
	return d.store.View(ctx, func(ctx context.Context, r store.Reader) error {
		known, err := r.Contacts(ctx, s.row.Tenant, s.row.Mailbox, asked)
		out.addrs, out.names = map[string]bool{}, nil
		for f, who := range known {
			if who == out.contact {
				out.addrs[prints[f]] = true
				out.names = append(out.names, names[prints[f]]...)
			}
		}
		return err
	})
}

// redactor takes one person out of what others wrote.
type redactor struct {
	contact ticket.ID
	hasher  *privacy.Hasher
	addrs   map[string]bool
	names   []string
}

// redact returns the content of a message that is kept.
func (r *redactor) redact(m Message, note bool) plain {
	text := m.Text
	if !note {
		in := ticket.Inbound{Subject: m.Subject, Text: m.Text}
		rfc822.Trim(&in)
		text = in.Reply
	}
	p := plain{subject: r.clean(m.Subject), text: r.clean(text), note: note}
	p.head = head{
		MessageID: m.MessageID, Date: m.Date, KindEvidence: m.KindEvidence,
		From: r.others(m.From), ReplyTo: r.others(m.ReplyTo), To: r.others(m.To), Cc: r.others(m.Cc),
	}
	return p
}

// others are addresses without the person's.
func (r *redactor) others(in []Address) (out []Address) {
	for _, a := range in {
		if !r.addrs[a.Addr] {
			out = append(out, a)
		}
	}
	return out
}

// clean replaces the person's addresses and names, whatever their case.
func (r *redactor) clean(s string) string {
	for a := range r.addrs {
		s = replaceFold(s, a)
	}
	for _, n := range r.names {
		if len(n) >= 3 { // shorter ones are parts of words
			s = replaceFold(s, n)
		}
	}
	return s
}

func replaceFold(s, what string) string {
	if what == "" {
		return s
	}
	var out strings.Builder
	lower, needle := strings.ToLower(s), strings.ToLower(what)
	if len(lower) != len(s) { // case changed lengths: places do not match
		return strings.ReplaceAll(s, what, erased)
	}
	for {
		i := strings.Index(lower, needle)
		if i < 0 {
			return out.String() + s
		}
		out.WriteString(s[:i] + erased)
		s, lower = s[i+len(needle):], lower[i+len(needle):]
	}
}

// dropBlobs removes the raw mail of messages that no row names any more. What
// a crash leaves is swept.
func (d *Desk) dropBlobs(ctx context.Context, msgs []store.Message) error {
	var refs []store.BlobRef
	for _, m := range msgs {
		if !m.Blob.IsZero() {
			refs = append(refs, store.BlobRef{Tenant: m.Tenant, Mailbox: m.Mailbox, ID: m.Blob})
		}
	}
	return d.blobs.Delete(ctx, refs)
}
