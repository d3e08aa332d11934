package rfc822

import (
	"strings"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// maxHops is how many Received fields a mail may have before it counts as one
// that goes round. RFC 5321, section 6.3, asks for at least 100 before a server
// gives up; mail for people stays below half of that.
const maxHops = 50

// classify labels a mail and says what the label rests on. A label steers what
// answers automatically and never drops anything. X-Auto-Response-Suppress is
// not asked: it says what the sender does not want, not what it is.
func classify(root *part, in *ticket.Inbound, env Envelope) {
	in.Kind, in.KindEvidence = ticket.KindPerson, nil
	h := root.header
	// The marker of a reply may come back in an answer; only automatic mail of
	// ours is a notification.
	if in.Marker != "" && autoSubmitted(h, "auto-generated") {
		in.Kind, in.KindEvidence = ticket.KindOwn, []string{"x-helpdesk-marker", "auto-submitted"}
		return
	}
	if ev := complaintEvidence(root); len(ev) > 0 {
		in.Kind, in.KindEvidence = ticket.KindComplaint, ev
		return
	}
	auto := autoEvidence(h)
	if ev := bounceEvidence(root, in, env); len(ev) > 0 {
		in.Kind, in.KindEvidence = ticket.KindBounce, ev
		in.Bounce = readBounce(root, in)
		return
	}
	if ev := loopEvidence(h, in); len(ev) > 0 {
		in.Kind, in.KindEvidence = ticket.KindLoop, ev
		return
	}
	away := awayEvidence(in, len(auto) > 0)
	if len(auto) > 0 && len(away) > 0 || len(away) > 1 {
		in.Kind, in.KindEvidence = ticket.KindOutOfOffice, append(auto, away...)
		return
	}
	if len(auto) > 0 {
		in.Kind, in.KindEvidence = ticket.KindAutoReply, auto
		return
	}
	if ev := listEvidence(h); len(ev) > 0 {
		in.Kind, in.KindEvidence = ticket.KindList, ev
	}
}

// autoEvidence follows RFC 3834, section 5, and its predecessors.
func autoEvidence(h header) (ev []string) {
	if h.get("Auto-Submitted") != nil && !autoSubmitted(h, "no") {
		ev = append(ev, "auto-submitted")
	}
	for _, name := range [...]string{"X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Auto-Reply", "X-AutoReply-From"} {
		if v := fieldValue(h, name); v != "" && v != "no" {
			ev = append(ev, lowerASCII(name))
		}
	}
	switch fieldValue(h, "Precedence") {
	case "auto_reply", "auto-reply", "autoreply":
		ev = append(ev, "precedence")
	}
	if v := fieldValue(h, "Content-Type"); strings.Contains(v, "disposition-notification") && strings.HasPrefix(v, "multipart/report") {
		ev = append(ev, "disposition-notification")
	}
	return ev
}

func listEvidence(h header) (ev []string) {
	for _, name := range [...]string{"List-Id", "List-Post", "List-Unsubscribe"} {
		if h.get(name) != nil {
			ev = append(ev, lowerASCII(name))
		}
	}
	switch fieldValue(h, "Precedence") {
	case "list", "bulk", "junk":
		ev = append(ev, "precedence")
	}
	return ev
}

// loopEvidence reads the traces that relays leave: an X-Loop that names a
// recipient, one delivery more than twice, or too many hops.
func loopEvidence(h header, in *ticket.Inbound) (ev []string) {
	hops, seen := 0, map[string]int{}
	for i := range h {
		switch {
		case equalFold(string(h[i].name), "Received"):
			hops++
		case equalFold(string(h[i].name), "Delivered-To"):
			seen[strings.ToLower(strings.TrimSpace(unfold(h[i].value)))]++
		case equalFold(string(h[i].name), "X-Loop"):
			v := strings.ToLower(strings.TrimSpace(unfold(h[i].value)))
			if v != "" && (hasAddress(in.Delivered, v) || hasAddress(in.To, v)) && h.get("List-Id") == nil {
				ev = append(ev, "x-loop")
			}
		}
	}
	for addr, n := range seen {
		if n > 2 && addr != "" {
			ev = append(ev, "delivered-to")
			break
		}
	}
	if hops > maxHops {
		ev = append(ev, "received")
	}
	return ev
}

// fieldValue returns a field folded to lower case, without blanks around it.
func fieldValue(h header, name string) string {
	return lowerASCII(strings.TrimSpace(unfold(h.get(name))))
}

func autoSubmitted(h header, value string) bool {
	v, _, _ := strings.Cut(unfold(h.get("Auto-Submitted")), ";")
	return strings.EqualFold(strings.TrimSpace(v), value)
}
