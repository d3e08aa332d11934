package trim

import (
	"strings"

	"golang.org/x/net/html"
)

// leafKind is what an htmlLeaf is.
type leafKind uint8

const (
	leafText   leafKind = iota
	leafBreak           // br
	leafRule            // hr
	leafObject          // img and other elements that hold nothing
	leafOpaque          // style and the like, with their content: never shown
)

// htmlLeaf is a piece of a document that holds no other.
type htmlLeaf struct {
	kind       leafKind
	hidden     bool
	cut        bool
	parent     int32
	line       int32 // index of its line, or -1
	cell       bool  // it begins a table cell
	start, end int   // its source
}

// htmlElement is an element that may hold others.
type htmlElement struct {
	tag        string
	parent     int32
	hidden     bool
	pre        bool
	mark       mark
	start, end int   // source of its start tag
	from, to   int32 // its leaves
}

// htmlTree is a document as elements over a flat list of leaves. Element 0 is
// the document itself.
type htmlTree struct {
	doc      string
	elements []htmlElement
	leaves   []htmlLeaf
	lines    []htmlLine
	open     []int32
	over     int  // open elements beyond the depth limit
	fresh    bool // the next text begins a line
	gap      bool // and a paragraph
	cell     bool // and a table cell
	ruled    bool // below a rule
	count    map[string]int
	attrs    htmlAttrs
}

// htmlAttrs are the attributes of a start tag that tell a client's containers.
type htmlAttrs struct {
	id, class, style, kind, name, cite, marker string
	any                                        bool
	hidden                                     bool
}

// parseHTML builds the tree, or returns nil for a document beyond the limits.
// It closes what authors leave open as a browser does in the cases that occur
// in mail, and never costs more than one look at the stack of open elements
// for each tag.
func parseHTML(doc string) *htmlTree {
	t := &htmlTree{doc: doc, count: map[string]int{}, fresh: true}
	n := strings.Count(doc, "<")
	t.elements = append(make([]htmlElement, 0, n/2+1), htmlElement{parent: -1})
	t.leaves = make([]htmlLeaf, 0, n+1)
	t.open = append(t.open, 0)
	z := html.NewTokenizer(strings.NewReader(doc))
	pos := 0
	for len(t.elements)+len(t.leaves) < maxHTMLNodes {
		kind := z.Next()
		start := pos
		pos += len(z.Raw())
		switch kind {
		case html.ErrorToken:
			t.closeTo(0)
			t.elements[0].to = int32(len(t.leaves))
			return t
		case html.TextToken:
			t.text(start, pos)
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			tag := internTag(name)
			if strings.IndexByte(tag, '@') > 0 {
				t.text(start, pos) // an address whose brackets nobody escaped
				continue
			}
			t.readAttrs(z, more)
			if rawTag(tag) && kind == html.StartTagToken {
				pos = t.skipRaw(z, tag, pos)
				t.leaf(leafOpaque, start, pos)
				continue
			}
			t.start(tag, start, pos)
		case html.EndTagToken:
			name, _ := z.TagName()
			t.end(string(name))
		}
	}
	return nil
}

// skipRaw reads on to the end tag of an element whose content is not HTML.
func (t *htmlTree) skipRaw(z *html.Tokenizer, tag string, pos int) int {
	for {
		switch z.Next() {
		case html.ErrorToken:
			return pos
		case html.EndTagToken:
			pos += len(z.Raw())
			if name, _ := z.TagName(); string(name) == tag {
				return pos
			}
		default:
			pos += len(z.Raw())
		}
	}
}

func (t *htmlTree) readAttrs(z *html.Tokenizer, more bool) {
	t.attrs = htmlAttrs{any: more}
	for i := 0; more && i < 64; i++ {
		var k, v []byte
		k, v, more = z.TagAttr()
		set := func(field *string) {
			if *field == "" {
				*field = strings.ToLower(clip(string(v), 1024))
			}
		}
		switch string(k) {
		case "id":
			set(&t.attrs.id)
		case "class":
			set(&t.attrs.class)
		case "style":
			set(&t.attrs.style)
		case "type":
			set(&t.attrs.kind)
		case "name":
			set(&t.attrs.name)
		case "cite":
			set(&t.attrs.cite)
		case "data-marker":
			set(&t.attrs.marker)
		case "hidden":
			t.attrs.hidden = true
		}
	}
	if s := t.attrs.style; s != "" && strings.Contains(s, "none") {
		s = strings.ReplaceAll(s, " ", "")
		t.attrs.hidden = t.attrs.hidden || strings.Contains(s, "display:none")
	}
}

func clip(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}

// leaf adds a leaf under the innermost open element. Text that shows belongs to
// a line.
func (t *htmlTree) leaf(kind leafKind, start, end int) {
	top := t.open[len(t.open)-1]
	l := htmlLeaf{kind: kind, parent: top, line: -1, start: start, end: end,
		hidden: t.elements[top].hidden || kind == leafOpaque}
	if kind == leafBreak || kind == leafRule {
		t.breakLine(t.fresh)
		t.ruled = t.ruled || kind == leafRule
	}
	if kind == leafText && !l.hidden && !blankSource(t.doc[start:end]) {
		n := int32(len(t.leaves))
		if t.fresh || len(t.lines) == 0 {
			t.lines = append(t.lines, htmlLine{from: n, gap: t.gap, ruled: t.ruled})
		}
		l.cell = t.cell
		l.line = int32(len(t.lines) - 1)
		t.lines[l.line].to = n + 1
		t.fresh, t.gap, t.cell, t.ruled = false, false, false, false
	}
	t.leaves = append(t.leaves, l)
}

