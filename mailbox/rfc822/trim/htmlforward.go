package trim

import (
	"strings"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// forward reads the mail that is passed on in the lines from one on.
func (c *cutter) forward(from, to int) {
	if c.forwarded != nil {
		return
	}
	for i := from; i < to && i < from+4; i++ {
		if c.headerBlock(i, to, true) > i {
			c.forwarded, c.quoted = c.readMail(i, to), nil
			for j := from; j < i; j++ {
				c.tree.lines[j].reason = "forward"
			}
			return
		}
	}
}

// header notes the mail under a block of header lines.
func (c *cutter) header(i, to int) {
	if c.quoted == nil && c.forwarded == nil {
		c.quoted = c.readMail(i, to)
	}
}

// readMail reads a block of header lines and the text below it.
func (c *cutter) readMail(i, to int) *ticket.Forwarded {
	lines := c.tree.lines
	end := c.headerBlock(i, to, true)
	f := &ticket.Forwarded{}
	last := fieldNone
	values := [fieldOther + 1]string{}
	for j := i; j < end; j++ {
		name, value := headerLine(lines[j].text)
		if name == fieldNone {
			name, value = last, strings.TrimSpace(values[last]+" "+lines[j].text)
		}
		values[name], last = value, name
	}
	f.From = forwardAddress(values[fieldFrom])
	f.To = forwardAddresses(values[fieldTo])
	f.Cc = forwardAddresses(values[fieldCc])
	f.Subject = clip(values[fieldSubject], 998)
	f.Date, c.dateText = forwardDate(values[fieldDate]), clip(values[fieldDate], 200)
	var b strings.Builder
	for j := end; j < to && b.Len() < maxHTMLBody; j++ {
		if b.Len() > 0 {
			b.WriteByte('\n')
			if lines[j].gap {
				b.WriteByte('\n')
			}
		}
		b.WriteString(lines[j].text)
	}
	f.Body, c.body = b.String(), end
	return f
}

// onlyForward leaves the text of the mail that is passed on, where its sender
// added nothing.
func (c *cutter) onlyForward() {
	if c.forwarded.Body == "" {
		c.apply()
		return
	}
	lines := c.tree.lines
	for i := range lines {
		lines[i].keep = false
		if lines[i].state = lineOwn; i < c.body {
			lines[i].state, lines[i].reason, lines[i].rule = lineHard, "forward", ""
		}
	}
	c.ranges, c.alone = nil, true
	c.apply()
}
