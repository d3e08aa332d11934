package trim

import (
	"strings"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// forwardAddress reads one address as clients write it into a header block:
// in angle or square brackets or in parentheses after a name, or bare.
func forwardAddress(s string) ticket.Address {
	s = strings.TrimSpace(s)
	if i := strings.LastIndexAny(s, "<[("); i >= 0 {
		in := strings.TrimSpace(strings.TrimRight(s[i+1:], ">]) ;,"))
		if j := strings.IndexAny(in, ">])"); j >= 0 {
			in = in[:j]
		}
		in = strings.TrimPrefix(in, "mailto:")
		if strings.IndexByte(in, '@') > 0 && !strings.ContainsAny(in, " \t") {
			return ticket.Address{Name: nameBeside(s[:i], in), Addr: asciiLower(in)}
		}
	}
	for w := range strings.FieldsSeq(s) {
		w = strings.Trim(strings.TrimPrefix(w, "mailto:"), "<>[]();,\"'")
		if i := strings.IndexByte(w, '@'); i > 0 && i < len(w)-1 {
			return ticket.Address{Name: addressName(strings.Replace(s, w, "", 1)), Addr: asciiLower(w)}
		}
	}
	return ticket.Address{Name: addressName(s)}
}

// nameBeside returns the name before an address. Some clients write the address
// twice, once as a link: "Kari <kari@example.no<mailto:kari@example.no>>".
func nameBeside(s, addr string) string {
	if i := strings.LastIndexAny(s, "<["); i >= 0 && strings.IndexByte(s[i:], '@') > 0 {
		s = s[:i]
	}
	if name := addressName(s); !strings.EqualFold(name, addr) {
		return name
	}
	return ""
}

func addressName(s string) string {
	return clip(strings.TrimSpace(strings.Trim(strings.TrimSpace(s), "<>[]()\"',;* ")), 320)
}

func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// forwardAddresses reads a list of them, apart at semicolons or, where an
// address came before, at commas.
func forwardAddresses(s string) []ticket.Address {
	var list []ticket.Address
	start, at, quoted := 0, false, false
	add := func(part string) {
		if a := forwardAddress(part); (a.Addr != "" || a.Name != "") && len(list) < 100 {
			list = append(list, a)
		}
	}
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			quoted = !quoted
		case '@':
			at = true
		case ';', ',':
			if !quoted && (at || s[i] == ';') {
				add(s[start:i])
				start, at = i+1, false
			}
		}
	}
	add(s[start:])
	return list
}
