package rfc822

import "strings"

// archived reads "local at domain", which archives of mailing lists (Pipermail)
// write in place of an address. Both sides must be without blanks and the
// domain must have a dot, so that a name with an "at" in it stays a name.
func archived(phrase string) (string, bool) {
	words := strings.Fields(phrase)
	if len(words) != 3 || !equalFold(words[1], "at") || strings.IndexByte(words[2], '.') <= 0 {
		return "", false
	}
	return normalAddr(words[0] + "@" + words[2])
}

// withoutComments removes comments and the blanks around them from an
// addr-spec (RFC 5322, section 3.2.2), outside of quotes. A comment that never
// ends stays.
func withoutComments(s string) string {
	out := make([]byte, 0, len(s))
	depth := 0
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			if depth == 0 {
				out = append(out, c, s[i+1])
			}
			i++
			continue
		case depth == 0 && c == '"':
			quoted = !quoted
		case !quoted && c == '(':
			depth++
			continue
		case !quoted && depth > 0 && c == ')':
			depth--
			continue
		}
		if depth == 0 {
			out = append(out, s[i])
		}
	}
	if depth > 0 || quoted {
		return s
	}
	return strings.Trim(string(out), " \t")
}

// withoutLink removes the link that Outlook writes behind an address in text,
// where it leads to that same address.
func withoutLink(s string) string {
	addr, link, ok := strings.Cut(s, "<mailto:")
	if ok && equalFold(strings.Trim(link, "<> "), addr) {
		return addr
	}
	return strings.TrimPrefix(s, "mailto:")
}
