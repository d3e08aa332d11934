package helpdesk

import (
	"slices"

	"github.com/helpdesk-go/helpdesk/mailbox/rfc822/auth"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// verdict is what the checks of a mail say about its From: DMARC alone speaks
// about that address (RFC 7489, section 3.1), and only if there is one.
func verdict(a ticket.Auth) ticket.Verdict {
	switch {
	case ambiguous(a):
		return ticket.VerdictFail
	case a.Source == "":
		return ticket.VerdictUnknown
	case a.DMARC == "pass":
		return ticket.VerdictPass
	case a.DMARC == "fail":
		return ticket.VerdictFail
	}
	return ticket.VerdictUnknown
}

// ambiguous reports whether it is open who sent a mail.
func ambiguous(a ticket.Auth) bool { return slices.Contains(a.Warnings, ticket.WarnSeveralFrom) }

// warnOfLookAlikes marks the senders whose domain reads like one that was in the
// conversation before them. At intake nobody can tell: the addresses of a ticket
// are sealed, and what is hashed does not look like anything.
func warnOfLookAlikes(msgs []Message) {
	var known []string
	for i := range msgs {
		m := &msgs[i]
		if m.Direction == ticket.In && len(m.From) > 0 && auth.LookAlike(m.From[0].Addr, known) &&
			!slices.Contains(m.Auth.Warnings, ticket.WarnLookAlike) {
			m.Auth.Warnings = append(m.Auth.Warnings, ticket.WarnLookAlike)
		}
		for _, list := range [...][]Address{m.From, m.To, m.Cc} {
			for _, a := range list {
				if len(known) < knownMost && !slices.Contains(known, a.Addr) {
					known = append(known, a.Addr)
				}
			}
		}
	}
}

// knownMost bounds whom a sender is compared with.
const knownMost = 50
