package auth

import (
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

// hidden reports whether a text holds characters that are shown as nothing or
// that change the order in which others are shown. What its own script needs
// is spelling: joiners in Arabic, Indic and emoji, direction marks beside
// letters that run from right to left.
func hidden(s string) bool {
	if isASCII(s) {
		return false
	}
	rtl := strings.ContainsFunc(s, rightToLeft)
	last := rune(0)
	for _, r := range s {
		switch {
		case r == 0x200E || r == 0x200F || r == 0x61C:
			if !rtl {
				return true
			}
		case r == 0x200C || r == 0x200D:
			// Between letters that never join, it only hides.
			if last < 0x250 {
				return true
			}
		case r == 0xAD, r == 0x180E, r == 0x200B, r == 0x115F, r == 0x1160, r == 0x3164, r == 0xFFA0,
			r >= 0x202A && r <= 0x202E, r >= 0x2060 && r <= 0x206F, r == 0xFEFF,
			r >= 0xFFF9 && r <= 0xFFFB, r >= 0xE0000 && r <= 0xE007F && !emojiTag(last):
			return true
		}
		last = r
	}
	return false
}

// emojiTag reports whether tags (Unicode, section 23.9) may follow: those of a
// flag do, in which the waving black flag comes first.
func emojiTag(last rune) bool { return last == 0x1F3F4 || last >= 0xE0020 && last <= 0xE007E }

func rightToLeft(r rune) bool {
	return unicode.In(r, unicode.Arabic, unicode.Hebrew, unicode.Syriac, unicode.Thaana, unicode.Nko)
}

// A script as far as mixing goes. Japanese and Korean write several at once.
type script uint16

const (
	latin script = 1 << iota
	greek
	cyrillic
	armenian
	cherokee
	han
	kana
	hangul
	bopomofo
	other
)

var scriptTables = []struct {
	is    script
	table *unicode.RangeTable
}{
	{latin, unicode.Latin}, {greek, unicode.Greek}, {cyrillic, unicode.Cyrillic}, {armenian, unicode.Armenian},
	{cherokee, unicode.Cherokee}, {han, unicode.Han}, {kana, unicode.Hiragana}, {kana, unicode.Katakana},
	{hangul, unicode.Hangul}, {bopomofo, unicode.Bopomofo},
}

func scriptOf(r rune) script {
	if r < 0x80 {
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return latin
		}
		return 0
	}
	if !unicode.IsLetter(r) || unicode.In(r, unicode.Common, unicode.Inherited) {
		return 0
	}
	for _, t := range scriptTables {
		if unicode.Is(t.table, r) {
			return t.is
		}
	}
	return other
}

func scriptsOf(s string) (found script) {
	for _, r := range s {
		found |= scriptOf(r)
	}
	return found
}

// mixes reports whether scripts do not belong in one word: two of those whose
// letters are taken for each other.
func mixes(s script) bool {
	s &= latin | greek | cyrillic | armenian | cherokee
	return s&(s-1) != 0
}

// mixedName reports whether a word of a display name is written in two scripts
// at once. Two words in two scripts are a name with its transcription.
func mixedName(name string) bool {
	if isASCII(name) || !mixes(scriptsOf(name)) {
		return false
	}
	for _, w := range strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) }) {
		if mixes(scriptsOf(w)) {
			return true
		}
	}
	return false
}

// mixedDomain reports whether a label of a domain mixes scripts beyond what
// Unicode calls highly restrictive (UTS 39, section 5.2).
func mixedDomain(domain string) bool {
	if isASCII(domain) && !encoded(domain) {
		return false
	}
	for label := range strings.SplitSeq(readable(domain), ".") {
		s := scriptsOf(label)
		single := s&(s-1) == 0
		if !single && s&^(latin|han|kana) != 0 && s&^(latin|han|bopomofo) != 0 && s&^(latin|han|hangul) != 0 {
			return true
		}
	}
	return false
}

// encoded reports whether a label of a domain is in punycode (RFC 5890).
func encoded(domain string) bool {
	return strings.HasPrefix(domain, "xn--") || strings.Contains(domain, ".xn--")
}

// readable decodes the labels in punycode. What does not decode stays.
func readable(domain string) string {
	if !encoded(domain) {
		return domain
	}
	// Punycode.ToUnicode returns what it could decode beside its error.
	out, _ := idna.Punycode.ToUnicode(domain)
	return out
}

// ascii is a domain as it stands in the DNS.
func ascii(domain string) string {
	if isASCII(domain) {
		return domain
	}
	if a, err := idna.Lookup.ToASCII(domain); err == nil {
		return a
	}
	return domain
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
