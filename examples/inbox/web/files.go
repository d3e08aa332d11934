package web

import (
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/ticket"
)

func number(n int64) string { return strconv.FormatInt(n, 10) }

// after is the sequence number that a page of a long ticket starts after.
func (v *visit) after() (int64, error) {
	s := v.r.URL.Query().Get("after")
	if s == "" || v.r.Method != http.MethodGet {
		return 0, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0, helpdesk.ErrNotFound
	}
	return n, nil
}

// bodyPolicy is for the HTML of mails. The library has sanitised it; this is
// the second wall: no script, no form, nothing from elsewhere. The frame keeps
// the origin, or the pictures of the mail would be asked for without the
// agent's session; without allow-scripts nothing can make use of that.
const bodyPolicy = "default-src 'none'; img-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; " +
	"form-action 'none'; base-uri 'none'; frame-ancestors 'self'; " +
	"sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"

// mailBody serves the sanitised HTML of one mail, for its frame.
func (s *site) mailBody(v *visit) error {
	id, err := v.pathID("ticket")
	if err != nil {
		return err
	}
	seq, err := strconv.ParseInt(v.r.PathValue("seq"), 10, 64)
	if err != nil || seq < 1 {
		return helpdesk.ErrNotFound
	}
	c, err := v.tenant.Conversation(v.ctx, id, seq-1)
	if err != nil {
		return err
	}
	if len(c.Messages) == 0 || c.Messages[0].Seq != seq || c.Messages[0].Direction == ticket.Note {
		return helpdesk.ErrNotFound
	}
	m := c.Messages[0]
	safe, _ := m.HTML(helpdesk.HTMLOptions{Inline: func(index int) string {
		for _, a := range m.Attachments {
			if a.Index == index && picture(a.Type) {
				return s.url(fmt.Sprintf("/messages/%s/inline/%d", m.ID, index))
			}
		}
		return ""
	}})
	v.w.Header().Set("Content-Security-Policy", bodyPolicy)
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, err = fmt.Fprintf(v.w, "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Mail</title>\n"+
		"<link rel=\"stylesheet\" href=\"%s\">\n<body>%s</body>\n</html>\n", s.url("/assets/mail.css"), safe)
	return err
}

// picture reports whether browsers can only paint a type, never run it. Types
// are told by content, not by what the sender claims.
func picture(typ string) bool {
	switch typ {
	case "image/png", "image/jpeg", "image/gif", "image/webp":
		return true
	}
	return false
}

// file opens the attachment that the path names.
func (v *visit) file() (ticket.Attachment, error) {
	id, err := v.pathID("message")
	if err != nil {
		return ticket.Attachment{}, err
	}
	index, err := strconv.Atoi(v.r.PathValue("index"))
	if err != nil {
		return ticket.Attachment{}, helpdesk.ErrNotFound
	}
	a, err := v.tenant.Attachment(v.ctx, id, index)
	return a.Attachment, err
}

// download gives an attachment away as a file, whatever it is.
func (s *site) download(v *visit) error {
	a, err := v.file()
	if err != nil {
		return err
	}
	return v.serve(a.Type, "attachment", a.Name, a.Content)
}

// inline serves a picture that a mail shows, and nothing but pictures.
func (s *site) inline(v *visit) error {
	a, err := v.file()
	if err != nil {
		return err
	}
	if !picture(a.Type) {
		return helpdesk.ErrNotFound
	}
	return v.serve(a.Type, "inline", a.Name, a.Content)
}

// rawMail gives a mail away as it travelled.
func (s *site) rawMail(v *visit) error {
	id, err := v.pathID("message")
	if err != nil {
		return err
	}
	raw, err := v.tenant.Raw(v.ctx, id)
	if err != nil {
		return err
	}
	return v.serve("message/rfc822", "attachment", "mail-"+id.Short()+".eml", raw)
}

// serve writes a stranger's file: the browser is to guess nothing and trust
// nothing about it.
func (v *visit) serve(typ, disposition, name string, content []byte) error {
	if _, _, err := mime.ParseMediaType(typ); err != nil || strings.ContainsAny(typ, "\r\n") {
		typ = "application/octet-stream"
	}
	d := mime.FormatMediaType(disposition, map[string]string{"filename": plain(name)})
	if d == "" {
		d = disposition
	}
	h := v.w.Header()
	h.Set("Content-Security-Policy", filePolicy)
	h.Set("Content-Type", typ)
	h.Set("Content-Disposition", d)
	h.Set("Content-Length", strconv.Itoa(len(content)))
	_, err := v.w.Write(content)
	return err
}
