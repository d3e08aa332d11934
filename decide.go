package helpdesk

import (
	"slices"
	"strings"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// decision is what becomes of a page of arrivals, before it is sealed.
type decision struct {
	mailbox store.Mailbox
	stream  mailbox.Stream
	rules   ticket.Rules
	now     time.Time

	known      []store.Seen
	ours       []ticket.ID // of each mail, the message of ours it is a copy of
	deliveries map[ticket.ID]ticket.Delivery
	sentAs     map[ticket.Fingerprint]ticket.ID // messages of ours by the Message-ID they went out with
	contacts   map[ticket.Fingerprint]ticket.ID
	keys       map[ticket.ID]ticket.ID
	prints     []ticket.Fingerprint // candidates were looked up by
	cands      []ticket.Candidate
	board      ticket.Board

	was      map[ticket.ID]int64 // tickets that exist, with the version read
	touched  []ticket.ID
	subjects map[ticket.ID]string // of tickets made on this page
	messages []unsealed
	held     []*arrival
	ch       store.Changes
}

// unsealed is a message whose content is still plain.
type unsealed struct {
	msg   store.Message
	key   ticket.ID
	fresh bool // the key is new
	plain plain
}

// decide goes through the page in the provider's order. It does no I/O.
func (p *decision) decide(page []*arrival) {
	p.ch = store.Changes{Tenant: p.mailbox.Tenant}
	p.subjects = map[ticket.ID]string{}
	here := map[string]bool{}       // provider ids on this page
	twin := map[copyKey]ticket.ID{} // copies on this page
	for i, a := range page {
		known := p.known[i]
		if a.cause == causeStranger {
			a.cause = "" // of an attempt whose state moved on
		}
		switch {
		case a.held != nil:
			p.release(a, known.Object)
		case here[a.seen.ProviderID] || !known.Object.IsZero() && known.ProviderID == a.seen.ProviderID:
			continue
		case !known.Object.IsZero():
			p.duplicate(a, known.Object)
		case !twin[copyOf(a)].IsZero():
			p.duplicate(a, twin[copyOf(a)])
		case !p.ours[i].IsZero():
			p.duplicate(a, p.ours[i])
		case a.cause != "":
			p.quarantine(a)
		default:
			p.take(a)
			twin[copyOf(a)] = a.message
		}
		here[a.seen.ProviderID] = true
	}
	p.collectTickets()
	p.premise(page)
}

// copyKey is what makes two mails of a page copies of one mail.
type copyKey struct {
	id, content ticket.Fingerprint
	at          time.Time
}

func copyOf(a *arrival) copyKey {
	k := copyKey{id: a.seen.MessageID, content: a.seen.Content}
	if k.id.IsZero() {
		k.at = a.seen.ReceivedAt
	}
	if k.content.IsZero() {
		k.content = ticket.Fingerprint(append([]byte{0}, a.message[:]...)) // not fetched: nobody's twin
	}
	return k
}

// duplicate notes one more provider id of a known mail. A copy of our own mail
// proves that it was sent.
func (p *decision) duplicate(a *arrival, object ticket.ID) {
	p.see(a, object)
	d, ok := p.deliveries[object]
	if !ok {
		return
	}
	p.recognise(a, d.Ticket, object)
	if d.State == ticket.Sent {
		return
	}
	next, ev, err := d.To(ticket.Sent, "seen at the provider", p.now)
	if err != nil {
		return // withdrawn or failed and yet sent by hand: the person's word stands
	}
	p.deliveries[object] = next
	p.ch.Deliveries = append(p.ch.Deliveries, next)
	p.ch.Events = append(p.ch.Events, ev)
	p.ch.ProviderIDs = append(p.ch.ProviderIDs, store.ProviderID{Mailbox: p.mailbox.ID, Message: object, ProviderID: a.item.ID})
}

// recognise records under what a mail of ours is known that came back: the
// provider may have given it another Message-ID and a thread, by which answers
// and bounces name it. Those that came before it are on tickets of their own,
// which it links.
func (p *decision) recognise(a *arrival, id, object ticket.ID) {
	p.sent(a, object)
	var hits []ticket.Hit
	for _, h := range a.ev.Hits() {
		if h.Role != ticket.HitReference {
			hits = append(hits, h)
			p.ch.Hits = append(p.ch.Hits, store.Hit{Mailbox: p.mailbox.ID, Ticket: id, Message: object, Hit: h})
		}
	}
	t, ok := p.board.Ticket(id)
	if !ok {
		return
	}
	p.board.Put(ticket.Candidate{Ticket: t, Hits: hits})
	p.link(id, p.board.Awaiting(a.ev.MessageID), p.now)
}

// sent notes under which Message-ID a message of ours went out.
func (p *decision) sent(a *arrival, object ticket.ID) {
	if f := a.ev.MessageID; !f.IsZero() && p.sentAs[f].IsZero() {
		p.sentAs[f] = object
	}
}

func (p *decision) see(a *arrival, object ticket.ID) {
	s := a.seen
	s.Mailbox, s.Object = p.mailbox.ID, object
	p.ch.Seen = append(p.ch.Seen, s)
}

func (p *decision) quarantine(a *arrival) {
	p.see(a, a.message)
	p.held = append(p.held, a)
	ev := mailboxEvent(p.mailbox, ticket.MailQuarantined, p.now)
	ev.Message, ev.Cause = a.message, a.cause
	p.ch.Events = append(p.ch.Events, ev)
}

// take makes a message of a mail and puts it on its ticket.
func (p *decision) take(a *arrival) {
	at, src := p.now, ticket.SourceLive
	if p.stream == mailbox.Backfill {
		at = a.seen.ReceivedAt // windows are of the time when it was written
	}
	a.ev.About = p.sentAs[a.original]
	d := p.board.Match(a.ev, p.rules, at)
	if d.Hold && a.held == nil && p.stream != mailbox.Backfill {
		a.cause = causeStranger
		p.quarantine(a)
		return
	}
	switch {
	case p.stream == mailbox.Backfill:
		src = ticket.SourceBackfill
	case a.item.Sent:
		src = ticket.SourceSent
	}
	by, dir := ticket.ByContact(), ticket.In
	if a.item.Sent {
		by, dir = ticket.ByAgent(""), ticket.Out
		p.sent(a, a.message)
	}
	other := p.contactOf(a)
	t, fresh := p.ticketFor(a, d, other, by, at)
	msg := ticket.Message{
		ID: a.message, Direction: dir, Kind: a.mail.Kind, By: by, Contact: other, Match: d.Trace,
		Attachments: len(a.mail.Attachments), CreatedAt: p.now,
		Provenance: ticket.Provenance{Source: src, ProviderID: a.item.ID, Parser: parserVersion, ReceivedAt: a.seen.ReceivedAt},
	}
	t, msg, events := t.Add(msg, by, p.rules, at)
	if fresh {
		p.subjects[t.ID] = a.mail.Subject
	}
	p.ch.Events = append(p.ch.Events, events...)
	p.messages = append(p.messages, unsealed{
		msg: store.Message{Message: msg}, key: p.keys[t.ID], fresh: fresh, plain: understood(a.mail, a.raw),
	})
	p.see(a, a.message)
	if fresh {
		p.remember(a, t, d, a.subjects)
	} else {
		p.remember(a, t, d, nil)
	}
	p.link(t.ID, d.Links, at)
	if d.Trace.Standing == ticket.StandingReport && !d.Join.IsZero() && p.stream != mailbox.Backfill {
		p.bounced(a, t, d.Trace.About)
	}
}

// ticketFor returns the ticket of a decision: the one joined or a new one.
func (p *decision) ticketFor(a *arrival, d ticket.Decision, contact ticket.ID, by ticket.Actor, at time.Time) (ticket.Ticket, bool) {
	if t, ok := p.board.Ticket(d.Join); ok && !d.Join.IsZero() {
		return t, false
	}
	o := ticket.Opening{
		ID: a.ticket, Tenant: p.mailbox.Tenant, Mailbox: p.mailbox.ID, Contact: contact,
		Origin: ticket.FromMail, Related: d.Related, Title: a.ev.Title,
	}
	switch {
	case p.stream == mailbox.Backfill:
		o.Origin = ticket.FromBackfill
	case a.item.Sent:
		o.Origin = ticket.FromAgent
	}
	t, ev := ticket.Start(o, by, at)
	p.ch.Events = append(p.ch.Events, ev)
	p.keys[t.ID] = a.key
	return t, true
}

// contactOf is the person at the other end.
func (p *decision) contactOf(a *arrival) ticket.ID {
	f := a.people.from
	if a.item.Sent {
		f = ticket.Fingerprint{}
		if len(a.people.to) > 0 {
			f = a.people.to[0]
		}
	}
	return p.contact(f)
}

// contact returns the contact behind an address, making one for a new address.
func (p *decision) contact(f ticket.Fingerprint) ticket.ID {
	if f.IsZero() {
		return ticket.ID{}
	}
	if id, ok := p.contacts[f]; ok {
		return id
	}
	id := ticket.NewID(p.now)
	p.contacts[f] = id
	p.ch.Contacts = append(p.ch.Contacts, store.Contact{Mailbox: p.mailbox.ID, Address: f, ID: id})
	return id
}

// remember makes the mail a candidate for the mails after it and records under
// which fingerprints it will be found.
func (p *decision) remember(a *arrival, t ticket.Ticket, d ticket.Decision, subjects []ticket.Hit) {
	c := ticket.Candidate{Ticket: t, Hits: slices.Concat(a.ev.Hits(), subjects), Messages: []ticket.ID{a.message}}
	c.Members = p.members(a, d)
	p.board.Put(c)
	if !slices.Contains(p.touched, t.ID) {
		p.touched = append(p.touched, t.ID)
	}
	for _, h := range c.Hits {
		p.ch.Hits = append(p.ch.Hits, store.Hit{Mailbox: p.mailbox.ID, Ticket: t.ID, Message: a.message, Hit: h})
	}
	for _, m := range c.Members {
		p.ch.Members = append(p.ch.Members, store.Member{Mailbox: p.mailbox.ID, Ticket: t.ID, Member: m})
	}
}

// members tells whom a mail brings onto its ticket. A sender who is only
// pending brings nobody but himself, one who fails his checks nobody at all
// unless the ticket is his own; whom a participant copies is pending; whom an
// agent writes to is in.
func (p *decision) members(a *arrival, d ticket.Decision) []ticket.Member {
	var out []ticket.Member
	add := func(f ticket.Fingerprint, pending bool) {
		if !f.IsZero() {
			out = append(out, ticket.Member{Address: f, Domain: a.people.domains[f], Contact: p.contact(f), Pending: pending})
		}
	}
	switch d.Trace.Standing {
	case ticket.StandingOwn:
		for _, f := range a.people.to {
			add(f, false)
		}
	case ticket.StandingParticipant:
		add(a.people.from, false)
		for _, f := range a.people.to {
			add(f, true)
		}
	case ticket.StandingPending:
		add(a.people.from, true)
	case ticket.StandingUnverified:
		if d.Join.IsZero() {
			add(a.people.from, false)
		}
	}
	return out
}

// collectTickets turns the board's tickets into rows, with the subjects still
// plain.
func (p *decision) collectTickets() {
	for _, id := range p.touched {
		t, _ := p.board.Ticket(id)
		if was, ok := p.was[id]; ok {
			p.ch.Tickets = append(p.ch.Tickets, store.TicketUpdate{Ticket: t, Was: was})
			continue
		}
		p.ch.NewTickets = append(p.ch.NewTickets, store.Ticket{Ticket: t, Key: p.keys[id]})
	}
}

// stub is what an unreadable mail looks like when a person releases it anyway:
// the raw text, cut to what can be shown.
func stub(raw []byte) ticket.Inbound {
	const show = 64 << 10
	in := ticket.Inbound{Subject: "(unreadable mail)", Kind: ticket.KindPerson, Limited: true}
	text := strings.ToValidUTF8(string(raw[:min(len(raw), show)]), "\uFFFD")
	in.Text = strings.ReplaceAll(text, "\x00", "")
	return in
}
