package rfc822

import (
	"strings"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// attach adds a leaf as attachment. What is in a TNEF container comes in its
// place, because nobody without Outlook can open it.
func (c *collector) attach(pt *part) {
	p := c.p
	content := p.decodeTransfer(pt)
	name := p.partName(pt)
	if t, ok := p.container(pt, content); ok && c.unpack(t) {
		return
	}
	if name == "" {
		name = p.madeUpName(pt, content)
	}
	if p.in.Invite == nil && (pt.typ == "text/calendar" || strings.HasSuffix(strings.ToLower(name), ".ics")) {
		ics, _ := decodeCharset(content[:min(len(content), maxCalendar)], pt.params.get("charset"))
		p.in.Invite = inviteOf([]byte(ics))
	}
	id := ""
	if v := pt.header.get("Content-Id"); v != nil {
		id = cut(cleanID(unfold(v)), maxMessageID)
	}
	p.add(name, pt.typ, id, content)
	if v := pt.header.get("Content-Location"); v != nil && len(p.in.Attachments) > 0 {
		p.locate(unfold(v))
	}
}

// add appends an attachment whose name and type are claims.
func (p *parser) add(name, typ, id string, content []byte) {
	if len(p.in.Attachments) >= maxAttachments {
		p.limit(DefectAttachmentLimit, "too many attachments")
		return
	}
	safe := safeName(name)
	if safe != name {
		p.report(DefectAttachmentName, "attachment name changed")
	}
	p.in.Attachments = append(p.in.Attachments, ticket.Attachment{
		Index:     len(p.in.Attachments),
		Name:      safe,
		Type:      contentType(content, typ, safe),
		Size:      int64(len(content)),
		ContentID: id,
		Content:   content,
	})
}

// container reads a part that is a TNEF container.
func (p *parser) container(pt *part, content []byte) (tnef, bool) {
	if !isTNEF(content) {
		return tnef{}, false
	}
	return readTNEF(content, 0), true
}

// unpack adds what a container holds and reports whether it held anything. Its
// body counts only where the mail has no other.
func (c *collector) unpack(t tnef) bool {
	found := false
	for i := range t.files {
		f := &t.files[i]
		name := f.fileName()
		if name == "" {
			name = c.p.madeUpName(&part{typ: "application/octet-stream"}, f.content)
		}
		if len(f.content) == 0 && f.fileName() == "" {
			continue
		}
		found = true
		c.p.add(name, f.typ, cut(cleanID(f.id), maxMessageID), f.content)
	}
	if !c.fallback {
		return found
	}
	var s segment
	if len(t.text) > 0 {
		text, _ := decodeCharset(t.text, t.charset)
		s.text, s.hasText = cleanBody(text), true
	}
	if len(t.html) > 0 {
		text, _ := decodeCharset(t.html, t.charset)
		s.html, s.hasHTML = cleanBody(text), true
		c.p.add("body.html", "text/html", "", t.html)
	}
	if rtf := decompressRTF(t.rtf); len(rtf) > 0 {
		c.p.add("body.rtf", "text/rtf", "", rtf)
		found = true
	}
	if s.hasText || s.hasHTML {
		c.segs = append(c.segs, s)
		found = true
	}
	return found
}
