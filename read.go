package helpdesk

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"iter"
	"strings"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox/rfc822"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// Ticket is a ticket with its subject opened.
type Ticket struct {
	ticket.Ticket
	Subject string
	// Unreadable is why Subject is empty although there is one: ErrErased,
	// ErrFenced or ErrSealed.
	Unreadable error
}

// TicketQuery asks for tickets, most recently updated first.
type TicketQuery struct {
	// Mailbox, Statuses, Assignee, Unassigned, Tag and Contact narrow.
	Mailbox    ticket.ID
	Statuses   []ticket.Status
	Assignee   ticket.AgentID
	Unassigned bool
	Tag        string
	Contact    ticket.ID
	// After is the Next of the page before, or empty.
	After string
	// Limit is at most 200; 0 means 50.
	Limit int
}

// TicketPage is an answer to a TicketQuery.
type TicketPage struct {
	Tickets []Ticket
	// Next asks for the page after this one; empty when there is none.
	Next string
}

const (
	pageUsual = 50
	pageMost  = 200
)

// Tickets returns a page of tickets with their subjects: one access, one entry
// in the log.
func (t *Tenant) Tickets(ctx context.Context, q TicketQuery) (TicketPage, error) {
	if err := t.mayRead(ctx, "tickets.list"); err != nil {
		return TicketPage{}, err
	}
	sq := store.TicketQuery{
		Tenant: t.id, Mailbox: q.Mailbox, Statuses: q.Statuses, Assignee: q.Assignee,
		Unassigned: q.Unassigned, Tag: q.Tag, Contact: q.Contact, Limit: q.Limit,
	}
	if sq.Limit <= 0 {
		sq.Limit = pageUsual
	}
	sq.Limit = min(sq.Limit, pageMost)
	var err error
	if sq.BeforeTime, sq.BeforeID, err = parseMark(q.After); err != nil {
		return TicketPage{}, err
	}
	var rows []store.Ticket
	err = t.desk.store.View(ctx, func(ctx context.Context, r store.Reader) (err error) {
		rows, err = r.Tickets(ctx, sq)
		return err
	})
	if err != nil {
		return TicketPage{}, err
	}
	page := TicketPage{}
	if page.Tickets, err = t.openSubjects(ctx, "tickets.list", rows); err != nil {
		return TicketPage{}, err
	}
	if len(rows) == sq.Limit {
		last := rows[len(rows)-1]
		page.Next = mark(last.UpdatedAt, last.ID)
	}
	return page, nil
}

// AllTickets walks all tickets of a query, page by page. A ticket that changes
// meanwhile may come twice or not at all.
func (t *Tenant) AllTickets(ctx context.Context, q TicketQuery) iter.Seq2[Ticket, error] {
	return func(yield func(Ticket, error) bool) {
		for {
			page, err := t.Tickets(ctx, q)
			if err != nil {
				yield(Ticket{}, err)
				return
			}
			for _, x := range page.Tickets {
				if !yield(x, nil) {
					return
				}
			}
			if page.Next == "" {
				return
			}
			q.After = page.Next
		}
	}
}

// outside checks the tenant's id and refuses to work inside a transaction,
// where a verb with a transaction of its own would wait for itself.
func (t *Tenant) outside(ctx context.Context) error {
	if err := t.id.Validate(); err != nil {
		return err
	}
	if privacy.InTx(ctx) {
		return ErrInTransaction
	}
	return nil
}

// mayRead refuses before anything is looked up.
func (t *Tenant) mayRead(ctx context.Context, operation string) error {
	if err := t.outside(ctx); err != nil {
		return err
	}
	return t.desk.vault.Refuse(ctx, t.id, operation)
}

func (t *Tenant) openSubjects(ctx context.Context, operation string, rows []store.Ticket) ([]Ticket, error) {
	items := make([]privacy.Item, len(rows))
	for i, r := range rows {
		items[i] = privacy.Item{
			Object: privacy.Object{Tenant: t.id, Mailbox: r.Mailbox, ID: r.ID, Class: privacy.Subject}, Sealed: r.Subject,
		}
	}
	got, err := t.desk.vault.Open(ctx, t.id, operation, items)
	if err != nil {
		return nil, err
	}
	out := make([]Ticket, len(rows))
	for i, r := range rows {
		out[i] = Ticket{Ticket: r.Ticket, Subject: string(got[i].Plain), Unreadable: outward(got[i].Err)}
	}
	return out, nil
}

// mark is the place of a ticket in the order of pages.
func mark(at time.Time, id ticket.ID) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(at.UnixMicro()))
	return base64.RawURLEncoding.EncodeToString(append(b, id[:]...))
}

