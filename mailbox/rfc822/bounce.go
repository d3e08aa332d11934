package rfc822

import (
	"strings"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// maxReport is how much of a report is read. The reason for a bounce stands
// before the mail that it returns.
const maxReport = 128 << 10

// maxBounced is how many recipients of a bounce are kept.
const maxBounced = 200

// bounceEvidence follows RFC 3464 and the senders that do not: one strong sign
// is enough, a weak one needs a second.
func bounceEvidence(root *part, in *ticket.Inbound, env Envelope) []string {
	var strong, weak []string
	h := root.header
	if root.declared == "multipart/report" && equalFold(root.params.get("report-type"), "delivery-status") {
		strong = append(strong, "multipart/report")
	}
	eachLeaf(root, func(pt *part) {
		if isStatus(pt) && !contains(strong, "delivery-status") {
			strong = append(strong, "delivery-status")
		}
	})
	if h.get("X-Failed-Recipients") != nil {
		strong = append(strong, "x-failed-recipients")
	}
	if daemon(in, h) {
		weak = append(weak, "from")
	}
	if nullSender(h, env) {
		weak = append(weak, "return-path")
	}
	robot := noReply(in)
	if len(strong) == 0 && len(weak) == 0 && !robot {
		return nil
	}
	if isFailureText(strings.ToLower(in.Subject)) {
		weak = append(weak, "subject")
	}
	if isFailureText(strings.ToLower(cut(in.Text, maxAwayText))) {
		weak = append(weak, "text")
	}
	if autoSubmitted(h, "auto-replied") && len(strong) == 0 && !contains(weak, "from") {
		return nil
	}
	switch {
	case robot && len(strong) == 0 && len(weak) < 3 && !contains(weak, "from") && !contains(weak, "return-path"):
		// Shops and banks write from such addresses, of what was rejected too:
		// all of it has to say failure.
		if len(weak) == 2 && isFailureReport(in) || contains(weak, "text") && returnsMail(root) {
			return append(weak, "from")
		}
		return nil
	case len(strong) > 0 || len(weak) > 1:
		return append(strong, weak...)
	}
	// A daemon that says nothing known still is one, and so is the null sender
	// where nothing tells that a program answers for a person (RFC 3834).
	if mailerDaemon(in) || contains(weak, "return-path") && len(autoEvidence(h)) == 0 && len(awayEvidence(in, true)) == 0 && !answers(h, in) {
		return weak
	}
	return nil
}

// answers reports the signs that lists, and responders on what they write for a
// person, leave, and servers do not on their reports: RFC 2919, RFC 3834,
// sections 3.1.5, 3.1.8 and 5.
func answers(h header, in *ticket.Inbound) bool {
	if h.get("List-Id") != nil {
		return true
	}
	switch fieldValue(h, "Precedence") {
	case "bulk", "junk":
		return true
	}
	_, replied := cutPrefix(in.Subject, replyWords)
	return replied || len(in.InReplyTo) > 0
}

func isStatus(pt *part) bool {
	return pt.declared == "message/delivery-status" || pt.declared == "message/global-delivery-status"
}

// mailerDaemon reports the one sender that never is a person.
func mailerDaemon(in *ticket.Inbound) bool {
	if len(in.From) == 0 {
		return false
	}
	local, _, _ := strings.Cut(in.From[0].Addr, "@")
	return strings.HasPrefix(lowerASCII(local), "mailer-daemon") || lowerASCII(local) == "mailerdaemon"
}

// noReply reports a sender that programs of all kinds use.
func noReply(in *ticket.Inbound) bool {
	if len(in.From) == 0 {
		return false
	}
	local, _, _ := strings.Cut(lowerASCII(in.From[0].Addr), "@")
	switch local {
	case "no-reply", "noreply", "donotreply", "do-not-reply", "staff", "administrator":
		return true
	}
	return false
}

// returnsMail reports whether a part is another mail.
func returnsMail(root *part) (yes bool) {
	eachLeaf(root, func(pt *part) {
		yes = yes || pt.declared == "message/rfc822" || pt.declared == "text/rfc822-headers"
	})
	return yes
}

// isFailureReport reports text that names a recipient and what a server said.
func isFailureReport(in *ticket.Inbound) bool {
	text := strings.ToLower(cut(in.Text, maxAwayText))
	return strings.Contains(text, "@") && (findStatus(text) != "" || has(text, hardWords()) || has(text, []string{"following recipient", "following address", "recipient(s)", "permanent error", "smtp"}))
}

// daemon reports whether the sender has the name of a mail server's own mail.
func daemon(in *ticket.Inbound, h header) bool {
	if mailerDaemon(in) {
		return true
	}
	if len(in.From) == 0 {
		v := fieldValue(h, "From")
		return strings.Contains(v, "daemon") || strings.Contains(v, "postmaster") || v == "<>"
	}
	local, _, _ := strings.Cut(lowerASCII(in.From[0].Addr), "@")
	switch local {
	case "postmaster", "post_master", "post-master", "mail-daemon", "maildaemon", "mdaemon", "system-administrator", "mailsystem":
		return true
	}
	name := lowerASCII(in.From[0].Name)
	for _, s := range [...]string{"mail delivery", "postmaster", "mailer-daemon", "mail administrator", "system administrator", "mail system", "undeliver", "delivery status"} {
		if strings.Contains(name, s) {
			return true
		}
	}
	return strings.Contains(local, "daemon") || strings.Contains(local, "postmaster") || strings.Contains(local, "bounce")
}

// report is what the parts of a bounce say, apart from the mail they return.
type report struct {
	status   []string // message/delivery-status, decoded
	text     string   // the words for people
	original string   // what came back of the mail
}

// readReport sorts the parts. A bounce inside the returned mail is part of that
// and says nothing about this one.
func readReport(root *part) report {
	var r report
	var p parser
	var text strings.Builder
	eachLeaf(root, func(pt *part) {
		if text.Len() > maxReport {
			return
		}
		body := pt.body
		if len(body) > maxReport {
			c := *pt
			c.body = body[:maxReport]
			pt = &c
		}
		s, _ := decodeCharset(p.decodeTransfer(pt), pt.charset)
		switch {
		case isStatus(pt):
			if len(r.status) < maxBounced {
				r.status = append(r.status, s)
			}
		case pt.declared == "message/rfc822", pt.declared == "message/global", pt.declared == "text/rfc822-headers",
			pt.declared == "message/rfc822-headers", pt.declared == "message/partial":
			if r.original == "" {
				r.original = s
			}
		case pt.typ == "text/html":
			text.WriteString(HTMLToText(s) + "\n")
		case strings.HasPrefix(pt.typ, "text/"), strings.HasPrefix(pt.typ, "message/"):
			text.WriteString(s + "\n")
		}
	})
	r.text = text.String()
	if head, tail, ok := splitOriginal(r.text); ok {
		r.text = head
		if r.original == "" {
			r.original = tail
		}
	}
	return r
}

// readBounce takes from a report who did not get the mail and why.
func readBounce(root *part, in *ticket.Inbound) *ticket.Bounce {
	r := readReport(root)
	b := &ticket.Bounce{OriginalMessageID: originalID(r.original)}
	c := bounceCollector{b: b, in: in, text: strings.ToLower(r.text), at: map[string]int{}}
	for _, s := range r.status {
		c.status(s)
	}
	if len(b.Recipients) == 0 {
		c.status(r.text) // the parts are broken, the fields are there
	}
	if len(b.Recipients) == 0 {
		for i := range root.header {
			if equalFold(string(root.header[i].name), "X-Failed-Recipients") {
				for a := range strings.SplitSeq(unfold(root.header[i].value), ",") {
					c.add(cleanRecipient(a), "", "failed", "")
				}
			}
		}
	}
	if len(b.Recipients) == 0 {
		c.freeText(r.text)
	}
	if len(b.Recipients) == 0 {
		c.add(cleanRecipient(fieldOf(r.original, "to")), "", "failed", "")
	}
	return b
}

// originalID finds the Message-ID among the header lines of what came back.
func originalID(s string) string {
	return cleanID(strings.Trim(strings.TrimSpace(fieldOf(s, "message-id")), "<>"))
}

// fieldOf returns the first field of that name in the lines of s.
func fieldOf(s, name string) string {
	found := ""
	for line := range strings.Lines(s) {
		line = strings.TrimRight(line, "\r\n")
		if found != "" {
			break
		}
		k, v, ok := strings.Cut(strings.TrimLeft(line, " \t>"), ":")
		if ok && equalFold(k, name) {
			found = strings.TrimSpace(v)
			if found == "" {
				found = " "
			}
			continue
		}
	}
	return strings.TrimSpace(found)
}
