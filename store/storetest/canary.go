package storetest

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"testing"
	"unicode/utf16"
)

// FindCanary fails the test when one of the canaries is in a dump: as it is,
// in UTF-16, or either of them in hex or base64. Canaries should be long
// enough, eight bytes at least, not to occur by chance.
func FindCanary(tb testing.TB, dump []byte, canaries ...string) {
	tb.Helper()
	for _, c := range canaries {
		if form := canaryForm(dump, []byte(c)); form != "" {
			tb.Errorf("the dump holds the canary %q %s", c, form)
		}
	}
}

// canaryForm tells in which form a dump holds a canary; empty means not at all.
func canaryForm(dump, canary []byte) string {
	// Hex is compared in lower case; what that does to the rest of the dump
	// finds a canary in another case too, which is just as bad.
	lower := bytes.ToLower(dump)
	for name, text := range map[string][]byte{
		"as it is": canary, "in UTF-16LE": wide(canary, 0), "in UTF-16BE": wide(canary, 1),
	} {
		if bytes.Contains(dump, text) || bytes.Contains(lower, bytes.ToLower(text)) {
			return name
		}
		if bytes.Contains(lower, []byte(hex.EncodeToString(text))) {
			return name + ", in hex"
		}
		for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			for shift := range 3 {
				if bytes.Contains(dump, middle(enc, text, shift)) {
					return name + ", in base64"
				}
			}
		}
	}
	return ""
}

// wide is text in UTF-16, with the low byte first (0) or second (1).
func wide(text []byte, low int) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(string(text))) {
		pair := [2]byte{}
		pair[low], pair[1-low] = byte(u), byte(u>>8)
		out = append(out, pair[:]...)
	}
	return out
}

// middle is what base64 makes of a text that starts at a place in a longer one,
// without the characters that also depend on its neighbours.
func middle(enc *base64.Encoding, text []byte, shift int) []byte {
	padded := append(make([]byte, shift), text...)
	whole := enc.EncodeToString(padded)
	from := []int{0, 2, 3}[shift]
	to := len(padded) / 3 * 4
	if rest := len(padded) % 3; rest > 0 {
		to += rest // the last character of the rest depends on what follows
	}
	return []byte(whole[from:min(to, len(whole))])
}
