package rfc822

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/helpdesk-go/helpdesk/ticket"
)

const (
	maxInviteText = 1000
	maxInviteSpan = 10 * 366 * 24 * time.Hour
)

// inviteOf reads the meeting that calendar data (RFC 5545) is about: the first
// event, or the event it is an exception of. It returns nil when there is no
// event. The data must be UTF-8; what is not is replaced.
func inviteOf(ics []byte) *ticket.Invite {
	ics = bytes.TrimPrefix(ics[:min(len(ics), maxCalendar)], []byte(byteOrderMark))
	root := readCalendar(strings.ToValidUTF8(string(ics), "\uFFFD"))
	event := mainEvent(root)
	if event == nil {
		return nil
	}
	zones := zonesOf(root)
	in := &ticket.Invite{
		Method:   methodOf(root),
		UID:      event.text("UID", maxInviteText),
		Summary:  event.text("SUMMARY", maxInviteText),
		Location: event.text("LOCATION", maxInviteText),
	}
	if p, ok := event.get("ORGANIZER"); ok {
		in.Organizer = organizer(p)
	}
	in.Start, in.AllDay = zones.when(event, "DTSTART")
	if !in.Start.IsZero() {
		in.End = zones.end(event, in.Start, in.AllDay)
	}
	return in
}

// mainEvent returns the first event; where that is one instance of a series of
// which the series itself follows, it returns the series.
func mainEvent(root *component) *component {
	var first, series *component
	root.find("VEVENT", func(e *component) bool {
		_, instance := e.get("RECURRENCE-ID")
		if first == nil {
			first = e
		}
		if !instance && e.text("UID", maxInviteText) == first.text("UID", maxInviteText) {
			series = e
		}
		return series == nil
	})
	if series != nil {
		return series
	}
	return first
}

// methodOf returns METHOD in capitals, or "" when it is no token.
func methodOf(root *component) string {
	method := ""
	root.find("VCALENDAR", func(c *component) bool {
		p, _ := c.get("METHOD")
		method = strings.ToUpper(strings.TrimSpace(p.value))
		return method == ""
	})
	for i := range len(method) {
		if c := method[i]; (c < 'A' || c > 'Z') && c != '-' || i >= 30 {
			return ""
		}
	}
	return method
}

func organizer(p property) ticket.Address {
	addr := strings.TrimSpace(p.value)
	if len(addr) >= 7 && strings.EqualFold(addr[:7], "mailto:") {
		addr = addr[7:]
	}
	a, err := ParseAddress(addr)
	if err != nil {
		a = ticket.Address{}
	}
	a.Name = cut(cleanLine(p.param("CN")), maxInviteText)
	return a
}

// end returns when an event ends (RFC 5545, section 3.6.1): by DTEND, which is
// not part of the event, by DURATION, or after the one day of a date.
func (z zones) end(event *component, start time.Time, allDay bool) time.Time {
	if end, _ := z.when(event, "DTEND"); !end.IsZero() {
		if end.Before(start) {
			return start
		}
		return end
	}
	if p, ok := event.get("DURATION"); ok {
		if d, days, ok := parseDuration(p.value); ok {
			return start.AddDate(0, 0, days).Add(d)
		}
	}
	if allDay {
		return start.AddDate(0, 0, 1)
	}
	return start
}

// parseDuration reads a duration (RFC 5545, section 3.3.6) that is not
// negative. Days are told apart because a day need not have 24 hours.
func parseDuration(s string) (d time.Duration, days int, ok bool) {
	s, ok = strings.CutPrefix(strings.TrimPrefix(strings.TrimSpace(s), "+"), "P")
	if !ok || s == "" {
		return 0, 0, false
	}
	inTime := false
	for s != "" {
		if s[0] == 'T' && !inTime {
			inTime, s = true, s[1:]
			continue
		}
		n := 0
		for n < len(s) && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		if n == 0 || n > 9 || n == len(s) {
			return 0, 0, false
		}
		value, _ := strconv.Atoi(s[:n])
		switch unit := s[n]; {
		case unit == 'W' && !inTime:
			days += 7 * value
		case unit == 'D' && !inTime:
			days += value
		case unit == 'H' && inTime:
			d += time.Duration(value) * time.Hour
		case unit == 'M' && inTime:
			d += time.Duration(value) * time.Minute
		case unit == 'S' && inTime:
			d += time.Duration(value) * time.Second
		default:
			return 0, 0, false
		}
		s = s[n+1:]
		if d < 0 || d > maxInviteSpan || days > int(maxInviteSpan/(24*time.Hour)) {
			return 0, 0, false
		}
	}
	return d, days, true
}
