package rfc822

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// Errors of [Build], wrapped in a [BuildError] that names the field.
var (
	ErrHeader      = errors.New("rfc822: value unfit for a mail header: remove control characters and keep to the form the field asks for")
	ErrNoRecipient = errors.New("rfc822: no recipient: fill To or Cc")
	ErrTooLarge    = errors.New("rfc822: mail too large: send fewer recipients, or fewer or smaller attachments")
)

// BuildError says which field of an [Outgoing] was refused. It never repeats
// the value, so it may be logged.
type BuildError struct {
	Field string // name of the field of Outgoing
	Err   error  // ErrHeader, ErrAddress, ErrNoRecipient or ErrTooLarge
}

// Error implements error.
func (e *BuildError) Error() string { return e.Err.Error() + " (" + e.Field + ")" }

// Unwrap returns the sentinel.
func (e *BuildError) Unwrap() error { return e.Err }

// File is an attachment of an [Outgoing].
type File struct {
	Name    string
	Type    string // media type without parameters; unknown ones become application/octet-stream
	Content []byte
	// Inline puts the file beside the HTML, which shows it as cid:ContentID.
	Inline    bool
	ContentID string // without brackets; needed for Inline
}

// Outgoing is a mail to build. There is no Bcc: such recipients belong to the
// envelope only.
type Outgoing struct {
	MessageID     string // without brackets
	From          ticket.Address
	To, Cc        []ticket.Address
	ReplyTo       []ticket.Address
	Subject       string
	InReplyTo     string
	References    []string // oldest first
	Date          time.Time
	Text          string
	HTML          string // made from Text when empty
	Attachments   []File
	AutoSubmitted string // "auto-replied" or "auto-generated" (RFC 3834), or empty
	Marker        string // value of X-Helpdesk-Marker, or empty
}

const (
	maxOutgoing   = 50 << 20 // bytes of a built mail
	maxRecipients = 500
	maxRefsCount  = 20  // ids written into References
	maxRefsBytes  = 900 // bytes of them
)

// Build writes a mail (RFC 5322, RFC 2045 to 2049, RFC 2047, RFC 2231). The
// same Outgoing gives the same bytes. Every line ends in CR LF and has at most
// 998 octets, and no value can add a header or end the message early: control
// characters in any of them are refused with a [BuildError].
func Build(o Outgoing) ([]byte, error) {
	w := &mailWriter{}
	if err := o.checkSize(); err != nil {
		return nil, err
	}
	w.headers(&o)
	w.body(&o)
	if w.err != nil {
		return nil, w.err
	}
	out := w.buf.Bytes()
	if len(out) > maxOutgoing {
		return nil, &BuildError{"Attachments", ErrTooLarge}
	}
	if !wireSafe(out) {
		return nil, &BuildError{"Text", ErrHeader}
	}
	return out, nil
}

func (o *Outgoing) checkSize() error {
	total := len(o.Text) + len(o.HTML)
	for i := range o.Attachments {
		total += len(o.Attachments[i].Content) / 3 * 4
	}
	if total > maxOutgoing {
		return &BuildError{"Attachments", ErrTooLarge}
	}
	if len(o.To)+len(o.Cc) == 0 {
		return &BuildError{"To", ErrNoRecipient}
	}
	if len(o.To)+len(o.Cc)+len(o.ReplyTo) > maxRecipients || len(o.Attachments) > maxAttachments {
		return &BuildError{"To", ErrTooLarge}
	}
	return nil
}

// wireSafe is the last check before bytes leave: nothing in them can look like
// a line end that is none, whatever server reads them.
func wireSafe(b []byte) bool {
	if bytes.IndexByte(b, 0) >= 0 || bytes.Count(b, []byte("\r")) != bytes.Count(b, crlf) || bytes.Count(b, []byte("\n")) != bytes.Count(b, crlf) {
		return false
	}
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n')
		if i < 0 || i > 999 {
			return i < 0 && len(b) <= 998
		}
		b = b[i+1:]
	}
	return true
}

