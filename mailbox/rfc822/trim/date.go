package trim

import (
	"net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxDate is the length in bytes of a date line that is read; clients write at
// most half of it.
const maxDate = 160

// forwardDate reads the date in a block of header lines, which clients write in
// the language and the order of their user. Without a zone it is taken as UTC.
// It returns the zero time where it cannot be sure of year, month and day.
func forwardDate(s string) time.Time {
	if len(s) > maxDate {
		return time.Time{}
	}
	if t, err := mail.ParseDate(s); err == nil && strings.ContainsAny(s, "+-") {
		return t.UTC()
	}
	d := readDate(s)
	return d.time()
}

// dateToken is a number or a word of a date.
type dateToken struct {
	word  string // in lower case, or empty for a number
	n     int
	width int    // digits
	gap   string // signs and blanks before it
	used  bool
}

// dateScan is a date under work.
type dateScan struct {
	tokens []dateToken

	year, month, day, hour, minute, second int
	clock, afternoon, forenoon             bool
	offset                                 time.Duration
}

func readDate(s string) dateScan {
	d := dateScan{tokens: dateTokens(s)}
	d.units()
	d.zone()
	d.times(":")
	d.halves()
	d.months()
	d.days()
	if !d.clock {
		d.times(".")
	}
	if !d.clock {
		d.times("h")
	}
	d.fullHour()
	return d
}

// time puts together what was read.
func (d *dateScan) time() time.Time {
	if d.afternoon && d.hour < 12 {
		d.hour += 12
	}
	if d.forenoon && d.hour == 12 {
		d.hour = 0
	}
	t := time.Date(d.year, time.Month(d.month), d.day, d.hour, d.minute, d.second, 0, time.UTC)
	if d.year < 1970 || d.year > 2200 || t.Day() != d.day || int(t.Month()) != d.month || d.hour > 23 || d.minute > 59 || d.second > 60 {
		return time.Time{}
	}
	return t.Add(-d.offset)
}

// dateTokens splits a date into numbers and words. The signs for year, month
// and day of East Asia are words of their own.
func dateTokens(s string) []dateToken {
	var list []dateToken
	gap, s := "", strings.ToLower(s)
	for s != "" && len(list) < 40 {
		r, size := utf8.DecodeRuneInString(s)
		t := dateToken{gap: gap}
		switch {
		case r >= '0' && r <= '9':
			for s != "" && s[0] >= '0' && s[0] <= '9' {
				t.n, t.width, s = min(t.n*10+int(s[0]-'0'), 99999), t.width+1, s[1:]
			}
		case strings.ContainsRune("年月日时時分秒년월일시분초", r):
			t.word, s = s[:size], s[size:]
		case unicode.IsLetter(r):
			end := strings.IndexFunc(s, func(r rune) bool {
				return !unicode.IsLetter(r) && !unicode.IsMark(r) || strings.ContainsRune("年月日时時分秒", r)
			})
			if end <= 0 {
				end = len(s)
			}
			t.word, s = s[:end], s[end:]
		default:
			gap, s = gap+s[:size], s[size:]
			continue
		}
		list, gap = append(list, t), ""
	}
	return list
}

// units reads "2026年3月3日 10时15分" and "tháng 3".
func (d *dateScan) units() {
	for i := 1; i < len(d.tokens); i++ {
		n, u := &d.tokens[i-1], &d.tokens[i]
		if n.width == 0 || n.used {
			if u.width > 0 && (n.word == "tháng" || n.word == "thg") {
				d.month, u.used = u.n, true
			}
			continue
		}
		to := map[string]*int{"年": &d.year, "년": &d.year, "月": &d.month, "월": &d.month, "日": &d.day, "일": &d.day, "时": &d.hour,
			"時": &d.hour, "시": &d.hour, "分": &d.minute, "분": &d.minute, "秒": &d.second, "초": &d.second}[u.word]
		if to == nil {
			continue
		}
		*to, n.used = n.n, true
		d.clock = d.clock || to == &d.hour
	}
}

// zone reads an offset behind the time, or the name of a zone.
func (d *dateScan) zone() {
	for i := range d.tokens {
		t := &d.tokens[i]
		if hours, ok := zoneHours(t.word); ok && t.word != "" && i > 2 {
			d.offset = time.Duration(hours * float64(time.Hour))
		}
		sign := strings.TrimLeft(t.gap, "( ")
		if t.width == 0 || t.used || i < 4 || sign != "+" && sign != "-" && sign != "−" {
			continue
		}
		if before := d.tokens[i-1]; sign != "+" && before.word == "" && t.width != 4 {
			continue
		}
		hours, minutes := t.n, 0
		if t.width >= 3 {
			hours, minutes = t.n/100, t.n%100
		} else if i+1 < len(d.tokens) && d.tokens[i+1].gap == ":" && d.tokens[i+1].width == 2 {
			minutes, d.tokens[i+1].used = d.tokens[i+1].n, true
		}
		d.offset = time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
		if sign != "+" {
			d.offset = -d.offset
		}
		t.used = true
		return
	}
}

// times reads hours, minutes and seconds with a sign between them.
func (d *dateScan) times(sign string) {
	joined := func(i int) bool {
		if i >= len(d.tokens) {
			return false
		}
		t := d.tokens[i]
		return t.width > 0 && t.width <= 2 && !t.used && t.gap == sign
	}
	for i := range d.tokens {
		t := &d.tokens[i]
		if t.width == 0 || t.width > 2 || t.used || t.n > 24 {
			continue
		}
		next := i + 1
		if sign == "h" {
			if next+1 >= len(d.tokens) || d.tokens[next].word != "h" || d.tokens[next+1].width != 2 || d.tokens[next+1].used {
				continue
			}
			next++
		} else if !joined(next) {
			continue
		}
		d.hour, d.minute, d.clock = t.n, d.tokens[next].n, true
		t.used, d.tokens[next].used = true, true
		if sign != "h" && joined(next+1) {
			d.second, d.tokens[next+1].used = d.tokens[next+1].n, true
		}
		return
	}
}

// halves reads which half of the day a clock of twelve hours means.
func (d *dateScan) halves() {
	for i, t := range d.tokens {
		half := t.word
		if (half == "a" || half == "p") && i+1 < len(d.tokens) && d.tokens[i+1].word == "m" {
			half += "m"
		}
		switch half {
		case "am", "πμ", "öö", "上午", "午前", "오전", "sa":
			// "am 3. März" says nothing of the sort.
			d.forenoon = d.forenoon || half != "am" && half != "sa" || i > 0 && d.tokens[i-1].width > 0
		case "pm", "μμ", "ös", "下午", "午後", "오후", "ch":
			d.afternoon = d.afternoon || half != "ch" || i > 0 && d.tokens[i-1].width > 0
		}
	}
}

// fullHour reads "3 PM" and "kl. 15".
func (d *dateScan) fullHour() {
	for i := range d.tokens {
		t := &d.tokens[i]
		if d.clock || t.width == 0 || t.width > 2 || t.used || i == 0 {
			continue
		}
		before := d.tokens[i-1].word
		if before == "kl" || before == "klo" || before == "at" || d.afternoon || d.forenoon {
			d.hour, d.clock, t.used = t.n, true, true
		}
	}
}

// months reads the name of a month. Of two, the first is a day of the week.
func (d *dateScan) months() {
	for i := range d.tokens {
		if m := monthOf(d.tokens[i].word); m > 0 && !d.tokens[i].used {
			d.month = m
		}
	}
}

// days reads what is left: a day and a year beside the name of a month, or all
// three as numbers.
func (d *dateScan) days() {
	var left []*dateToken
	for i := range d.tokens {
		if t := &d.tokens[i]; t.width > 0 && !t.used {
			left = append(left, t)
		}
	}
	if d.month > 0 {
		d.besideMonth(left)
		return
	}
	for i := 0; i+2 < len(left); i++ {
		a, b, c := left[i], left[i+1], left[i+2]
		sign := strings.TrimSpace(b.gap)
		if sign == "" || strings.Trim(sign, "./-") != "" || strings.TrimSpace(c.gap) != sign {
			continue
		}
		switch {
		case a.width == 4:
			d.year, d.month, d.day = a.n, b.n, c.n
		case c.width == 4:
			d.day, d.month, d.year = a.n, b.n, c.n
		case c.width == 2 && a.width <= 2:
			d.day, d.month, d.year = a.n, b.n, 2000+c.n
		default:
			continue
		}
		// Only the United States write the month first, with a clock of twelve hours.
		if sign == "/" && a.width != 4 && d.day <= 12 && (d.afternoon || d.forenoon) || d.month > 12 && d.day <= 12 {
			d.day, d.month = d.month, d.day
		}
		a.used, b.used, c.used = true, true, true
		return
	}
}

func (d *dateScan) besideMonth(left []*dateToken) {
	for _, t := range left {
		switch {
		case d.year == 0 && t.width == 4:
			d.year, t.used = t.n, true
		case d.day == 0 && t.width <= 2 && t.n > 0 && t.n <= 31:
			d.day, t.used = t.n, true
		case d.year == 0 && t.width == 2 && d.day > 0 && strings.Trim(t.gap, "-/'’ ") == "" && strings.TrimSpace(t.gap) != "":
			d.year, t.used = 2000+t.n, true
		}
	}
}
