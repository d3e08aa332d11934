package imap

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/emersion/go-imap/v2"
	smtp "github.com/emersion/go-smtp"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

// The contract's verbs, for mailbox.Error.Op.
const (
	opOpen     = "open"
	opChanges  = "changes"
	opFetch    = "fetch"
	opSend     = "send"
	opFindSent = "find-sent"
	opFile     = "file"
	opWait     = "wait"
)

func fail(op string, kind mailbox.Kind, cause string, err error) *mailbox.Error {
	return &mailbox.Error{Op: op, Kind: kind, Cause: cause, Err: harmless(err)}
}

// harmless keeps of an error what errors.Is is asked for. The rest holds words
// of the server and addresses, and types of the protocol libraries.
func harmless(err error) error {
	keep := []error{
		context.Canceled, context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF, os.ErrDeadlineExceeded,
		errSilent, errFlooded, errClosed, errPrivate, errPlaintext, errSkip, errNoSTARTTLS, errPreauth, errProtocol,
		errChallenge, errIncomplete, errEnvelope, errRefused,
	}
	for _, k := range keep {
		if errors.Is(err, k) {
			return k
		}
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno
	}
	return nil
}

// asError returns err as *mailbox.Error.
func asError(op string, err error) *mailbox.Error {
	if e, ok := errors.AsType[*mailbox.Error](err); ok {
		return e
	}
	return fail(op, mailbox.Transient, "connection failed", err)
}

