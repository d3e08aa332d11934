package rfc822

import (
	"strings"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// kindOf labels a mail by its header: version 1 of the rules. A label steers
// what answers automatically and never drops anything. X-Auto-Response-Suppress
// is not asked: it says what the sender does not want, not what it is.
func kindOf(root *part, in *ticket.Inbound) ticket.Kind {
	h := root.header
	if isBounce(root, in) {
		return ticket.KindBounce
	}
	precedence := strings.ToLower(unfold(h.get("Precedence")))
	if isAutoReply(h, precedence) {
		return ticket.KindAutoReply
	}
	if h.get("List-Id") != nil || precedence == "list" || precedence == "bulk" {
		return ticket.KindList
	}
	return ticket.KindPerson
}

// isBounce follows RFC 3464 and the senders that do not.
func isBounce(root *part, in *ticket.Inbound) bool {
	h := root.header
	if root.declared == "multipart/report" && strings.EqualFold(root.params.get("report-type"), "delivery-status") {
		return true
	}
	for _, c := range root.children {
		if c.typ == "message/delivery-status" || c.typ == "message/global-delivery-status" {
			return true
		}
	}
	if h.get("X-Failed-Recipients") != nil || unfold(h.get("Return-Path")) == "<>" {
		return !autoSubmitted(h, "auto-replied")
	}
	if len(in.From) == 0 {
		return false
	}
	local, _, _ := strings.Cut(in.From[0].Addr, "@")
	return local == "mailer-daemon" || local == "postmaster"
}

// isAutoReply follows RFC 3834, section 5, and its predecessors.
func isAutoReply(h header, precedence string) bool {
	if v := h.get("Auto-Submitted"); v != nil && !autoSubmitted(h, "no") {
		return true
	}
	return precedence == "auto_reply" || h.get("X-Autoreply") != nil || h.get("X-Autorespond") != nil
}

func autoSubmitted(h header, value string) bool {
	v, _, _ := strings.Cut(unfold(h.get("Auto-Submitted")), ";")
	return strings.EqualFold(strings.TrimSpace(v), value)
}
