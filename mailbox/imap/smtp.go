package imap

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/emersion/go-sasl"
	smtp "github.com/emersion/go-smtp"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

// submission is an authenticated SMTP connection.
type submission struct {
	c  *conn
	g  *guard
	cl *smtp.Client
}

// Send implements mailbox.Conn with one connection per mail. What fails before
// the final dot was not sent, nor what the server refuses in answer to it.
// Without such an answer nobody knows, and the error is not Unsent.
func (c *conn) Send(ctx context.Context, o mailbox.Outgoing) (mailbox.Receipt, error) {
	raw := normalise(o.Raw)
	if err := checkOutgoing(o); err != nil {
		return mailbox.Receipt{}, unsent(err)
	}
	if c.stopped() {
		return mailbox.Receipt{}, unsent(fail(opSend, mailbox.Transient, "connection is closed", errClosed))
	}
	if c.acct.SMTP.Host == "" {
		return mailbox.Receipt{}, unsent(fail(opSend, mailbox.Unsupported, "account has no SMTP server", nil))
	}
	s, err := c.submit(ctx)
	if err != nil {
		return mailbox.Receipt{}, unsent(err)
	}
	defer s.g.Close()
	defer c.track(nil)
	refused, err := s.envelope(ctx, o, raw)
	if err != nil {
		return mailbox.Receipt{}, unsent(err)
	}
	text, err := s.data(ctx, raw)
	if err != nil {
		return mailbox.Receipt{}, err
	}
	s.quit(ctx)
	return mailbox.Receipt{
		MessageID: rewrittenID(text, o.MessageID, c.acct.SMTP.Host), Refused: refused,
		Filed: c.acct.FilesSent || filesItself(c.acct.smtpServer().Host),
	}, nil
}

// track makes Close end a submission in flight.
func (c *conn) track(g *guard) {
	c.mu.Lock()
	c.smtp = g
	c.mu.Unlock()
	if g != nil && c.stopped() {
		g.kill(errClosed)
	}
}

// submit connects to the SMTP server and authenticates.
func (c *conn) submit(ctx context.Context) (*submission, error) {
	server := c.acct.smtpServer()
	token, err := c.p.tokenClient(ctx, opSend, c.acct, server)
	if err != nil {
		return nil, err
	}
	hello := c.acct.helloName()
	g, st, err := c.p.connect(ctx, opSend, server, smtpProtocol(), hello)
	if err != nil {
		return nil, err
	}
	c.track(g)
	s := &submission{c: c, g: g, cl: smtp.NewClient(st)}
	err = s.do(ctx, 0, func(cl *smtp.Client) error {
		if err := cl.Hello(hello); err != nil {
			return err
		}
		return cl.Auth(s.mechanism(token))
	})
	if err != nil {
		if e := asError(opSend, err); e.Kind == mailbox.Permanent && !s.hasAuth() {
			err = fail(opSend, mailbox.Permanent, "server offers no login", nil)
		}
		g.Close()
		return nil, err
	}
	return s, nil
}

func (s *submission) hasAuth() bool {
	ok, _ := s.cl.Extension("AUTH")
	return ok
}

func (s *submission) mechanism(token sasl.Client) sasl.Client {
	a := s.c.acct
	switch {
	case token != nil:
		return token
	case a.Auth == AuthPlain, a.Auth == "" && (s.cl.SupportsAuth("PLAIN") || !s.cl.SupportsAuth("LOGIN")):
		return sasl.NewPlainClient("", a.username(), a.Password)
	default:
		return &login{username: a.username(), password: a.Password}
	}
}

// do runs commands within one deadline and classifies what went wrong.
func (s *submission) do(ctx context.Context, extra time.Duration, f func(*smtp.Client) error) error {
	end := s.g.begin(ctx, s.c.p.opts.CommandTimeout+extra, smtpBudget)
	defer end()
	if err := f(s.cl); err != nil {
		return s.classify(err)
	}
	return nil
}

// smtpBudget bounds the replies to a few commands. A reply has 512 octets by
// RFC 5321 section 4.5.3.1.5, an EHLO a line for each extension.
const smtpBudget = 64 << 10

func (s *submission) classify(err error) *mailbox.Error {
	if e, ok := errors.AsType[*mailbox.Error](err); ok {
		return e
	}
	if e, ok := errors.AsType[*smtp.SMTPError](err); ok {
		return classifyReply(opSend, e)
	}
	if errors.Is(err, errChallenge) {
		return fail(opSend, mailbox.Auth, "login refused", err)
	}
	s.g.kill(errClosed)
	if e := classifyGuard(opSend, s.g); e != nil {
		return e
	}
	return fail(opSend, mailbox.Transient, "connection lost", err)
}