// classifyDial explains why no connection came about.
func classifyDial(ctx context.Context, op string, err error) *mailbox.Error {
	var dns *net.DNSError
	switch {
	case ctx.Err() != nil:
		return fail(op, mailbox.Transient, "cancelled", ctx.Err())
	case errors.Is(err, errPrivate):
		return fail(op, mailbox.Permanent, "server is not on the public internet", err)
	case errors.Is(err, errPlaintext):
		return fail(op, mailbox.Permanent, "plaintext is for loopback alone", err)
	case errors.As(err, &dns) && dns.IsNotFound:
		return fail(op, mailbox.Transient, "host not found", err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fail(op, mailbox.Transient, "connection refused", err)
	}
	return fail(op, mailbox.Transient, "cannot connect", err)
}

// classifyConnect explains why a connection could not be secured.
func classifyConnect(op string, g *guard, err error) *mailbox.Error {
	if e := classifyGuard(op, g); e != nil {
		return e
	}
	if e := classifyTLS(op, err); e != nil {
		return e
	}
	if e, ok := errors.AsType[*imap.Error](err); ok {
		if t := throttled(op, string(e.Code)+" "+e.Text); t != nil {
			return t
		}
	}
	switch {
	case errors.Is(err, errNoSTARTTLS):
		return fail(op, mailbox.Permanent, "server does not offer STARTTLS", err)
	case errors.Is(err, errPreauth):
		return fail(op, mailbox.Permanent, "server claims a login before TLS", err)
	case errors.Is(err, errProtocol):
		return fail(op, mailbox.Transient, "server does not speak the protocol", err)
	case errors.Is(err, errFlooded):
		return fail(op, mailbox.Transient, "server sent too much", err)
	}
	if e, ok := errors.AsType[*smtp.SMTPError](err); ok {
		return classifyReply(op, e)
	}
	return fail(op, mailbox.Transient, "connection lost", err)
}

func classifyTLS(op string, err error) *mailbox.Error {
	var (
		host    x509.HostnameError
		expired x509.CertificateInvalidError
		cert    *tls.CertificateVerificationError
		record  tls.RecordHeaderError
		remote  *net.OpError
	)
	cause := ""
	switch {
	case errors.As(err, &host):
		cause = "tls: certificate does not match"
	case errors.As(err, &expired) && expired.Reason == x509.Expired:
		cause = "tls: certificate has expired"
	case errors.As(err, &cert):
		cause = "tls: certificate is not trusted"
	case errors.As(err, &record):
		cause = "tls: server does not speak it here"
	case errors.As(err, &remote) && (remote.Op == "remote error" || remote.Op == "local error"),
		err != nil && strings.HasPrefix(err.Error(), "tls: "):
		cause = "tls: handshake refused"
	default:
		return nil
	}
	return fail(op, mailbox.Permanent, cause, err)
}

func classifyGuard(op string, g *guard) *mailbox.Error {
	switch why := g.why(); {
	case why == nil:
		return nil
	case errors.Is(why, errSilent):
		return fail(op, mailbox.Transient, "server did not answer in time", why)
	case errors.Is(why, errFlooded):
		return fail(op, mailbox.Transient, "server sent too much", why)
	case errors.Is(why, errClosed):
		return nil
	default:
		return fail(op, mailbox.Transient, "cancelled", why)
	}
}

// classify explains why an IMAP command failed.
func (c *conn) classify(op string, err error) *mailbox.Error {
	if e, ok := errors.AsType[*mailbox.Error](err); ok {
		return e
	}
	if e, ok := errors.AsType[*imap.Error](err); ok && e.Type != imap.StatusResponseTypeBye {
		return classifyStatus(op, e)
	}
	// The connection is unusable now; whatever the library lost of the
	// sentence that explains it is in the tail.
	c.g.kill(errClosed)
	if e := classifyGuard(op, c.g); e != nil {
		return e
	}
	heard := c.st.heard()
	if t := throttled(op, heard); t != nil {
		return t
	}
	switch {
	case errors.Is(err, errChallenge):
		return fail(op, mailbox.Auth, "login refused", err)
	case strings.Contains(strings.ToUpper(heard), `OK [ERROR="`):
		// Exchange Online says OK to a login that is not one.
		return &mailbox.Error{Op: op, Kind: mailbox.Throttled, Cause: "server cannot serve the mailbox now",
			RetryAfter: pauseThrottled}
	case c.stopped():
		return fail(op, mailbox.Transient, "connection is closed", errClosed)
	}
	return fail(op, mailbox.Transient, "connection lost", err)
}

// classifyStatus sorts tagged refusals by response code (RFC 5530).
func classifyStatus(op string, e *imap.Error) *mailbox.Error {
	if t := throttled(op, string(e.Code)+" "+e.Text); t != nil {
		return t
	}
	switch imap.ResponseCode(strings.ToUpper(string(e.Code))) {
	case imap.ResponseCodeAuthenticationFailed, imap.ResponseCodeAuthorizationFailed,
		imap.ResponseCodeExpired, imap.ResponseCodePrivacyRequired, imap.ResponseCodeContactAdmin, "WEBALERT":
		return fail(op, mailbox.Auth, "login refused", nil)
	case imap.ResponseCodeLimit:
		return &mailbox.Error{Op: op, Kind: mailbox.Throttled, Cause: "server limits requests", RetryAfter: pauseThrottled}
	case imap.ResponseCodeOverQuota:
		if op == opFile {
			return fail(op, mailbox.Permanent, "mailbox is full", nil)
		}
		return &mailbox.Error{Op: op, Kind: mailbox.Throttled, Cause: "quota is used up", RetryAfter: pauseQuota}
	case imap.ResponseCodeNonExistent, imap.ResponseCodeTryCreate:
		return fail(op, mailbox.NotFound, "folder is not there", nil)
	case imap.ResponseCodeTooBig:
		return fail(op, mailbox.TooLarge, "server refuses the size", nil)
	case imap.ResponseCodeNoPerm:
		return fail(op, mailbox.Auth, "right is missing", nil)
	case imap.ResponseCodeUnavailable, imap.ResponseCodeInUse, imap.ResponseCodeServerBug:
		return fail(op, mailbox.Transient, "server is unavailable", nil)
	}
	if op == opOpen && e.Type == imap.StatusResponseTypeNo {
		return fail(op, mailbox.Auth, "login refused", nil)
	}
	return fail(op, mailbox.Transient, "server refused the command", errRefused)
}

// errRefused: the server said NO and not why.
var errRefused = errors.New("imap: the server refused a command without a reason")

const (
	pauseThrottled    = time.Minute
	pauseNotConnected = 5 * time.Minute
	pauseQuota        = time.Hour
	maxPause          = 24 * time.Hour
)

// backoff matches what Exchange Online says beside "Request is throttled".
var backoff = regexp.MustCompile(`(?i)suggested backoff time:\s*(\d{1,12})\s*milliseconds`)

// throttled recognises the words with which servers ask for a pause, and
// returns nil for all others.
func throttled(op, text string) *mailbox.Error {
	e := &mailbox.Error{Op: op, Kind: mailbox.Throttled, Cause: "server limits requests"}
	if m := backoff.FindStringSubmatch(text); m != nil {
		ms, _ := strconv.ParseInt(m[1], 10, 64) // at most 12 digits
		e.RetryAfter = min(time.Duration(ms)*time.Millisecond, maxPause)
		return e
	}
	text = strings.ToLower(text)
	switch {
	case strings.Contains(text, "authenticated but not connected"):
		e.Cause, e.RetryAfter = "login works but the mailbox is not available", pauseNotConnected
	case strings.Contains(text, "throttl"), strings.Contains(text, "too many simultaneous connections"),
		strings.Contains(text, "too many login"), strings.Contains(text, "rate limit"):
		e.RetryAfter = pauseThrottled
	default:
		return nil
	}
	return e
}
