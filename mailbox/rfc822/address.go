package rfc822

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// ErrAddress says that something is no mail address that can be used. Mend:
// pass one address like "Name <local@domain>" with a plain ASCII local part.
var ErrAddress = errors.New("rfc822: unusable mail address: pass one local@domain, with or without a display name")

// ParseAddress reads one address (RFC 5322, section 3.4), with or without a
// display name. It is the parser for identity and for display alike. The
// domain begins after the last @ outside quotes; both sides are folded in
// ASCII only. It returns [ErrAddress] for anything else, also for lists,
// groups, control characters, blanks or brackets in the address and encoded
// words in place of it, and never repeats the input in the error.
func ParseAddress(s string) (ticket.Address, error) {
	if !utf8.ValidString(s) || len(s) > 4*maxMessageID || strings.IndexFunc(s, unicode.IsControl) >= 0 {
		return ticket.Address{}, ErrAddress
	}
	p := &parser{}
	sc := addressScanner{s: s}
	el, more := sc.next()
	if more && strings.Trim(s[sc.pos:], " ") != "" || el.group || el.tail || sc.noAngle || strings.ContainsAny(s, ";") && !el.angled() {
		return ticket.Address{}, ErrAddress
	}
	a, ok := p.resolve(el)
	if !ok {
		return ticket.Address{}, ErrAddress
	}
	return a, nil
}

// addresses reads an address list. It always returns something for each
// element that holds more than blanks, be it only a name, because "who wrote
// this" must be shown for every mail.
func (p *parser) addresses(v []byte) []ticket.Address {
	if len(v) == 0 {
		return nil
	}
	sc := addressScanner{s: unfold(v)}
	var out []ticket.Address
	for more := true; more; {
		var el element
		el, more = sc.next()
		if el.empty() {
			continue
		}
		if len(out) >= maxAddresses {
			p.limit(DefectAddressLimit, "too many addresses")
			break
		}
		a, ok := p.resolve(el)
		if !ok {
			p.report(DefectAddress, "address that is none")
		}
		if a != (ticket.Address{}) {
			out = append(out, a)
		}
	}
	return out
}

// element is one piece of an address list as it stands in the field.
type element struct {
	phrase  string // before the angle bracket, or all of it
	angle   string // between the brackets
	comment string // the last comment
	hasAng  bool
	group   bool // stood in "name: ... ;"
	tail    bool // text after the closing bracket
}

func (e element) angled() bool { return e.hasAng }

func (e element) empty() bool {
	return !e.hasAng && e.comment == "" && strings.Trim(e.phrase, " \t") == ""
}

// addressScanner cuts an address field into elements. Each byte is visited a
// bounded number of times: what is found to be unclosed once is not looked for
// again.
type addressScanner struct {
	s                                     string
	pos                                   int
	noQuote, noComment, noAngle, noEncEnd bool
}

// next returns the next element and whether there is more behind it.
func (sc *addressScanner) next() (element, bool) {
	s := sc.s
	var e element
	start, end := sc.pos, -1
	for sc.pos < len(s) {
		i := sc.pos
		sc.pos++
		switch s[i] {
		case '"':
			sc.skipQuoted()
		case '(':
			from := i
			if sc.skipComment() {
				e.comment = s[from+1 : sc.pos-1]
				if end < 0 && strings.Trim(s[sc.pos:min(len(s), sc.pos+1)], " ,;<") == "" {
					end = from
				}
			}
		case '=':
			if i+1 < len(s) && s[i+1] == '?' {
				sc.skipEncoded()
			}
		case '<':
			if e.hasAng { // the comma before it is missing
				sc.pos = i
				return e.close(s, start, end, i), true
			}
			end = pick(end, i)
			e.hasAng = true
			e.angle = sc.angle()
		case ':':
			if !e.hasAng && end < 0 && strings.IndexByte(s[start:i], '@') < 0 {
				e = element{group: true}
				start = sc.pos
			}
		case ',', ';':
			return e.close(s, start, end, i), true
		default:
			if e.hasAng && s[i] != ' ' && s[i] != '\t' && s[i] != '>' {
				e.tail = true
			}
		}
	}
	return e.close(s, start, end, len(s)), false
}