func parseMark(s string) (time.Time, ticket.ID, error) {
	if s == "" {
		return time.Time{}, ticket.ID{}, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) != 24 {
		return time.Time{}, ticket.ID{}, ErrBadID
	}
	return time.UnixMicro(int64(binary.BigEndian.Uint64(b))).UTC(), ticket.ID(b[8:]), nil
}

// Message is a message with its content opened.
type Message struct {
	ticket.Message
	Subject string
	Text    string
	// From, ReplyTo, To and Cc are empty for notes.
	From, ReplyTo, To, Cc []Address
	// MessageID is the Message-ID without angle brackets.
	MessageID string
	// Date is what the sender claims; order goes by Seq.
	Date        time.Time
	Attachments []ticket.Attachment
	// KindEvidence names what Kind rests on, Auth what is known about the
	// authenticity of the sender. A look-alike is also one of a person who was
	// in the conversation before, as far as it was opened.
	KindEvidence []string
	Auth         ticket.Auth
	// Bounce and Invite are set for mail that is one.
	Bounce  *ticket.Bounce
	Invite  *ticket.Invite
	Defects []ticket.Defect
	// Limited is set when some of the mail is only in its raw form.
	Limited bool
	// Delivery is how far the sending has come; nil for what is not sent.
	Delivery *ticket.Delivery
	// Unreadable is why content is missing: ErrErased, ErrFenced or ErrSealed.
	Unreadable error

	html     string
	fromHTML bool
}

// HTMLOptions say what a message shows beside its own markup. The zero value
// shows nothing that must be loaded.
type HTMLOptions struct {
	// Inline gives the URL of an inline attachment by its index, on the page's
	// own origin, or "" to leave it out.
	Inline func(index int) string
	// Proxy gives the URL under which the host itself shows a remote image, or
	// "" to leave it out, as in rfc822.SanitizeOptions. A proxy that fetches as
	// soon as it is asked tells the sender that his mail was read.
	Proxy func(url string) string
}

// HTML returns the message as safe HTML: what the sender wrote, sanitised, or
// the text. The report counts what was left out and the links that show another
// target than they have.
func (m Message) HTML(o HTMLOptions) (rfc822.SafeHTML, rfc822.Sanitized) {
	return m.safe(m.html, m.Text, o)
}

// safe makes HTML of the message safe, or text into HTML where there is none.
func (m Message) safe(html, text string, o HTMLOptions) (rfc822.SafeHTML, rfc822.Sanitized) {
	if html == "" {
		return rfc822.TextToHTML(text), rfc822.Sanitized{}
	}
	return rfc822.Sanitize(html, rfc822.SanitizeOptions{Proxy: o.Proxy, Inline: func(cid string) string {
		for _, a := range m.Attachments {
			if o.Inline != nil && a.ContentID != "" && strings.EqualFold(a.ContentID, cid) {
				return o.Inline(a.Index)
			}
		}
		return ""
	}})
}

// Trimmed is what the writer of a message wrote this time.
type Trimmed struct {
	Text string
	HTML rfc822.SafeHTML
	// Report is about HTML.
	Report rfc822.Sanitized
	// Cuts says what was left out and why. The message keeps all of it.
	Cuts []ticket.Cut
	// Forwarded is the mail that the message passes on, or nil: a claim of
	// whoever passed it on.
	Forwarded *ticket.Forwarded
}

// Trim returns the message without the earlier mails it repeats, signatures and
// the greetings of devices. What is cut is found anew each time, by the trimmer
// of this version.
func (m Message) Trim(o HTMLOptions) Trimmed {
	in := ticket.Inbound{Subject: m.Subject, Text: m.Text, HTML: m.html, TextFromHTML: m.fromHTML}
	rfc822.Trim(&in)
	out := Trimmed{Text: in.Reply, Cuts: in.Cuts, Forwarded: in.Forwarded}
	out.HTML, out.Report = m.safe(in.ReplyHTML, in.Reply, o)
	return out
}

// Conversation is a ticket with its messages, oldest first.
type Conversation struct {
	Ticket   Ticket
	Messages []Message
	// More is set when there are messages after the last one.
	More bool
}

// conversationMost bounds the messages opened at once.
const conversationMost = 200

