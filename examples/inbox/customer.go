package main

import (
	"bytes"
	"crypto/rand"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/helpdesk-go/helpdesk/examples/inbox/internal/demomail"
	"github.com/helpdesk-go/helpdesk/mailbox/rfc822"
	"github.com/helpdesk-go/helpdesk/ticket"
)

//go:embed customer.html
var customerHTML string

//go:embed customer.css
var customerCSS []byte

var customerPage = template.Must(template.New("").Parse(customerHTML))

// customerSite is the other side of the conversation: the mailboxes of
// everybody outside, as a mail program would show them.
type customerSite struct{ world *demomail.World }

// customers returns the pages under /customer.
func customers(w *demomail.World) http.Handler {
	s := &customerSite{w}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /customer", s.show)
	mux.HandleFunc("POST /customer", s.write)
	mux.HandleFunc("GET /customer/style.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		_, _ = w.Write(customerCSS)
	})
	forgery := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		forgery.Handler(mux).ServeHTTP(w, r)
	})
}

// customerMail is a mail as its reader sees it.
type customerMail struct {
	Number  int
	Sent    bool
	At      time.Time
	From    string
	Subject string
	Text    string
	Files   []ticket.Attachment
	Header  string
}

type customerView struct {
	Support string
	People  []string
	Who     string
	Mails   []customerMail
	Error   string
	Text    string
}

func (s *customerSite) show(w http.ResponseWriter, r *http.Request) {
	s.render(w, http.StatusOK, strings.ToLower(r.URL.Query().Get("who")), "", "")
}

func (s *customerSite) render(w http.ResponseWriter, code int, who, problem, text string) {
	v := customerView{Support: s.world.Address(), People: s.world.People(), Who: who, Error: problem, Text: text}
	if v.Who == "" && len(v.People) > 0 {
		v.Who = v.People[0]
	}
	for _, m := range slices.Backward(s.world.Mails(v.Who)) {
		v.Mails = append(v.Mails, readable(m))
	}
	var buf bytes.Buffer
	if err := customerPage.Execute(&buf, v); err != nil {
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write(buf.Bytes())
}

func readable(m demomail.Mail) customerMail {
	in := rfc822.Parse(m.Raw)
	head, _, _ := bytes.Cut(m.Raw, []byte("\r\n\r\n"))
	out := customerMail{
		Number: m.Number, Sent: m.Sent, At: m.At, Subject: in.Subject, Text: strings.TrimSpace(in.Text),
		Files: in.Attachments, Header: strings.ToValidUTF8(string(head), "?"),
	}
	if len(in.From) > 0 {
		out.From = in.From[0].Addr
		if in.From[0].Name != "" {
			out.From = in.From[0].Name + " <" + in.From[0].Addr + ">"
		}
	}
	return out
}

// write sends a mail as a customer: a new one, or the answer to one he has.
func (s *customerSite) write(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	who, err := rfc822.ParseAddress(r.PostFormValue("who"))
	text := r.PostFormValue("text")
	if err != nil || strings.TrimSpace(text) == "" {
		s.render(w, http.StatusBadRequest, "", "Write your address and a text.", text)
		return
	}
	o := rfc822.Outgoing{
		From: who, To: []ticket.Address{{Addr: s.world.Address()}}, Subject: r.PostFormValue("subject"),
		Text: text, Date: time.Now(), MessageID: messageID(who.Addr),
	}
	if answer := r.PostFormValue("answer"); answer != "" {
		n, _ := strconv.Atoi(answer)
		m, ok := s.world.Find(who.Addr, n)
		if !ok {
			s.render(w, http.StatusNotFound, "", "That mail is gone.", text)
			return
		}
		answering(&o, rfc822.Parse(m.Raw))
	}
	raw, err := rfc822.Build(o)
	if err == nil {
		err = s.world.Send(who.Addr, []string{s.world.Address()}, raw)
	}
	if err != nil {
		s.render(w, http.StatusBadRequest, "", "The mail could not be sent: "+line(err), text)
		return
	}
	http.Redirect(w, r, "/customer?who="+url.QueryEscape(who.Addr), http.StatusSeeOther)
}

// answering makes a mail the answer to another, as mail programs do (RFC 5322,
// section 3.6.4).
func answering(o *rfc822.Outgoing, to ticket.Inbound) {
	o.Subject = rfc822.ReplySubject(to.Subject)
	o.InReplyTo = to.MessageID
	o.References = append(slices.Clone(to.References), to.MessageID)
	if len(to.References) == 0 {
		o.References = append(slices.Clone(to.InReplyTo), to.MessageID)
	}
	if len(to.ReplyTo) > 0 {
		o.To = to.ReplyTo
	}
	for _, a := range to.To {
		if strings.EqualFold(a.Addr, o.From.Addr) {
			o.From.Name = a.Name // as the helpdesk knows him
		}
	}
	name := "the helpdesk"
	if len(to.From) > 0 {
		name = to.From[0].Addr
	}
	o.Text += fmt.Sprintf("\n\nOn %s, %s wrote:\n%s", to.Date.Format("2 Jan 2006 15:04"), name, rfc822.Quote(to.Text))
}

// messageID makes the id of a customer's mail, at his own domain.
func messageID(addr string) string {
	_, domain, _ := strings.Cut(addr, "@")
	return strings.ToLower(rand.Text()) + "@" + domain
}
