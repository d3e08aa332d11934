package rfc822

import (
	"bytes"
	"strings"
)

// field is one header field as it stands in the mail: value still folded and
// encoded, pointing into the raw bytes.
type field struct {
	name  string
	value []byte
}

// header is a header block in order (RFC 5322, section 2.2).
type header []field

// get returns the first field of that name, which is the one that counts
// everywhere: a sender must not be able to show one reader one value and
// another reader another.
func (h header) get(name string) []byte {
	for i := range h {
		if len(h[i].name) == len(name) && strings.EqualFold(h[i].name, name) {
			return h[i].value
		}
	}
	return nil
}

func (h header) count(name string) int {
	n := 0
	for i := range h {
		if len(h[i].name) == len(name) && strings.EqualFold(h[i].name, name) {
			n++
		}
	}
	return n
}

// unfold removes line ends (RFC 5322, section 2.2.3) and NUL from a value.
func unfold(v []byte) string {
	if bytes.IndexByte(v, '\n') < 0 && bytes.IndexByte(v, '\r') < 0 && bytes.IndexByte(v, 0) < 0 {
		return string(bytes.TrimSpace(v))
	}
	out := make([]byte, 0, len(v))
	for i, c := range v {
		switch c {
		case 0:
		case '\r', '\n':
			// A keyless line that was folded in has no blank of its own.
			if i+1 < len(v) && v[i+1] != ' ' && v[i+1] != '\t' && v[i+1] != '\r' && v[i+1] != '\n' {
				out = append(out, ' ')
			}
		default:
			out = append(out, c)
		}
	}
	return string(bytes.TrimSpace(out))
}

// lineEnd returns the end of the line at pos without its line end, and where
// the next line starts.
func lineEnd(b []byte, pos int) (end, next int) {
	i := bytes.IndexByte(b[pos:], '\n')
	if i < 0 {
		return len(b), len(b)
	}
	end, next = pos+i, pos+i+1
	for end > pos && b[end-1] == '\r' {
		end--
	}
	return end, next
}

// keyEnd returns the length of the field name that starts line, or -1. Blanks
// before the colon belong to obsolete syntax (RFC 5322, section 4.5) and are
// kept out of the name by the caller.
func keyEnd(line []byte) int {
	if len(line) > 256 {
		line = line[:256]
	}
	return bytes.IndexByte(line, ':')
}

// goodName reports whether name consists of the bytes RFC 5322 allows.
func goodName(name []byte) bool {
	if len(name) == 0 {
		return false
	}
	for _, c := range name {
		if c <= ' ' || c >= 127 {
			return false
		}
	}
	return true
}

func isBlank(line []byte) bool {
	for _, c := range line {
		if c != ' ' && c != '\t' && c != '\r' {
			return false
		}
	}
	return true
}

// headerScan reads one header block.
type headerScan struct {
	p        *parser
	buf      []byte
	max      int // bytes
	start    int
	fields   header
	valStart int // start of the value of the open field, or -1
	valEnd   int
	lines    int
	cut      bool
}

func (s *headerScan) flush() {
	if s.valStart >= 0 && len(s.fields) > 0 {
		s.fields[len(s.fields)-1].value = s.buf[s.valStart:s.valEnd]
	}
	s.valStart = -1
}

// scanHeader reads the header block at pos and returns it with the position of
// the body. It stops at an empty line, at a boundary of an enclosing
// multipart, or where the text is no header any more. Above a limit it goes on
// to find the body, but records nothing.
func (p *parser) scanHeader(pos, max int) (header, int) {
	s := &headerScan{p: p, buf: p.buf, max: max, start: pos, valStart: -1}
	for pos < len(s.buf) {
		end, next := lineEnd(s.buf, pos)
		line := s.buf[pos:end]
		if len(line) == 0 {
			s.flush()
			return s.fields, next
		}
		if len(line) > 1 && line[0] == '-' && line[1] == '-' {
			if level, _ := p.boundary(line); level >= 0 {
				break
			}
		}
		if s.lines++; !s.cut && (s.lines > maxHeaderLines || end-s.start > s.max) {
			s.cut = true
			p.limit(DefectHeaderLimit, "header block cut")
		}
		if !s.line(pos, end, next) {
			p.report(DefectHeaderEnd, "body without an empty line before it")
			break
		}
		pos = next
	}
	s.flush()
	return s.fields, pos
}

