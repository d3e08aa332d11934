package web

import (
	"net/http"
	"net/url"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// filter is which tickets a list shows, as it stands in the address.
type filter struct {
	View  string // open, pending, closed or all
	Who   string // "", mine or nobody
	Tag   string
	After string
}

func filterOf(q url.Values) filter {
	f := filter{View: q.Get("view"), Who: q.Get("who"), Tag: q.Get("tag"), After: q.Get("after")}
	switch f.View {
	case "pending", "closed", "all", "open":
	default:
		f.View = "open"
	}
	if f.Who != "mine" && f.Who != "nobody" {
		f.Who = ""
	}
	return f
}

func (f filter) query(me ticket.AgentID) helpdesk.TicketQuery {
	q := helpdesk.TicketQuery{Tag: f.Tag, After: f.After, Limit: 50}
	if f.View != "all" {
		q.Statuses = []ticket.Status{ticket.Status(f.View)}
	}
	switch f.Who {
	case "mine":
		q.Assignee = me
	case "nobody":
		q.Unassigned = true
	}
	return q
}

// String is the filter as a query, without the place in the list.
func (f filter) String() string {
	q := url.Values{"view": {f.View}}
	if f.Who != "" {
		q.Set("who", f.Who)
	}
	if f.Tag != "" {
		q.Set("tag", f.Tag)
	}
	return "?" + q.Encode()
}

// With returns the filter with one choice changed, from the top of the list.
func (f filter) With(key, value string) filter {
	f.After = ""
	switch key {
	case "view":
		f.View = value
	case "who":
		f.Who = value
	case "tag":
		f.Tag = value
	}
	return f
}

// Next is the page after this one.
func (f filter) Next(after string) string { return f.String() + "&after=" + url.QueryEscape(after) }

// column is a list of tickets, on a page of its own or beside a ticket.
type column struct {
	Filter  filter
	Tickets []helpdesk.Ticket
	Next    string
	// Chosen is the ticket that is open beside the list.
	Chosen ticket.ID
	Me     ticket.AgentID
}

func (s *site) column(v *visit, f filter, chosen ticket.ID) (column, error) {
	page, err := v.tenant.Tickets(v.ctx, f.query(v.who.Agent))
	return column{Filter: f, Tickets: page.Tickets, Next: page.Next, Chosen: chosen, Me: v.who.Agent}, err
}

type listPage struct {
	Base base
	List column
}

func (s *site) list(v *visit) error {
	f := filterOf(v.r.URL.Query())
	cursor, err := s.cursor(v)
	if err != nil {
		return err
	}
	c, err := s.column(v, f, ticket.ID{})
	if err != nil {
		return err
	}
	s.pages.render(v.w, http.StatusOK, "list", listPage{
		Base: base{Site: s, Who: v.who, Here: "inbox", Cursor: cursor}, List: c,
	})
	return nil
}