// mailWriter collects the mail; the first error stays.
type mailWriter struct {
	buf  bytes.Buffer
	err  error
	seed [32]byte
	n    int // boundaries so far
}

func (w *mailWriter) fail(field string, err error) {
	if w.err == nil {
		w.err = &BuildError{field, err}
	}
}

func (w *mailWriter) headers(o *Outgoing) {
	if o.Date.IsZero() || o.Date.UTC().Year() < 1900 || o.Date.UTC().Year() > 9999 {
		w.fail("Date", ErrHeader)
	}
	if !writableID(o.MessageID) {
		w.fail("MessageID", ErrHeader)
	}
	w.seed = sha256.Sum256([]byte(o.MessageID))
	w.line("Date", o.Date.UTC().Format("Mon, 02 Jan 2006 15:04:05 -0700"))
	w.line("From", w.address("From", o.From))
	w.list("Reply-To", "ReplyTo", o.ReplyTo)
	w.list("To", "To", o.To)
	w.list("Cc", "Cc", o.Cc)
	w.check("Subject", o.Subject)
	w.line("Subject", encodeText(cleanLine(o.Subject)))
	w.line("Message-ID", "<"+o.MessageID+">")
	w.threading(o)
	if o.AutoSubmitted != "" {
		if !isToken(o.AutoSubmitted) || len(o.AutoSubmitted) > 60 {
			w.fail("AutoSubmitted", ErrHeader)
		}
		w.line("Auto-Submitted", o.AutoSubmitted)
		// Exchange goes by a header of its own ([MS-OXCMAIL], 2.2.3.2.14).
		w.line("X-Auto-Response-Suppress", "All")
	}
	if o.Marker != "" {
		if !writableID(o.Marker) {
			w.fail("Marker", ErrHeader)
		}
		w.line("X-Helpdesk-Marker", o.Marker)
	}
	w.line("MIME-Version", "1.0")
}

// check refuses values with characters no header may carry.
func (w *mailWriter) check(field, v string) {
	if !utf8.ValidString(v) {
		w.fail(field, ErrHeader)
	}
	for _, r := range v {
		if unicode.IsControl(r) && r != '\t' {
			w.fail(field, ErrHeader)
		}
	}
}

func (w *mailWriter) line(name, value string) { foldLine(&w.buf, name, value) }

func (w *mailWriter) list(name, field string, list []ticket.Address) {
	if len(list) == 0 {
		return
	}
	items := make([]string, len(list))
	for i, a := range list {
		items[i] = w.address(field, a)
	}
	w.line(name, strings.Join(items, ", "))
}

// address writes one mailbox. Mail servers outside know plain addresses only:
// quoted and non-ASCII local parts, and those that look like an option of a
// command, are refused.
func (w *mailWriter) address(field string, a ticket.Address) string {
	w.check(field, a.Name)
	addr, ok := normalAddr(a.Addr)
	local, domain, _ := strings.Cut(addr, "@")
	if !ok || strings.ContainsAny(a.Addr, " \t:") || strings.IndexByte(local, '"') >= 0 || local[0] == '-' || len(local) > 64 || !isASCII([]byte(local)) {
		w.fail(field, ErrAddress)
		return ""
	}
	if !isASCII([]byte(domain)) {
		ascii, err := idna.Lookup.ToASCII(domain)
		if err != nil || !validDomain(ascii) {
			w.fail(field, ErrAddress)
			return ""
		}
		domain = ascii
	}
	name := cutLine(a.Name, maxDisplayName)
	if name == "" {
		return local + "@" + domain
	}
	return encodePhrase(name) + " <" + local + "@" + domain + ">"
}

func (w *mailWriter) boundary() string {
	w.n++
	// "=_" occurs in no base64 and no quoted-printable text.
	return "=_" + hex.EncodeToString(w.seed[:12]) + strconv.Itoa(w.n)
}

