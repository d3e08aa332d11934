package helpdesk

import (
	"context"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/helpdesk-go/helpdesk/mailbox/rfc822"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// outgoing is a mail to be made.
type outgoing struct {
	id          ticket.ID // chosen beforehand, or zero
	to, cc, bcc []Address
	subject     string
	text, html  string
	files       []File
	answers     head
}

// recipientsMost bounds an automatic choice of recipients: a Reply-To with
// fifty addresses is not an answer to a person.
const recipientsMost = 10

// clean checks every address with the one parser and leaves out our own.
func clean(list []Address, self own) ([]Address, error) {
	var out []Address
	for _, a := range list {
		p, err := rfc822.ParseAddress(a.Addr)
		if err != nil {
			return nil, err
		}
		same := func(x Address) bool { return strings.EqualFold(x.Addr, p.Addr) }
		if !self.is(p.Addr) && !slices.ContainsFunc(out, same) {
			out = append(out, Address{Name: a.Name, Addr: p.Addr})
		}
	}
	return out, nil
}

func envelope(h head) []string {
	var out []string
	for _, a := range slices.Concat(h.To, h.Cc, h.Bcc) {
		if !slices.Contains(out, a.Addr) {
			out = append(out, a.Addr)
		}
	}
	return out
}

// mail builds, seals and prepares an outgoing mail.
func (c *composing) mail(ctx context.Context, self own, o outgoing, rules ticket.Rules, fresh bool) (*Prepared, error) {
	var err error
	for _, list := range []*[]Address{&o.to, &o.cc, &o.bcc} {
		if *list, err = clean(*list, self); err != nil {
			return nil, err
		}
	}
	if len(o.to) == 0 {
		return nil, ErrNoRecipient
	}
	var existing, made []ticket.ID
	if fresh {
		made = []ticket.ID{c.tick.Key}
	} else {
		existing = []ticket.ID{c.tick.Key}
	}
	s, err := c.t.desk.vault.Sealer(ctx, mailboxKeys(c.m), existing, made)
	if err != nil {
		return nil, err
	}
	id := orNew(o.id, c.now)
	content, err := c.build(s, id, self, o)
	if err != nil {
		return nil, err
	}
	if int64(len(content.raw)) > c.t.desk.cfg.MaxMail {
		return nil, ErrTooLarge
	}
	return c.prepare(ctx, s, id, content, rules, fresh)
}

// build makes the bytes that will be sent, once and for all.
func (c *composing) build(s *privacy.Sealer, id ticket.ID, self own, o outgoing) (plain, error) {
	token := s.Hasher().Token(id)
	_, domain, _ := strings.Cut(self.Addr, "@")
	h := head{MessageID: token + "@" + domain, From: []Address{{Name: self.Name, Addr: self.Addr}}, To: o.to, Cc: o.cc, Bcc: o.bcc, Date: c.now}
	if o.answers.MessageID != "" {
		h.InReplyTo = []string{o.answers.MessageID}
		h.References = append(slices.Clone(o.answers.References), o.answers.InReplyTo...)
		h.References = append(h.References, o.answers.MessageID)
	}
	out := rfc822.Outgoing{
		MessageID: h.MessageID, From: h.From[0], To: o.to, Cc: o.cc, Subject: o.subject,
		References: h.References, InReplyTo: o.answers.MessageID, Date: c.now, Text: o.text, HTML: o.html, Marker: token,
	}
	if c.automatic {
		out.AutoSubmitted = "auto-replied"
	}
	for _, f := range o.files {
		out.Attachments = append(out.Attachments, rfc822.File{Name: f.Name, Type: f.Type, Content: f.Content})
	}
	raw, err := rfc822.Build(out)
	if err != nil {
		return plain{}, err
	}
	// What is shown is what was sent: the same parser reads it.
	parsed := rfc822.Parse(raw)
	c.base = parsed.BaseSubject
	p := understood(parsed, raw)
	h.Defects = p.head.Defects
	p.head = h
	return p, nil
}

// prepare seals the mail and decides what the ticket becomes.
func (c *composing) prepare(ctx context.Context, s *privacy.Sealer, id ticket.ID, content plain, rules ticket.Rules, fresh bool) (*Prepared, error) {
	d := c.t.desk
	who, err := c.contacts(ctx, s.Hasher(), content.head)
	if err != nil {
		return nil, err
	}
	kind := ticket.KindPerson
	if c.automatic {
		kind = ticket.KindAutoReply
		if err := c.brake(ctx, who, content.head); err != nil {
			return nil, err
		}
	}
	msg := ticket.Message{
		ID: id, Direction: ticket.Out, Kind: kind, By: c.by, Contact: who.first,
		Attachments: len(content.files), CreatedAt: c.now,
		Provenance: ticket.Provenance{Source: ticket.SourceHost, ProviderID: ticket.LocalProviderID(id), Parser: parserVersion, ReceivedAt: c.now},
	}
	if fresh {
		c.tick.Contact, c.tick.Title = who.first, titlePrint(s.Hasher(), c.base)
	}
	was := c.tick.Version
	next, msg, events := c.tick.Add(msg, c.by, rules, c.now)
	row := store.Message{Message: msg}
	if err := sealMessage(s, c.tick.Key, &row, content); err != nil {
		return nil, err
	}
	if err := d.putBlob(ctx, s, c.tick.Key, c.m.ID, c.m.Tenant, row.Blob, content.raw); err != nil {
		return nil, err
	}
	del := ticket.Queue(msg, c.now)
	ch := store.Changes{
		Tenant: c.t.id, Messages: []store.Message{row}, NewDeliveries: []ticket.Delivery{del}, Events: events,
		Contacts: who.made, Members: who.members(next.ID),
		Tasks: []store.Task{d.task(c.t.id, c.m.ID, taskSend, id, 0)},
	}
	c.recognise(&ch, s.Hasher(), next.ID, id, content)
	if fresh {
		for _, hit := range subjectHits(ticket.Inbound{BaseSubject: c.base, To: content.head.To, Cc: content.head.Cc}, true, s.Hasher()) {
			ch.Hits = append(ch.Hits, store.Hit{Mailbox: c.m.ID, Ticket: next.ID, Message: id, Hit: hit})
		}
		subject, err := s.Seal(c.tick.Key, next.ID, privacy.Subject, []byte(content.subject))
		if err != nil {
			return nil, err
		}
		ch.NewTickets = []store.Ticket{{Ticket: next, Key: c.tick.Key, Subject: subject}}
	} else {
		ch.Tickets = []store.TicketUpdate{{Ticket: next, Was: was}}
	}
	return &Prepared{Ticket: next.ID, Message: id, tenant: c.t.id, made: c.now, changes: ch}, nil
}

// recognise records under what the mail will be known when it comes back:
// answers to it, and copies of it.
func (c *composing) recognise(ch *store.Changes, h *privacy.Hasher, t, id ticket.ID, content plain) {
	mid := h.Fingerprint(privacy.DomainMessageID, content.head.MessageID)
	ch.Hits = append(ch.Hits, store.Hit{Mailbox: c.m.ID, Ticket: t, Message: id, Hit: ticket.Hit{Fingerprint: mid, Role: ticket.HitMessageID}})
	sum := rfc822.ContentFingerprint(content.raw)
	ch.Seen = append(ch.Seen, store.Seen{
		Mailbox: c.m.ID, ProviderID: ticket.LocalProviderID(id), Object: id, ReceivedAt: c.now,
		MessageID: mid, Content: h.Fingerprint(privacy.DomainContent, hex.EncodeToString(sum[:])),
	})
}

// recipients are the contacts a mail goes to.
type recipients struct {
	mailbox ticket.ID
	addrs   []ticket.Fingerprint
	domains []ticket.Fingerprint
	ids     map[ticket.Fingerprint]ticket.ID
	made    []store.Contact
	first   ticket.ID
}

// contacts finds or makes the contacts of the recipients.
func (c *composing) contacts(ctx context.Context, h *privacy.Hasher, hd head) (recipients, error) {
	r := recipients{mailbox: c.m.ID}
	for _, a := range envelope(hd) {
		r.addrs = append(r.addrs, addressPrint(h, a))
		r.domains = append(r.domains, domainPrint(h, a))
	}
	err := c.t.desk.store.View(ctx, func(ctx context.Context, rd store.Reader) (err error) {
		r.ids, err = rd.Contacts(ctx, c.t.id, c.m.ID, r.addrs)
		return err
	})
	if err != nil {
		return r, err
	}
	for i, f := range r.addrs {
		if _, ok := r.ids[f]; !ok {
			r.ids[f] = ticket.NewID(c.now)
			r.made = append(r.made, store.Contact{Mailbox: c.m.ID, Address: f, ID: r.ids[f]})
		}
		if i == 0 {
			r.first = r.ids[f]
		}
	}
	return r, nil
}

// members puts those an agent writes to on the ticket.
func (r recipients) members(t ticket.ID) []store.Member {
	var out []store.Member
	for i, f := range r.addrs {
		out = append(out, store.Member{Mailbox: r.mailbox, Ticket: t, Member: ticket.Member{Address: f, Domain: r.domains[i], Contact: r.ids[f]}})
	}
	return out
}
