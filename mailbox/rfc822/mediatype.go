package rfc822

import (
	"strings"
)

// param is one parameter of a structured field.
type param struct {
	key, value string
	ext        bool // value carries charset and language (RFC 2231)
}

type params []param

func (ps params) get(key string) string {
	for i := range ps {
		if ps[i].key == key && !ps[i].ext {
			return ps[i].value
		}
	}
	return ""
}

func isMultipart(typ string) bool { return strings.HasPrefix(typ, "multipart/") }

func trimRightSpace(s string) string { return strings.TrimRight(s, " \t\r\n") }

// contentType reads the Content-Type of pt (RFC 2045, section 5).
func (p *parser) contentType(pt *part, def string) {
	raw := pt.header.get("Content-Type")
	v := unfold(raw)
	if v == "" {
		pt.typ = def
		return
	}
	var head string
	head, pt.params = p.splitParams(v)
	head = strings.ToLower(head)
	if i := strings.IndexAny(head, " \t(,"); i >= 0 {
		head = head[:i]
	}
	major, minor, ok := strings.Cut(head, "/")
	if !ok || !isToken(major) || !isToken(minor) {
		pt.broken = true
		p.report(DefectContentType, "unreadable media type")
		switch {
		case major == "multipart" || pt.params.get("boundary") != "":
			head = "multipart/mixed"
		case major == "text" && strings.HasPrefix(minor, "html"):
			head = "text/html"
		case ok && major != "text" || p.extended(pt.params, "name") != "":
			head = "application/octet-stream"
		default:
			head = "text/plain"
		}
	}
	pt.typ = head
}

func isToken(s string) bool {
	if s == "" {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 127 || strings.IndexByte(`()<>@,;:\"/[]?=`, c) >= 0 {
			return false
		}
	}
	return true
}

// splitParams splits "head; key=value; ..." forgivingly: doubled semicolons,
// unquoted blanks and specials, values without end quote. Linear.
func (p *parser) splitParams(v string) (head string, ps params) {
	head, rest, _ := strings.Cut(v, ";")
	for rest != "" {
		if len(ps) >= maxParams {
			p.limit(DefectParamLimit, "too many parameters")
			break
		}
		var item param
		item, rest = nextParam(rest)
		if item.key != "" {
			ps = append(ps, item)
		}
	}
	return strings.TrimSpace(head), ps
}

// nextParam reads one parameter and returns what follows its semicolon.
func nextParam(s string) (param, string) {
	s = strings.TrimLeft(s, "; \t")
	i := strings.IndexAny(s, "=;")
	if i < 0 {
		return param{}, ""
	}
	if s[i] == ';' {
		return param{}, s[i+1:]
	}
	key := strings.ToLower(strings.TrimSpace(s[:i]))
	s = strings.TrimLeft(s[i+1:], " \t")
	var value string
	if s != "" && s[0] == '"' {
		value, s = quotedValue(s[1:])
		if j := strings.IndexByte(s, ';'); j >= 0 {
			s = s[j+1:]
		} else {
			s = ""
		}
	} else {
		j := strings.IndexByte(s, ';')
		if j < 0 {
			j = len(s)
		}
		value = strings.TrimSpace(s[:j])
		if j < len(s) {
			j++
		}
		s = s[j:]
	}
	return param{key: key, value: value}, s
}

// quotedValue reads up to the closing quote. A backslash quotes only a quote
// or a backslash: senders write Windows paths here.
func quotedValue(s string) (value, rest string) {
	j := strings.IndexAny(s, `"\`)
	if j >= 0 && s[j] == '"' {
		return s[:j], s[j+1:]
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:]
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}

// extended returns a parameter with RFC 2231 pieces and RFC 2047 words
// decoded: one effective value, whoever asks.
func (p *parser) extended(ps params, key string) string {
	var plain string
	var pieces [maxParams]*param
	n := 0
	for i := range ps {
		k := ps[i].key
		if k == key && plain == "" {
			plain = ps[i].value
		}
		if len(k) <= len(key)+1 || k[:len(key)] != key || k[len(key)] != '*' {
			if k == key+"*" {
				return p.percentValue(ps[i].value)
			}
			continue
		}
		num, ok := pieceNumber(strings.TrimSuffix(k[len(key)+1:], "*"))
		if ok && num < maxParams && pieces[num] == nil {
			pieces[num] = &ps[i]
			n++
		}
	}
	if n > 0 && pieces[0] != nil {
		return p.joinPieces(pieces[:])
	}
	return p.words(plain)
}

func pieceNumber(s string) (int, bool) {
	if s == "" || len(s) > 3 {
		return 0, false
	}
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}

// joinPieces joins name*0, name*1*, ... up to the first gap (RFC 2231,
// section 3). Bytes are joined before the charset is applied.
func (p *parser) joinPieces(pieces []*param) string {
	charset := ""
	var raw []byte
	for i, pc := range pieces {
		if pc == nil {
			break
		}
		v := pc.value
		if strings.HasSuffix(pc.key, "*") {
			if i == 0 {
				charset, v = cutCharset(v)
			}
			raw = append(raw, percentDecode(v)...)
			continue
		}
		raw = append(raw, v...)
	}
	if charset == "" {
		return p.words(string(raw))
	}
	s, _ := decodeCharset(raw, charset)
	return s
}

func (p *parser) percentValue(v string) string {
	charset, rest := cutCharset(v)
	s, _ := decodeCharset(percentDecode(rest), charset)
	return s
}

// cutCharset splits charset'language'value.
func cutCharset(v string) (charset, rest string) {
	i := strings.IndexByte(v, '\'')
	if i < 0 {
		return "", v
	}
	j := strings.IndexByte(v[i+1:], '\'')
	if j < 0 {
		return "", v
	}
	return v[:i], v[i+1+j+1:]
}

func percentDecode(s string) []byte {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			hi, lo := unhex(s[i+1]), unhex(s[i+2])
			if hi >= 0 && lo >= 0 {
				out = append(out, byte(hi<<4|lo))
				i += 2
				continue
			}
		}
		out = append(out, s[i])
	}
	return out
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
