package rfc822

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// aliases maps names that mail uses and no index knows. An empty value means
// that the name says nothing.
var aliases = map[string]string{
	"": "", "default": "", "default_charset": "", "x-unknown": "", "unknown": "", "unknown-8bit": "",
	"unknown_charset": "", "_autodetect": "", "us": "", "ascii": "", "us-ascii": "", "usascii": "",
	"ansi_x3.4-1968": "", "iso-646-us": "", "7bit": "", "8bit": "", "none": "", "binary": "", "x-user-defined": "",
	"utf8": "utf-8", "uft-8": "utf-8", "uft8": "utf-8", "utf_8": "utf-8", "utf-8n": "utf-8", "cp65001": "utf-8",
	"utf8mb4": "utf-8", "unicode-1-1-utf-8": "utf-8", "x-utf-8": "utf-8",
	"unicode-1-1-utf-7": "utf-7", "utf7": "utf-7", "x-unicode-2-0-utf-7": "utf-7",
	"gb2312_charset": "gb18030", "iso-gb2312": "gb18030", "gb_2312-80": "gb18030", "gb": "gb18030",
	"cp936": "gb18030", "ms936": "gb18030", "936": "gb18030", "gb2312": "gb18030", "euc-cn": "gb18030", "x-gbk": "gb18030",
	"chinesebig5": "big5", "cp950": "big5", "950": "big5", "x-x-big5": "big5", "big5hkscs": "big5",
	"hz":     "hz-gb-2312",
	"koi8_r": "koi8-r", "koi8r": "koi8-r", "koi8u": "koi8-u", "koi8": "koi8-r",
	"ansi": "windows-1252", "latin1": "windows-1252", "latin-1": "windows-1252", "iso8859": "windows-1252",
	"x-mac-roman": "macintosh", "macroman": "macintosh", "mac": "macintosh",
	"cp932": "shift_jis", "ms932": "shift_jis", "windows-932": "shift_jis", "x-sjis-cp932": "shift_jis", "sjis-win": "shift_jis",
	"iso-2022-jp-1": "iso-2022-jp", "iso-2022-jp-2": "iso-2022-jp", "iso-2022-jp-3": "iso-2022-jp", "iso-2022-jp-ms": "iso-2022-jp",
	"cp50220": "iso-2022-jp", "cp50221": "iso-2022-jp", "cp50222": "iso-2022-jp", "jis": "iso-2022-jp",
	"eucjp": "euc-jp", "eucjp-win": "euc-jp", "cp51932": "euc-jp", "eucjp-ms": "euc-jp",
	"euckr": "euc-kr", "cp949": "euc-kr", "uhc": "euc-kr", "ks_c_5601": "euc-kr", "ksc5601": "euc-kr", "ks_c_5601_1987": "euc-kr",
	"csiso2022kr": "iso-2022-kr", "tis620": "windows-874", "cp874": "windows-874",
}

// charsetName brings a label into the form the indexes know: sent by mailers,
// it may hold anything.
func charsetName(label string) string {
	s := lowerASCII(strings.Trim(label, " \t\r\n\"'<>"))
	s = strings.TrimPrefix(s, "charset=")
	if i := strings.IndexAny(s, "*; \t,\"'"); i >= 0 {
		s = s[:i]
	}
	if len(s) > 60 {
		return ""
	}
	if a, ok := aliases[s]; ok {
		return a
	}
	for _, prefix := range [...]string{"cp-", "windows", "win-", "win", "cp", "x-cp", "ms-"} {
		if n, ok := strings.CutPrefix(s, prefix); ok && strings.HasPrefix(strings.TrimLeft(n, "-_"), "125") {
			return "windows-" + strings.TrimLeft(n, "-_")
		}
	}
	return s
}

// lookup returns the encoding of a normalised name, or nil.
func lookup(name string) encoding.Encoding {
	switch name {
	case "hz-gb-2312":
		return simplifiedchinese.HZGB2312
	case "utf-16":
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM) // RFC 2781, section 4.3
	case "utf-16be":
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	case "utf-16le":
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	case "utf-32":
		return utf32.UTF32(utf32.BigEndian, utf32.UseBOM)
	case "gb2312", "gbk":
		return simplifiedchinese.GB18030
	}
	for _, n := range [...]string{name, strings.ReplaceAll(name, "_", "-"), strings.TrimPrefix(name, "x-")} {
		if e, err := htmlindex.Get(n); err == nil && e != encoding.Replacement {
			return e
		}
	}
	if rest, ok := strings.CutPrefix(name, "cp"); ok {
		name = "ibm" + strings.TrimLeft(rest, "-_")
	}
	if e, err := ianaindex.MIME.Encoding(name); err == nil && e != nil {
		return e
	}
	return nil
}

// decodeCharset turns bytes in the labelled charset into valid UTF-8. exact is
// false when the label was of no use. Bytes that are UTF-8 count as such
// wherever the label is absent or names a single-byte charset, because text in
// those is hardly ever valid UTF-8 by chance; last comes what they look like.
func decodeCharset(b []byte, label string) (s string, exact bool) {
	name := charsetName(label)
	switch name {
	case "utf-7":
		return decodeUTF7(b), true
	case "iso-2022-kr":
		return decode(korean.EUCKR, shiftKR(b)), true
	case "", "utf-8":
		return decodeUnlabelled(b, name)
	}
	e := lookup(name)
	if e == nil {
		s, _ = decodeUnlabelled(b, "")
		return s, isASCII(b)
	}
	if single, ok := e.(*charmap.Charmap); ok {
		if utf8.Valid(b) && single != charmap.CodePage037 && single != charmap.CodePage1047 && single != charmap.CodePage1140 {
			return string(b), true
		}
	}
	s = decode(e, b)
	if utf8.Valid(b) && !isASCII(b) && strings.ContainsRune(s, utf8.RuneError) {
		return string(b), false
	}
	return s, true
}

func decode(e encoding.Encoding, b []byte) string {
	out, err := e.NewDecoder().Bytes(b)
	if err != nil {
		out = append(out, "\uFFFD"...)
	}
	return strings.ToValidUTF8(string(out), "\uFFFD")
}

// decodeUnlabelled reads bytes that are UTF-8, or UTF-8 with damage, or what
// they look like.
func decodeUnlabelled(b []byte, name string) (string, bool) {
	if utf8.Valid(b) {
		return string(b), true
	}
	if looksISO2022JP(b) {
		return decode(lookup("iso-2022-jp"), b), false
	}
	good, bad := 0, 0
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			bad++
		case n > 1:
			good++
		}
		i += n
	}
	if good > bad || name == "utf-8" && good*2 > bad && good > 0 {
		return strings.ToValidUTF8(string(b), "\uFFFD"), false
	}
	return decode(detect(b), b), false
}

func looksISO2022JP(b []byte) bool {
	return bytes.Contains(b, []byte("\x1b$B")) || bytes.Contains(b, []byte("\x1b$@"))
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// shiftKR turns ISO-2022-KR (RFC 1557), which x/text lacks, into EUC-KR.
func shiftKR(b []byte) []byte {
	b = bytes.ReplaceAll(b, []byte("\x1b$)C"), nil)
	out := make([]byte, 0, len(b))
	shifted := false
	for _, c := range b {
		switch {
		case c == 0x0e:
			shifted = true
		case c == 0x0f:
			shifted = false
		case c == '\n':
			shifted = false
			out = append(out, c)
		case shifted && c > ' ':
			out = append(out, c|0x80)
		default:
			out = append(out, c)
		}
	}
	return out
}
