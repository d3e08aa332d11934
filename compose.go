package helpdesk

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox/rfc822"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// Address is a name and an addr-spec.
type Address = ticket.Address

// File is a file to send along.
type File struct {
	Name    string
	Type    string // media type; empty is application/octet-stream
	Content []byte
}

// Reply is an answer to the contact of a ticket.
type Reply struct {
	// ID names the message beforehand, so that a reply that is written again,
	// after a lost answer or a second click, is the one that was written
	// first. Make it with Desk.NewID; the zero ID makes one.
	ID ticket.ID
	// Text is the plain text. HTML is optional; without it one is made.
	Text, HTML string
	// To replaces the recipient, which is whoever wrote last and is on the
	// ticket. Cc and Bcc add to it; nobody is copied by himself.
	To, Cc, Bcc []Address
	Files       []File
	// Status is where the reply leaves the ticket; empty means Rules.
	Status ticket.Status
	// Automatic marks a reply that no person wrote, such as an
	// acknowledgement (RFC 3834). It leaves the ticket's status alone and is
	// refused with ErrBrake where it could start or feed a loop of machines.
	Automatic bool
}

// Note is an internal remark on a ticket. It is never sent.
type Note struct {
	// ID names the note beforehand, like Reply.ID.
	ID   ticket.ID
	Text string
}

// NewTicket is a mail that an agent writes first.
type NewTicket struct {
	// ID names the message beforehand, like Reply.ID.
	ID          ticket.ID
	Mailbox     ticket.ID
	To, Cc, Bcc []Address
	Subject     string
	Text, HTML  string
	Files       []File
}

// Prepared is a reply, note or new ticket with everything done that needs
// plaintext, keys or the network: what is left is to insert it, in a
// transaction of the library or of the host.
type Prepared struct {
	// Ticket and Message are the ids it will have.
	Ticket, Message ticket.ID

	tenant  ticket.TenantID
	made    time.Time
	changes store.Changes
}

// composing is what a prepared message is made of.
type composing struct {
	t    *Tenant
	by   ticket.Actor
	now  time.Time
	m    store.Mailbox
	tick store.Ticket
	last *store.Message // what a reply answers, or nil
	// newest is the ticket's newest message where that came in, or nil: a
	// machine answers nothing over the head of a bounce or of somebody new.
	newest *store.Message

	automatic bool
	base      string // base subject of the mail
}

// Compose prepares a reply. It opens the addresses and the subject it answers,
// which is logged, seals the mail with its Message-ID and writes nothing but
// key slots and blobs. Insert it with [Tx.Reply].
func (t *Tenant) Compose(ctx context.Context, id ticket.ID, r Reply) (*Prepared, error) {
	if strings.TrimSpace(r.Text) == "" && strings.TrimSpace(r.HTML) == "" {
		return nil, ErrEmpty
	}
	c, err := t.composing(ctx, id, r.Automatic)
	if err != nil {
		return nil, err
	}
	basis, err := c.basis(ctx)
	if err != nil {
		return nil, err
	}
	o := outgoing{
		id: r.ID, to: r.To, cc: r.Cc, bcc: r.Bcc, text: r.Text, html: r.HTML, files: r.Files,
		subject: rfc822.ReplySubject(basis.subject), answers: basis.answers,
	}
	if len(o.to) == 0 {
		o.to = basis.to[:min(len(basis.to), recipientsMost)]
	}
	rules := t.desk.cfg.Rules
	if r.Status != "" {
		if !r.Status.Valid() {
			return nil, ErrState
		}
		rules.AfterReply = r.Status
	}
	if c.automatic {
		if c.last == nil || !ticket.Answerable(c.last.Message) || c.newest != nil && !ticket.Answerable(c.newest.Message) {
			return nil, braked(ticket.BrakeKind)
		}
		o.to = o.to[:min(len(o.to), 1)] // a Reply-To does not spread what a machine writes
	}
	return c.mail(ctx, basis.self, o, rules, false)
}

