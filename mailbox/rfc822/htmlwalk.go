package rfc822

import (
	"bytes"
	"strings"

	"golang.org/x/net/html"
)

// Limits on HTML. They hold before any sanitiser or parser sees it.
const (
	maxHTMLIn    = 2 << 20 // bytes read
	maxHTMLOut   = 1 << 20 // bytes written
	maxHTMLDepth = 200     // open elements
	maxHTMLAttrs = 64      // attributes of an element
	maxStyle     = 4 << 10 // bytes of a style attribute
	maxURL       = 8 << 10 // bytes of a link
)

// htmlSink receives what is visible of a document, well nested.
type htmlSink interface {
	open(tag string, attrs []html.Attribute, void bool) bool // false: leave the tags out
	close(tag string)
	text(s string) bool // false: enough
}

// openElement is an entry of the stack of open elements.
type openElement struct {
	tag     string
	hidden  bool // it and all in it are invisible
	written bool // the sink took it
}

// htmlWalk tokenises HTML in one bounded, linear pass. It keeps its own stack
// of open elements, closes what authors leave open, and shows its sink nothing
// invisible: hidden text is a way to talk to a machine behind the reader's
// back.
type htmlWalk struct {
	sink      htmlSink
	z         *html.Tokenizer
	stack     []openElement
	count     map[string]int // open elements by tag
	hidden    int
	over      int // elements beyond the depth limit
	raw       string
	attrs     []html.Attribute
	truncated bool
}

// walkHTML feeds doc to sink and reports whether a limit cut something.
func walkHTML(doc string, sink htmlSink) bool {
	w := &htmlWalk{sink: sink, count: map[string]int{}}
	if len(doc) > maxHTMLIn {
		doc, w.truncated = cut(doc, maxHTMLIn), true
	}
	w.z = html.NewTokenizer(strings.NewReader(doc))
	for w.step() {
	}
	for len(w.stack) > 0 {
		w.pop()
	}
	return w.truncated
}

func (w *htmlWalk) step() bool {
	switch w.z.Next() {
	case html.ErrorToken:
		return false
	case html.TextToken:
		return w.text(string(w.z.Text()))
	case html.StartTagToken, html.SelfClosingTagToken:
		name, more := w.z.TagName()
		if bytes.IndexByte(name, '@') > 0 { // an address whose brackets nobody escaped
			return w.text("<" + string(name) + ">")
		}
		w.start(string(name), more)
	case html.EndTagToken:
		name, _ := w.z.TagName()
		w.end(string(name))
	}
	return true
}

// text shows text, unless it stands where nothing is shown, and reports whether
// the sink takes more.
func (w *htmlWalk) text(s string) bool {
	if w.raw == "" && w.hidden == 0 && !w.sink.text(s) {
		w.truncated = true
		return false
	}
	return true
}

// rawTags hold text that is not content; the tokenizer gives it as one token.
// Their tags never reach a sink, so no reader can disagree where they end.
func rawTag(tag string) bool {
	switch tag {
	case "script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes", "plaintext":
		return true
	}
	return false
}

func voidTag(tag string) bool {
	switch tag {
	case "area", "base", "basefont", "bgsound", "br", "col", "embed", "frame", "hr", "img", "input", "link", "meta",
		"param", "source", "track", "wbr", "image":
		return true
	}
	return false
}

// foreign reports elements whose content is no HTML or not to be shown.
func foreign(tag string) bool { return tag == "svg" || tag == "math" || tag == "template" }

func (w *htmlWalk) start(tag string, more bool) {
	w.raw = ""
	if rawTag(tag) {
		w.raw = tag
		return
	}
	w.readAttrs(more)
	if n := len(w.stack); n > 0 && (w.stack[n-1].tag == "svg" || w.stack[n-1].tag == "math") && blockTag(tag) {
		w.pop() // HTML breaks out of foreign content
	}
	w.implied(tag)
	if voidTag(tag) {
		if w.hidden == 0 && !invisible(w.attrs) {
			w.sink.open(tag, w.attrs, true)
		}
		return
	}
	if len(w.stack) >= maxHTMLDepth {
		w.over++
		w.truncated = true
		return
	}
	el := openElement{tag: tag, hidden: foreign(tag) || invisible(w.attrs)}
	if el.hidden {
		w.hidden++
	} else if w.hidden == 0 {
		if el.written = w.sink.open(tag, w.attrs, false); !el.written {
			return // as if it had not been there, as it is for the next reader
		}
	}
	w.stack = append(w.stack, el)
	w.count[tag]++
}

