package mailboxtest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

// SentMail is a mail that the provider accepted and delivered.
type SentMail struct {
	// From and To are the envelope without refused recipients.
	From string
	To   []string
	// Raw is the mail as it was handed over.
	Raw []byte
	// MessageID and Marker are those of the Outgoing; FinalID is the
	// Message-ID the recipients saw.
	MessageID, Marker, FinalID string
	// At is when it was accepted first.
	At time.Time
	// Copies is how often it was accepted. More than 1 is a mail that people
	// received twice.
	Copies int
}

// Sent returns the mails that were sent from a mailbox, in order of their
// first sending. The same Message-ID and marker is the same mail.
func (f *Fake) Sent(user string) []SentMail {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []SentMail
	for _, s := range f.box(user).ledger {
		c := *s
		c.To, c.Raw = slices.Clone(s.To), bytes.Clone(s.Raw)
		all = append(all, c)
	}
	return all
}

// Drafts returns the ids of the unsent drafts.
func (f *Fake) Drafts(user string) []string { return f.IDs(user, DraftsFolder) }

// Send implements mailbox.Conn.
func (c *conn) Send(ctx context.Context, o mailbox.Outgoing) (mailbox.Receipt, error) {
	if c.f.opts.Capabilities.Drafts {
		return c.sendByDraft(ctx, o)
	}
	k, err := c.begin(ctx, OpSend)
	if err != nil {
		return mailbox.Receipt{}, err
	}
	defer k.end()
	c.f.mu.Lock()
	r, err := k.accept(o, "")
	c.f.mu.Unlock()
	if err != nil {
		return mailbox.Receipt{}, err
	}
	return finish(ctx, k, r)
}

func (c *conn) sendByDraft(ctx context.Context, o mailbox.Outgoing) (mailbox.Receipt, error) {
	d := drafter{c}
	id, err := d.Draft(ctx, o)
	if err != nil {
		e := unsent(OpSend, mailbox.KindOf(err), "draft was not stored")
		e.RetryAfter, e.Err = mailbox.RetryAfter(err), err
		return mailbox.Receipt{}, e
	}
	return d.SendDraft(ctx, id)
}

// accept is the instant in which a mail is sent. The lock is held.
func (k *call) accept(o mailbox.Outgoing, draft string) (r mailbox.Receipt, err error) {
	f, b := k.c.f, k.c.box
	if limit := f.opts.MaxSize; limit > 0 && int64(len(o.Raw)) > limit {
		return r, unsent(k.op, mailbox.TooLarge, "mail above the limit")
	}
	var to []string
	for i, addr := range o.To {
		if f.refused[addr] {
			r.Refused = append(r.Refused, i)
			continue
		}
		to = append(to, addr)
	}
	if len(to) == 0 {
		return mailbox.Receipt{}, unsent(k.op, mailbox.Permanent, "no recipient accepted")
	}
	raw, finalID := bytes.Clone(o.Raw), o.MessageID
	if f.opts.RewriteMessageID {
		f.lastID++
		finalID = fmt.Sprintf("rewritten-%d@%s.invalid", f.lastID, f.opts.Name)
		raw = withMessageID(raw, finalID)
		r.MessageID = finalID
	}
	b.enter(o, to, finalID)
	if f.opts.FilesSent {
		m := f.file(b, o, raw)
		m.draftID = draft
		r.ID, r.Thread, r.Filed = m.id, m.thread, true
		f.notify(k.c.user, b)
	}
	return r, nil
}

// enter writes the ledger.
func (b *box) enter(o mailbox.Outgoing, to []string, finalID string) {
	for _, s := range b.ledger {
		same := s.MessageID == o.MessageID && s.Marker == o.Marker
		if same && (o.MessageID != "" || o.Marker != "" || bytes.Equal(s.Raw, o.Raw)) {
			s.Copies++
			return
		}
	}
	b.ledger = append(b.ledger, &SentMail{From: o.From, To: to, Raw: bytes.Clone(o.Raw),
		MessageID: o.MessageID, Marker: o.Marker, FinalID: finalID, At: time.Now(), Copies: 1})
}

// file puts a copy among the sent mail.
func (f *Fake) file(b *box, o mailbox.Outgoing, raw []byte) *letter {
	m := f.add(b, SentFolder, raw, time.Now())
	m.out = o
	m.foundAt = m.at.Add(f.opts.SentLag)
	return m
}

// FindSent implements mailbox.Conn.
func (c *conn) FindSent(ctx context.Context, s mailbox.Sought) (mailbox.Receipt, error) {
	if !c.f.opts.Capabilities.FindSent {
		return mailbox.Receipt{}, fail(OpFindSent, mailbox.Unsupported, "no way to look")
	}
	k, err := c.begin(ctx, OpFindSent)
	if err != nil {
		return mailbox.Receipt{}, err
	}
	defer k.end()
	r, err := k.findSent(s)
	if err != nil {
		return mailbox.Receipt{}, err
	}
	return finish(ctx, k, r)
}

func (k *call) findSent(s mailbox.Sought) (mailbox.Receipt, error) {
	k.c.f.mu.Lock()
	defer k.c.f.mu.Unlock()
	now := time.Now()
	for _, m := range k.c.box.letters {
		if m.folder != SentFolder || m.gone || m.foundAt.After(now) || m.at.Before(s.Since) {
			continue
		}
		if m.is(s) {
			return m.receipt(s.MessageID), nil
		}
	}
	return mailbox.Receipt{}, fail(OpFindSent, mailbox.NotFound, "not among the sent mail")
}

// is reports whether a copy is the mail sought. The marker is looked for in
// the header too, since a person's client may have filed the copy.
func (m *letter) is(s mailbox.Sought) bool {
	header, _ := split(m.raw)
	return s.MessageID != "" && s.MessageID == m.messageID ||
		s.Draft != "" && s.Draft == m.draftID ||
		s.Marker != "" && (s.Marker == m.out.Marker || bytes.Contains(header, []byte(s.Marker)))
}

// receipt states the Message-ID only if it is not the known one.
func (m *letter) receipt(known string) mailbox.Receipt {
	r := mailbox.Receipt{ID: m.id, Thread: m.thread, Filed: true}
	if m.messageID != known {
		r.MessageID = m.messageID
	}
	return r
}

// filer adds mailbox.Filer.
type filer struct{ c *conn }

// File implements mailbox.Filer.
func (d filer) File(ctx context.Context, o mailbox.Outgoing) (mailbox.Receipt, error) {
	k, err := d.c.begin(ctx, OpFile)
	if err != nil {
		return mailbox.Receipt{}, err
	}
	defer k.end()
	return finish(ctx, k, k.file(o))
}

func (k *call) file(o mailbox.Outgoing) mailbox.Receipt {
	f, b := k.c.f, k.c.box
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range b.letters {
		if m.folder == SentFolder && !m.gone && o.MessageID != "" && m.messageID == o.MessageID {
			return m.receipt(o.MessageID)
		}
	}
	m := f.file(b, o, o.Raw)
	f.notify(k.c.user, b)
	return m.receipt(o.MessageID)
}
