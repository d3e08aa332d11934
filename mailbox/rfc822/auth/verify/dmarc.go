package verify

import (
	"errors"
	"slices"
	"strings"

	"github.com/emersion/go-msgauth/dmarc"

	"github.com/helpdesk-go/helpdesk/mailbox/rfc822/auth"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// dmarc decides about the address that is shown as the sender.
func (v *Verifier) dmarc(in ticket.Inbound, s shape, valid []string, word string, dns *asker) string {
	// RFC 7489, section 6.6.1: of several senders nothing can be said. And the
	// one that was signed must be the one that is shown.
	if len(in.From) != 1 || slices.Contains(in.Auth.Warnings, ticket.WarnSeveralFrom) || !s.signs(in.From[0].Addr) {
		return permError
	}
	from := auth.Domain(in.From[0].Addr)
	rec, inherited, err := policy(from, dns)
	switch {
	case errors.Is(err, errNone):
		return none
	case errors.Is(err, errTemporary):
		return tempError
	case err != nil:
		return permError
	}
	for _, d := range valid {
		if aligned(d, from, rec.DKIMAlignment) {
			return pass
		}
	}
	if word == tempError {
		return tempError // the missing key may be the one
	}
	asks := rec.Policy
	if inherited && rec.SubdomainPolicy != "" {
		asks = rec.SubdomainPolicy
	}
	switch in.Auth.SPF {
	case "", pass, tempError: // it may have passed for this domain
		if v.WithoutSPF && (asks == dmarc.PolicyQuarantine || asks == dmarc.PolicyReject) {
			return fail
		}
		return ""
	}
	return fail
}

// aligned compares identifiers (RFC 7489, section 3.1.1). Both are as in the
// DNS.
func aligned(signer, from string, mode dmarc.AlignmentMode) bool {
	if signer == "" || mode == dmarc.AlignmentStrict {
		return signer != "" && signer == from
	}
	return auth.Organisation(signer) == auth.Organisation(from)
}

var (
	errNone = errors.New("verify: no policy")
	errForm = errors.New("verify: the policy cannot be read")
)

// policy finds the policy for a domain: its own, or that of its organisation,
// in which case it is inherited (RFC 7489, section 6.6.3).
func policy(domain string, dns *asker) (rec *dmarc.Record, inherited bool, err error) {
	if !strings.Contains(domain, ".") {
		return nil, false, errNone
	}
	rec, err = record(domain, dns)
	if org := auth.Organisation(domain); errors.Is(err, errNone) && org != domain {
		rec, err = record(org, dns)
		inherited = true
	}
	return rec, inherited, err
}

// record reads the policy that one name publishes. Two are none.
func record(domain string, dns *asker) (*dmarc.Record, error) {
	texts, err := dns.lookup("_dmarc." + domain)
	switch {
	case notFound(err):
		return nil, errNone
	case err != nil:
		return nil, errTemporary
	}
	texts = slices.DeleteFunc(slices.Clone(texts), func(s string) bool { return !isPolicy(s) })
	if len(texts) != 1 {
		return nil, errNone
	}
	rec, err := dmarc.Parse(essential(texts[0]))
	if err != nil {
		return nil, errForm
	}
	return rec, nil
}

func isPolicy(s string) bool {
	v, version, ok := strings.Cut(firstTag(s), "=")
	return ok && strings.TrimSpace(v) == "v" && strings.TrimSpace(version) == "DMARC1"
}

func firstTag(s string) string {
	tag, _, _ := strings.Cut(s, ";")
	return tag
}

// essential keeps the tags that decide. The others are about reports, and a
// mistake in them changes nothing (RFC 7489, section 6.3).
func essential(s string) string {
	out := "v=DMARC1"
	for tag := range strings.SplitSeq(strings.ToLower(s), ";") {
		name, value, _ := strings.Cut(tag, "=")
		switch name = strings.TrimSpace(name); name {
		case "p", "sp", "adkim", "aspf":
			out += ";" + name + "=" + strings.TrimSpace(value)
		}
	}
	return out
}