// readAttrs keeps the first attributes of the element, each name once.
func (w *htmlWalk) readAttrs(more bool) {
	w.attrs = w.attrs[:0]
next:
	for more && len(w.attrs) < maxHTMLAttrs {
		var k, v []byte
		k, v, more = w.z.TagAttr()
		for i := range w.attrs {
			if w.attrs[i].Key == string(k) {
				continue next
			}
		}
		w.attrs = append(w.attrs, html.Attribute{Key: string(k), Val: string(v)})
	}
	if more {
		w.truncated = true
	}
}

func (w *htmlWalk) pop() {
	n := len(w.stack) - 1
	el := w.stack[n]
	w.stack = w.stack[:n]
	w.count[el.tag]--
	if el.hidden {
		w.hidden--
	}
	if el.written {
		w.sink.close(el.tag)
	}
}

func (w *htmlWalk) end(tag string) {
	if w.raw != "" {
		w.raw = ""
		if rawTag(tag) {
			return
		}
	}
	if w.over > 0 && !voidTag(tag) {
		w.over--
		return
	}
	if w.count[tag] == 0 {
		return
	}
	for i := len(w.stack) - 1; i >= 0; i-- {
		if w.stack[i].tag == tag {
			w.popTo(i)
			return
		}
		if cellTag(w.stack[i].tag) && !tableTag(tag) {
			return // an end tag does not reach out of its table cell
		}
	}
}

func (w *htmlWalk) popTo(i int) {
	for len(w.stack) > i {
		w.pop()
	}
}

func cellTag(tag string) bool { return tag == "td" || tag == "th" }

func tableTag(tag string) bool {
	switch tag {
	case "table", "thead", "tbody", "tfoot", "tr", "td", "th":
		return true
	}
	return false
}

// implied closes what a start tag closes although its author did not.
func (w *htmlWalk) implied(tag string) {
	switch tag {
	case "li":
		w.closeBefore(tag, "li", "ul", "ol")
	case "dt", "dd":
		w.closeBefore("dt", "dd", "dl", "table")
	case "td", "th":
		w.closeBefore("td", "th", "table", "tr")
	case "tr":
		w.closeBefore("tr", "tr", "table", "table")
	case "thead", "tbody", "tfoot":
		w.closeBefore("tbody", "thead", "table", "table")
	case "a":
		w.closeBefore("a", "a", "td", "table")
	}
	if n := len(w.stack); n > 0 && w.stack[n-1].tag == "p" && blockTag(tag) {
		w.pop()
	}
}

// closeBefore closes up to the innermost element a or b, unless stop or stop2
// stands before it.
func (w *htmlWalk) closeBefore(a, b, stop, stop2 string) {
	if w.count[a] == 0 && w.count[b] == 0 {
		return
	}
	for i := len(w.stack) - 1; i >= 0; i-- {
		switch w.stack[i].tag {
		case a, b:
			w.popTo(i)
			w.over = 0
			return
		case stop, stop2:
			return
		}
	}
}

func blockTag(tag string) bool {
	switch tag {
	case "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "dir", "div", "dl", "dt",
		"fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr",
		"li", "main", "menu", "nav", "ol", "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th",
		"thead", "tr", "ul":
		return true
	}
	return false
}

// invisible reports whether attributes hide their element.
func invisible(attrs []html.Attribute) bool {
	for i := range attrs {
		switch attrs[i].Key {
		case "hidden":
			return true
		case "style":
			if len(attrs[i].Val) <= maxStyle && hiddenStyle(attrs[i].Val) {
				return true
			}
		}
	}
	return false
}

func attr(attrs []html.Attribute, key string) string {
	for i := range attrs {
		if attrs[i].Key == key {
			return attrs[i].Val
		}
	}
	return ""
}
