package rfc822

import (
	"bytes"
	"encoding/base64"
	"strings"
)

// decodeTransfer undoes the Content-Transfer-Encoding (RFC 2045, section 6).
// What is not encoded is returned as it is, without a copy.
func (p *parser) decodeTransfer(pt *part) []byte {
	v := pt.header.get("Content-Transfer-Encoding")
	if v == nil || len(pt.body) == 0 {
		return pt.body
	}
	enc := strings.ToLower(strings.Trim(unfold(v), " \t\"';,"))
	if i := strings.IndexAny(enc, " \t;,("); i >= 0 {
		enc = enc[:i]
	}
	switch {
	case enc == "7bit" || enc == "8bit" || enc == "binary" || enc == "":
		return pt.body
	case strings.HasPrefix(enc, "quoted"):
		return decodeQuoted(pt.body)
	case strings.HasPrefix(enc, "base64"):
		b, clean := decodeBase64(pt.body)
		if !clean {
			p.report(DefectTransferEncoding, "foreign bytes in base64")
			if strings.HasPrefix(pt.typ, "text/") && prose(pt.body) {
				return pt.body
			}
		}
		return b
	case strings.Contains(enc, "uue") || enc == "x-uu":
		if b, ok := decodeUU(pt.body); ok {
			return b
		}
	}
	p.report(DefectTransferEncoding, "unknown or broken transfer encoding")
	return pt.body
}

// decodeBase64 decodes b, skipping foreign bytes. After padding it goes on
// only with lines that are wholly base64: concatenated pieces are, the footers
// of mailing lists are not.
func decodeBase64(b []byte) (out []byte, clean bool) {
	out = make([]byte, base64.StdEncoding.DecodedLen(len(b)))
	if n, err := base64.StdEncoding.Decode(out, b); err == nil {
		return out[:n], true
	}
	out = out[:0]
	var acc uint32
	bits, padded := 0, false
	for pos := 0; pos < len(b); {
		end, next := lineEnd(b, pos)
		line := b[pos:end]
		pos = next
		if padded && !wholeBase64(line) {
			continue
		}
		words := bytes.IndexByte(bytes.TrimSpace(line), ' ') >= 0
		for _, c := range line {
			v := base64Value[c]
			if c == '=' {
				bits, acc, padded = 0, 0, true
			}
			if words && (c == '-' || c == '_') {
				continue
			}
			if v < 0 {
				continue
			}
			acc = acc<<6 | uint32(v)
			if bits += 6; bits >= 8 {
				bits -= 8
				out = append(out, byte(acc>>bits))
			}
		}
	}
	return out, false
}

// prose reports whether most lines of b are words with blanks between them:
// text that was declared to be base64 and is not.
func prose(b []byte) bool {
	lines, worded := 0, 0
	for pos := 0; pos < len(b); {
		end, next := lineEnd(b, pos)
		if line := bytes.TrimSpace(b[pos:end]); len(line) > 0 {
			lines++
			if bytes.IndexByte(line, ' ') > 0 {
				worded++
			}
		}
		pos = next
	}
	return lines > 2 && worded*2 > lines
}

func wholeBase64(line []byte) bool {
	for _, c := range line {
		if base64Value[c] < 0 && c != '=' {
			return false
		}
	}
	return true
}

// base64Value maps a byte to its value, or -1. The URL alphabet is accepted
// too.
var base64Value = func() (t [256]int8) {
	for i := range t {
		t[i] = -1
	}
	for i, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" {
		t[c] = int8(i)
	}
	t['-'], t['_'] = 62, 63
	return t
}()

// decodeQuoted decodes quoted-printable (RFC 2045, section 6.7). A "=" that
// starts nothing stands for itself.
func decodeQuoted(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n')
		line, eol := b, []byte(nil)
		if i >= 0 {
			line, eol = b[:i], b[i:i+1]
			b = b[i+1:]
			if n := len(line); n > 0 && line[n-1] == '\r' {
				line, eol = line[:n-1], crlf
			}
		} else {
			b = nil
		}
		line = bytes.TrimRight(line, " \t\r")
		if n := len(line); n > 0 && line[n-1] == '=' {
			line, eol = line[:n-1], nil
		}
		out = append(appendQuoted(out, line), eol...)
	}
	return out
}

var crlf = []byte("\r\n")

func appendQuoted(out, line []byte) []byte {
	for {
		i := bytes.IndexByte(line, '=')
		if i < 0 {
			return append(out, line...)
		}
		out = append(out, line[:i]...)
		line = line[i:]
		if len(line) > 2 && unhex(line[1]) >= 0 && unhex(line[2]) >= 0 {
			out = append(out, byte(unhex(line[1])<<4|unhex(line[2])))
			line = line[3:]
			continue
		}
		out = append(out, '=')
		line = line[1:]
	}
}

// decodeUU decodes one uuencoded file that fills a part, as "x-uuencode" of
// old mailers announces.
func decodeUU(b []byte) ([]byte, bool) {
	i := bytes.Index(b, []byte("begin "))
	if i < 0 {
		return nil, false
	}
	_, pos := lineEnd(b, i)
	var out []byte
	for pos < len(b) {
		end, next := lineEnd(b, pos)
		line := b[pos:end]
		pos = next
		if len(line) == 0 || bytes.Equal(line, []byte("end")) {
			break
		}
		out = appendUU(out, line[1:], int(line[0]-' ')&63)
	}
	return out, true
}