// body writes mixed(alternative(text, related(html, inline...)), files...).
func (w *mailWriter) body(o *Outgoing) {
	text, doc := cleanBody(o.Text), cleanBody(o.HTML)
	if doc == "" {
		doc = "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"></head><body>\n" + TextToHTML(text).String() + "\n</body></html>\n"
	} else if strings.TrimSpace(text) == "" {
		text = HTMLToText(doc)
	}
	var inline, files []*File
	for i := range o.Attachments {
		f := &o.Attachments[i]
		w.checkFile(f)
		if f.Inline {
			inline = append(inline, f)
		} else {
			files = append(files, f)
		}
	}
	if len(files) == 0 {
		w.alternative(text, doc, inline)
		return
	}
	b := w.boundary()
	w.line("Content-Type", `multipart/mixed; boundary="`+b+`"`)
	w.next(b)
	w.alternative(text, doc, inline)
	for _, f := range files {
		w.next(b)
		w.file(f)
	}
	w.end(b)
}

func (w *mailWriter) next(b string) { w.buf.WriteString("\r\n--" + b + "\r\n") }
func (w *mailWriter) end(b string)  { w.buf.WriteString("\r\n--" + b + "--\r\n") }

func (w *mailWriter) alternative(text, doc string, inline []*File) {
	b := w.boundary()
	w.line("Content-Type", `multipart/alternative; boundary="`+b+`"`)
	w.next(b)
	w.leaf("text/plain", text)
	w.next(b)
	if len(inline) == 0 {
		w.leaf("text/html", doc)
	} else {
		r := w.boundary()
		w.line("Content-Type", `multipart/related; type="text/html"; boundary="`+r+`"`)
		w.next(r)
		w.leaf("text/html", doc)
		for _, f := range inline {
			w.next(r)
			w.file(f)
		}
		w.end(r)
	}
	w.end(b)
}

func (w *mailWriter) leaf(typ, s string) {
	w.line("Content-Type", typ+"; charset=utf-8")
	foreign := 0
	for i := range len(s) {
		if s[i] >= 0x80 {
			foreign++
		}
	}
	if foreign > len(s)/3 {
		w.line("Content-Transfer-Encoding", "base64")
		w.buf.WriteString("\r\n")
		w.base64([]byte(strings.ReplaceAll(s, "\n", "\r\n")))
		return
	}
	w.line("Content-Transfer-Encoding", "quoted-printable")
	w.buf.WriteString("\r\n")
	writeQuoted(&w.buf, s)
}

// base64 writes lines of 76 characters.
func (w *mailWriter) base64(b []byte) {
	var line [78]byte
	for len(b) > 0 {
		n := min(len(b), 57)
		base64.StdEncoding.Encode(line[:], b[:n])
		m := base64.StdEncoding.EncodedLen(n)
		line[m], line[m+1] = '\r', '\n'
		w.buf.Write(line[:m+2])
		b = b[n:]
	}
}

func (w *mailWriter) checkFile(f *File) {
	w.check("Attachments", f.Name)
	w.check("Attachments", f.Type)
	if f.ContentID != "" && !writableID(f.ContentID) || f.Inline && f.ContentID == "" {
		w.fail("Attachments", ErrHeader)
	}
}

func (w *mailWriter) file(f *File) {
	w.line("Content-Type", fileType(f.Type))
	w.line("Content-Transfer-Encoding", "base64")
	disposition := "attachment"
	if f.Inline {
		disposition = "inline"
	}
	w.line("Content-Disposition", disposition+"; "+encodeFilename(safeName(f.Name)))
	if f.ContentID != "" {
		w.line("Content-ID", "<"+f.ContentID+">")
	}
	w.buf.WriteString("\r\n")
	w.base64(f.Content)
}

// fileType returns a media type that may be base64 encoded (RFC 2046, section
// 5 forbids it for composite types).
func fileType(typ string) string {
	typ, _, _ = strings.Cut(lowerASCII(typ), ";")
	typ = strings.TrimSpace(typ)
	major, minor, ok := strings.Cut(typ, "/")
	if !ok || !isToken(major) || !isToken(minor) || major == "multipart" || major == "message" || len(typ) > 127 {
		return "application/octet-stream"
	}
	return typ
}