// ComposeNote prepares a note.
func (t *Tenant) ComposeNote(ctx context.Context, id ticket.ID, n Note) (*Prepared, error) {
	if strings.TrimSpace(n.Text) == "" {
		return nil, ErrEmpty
	}
	c, err := t.composing(ctx, id, false)
	if err != nil {
		return nil, err
	}
	msg := ticket.Message{
		ID: orNew(n.ID, c.now), Direction: ticket.Note, Kind: ticket.KindPerson, By: c.by, CreatedAt: c.now,
		Provenance: ticket.Provenance{Source: ticket.SourceHost, ReceivedAt: c.now},
	}
	msg.Provenance.ProviderID = ticket.LocalProviderID(msg.ID)
	was := c.tick.Version
	next, msg, events := c.tick.Add(msg, c.by, t.desk.cfg.Rules, c.now)
	s, err := t.desk.vault.Sealer(ctx, mailboxKeys(c.m), []ticket.ID{c.tick.Key}, nil)
	if err != nil {
		return nil, err
	}
	row := store.Message{Message: msg}
	if err := sealMessage(s, c.tick.Key, &row, plain{text: n.Text, note: true}); err != nil {
		return nil, err
	}
	return &Prepared{Ticket: id, Message: msg.ID, tenant: t.id, made: c.now, changes: store.Changes{
		Tenant: t.id, Tickets: []store.TicketUpdate{{Ticket: next, Was: was}},
		Messages: []store.Message{row}, Events: events,
	}}, nil
}

// ComposeTicket prepares a mail that starts a ticket.
func (t *Tenant) ComposeTicket(ctx context.Context, n NewTicket) (*Prepared, error) {
	if strings.TrimSpace(n.Text) == "" && strings.TrimSpace(n.HTML) == "" {
		return nil, ErrEmpty
	}
	if err := t.mayRead(ctx, "ticket.start"); err != nil {
		return nil, err
	}
	by, err := actor(ctx)
	if err != nil {
		return nil, err
	}
	c := &composing{t: t, by: by, now: t.desk.now().UTC()}
	if c.m, err = t.desk.mailboxOf(ctx, t.id, n.Mailbox); err != nil {
		return nil, err
	}
	got, err := t.desk.vault.Open(ctx, t.id, "ticket.start", []privacy.Item{
		{Object: object(c.m, c.m.ID, privacy.Addresses), Sealed: c.m.Address},
	})
	if err != nil {
		return nil, err
	}
	if got[0].Err != nil {
		return nil, got[0].Err
	}
	self, err := decode[own](got[0].Plain)
	if err != nil {
		return nil, err
	}
	tick, ev := ticket.Start(ticket.Opening{
		ID: ticket.NewID(c.now), Tenant: t.id, Mailbox: c.m.ID, Origin: ticket.FromAgent,
	}, by, c.now)
	c.tick = store.Ticket{Ticket: tick, Key: ticket.NewID(c.now)}
	o := outgoing{id: n.ID, to: n.To, cc: n.Cc, bcc: n.Bcc, subject: n.Subject, text: n.Text, html: n.HTML, files: n.Files}
	p, err := c.mail(ctx, self, o, t.desk.cfg.Rules, true)
	if err == nil {
		p.changes.Events = slices.Insert(p.changes.Events, 0, ev)
	}
	return p, err
}

// composing reads what a message on a ticket is made of.
func (t *Tenant) composing(ctx context.Context, id ticket.ID, automatic bool) (*composing, error) {
	if err := t.mayRead(ctx, "ticket.reply"); err != nil {
		return nil, err
	}
	by, err := actor(ctx)
	if err != nil {
		return nil, err
	}
	c := &composing{t: t, by: by, now: t.desk.now().UTC(), automatic: automatic}
	err = t.desk.store.View(ctx, func(ctx context.Context, r store.Reader) (err error) {
		if c.tick, err = r.Ticket(ctx, t.id, id); err != nil {
			return err
		}
		if c.m, err = r.Mailbox(ctx, t.id, c.tick.Mailbox); err != nil {
			return err
		}
		if c.tick.Answers.IsZero() {
			return nil
		}
		if c.automatic {
			if err := c.readNewest(ctx, r); err != nil {
				return err
			}
		}
		m, err := r.Message(ctx, t.id, c.tick.Answers)
		c.last = &m
		return err
	})
	if err == nil && c.m.State != store.MailboxConnected {
		err = store.ErrFenced
	}
	return c, err
}

