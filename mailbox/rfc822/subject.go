package rfc822

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// replyWords and forwardWords are what mailers of the world put before the
// colon of a subject.
var (
	replyWords = map[string]bool{"re": true, "aw": true, "antw": true, "antwort": true, "sv": true, "vs": true,
		"odp": true, "ynt": true, "rif": true, "rv": false, "res": true, "resp": true, "ref": false, "atb": true,
		"bls": true, "ha": false, "ответ": true, "отв": true, "回复": true, "回覆": true, "答复": true, "回信": true, "답장": true, "返信": true}
	forwardWords = map[string]bool{"fw": true, "fwd": true, "wg": true, "tr": true, "rv": true, "enc": true, "vb": true,
		"vl": true, "vid": true, "i": false, "doorst": true, "pd": true, "ilt": true, "转发": true, "轉寄": true, "전달": true, "転送": true}
)

// ReplySubject returns the subject of an answer: exactly one "Re: " before the
// subject without the reply prefixes it has gathered, in any language and also
// as "Re[2]:" (RFC 5322, section 3.6.5).
func ReplySubject(subject string) string {
	s := cleanLine(subject)
	for {
		rest, ok := cutPrefix(s, replyWords)
		if !ok {
			break
		}
		s = rest
	}
	if s == "" {
		return "Re:"
	}
	return "Re: " + s
}

// BaseSubject returns the subject folded for comparison: without reply and
// forward prefixes, also behind a leading "[tag]", and without case. It is the
// base subject of RFC 5256, section 2.1, except that tags stay: they often
// hold what tells two subjects apart.
func BaseSubject(subject string) string {
	s := cleanLine(strings.ToValidUTF8(subject, ""))
	tags := ""
	for s != "" {
		if rest, ok := cutPrefix(s, replyWords); ok {
			s = rest
			continue
		}
		if rest, ok := cutPrefix(s, forwardWords); ok {
			s = rest
			continue
		}
		if t, ok := strings.CutSuffix(s, "(fwd)"); ok {
			s = strings.TrimSpace(t)
			continue
		}
		end := strings.IndexByte(s, ']')
		if s[0] != '[' || end < 0 || end > 60 {
			break
		}
		if tag := s[:end+1] + " "; !strings.Contains(tags, tag) && len(tags) < 240 {
			tags += tag
		}
		s = strings.TrimSpace(s[end+1:])
	}
	return strings.TrimSpace(strings.ToLower(norm.NFC.String(tags + s)))
}

// cutPrefix removes one "Word:", "Word[2]:", "Word(2):" or "Word :" from s.
func cutPrefix(s string, words map[string]bool) (string, bool) {
	s = strings.TrimLeft(s, " ")
	head := s[:min(len(s), 40)]
	colon, size := strings.IndexByte(head, ':'), 1
	if wide := strings.Index(head, "："); wide >= 0 && (colon < 0 || wide < colon) {
		colon, size = wide, len("：")
	}
	if colon <= 0 {
		return s, false
	}
	word := strings.TrimSpace(head[:colon])
	if i := strings.IndexAny(word, "[(^*"); i > 0 {
		if strings.Trim(word[i:], "[]()^*0123456789 ") != "" {
			return s, false
		}
		word = strings.TrimSpace(word[:i])
	} else if n := strings.TrimRight(word, "0123456789"); n != "" {
		word = n
	}
	if !words[strings.ToLower(word)] {
		return s, false
	}
	return strings.TrimLeft(s[colon+size:], " "), true
}