// envelope announces sender and recipients. It fails unless the server accepts
// at least one of them.
func (s *submission) envelope(ctx context.Context, o mailbox.Outgoing, raw []byte) (refused []int, err error) {
	if limit, ok := s.cl.MaxMessageSize(); ok && limit > 0 && len(raw) > limit {
		return nil, fail(opSend, mailbox.TooLarge, "mail is larger than the server takes", nil)
	}
	opts := &smtp.MailOptions{Size: int64(len(raw)), UTF8: needsUTF8(o, raw)}
	if ok, _ := s.cl.Extension("SMTPUTF8"); opts.UTF8 && !ok {
		return nil, fail(opSend, mailbox.Permanent, "server takes no addresses or headers beyond ASCII", nil)
	}
	if ok, _ := s.cl.Extension("8BITMIME"); !ok && !is7bit(raw) {
		return nil, fail(opSend, mailbox.Permanent, "server takes no 8-bit mail", nil)
	}
	if err := s.do(ctx, 0, func(cl *smtp.Client) error { return cl.Mail(o.From, opts) }); err != nil {
		return nil, err
	}
	var last *mailbox.Error
	for i, to := range o.To {
		err := s.do(ctx, 0, func(cl *smtp.Client) error { return s.recipient(cl, to) })
		if err == nil {
			continue
		}
		e := asError(opSend, err)
		if !errors.Is(err, errRecipient) {
			return nil, e // the connection or the whole mail, not this recipient
		}
		refused = append(refused, i)
		if last == nil || e.Kind != mailbox.Permanent {
			last = e // what passes by itself decides for all
		}
	}
	if len(refused) == len(o.To) {
		return nil, last
	}
	return refused, nil
}

// errRecipient marks an error as about one recipient.
var errRecipient = errors.New("imap: recipient refused")

func (s *submission) recipient(cl *smtp.Client, to string) error {
	err := cl.Rcpt(to, nil)
	e, ok := errors.AsType[*smtp.SMTPError](err)
	if !ok || e.Code == 421 {
		return err
	}
	kind := mailbox.Permanent
	if e.Temporary() {
		kind = classifyReply(opSend, e).Kind
	}
	return &mailbox.Error{Op: opSend, Kind: kind, Cause: "recipient refused", Err: errRecipient}
}

// data transmits the mail and waits for the verdict.
func (s *submission) data(ctx context.Context, raw []byte) (text string, err error) {
	var w *smtp.DataCommand
	extra := time.Duration(len(raw)/slowest) * time.Second
	err = s.do(ctx, extra, func(cl *smtp.Client) error {
		var err error
		if w, err = cl.Data(); err != nil {
			return err
		}
		_, err = w.Write(raw)
		return err
	})
	if err != nil {
		return "", unsent(err)
	}
	if err := ctx.Err(); err != nil {
		return "", unsent(fail(opSend, mailbox.Transient, "cancelled", err))
	}
	// From here on the mail may be on its way.
	s.cl.SubmissionTimeout = s.c.p.opts.SubmitTimeout
	end := s.g.begin(ctx, s.c.p.opts.SubmitTimeout, smtpBudget)
	defer end()
	r, err := w.CloseWithResponse()
	if err == nil {
		return r.StatusText, nil
	}
	if e, ok := errors.AsType[*smtp.SMTPError](err); ok {
		switch e.Code / 100 {
		case 2:
			return e.Message, nil
		case 4, 5:
			return "", unsent(classifyReply(opSend, e))
		}
	}
	e := s.classify(err)
	return "", &mailbox.Error{Op: opSend, Kind: mailbox.Transient, Cause: "no answer to the mail", Err: e.Err}
}

// quit says goodbye. Whether the server heard it changes nothing.
func (s *submission) quit(ctx context.Context) {
	end := s.g.begin(ctx, min(s.c.p.opts.CommandTimeout, leaveTime), smtpBudget)
	defer end()
	_ = s.cl.Quit()
}

// unsent marks an error as proof that nothing was sent.
func unsent(err error) error {
	e := *asError(opSend, err)
	e.Unsent = true
	return &e
}

// classifyReply sorts replies by code (RFC 5321 section 4.2) and enhanced code
// (RFC 3463).
func classifyReply(op string, e *smtp.SMTPError) *mailbox.Error {
	enhanced := strings.Trim(strings.ReplaceAll(fmt.Sprint(e.EnhancedCode), " ", "."), "[]")
	if e.EnhancedCode == smtp.EnhancedCodeNotSet {
		enhanced = ""
	}
	if e.Code/100 == 4 || e.Code == 550 {
		if t := throttled(op, e.Message); t != nil {
			return t
		}
	}
	switch {
	case e.Code == 530, e.Code == 534, e.Code == 535, e.Code == 538, strings.HasPrefix(enhanced, "5.7.8"), enhanced == "5.7.9":
		return fail(op, mailbox.Auth, "login refused", nil)
	case e.Code == 432, strings.HasPrefix(enhanced, "4.7."):
		return &mailbox.Error{Op: op, Kind: mailbox.Throttled, Cause: "server limits requests", RetryAfter: pauseThrottled}
	case enhanced == "5.4.5", strings.Contains(e.Message, "SubmissionQuotaExceeded"):
		return &mailbox.Error{Op: op, Kind: mailbox.Throttled, Cause: "sending limit is used up", RetryAfter: pauseQuota}
	case strings.HasSuffix(enhanced, ".3.4"), e.Code == 552 && enhanced != "5.2.2":
		return fail(op, mailbox.TooLarge, "server refuses the size", nil)
	case e.Code/100 == 4:
		return fail(op, mailbox.Transient, "server refuses for now", nil)
	case e.Code/100 == 5:
		return fail(op, mailbox.Permanent, "server refuses", nil)
	}
	return fail(op, mailbox.Transient, "server does not speak the protocol", errProtocol)
}

// is7bit reports whether b is ASCII.
func is7bit(b []byte) bool { return bytes.IndexFunc(b, func(r rune) bool { return r >= 0x80 }) < 0 }
