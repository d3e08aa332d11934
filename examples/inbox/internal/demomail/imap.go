package demomail

import (
	"bytes"
	"crypto/subtle"
	"io"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
)

// session is one IMAP connection. It is the library's own but for the
// UIDVALIDITY, which there is the same after every start.
type session struct {
	*imapmemserver.UserSession // nil before the login
	world                      *World
}

// Login implements imapserver.Session.
func (s *session) Login(user, password string) error {
	if user != s.world.address || subtle.ConstantTimeCompare([]byte(password), []byte(s.world.password)) != 1 {
		return imapserver.ErrAuthFailed
	}
	s.UserSession = imapmemserver.NewUserSession(s.world.user)
	return nil
}

// Select implements imapserver.Session.
func (s *session) Select(name string, o *imap.SelectOptions) (*imap.SelectData, error) {
	d, err := s.UserSession.Select(name, o)
	if err == nil {
		d.UIDValidity = s.world.validity
	}
	return d, err
}

// Status implements imapserver.Session.
func (s *session) Status(name string, o *imap.StatusOptions) (*imap.StatusData, error) {
	d, err := s.UserSession.Status(name, o)
	if err == nil && d.UIDValidity != 0 {
		d.UIDValidity = s.world.validity
	}
	return d, err
}

// Append implements imapserver.Session.
func (s *session) Append(name string, r imap.LiteralReader, o *imap.AppendOptions) (*imap.AppendData, error) {
	d, err := s.UserSession.Append(name, r, o)
	if err == nil {
		d.UIDValidity = s.world.validity
	}
	return d, err
}

// Copy implements imapserver.Session.
func (s *session) Copy(set imap.NumSet, dest string) (*imap.CopyData, error) {
	d, err := s.UserSession.Copy(set, dest)
	if err == nil {
		d.UIDValidity = s.world.validity
	}
	return d, err
}

// intoInbox puts a mail into the IMAP mailbox; whoever waits there with IDLE
// hears of it at once.
func (w *World) intoInbox(raw []byte, at time.Time) error {
	_, err := w.user.Append("INBOX", literal{bytes.NewReader(raw), int64(len(raw))}, &imap.AppendOptions{Time: at})
	return err
}

type literal struct {
	io.Reader
	size int64
}

func (l literal) Size() int64 { return l.size }
