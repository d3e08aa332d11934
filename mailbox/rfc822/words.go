package rfc822

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// text decodes an unstructured field: unfolded, RFC 2047 words decoded, cleaned.
func (p *parser) text(v []byte) string {
	if v == nil {
		return ""
	}
	return cleanLine(p.words(unfold(v)))
}

// rawText repairs bytes that stand in a header without any encoding: UTF-8
// (RFC 6532), else the charset of the body, else windows-1252.
func (p *parser) rawText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	p.report(DefectCharset, "raw bytes in the header")
	out, _ := decodeCharset([]byte(s), p.hint)
	return out
}

// word is one encoded word (RFC 2047, section 2).
type word struct {
	charset string
	enc     byte
	text    string
}

// words decodes the encoded words of s. It forgives blanks inside words,
// broken base64 and words without blanks around them, and joins the bytes of
// neighbours in one charset before decoding, because senders cut words inside
// a character. Work is linear.
func (p *parser) words(s string) string {
	if !strings.Contains(s, "=?") {
		return p.rawText(s)
	}
	var out strings.Builder
	var pending []byte // bytes of words whose charset is still open
	pendingSet := ""
	flush := func() {
		if len(pending) > 0 {
			t, _ := decodeCharset(pending, pendingSet)
			out.WriteString(t)
			pending = pending[:0]
		}
	}
	for s != "" {
		i := strings.Index(s, "=?")
		if i < 0 {
			break
		}
		w, n := readWord(s[i:])
		if n == 0 {
			p.report(DefectEncodedWord, "broken encoded word")
			flush()
			out.WriteString(p.rawText(s[:i+2]))
			s = s[i+2:]
			if !strings.Contains(s, "?=") {
				break
			}
			continue
		}
		if between := s[:i]; len(pending) == 0 || strings.TrimLeft(between, " \t") != "" {
			flush()
			out.WriteString(p.rawText(between))
		}
		if !equalFold(w.charset, pendingSet) {
			flush()
		}
		pendingSet = w.charset
		pending = append(pending, w.bytes()...)
		s = s[i+n:]
	}
	flush()
	out.WriteString(p.rawText(s))
	return out.String()
}

// readWord reads the encoded word that s starts with and returns its length,
// or 0.
func readWord(s string) (word, int) {
	i := 2
	j := strings.IndexByte(s[i:min(len(s), i+100)], '?')
	if j < 0 {
		return word{}, 0
	}
	charset := s[i : i+j]
	i += j + 1
	if len(s) < i+2 || s[i+1] != '?' || strings.ContainsAny(charset, " \t=") {
		return word{}, 0
	}
	enc := s[i] &^ 0x20
	if enc != 'B' && enc != 'Q' {
		return word{}, 0
	}
	i += 2
	k := strings.Index(s[i:], "?=")
	if k < 0 {
		// A word that was cut off at the end of the field.
		if strings.ContainsAny(s[i:], " \t") || len(s)-i > 80 {
			return word{}, 0
		}
		return word{cutLang(charset), enc, strings.TrimRight(s[i:], "?")}, len(s)
	}
	return word{cutLang(charset), enc, s[i : i+k]}, i + k + 2
}

// cutLang drops the language of RFC 2231, section 5.
func cutLang(charset string) string {
	charset, _, _ = strings.Cut(charset, "*")
	return charset
}

func (w word) bytes() []byte {
	if w.enc == 'B' {
		b, _ := decodeBase64([]byte(w.text))
		return b
	}
	out := make([]byte, 0, len(w.text))
	for i := 0; i < len(w.text); i++ {
		c := w.text[i]
		switch {
		case c == '_':
			c = ' '
		case c == '=' && i+2 < len(w.text) && unhex(w.text[i+1]) >= 0 && unhex(w.text[i+2]) >= 0:
			c = byte(unhex(w.text[i+1])<<4 | unhex(w.text[i+2]))
			i += 2
		}
		out = append(out, c)
	}
	return bytes.TrimRight(out, "\x00")
}
