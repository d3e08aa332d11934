package rfc822

import (
	"slices"
	"strings"

	"github.com/helpdesk-go/helpdesk/mailbox/rfc822/auth"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// warn names what the header itself says against its sender.
func (p *parser) warn(h header, env Envelope) {
	in := &p.in
	c := auth.Claim{
		From: in.From, ReplyTo: in.ReplyTo, FromFields: h.count("From"), Names: p.rawNames(h),
		Known: known(env, in), Verified: in.Auth.DMARC == "pass",
	}
	// Lists and machines have envelopes of their own by nature.
	if in.ListID == "" && in.Kind == ticket.KindPerson {
		c.ReturnPath = env.ReturnPath
		if c.ReturnPath == "" {
			c.ReturnPath = cut(unfold(h.get("Return-Path")), maxMessageID)
		}
	}
	for _, w := range auth.Warnings(c) {
		if !slices.Contains(in.Auth.Warnings, w) {
			in.Auth.Warnings = append(in.Auth.Warnings, w)
		}
	}
}

// rawNames decodes the fields that name the sender without cleaning them, where
// they could hold anything to clean.
func (p *parser) rawNames(h header) []string {
	var out []string
	scratch := parser{hint: p.hint} // its defects are known already
	for i := range h {
		if f := &h[i]; equalFold(f.name, "From") || equalFold(f.name, "Sender") || equalFold(f.name, "Reply-To") {
			v := unfold(f.value)
			if len(out) < maxAddresses && (strings.Contains(v, "=?") || !isASCII([]byte(v))) {
				out = append(out, scratch.words(cut(v, maxNames)))
			}
		}
	}
	return out
}

// maxNames bounds how much of a field is looked through for hidden characters.
const maxNames = 16 << 10

// known are those whom the sender may want to be taken for: whoever the
// provider's side names, and the other people in the mail.
func known(env Envelope, in *ticket.Inbound) []string {
	if len(in.From) == 0 {
		return nil
	}
	out := slices.Clone(env.Known)
	for _, list := range [...][]ticket.Address{in.To, in.Cc} {
		for _, a := range list[:min(len(list), maxKnown)] {
			out = append(out, a.Addr)
		}
	}
	return out
}

// maxKnown bounds how many recipients a sender is compared with.
const maxKnown = 20
