package auth

import (
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"
	"golang.org/x/text/unicode/norm"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// Claim is what a mail says about its sender. It is a claim because everybody
// can write it.
type Claim struct {
	// From and ReplyTo are the addresses of these fields, as they are shown.
	From, ReplyTo []ticket.Address
	// FromFields is how many From fields the header has.
	FromFields int
	// Names is the decoded text of the fields that name a sender, before the
	// characters that deceive were taken out of it.
	Names []string
	// ReturnPath is the sender of the envelope; empty and "<>" say nothing.
	ReturnPath string
	// Known are addresses or domains that the reader trusts: those of the
	// mailbox and of people in the same mail. Only what resembles one of them
	// is a look-alike.
	Known []string
	// Verified is set when DMARC passes: then it is no news that the envelope
	// names somebody else.
	Verified bool
}

// maxCompared bounds how many addresses of each sort are looked at.
const maxCompared = 50

// Warnings names what a reader should know before he trusts the sender, each
// once and in a fixed order. It is a pure function; a warning is a reason to
// look twice, never one to refuse a mail.
func Warnings(c Claim) []string {
	var out []string
	warn := func(name string, is bool) {
		if is {
			out = append(out, name)
		}
	}
	from := c.From[:min(len(c.From), maxCompared)]
	warn(ticket.WarnSeveralFrom, len(c.From) > 1 || c.FromFields > 1)
	warn(ticket.WarnNameIsAddress, slices.ContainsFunc(from, namesAnother))
	warn(ticket.WarnHiddenCharacters, slices.ContainsFunc(c.Names, hidden))
	warn(ticket.WarnMixedScripts, slices.ContainsFunc(from, func(a ticket.Address) bool {
		return mixedName(a.Name) || mixedDomain(domainOf(a.Addr))
	}))
	warn(ticket.WarnPunycode, slices.ContainsFunc(from, func(a ticket.Address) bool { return encoded(domainOf(a.Addr)) }))
	warn(ticket.WarnLookAlike, slices.ContainsFunc(from, func(a ticket.Address) bool { return LookAlike(a.Addr, c.Known) }))
	if len(from) > 0 {
		warn(ticket.WarnReplyToDiffers, slices.ContainsFunc(c.ReplyTo[:min(len(c.ReplyTo), maxCompared)], func(a ticket.Address) bool {
			return elsewhere(from[0].Addr, a.Addr)
		}))
		warn(ticket.WarnEnvelopeDiffers, !c.Verified && elsewhere(from[0].Addr, strings.Trim(c.ReturnPath, "<> ")))
	}
	return out
}

// Domain returns the domain of an address as it stands in the DNS, in lower
// case, or "". What has no @ is a domain.
func Domain(addr string) string { return ascii(domainOf(addr)) }

// domainOf returns what stands behind the last @, in lower case; all of it
// where there is none.
func domainOf(addr string) string {
	return strings.ToLower(strings.Trim(addr[strings.LastIndexByte(addr, '@')+1:], " ."))
}

// Organisation returns the organisational domain (RFC 7489, section 3.2) of an
// address or domain, in the form of [Domain].
func Organisation(addr string) string {
	domain := Domain(addr)
	if domain == "" {
		return ""
	}
	if org, err := publicsuffix.EffectiveTLDPlusOne(domain); err == nil {
		return org
	}
	return domain
}

// elsewhere reports whether two addresses belong to different organisations.
func elsewhere(a, b string) bool {
	if !strings.Contains(a, "@") || !strings.Contains(b, "@") {
		return false
	}
	x, y := domainOf(a), domainOf(b)
	return x != y && x != "" && y != "" && Organisation(x) != Organisation(y)
}

// namesAnother reports whether a display name holds an address that is not the
// real one.
func namesAnother(a ticket.Address) bool {
	if !strings.ContainsAny(a.Name, "@＠﹫") {
		return false
	}
	// Full-width letters and the like read as what they are folded to.
	name := strings.ToLower(norm.NFKC.String(a.Name))
	for _, w := range strings.FieldsFunc(name, betweenAddresses) {
		w = strings.Trim(w, ".'*_-")
		at := strings.LastIndexByte(w, '@')
		if at <= 0 || !strings.Contains(w[at:], ".") || strings.HasPrefix(w[at+1:], ".") {
			continue
		}
		if w != strings.ToLower(a.Addr) {
			return true
		}
	}
	return false
}

func betweenAddresses(r rune) bool {
	return r <= ' ' || strings.ContainsRune(`"<>()[]{},;:|/\`, r) || r == '\u00a0' || r == '\u3000'
}
