package trim

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxGlued is the length in bytes of a line that is looked at for header lines
// without breaks between them.
const maxGlued = 4 << 10

// glued takes apart a line on which Yahoo sets off a mail with all its header
// lines, as its plain text has them: "----- Forwarded Message ----- From: Kari
// <kari@example.no>To: ola@example.no". It returns nil for every other line.
func glued(raw string) []string {
	s := strings.TrimSpace(raw)
	if !strings.HasPrefix(s, "---") || len(s) > maxGlued {
		return nil
	}
	words := strings.TrimLeft(s, "- ")
	end := strings.Index(words, "---")
	if end < 0 || end > 100 {
		return nil
	}
	end += len(s) - len(words)
	fields := strings.TrimLeft(s[end:], "- ")
	mark := s[:len(s)-len(fields)]
	if f, _ := headerLine(fields); f != fieldFrom || !isForwardLine(mark) && !isOriginalLine(mark) {
		return nil
	}
	return append([]string{strings.TrimSpace(mark)}, splitFields(fields)...)
}

// splitFields breaks header lines before each label, up to the subject: what
// looks like one in that is part of it.
func splitFields(s string) (lines []string) {
	start := 0
	for i := 1; i < len(s); i++ {
		if s[i] != ':' {
			continue
		}
		at, f := labelBefore(s, start, i)
		if f == fieldNone || at <= start {
			continue
		}
		lines = append(lines, strings.TrimSpace(s[start:at]))
		if start = at; f == fieldSubject {
			break
		}
	}
	return append(lines, strings.TrimSpace(s[start:]))
}

// labelBefore finds the longest label that ends at a colon. It begins with a
// capital, which may follow on the last letter of the value before.
func labelBefore(s string, from, colon int) (int, field) {
	found, at := fieldNone, -1
	for i := colon; i > from && colon-i < 40; {
		r, n := utf8.DecodeLastRuneInString(s[:i])
		if i -= n; unicode.IsUpper(r) {
			if f := labelOf(strings.ToLower(strings.TrimSpace(s[i:colon]))); f != fieldNone {
				found, at = f, i
			}
		}
		if !unicode.IsLetter(r) && r != ' ' && r != '-' && r != '\u00a0' {
			break
		}
	}
	return at, found
}
