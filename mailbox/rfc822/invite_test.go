package rfc822

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// calendar makes calendar data of an event's lines.
func calendar(lines ...string) []byte {
	return []byte("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:request\r\n" +
		strings.Join(lines, "\r\n") + "\r\nEND:VCALENDAR\r\n")
}

const ownZone = "BEGIN:VTIMEZONE\r\nTZID:Here\r\n" +
	"BEGIN:DAYLIGHT\r\nDTSTART:19810329T020000\r\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r\n" +
	"TZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nEND:DAYLIGHT\r\n" +
	"BEGIN:STANDARD\r\nDTSTART:19961027T030000\r\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\n" +
	"TZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE"

func event(lines ...string) string {
	return "BEGIN:VEVENT\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VEVENT"
}

func TestInviteTimes(t *testing.T) {
	for _, c := range []struct {
		lines      []string
		start, end string
		allDay     bool
	}{
		{[]string{event("DTSTART:20240301T090000Z", "DTEND:20240301T100000Z")}, "2024-03-01T09:00:00Z", "2024-03-01T10:00:00Z", false},
		{[]string{event("DTSTART;VALUE=DATE:20240301")}, "2024-03-01T00:00:00Z", "2024-03-02T00:00:00Z", true},
		{[]string{event("DTSTART;VALUE=DATE:20240301", "DURATION:P2W")}, "2024-03-01T00:00:00Z", "2024-03-15T00:00:00Z", true},
		{[]string{event("DTSTART;TZID=Europe/Berlin:20240701T090000", "DURATION:PT1H30M")}, "2024-07-01T07:00:00Z", "2024-07-01T08:30:00Z", false},
		{[]string{event("DTSTART;TZID=/mozilla.org/20050126_1/Europe/Berlin:20240101T090000")}, "2024-01-01T08:00:00Z", "2024-01-01T08:00:00Z", false},
		{[]string{event("DTSTART;TZID=\"W. Europe Standard Time\":20240701T090000")}, "2024-07-01T07:00:00Z", "2024-07-01T07:00:00Z", false},
		{[]string{event("DTSTART;TZID=Here:20240701T090000"), ownZone}, "2024-07-01T07:00:00Z", "2024-07-01T07:00:00Z", false},
		{[]string{ownZone, event("DTSTART;TZID=Here:20240330T090000")}, "2024-03-30T08:00:00Z", "2024-03-30T08:00:00Z", false},
		{[]string{ownZone, event("DTSTART;TZID=Here:20240331T090000")}, "2024-03-31T07:00:00Z", "2024-03-31T07:00:00Z", false},
		{[]string{ownZone, event("DTSTART;TZID=Here:20241027T090000")}, "2024-10-27T08:00:00Z", "2024-10-27T08:00:00Z", false},
		{[]string{ownZone, event("DTSTART;TZID=Here:19700101T090000")}, "1970-01-01T08:00:00Z", "1970-01-01T08:00:00Z", false},
		{[]string{"X-WR-TIMEZONE:America/New_York", event("DTSTART:20240101T090000")}, "2024-01-01T14:00:00Z", "2024-01-01T14:00:00Z", false},
		{[]string{event("DTSTART;TZID=../../etc/passwd:20240101T090000")}, "2024-01-01T09:00:00Z", "2024-01-01T09:00:00Z", false},
		{[]string{event("DTSTART:20240102T000000Z", "DTEND:20240101T000000Z")}, "2024-01-02T00:00:00Z", "2024-01-02T00:00:00Z", false},
		{[]string{event("DTSTART:20240102T000000Z", "DURATION:P999999999W")}, "2024-01-02T00:00:00Z", "2024-01-02T00:00:00Z", false},
	} {
		in := inviteOf(calendar(c.lines...))
		if in == nil {
			t.Errorf("%q: no invite", c.lines)
			continue
		}
		start, end := in.Start.UTC().Format(time.RFC3339), in.End.UTC().Format(time.RFC3339)
		if start != c.start || end != c.end || in.AllDay != c.allDay {
			t.Errorf("%q: %s to %s, all day %t", c.lines, start, end, in.AllDay)
		}
	}
}

