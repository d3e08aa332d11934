package trim

import (
	"strings"
	"unicode"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// decide says which lines are left out.
func (t *plainText) decide() {
	t.cutFrom(t.rest, len(t.lines), "quote", "")
	if t.rest < len(t.lines) {
		t.lines[t.rest].reason = t.lines[t.rest].kind.reason(t.lines[t.rest].reason)
	}
	t.cutSignatures()
	t.cutIntroduced()
	t.cutSignatures()
	t.cutOuterQuotes()
	t.cutSignatures()
	if f := t.forwarded; f != nil && !t.anyLeft() && f.Body != "" {
		t.alone = true
		return
	}
	if !t.anyLeft() {
		// Nothing would be left: better too much than nothing.
		for i := range t.lines {
			t.lines[i].cut = false
		}
		if q := t.quoted; q != nil && q.From.Addr != "" && q.Subject != "" {
			t.forwarded, t.quoted = q, nil
			t.cutFrom(0, len(t.lines), "forward", "")
			t.alone = q.Body != ""
		}
	}
}

func (k textKind) reason(was string) string {
	if was != "" {
		return was
	}
	return "quote"
}

// cutFrom leaves out lines.
func (t *plainText) cutFrom(from, to int, reason, rule string) {
	for i := from; i < to; i++ {
		l := &t.lines[i]
		if l.cut {
			continue
		}
		l.cut = true
		if l.reason == "" {
			l.reason, l.rule = reason, rule
		}
	}
}

// signatureMost is how many lines after a quote that answers a mail from above
// can still be a signature.
const signatureMost = 6

// cutIntroduced looks at each attribution. With the writer's words above it and
// no quote marks below, all that follows is the earlier mail. With quote marks
// it depends on what stands below the quote: nothing or a few lines are a
// signature or a footer, more is an answer that needs the quote to be read.
func (t *plainText) cutIntroduced() {
	first := -1
	for i := 0; i < t.rest; i++ {
		if t.lines[i].kind == textIntro {
			first = i
			break
		}
	}
	if first < 0 {
		return
	}
	above := t.count(0, first, textOwn)
	if t.count(t.introEnd(first), t.rest, textQuote) == 0 || t.introEnd(first) > t.lastPlain {
		t.attributed(first, t.introEnd(first))
	}
	if quotes := t.count(first, t.rest, textQuote) + t.bars(first); quotes == 0 {
		if above > 0 {
			t.cutFrom(first, t.rest, "quote", "")
			return
		}
		t.cutIntros(0, t.rest) // answers without quote marks: the lines between are somebody's own words
		return
	}
	if above > 0 && !t.quoteFollows(t.introEnd(first)) {
		t.cutFrom(first, t.rest, "quote", "") // what it introduces is repeated without quote marks
		return
	}
	end := t.lastQuote(t.rest)
	if e := t.lastQuote(t.ownEnd()); e > first && t.greets(first) {
		end = e // what is quoted below the answer is not answered
	}
	below, between := t.count(end, t.rest, textOwn), t.between(first, end)
	switch {
	case above > 0 && between == 0 && below <= signatureMost && !t.greets(first) && !t.sentences(end):
		t.cutFrom(first, t.rest, "quote", "")
	case above == 0 && between == 0:
		t.cutFrom(0, end, "quote", "") // the answer stands below
	case above > 0 && between == 0 && below == 0:
		t.cutFrom(first, t.rest, "quote", "")
	case above > 0 && between == 0:
		t.cutFrom(first, end, "quote", "")
	default:
		t.cutIntros(0, t.rest) // answered piece by piece: the quotes are needed
	}
}

// introEnd returns the line after the attribution that begins at i.
func (t *plainText) introEnd(i int) int {
	for i < t.rest && t.lines[i].kind == textIntro {
		i++
	}
	return i
}

// greets reports whether all that stands above the line to is a greeting, so
// that the answer must stand below the quote.
func (t *plainText) greets(to int) bool {
	var own []string
	for _, l := range t.lines[:to] {
		if l.kind == textOwn {
			own = append(own, l.bare)
		}
	}
	return len(own) == 1 && len(strings.Fields(own[0])) <= 5 && strings.HasSuffix(own[0], ",")
}

// sentences reports whether a line from one on ends as a sentence does: then it
// is a postscript rather than a signature.
func (t *plainText) sentences(from int) bool {
	for _, l := range t.lines[from:t.rest] {
		if l.kind == textOwn && !l.cut && !strings.HasSuffix(l.bare, "..") && endsSentence(l.bare) {
			return true
		}
	}
	return false
}

// between counts the writer's own lines between the first attribution and the
// end of the last quote.
func (t *plainText) between(first, end int) int {
	return t.count(first, max(first, end), textOwn)
}

// bars counts lines behind bars, which a few clients use as quote marks, and
// takes them as quotes. They are tables as well, so only below an attribution.
func (t *plainText) bars(from int) int {
	n := 0
	for i := from; i < t.rest; i++ {
		if l := &t.lines[i]; l.kind == textOwn && strings.HasPrefix(l.bare, "|") && !strings.HasSuffix(l.bare[1:], "|") || l.bare == "|" {
			l.kind = textQuote
			n++
		}
	}
	return n
}

func (t *plainText) count(from, to int, k textKind) int {
	n := 0
	for i := from; i < to; i++ {
		if t.lines[i].kind == k && !t.lines[i].cut {
			n++
		}
	}
	return n
}

// ownEnd returns the line after the last one of the writer's own.
func (t *plainText) ownEnd() int {
	for i := t.rest; i > 0; i-- {
		if l := &t.lines[i-1]; l.kind == textOwn && !l.cut {
			return i
		}
	}
	return 0
}

// lastQuote returns the line after the last quoted one before the line to.
func (t *plainText) lastQuote(to int) int {
	for i := to; i > 0; i-- {
		if t.lines[i-1].kind == textQuote {
			return i
		}
	}
	return 0
}

func (t *plainText) cutIntros(from, to int) {
	for i := from; i < to; i++ {
		if t.lines[i].kind == textIntro {
			t.cutFrom(i, i+1, "attribution", t.lines[i].rule)
		}
	}
}

// cutOuterQuotes leaves out quotes that nothing of the writer's follows.
func (t *plainText) cutOuterQuotes() {
	if t.count(0, t.rest, textOwn) == 0 {
		return
	}
	for i := t.rest - 1; i >= 0; i-- {
		switch l := t.lines[i]; {
		case l.cut, l.kind == textBlank, l.kind == textDevice, l.kind == textDelimiter:
		case l.kind == textQuote:
			t.cutFrom(i, i+1, "quote", "")
		case l.kind == textIntro:
			t.cutFrom(i, i+1, "attribution", l.rule)
		default:
			return
		}
	}
}

// cutSignatures leaves out what follows the dashes of a signature, delimiters
// at the end, and the greetings of devices.
func (t *plainText) cutSignatures() {
	own := t.firstOwn()
	last := t.lastOwn()
	for i := max(0, last-maxSignature); i <= last && i < len(t.lines); i++ {
		l := t.lines[i]
		if l.kind == textDelimiter && !l.cut && isSignatureMark(l.bare) && own < i && !t.quotesAfter(i) {
			t.cutFrom(i, len(t.lines), "signature", "dashes")
			break
		}
	}
	for i := len(t.lines) - 1; i >= 0; i-- {
		switch l := t.lines[i]; {
		case l.cut || l.kind == textBlank:
		case l.kind == textDelimiter:
			t.cutFrom(i, i+1, "signature", "dashes")
		case l.kind == textDevice && own < i:
			t.cutFrom(i, i+1, "device", "")
		case own < i && isNameSign(l.bare) && t.lines[i-1].kind == textBlank && !t.listAbove(i):
			t.cutFrom(i, i+1, "signature", "name")
		default:
			return
		}
	}
}

// listAbove reports whether the line above the line i, blank lines aside, is an
// item of a list.
func (t *plainText) listAbove(i int) bool {
	for i--; i >= 0; i-- {
		if s := t.lines[i].bare; s != "" {
			return strings.IndexByte("-*+~", s[0]) >= 0
		}
	}
	return false
}

func (t *plainText) quotesAfter(i int) bool {
	for _, l := range t.lines[i:] {
		if l.kind == textQuote && !l.cut {
			return true
		}
	}
	return false
}

// firstOwn returns the first of the writer's own lines that is left.
func (t *plainText) firstOwn() int {
	for i, l := range t.lines {
		if l.kind == textOwn && !l.cut {
			return i
		}
	}
	return len(t.lines)
}

// lastOwn returns the last line that is left.
func (t *plainText) lastOwn() int {
	for i := len(t.lines) - 1; i >= 0; i-- {
		if !t.lines[i].cut && t.lines[i].kind != textBlank {
			return i
		}
	}
	return 0
}

// isNameSign reports a name behind a dash, as many people sign: "-Kari Bjørk".
func isNameSign(s string) bool {
	name := strings.TrimLeft(s, "-")
	if name == s || len(s)-len(name) > 2 || len(name) > 40 || strings.Count(name, " ") > 2 {
		return false
	}
	for word := range strings.SplitSeq(strings.TrimSpace(name), " ") {
		for i, r := range word {
			if i == 0 && !unicode.IsUpper(r) || !unicode.IsLetter(r) && r != '.' && r != '-' {
				return false
			}
		}
	}
	return len(name) > 1 && name[0] != ' '
}

func endsSentence(s string) bool {
	return strings.HasSuffix(s, ".") || strings.HasSuffix(s, "!") || strings.HasSuffix(s, "?") || strings.HasSuffix(s, "。") ||
		strings.HasSuffix(s, "！") || strings.HasSuffix(s, "？")
}

// isSignatureMark reports the lines that stand above signatures: the two
// dashes of RFC 3676, section 4.3, and rules of underscores.
func isSignatureMark(s string) bool {
	return s == "--" || s == "—" || s == "–" || len(s) >= 3 && strings.Trim(s, "_") == ""
}

// anyLeft reports whether anything but signs is left, or but the greeting of a
// device above a mail that is passed on.
func (t *plainText) anyLeft() bool {
	for _, l := range t.lines {
		if !l.cut && l.kind != textBlank && l.kind != textDelimiter && (l.kind != textDevice || t.forwarded == nil) {
			return true
		}
	}
	return false
}

// result puts together what is left.
func (t *plainText) result(nested int) Result {
	r := Result{Forwarded: t.forwarded, Quoted: t.quoted, DateText: t.dateText}
	var b strings.Builder
	was := ""
	for i, l := range t.lines {
		if !l.cut {
			b.WriteString(strings.TrimRight(l.raw, " \t"))
			b.WriteByte('\n')
			was = ""
			continue
		}
		if l.reason != was && l.kind != textBlank {
			r.Cuts = append(r.Cuts, ticket.Cut{Reason: l.reason, Rule: l.rule, Line: i + 1})
			was = l.reason
		}
	}
	r.Reply = strings.Trim(b.String(), "\n")
	if t.alone {
		if r.Reply = t.forwarded.Body; nested < maxNested {
			r.Reply = textReply(t.forwarded.Body, nested+1).Reply
		}
	}
	return r
}
