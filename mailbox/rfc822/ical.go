package rfc822

import (
	"strings"
)

// Bounds on calendar data. What is beyond them is not read.
const (
	maxCalendar      = 1 << 20
	maxCalendarLines = 20_000
	maxCalendarLine  = 64 << 10
	maxCalendarDepth = 16
	maxCalendarParts = 200 // events and time zones that are kept
)

// property is one content line of RFC 5545, section 3.1.
type property struct {
	name   string // in capitals
	params []string
	value  string
}

// param returns the value of a parameter, without its quotes, or "".
func (p property) param(name string) string {
	for _, s := range p.params {
		k, v, ok := strings.Cut(s, "=")
		if ok && strings.EqualFold(k, name) {
			return strings.Trim(v, `"`)
		}
	}
	return ""
}

// component is what stands between BEGIN and END, with its direct properties.
type component struct {
	name     string
	props    []property
	children []*component
}

// get returns the first property of that name.
func (c *component) get(name string) (property, bool) {
	for _, p := range c.props {
		if p.name == name {
			return p, true
		}
	}
	return property{}, false
}

// text returns a property of type TEXT as one clean line of at most n bytes.
func (c *component) text(name string, n int) string {
	p, _ := c.get(name)
	return cut(cleanLine(unescapeText(p.value)), n)
}

// readCalendar reads content lines into components. It takes what it can:
// lines that are none are left out, and what is open at the end is closed.
func readCalendar(s string) *component {
	root := &component{}
	open := []*component{root}
	kept := 0
	lines := calendarLines{rest: s}
	for range maxCalendarLines {
		line, ok := lines.next()
		if !ok {
			break
		}
		p, ok := parseProperty(line)
		if !ok {
			continue
		}
		top := open[len(open)-1]
		switch p.name {
		case "BEGIN":
			c := &component{name: strings.ToUpper(strings.TrimSpace(p.value))}
			if len(open) >= maxCalendarDepth || kept >= maxCalendarParts {
				return root
			}
			kept++
			top.children = append(top.children, c)
			open = append(open, c)
		case "END":
			if len(open) > 1 {
				open = open[:len(open)-1]
			}
		default:
			top.props = append(top.props, p)
		}
	}
	return root
}

// find calls f for each component of that name, in order, until f says stop.
func (c *component) find(name string, f func(*component) bool) bool {
	for _, child := range c.children {
		if child.name == name && !f(child) {
			return false
		}
		if !child.find(name, f) {
			return false
		}
	}
	return true
}

// calendarLines unfolds: a line that begins with a blank continues the last.
type calendarLines struct{ rest string }

func (l *calendarLines) next() (string, bool) {
	if l.rest == "" {
		return "", false
	}
	line := l.raw()
	if !l.folded() {
		return line, true
	}
	var b strings.Builder
	b.WriteString(line)
	for l.folded() {
		l.rest = l.rest[1:]
		if more := l.raw(); b.Len()+len(more) <= maxCalendarLine {
			b.WriteString(more)
		}
	}
	return b.String(), true
}

func (l *calendarLines) folded() bool {
	return l.rest != "" && (l.rest[0] == ' ' || l.rest[0] == '\t')
}

// raw takes one line without its end, which is CR LF, LF or CR.
func (l *calendarLines) raw() string {
	i := strings.IndexAny(l.rest, "\r\n")
	if i < 0 {
		line := l.rest
		l.rest = ""
		return line[:min(len(line), maxCalendarLine)]
	}
	line := l.rest[:i]
	if strings.HasPrefix(l.rest[i:], "\r\n") {
		i++
	}
	l.rest = l.rest[i+1:]
	return line[:min(len(line), maxCalendarLine)]
}

// parseProperty splits a content line at its parameters and its value; both
// ";" and ":" may stand inside quotes.
func parseProperty(line string) (property, bool) {
	var p property
	start, quoted := 0, false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == ';' || c == ':':
			if piece := line[start:i]; start == 0 {
				p.name = strings.ToUpper(strings.TrimSpace(piece))
			} else {
				p.params = append(p.params, piece)
			}
			start = i + 1
			if c == ':' {
				p.value = line[start:]
				return p, p.name != ""
			}
		}
	}
	return property{}, false
}

// unescapeText undoes the escapes of RFC 5545, section 3.3.11.
func unescapeText(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		if s[i] == 'n' || s[i] == 'N' {
			b.WriteByte('\n')
		} else {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}
