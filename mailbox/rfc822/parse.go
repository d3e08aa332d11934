package rfc822

import (
	"bytes"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// parser holds the state of reading one mail.
type parser struct {
	buf   []byte
	in    ticket.Inbound
	stack []string       // boundaries of open multiparts, outermost first
	open  map[string]int // boundary to its innermost level
	parts int
	hint  string // charset of the first text part, for raw bytes in the header
	names int    // names made up for attachments
	// locations maps a Content-Location to the index of its attachment.
	locations map[string]int
}

const (
	byteOrderMark = "\xef\xbb\xbf"
)

// ParseWith reads a mail (RFC 5322, RFC 2045 to 2049) that came with env. It
// never fails: what was wrong is in Defects, and Limited is set when a limit on
// structure kept some of the mail from being read. It keeps no reference to raw
// except in the Content of attachments, which must not be changed.
func ParseWith(raw []byte, env Envelope) ticket.Inbound {
	p := &parser{buf: raw, open: map[string]int{}}
	p.in.Kind = ticket.KindPerson
	p.prepare()
	root, _ := p.entity(0, 0, "text/plain", "")
	p.hint = textCharset(root)
	p.envelope(env)
	p.fields(root.header)
	p.content(root)
	classify(root, &p.in, env)
	p.authenticate(root.header, env)
	if len(root.header) == 0 && len(bytes.TrimSpace(root.body)) == 0 && len(root.children) == 0 {
		p.report(DefectEmpty, "no header and no body")
	}
	return p.in
}

// prepare brings the bytes into a form whose lines end in LF or CR LF and whose
// first line belongs to the header.
func (p *parser) prepare() {
	if len(p.buf) > maxRaw {
		p.buf = p.buf[:maxRaw]
		p.limit(DefectRawLimit, "mail over the size limit")
	}
	if bytes.HasPrefix(p.buf, []byte(byteOrderMark)) {
		p.buf = p.buf[len(byteOrderMark):]
		p.report(DefectByteOrderMark, "byte order mark before the header")
	}
	if bareCR(p.buf) {
		p.buf = bytes.ReplaceAll(bytes.ReplaceAll(p.buf, crlf, []byte("\n")), []byte("\r"), []byte("\n"))
		p.report(DefectLineEnds, "bare CR as line end")
	}
	// Empty lines before the first field are an accident of the transport.
	rest := bytes.TrimLeft(p.buf, "\r\n")
	if len(rest) < len(p.buf) {
		s := headerScan{}
		end, _ := lineEnd(rest, 0)
		if s.looksLikeField(rest[:end]) || bytes.HasPrefix(rest, []byte("From ")) {
			p.buf = rest
			p.report(DefectHeaderLine, "empty lines before the header")
		}
	}
	if bytes.IndexByte(p.buf, 0) >= 0 {
		p.report(DefectNul, "NUL bytes")
	}
}

// bareCR reports whether CR alone ends the lines of b. Some copies of such
// mails end in one LF that a tool has added.
func bareCR(b []byte) bool {
	i := bytes.IndexByte(b, '\r')
	if i < 0 || i+1 < len(b) && b[i+1] == '\n' || bytes.IndexByte(b[:i], '\n') >= 0 {
		return false
	}
	return bytes.Count(b, []byte("\n"))*3 < bytes.Count(b, []byte("\r"))
}

// single lists the fields that RFC 5322, section 3.6, allows once.
var single = [...]string{"From", "Sender", "Reply-To", "To", "Cc", "Subject", "Date",
	"Message-ID", "In-Reply-To", "References", "Content-Type", "Content-Transfer-Encoding"}

// fields reads the header of the mail.
func (p *parser) fields(h header) {
	for _, name := range single {
		if h.count(name) > 1 {
			p.report(DefectDuplicate, name)
		}
	}
	in := &p.in
	in.From = p.addresses(h.get("From"))
	in.ReplyTo = p.addresses(h.get("Reply-To"))
	in.To = p.addresses(h.get("To"))
	in.Cc = p.addresses(h.get("Cc"))
	if s := p.addresses(h.get("Sender")); len(s) > 0 {
		in.Sender = s[0]
	}
	switch {
	case len(in.From) == 0:
		p.report(DefectNoFrom, "no sender")
	case len(in.From) > 1 || h.count("From") > 1:
		p.report(DefectManyFrom, "several senders")
	}
	for _, name := range [...]string{"Delivered-To", "X-Original-To", "Envelope-To"} {
		p.delivered(h, name)
	}
	in.Subject = cutLine(p.text(h.get("Subject")), maxSubject)
	in.BaseSubject = BaseSubject(in.Subject)
	p.ids(h)
	in.Date = p.date(h.get("Date"))
	in.ListID = listID(p.text(h.get("List-Id")))
	in.Marker = cut(cleanLine(unfold(h.get("X-Helpdesk-Marker"))), maxMessageID)
}

func (p *parser) delivered(h header, name string) {
	for i := range h {
		if len(h[i].name) != len(name) || !equalFold(h[i].name, name) {
			continue
		}
		p.deliver(p.addresses(h[i].value))
	}
}

func hasAddress(list []ticket.Address, addr string) bool {
	for i := range list {
		if list[i].Addr == addr {
			return true
		}
	}
	return false
}
