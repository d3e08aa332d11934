package web

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/mailbox/rfc822"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// draft is what an agent wrote in a form that was refused: it is shown again,
// not lost.
type draft struct {
	Reply, Note string
	Error       string
	Code        int
}

type ticketPage struct {
	Base     base
	List     column
	Ticket   helpdesk.Ticket
	Erased   bool
	Messages []message
	More     bool
	Last     int64
	Mine     bool
	Draft    draft
	// To is who will get the reply.
	To string
}

// message is a message as the page shows it.
type message struct {
	helpdesk.Message
	Ticket ticket.ID
	// Frame is the URL of the HTML of the mail, which is shown in a frame; the
	// text of other messages stands on the page.
	Frame string
	// Tall says how much room the frame gets, from 1 to 10.
	Tall int
	// Body is the text, of which Whole is all where some was left out.
	Body, Whole rfc822.SafeHTML
	// Remote is how many pictures and the like from elsewhere were left out.
	Remote int
	Files  []ticket.Attachment
	Lost   bool
	Why    string
}

func (s *site) conversation(v *visit) error { return s.showTicket(v, draft{Code: http.StatusOK}) }

func (s *site) showTicket(v *visit, d draft) error {
	id, err := v.pathID("ticket")
	if err != nil {
		return err
	}
	cursor, err := s.cursor(v)
	if err != nil {
		return err
	}
	after, err := v.after()
	if err != nil {
		return err
	}
	c, err := v.tenant.Conversation(v.ctx, id, after)
	if err != nil {
		return err
	}
	f := filterOf(v.r.URL.Query())
	if v.r.URL.Query().Get("view") == "" {
		f.View = "all" // beside a ticket whose status may change under our hands
	}
	list, err := s.column(v, f, id)
	if err != nil {
		return err
	}
	p := ticketPage{
		Base: base{Site: s, Who: v.who, Here: "inbox", Cursor: cursor, Watch: id},
		List: list, Ticket: c.Ticket, Erased: c.Ticket.Unreadable != nil, More: c.More,
		Mine: c.Ticket.Assignee == v.who.Agent, Draft: d,
	}
	for _, m := range c.Messages {
		p.Messages = append(p.Messages, s.message(id, m))
		p.Last = m.Seq
	}
	p.To = answered(c.Ticket, c.Messages)
	s.pages.render(v.w, d.Code, "ticket", p)
	return nil
}

// answered says whom a reply goes to: whoever wrote the message that the ticket
// answers. The library follows a Reply-To that nobody vouches for only to people
// on the ticket, so it is not shown here.
func answered(t helpdesk.Ticket, list []helpdesk.Message) string {
	i := slices.IndexFunc(list, func(m helpdesk.Message) bool { return m.ID == t.Answers })
	if i < 0 {
		return ""
	}
	m := list[i]
	began := m.Match.Rung == "" || m.Match.Rung == ticket.RungNone
	switch {
	case m.Direction == ticket.Out:
		return people(m.To)
	case len(m.ReplyTo) > 0 && (began || m.Auth.DMARC == "pass"):
		return people(m.ReplyTo)
	default:
		return people(m.From)
	}
}

func (s *site) message(id ticket.ID, m helpdesk.Message) message {
	out := message{Message: m, Ticket: id, Lost: m.Unreadable != nil}
	if m.Direction == ticket.In {
		out.Why = m.Match.Explain()
	}
	safe, report := m.HTML(helpdesk.HTMLOptions{Inline: func(int) string { return "/" }})
	out.Remote = report.RemoteRemoved
	if m.Direction == ticket.In && safe.String() != rfc822.TextToHTML(m.Text).String() {
		out.Frame = s.url(ticketPath(id) + "/body/" + number(m.Seq))
		out.Tall = tall(m.Text, safe.String())
	} else {
		out.Body = rfc822.TextToHTML(strings.TrimSpace(m.Text))
		if trimmed := m.Trim(helpdesk.HTMLOptions{}); len(trimmed.Cuts) > 0 && m.Direction != ticket.Note && trimmed.Text != "" {
			out.Body, out.Whole = rfc822.TextToHTML(trimmed.Text), out.Body
		}
	}
	for _, a := range m.Attachments {
		if !a.Inline || out.Frame == "" {
			out.Files = append(out.Files, a)
		}
	}
	return out
}

// tall guesses how much room a mail needs. Where there is JavaScript, the page
// then gives the frame what it really needs.
func tall(text, doc string) int {
	lines := 1 + strings.Count(doc, "<img")*6
	for line := range strings.Lines(strings.TrimSpace(text)) {
		lines += 1 + len(line)/90
	}
	return min(1+lines*2/5, 10)
}

// From1 is the person a message is from.
func (m message) From1() string {
	switch {
	case m.Direction == ticket.In && len(m.From) > 0:
		return person(m.From[0])
	case m.By.Agent != "":
		return plain(string(m.By.Agent))
	case len(m.From) > 0:
		return person(m.From[0])
	}
	return "Unknown"
}

// State is the delivery's state in words.
func (m message) State() string {
	if m.Delivery == nil {
		return ""
	}
	switch m.Delivery.State {
	case ticket.Sent:
		return "Sent"
	case ticket.Failed:
		return "Not sent"
	case ticket.Uncertain:
		return "Maybe sent"
	case ticket.Cancelled:
		return "Withdrawn"
	case ticket.Queued:
		if m.Delivery.Attempt > 0 {
			return "Will be tried again"
		}
		return "Waiting"
	}
	return "Sending"
}

// Doubtful is set when a person has to decide about a delivery.
func (m message) Doubtful() bool {
	return m.Delivery != nil && (m.Delivery.State == ticket.Uncertain || m.Delivery.State == ticket.Failed)
}

// Waiting is set while a reply can still be withdrawn.
func (m message) Waiting() bool { return m.Delivery != nil && m.Delivery.State == ticket.Queued }

// Stranger is a warning about the sender, or empty.
func (m message) Stranger() string {
	switch m.Match.Standing {
	case ticket.StandingPending:
		return "This sender is new to the ticket. Replies do not go here unless you write the address yourself."
	case ticket.StandingUnverified:
		return "The sender's address failed its checks: this may be forged."
	}
	return ""
}

// erased reports whether content is missing for good.
func erased(err error) bool { return errors.Is(err, helpdesk.ErrErased) }

// Missing says why there is no content.
func (m message) Missing() string {
	if erased(m.Unreadable) {
		return "The content of this message was erased."
	}
	return "The content of this message cannot be read."
}
