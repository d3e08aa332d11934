package rfc822

import (
	"strconv"
	"strings"
	"time"
)

// zones finds the offset of a local time of calendar data.
type zones struct {
	own   map[string]*component // VTIMEZONE by TZID
	other string                // X-WR-TIMEZONE, for times without a zone
}

func zonesOf(root *component) zones {
	z := zones{own: map[string]*component{}}
	root.find("VTIMEZONE", func(c *component) bool {
		if id, ok := c.get("TZID"); ok && z.own[id.value] == nil {
			z.own[id.value] = c
		}
		return true
	})
	root.find("VCALENDAR", func(c *component) bool {
		p, _ := c.get("X-WR-TIMEZONE")
		z.other = p.value
		return false
	})
	return z
}

// when reads a date or a date with time (RFC 5545, sections 3.3.4 and 3.3.5).
// A date is its midnight in UTC. A time without a zone, or with one that nobody
// knows, is taken as UTC.
func (z zones) when(event *component, name string) (t time.Time, allDay bool) {
	p, ok := event.get(name)
	if !ok {
		return time.Time{}, false
	}
	value := strings.TrimSpace(p.value)
	if len(value) == len("20060102") {
		t, err := time.Parse("20060102", value)
		return t, err == nil
	}
	t, utc, ok := localTime(value)
	if !ok || utc {
		return t, false
	}
	id := p.param("TZID")
	if id == "" {
		id = z.other
	}
	return z.at(t, id), false
}

// localTime reads a date with time as if it were in UTC.
func localTime(s string) (t time.Time, utc, ok bool) {
	s, utc = strings.CutSuffix(s, "Z")
	t, err := time.Parse("20060102T150405", s)
	if err != nil {
		t, err = time.Parse("20060102T1504", s)
	}
	if err != nil {
		return time.Time{}, false, false
	}
	return t, utc, true
}

// at moves a local time into its zone: by the IANA name, which knows more than
// what calendars copy of it, then by the calendar's own definition, then by
// the name Windows has for the zone.
func (z zones) at(t time.Time, id string) time.Time {
	if loc := location(id); loc != nil {
		return in(t, loc)
	}
	if own := z.own[id]; own != nil {
		if offset, ok := offsetAt(own, t); ok {
			return in(t, time.FixedZone("", offset))
		}
	}
	if loc := location(windowsZone(id)); loc != nil {
		return in(t, loc)
	}
	return t
}

func in(t time.Time, loc *time.Location) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, loc)
}

// location finds a zone of the IANA database. Calendars put a path before the
// name: /mozilla.org/20050126_1/Europe/Berlin.
func location(id string) *time.Location {
	id = strings.Trim(id, "\" ")
	if strings.EqualFold(id, "UTC") || strings.EqualFold(id, "GMT") {
		return time.UTC
	}
	if len(id) > 200 || !strings.Contains(id, "/") {
		return nil
	}
	parts := strings.Split(strings.Trim(id, "/"), "/")
	for n := min(3, len(parts)); n >= 2; n-- {
		name := strings.Join(parts[len(parts)-n:], "/")
		if loc, err := time.LoadLocation(name); err == nil {
			return loc
		}
	}
	return nil
}

// offsetAt returns seconds east of UTC by the observance of a VTIMEZONE that
// began last before t, which is local.
func offsetAt(zone *component, t time.Time) (offset int, ok bool) {
	var latest time.Time
	earliest := time.Time{}
	before := 0
	for _, o := range zone.children {
		start, _, valid := localTime(strings.TrimSpace(value(o, "DTSTART")))
		to, toOK := utcOffset(value(o, "TZOFFSETTO"))
		if !valid || !toOK {
			continue
		}
		if from, fromOK := utcOffset(value(o, "TZOFFSETFROM")); fromOK && (earliest.IsZero() || start.Before(earliest)) {
			earliest, before = start, from
		}
		if onset, found := lastOnset(o, start, t); found && (!ok || onset.After(latest)) {
			latest, offset, ok = onset, to, true
		}
	}
	if !ok && !earliest.IsZero() {
		return before, true
	}
	return offset, ok
}

func value(c *component, name string) string {
	p, _ := c.get(name)
	return p.value
}

// lastOnset returns when an observance last began, up to t: at its start, at
// one of its dates, or by its yearly rule, the only kind that zones have.
func lastOnset(o *component, start, t time.Time) (time.Time, bool) {
	if start.After(t) {
		return time.Time{}, false
	}
	last := start
	for _, p := range o.props {
		if p.name == "RDATE" {
			for _, s := range strings.Split(p.value, ",") {
				if d, _, ok := localTime(strings.TrimSpace(s)); ok && !d.After(t) && d.After(last) {
					last = d
				}
			}
		}
	}
	rule, ok := parseYearly(value(o, "RRULE"))
	if !ok {
		return last, true
	}
	if !rule.until.IsZero() && rule.until.Before(t) {
		t = rule.until
	}
	for year := t.Year(); year >= t.Year()-1; year-- {
		if d := rule.in(year, start); !d.After(t) {
			if d.After(last) {
				last = d
			}
			break
		}
	}
	return last, true
}

