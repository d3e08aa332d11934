package rfc822

import (
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// maxDetect is how much of a text a guess looks at.
const maxDetect = 8 << 10

// detect guesses the charset of text that has no label, or one that its bytes
// contradict, and is not UTF-8. Text in Latin letters has single bytes over
// 0x7f among others: it is windows-1252. Other scripts come in runs of them,
// and each charset puts its frequent letters elsewhere.
func detect(b []byte) encoding.Encoding {
	b = b[:min(len(b), maxDetect)]
	t := tally(b)
	switch {
	case t.longest < 4 || t.high*2 < t.ascii:
		return charmap.Windows1252
	case t.upper*20 >= t.high*19: // a byte a letter
		return t.singleByte()
	}
	return doubleByte(b)
}

// byteTally counts the bytes over 0x7f of a text.
type byteTally struct {
	ascii   int // letters of ASCII
	high    int
	longest int // run
	upper   int // 0xc0 to 0xff, and where KOI8-R and windows-1251 have their yo
	koi     int // 0xc0 to 0xdf, the small letters of KOI8-R
	greek   int // 0xdc to 0xdf inside of a word of small letters: vowels with tonos
}

func tally(b []byte) (t byteTally) {
	run := 0
	for i, c := range b {
		if c < 0x80 {
			if c|0x20 >= 'a' && c|0x20 <= 'z' {
				t.ascii++
			}
			run = 0
			continue
		}
		t.high++
		run++
		t.longest = max(t.longest, run)
		if c >= 0xc0 || c == 0xa3 || c == 0xb3 || c == 0xa8 || c == 0xb8 {
			t.upper++
		}
		if c >= 0xc0 && c < 0xe0 {
			t.koi++
		}
		if c >= 0xdc && c < 0xe0 && i > 0 && b[i-1] >= 0xe0 {
			t.greek++
		}
	}
	return t
}

// singleByte tells the alphabets apart by where the small letters are, which
// most letters of a text are.
func (t byteTally) singleByte() encoding.Encoding {
	switch {
	case t.koi*2 > t.upper:
		return charmap.KOI8R
	case t.greek*100 > t.upper:
		return charmap.Windows1253
	}
	return charmap.Windows1251
}

// doubleByte tells the charsets of East Asia apart by the lead bytes of their
// frequent characters. One in which some byte fits nowhere is out.
func doubleByte(b []byte) encoding.Encoding {
	euc, ok := pairs(b, 0xa1, 0xfe, 0xa1)
	kana := euc.between(0xa4, 0xa5)
	switch {
	case ok && kana*5 > euc.n:
		return japanese.EUCJP
	case ok && euc.n > 4 && euc.between(0xb0, 0xc8) == euc.n-euc.between(0xa1, 0xa3):
		return korean.EUCKR
	case ok && euc.between(0xb0, 0xd7)*10 > (euc.n-euc.between(0xa1, 0xa3))*9:
		return simplifiedchinese.GB18030
	}
	if sjis, ok := pairs(b, 0x81, 0xfc, 0x40); ok && (sjis.between(0x82, 0x83)*4 > sjis.n) {
		return japanese.ShiftJIS
	}
	if big5, ok := pairs(b, 0xa1, 0xf9, 0x40); ok && big5.between(0xa4, 0xc6)*10 > (big5.n-big5.between(0xa1, 0xa3))*9 {
		return traditionalchinese.Big5
	}
	if ok {
		return simplifiedchinese.GB18030
	}
	return charmap.Windows1252
}

// leads counts characters by their lead byte.
type leads struct {
	n    int
	lead [256]int
}

func (l *leads) between(first, last int) (n int) {
	for _, c := range l.lead[first : last+1] {
		n += c
	}
	return n
}

// pairs reads text whose bytes from first to last lead a character of two, and
// reports whether each has a second byte of at least second.
func pairs(b []byte, first, last, second byte) (*leads, bool) {
	l := &leads{}
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case c < 0x80:
			continue
		case first < 0xa0 && c >= 0xa1 && c <= 0xdf: // katakana of half width
			continue
		case c < first || c > last:
			return l, false
		case i+1 == len(b):
			return l, len(b) == maxDetect // cut
		case b[i+1] < second || b[i+1] == 0x7f || b[i+1] == 0xff:
			return l, false
		}
		l.n++
		l.lead[c]++
		i++
	}
	return l, l.n > 0
}
