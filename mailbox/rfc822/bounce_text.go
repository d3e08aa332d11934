package rfc822

import (
	"cmp"
	"strings"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// bounceCollector gathers the recipients of a bounce, each once.
type bounceCollector struct {
	b    *ticket.Bounce
	in   *ticket.Inbound
	text string // the words for people in lower case
	at   map[string]int
}

func (c *bounceCollector) add(addr, status, action, why string) {
	if addr == "" || len(c.b.Recipients) >= maxBounced {
		return
	}
	if _, ok := c.at[addr]; ok {
		return
	}
	if why = strings.ToLower(why); why == "" {
		why = c.beside(addr)
	}
	if status == "" || strings.HasSuffix(status, ".0.0") {
		status = cmp.Or(findStatus(why), status)
	}
	if status == "" && len(c.at) == 0 {
		status = findStatus(c.text)
	}
	c.at[addr] = len(c.b.Recipients)
	hard := action != "delayed" && action != "delivered" && action != "relayed" && action != "expanded" &&
		isHard(status, why, c.text)
	c.b.Recipients = append(c.b.Recipients, ticket.BouncedRecipient{Address: addr, Status: status, Action: action, Hard: hard})
}

// beside returns what the words for people say about an address: its line and
// those after it, up to the next address that leads one.
func (c *bounceCollector) beside(addr string) string {
	i := strings.LastIndex(c.text, addr)
	if i < 0 {
		return ""
	}
	i = strings.LastIndexByte(c.text[:i], '\n') + 1
	var b strings.Builder
	for n, line := range strings.SplitN(cut(c.text[i:], 1<<10), "\n", 7) {
		if found := lineAddresses(line, false); n == 6 || n > 0 && len(found) > 0 && found[0] != addr {
			break
		}
		b.WriteString(strings.TrimSpace(line) + " ")
	}
	return b.String()
}

// status reads the groups of fields of RFC 3464, section 2.3.
func (c *bounceCollector) status(s string) {
	g := map[string]string{}
	last := ""
	flush := func() {
		addr := cleanRecipient(g["final-recipient"])
		if addr == "" {
			addr = cleanRecipient(g["original-recipient"])
		}
		action, _, _ := strings.Cut(strings.ToLower(g["action"]), " ")
		switch action {
		case "failed", "delayed", "delivered", "relayed", "expanded":
		default:
			action = "failed"
		}
		c.add(addr, findStatus(g["status"]), action, g["diagnostic-code"])
		clear(g)
		last = ""
	}
	for line := range strings.Lines(s) {
		line = strings.TrimRight(line, " \t\r\n")
		if line == "" {
			flush()
			continue
		}
		if line[0] == ' ' || line[0] == '\t' {
			if last != "" && len(g[last]) < 4<<10 {
				g[last] += " " + strings.TrimSpace(line)
			}
			continue
		}
		k, v, ok := strings.Cut(line, ":")
		if !ok {
			last = ""
			continue
		}
		switch last = lowerASCII(strings.TrimSpace(k)); last {
		case "final-recipient", "original-recipient", "action", "status", "diagnostic-code":
			if g[last] == "" {
				g[last] = strings.TrimSpace(v)
			}
		default:
			last = ""
		}
	}
	flush()
}

// freeText takes the addresses that a report for people names. An address that
// begins its line or stands in angle brackets is what the report is about; one
// in a sentence counts only where there is no such one, and one that the report
// went to only where there is no other. What follows up to the
// next address is its reason.
func (c *bounceCollector) freeText(s string) {
	lines := strings.Split(cut(s, maxReport), "\n")
	for pass := range 3 {
		for i, line := range lines {
			if isHelpLine(line) {
				continue
			}
			for _, a := range lineAddresses(line, pass == 1 || namesRecipient(line)) {
				if c.own(a, pass == 2) {
					continue
				}
				c.add(a, "", "failed", strings.Join(lines[i:min(i+6, len(lines))], " "))
			}
		}
		if len(c.b.Recipients) > 0 {
			return
		}
	}
}

// namesRecipient reports a sentence that says to whom a mail did not go.
func namesRecipient(line string) bool {
	if len(line) > 500 || !strings.Contains(line, "@") {
		return false
	}
	return has(strings.ToLower(line), []string{"not be delivered to ", "not delivered to ", "unable to deliver your message to ", "unable to deliver message to ", "undeliverable to ", "could not deliver your message to "})
}

// isHelpLine reports a sentence that says whom to ask. Its address is nobody's
// who did not get the mail.
func isHelpLine(line string) bool {
	if len(line) > 500 || !strings.Contains(line, "@") {
		return false
	}
	return has(strings.ToLower(line), []string{"reply to ", "please contact", "contact us", "write to ", "send mail to ", "send an email to ", "send email to ", "for help", "for assistance", "further assistance"})
}

// own reports an address that cannot be the recipient: who the bounce came from
// or, but for somebody who wrote to himself, went to.
func (c *bounceCollector) own(a string, self bool) bool {
	local, _, _ := strings.Cut(a, "@")
	return local == "postmaster" || strings.HasPrefix(local, "mailer-daemon") ||
		hasAddress(c.in.To, a) && !self || hasAddress(c.in.From, a)
}

// lineAddresses finds the addresses of a line: the leading one or those in
// angle brackets, or all of them.
func lineAddresses(line string, all bool) (list []string) {
	trimmed := strings.TrimLeft(line, " \t>*-\"")
	if !strings.Contains(trimmed, "@") || len(line) > 4<<10 {
		return nil
	}
	first := true
	for f := range strings.FieldsSeq(trimmed) {
		angled := strings.Contains(f, "<") || strings.Contains(f, "SMTP=")
		if a := cleanRecipient(f); a != "" && (all || first || angled) {
			list = append(list, a)
		}
		// Names of fields before the address do not make it less leading.
		first = first && strings.HasSuffix(f, ":")
	}
	return list
}

// cleanRecipient takes the address out of "rfc822; <a@b>" and the like.
func cleanRecipient(s string) string {
	if i := strings.Index(s, "SMTP="); i >= 0 {
		s, _, _ = strings.Cut(s[i+len("SMTP="):], ";") // the directory name of Exchange
	}
	if i := strings.IndexByte(s, ';'); i >= 0 && i+1 < len(s) {
		s = s[i+1:]
	}
	if i := strings.LastIndexByte(s, '<'); i >= 0 {
		s = s[i+1:]
		s, _, _ = strings.Cut(s, ">")
	}
	s = strings.Trim(strings.TrimSpace(s), "<>()[]\"',.:;*")
	s = strings.TrimPrefix(strings.TrimPrefix(lowerASCII(s), "mailto:"), "=20")
	if len(s) > maxMessageID || !strings.Contains(s, "@") {
		return ""
	}
	a, ok := normalAddr(s)
	if !ok {
		return ""
	}
	local, domain, ok := splitAddr(a)
	if !ok || !validLocal(local) || !validDomain(domain) {
		return ""
	}
	return a
}

// findStatus returns the first enhanced status code (RFC 3463) of s.
func findStatus(s string) string {
	for i := 0; i+4 < len(s); i++ {
		if s[i] != '2' && s[i] != '4' && s[i] != '5' || s[i+1] != '.' || i > 0 && (digit(s[i-1]) || s[i-1] == '.') {
			continue
		}
		j := i + 2
		for j < len(s) && j < i+5 && digit(s[j]) {
			j++
		}
		if j == i+2 || j >= len(s) || s[j] != '.' {
			continue
		}
		k := j + 1
		for k < len(s) && k < j+4 && digit(s[k]) {
			k++
		}
		if k == j+1 || k < len(s) && (digit(s[k]) || s[k] == '.' && k+1 < len(s) && digit(s[k+1])) {
			continue
		}
		return s[i:k]
	}
	if len(s) == 5 && s[1] == '.' && s[3] == '.' && digit(s[0]) && digit(s[2]) && digit(s[4]) {
		return s
	}
	return ""
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// splitOriginal cuts a report where the mail that it returns begins: at a line
// that announces it or at a block of header fields.
func splitOriginal(s string) (head, tail string, ok bool) {
	pos := 0
	for line := range strings.Lines(s) {
		l := lowerASCII(strings.Trim(line, " \t\r\n-=_*>."))
		if pos > 0 && len(l) < 120 && announcesOriginal(l) {
			return s[:pos], s[pos+len(line):], true
		}
		pos += len(line)
	}
	pos = 0
	for line := range strings.Lines(s) {
		k, _, colon := strings.Cut(line, ":")
		if pos > 0 && colon && (equalFold(k, "Received") || equalFold(k, "Return-Path") || equalFold(k, "Message-ID") || equalFold(k, "MIME-Version")) {
			return s[:pos], s[pos:], true
		}
		pos += len(line)
	}
	return s, "", false
}

func announcesOriginal(l string) bool {
	for _, p := range [...]string{"original message follows", "original message", "below this line is a copy of the message", "this is a copy of the message",
		"the header of the original message", "message header follows", "message headers follow", "unsent message below", "original message header", "original mail",
		"returned message follows", "message text follows", "the original message was included", "returned mail", "your original message", "included is a copy of the message", "content-type: message/rfc822", "content-type: text/rfc822-headers"} {
		if strings.HasPrefix(l, p) {
			return true
		}
	}
	return false
}