// line takes one line; it returns false where the header has ended.
func (s *headerScan) line(pos, end, next int) bool {
	line := s.buf[pos:end]
	if line[0] == ' ' || line[0] == '\t' {
		return s.continued(pos, end, next)
	}
	if bytes.HasPrefix(line, []byte("From ")) || bytes.HasPrefix(line, []byte(">From ")) {
		s.p.report(DefectMailboxLine, "mbox separator in the header")
		return true
	}
	k := keyEnd(line)
	if k > 0 {
		return s.field(pos, end, k)
	}
	if s.cut {
		return true
	}
	if colon := s.foldedColon(next); colon >= 0 && goodName(line) {
		s.p.report(DefectHeaderName, "header name folded before its colon")
		s.flush()
		s.fields = append(s.fields, field{name: string(line)})
		s.valStart, s.valEnd = colon+1, colon+1
		return true
	}
	return s.keyless(pos, end, next)
}

// foldedColon returns where the colon is that the line at pos starts with
// after blanks, or -1.
func (s *headerScan) foldedColon(pos int) int {
	end, _ := lineEnd(s.buf, pos)
	line := s.buf[pos:end]
	trim := bytes.TrimLeft(line, " \t")
	if len(trim) == len(line) || len(trim) == 0 || trim[0] != ':' {
		return -1
	}
	return end - len(trim)
}

func (s *headerScan) field(pos, end, k int) bool {
	if s.cut {
		s.flush()
		return true
	}
	name := bytes.TrimRight(s.buf[pos:pos+k], " \t")
	if !goodName(name) {
		// A sentence with a colon is body; a name with a stray byte is not.
		if bytes.Count(name, []byte(" ")) > 2 && len(s.fields) > 0 {
			_, next := lineEnd(s.buf, pos)
			return s.keyless(pos, end, next)
		}
		s.p.report(DefectHeaderName, "header name with forbidden bytes")
	}
	s.flush()
	s.fields = append(s.fields, field{name: string(name)})
	s.valStart, s.valEnd = pos+k+1, end
	return true
}

// continued takes a line that starts with a blank: the rest of a folded field,
// an indented first field, or a separator line that is not quite empty.
func (s *headerScan) continued(pos, end, next int) bool {
	line := s.buf[pos:end]
	if isBlank(line) {
		nend, _ := lineEnd(s.buf, next)
		follow := s.buf[next:nend]
		return len(follow) == 0 || follow[0] == ' ' || follow[0] == '\t' || s.looksLikeField(follow)
	}
	if len(s.fields) > 0 {
		if s.valStart >= 0 && !s.cut {
			s.valEnd = end
		}
		return true
	}
	trim := bytes.TrimLeft(line, " \t")
	if k := keyEnd(trim); k > 0 && goodName(bytes.TrimRight(trim[:k], " \t")) {
		s.p.report(DefectHeaderLine, "indented first field")
		return s.field(end-len(trim), end, k)
	}
	return s.orphan(next)
}

// orphan decides about the rest of a field whose beginning got lost: it is
// passed over when a field follows soon.
func (s *headerScan) orphan(pos int) bool {
	for range 20 {
		end, next := lineEnd(s.buf, pos)
		line := s.buf[pos:end]
		if len(line) == 0 {
			return false
		}
		if line[0] != ' ' && line[0] != '\t' {
			if s.start == 0 && s.looksLikeField(line) {
				s.p.report(DefectHeaderLine, "folded line before the first field")
				return true
			}
			return false
		}
		pos = next
	}
	return false
}

func (s *headerScan) looksLikeField(line []byte) bool {
	k := keyEnd(line)
	return k > 0 && goodName(bytes.TrimRight(line[:k], " \t"))
}

// keyless takes a line without a name. Between fields it is the badly wrapped
// rest of the field before it; otherwise the body has begun.
func (s *headerScan) keyless(pos, end, next int) bool {
	if len(s.fields) == 0 {
		return false
	}
	nend, _ := lineEnd(s.buf, next)
	follow := s.buf[next:nend]
	if len(follow) > 0 && follow[0] != ' ' && follow[0] != '\t' && !s.looksLikeField(follow) {
		return false
	}
	if len(follow) == 0 && !s.openEnded() && bytes.IndexByte(s.buf[pos:end], '=') < 0 {
		return false
	}
	s.p.report(DefectHeaderLine, "line without a field name")
	if s.valStart >= 0 {
		s.valEnd = end
	}
	return true
}

// openEnded reports whether the open field ends as if more had to follow.
func (s *headerScan) openEnded() bool {
	if s.valStart < 0 {
		return false
	}
	v := bytes.TrimSpace(s.buf[s.valStart:s.valEnd])
	return len(v) > 0 && (v[len(v)-1] == ';' || v[len(v)-1] == ',')
}
