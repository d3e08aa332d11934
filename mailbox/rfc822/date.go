package rfc822

import (
	"net/mail"
	"strings"
	"time"
)

// layouts are tried on dates that net/mail refuses, after comments and the
// day of week are gone.
var layouts = [...]string{
	"2 Jan 2006 15:04:05 -0700", "2 Jan 2006 15:04:05 MST", "2 Jan 2006 15:04:05", "2 Jan 2006 15:04 -0700", "2 Jan 2006 15:04",
	"2 January 2006 15:04:05 -0700", "2 January 2006 15:04:05 MST", "2 January 2006 15:04:05",
	"2 Jan 06 15:04:05 -0700", "2 Jan 06 15:04:05 MST", "2 Jan 06 15:04:05",
	"Jan 2 15:04:05 2006", "Jan 2 15:04:05 MST 2006", "Jan 2 15:04:05 2006 -0700", "Jan 2 15:04:05 -0700 2006",
	"Jan 2 2006 15:04:05 -0700", "Jan 2 2006 15:04:05 MST",
	"2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05 -0700 MST", "2006-01-02 15:04:05", time.RFC3339,
	"2006-01-02T15:04:05", "2/1/2006 15:04:05", "2 Jan 2006",
}

// date reads the Date field (RFC 5322, section 3.3) and returns it in UTC, or
// zero for what is no instant in the years 1 to 9999.
func (p *parser) date(v []byte) time.Time {
	s := cleanLine(unfold(v))
	if len(s) > 200 {
		s = ""
	}
	t, ok := parseDate(s)
	if y := t.Year(); !ok || y < 1 || y > 9999 || t.IsZero() {
		p.report(DefectDate, "missing or unreadable Date")
		return time.Time{}
	}
	return t
}

func parseDate(s string) (time.Time, bool) {
	if s == "" {
		return time.Time{}, false
	}
	if t, err := mail.ParseDate(s); err == nil {
		return t.UTC(), true
	}
	if i := strings.IndexByte(s, '('); i > 0 {
		s = s[:i]
	}
	s = strings.ReplaceAll(s, ".", ":")
	if day, rest, ok := strings.Cut(s, ","); ok && len(day) <= 10 {
		s = rest
	}
	words := strings.Fields(strings.ReplaceAll(s, ",", " "))
	if len(words) > 0 && isWeekday(words[0]) {
		words = words[1:]
	}
	for len(words) > 0 {
		s = strings.Join(words, " ")
		for _, layout := range layouts {
			if t, err := time.Parse(layout, s); err == nil {
				return t.UTC(), true
			}
		}
		if len(words) <= 4 {
			break
		}
		words = words[:len(words)-1] // a zone nobody knows counts as UTC
	}
	return time.Time{}, false
}

func isWeekday(s string) bool {
	if len(s) < 3 || len(s) > 9 {
		return false
	}
	switch strings.ToLower(s[:3]) {
	case "mon", "tue", "wed", "thu", "fri", "sat", "sun":
		return true
	}
	return false
}