// Ticket returns one ticket with its subject.
func (t *Tenant) Ticket(ctx context.Context, id ticket.ID) (Ticket, error) {
	if err := t.mayRead(ctx, "ticket.read"); err != nil {
		return Ticket{}, err
	}
	var row store.Ticket
	err := t.desk.store.View(ctx, func(ctx context.Context, r store.Reader) (err error) {
		row, err = r.Ticket(ctx, t.id, id)
		return err
	})
	if err != nil {
		return Ticket{}, err
	}
	got, err := t.openSubjects(ctx, "ticket.read", []store.Ticket{row})
	if err != nil {
		return Ticket{}, err
	}
	return got[0], nil
}

// Conversation returns a ticket and its messages after a sequence number, 0
// for all, with their content: one access, one entry in the log.
func (t *Tenant) Conversation(ctx context.Context, id ticket.ID, after int64) (Conversation, error) {
	if err := t.mayRead(ctx, "ticket.read"); err != nil {
		return Conversation{}, err
	}
	var row store.Ticket
	var msgs []store.Message
	var dels []ticket.Delivery
	err := t.desk.store.View(ctx, func(ctx context.Context, r store.Reader) (err error) {
		if row, err = r.Ticket(ctx, t.id, id); err != nil {
			return err
		}
		if msgs, err = r.Messages(ctx, store.MessageQuery{Tenant: t.id, Ticket: id, After: after, Limit: conversationMost}); err != nil {
			return err
		}
		q := store.DeliveryQuery{Tenant: t.id, Ticket: id, Limit: conversationMost}
		for _, m := range msgs {
			if m.Direction == ticket.Out {
				q.Messages = append(q.Messages, m.ID)
			}
		}
		if len(q.Messages) > 0 {
			dels, err = r.Deliveries(ctx, q)
		}
		return err
	})
	if err != nil {
		return Conversation{}, err
	}
	c, err := t.openConversation(ctx, row, msgs)
	for i := range c.Messages {
		for _, d := range dels {
			if d.Message == c.Messages[i].ID {
				c.Messages[i].Delivery = &d
			}
		}
	}
	return c, err
}

// perMessage is how many sealed values of a message are opened to show it.
const perMessage = 5

func (t *Tenant) openConversation(ctx context.Context, row store.Ticket, msgs []store.Message) (Conversation, error) {
	items := []privacy.Item{{
		Object: privacy.Object{Tenant: t.id, Mailbox: row.Mailbox, ID: row.ID, Class: privacy.Subject}, Sealed: row.Subject,
	}}
	for _, m := range msgs {
		text := privacy.Text
		if m.Direction == ticket.Note {
			text = privacy.Notes
		}
		items = append(items,
			privacy.Item{Object: messageObject(m, privacy.Subject), Sealed: m.Subject},
			privacy.Item{Object: messageObject(m, privacy.Addresses), Sealed: m.Addresses},
			privacy.Item{Object: messageObject(m, text), Sealed: m.Body},
			privacy.Item{Object: messageObject(m, privacy.HTML), Sealed: m.HTML},
			privacy.Item{Object: messageObject(m, privacy.Attachments), Sealed: m.Files},
		)
	}
	got, err := t.desk.vault.Open(ctx, t.id, "ticket.read", items)
	if err != nil {
		return Conversation{}, err
	}
	c := Conversation{
		Ticket: Ticket{Ticket: row.Ticket, Subject: string(got[0].Plain), Unreadable: outward(got[0].Err)},
	}
	for i, m := range msgs {
		c.Messages = append(c.Messages, readable(m, got[1+i*perMessage:][:perMessage]))
	}
	warnOfLookAlikes(c.Messages)
	if n := len(msgs); n > 0 {
		c.More = msgs[n-1].Seq < row.Seq
	}
	return c, nil
}

// readable puts a message together from its opened values, in the order of
// openConversation.
func readable(m store.Message, got []privacy.Opened) Message {
	out := Message{Message: m.Message}
	for _, g := range got {
		if g.Err != nil {
			out.Unreadable = outward(g.Err)
		}
	}
	h, err := decode[head](got[1].Plain)
	f, err2 := decode[files](got[4].Plain)
	if err != nil || err2 != nil {
		out.Unreadable = errForm
	}
	out.Subject, out.Text, out.html = string(got[0].Plain), string(got[2].Plain), string(got[3].Plain)
	out.From, out.ReplyTo, out.To, out.Cc = h.From, h.ReplyTo, h.To, h.Cc
	out.MessageID, out.Date, out.Defects, out.Limited = h.MessageID, h.Date, h.Defects, h.Limited
	out.KindEvidence, out.Auth = h.KindEvidence, h.Auth
	out.Bounce, out.Invite, out.fromHTML = h.Bounce, h.Invite, h.TextFromHTML
	out.Attachments = f.List
	return out
}
