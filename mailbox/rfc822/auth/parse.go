package auth

import "strings"

// result is one resinfo of RFC 8601, section 2.2. from is its header.from: the
// domain that DMARC was asked about.
type result struct{ method, value, from string }

const maxResults = 100

// parse reads an Authentication-Results field. It is tolerant in blanks and
// comments only: a result that is no keyword makes the method unknown, and an
// unclosed comment or quote hides the rest.
func parse(value string) (id string, all []result, ok bool) {
	s := scanner{s: value}
	first := true
	for !s.done && len(all) < maxResults {
		words := s.statement()
		method, val, isResult := resultOf(words)
		if first {
			first = false
			if !isResult {
				if len(words) == 0 || len(words) > 2 {
					return "", nil, false
				}
				id = words[0]
				continue
			}
		}
		if isResult {
			all = append(all, result{method, val, property(words[3:], "header.from")})
		}
	}
	return id, all, true
}

// resultOf reads "method=result" or "method/version=result" from the words of
// a statement, in which "=" is a word.
func resultOf(words []string) (method, value string, ok bool) {
	if len(words) < 3 || words[1] != "=" {
		return "", "", false
	}
	method, _, _ = strings.Cut(strings.ToLower(words[0]), "/")
	value = strings.ToLower(words[2])
	switch value {
	case "none", "pass", "fail", "softfail", "policy", "neutral", "temperror", "permerror":
	case "hardfail":
		value = "fail"
	case "bestguesspass":
		value = "none" // Microsoft: there is no record, it is a guess
	default:
		// A method is known by its result; what else stands there may be
		// the sender's words that the provider did not quote.
		value = "permerror"
	}
	return method, value, true
}

// property returns the value of a property among the words of a statement, in
// lower case.
func property(words []string, name string) string {
	for i := 0; i+2 < len(words); i++ {
		if strings.EqualFold(words[i], name) && words[i+1] == "=" {
			return domainOf(words[i+2])
		}
	}
	return ""
}

// scanner splits a structured field into words, without comments.
type scanner struct {
	s    string
	pos  int
	done bool
}

// statement returns the words up to the next semicolon or the end.
func (s *scanner) statement() []string {
	var words []string
	for {
		s.skip()
		if s.pos >= len(s.s) {
			s.done = true
			return words
		}
		switch c := s.s[s.pos]; c {
		case ';':
			s.pos++
			return words
		case '=':
			s.pos++
			words = append(words, "=")
		default:
			words = append(words, s.token())
		}
	}
}

// word returns the next word, of which ";" and "=" are not part.
func (s *scanner) word() (string, bool) {
	for {
		s.skip()
		if s.pos >= len(s.s) {
			return "", false
		}
		if c := s.s[s.pos]; c != ';' && c != '=' {
			return s.token(), true
		}
		s.pos++
	}
}

// token takes a quoted string or all up to a delimiter; at least one byte.
func (s *scanner) token() string {
	if s.s[s.pos] == '"' {
		return s.quoted()
	}
	start := s.pos
	for s.pos < len(s.s) && !strings.ContainsRune("();=\" \t\r\n", rune(s.s[s.pos])) {
		s.pos++
	}
	if s.pos == start {
		s.pos++
	}
	return s.s[start:s.pos]
}

func (s *scanner) quoted() string {
	var b strings.Builder
	for s.pos++; s.pos < len(s.s); s.pos++ {
		switch c := s.s[s.pos]; c {
		case '"':
			s.pos++
			return b.String()
		case '\\':
			if s.pos++; s.pos < len(s.s) {
				b.WriteByte(s.s[s.pos])
			}
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// skip passes blanks and comments, which nest. An unclosed one ends all.
func (s *scanner) skip() {
	depth := 0
	for ; s.pos < len(s.s); s.pos++ {
		switch c := s.s[s.pos]; {
		case c == '(':
			depth++
		case c == ')' && depth > 0:
			depth--
		case c == '\\' && depth > 0:
			s.pos++
		case depth == 0 && !strings.ContainsRune(" \t\r\n", rune(c)):
			return
		}
	}
}
