package imap

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync"

	"github.com/emersion/go-imap/v2"
	smtp "github.com/emersion/go-smtp"
)

// Both libraries can upgrade by themselves, but carry state over from before
// TLS: go-imap keeps capabilities of the tagged answer, go-smtp drops what was
// injected behind it without a word. Here nothing read before the handshake
// has any effect after it (RFC 3501 section 11.1, RFC 3207 section 4.2).

var (
	errNoSTARTTLS = errors.New("imap: the server does not offer STARTTLS")
	errPreauth    = errors.New("imap: the server claims a login before TLS")
	errProtocol   = errors.New("imap: the server does not speak the protocol")
)

// maxPlain bounds what a server may send before TLS.
const maxPlain = 16 << 10

// lineConn reads lines byte by byte, so that a byte sent behind the last line
// is never buffered: it goes to the TLS handshake, which fails on it.
type lineConn struct {
	net.Conn
	left int
}

func (l *lineConn) line() (string, error) {
	var b []byte
	var one [1]byte
	for l.left > 0 {
		if _, err := io.ReadFull(l.Conn, one[:]); err != nil {
			return "", err
		}
		l.left--
		if one[0] == '\n' {
			return strings.TrimSuffix(string(b), "\r"), nil
		}
		b = append(b, one[0])
	}
	return "", errFlooded
}

func (l *lineConn) say(s string) error {
	_, err := l.Conn.Write([]byte(s + "\r\n"))
	return err
}

func imapProtocol() protocol {
	return protocol{upgrade: upgradeIMAP, greeting: "* OK secured\r\n"}
}

func upgradeIMAP(l *lineConn, _ string) error {
	greeting, err := l.line()
	if err != nil {
		return err
	}
	switch kind, text := imapStatus(greeting, "*"); kind {
	case "OK":
	case "PREAUTH":
		return errPreauth
	case "BYE", "NO", "BAD":
		return &imap.Error{Type: imap.StatusResponseType(kind), Text: text}
	default:
		return errProtocol
	}
	if err := l.say("S1 STARTTLS"); err != nil {
		return err
	}
	for {
		line, err := l.line()
		if err != nil {
			return err
		}
		switch kind, text := imapStatus(line, "S1"); kind {
		case "OK":
			return nil
		case "NO", "BAD":
			return errors.Join(errNoSTARTTLS, &imap.Error{Type: imap.StatusResponseType(kind), Text: text})
		}
		if !strings.HasPrefix(line, "* ") {
			return errProtocol
		}
	}
}

func imapStatus(line, tag string) (kind, text string) {
	rest, ok := strings.CutPrefix(line, tag+" ")
	if !ok {
		return "", ""
	}
	kind, text, _ = strings.Cut(rest, " ")
	return strings.ToUpper(kind), text
}

func smtpProtocol() protocol {
	return protocol{upgrade: upgradeSMTP, greeting: "220 secured\r\n"}
}

func upgradeSMTP(l *lineConn, hello string) error {
	if _, err := l.reply("220"); err != nil {
		return err
	}
	if err := l.say("EHLO " + hello); err != nil {
		return err
	}
	lines, err := l.reply("250")
	if err != nil {
		return err
	}
	offered := false
	for _, s := range lines {
		offered = offered || strings.EqualFold(s, "STARTTLS")
	}
	if !offered {
		return errNoSTARTTLS
	}
	if err := l.say("STARTTLS"); err != nil {
		return err
	}
	_, err = l.reply("220")
	return err
}

// reply reads an SMTP reply and returns the text of its lines.
func (l *lineConn) reply(want string) (lines []string, err error) {
	for {
		s, err := l.line()
		if err != nil {
			return nil, err
		}
		if len(s) < 3 || s[0] < '2' || s[0] > '5' || len(s) > 3 && s[3] != ' ' && s[3] != '-' {
			return nil, errProtocol
		}
		text := ""
		if len(s) > 4 {
			text = strings.TrimSpace(s[4:])
		}
		lines = append(lines, text)
		if len(s) > 3 && s[3] == '-' {
			continue
		}
		if s[:3] != want {
			return nil, parseReply(s[:3], text)
		}
		return lines, nil
	}
}

func parseReply(code, text string) error {
	e := &smtp.SMTPError{Message: text}
	for _, c := range code {
		if c < '0' || c > '9' {
			return errProtocol
		}
		e.Code = e.Code*10 + int(c-'0')
	}
	return e
}

// stream is the decrypted side of a connection. It keeps the end of what the
// server said, because the libraries discard what they cannot parse, and the
// reason for a throttle stands just there.
type stream struct {
	net.Conn
	pending []byte

	mu   sync.Mutex
	deaf bool
	tail []byte
}

const maxTail = 2 << 10

// Read implements net.Conn.
func (s *stream) Read(p []byte) (n int, err error) {
	if len(s.pending) > 0 {
		n = copy(p, s.pending)
		s.pending = s.pending[n:]
		return n, nil
	}
	n, err = s.Conn.Read(p)
	s.mu.Lock()
	if !s.deaf {
		s.tail = append(s.tail, p[:n]...)
		if over := len(s.tail) - maxTail; over > 0 {
			s.tail = append(s.tail[:0], s.tail[over:]...)
		}
	}
	s.mu.Unlock()
	return n, err
}

// listen forgets the tail and, where the exchange carries no mail, keeps the
// next one. The words of a mail must not pass for those of the server.
func (s *stream) listen(on bool) {
	s.mu.Lock()
	s.deaf, s.tail = !on, nil
	s.mu.Unlock()
}

func (s *stream) heard() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.tail)
}
