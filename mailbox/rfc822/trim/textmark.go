package trim

import (
	"strings"
	"unicode/utf8"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// mark finds what takes several lines to see: attributions, blocks of header
// lines and lines that set off a repeated mail.
func (t *plainText) mark() {
	t.lastPlain = len(t.lines) - 1
	for t.lastPlain >= 0 && (t.lines[t.lastPlain].kind == textBlank || t.lines[t.lastPlain].kind == textQuote) {
		t.lastPlain--
	}
	for i := 0; i < len(t.lines); i++ {
		l := &t.lines[i]
		if l.kind == textBlank || l.code {
			continue
		}
		if t.setsOff(i) {
			return
		}
		if n := t.attribution(i); n > 0 {
			if l.kind == textQuote && t.quotesBefore(i) {
				continue // inside of a quote it is part of it
			}
			for j := i; j < i+n; j++ {
				if t.lines[j].kind != textBlank {
					t.lines[j].kind, t.lines[j].rule = textIntro, "attribution"
				}
			}
			i += n - 1
		}
	}
}

// quotesBefore reports whether the line before the line i, blank lines aside,
// is quoted as well.
func (t *plainText) quotesBefore(i int) bool {
	for i--; i >= 0; i-- {
		if t.lines[i].kind != textBlank {
			return t.lines[i].kind == textQuote
		}
	}
	return false
}

// setsOff looks for what begins a mail that is repeated to the end of the body:
// a line that says so, or a block of header lines, with or without a rule above.
func (t *plainText) setsOff(i int) bool {
	l := &t.lines[i]
	quoted := l.kind == textQuote
	switch {
	case isForwardLine(l.bare) && t.forwardsAt(i):
		return true
	case isGroupWise(l.raw):
		t.startRest(i, "separator")
		return true
	case quoted && (i < t.lastPlain || !isOriginalLine(l.bare) || t.quotesBefore(i)):
		return false
	case isOriginalLine(l.bare):
		t.startRest(i, "separator")
		if c, at, ok := t.headersFrom(i + 1); ok {
			t.quoted = t.mailAt(c, at)
		}
		return true
	}
	ruled := l.kind == textDelimiter && len(l.bare) >= 5
	at := i
	if ruled {
		at++
	} else if f, _ := headerLine(l.bare); f == fieldNone || f == fieldOther {
		return false
	}
	c, line, ok := t.headersFrom(at)
	if !ok || !ruled && line != 0 {
		return false
	}
	if c.headerBlock(line, len(c.tree.lines), ruled) == line {
		return false
	}
	if !ruled && i > 0 && t.lines[i-1].kind == textOwn && c.headerBlock(line, len(c.tree.lines), false)-line < 3 {
		return false // in the middle of a paragraph it takes more to be a header
	}
	t.startRest(t.summary(i), "headers")
	t.quoted = t.mailAt(c, line)
	return true
}

// summary returns the line above the line i that sums up the mail below, or i.
func (t *plainText) summary(i int) int {
	for j := i - 1; j >= 0 && j >= i-3; j-- {
		if s := t.lines[j].bare; s != "" {
			if isSummary(s) {
				return j
			}
			break
		}
	}
	return i
}

// forwardsAt takes the body from the line i on as a mail that is passed on, if
// header lines or an attribution follow.
func (t *plainText) forwardsAt(i int) bool {
	c, at, ok := t.headersFrom(i + 1)
	if !ok {
		return false
	}
	t.forwarded = t.mailAt(c, at)
	t.startRest(i, "forward")
	return true
}

// mailAt reads the mail below the block of header lines at a line of c.
func (t *plainText) mailAt(c *cutter, at int) *ticket.Forwarded {
	f := c.readMail(at, len(c.tree.lines))
	f.Body, t.dateText = t.bodyAfter(c, at), c.dateText
	return f
}

func (t *plainText) startRest(i int, reason string) {
	t.rest = i
	t.lines[i].kind, t.lines[i].reason = textRest, reason
}

// headerLook is how many lines of a body are looked at for a block of header
// lines; a mail has at most one such block that counts.
const headerLook = 24

// headersFrom reads the lines from i on as the HTML trimmer reads its own and
// looks for a block of header lines among the first of them.
func (t *plainText) headersFrom(i int) (*cutter, int, bool) {
	if !t.headersNear(i) {
		return nil, 0, false
	}
	c := &cutter{tree: &htmlTree{}}
	gap := false
	for j := i; j < len(t.lines) && len(c.tree.lines) < headerLook; j++ {
		s := t.lines[j].bare
		if s == "" {
			gap = true
			continue
		}
		c.tree.lines = append(c.tree.lines, htmlLine{text: s, gap: gap, from: int32(j)})
		gap = false
	}
	at, ok := c.headersNear(0, len(c.tree.lines))
	return c, at, ok
}

// headersNear is a quick look for a header line among the next four.
func (t *plainText) headersNear(i int) bool {
	for n := 0; i < len(t.lines) && n < 4; i++ {
		if s := t.lines[i].bare; s != "" {
			n++
			if f, _ := headerLine(s); f != fieldNone && f != fieldOther {
				t.blocks++
				return t.blocks <= maxBlocks
			}
		}
	}
	return false
}

// bodyAfter returns the text below a block of header lines, without the quote
// marks that all of it has.
func (t *plainText) bodyAfter(c *cutter, at int) string {
	end := c.headerBlock(at, len(c.tree.lines), true)
	if end >= len(c.tree.lines) {
		return ""
	}
	from := int(c.tree.lines[end].from)
	depth := max(t.lines[c.tree.lines[at].from].depth, t.leastDepth(from))
	var b strings.Builder
	for i, l := range t.lines[from:] {
		if i == 0 && isForwardLine(l.bare) || len(l.bare) > 20 && isForwardEnd(l.bare) {
			continue // the line that Zoho repeats, and with which mutt ends
		}
		s := unquoteTo(l.raw, depth)
		b.WriteString(strings.Trim(strings.TrimRight(s, " \t"), "\ufeff"))
		b.WriteByte('\n')
	}
	return strings.TrimSpace(b.String())
}

// unquoteTo takes that many quote marks off a line.
func unquoteTo(s string, depth int) string {
	for range depth {
		s = strings.TrimPrefix(strings.TrimPrefix(strings.TrimLeft(s, " "), ">"), " ")
	}
	return s
}

// leastDepth returns how many quote marks all the lines from one on have.
func (t *plainText) leastDepth(from int) int {
	least := -1
	for _, l := range t.lines[from:] {
		if l.bare != "" && (least < 0 || l.depth < least) {
			least = l.depth
		}
	}
	return max(least, 0)
}

// introLines is over how many lines clients wrap an attribution.
const introLines = 7

// attribution returns how many lines from i on are one attribution, or 0. The
// shortest that is complete counts.
func (t *plainText) attribution(i int) int {
	first := t.lines[i].bare
	if t.intros >= maxIntros || !mayIntroduce(first) {
		return 0
	}
	t.intros++
	joined, blanks := "", 0
	for n := 1; n <= introLines && i+n <= len(t.lines); n++ {
		l := t.lines[i+n-1]
		if l.bare == "" {
			if blanks++; blanks > 2 || !strings.HasPrefix(t.nextBare(i+n), "<") {
				return 0
			}
			continue
		}
		if l.kind == textDelimiter || n > 1 && l.depth == 0 && t.lines[i].depth > 0 {
			return 0
		}
		if joined = strings.TrimSpace(joined + " " + l.bare); len(joined) > 500 {
			return 0
		}
		quoted := t.quoteFollows(i + n)
		if introduces(joined, quoted, n > 1) || quoted && n == 1 && t.lines[i].depth == 0 && shortIntro(joined) {
			if t.laterStart(i, n, quoted) {
				return 0
			}
			return n
		}
	}
	return 0
}

// laterStart reports whether an attribution of several lines is complete without
// its first ones, which then are the end of a paragraph above it.
func (t *plainText) laterStart(i, n int, quoted bool) bool {
	for j := i + 1; j < i+n; j++ {
		if s := t.lines[j].bare; !opensAttribution(s) || !dateLike(s) {
			continue
		}
		joined := ""
		for k := j; k < i+n; k++ {
			joined = strings.TrimSpace(joined + " " + t.lines[k].bare)
		}
		if introduces(joined, quoted, i+n-j > 1) {
			return true
		}
	}
	return false
}

// nextBare returns the next line that is not blank.
func (t *plainText) nextBare(i int) string {
	for ; i < len(t.lines); i++ {
		if t.lines[i].bare != "" {
			return t.lines[i].bare
		}
	}
	return ""
}

// quoteFollows reports whether the next line that is not blank is quoted.
func (t *plainText) quoteFollows(i int) bool {
	for blanks := 0; i < len(t.lines) && blanks < 4; i++ {
		l := t.lines[i]
		if l.kind == textBlank {
			blanks++
			continue
		}
		return l.kind == textQuote || strings.HasPrefix(l.bare, "|")
	}
	return false
}

// mayIntroduce is a quick look that lets most lines pass by.
func mayIntroduce(s string) bool {
	return s != "" && len(s) <= 400 && (dateLike(s) || strings.IndexByte(s, '@') > 0 || strings.HasSuffix(s, ":") ||
		strings.HasSuffix(s, "：") || opensAttribution(strings.TrimLeft(s, "- ")))
}

// introduces reports an attribution: as HTML has them, and the forms of plain
// text, which some clients set between dashes or leave without a verb.
func introduces(s string, quoted, wrapped bool) bool {
	bare := strings.Trim(s, "-*_ ")
	end := strings.HasSuffix(bare, ":") || strings.HasSuffix(bare, "：")
	date, address := dateLike(bare), strings.IndexByte(bare, '@') > 0
	// The verb is looked for last: that costs most.
	switch {
	case len(s)-len(bare) >= 4 && date && hasWroteVerb(bare):
		return true
	case wrapped && !date && !address && !opensAttribution(bare):
		return false
	case isAttribution(bare, quoted && !wrapped):
		return !wrapped || end && (address || hasWroteVerb(bare)) || quoted && hasWroteVerb(bare)
	case startsISODate(bare):
		return strings.Contains(bare, " GMT") || address && (end || strings.HasSuffix(bare, ">"))
	}
	return false
}

// shortIntro reports a line like "Kari Nordmann wrote:" before a quote.
func shortIntro(s string) bool {
	return (strings.HasSuffix(s, ":") || strings.HasSuffix(s, "：")) && hasWroteVerb(s) && utf8.RuneCountInString(s) < 80
}

// startsISODate reports a line that begins with a year, a month and a day.
func startsISODate(s string) bool {
	if len(s) < 8 || (s[4] != '-' && s[4] != '/') {
		return false
	}
	for i := range 4 {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s[5] >= '0' && s[5] <= '9'
}
