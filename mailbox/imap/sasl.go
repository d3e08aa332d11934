package imap

import (
	"context"
	"errors"

	"github.com/emersion/go-sasl"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

// errChallenge says that the server refused a token. It refuses with a
// challenge, to which the answer is an empty line; go-imap would send "=",
// which servers take for broken base64. So the exchange ends in this error and
// the connection is closed.
var errChallenge = errors.New("imap: the server refused the token")

// bearer is a SASL client for XOAUTH2 (developers.google.com/workspace/gmail/
// imap/xoauth2-protocol) and OAUTHBEARER (RFC 7628 section 3.1).
type bearer struct{ mech, first string }

// Start implements sasl.Client.
func (b bearer) Start() (mech string, ir []byte, err error) { return b.mech, []byte(b.first), nil }

// Next implements sasl.Client.
func (b bearer) Next([]byte) ([]byte, error) { return nil, errChallenge }

// login is the SASL mechanism LOGIN, which asks for two texts in turn. Servers
// word the questions differently, so they are not compared.
type login struct {
	username, password string
	asked              int
}

// Start implements sasl.Client.
func (l *login) Start() (mech string, ir []byte, err error) { return "LOGIN", nil, nil }

// Next implements sasl.Client.
func (l *login) Next([]byte) ([]byte, error) {
	l.asked++
	switch l.asked {
	case 1:
		return []byte(l.username), nil
	case 2:
		return []byte(l.password), nil
	}
	return nil, sasl.ErrUnexpectedServerChallenge
}

// tokenClient returns the SASL client for an account that has no password, and
// nil for one that has.
func (p *Provider) tokenClient(ctx context.Context, op string, a Account, s Server) (sasl.Client, error) {
	if a.Auth != AuthXOAUTH2 && a.Auth != AuthOAuthBearer {
		return nil, nil
	}
	if p.opts.Token == nil {
		return nil, fail(op, mailbox.Permanent, "Options.Token is not set", nil)
	}
	token, err := p.opts.Token(ctx, a)
	if err != nil {
		if e, ok := errors.AsType[*mailbox.Error](err); ok {
			return nil, &mailbox.Error{Op: op, Kind: e.Kind, Cause: "no token", RetryAfter: e.RetryAfter, Err: err}
		}
		return nil, &mailbox.Error{Op: op, Kind: mailbox.Transient, Cause: "no token", Err: err}
	}
	for i := range len(token) {
		if token[i] <= ' ' || token[i] > '~' {
			return nil, fail(op, mailbox.Permanent, "token is malformed", nil)
		}
	}
	if token == "" {
		return nil, fail(op, mailbox.Auth, "token is empty", nil)
	}
	if a.Auth == AuthXOAUTH2 {
		return bearer{"XOAUTH2", "user=" + a.username() + "\x01auth=Bearer " + token + "\x01\x01"}, nil
	}
	return bearer{"OAUTHBEARER", "n,a=" + a.username() + ",\x01host=" + s.Host +
		"\x01auth=Bearer " + token + "\x01\x01"}, nil
}