func TestInviteFields(t *testing.T) {
	in := inviteOf(calendar(event("UID:7", "SUMMARY;LANGUAGE=en:Long\\, folded", "  summary\\nof two lines",
		"LOCATION:Room\\; 4", `ORGANIZER;CN="Doe: Ann";X=1:MAILTO:ann@example.org`,
		"BEGIN:VALARM", "SUMMARY:not this", "DURATION:PT5M", "END:VALARM", "DTSTART:20240301T090000Z")))
	if in == nil {
		t.Fatal("no invite")
	}
	if in.Method != "REQUEST" || in.UID != "7" || in.Location != "Room; 4" ||
		!strings.HasPrefix(in.Summary, "Long, folded summary") || strings.Contains(in.Summary, "\n") {
		t.Errorf("%+v", in)
	}
	if want := (ticket.Address{Name: "Doe: Ann", Addr: "ann@example.org"}); in.Organizer != want {
		t.Errorf("organizer %+v", in.Organizer)
	}
}

func TestInviteTakesTheSeries(t *testing.T) {
	in := inviteOf(calendar(event("UID:1", "RECURRENCE-ID:20240301T090000Z", "SUMMARY:instance"),
		event("UID:2", "SUMMARY:other"), event("UID:1", "SUMMARY:series")))
	if in == nil || in.Summary != "series" {
		t.Errorf("%+v", in)
	}
}

func TestNoInvite(t *testing.T) {
	for _, s := range []string{"", "BEGIN:VCALENDAR\r\nEND:VCALENDAR", "hello", "BEGIN:VTODO\nSUMMARY:x\nEND:VTODO"} {
		if in := inviteOf([]byte(s)); in != nil {
			t.Errorf("%q: %+v", s, in)
		}
	}
}

// TestInviteCorpus reads each calendar of a corpus of invitations.
func TestInviteCorpus(t *testing.T) {
	dir := os.Getenv("HELPDESK_CORPORA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "corpora")
	}
	var files, events, dated int
	err := filepath.WalkDir(filepath.Join(dir, "cassandane_mime"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".ics") {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		if in := inviteOf(b); in != nil {
			events++
			if !in.Start.IsZero() && !in.End.IsZero() {
				dated++
			} else {
				t.Logf("%s: no time", filepath.Base(path))
			}
		} else {
			t.Logf("%s: no event", filepath.Base(path))
		}
		return nil
	})
	if err != nil || files == 0 {
		if os.Getenv("CI") != "" {
			t.Fatalf("the corpora are absent: %v", err)
		}
		t.Skipf("THE CORPORA ARE ABSENT, nothing was tested: %v", err)
	}
	t.Logf("%d files, %d with an event, %d with start and end", files, events, dated)
	if dated < events*95/100 || events < files*80/100 {
		t.Errorf("%d files, %d events, %d dated", files, events, dated)
	}
}

func FuzzInvite(f *testing.F) {
	f.Add(calendar(ownZone, event("UID:1", "DTSTART;TZID=Here:20240701T090000", "DURATION:P1DT2H")))
	f.Add([]byte("BEGIN:VEVENT\n \n:\n;:\"\nDTSTART;TZID=a/b:20240101T0000"))
	f.Fuzz(func(t *testing.T, b []byte) {
		in := inviteOf(b)
		if in == nil {
			return
		}
		for _, s := range []string{in.Method, in.UID, in.Summary, in.Location, in.Organizer.Name, in.Organizer.Addr} {
			if strings.ContainsAny(s, "\x00\r\n") || len(s) > 2*maxInviteText {
				t.Errorf("%q", s)
			}
		}
		if in.End.Before(in.Start) {
			t.Errorf("ends at %v before %v", in.End, in.Start)
		}
	})
}