// readNewest reads the newest message of the ticket.
func (c *composing) readNewest(ctx context.Context, r store.Reader) error {
	ms, err := r.Messages(ctx, store.MessageQuery{Tenant: c.t.id, Ticket: c.tick.ID, After: c.tick.Seq - 1, Limit: 1})
	if err == nil && len(ms) > 0 && ms[0].Direction == ticket.In {
		c.newest = &ms[0]
	}
	return err
}

// actor is who the context says acts.
func actor(ctx context.Context) (ticket.Actor, error) {
	who, _, err := privacy.From(ctx)
	switch {
	case err != nil:
		return ticket.Actor{}, err
	case who.Kind == privacy.AgentPrincipal:
		return ticket.ByAgent(ticket.AgentID(who.ID)), nil
	default:
		return ticket.BySystem(), nil
	}
}

// basis is what a reply goes by.
type basis struct {
	self    own
	subject string
	to      []Address
	answers head
}

func (c *composing) basis(ctx context.Context) (basis, error) {
	items := []privacy.Item{
		{Object: object(c.m, c.m.ID, privacy.Addresses), Sealed: c.m.Address},
		{Object: object(c.m, c.tick.ID, privacy.Subject), Sealed: c.tick.Subject},
	}
	m := c.last
	if m != nil {
		items = append(items, privacy.Item{Object: messageObject(*m, privacy.Addresses), Sealed: m.Addresses})
	}
	got, err := c.t.desk.vault.Open(ctx, c.t.id, "ticket.reply", items)
	if err != nil {
		return basis{}, err
	}
	for _, g := range got {
		if g.Err != nil {
			return basis{}, g.Err
		}
	}
	b := basis{subject: string(got[1].Plain)}
	if b.self, err = decode[own](got[0].Plain); err != nil || m == nil {
		return b, err
	}
	if b.answers, err = decode[head](got[2].Plain); err != nil {
		return b, err
	}
	if m.Direction == ticket.Out {
		b.to = b.answers.To
		return b, nil
	}
	b.to, err = c.replyTo(ctx, b)
	return b, err
}

// replyTo is whom the mail that is answered asks to write to. Where nobody
// vouches for the sender of a mail that joined by what he quotes, that is
// nobody but who is on the ticket: a name and an id are easily borrowed.
func (c *composing) replyTo(ctx context.Context, b basis) ([]Address, error) {
	to, err := clean(b.answers.ReplyTo, b.self)
	if err != nil || len(to) == 0 {
		return b.answers.From, nil // unreadable, or we ourselves: it asks for nothing
	}
	if rung := c.last.Match.Rung; rung == "" || rung == ticket.RungNone || verdict(b.answers.Auth) == ticket.VerdictPass {
		return to, nil
	}
	h, err := c.t.desk.vault.Hasher(ctx, c.t.id, c.m.Identity)
	if err != nil {
		return nil, err
	}
	var members []ticket.Member
	err = c.t.desk.store.View(ctx, func(ctx context.Context, r store.Reader) (err error) {
		members, err = r.Members(ctx, c.t.id, c.tick.ID)
		return err
	})
	to = slices.DeleteFunc(to, func(a Address) bool {
		f := addressPrint(h, a.Addr)
		return !slices.ContainsFunc(members, func(m ticket.Member) bool { return m.Address == f && !m.Pending })
	})
	if len(to) == 0 {
		to = b.answers.From
	}
	return to, err
}

// orNew returns the id that was chosen beforehand, or a new one.
func orNew(id ticket.ID, now time.Time) ticket.ID {
	if id.IsZero() {
		return ticket.NewID(now)
	}
	return id
}

// isStale reports whether deciding again may help.
func isStale(err error) bool { return errors.Is(err, store.ErrStale) }
