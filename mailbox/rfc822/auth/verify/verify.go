// Package verify checks who sent a mail where no provider has done it: DKIM
// signatures (RFC 6376) and DMARC (RFC 7489), with look-ups of its own in the
// DNS. A host that wants it gives a [Verifier] to helpdesk.Config; who does not
// compiles nothing of it.
//
// What can be known after delivery is less than what the receiving provider
// knew: the address that SPF asks about is gone. So a mail with a valid
// signature of its sender's domain passes, and one without mostly remains
// unknown.
package verify

import (
	"bytes"
	"context"
	"net"
	"slices"
	"time"

	"github.com/emersion/go-msgauth/dkim"

	"github.com/helpdesk-go/helpdesk/mailbox/rfc822/auth"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// Resolver looks up TXT records, each with its strings joined. An error that is
// a *net.DNSError with IsNotFound says that there are none; any other says that
// nobody knows at the moment. It is safe for concurrent use. *net.Resolver is
// one.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

// Bounds on what one mail can cost.
const (
	usualTimeout  = 5 * time.Second
	usualLookups  = 20
	maxSignatures = 5
)

// Verifier checks mails. The zero value is ready to use, and a Verifier is safe
// for concurrent use as long as its fields do not change.
type Verifier struct {
	// Resolver is asked for keys and policies. It learns which domains write
	// to the mailbox. Nil is the resolver of the machine.
	Resolver Resolver
	// Timeout bounds the look-ups of one mail together; 0 means 5 seconds.
	Timeout time.Duration
	// Lookups is how many names are looked up for one mail; 0 means 20.
	Lookups int
	// WithoutSPF also fails mail without a valid signature of its sender's
	// domain if that domain asks to refuse what fails DMARC (p=quarantine or
	// p=reject), although SPF may have passed for it. Set it for a mailbox
	// whose provider checks nothing: it keeps forgers out, and with them honest
	// senders who rely on SPF alone, whose mail then opens tickets of its own.
	WithoutSPF bool
}

// Verify returns what is known about the sender of a mail that was read as in.
// What in.Auth has from a trusted hop about DMARC is not asked again; SPF and
// Warnings are kept. Results are the keywords of RFC 8601, section 2.7: the
// best of the signatures for DKIM; "none" where there is no signature or no
// policy, "temperror" where the DNS did not answer in time, and empty where
// only SPF could tell. It never fails and keeps nothing of raw. It blocks for at
// most Timeout on the DNS, and ends sooner when ctx does.
func (v *Verifier) Verify(ctx context.Context, raw []byte, in ticket.Inbound) ticket.Auth {
	out := in.Auth
	if out.Source == "header" && out.DMARC != "" {
		return out
	}
	timeout, lookups := v.Timeout, v.Lookups
	if timeout <= 0 {
		timeout = usualTimeout
	}
	if lookups <= 0 {
		lookups = usualLookups
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	dns := &asker{ctx: ctx, from: v.resolver(), left: lookups, known: map[string]answer{}}
	out.Source = "checked"
	shape, ok := survey(raw)
	if !ok {
		out.DKIM, out.DMARC = permError, permError
		return out
	}
	valid, word := signatures(raw, shape, dns)
	out.DKIM = word
	out.DMARC = v.dmarc(in, shape, valid, word, dns)
	return out
}

// resolver is the one path to the network.
func (v *Verifier) resolver() Resolver {
	if v.Resolver != nil {
		return v.Resolver
	}
	return net.DefaultResolver
}

// The keywords of RFC 8601, section 2.7.
const (
	none      = "none"
	pass      = "pass"
	fail      = "fail"
	tempError = "temperror"
	permError = "permerror"
)

// signatures returns the domains whose signatures are valid, and the best
// result of all.
func signatures(raw []byte, s shape, dns *asker) (valid []string, best string) {
	if s.signatures == 0 {
		return nil, none
	}
	checks, err := dkim.VerifyWithOptions(bytes.NewReader(raw), &dkim.VerifyOptions{LookupTXT: dns.lookup, MaxVerifications: maxSignatures})
	if err != nil && len(checks) == 0 {
		return nil, permError
	}
	order := []string{permError, tempError, fail, pass}
	best = permError
	for _, c := range checks {
		word := fail
		switch {
		case c == nil:
			continue
		case c.Err == nil:
			word = pass
			valid = append(valid, auth.Domain(c.Domain))
		case dkim.IsTempFail(c.Err):
			word = tempError
		case dkim.IsPermFail(c.Err):
			word = permError
		}
		if slices.Index(order, word) > slices.Index(order, best) {
			best = word
		}
	}
	return valid, best
}