func pick(end, i int) int {
	if end >= 0 {
		return end
	}
	return i
}

func (e element) close(s string, start, end, stop int) element {
	if end < 0 {
		end = stop
	}
	if end > start {
		e.phrase = strings.Trim(s[start:end], " \t")
	}
	return e
}

func (sc *addressScanner) skipQuoted() {
	if sc.noQuote {
		return
	}
	for i := sc.pos; i < len(sc.s); i++ {
		switch sc.s[i] {
		case '\\':
			i++
		case '"':
			sc.pos = i + 1
			return
		}
	}
	sc.noQuote = true
}

func (sc *addressScanner) skipComment() bool {
	if sc.noComment {
		return false
	}
	depth := 1
	for i := sc.pos; i < len(sc.s); i++ {
		switch sc.s[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				sc.pos = i + 1
				return true
			}
		}
	}
	sc.noComment = true
	return false
}

// skipEncoded jumps over an encoded word, whose text may hold commas.
func (sc *addressScanner) skipEncoded() {
	if sc.noEncEnd {
		return
	}
	if !strings.Contains(sc.s[sc.pos:], "?=") {
		sc.noEncEnd = true
		return
	}
	if _, n := readWord(sc.s[sc.pos-1:]); n > 0 {
		sc.pos += n - 1
	}
}

// angle reads up to the closing bracket, or, if there is none, to the next
// comma.
func (sc *addressScanner) angle() string {
	rest := sc.s[sc.pos:]
	n := -1
	if !sc.noAngle {
		n = strings.IndexByte(rest, '>')
	}
	if n < 0 {
		sc.noAngle = true
		if n = strings.IndexByte(rest, ','); n < 0 {
			n = len(rest)
		}
		sc.pos += n
		return rest[:n]
	}
	// A quoted local part may hold the bracket.
	if q := strings.IndexByte(rest[:n], '"'); q >= 0 {
		sub := addressScanner{s: rest, pos: q + 1, noQuote: sc.noQuote}
		if sub.skipQuoted(); sub.pos > n && !sub.noQuote {
			if m := strings.IndexByte(rest[sub.pos:], '>'); m >= 0 {
				n = sub.pos + m
			}
		}
		sc.noQuote = sc.noQuote || sub.noQuote
	}
	sc.pos += n + 1
	return rest[:n]
}

// resolve makes an address of an element. ok is false when the result is a
// guess.
func (p *parser) resolve(e element) (a ticket.Address, ok bool) {
	if e.hasAng {
		a.Name = p.displayName(e.phrase)
		if a.Name == "" {
			a.Name = p.displayName(e.comment)
		}
		a.Addr, ok = normalAddr(e.angle)
		if a.Addr == "" && strings.IndexByte(e.phrase, '@') >= 0 {
			a.Addr, _ = normalAddr(e.phrase)
		}
		return a, ok
	}
	if a.Addr, ok = normalAddr(e.phrase); ok {
		a.Name = p.displayName(e.comment)
		return a, true
	}
	if addr, ok := archived(e.phrase); ok {
		a.Addr, a.Name = addr, p.displayName(e.comment)
		return a, false
	}
	a = ticket.Address{Name: p.displayName(e.phrase + " " + e.comment)}
	for _, w := range strings.Fields(e.phrase) {
		if strings.IndexByte(w, '@') >= 0 && !strings.Contains(w, "=?") {
			a.Addr, _ = normalAddr(w)
			a.Name = p.displayName(strings.Replace(e.phrase, w, "", 1) + " " + e.comment)
			return a, false
		}
	}
	if strings.IndexByte(e.phrase, '@') >= 0 {
		// An encoded word beside an @ is no address, and decoding must not
		// make one of it.
		a.Addr, _ = normalAddr(e.phrase)
		a.Name = p.displayName(e.comment)
		return a, false
	}
	// All of it was encoded, or there is no address at all.
	if i := strings.LastIndexByte(a.Name, '<'); i >= 0 && strings.IndexByte(a.Name[i:], '@') > 0 {
		inner, _, _ := strings.Cut(a.Name[i+1:], ">")
		a.Addr, _ = normalAddr(inner)
		a.Name = strings.Trim(a.Name[:i], " \"")
	} else if w := a.Name; strings.IndexByte(w, '@') > 0 && strings.IndexByte(w, ' ') < 0 {
		a.Addr, _ = normalAddr(w)
	} else if w := e.phrase; w != "" && !strings.ContainsAny(w, " \t=\"") {
		a.Addr, a.Name = lowerASCII(cut(cleanID(w), maxMessageID)), p.displayName(e.comment)
	}
	return a, false
}

