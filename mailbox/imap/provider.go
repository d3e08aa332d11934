package imap

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

// Options tune a [Provider]. The zero value is fit for use.
type Options struct {
	// Token returns a fresh access token for an account whose Auth is xoauth2
	// or oauthbearer. It is asked once per connection. An error of type
	// *mailbox.Error keeps its kind; any other is Transient.
	Token func(ctx context.Context, a Account) (string, error)
	// TLSConfig changes whom servers are verified against: RootCAs and
	// ServerName are taken from it and everything else is ignored, except
	// that InsecureSkipVerify makes Open fail.
	TLSConfig *tls.Config
	// Dial connects instead of a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// DenyPrivate refuses servers whose address is not on the public
	// internet. A host that lets its users name servers must set it, or they
	// reach its internal network. The address that was connected to counts,
	// not the name that was asked for.
	DenyPrivate bool
	// MaxMailSize bounds Fetch whatever the caller asks for. Zero means
	// 100 MiB.
	MaxMailSize int64
	// DialTimeout bounds connecting, without TLS and login. Zero means 30 s.
	DialTimeout time.Duration
	// CommandTimeout bounds each exchange with a server. What moves a mail
	// gets a second more for each 32 KiB. Zero means 60 s.
	CommandTimeout time.Duration
	// SubmitTimeout bounds the wait for the answer to a submitted mail. Zero
	// means 10 min, which is what RFC 5321 section 4.5.3.2.6 asks for; a
	// shorter one makes doubt out of slow servers.
	SubmitTimeout time.Duration
	// IdleSlice is how long Wait stays in one IDLE before it looks itself.
	// Zero means 5 min, below the limits of NATs and servers.
	IdleSlice time.Duration
	// PollInterval is how long Wait blocks where the server has no IDLE. Zero
	// means 1 min.
	PollInterval time.Duration
}

func (o Options) withDefaults() Options {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&o.DialTimeout, 30*time.Second)
	def(&o.CommandTimeout, time.Minute)
	def(&o.SubmitTimeout, 10*time.Minute)
	def(&o.IdleSlice, 5*time.Minute)
	def(&o.PollInterval, time.Minute)
	if o.MaxMailSize <= 0 {
		o.MaxMailSize = 100 << 20
	}
	return o
}

// Provider opens IMAP mailboxes. It implements [mailbox.Provider].
type Provider struct{ opts Options }

// New returns a Provider.
func New(o Options) *Provider { return &Provider{opts: o.withDefaults()} }

// Name implements mailbox.Provider.
func (p *Provider) Name() string { return ProviderName }

// Capabilities implements mailbox.Provider.
func (p *Provider) Capabilities() mailbox.Capabilities {
	return mailbox.Capabilities{FindSent: true, Files: true, Waits: true}
}

// Open implements mailbox.Provider. It logs in at the IMAP server; the SMTP
// server is connected to by each Send, see [Provider.Check].
func (p *Provider) Open(ctx context.Context, s mailbox.Session) (mailbox.Conn, error) {
	a, err := p.account(s.Account)
	if err != nil {
		return nil, err
	}
	c, err := p.login(ctx, a)
	if err != nil {
		return nil, err
	}
	c.intake = s.Intake
	return c, nil
}

// Check logs in at both servers of an account and out again, so that a person
// who connects a mailbox hears at once what is wrong. It sends no mail.
func (p *Provider) Check(ctx context.Context, a Account) error {
	if err := a.Validate(); err != nil {
		return invalid(err)
	}
	c, err := p.login(ctx, a)
	if err != nil {
		return err
	}
	defer c.Close()
	if a.SMTP.Host == "" {
		return nil
	}
	s, err := c.submit(ctx)
	if err != nil {
		e := asError(opOpen, err)
		return &mailbox.Error{Op: opOpen, Kind: e.Kind, Cause: e.Cause, RetryAfter: e.RetryAfter, Err: e.Err}
	}
	s.quit(ctx)
	return nil
}

func (p *Provider) account(stored []byte) (Account, error) {
	var a Account
	if err := a.UnmarshalBinary(stored); err != nil {
		return a, fail(opOpen, mailbox.Permanent, "account cannot be read", err)
	}
	if err := a.Validate(); err != nil {
		return a, invalid(err)
	}
	return a, nil
}

// invalid keeps the text of Validate, which names the field.
func invalid(err error) *mailbox.Error {
	return &mailbox.Error{Op: opOpen, Kind: mailbox.Permanent, Cause: "account is not valid", Err: err}
}
