package rfc822

import (
	"net/url"
	"strings"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// segment is a stretch of readable body; a mail has several when attachments
// or mailing lists stand between them.
type segment struct {
	text, html       string
	hasText, hasHTML bool
}

// collector gathers body and attachments in the order of the mail.
type collector struct {
	p    *parser
	segs []segment
}

// content fills Text, HTML and Attachments.
func (p *parser) content(root *part) {
	c := &collector{p: p}
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
		c.p.attach(pt)
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
	sub := &collector{p: c.p}
	for _, child := range pt.children {
		sub.walk(child, false)
	}
	var out segment
	plain, rich := 0, 0
	for _, s := range sub.segs {
		if s.hasText && plain == 0 {
			out.text, out.hasText = s.text, true
			plain++
		}
		if s.hasHTML {
			out.html, out.hasHTML = s.html, true
			rich++
		}
	}
	// A mixed part inside holds several stretches of one form: keep them all.
	if len(sub.segs) > plain+rich {
		c.segs = append(c.segs, joinAlternatives(sub.segs)...)
		return
	}
	if out.hasText || out.hasHTML {
		c.segs = append(c.segs, out)
	}
}

// joinAlternatives merges stretches: text of the first form, HTML of the rest.
func joinAlternatives(segs []segment) []segment {
	first := segs[0]
	if !first.hasText || first.hasHTML {
		return segs
	}
	var html []string
	for _, s := range segs[1:] {
		switch {
		case s.hasHTML:
			html = append(html, s.html)
		case s.hasText && s.text != first.text && strings.TrimSpace(s.text) != "":
			html = append(html, TextToHTML(s.text).String())
		}
	}
	if len(html) == 0 {
		return segs
	}
	first.html, first.hasHTML = strings.Join(html, "\n"), true
	return []segment{first}
}

// isBody reports whether a leaf is for reading. Text that was attached is an
// attachment, and so is named text once there is a body.
func (c *collector) isBody(pt *part, related bool) bool {
	switch pt.typ {
	case "text/plain", "text/html":
	case "text/calendar", "text/rfc822-headers", "text/x-amp-html", "text/vcard", "text/x-vcard",
		"text/directory", "text/csv", "text/xml", "text/rtf", "text/css", "text/javascript", "text/x-moz-deleted":
		return false
	default:
		if !strings.HasPrefix(pt.typ, "text/") || c.p.partName(pt) != "" {
			return false
		}
	}
	disposition := c.p.disposition(pt)
	if disposition == "attachment" {
		return false
	}
	if related && (pt.header.get("Content-Id") != nil || disposition == "inline") && len(c.segs) > 0 {
		return false
	}
	return len(c.segs) == 0 || c.p.partName(pt) == ""
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
	s, exact := decodeCharset(raw, pt.params.get("charset"))
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
		return pt.params.get("charset")
	}
	for _, c := range pt.children {
		if s := textCharset(c); s != "" {
			return s
		}
	}
	return ""
}

// markInline marks the attachments that the HTML shows.
func (p *parser) markInline() {
	has := false
	for i := range p.in.Attachments {
		has = has || p.in.Attachments[i].ContentID != ""
	}
	if !has || p.in.HTML == "" {
		return
	}
	shown := map[string]bool{}
	for rest := p.in.HTML; ; {
		i := strings.Index(rest, "cid:")
		if i < 0 {
			break
		}
		rest = rest[i+4:]
		end := strings.IndexAny(rest[:min(len(rest), maxMessageID)], "\"'<> \t\n)")
		if end < 0 {
			continue
		}
		id := strings.ReplaceAll(rest[:end], "&amp;", "&")
		shown[id] = true
		if u, err := url.PathUnescape(id); err == nil {
			shown[u] = true
		}
	}
	for i := range p.in.Attachments {
		a := &p.in.Attachments[i]
		a.Inline = a.ContentID != "" && shown[a.ContentID]
	}
}

// attach adds a leaf as attachment.
func (p *parser) attach(pt *part) {
	if len(p.in.Attachments) >= maxAttachments {
		p.limit(DefectAttachmentLimit, "too many attachments")
		return
	}
	content := p.decodeTransfer(pt)
	name := p.partName(pt)
	if name == "" {
		name = p.madeUpName(pt, content)
	}
	safe := safeName(name)
	if safe != name {
		p.report(DefectAttachmentName, "attachment name changed")
	}
	id := ""
	if v := pt.header.get("Content-Id"); v != nil {
		id = cut(cleanID(unfold(v)), maxMessageID)
	}
	p.in.Attachments = append(p.in.Attachments, ticket.Attachment{
		Index:     len(p.in.Attachments),
		Name:      safe,
		Type:      contentType(content, pt.typ, safe),
		Size:      int64(len(content)),
		ContentID: id,
		Content:   content,
	})
}
