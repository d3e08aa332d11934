package trim

import "strings"

// maxSignature is how many lines a signature has at most. What is longer may
// be more than a signature, and stays.
const maxSignature = 25

// trimSignatures takes away what clients add at the end of each piece that the
// writer wrote: signatures in their containers, signatures after the usual
// dashes, greetings of devices. A mail that would be empty without keeps them.
func (c *cutter) trimSignatures() {
	lines := c.tree.lines
	for i := range lines {
		if lines[i].state == lineOwn {
			c.own++
		}
	}
	for _, r := range c.signatures {
		if r.lineTo-r.line <= maxSignature {
			c.sign(r.line, r.lineTo, "signature", r.rule)
		}
	}
	for i := 0; i < len(lines); {
		if lines[i].state != lineOwn {
			i++
			continue
		}
		j := i
		for j < len(lines) && (lines[j].state == lineOwn || lines[j].state == lineSignature) {
			j++
		}
		c.trimEnd(i, j)
		i = j
	}
}

// trimEnd looks at one piece of the writer's own.
func (c *cutter) trimEnd(from, to int) {
	lines := c.tree.lines
	for i := max(from, to-maxSignature); i < to; i++ {
		if isDashes(lines[i].text) && i > 0 {
			c.sign(i, to, "signature", "dashes")
			break
		}
	}
	for i := to - 1; i > from; i-- {
		if lines[i].state == lineSignature {
			continue
		}
		if !isDeviceLine(lines[i].text) {
			break
		}
		c.sign(i, i+1, "device", "")
	}
	if to-from == 1 && isDeviceLine(lines[from].text) {
		c.sign(from, to, "device", "")
	}
}

// sign marks lines as a signature unless nothing else would be left, not even
// a mail that is passed on.
func (c *cutter) sign(from, to int, reason, rule string) {
	inside := 0
	for i := from; i < to; i++ {
		if c.tree.lines[i].state == lineOwn {
			inside++
		}
	}
	if inside == c.own && c.forwarded == nil && !c.ownImage() {
		return
	}
	c.own -= inside
	for i := from; i < to; i++ {
		if l := &c.tree.lines[i]; l.state == lineOwn {
			l.state, l.reason, l.rule = lineSignature, reason, rule
		}
	}
}

func isDashes(s string) bool {
	return s == "--" || s == "—" || s == "___" || strings.HasPrefix(s, "-- ") && len(s) < 60
}
