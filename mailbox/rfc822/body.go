package rfc822

import (
	"bytes"
	"strings"
)

// segment is a stretch of readable body; a mail has several when attachments
// or mailing lists stand between them.
type segment struct {
	text, html       string
	hasText, hasHTML bool
}

// collector gathers body and attachments in the order of the mail.
type collector struct {
	p        *parser
	segs     []segment
	fallback bool // there is neither plain text nor HTML
}

// content fills Text, HTML and Attachments.
func (p *parser) content(root *part) {
	c := &collector{p: p, fallback: !p.readable(root)}
	c.walk(root, false)
	var text, html []string
	anyHTML := false
	for _, s := range c.segs {
		anyHTML = anyHTML || s.hasHTML
	}
	for _, s := range c.segs {
		t, h := s.text, s.html
		if !s.hasText || s.hasHTML && strings.TrimSpace(t) == "" {
			t = HTMLToText(s.html)
		}
		if !s.hasHTML && anyHTML {
			h = TextToHTML(s.text).String()
		}
		text, html = append(text, t), append(html, h)
	}
	p.in.Text = strings.Join(text, "\n")
	p.in.TextFromHTML = anyHTML && !hasText(c.segs)
	if anyHTML {
		p.in.HTML = strings.Join(html, "\n")
	}
	p.markInline()
}

// walk visits a part. related is set for parts that serve another one.
func (c *collector) walk(pt *part, related bool) {
	switch {
	case pt.typ == "multipart/alternative" && len(pt.children) > 0:
		c.alternative(pt)
	case pt.typ == "multipart/related" && len(pt.children) > 0:
		root := relatedRoot(pt)
		c.walk(pt.children[root], false)
		for i, child := range pt.children {
			if i != root {
				c.walk(child, true)
			}
		}
	case len(pt.children) > 0:
		for _, child := range pt.children {
			c.walk(child, related)
		}
	case c.isBody(pt, related):
		c.segs = append(c.segs, c.read(pt))
	default:
		if c.isShown(pt) {
			c.segs = append(c.segs, c.read(pt))
		}
		c.attach(pt)
	}
}

// relatedRoot returns the index of the part that shows the others (RFC 2387).
func relatedRoot(pt *part) int {
	start := strings.Trim(pt.params.get("start"), "<> ")
	for i, child := range pt.children {
		if start != "" && strings.Trim(unfold(child.header.get("Content-Id")), "<> ") == start {
			return i
		}
	}
	return 0
}

// alternative takes the plain text and the richest form of the same content;
// forms that are neither, such as invitations, are attachments.
func (c *collector) alternative(pt *part) {
	var plain, rich []segment // of the plain forms, of the last form with HTML
	for _, child := range pt.children {
		sub := &collector{p: c.p, fallback: c.fallback}
		sub.walk(child, false)
		if hasHTML(sub.segs) {
			rich = sub.segs
			continue
		}
		for _, s := range sub.segs {
			// Two forms that say different things are not the same content.
			if !hasSegment(plain, s) {
				plain = append(plain, s)
			}
		}
	}
	switch {
	case len(rich) == 0:
		c.segs = append(c.segs, plain...)
	case len(plain) == 0 || len(rich) > 1 && len(plain) == 1 && strings.TrimSpace(plain[0].text) == "":
		c.segs = append(c.segs, rich...)
	default:
		c.segs = append(c.segs, segment{text: joinText(plain), hasText: true, html: joinHTML(rich), hasHTML: true})
	}
}

func hasHTML(segs []segment) bool {
	for i := range segs {
		if segs[i].hasHTML {
			return true
		}
	}
	return false
}

// hasText reports whether any stretch has plain text worth the name.
func hasText(segs []segment) bool {
	for i := range segs {
		if segs[i].hasText && strings.TrimSpace(segs[i].text) != "" {
			return true
		}
	}
	return false
}

func hasSegment(segs []segment, s segment) bool {
	for i := range segs {
		if segs[i].text == s.text {
			return true
		}
	}
	return false
}

func joinText(segs []segment) string {
	if len(segs) == 1 {
		return segs[0].text
	}
	var out []string
	for i := range segs {
		out = append(out, segs[i].text)
	}
	return strings.Join(out, "\n")
}