func (t *htmlTree) breakLine(gap bool) {
	t.fresh = true
	t.gap = t.gap || gap
}

// breakAt ends the line at the start or end of an element that lays out as a
// block.
func (t *htmlTree) breakAt(tag string, m mark) {
	switch {
	case tag == "td" || tag == "th":
		t.cell = true
	case tag == "p" || tag == "table" || tag == "pre" || tag == "ul" || tag == "ol" || len(tag) == 2 && tag[0] == 'h':
		t.breakLine(true)
	case m.kind == markRuled:
		t.breakLine(true)
		t.ruled = true
	case m.kind != markNone || blockTag(tag):
		t.breakLine(false)
	}
}

// blankSource reports source of text that shows nothing.
func blankSource(s string) bool {
	for len(s) > 0 {
		switch {
		case s[0] == ' ' || s[0] == '\n' || s[0] == '\t' || s[0] == '\r' || s[0] == '\f':
			s = s[1:]
		case strings.HasPrefix(s, "&nbsp;"):
			s = s[6:]
		case strings.HasPrefix(s, "&#160;"):
			s = s[6:]
		case strings.HasPrefix(s, "\u00a0"):
			s = s[2:]
		case strings.HasPrefix(s, "\u200b") || strings.HasPrefix(s, "\ufeff"):
			s = s[3:]
		default:
			return false
		}
	}
	return true
}

// text adds text. Where line ends count, each line is a leaf.
func (t *htmlTree) text(start, end int) {
	if t.elements[t.open[len(t.open)-1]].pre {
		for start < end {
			i := strings.IndexByte(t.doc[start:end], '\n')
			if i < 0 {
				break
			}
			t.leaf(leafText, start, start+i)
			t.leaf(leafText, start+i, start+i+1)
			t.breakLine(t.fresh)
			start += i + 1
		}
	}
	if start < end {
		t.leaf(leafText, start, end)
	}
}

func (t *htmlTree) start(tag string, start, end int) {
	t.implied(tag)
	switch tag {
	case "br":
		t.leaf(leafBreak, start, end)
		return
	case "hr":
		t.leaf(leafRule, start, end)
		t.markLast()
		return
	}
	if voidTag(tag) {
		t.leaf(leafObject, start, end)
		if t.attrs.hidden {
			t.leaves[len(t.leaves)-1].hidden = true
		}
		return
	}
	m := markOf(tag, &t.attrs)
	t.breakAt(tag, m)
	if len(t.open) >= maxHTMLDepth {
		t.over++
		return
	}
	top := t.open[len(t.open)-1]
	p := &t.elements[top]
	el := htmlElement{tag: tag, parent: top, start: start, end: end, from: int32(len(t.leaves)),
		hidden: p.hidden || t.attrs.hidden || tag == "template",
		pre:    p.pre || tag == "pre" || strings.Contains(t.attrs.style, "pre-") && strings.Contains(t.attrs.style, "white-space"),
		mark:   m}
	t.elements = append(t.elements, el)
	t.open = append(t.open, int32(len(t.elements)-1))
	t.count[tag]++
}

// markLast gives a rule that a client puts above a quote an element to carry
// the mark.
func (t *htmlTree) markLast() {
	m := markOf("hr", &t.attrs)
	if m.kind == markNone {
		return
	}
	l := &t.leaves[len(t.leaves)-1]
	t.elements = append(t.elements, htmlElement{tag: "", parent: l.parent, mark: m,
		from: int32(len(t.leaves) - 1), to: int32(len(t.leaves))})
}

func (t *htmlTree) closeTo(n int) {
	for len(t.open) > n && len(t.open) > 1 {
		i := t.open[len(t.open)-1]
		t.elements[i].to = int32(len(t.leaves))
		t.count[t.elements[i].tag]--
		t.breakAt(t.elements[i].tag, t.elements[i].mark)
		t.open = t.open[:len(t.open)-1]
	}
}

func (t *htmlTree) end(tag string) {
	if tag == "br" || tag == "p" && t.count["p"] == 0 {
		return
	}
	if t.over > 0 && !voidTag(tag) {
		t.over--
		return
	}
	if t.count[tag] == 0 {
		return
	}
	for i := len(t.open) - 1; i > 0; i-- {
		e := &t.elements[t.open[i]]
		if e.tag == tag {
			t.closeTo(i)
			return
		}
		if (e.tag == "td" || e.tag == "th") && !tableTag(tag) {
			return // an end tag does not reach out of its table cell
		}
	}
}

// implied closes what a start tag closes although its author did not.
func (t *htmlTree) implied(tag string) {
	switch tag {
	case "li":
		t.closeBefore("li", "li", "ul", "ol")
	case "dt", "dd":
		t.closeBefore("dt", "dd", "dl", "table")
	case "td", "th":
		t.closeBefore("td", "th", "table", "tr")
	case "tr":
		t.closeBefore("tr", "tr", "table", "table")
	case "thead", "tbody", "tfoot":
		t.closeBefore("tbody", "thead", "table", "table")
	}
	if top := t.open[len(t.open)-1]; t.elements[top].tag == "p" && blockTag(tag) {
		t.closeTo(len(t.open) - 1)
	}
}

func (t *htmlTree) closeBefore(a, b, stop, stop2 string) {
	if t.count[a] == 0 && t.count[b] == 0 {
		return
	}
	for i := len(t.open) - 1; i > 0; i-- {
		switch t.elements[t.open[i]].tag {
		case a, b:
			t.closeTo(i)
			t.over = 0
			return
		case stop, stop2:
			return
		}
	}
}
