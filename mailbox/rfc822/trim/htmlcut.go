package trim

import (
	"sort"
	"strings"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// cutter decides which lines of a document its writer did not write this time.
type cutter struct {
	tree       *htmlTree
	ranges     []htmlRange // containers of quotes, with all their leaves
	indents    []htmlRange
	signatures []htmlRange
	own        int // lines of the writer's own
	cuts       []ticket.Cut
	forwarded  *ticket.Forwarded
	quoted     *ticket.Forwarded
	dateText   string // of that mail
	body       int    // the line at which its text begins
	alone      bool   // the document is nothing but the mail it passes on
}

// htmlRange is a container: its leaves, its lines, and whose it is.
type htmlRange struct {
	leaf, leafTo int32
	line, lineTo int
	rule         string
}

func (c *cutter) run() {
	c.containers()
	c.cues()
	c.trimSignatures()
	c.keepAnswers()
	if c.ownLeft() {
		c.apply()
		return
	}
	// Nothing would be left: better too much than nothing. A mail that is only
	// another one under its header lines passes that on.
	if q := c.quoted; c.forwarded == nil && q != nil && q.From.Addr != "" && q.Subject != "" {
		c.forwarded, c.quoted = q, nil
	}
	if c.forwarded != nil {
		c.onlyForward()
	}
}

func (c *cutter) rangeOf(e *htmlElement) htmlRange {
	return htmlRange{leaf: e.from, leafTo: e.to, line: c.tree.lineAt(e.from), lineTo: c.tree.lineAt(e.to), rule: e.mark.rule}
}

// containers marks the lines of the outermost containers.
func (c *cutter) containers() {
	var until int32 = -1
	for i := range c.tree.elements {
		e := &c.tree.elements[i]
		if e.mark.kind == markNone || e.mark.kind == markRuled || e.from < until {
			continue
		}
		r := c.rangeOf(e)
		switch e.mark.kind {
		case markRest:
			r.leafTo, r.lineTo = int32(len(c.tree.leaves)), len(c.tree.lines)
			c.whole(r)
			until = r.leafTo
		case markWhole, markForward:
			c.whole(r)
			if e.mark.kind == markForward {
				c.forward(r.line, r.lineTo)
			}
			until = r.leafTo
		case markReply:
			until = c.reply(i, r)
		case markQuote:
			c.quote(r)
			until = r.leafTo
		case markIndent:
			if r.line < r.lineTo && isAttribution(c.tree.lines[r.line].text, true) {
				c.quote(r)
				until = r.leafTo
			} else {
				c.indents = append(c.indents, r)
			}
		case markAttribution:
			if c.attributes(r) {
				c.set(r.line, r.lineTo, lineQuote, "attribution", r.rule)
			}
		case markSignature:
			c.signatures = append(c.signatures, r)
		}
	}
}

// set marks lines that nobody marked more strongly.
func (c *cutter) set(from, to int, s lineState, reason, rule string) {
	for i := from; i < to && i < len(c.tree.lines); i++ {
		if l := &c.tree.lines[i]; l.state < s {
			l.state, l.reason, l.rule = s, reason, rule
		}
	}
}

func (c *cutter) whole(r htmlRange) {
	c.set(r.line, r.lineTo, lineHard, "quote", r.rule)
	c.ranges = append(c.ranges, r)
	if r.line < r.lineTo && isForwardLine(c.tree.lines[r.line].text) {
		c.forward(r.line, r.lineTo)
	} else if i, ok := c.headersNear(r.line, r.lineTo); ok {
		c.header(i, r.lineTo)
	}
}

// quote marks a quote that its writer may have answered piece by piece. What
// begins by saying that it is forwarded is one mail as a whole.
func (c *cutter) quote(r htmlRange) {
	if r.line < r.lineTo && isForwardLine(c.tree.lines[r.line].text) {
		c.whole(r)
		return
	}
	c.set(r.line, r.lineTo, lineQuote, "quote", r.rule)
	c.ranges = append(c.ranges, r)
}

// reply marks a container of an attribution and quotes. Answers between the
// quotes are inside of it and stay. Without a quote in it, all of it is one.
// It returns the leaf before which everything is marked.
func (c *cutter) reply(i int, r htmlRange) int32 {
	first := -1
	for j := i + 1; j < len(c.tree.elements) && c.tree.elements[j].from < r.leafTo; j++ {
		if k := c.tree.elements[j].mark.kind; k == markQuote || k == markIndent {
			first = j
			break
		}
	}
	_, headers := c.headersNear(r.line, r.lineTo)
	forward := r.line < r.lineTo && isForwardLine(c.tree.lines[r.line].text)
	if headers || forward || first < 0 && (c.introduced(r) || r.rule == "spark" && c.ownAbove(r.line)) {
		c.whole(r)
		return r.leafTo
	}
	if first < 0 {
		return r.leaf // an answer of which the quote was cut
	}
	q := c.rangeOf(&c.tree.elements[first])
	above := c.attributionAbove(r.line, q.line)
	if above == q.line && q.line > r.line && c.tree.elements[first].mark.kind == markIndent {
		return r.leaf // something else is written above it: nothing tells it from an indented text
	}
	c.set(above, q.line, lineQuote, "attribution", r.rule)
	if c.tree.elements[first].mark.kind == markIndent {
		c.quote(q)
		return q.leafTo
	}
	return q.leaf
}

// ownAbove reports whether the writer's own words stand above a line.
func (c *cutter) ownAbove(line int) bool {
	for i := range line {
		if c.tree.lines[i].state == lineOwn {
			return true
		}
	}
	return false
}

// attributionAbove returns the line at which the attribution of the quote at a
// line begins, or that line: people write between the two as well. What only has
// a date or an address, in a language that nobody knows here, has few lines.
func (c *cutter) attributionAbove(from, quote int) int {
	text := ""
	for i := quote - 1; i >= from && i >= quote-4; i-- {
		if text = strings.TrimSpace(c.tree.lines[i].text + " " + text); isAttribution(text, true) {
			return i
		}
	}
	if quote-from <= 2 && (dateLike(text) || strings.IndexByte(text, '@') > 0) {
		return from
	}
	return quote
}

// attributes reports whether a container for attributions holds one: people
// write into them as well.
func (c *cutter) attributes(r htmlRange) bool {
	text := ""
	for i := r.line; i < r.lineTo && i < r.line+4; i++ {
		text = strings.TrimSpace(text + " " + c.tree.lines[i].text)
	}
	return isAttribution(text, true) || strings.IndexByte(text, '@') > 0 || dateLike(text)
}

// introduced reports whether a container begins by saying whose mail it holds.
func (c *cutter) introduced(r htmlRange) bool {
	for i := r.line; i < r.lineTo && i < r.line+4; i++ {
		if s := c.tree.lines[i].text; isOriginalLine(s) || isForwardLine(s) || isAttribution(s, true) {
			return true
		}
	}
	return r.line == r.lineTo
}

// headersNear looks for a block of header lines among the first lines.
func (c *cutter) headersNear(from, to int) (int, bool) {
	for i := from; i < to && i < from+4; i++ {
		if c.headerBlock(i, to, true) > i {
			return i, true
		}
	}
	return 0, false
}

// rest marks everything from a line on as one mail.
func (c *cutter) rest(i int, reason, rule string) {
	lines := c.tree.lines
	for i > 0 && lines[i-1].state == lineOwn && (isRuleLine(lines[i-1].text) || isSummary(lines[i-1].text)) {
		i--
	}
	c.set(i, len(lines), lineHard, reason, rule)
	c.ranges = append(c.ranges, htmlRange{leaf: lines[i].from, leafTo: int32(len(c.tree.leaves)), line: i, lineTo: len(lines)})
}

// cues goes by what the lines say, where no container has said it.
func (c *cutter) cues() {
	lines := c.tree.lines
	angles := false // an attribution stood before lines after angles
	for i := 0; i < len(lines); i++ {
		l := &lines[i]
		if l.state != lineOwn {
			continue
		}
		switch {
		case isForwardLine(l.text):
			c.rest(i, "forward", "")
			c.forward(i, len(lines))
		case isGroupWise(l.text):
			c.rest(i, "separator", "")
		case isOriginalLine(l.text):
			c.rest(i, "separator", "")
			if h, ok := c.headersNear(i+1, len(lines)); ok {
				c.header(h, len(lines))
			}
		case c.headerBlock(i, len(lines), l.ruled || i > 0 && isRuleLine(lines[i-1].text)) > i:
			c.rest(i, "headers", "")
			c.header(i, len(lines))
		case strings.HasPrefix(l.text, ">"):
			angles = angles || i > 0 && lines[i-1].reason == "attribution" || isAttribution(strings.TrimLeft(l.text, "> "), true)
			if angles {
				c.set(i, i+1, lineQuote, "quote", "")
			}
		default:
			c.attributionAt(i)
		}
	}
}

// attributionAt looks for an attribution, on up to three lines, and for what it
// introduces.
func (c *cutter) attributionAt(i int) {
	lines := c.tree.lines
	text := ""
	for n := 0; n < 3 && i+n < len(lines); n++ {
		l := &lines[i+n]
		if l.state != lineOwn || n > 0 && l.gap || len(text)+len(l.text) > 400 {
			return
		}
		if n > 0 {
			text += " "
		}
		text += l.text
		next := i + n + 1
		quoted := next < len(lines) && (lines[next].state == lineQuote || strings.HasPrefix(lines[next].text, ">"))
		indent := c.indentAt(next)
		if n > 0 && isAttribution(l.text, quoted || indent != nil) && !goesOn(lines[i].text) {
			return // it stands on that line alone: what is before is not of it
		}
		if !isAttribution(text, quoted || indent != nil) || n > 0 && !opensAttribution(text) {
			continue
		}
		switch {
		case quoted:
			c.set(i, next, lineQuote, "attribution", "")
		case indent != nil:
			c.set(i, next, lineQuote, "attribution", "")
			c.quote(*indent)
		default:
			c.rest(i, "attribution", "")
		}
		return
	}
}

// goesOn reports a line that begins an attribution and does not end it.
func goesOn(line string) bool {
	return opensAttribution(line) && dateLike(line) && !endsSentence(line) && (strings.IndexByte(line, '<') > 0 || hasWroteVerb(line))
}

func (c *cutter) indentAt(line int) *htmlRange {
	i := sort.Search(len(c.indents), func(i int) bool { return c.indents[i].line >= line })
	if i < len(c.indents) && c.indents[i].line == line {
		return &c.indents[i]
	}
	return nil
}

// keepAnswers keeps quotes that the writer answered piece by piece: those with
// words of his own after them. A single one goes if it is introduced, or if
// nothing stands before it: that is an answer below the quote of a whole mail.
func (c *cutter) keepAnswers() {
	lines := c.tree.lines
	last := -1
	for i := range lines {
		if lines[i].state == lineOwn {
			last = i
		}
	}
	runs, before, introduced := 0, false, false
	for i := 0; i < last; i++ {
		switch {
		case lines[i].state == lineOwn:
			before = before || runs == 0
		case lines[i].state == lineQuote && (i == 0 || lines[i-1].state != lineQuote):
			runs++
			introduced = lines[i].reason == "attribution" || isAttribution(lines[i].text, true)
		}
	}
	if runs == 0 || runs == 1 && (introduced || !before) {
		return
	}
	for i := 0; i < last; i++ {
		lines[i].keep = lines[i].state == lineQuote
	}
}

func (l *htmlLine) isCut() bool { return l.state != lineOwn && !l.keep }

// ownLeft reports whether anything of the writer's own is left.
func (c *cutter) ownLeft() bool {
	for i := range c.tree.lines {
		if c.tree.lines[i].state == lineOwn {
			return true
		}
	}
	return c.ownImage()
}

// ownImage reports a picture before the first quote: somebody answered with a
// screenshot.
func (c *cutter) ownImage() bool {
	end := int32(len(c.tree.leaves))
	if len(c.tree.lines) > 0 {
		end = c.tree.lines[0].from
	}
	for i := range c.ranges {
		end = min(end, c.ranges[i].leaf)
	}
	for _, l := range c.tree.leaves[:end] {
		if l.kind == leafObject && !l.hidden && strings.HasPrefix(c.tree.doc[l.start:l.end], "<img") {
			return true
		}
	}
	return false
}
