package rfc822

import (
	"bytes"
	"encoding/base64"
	"strconv"
	"strings"
	"unicode/utf8"
)

// foldLine writes one field, folded at blanks so that lines have at most 78
// octets where possible (RFC 5322, section 2.1.1). The value holds no line
// ends; callers have checked it.
func foldLine(buf *bytes.Buffer, name, value string) {
	buf.WriteString(name)
	buf.WriteByte(':')
	width, first := len(name)+1, true
	for word := range strings.SplitSeq(value, " ") {
		if word == "" {
			continue
		}
		// Never fold before the first word: a field that starts with an empty
		// line is read wrongly by some, and lost by others.
		if !first && width+1+len(word) > 78 {
			buf.WriteString("\r\n")
			width = 0
		}
		buf.WriteByte(' ')
		buf.WriteString(word)
		width += 1 + len(word)
		first = false
	}
	buf.WriteString("\r\n")
}

// encodeText writes an unstructured value: as it is when that is safe, else in
// encoded words (RFC 2047). What looks like an encoded word is encoded, so
// that nobody decodes what the writer meant literally.
func encodeText(s string) string {
	if plainWords(s) {
		return s
	}
	return encodeWords(s)
}

// plainWords reports whether s is ASCII in words short enough to fold.
func plainWords(s string) bool {
	if strings.Contains(s, "=?") || !plainLine(s) {
		return false
	}
	for word := range strings.SplitSeq(s, " ") {
		if len(word) > 70 {
			return false
		}
	}
	return true
}

// encodePhrase writes a display name: atoms, a quoted string or encoded words.
func encodePhrase(s string) string {
	if !plainWords(s) || len(s) > 60 {
		return encodeWords(s)
	}
	atoms := true
	for i := range len(s) {
		c := lowerByte(s[i])
		if c != ' ' && c != '-' && c != '_' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			atoms = false
		}
	}
	if atoms {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// encodeWords splits s between runes into encoded words of at most 75 octets,
// in whichever of the two forms is shorter.
func encodeWords(s string) string {
	quoted := 0
	for i := range len(s) {
		quoted += len(qByte(s[i]))
	}
	useB := quoted > len(s)*4/3+4
	var words []string
	for s != "" {
		n, size := 0, 0
		for n < len(s) {
			_, r := utf8.DecodeRuneInString(s[n:])
			more := 0
			for i := n; i < n+r; i++ {
				more += len(qByte(s[i]))
			}
			if useB && n+r > 45 || !useB && size+more > 60 {
				break
			}
			n, size = n+r, size+more
		}
		words = append(words, encodeWord(s[:n], useB))
		s = s[n:]
	}
	return strings.Join(words, " ")
}

func encodeWord(s string, useB bool) string {
	if useB {
		return "=?utf-8?B?" + base64.StdEncoding.EncodeToString([]byte(s)) + "?="
	}
	var b strings.Builder
	b.WriteString("=?utf-8?Q?")
	for i := range len(s) {
		b.WriteString(qByte(s[i]))
	}
	b.WriteString("?=")
	return b.String()
}

const hexDigits = "0123456789ABCDEF"

// qByte encodes a byte as RFC 2047, section 5, allows it in a phrase.
func qByte(c byte) string {
	l := lowerByte(c)
	switch {
	case c == ' ':
		return "_"
	case l >= 'a' && l <= 'z', c >= '0' && c <= '9', c == '-', c == '!', c == '*', c == '+', c == '/':
		return string(rune(c))
	}
	return "=" + string(hexDigits[c>>4]) + string(hexDigits[c&15])
}

// encodeFilename writes the filename parameter: a plain ASCII form for every
// reader, and the RFC 2231 form beside it where that says more.
func encodeFilename(name string) string {
	var ascii strings.Builder
	for _, r := range name {
		if r < ' ' || r >= 127 || r == '"' || r == '\\' || r == '%' {
			r = '_'
		}
		ascii.WriteRune(r)
	}
	fallback := ascii.String()
	if fallback == name && len(name) <= 60 && !strings.Contains(name, "  ") && !strings.Contains(name, "=?") {
		return `filename="` + name + `"`
	}
	fallback = strings.Join(strings.Fields(strings.ReplaceAll(fallback, "=?", "__")), "_")
	if len(fallback) > 60 {
		fallback = fallback[:50] + fallback[len(fallback)-10:]
	}
	out := []string{`filename="` + fallback + `"`}
	prefix := "utf-8''"
	for i := 0; name != ""; i++ {
		n, piece := 0, prefix
		for n < len(name) && len(piece) < 55 {
			piece += percentByte(name[n])
			n++
		}
		out = append(out, "filename*"+strconv.Itoa(i)+"*="+piece)
		name, prefix = name[n:], ""
	}
	if len(out) == 2 {
		out[1] = strings.Replace(out[1], "*0*=", "*=", 1)
	}
	return strings.Join(out, "; ")
}

func percentByte(c byte) string {
	l := lowerByte(c)
	if l >= 'a' && l <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_' {
		return string(rune(c))
	}
	return "%" + string(hexDigits[c>>4]) + string(hexDigits[c&15])
}

// writeQuoted writes quoted-printable (RFC 2045, section 6.7) with lines of at
// most 76 octets. A dot or "From " at the start of a line is encoded too: the
// bytes survive servers that mistake them.
func writeQuoted(buf *bytes.Buffer, s string) {
	for s != "" {
		line, rest, more := strings.Cut(s, "\n")
		s = rest
		width := 0
		for i := 0; i < len(line); i++ {
			c := line[i]
			n := 1
			last := i == len(line)-1
			encode := c < ' ' && c != '\t' || c >= 127 || c == '=' || (c == ' ' || c == '\t') && last ||
				width == 0 && (c == '.' || c == 'F' && strings.HasPrefix(line[i:], "From "))
			if encode {
				n = 3
			}
			if width+n > 75 {
				buf.WriteString("=\r\n")
				width, i = 0, i-1 // look at it again as the start of a line
				continue
			}
			if encode {
				buf.WriteByte('=')
				buf.WriteByte(hexDigits[c>>4])
				buf.WriteByte(hexDigits[c&15])
			} else {
				buf.WriteByte(c)
			}
			width += n
		}
		if more {
			buf.WriteString("\r\n")
		}
	}
}
