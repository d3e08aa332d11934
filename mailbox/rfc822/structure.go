package rfc822

import (
	"bytes"
)

// part is one entity of the tree: where it stands in the mail and what its
// header says about its body.
type part struct {
	header   header
	body     []byte // still transfer encoded
	typ      string // lower-case media type, never empty
	params   params
	children []*part
	declared string // media type before it was found not to fit
	broken   bool   // Content-Type was unreadable
	charset  string // of the part or, if it names none, of the multipart around it
}

// delim is a boundary line that ended something: level is the index of its
// multipart on the stack, -1 the end of the mail.
type delim struct {
	start, next int
	level       int
	closing     bool
}

// boundary finds the open multipart whose boundary line is. Only whole lines
// count, so that a boundary may be the beginning of another one (RFC 2046,
// section 5.1.1); text right after a closing delimiter is forgiven.
func (p *parser) boundary(line []byte) (level int, closing bool) {
	if len(p.stack) == 0 || len(line) < 3 || len(line) > maxBoundary+64 {
		return -1, false
	}
	line = bytes.TrimRight(line[2:], " \t\r")
	if l, ok := p.open[string(line)]; ok {
		return l, false
	}
	if n := len(line); n > 2 && line[n-1] == '-' && line[n-2] == '-' {
		if l, ok := p.open[string(line[:n-2])]; ok {
			return l, true
		}
		return -1, false
	}
	if i := bytes.LastIndex(line, []byte("--")); i > 0 {
		if l, ok := p.open[string(line[:i])]; ok {
			return l, true
		}
	}
	return -1, false
}

// nextDelim finds the next boundary line of any open multipart at or after
// pos, which is the start of a line. One scan serves all levels: the work is
// linear whatever the nesting.
func (p *parser) nextDelim(pos int) delim {
	if len(p.stack) == 0 {
		return delim{start: len(p.buf), next: len(p.buf), level: -1}
	}
	for pos < len(p.buf) {
		if bytes.HasPrefix(p.buf[pos:], dashes) {
			end, next := lineEnd(p.buf, pos)
			if level, closing := p.boundary(p.buf[pos:end]); level >= 0 {
				return delim{pos, next, level, closing}
			}
			pos = next
			continue
		}
		i := bytes.Index(p.buf[pos:], lineDashes)
		if i < 0 {
			break
		}
		pos += i + 1
	}
	return delim{start: len(p.buf), next: len(p.buf), level: -1}
}

func (p *parser) push(b string) (shadowed int) {
	shadowed = -1
	if l, ok := p.open[b]; ok {
		shadowed = l
	}
	p.open[b] = len(p.stack)
	p.stack = append(p.stack, b)
	return shadowed
}

func (p *parser) pop(shadowed int) {
	b := p.stack[len(p.stack)-1]
	p.stack = p.stack[:len(p.stack)-1]
	if shadowed >= 0 {
		p.open[b] = shadowed
	} else {
		delete(p.open, b)
	}
}

// entity reads the entity at pos and returns it with the boundary line that
// ended it. def and charset are those of an entity that does not tell.
func (p *parser) entity(pos, depth int, def, charset string) (*part, delim) {
	p.parts++
	max := maxPartHeader
	if depth == 0 {
		max = maxTopHeader
	}
	pt := &part{}
	var body int
	pt.header, body = p.scanHeader(pos, max)
	p.contentType(pt, def)
	pt.declared = pt.typ
	if pt.charset = pt.params.get("charset"); pt.charset == "" {
		pt.charset = charset
	}
	if !isMultipart(pt.typ) {
		d := p.nextDelim(body)
		pt.body = p.slice(body, d.start)
		return pt, d
	}
	b := p.multipartBoundary(pt, body)
	if b == "" || depth >= maxDepth || p.parts >= maxParts {
		if b != "" {
			p.tooMuch(depth)
		}
		d := p.nextDelim(body)
		pt.body = p.slice(body, d.start)
		pt.typ = "text/plain"
		return pt, d
	}
	return pt, p.multipart(pt, b, body, depth)
}

func (p *parser) tooMuch(depth int) {
	if depth >= maxDepth {
		p.limit(DefectDepthLimit, "multiparts nested too deep")
		return
	}
	p.limit(DefectPartLimit, "too many parts")
}

// multipart reads the parts of pt between boundary lines.
func (p *parser) multipart(pt *part, b string, body, depth int) delim {
	def := "text/plain"
	if pt.typ == "multipart/digest" {
		def = "message/rfc822" // RFC 2046, section 5.1.5
	}
	level := len(p.stack)
	shadowed := p.push(b)
	d := p.nextDelim(body)
	for d.level == level && !d.closing {
		if p.parts >= maxParts {
			p.limit(DefectPartLimit, "too many parts")
			p.pop(shadowed)
			return p.nextDelim(d.next)
		}
		var child *part
		child, d = p.entity(d.next, depth+1, def, pt.charset)
		pt.children = append(pt.children, child)
	}
	p.pop(shadowed)
	if d.level == level { // closed: what follows is epilogue
		d = p.nextDelim(d.next)
	} else if len(pt.children) > 0 {
		p.report(DefectClosingMissing, "multipart without its closing boundary")
	}
	if len(pt.children) == 0 {
		// Nothing was found where parts should be: the text counts.
		p.report(DefectMultipartEmpty, "multipart without parts")
		pt.typ, pt.body = "text/plain", p.slice(body, d.start)
	}
	return d
}

// slice returns a body without the line end that belongs to the boundary line
// after it, if there is one.
func (p *parser) slice(from, to int) []byte {
	if to <= from {
		return nil
	}
	b := p.buf[from:to]
	if to < len(p.buf) {
		b = bytes.TrimSuffix(b, []byte("\n"))
		b = bytes.TrimSuffix(b, []byte("\r"))
	}
	return b
}

// multipartBoundary returns the boundary parameter or, if there is none, what
// the first line that looks like one says.
func (p *parser) multipartBoundary(pt *part, body int) string {
	if b := trimRightSpace(pt.params.get("boundary")); b != "" && len(b) <= maxBoundary {
		return b
	}
	p.report(DefectBoundaryMissing, "multipart without a boundary parameter")
	pos := body
	for range 200 { // a preamble is short
		if pos >= len(p.buf) {
			return ""
		}
		end, next := lineEnd(p.buf, pos)
		line := bytes.TrimRight(p.buf[pos:end], " \t")
		if level, _ := p.boundary(line); level >= 0 {
			return ""
		}
		if bytes.HasPrefix(line, dashes) && len(line) > 6 && len(line) < 200 && bytes.IndexByte(line, ' ') < 0 {
			return string(line[2:])
		}
		pos = next
	}
	return ""
}

var (
	dashes     = []byte("--")
	lineDashes = []byte("\n--")
)