func joinHTML(segs []segment) string {
	if len(segs) == 1 {
		return segs[0].html
	}
	var out []string
	for i := range segs {
		if segs[i].hasHTML {
			out = append(out, segs[i].html)
		} else {
			out = append(out, TextToHTML(segs[i].text).String())
		}
	}
	return strings.Join(out, "\n")
}

// maxInlineText is the most bytes that a named text may have to be shown with
// the body when its sender asks for that.
const maxInlineText = 256 << 10

// isBody reports whether a leaf is for reading. Text that was attached is an
// attachment, and so is named text once there is a body.
func (c *collector) isBody(pt *part, related bool) bool {
	switch pt.typ {
	case "text/plain", "text/html":
	default:
		// Other text is for reading where nothing better is.
		if !c.fallback || !strings.HasPrefix(pt.typ, "text/") || machineText(pt.typ) || c.p.partName(pt) != "" {
			return false
		}
	}
	disposition := c.p.disposition(pt)
	if disposition == "attachment" {
		return false
	}
	if related && (pt.header.get("Content-Id") != nil || disposition == "inline" && pt.typ != "text/plain") && len(c.segs) > 0 {
		return false
	}
	return len(c.segs) == 0 && !pt.broken || c.p.partName(pt) == ""
}

// machineText reports whether a text type is for programs.
func machineText(typ string) bool {
	switch typ {
	case "text/calendar", "text/rfc822-headers", "text/x-amp-html", "text/vcard", "text/x-vcard",
		"text/directory", "text/csv", "text/xml", "text/rtf", "text/css", "text/javascript", "text/x-moz-deleted":
		return true
	}
	return false
}

// isShown reports whether an attachment is text that its sender wants to be
// read with the body (RFC 2183, section 2.1), or all there is to read: a report
// about a delivery, or the prose of one piece of a mail (RFC 2046, section
// 5.2.2).
func (c *collector) isShown(pt *part) bool {
	if pt.broken || len(pt.body) > maxInlineText {
		return false
	}
	switch pt.typ {
	case "text/plain":
		return c.p.disposition(pt) == "inline"
	case "message/delivery-status":
		return c.fallback
	case "message/partial":
		return c.fallback && bytes.Count(pt.body, []byte(" "))*20 > len(pt.body)
	}
	return false
}

// readable reports whether a part holds plain text or HTML that may be a body.
func (p *parser) readable(pt *part) bool {
	for _, child := range pt.children {
		if p.readable(child) {
			return true
		}
	}
	return len(pt.children) == 0 && (pt.typ == "text/plain" || pt.typ == "text/html") && p.disposition(pt) != "attachment"
}

func (p *parser) disposition(pt *part) string {
	v := unfold(pt.header.get("Content-Disposition"))
	v, _, _ = strings.Cut(v, ";")
	return strings.ToLower(strings.TrimSpace(v))
}

// read decodes a text leaf.
func (c *collector) read(pt *part) segment {
	p := c.p
	raw := p.decodeTransfer(pt)
	if pt.typ == "text/plain" {
		var files []uuFile
		raw, files = cutUU(raw)
		for _, f := range files {
			p.add(p.rawText(f.name), "application/octet-stream", "", f.content)
		}
	}
	s, exact := decodeCharset(raw, pt.charset)
	if !exact {
		p.report(DefectCharset, "unknown or wrong charset of a text part")
	}
	s = cleanBody(s)
	if pt.typ == "text/html" || pt.typ == "text/plain" && looksHTML(pt, s) {
		return segment{html: s, hasHTML: true}
	}
	if pt.params.get("format") != "" && strings.EqualFold(pt.params.get("format"), "flowed") {
		s = unflow(s, strings.EqualFold(pt.params.get("delsp"), "yes"))
	}
	return segment{text: s, hasText: true}
}

// looksHTML finds HTML in a part that says nothing readable about its type.
func looksHTML(pt *part, s string) bool {
	if !pt.broken && pt.header.get("Content-Type") != nil {
		return false
	}
	head := strings.ToLower(strings.TrimSpace(s[:min(len(s), 512)]))
	return strings.HasPrefix(head, "<!doctype html") || strings.HasPrefix(head, "<html")
}

// textCharset returns the charset of the first text part.
func textCharset(pt *part) string {
	if strings.HasPrefix(pt.typ, "text/") {
		return pt.charset
	}
	for _, c := range pt.children {
		if s := textCharset(c); s != "" {
			return s
		}
	}
	return ""
}
