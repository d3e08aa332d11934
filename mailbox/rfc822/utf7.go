package rfc822

import (
	"strings"
	"unicode/utf16"
)

// decodeUTF7 decodes UTF-7 (RFC 2152). It is decoded before anything is
// sanitised, and a shift that never ends simply ends with the text.
func decodeUTF7(b []byte) string {
	var out strings.Builder
	out.Grow(len(b))
	for i := 0; i < len(b); {
		c := b[i]
		if c != '+' {
			if c < 0x80 {
				out.WriteByte(c)
			} else {
				out.WriteRune('\uFFFD')
			}
			i++
			continue
		}
		i++
		if i < len(b) && b[i] == '-' {
			out.WriteByte('+')
			i++
			continue
		}
		start := i
		for i < len(b) && shiftByte(b[i]) {
			i++
		}
		if i == start {
			out.WriteByte('+')
			continue
		}
		writeShifted(&out, b[start:i])
		if i < len(b) && b[i] == '-' {
			i++
		}
	}
	return out.String()
}

func shiftByte(c byte) bool { return base64Value[c] >= 0 && c != '-' && c != '_' }

func writeShifted(out *strings.Builder, b []byte) {
	var units []uint16
	var acc uint32
	bits := 0
	for _, c := range b {
		acc = acc<<6 | uint32(base64Value[c])
		if bits += 6; bits >= 16 {
			bits -= 16
			units = append(units, uint16(acc>>bits))
		}
	}
	for _, r := range utf16.Decode(units) {
		out.WriteRune(r)
	}
}
