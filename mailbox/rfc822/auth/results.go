// Package auth tells what is known about the authenticity of a mail's sender:
// what the receiving provider wrote into Authentication-Results (RFC 8601).
// Everybody can write such a field, so only those of the trusted hop count.
package auth

import (
	"net/netip"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// Bounds on what is read of one mail.
const (
	maxFields = 200
	maxValue  = 16 << 10
)

// Field is a header field of a mail. Value may be folded.
type Field struct{ Name, Value string }

// Trust says whose Authentication-Results is believed. The zero value believes
// nobody.
type Trust struct {
	// AuthservIDs are the identifiers (RFC 8601, section 2.2) that the
	// receiving provider writes, compared without case. One that begins with a
	// dot stands for all that end in it, for providers that name each host.
	AuthservIDs []string
	// Unnamed is set for a provider that writes the field without an
	// identifier, as Microsoft does.
	Unnamed bool
	// Hosts are the domains, with what is below them, of the provider's own
	// hosts in Received fields. Empty means the organisational domains of
	// AuthservIDs.
	Hosts []string
}

// Results reads the header of a mail, its fields from the top. It believes the
// fields that name a trusted identifier and stand above the Received field with
// which the provider took the mail from outside. If there is none, it is the
// first Authentication-Results below that and above the next Received, because
// all further ones may be the sender's. Where the mail seems never to have left the provider, it
// believes the topmost field alone.
//
// from is the domain or address that is shown as the sender. When DMARC was
// asked about another one, the provider and we have read different senders out
// of one header, and the warning is [ticket.WarnSeveralFrom]. Results is a pure
// function and never fails: what cannot be read is not known.
func Results(fields []Field, trust Trust, from string) ticket.Auth {
	var found verdicts
	var top *verdicts // of the topmost believed field
	crossed, inside := false, false
	for i, f := range fields {
		if i == maxFields {
			break
		}
		switch {
		case strings.EqualFold(f.Name, "Received"):
			if crossed {
				return found.auth(from)
			}
			crossed = !trust.internal(f.Value)
			if crossed && top != nil || crossed && !trust.receives(clause(f.Value, "by")) {
				return found.auth(from)
			}
			inside = true
		case strings.EqualFold(f.Name, "Authentication-Results"):
			if len(f.Value) <= maxValue {
				if id, all, ok := parse(f.Value); ok && trust.believes(id) {
					found.merge(all)
					if top == nil {
						first := found
						top = &first
					}
				}
			}
			if crossed {
				return found.auth(from)
			}
		}
	}
	switch {
	case crossed:
		return found.auth(from)
	case inside && top != nil:
		// Each Received names the provider's own hosts, as between two of its
		// customers, or its sender said so.
		return top.auth(from)
	}
	return ticket.Auth{} // without any Received nothing tells the provider's fields from others
}

func (t Trust) believes(id string) bool {
	if id == "" {
		return t.Unnamed
	}
	for _, want := range t.AuthservIDs {
		under := len(want) > 1 && want[0] == '.' && len(id) > len(want)
		if strings.EqualFold(id, want) || under && strings.EqualFold(id[len(id)-len(want):], want) {
			return true
		}
	}
	return false
}

// internal reports whether a Received field is a step inside the provider.
func (t Trust) internal(received string) bool {
	by, from := clause(received, "by"), clause(received, "from")
	return t.receives(by) && (from == "" || t.ours(from))
}

// receives is ours for the host that took the mail: there a bare IP address is
// an inner host too, which is how Gmail writes them.
func (t Trust) receives(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil || t.ours(host)
}

// ours reports whether a host is the provider's by its name.
func (t Trust) ours(host string) bool {
	host = strings.ToLower(strings.Trim(host, "."))
	hosts := t.Hosts
	if len(hosts) == 0 {
		for _, id := range t.AuthservIDs {
			id = strings.TrimPrefix(id, ".")
			org, err := publicsuffix.EffectiveTLDPlusOne(strings.ToLower(id))
			if err != nil {
				org = id
			}
			hosts = append(hosts, org)
		}
	}
	for _, h := range hosts {
		h = strings.ToLower(h)
		if h != "" && (host == h || strings.HasSuffix(host, "."+h)) {
			return true
		}
	}
	return false
}

// clause returns the word after from or by of a Received field, outside of
// comments.
func clause(received, name string) string {
	s := scanner{s: received[:min(len(received), maxValue)]}
	for {
		word, ok := s.word()
		if !ok {
			return ""
		}
		if strings.EqualFold(word, name) {
			next, _ := s.word()
			return next
		}
	}
}

// verdicts gathers results by method.
type verdicts struct{ spf, dkim, dmarc, from string }

// merge adds what one field says. Of two results of SPF or DMARC the worse
// counts; of several signatures one that passes is enough.
func (v *verdicts) merge(all []result) {
	for _, r := range all {
		switch r.method {
		case "spf":
			v.spf = worse(v.spf, r.value)
		case "dmarc":
			v.dmarc = worse(v.dmarc, r.value)
			if v.from == "" {
				v.from = r.from
			}
		case "dkim":
			if v.dkim == "" || r.value == "pass" {
				v.dkim = r.value
			}
		}
	}
}

func worse(a, b string) string {
	if a == "" || a == "pass" {
		return b
	}
	return a
}

func (v verdicts) auth(from string) ticket.Auth {
	a := ticket.Auth{SPF: v.spf, DKIM: v.dkim, DMARC: v.dmarc}
	if v.spf+v.dkim+v.dmarc != "" {
		a.Source = "header"
	}
	if from != "" && v.from != "" && Organisation(from) != Organisation(v.from) {
		a.Warnings = []string{ticket.WarnSeveralFrom}
	}
	return a
}
