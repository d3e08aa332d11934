package rfc822

import (
	"net/url"
	"strconv"
	"strings"
)

// locate remembers the Content-Location of the attachment added last (RFC
// 2557): HTML may show a part by it instead of a Content-ID.
func (p *parser) locate(v string) {
	v = cleanID(v)
	if v == "" || len(v) > maxMessageID {
		return
	}
	if p.locations == nil {
		p.locations = map[string]int{}
	}
	if _, ok := p.locations[v]; !ok {
		p.locations[v] = len(p.in.Attachments) - 1
	}
}

// markInline marks the attachments that the HTML shows. An image shown by its
// Content-Location gets it as ContentID where it has none, and the HTML a cid
// link, so that there is one way to show a part.
func (p *parser) markInline() {
	if p.in.HTML == "" {
		return
	}
	p.resolveLocations()
	has := false
	for i := range p.in.Attachments {
		has = has || p.in.Attachments[i].ContentID != ""
	}
	if !has {
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

// resolveLocations turns src="LOCATION" into src="cid:..." for the attachments
// of this mail, in one pass.
func (p *parser) resolveLocations() {
	if len(p.locations) == 0 {
		return
	}
	var out strings.Builder
	rest := p.in.HTML
	for {
		i := indexSrc(rest)
		if i < 0 {
			break
		}
		out.WriteString(rest[:i])
		rest = rest[i:]
		quote := rest[0]
		end := strings.IndexByte(rest[1:min(len(rest), maxMessageID)], quote)
		if end < 0 {
			out.WriteByte(quote)
			rest = rest[1:]
			continue
		}
		target := rest[1 : 1+end]
		if n, ok := p.locations[strings.ReplaceAll(target, "&amp;", "&")]; ok {
			a := &p.in.Attachments[n]
			if a.ContentID == "" {
				a.ContentID = "location" + strconv.Itoa(n) + "@attachment.invalid"
			}
			target = "cid:" + url.PathEscape(a.ContentID)
		}
		out.WriteByte(quote)
		out.WriteString(target)
		out.WriteByte(quote)
		rest = rest[end+2:]
	}
	out.WriteString(rest)
	p.in.HTML = out.String()
}

// indexSrc returns where the next quote after "src=" is, or -1.
func indexSrc(s string) int {
	for pos := 0; ; {
		i := strings.IndexByte(s[pos:], '=')
		if i < 0 {
			return -1
		}
		pos += i + 1
		if pos >= 4 && equalFold(s[pos-4:pos-1], "src") && pos < len(s) && (s[pos] == '"' || s[pos] == '\'') {
			return pos
		}
	}
}