// displayName decodes a phrase: quotes, escapes, encoded words. Like every
// decoded value it is cleaned after decoding.
func (p *parser) displayName(s string) string {
	if strings.IndexByte(s, '"') >= 0 || strings.IndexByte(s, '\\') >= 0 {
		var b strings.Builder
		for i := 0; i < len(s); i++ {
			switch {
			case s[i] == '"':
				continue
			case s[i] == '\\' && i+1 < len(s):
				i++
			}
			b.WriteByte(s[i])
		}
		s = b.String()
	}
	return cutLine(p.words(s), maxDisplayName)
}

// normalAddr folds an addr-spec and says whether it is one. If it is none it
// returns what can be shown of it.
func normalAddr(s string) (string, bool) {
	s = strings.Trim(s, " \t")
	if strings.HasPrefix(s, "@") { // source route, RFC 5322 section 4.4
		if _, after, ok := strings.Cut(s, ":"); ok {
			s = after
		}
	}
	if strings.IndexByte(s, '(') >= 0 {
		s = withoutComments(s)
	}
	s = withoutLink(s)
	local, domain, ok := splitAddr(s)
	if ok && domain != "" && domain[len(domain)-1] == '.' {
		domain = domain[:len(domain)-1]
	}
	if ok && validLocal(local) && validDomain(domain) && len(local)+len(domain) < 320 {
		return lowerASCII(local + "@" + domain), true
	}
	return lowerASCII(cut(cleanID(s), maxMessageID)), false
}

// splitAddr splits at the last @ outside quotes.
func splitAddr(s string) (local, domain string, ok bool) {
	at, quoted := -1, false
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			quoted = !quoted
		case '\\':
			if quoted {
				i++
			}
		case '@':
			if !quoted {
				at = i
			}
		}
	}
	if at < 0 || quoted {
		return "", "", false
	}
	return s[:at], s[at+1:], true
}

func validLocal(s string) bool {
	if n := len(s); n > 2 && s[0] == '"' && s[n-1] == '"' {
		return cleanRunes(s[1:n-1], `"\<>()`)
	}
	return s != "" && !strings.Contains(s, "=?") && cleanRunes(s, `()<>[]:;@\,"`)
}

func validDomain(s string) bool {
	if s == "" || len(s) > 253 || strings.Contains(s, "..") || strings.IndexByte(".-", s[0]) >= 0 || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if c < 0x80 && c != '.' && c != '-' && c != '_' && (c < '0' || c > '9') && (lowerByte(c) < 'a' || lowerByte(c) > 'z') {
			return false
		}
	}
	return cleanRunes(s, "")
}

// cleanRunes reports whether s has only visible characters outside not.
func cleanRunes(s, not string) bool {
	for _, r := range s {
		if r == utf8.RuneError || r <= ' ' || unicode.IsSpace(r) || unicode.IsControl(r) || deceptive(r) || unicode.Is(unicode.Cf, r) {
			return false
		}
		if r < 0x80 && strings.IndexByte(not, byte(r)) >= 0 {
			return false
		}
	}
	return true
}
