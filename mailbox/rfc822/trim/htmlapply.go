package trim

import "github.com/helpdesk-go/helpdesk/ticket"

// apply cuts the leaves of the lines that go, and what stands between them.
func (c *cutter) apply() {
	t := c.tree
	for _, r := range c.ranges {
		kept := false
		for i := r.line; i < r.lineTo && !kept; i++ {
			kept = !t.lines[i].isCut()
		}
		for i := r.leaf; i < r.leafTo && !kept; i++ {
			t.leaves[i].cut = true
		}
	}
	last := len(t.lines) - 1 // that stays
	for last >= 0 && t.lines[last].isCut() {
		last--
	}
	end := int32(0) // of the line before
	cut, own := false, false
	for i := range t.lines {
		l := &t.lines[i]
		if own && !cut && l.isCut() && i < last {
			end = c.keepBreak(end, l.from)
		}
		c.between(end, l.from, own, cut, l.isCut())
		if end, cut = l.to, l.isCut(); cut {
			c.record(i)
			for j := l.from; j < l.to; j++ {
				t.leaves[j].cut = true
			}
		}
		own = own || !cut
	}
	c.between(end, int32(len(t.leaves)), own, cut, cut)
}

// keepBreak returns the leaf after the first break, so that what stands before
// a cut and after it does not run together.
func (c *cutter) keepBreak(from, to int32) int32 {
	for i := from; i < to; i++ {
		if l := &c.tree.leaves[i]; l.kind == leafBreak || l.kind == leafText && c.tree.doc[l.start:l.end] == "\n" {
			return i + 1
		}
	}
	return from
}

// between cuts the blanks, breaks and rules beside a cut, and all amid cuts.
func (c *cutter) between(from, to int32, own, before, after bool) {
	if !before && !after || !own && !before {
		return
	}
	for i := from; i < to; i++ {
		l := &c.tree.leaves[i]
		if l.kind != leafObject || before && after && to < int32(len(c.tree.leaves)) {
			l.cut = true
		}
	}
}

// record notes a cut where it begins.
func (c *cutter) record(i int) {
	l := &c.tree.lines[i]
	if i > 0 {
		if p := &c.tree.lines[i-1]; p.isCut() && p.reason == l.reason && p.rule == l.rule {
			return
		}
	}
	c.cuts = append(c.cuts, ticket.Cut{Reason: l.reason, Rule: l.rule})
}
