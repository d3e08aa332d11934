package retention

import (
	"fmt"
	"time"
)

// Period is a length of calendar time. Statutes speak of years and months,
// which have no fixed length in hours; a day is a day of UTC.
type Period struct {
	Years, Months, Days int
}

// Days returns a period of n days.
func Days(n int) Period { return Period{Days: n} }

// Months returns a period of n months.
func Months(n int) Period { return Period{Months: n} }

// Years returns a period of n years.
func Years(n int) Period { return Period{Years: n} }

// maxYears bounds each part of a period: longer is a mistake, and far longer
// would overflow the calendar.
const maxYears = 200

// From returns the instant at which a period that began at t is over, in UTC.
// A month that lacks the day ends it on its last day: one month from 31 January
// is the end of February, not a day in March.
func (p Period) From(t time.Time) time.Time {
	t = t.UTC()
	y, m, d := t.Date()
	first := time.Date(y+p.Years, m+time.Month(p.Months), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	clock := t.Sub(time.Date(y, m, d, 0, 0, 0, 0, time.UTC))
	return first.AddDate(0, 0, min(d, last)-1+p.Days).Add(clock)
}

// IsZero reports whether the period is empty.
func (p Period) IsZero() bool { return p == Period{} }

// String returns the period in the form of ISO 8601, such as P6M or P1Y10D.
func (p Period) String() string {
	s := "P"
	for _, part := range []struct {
		n    int
		unit string
	}{{p.Years, "Y"}, {p.Months, "M"}, {p.Days, "D"}} {
		if part.n != 0 {
			s += fmt.Sprint(part.n) + part.unit
		}
	}
	if s == "P" {
		return "P0D"
	}
	return s
}

// problem returns what is wrong with the period, or "".
func (p Period) problem() string {
	switch {
	case p.Years < 0 || p.Months < 0 || p.Days < 0:
		return "is negative"
	case p.Years > maxYears || p.Months > maxYears*12 || p.Days > maxYears*366:
		return fmt.Sprintf("is longer than %d years", maxYears)
	}
	return ""
}
