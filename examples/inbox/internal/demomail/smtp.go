package demomail

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"io"
	"net/textproto"
	"strings"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Send gives a mail to the SMTP server, as anybody's mail program would.
func (w *World) Send(from string, to []string, raw []byte) error {
	c, err := smtp.Dial(w.smtpAddr)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if err := c.SendMail(from, to, bytes.NewReader(raw)); err != nil {
		return err
	}
	return c.Quit()
}

type backend struct{ w *World }

func (b backend) NewSession(*smtp.Conn) (smtp.Session, error) { return &letter{w: b.w}, nil }

// letter is one SMTP connection with the mail it is handing over.
type letter struct {
	w    *World
	user string
	from string
	to   []string
}

func (l *letter) AuthMechanisms() []string { return []string{sasl.Plain} }

func (l *letter) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != l.w.address || subtle.ConstantTimeCompare([]byte(password), []byte(l.w.password)) != 1 {
			return smtp.ErrAuthFailed
		}
		l.user = user
		return nil
	}), nil
}

func (l *letter) Reset()        { l.from, l.to = "", nil }
func (l *letter) Logout() error { return nil }

// Mail takes the sender. Anybody may be anybody here, except the mailbox.
func (l *letter) Mail(from string, _ *smtp.MailOptions) error {
	if strings.EqualFold(from, l.w.address) && l.user == "" {
		return smtp.ErrAuthRequired
	}
	l.from = from
	return nil
}

func (l *letter) Rcpt(to string, _ *smtp.RcptOptions) error {
	l.to = append(l.to, strings.ToLower(to))
	return nil
}

func (l *letter) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	now := time.Now()
	raw = complete(lines(raw), now)
	if l.from != "" && !strings.EqualFold(l.from, l.w.address) {
		l.w.keep(l.from, Mail{At: now, Sent: true, Raw: raw})
	}
	for _, to := range l.to {
		if to != l.w.address {
			l.w.keep(to, Mail{At: now, Raw: raw})
			continue
		}
		if err := l.w.intoInbox(raw, now); err != nil {
			return err
		}
	}
	return nil
}

// lines ends every line in CR LF: files written by hand end them in LF.
func lines(raw []byte) []byte {
	raw = bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(raw, []byte("\n"), []byte("\r\n"))
}

// complete adds the Date and Message-ID that a mail written by hand lacks, as
// a submission server does (RFC 6409, section 8).
func complete(raw []byte, now time.Time) []byte {
	head, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	has := map[string]bool{}
	for line := range bytes.Lines(head) {
		if k, _, ok := bytes.Cut(line, []byte(":")); ok {
			has[textproto.CanonicalMIMEHeaderKey(string(bytes.TrimSpace(k)))] = true
		}
	}
	add := ""
	if !has["Date"] {
		add += "Date: " + now.Format(time.RFC1123Z) + "\r\n"
	}
	if !has["Message-Id"] {
		add += fmt.Sprintf("Message-ID: <%s@localhost>\r\n", strings.ToLower(rand.Text()))
	}
	return append([]byte(add), raw...)
}