// yearly is a rule such as: the last Sunday of October.
type yearly struct {
	month time.Month
	nth   int // 1 is the first, -1 the last; 0 is the day of the start
	day   time.Weekday
	until time.Time
}

func parseYearly(s string) (r yearly, ok bool) {
	for _, part := range strings.Split(s, ";") {
		k, v, _ := strings.Cut(part, "=")
		switch k {
		case "FREQ":
			ok = v == "YEARLY"
		case "BYMONTH":
			n, _ := strconv.Atoi(v)
			r.month = time.Month(n)
		case "BYDAY":
			if len(v) >= 3 {
				r.nth, _ = strconv.Atoi(v[:len(v)-2])
				r.day = time.Weekday(strings.Index("SUMOTUWETHFRSA", v[len(v)-2:]) / 2)
			}
		case "UNTIL":
			r.until, _, _ = localTime(v)
		}
	}
	ok = ok && r.month >= 1 && r.month <= 12 && r.nth >= -5 && r.nth <= 5 && r.day >= 0
	return r, ok
}

// in returns the onset in a year, at the time of day of start.
func (r yearly) in(year int, start time.Time) time.Time {
	at := func(day int) time.Time {
		return time.Date(year, r.month, day, start.Hour(), start.Minute(), start.Second(), 0, time.UTC)
	}
	switch {
	case r.nth > 0:
		first := at(1)
		return first.AddDate(0, 0, (int(r.day-first.Weekday())+7)%7+7*(r.nth-1))
	case r.nth < 0:
		last := at(1).AddDate(0, 1, -1)
		return last.AddDate(0, 0, -((int(last.Weekday()-r.day)+7)%7)).AddDate(0, 0, 7*(r.nth+1))
	}
	return at(start.Day())
}

// utcOffset reads +HHMM or +HHMMSS in seconds.
func utcOffset(s string) (int, bool) {
	s = strings.TrimSpace(s)
	if len(s) != 5 && len(s) != 7 || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	n, err := strconv.ParseUint(s[1:], 10, 32)
	if err != nil {
		return 0, false
	}
	if len(s) == 5 {
		n *= 100
	}
	seconds := int(n/10000*3600 + n/100%100*60 + n%100)
	if seconds > 18*3600 {
		return 0, false
	}
	if s[0] == '-' {
		seconds = -seconds
	}
	return seconds, true
}

// windowsZone returns the IANA name of a zone by its Windows name, as CLDR maps
// them for the whole territory, or "".
func windowsZone(id string) string {
	switch strings.Trim(id, "\" ") {
	case "GMT Standard Time":
		return "Europe/London"
	case "Greenwich Standard Time":
		return "Atlantic/Reykjavik"
	case "W. Europe Standard Time":
		return "Europe/Berlin"
	case "Central Europe Standard Time":
		return "Europe/Budapest"
	case "Romance Standard Time":
		return "Europe/Paris"
	case "Central European Standard Time":
		return "Europe/Warsaw"
	case "FLE Standard Time":
		return "Europe/Kiev"
	case "GTB Standard Time":
		return "Europe/Bucharest"
	case "Turkey Standard Time":
		return "Europe/Istanbul"
	case "Russian Standard Time":
		return "Europe/Moscow"
	case "Israel Standard Time":
		return "Asia/Jerusalem"
	case "South Africa Standard Time":
		return "Africa/Johannesburg"
	case "Egypt Standard Time":
		return "Africa/Cairo"
	case "Arabian Standard Time":
		return "Asia/Dubai"
	case "Arab Standard Time":
		return "Asia/Riyadh"
	case "India Standard Time":
		return "Asia/Kolkata"
	case "China Standard Time":
		return "Asia/Shanghai"
	case "Singapore Standard Time":
		return "Asia/Singapore"
	case "SE Asia Standard Time":
		return "Asia/Bangkok"
	case "Tokyo Standard Time":
		return "Asia/Tokyo"
	case "Korea Standard Time":
		return "Asia/Seoul"
	case "AUS Eastern Standard Time":
		return "Australia/Sydney"
	case "E. Australia Standard Time":
		return "Australia/Brisbane"
	case "W. Australia Standard Time":
		return "Australia/Perth"
	case "New Zealand Standard Time":
		return "Pacific/Auckland"
	case "Newfoundland Standard Time":
		return "America/St_Johns"
	case "Atlantic Standard Time":
		return "America/Halifax"
	case "Eastern Standard Time":
		return "America/New_York"
	case "Central Standard Time":
		return "America/Chicago"
	case "Mountain Standard Time":
		return "America/Denver"
	case "US Mountain Standard Time":
		return "America/Phoenix"
	case "Pacific Standard Time":
		return "America/Los_Angeles"
	case "Alaskan Standard Time":
		return "America/Anchorage"
	case "Hawaiian Standard Time":
		return "Pacific/Honolulu"
	case "E. South America Standard Time":
		return "America/Sao_Paulo"
	case "Argentina Standard Time":
		return "America/Buenos_Aires"
	case "SA Pacific Standard Time":
		return "America/Bogota"
	}
	return ""
}
