package trim

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// Result is what is left of a plain-text body when all that its writer did not
// write this time is taken away.
type Result struct {
	// Reply is what the writer wrote, without blank lines around it. Where that
	// is nothing because the body only passes a mail on, it is that mail's reply.
	Reply string
	// Cuts says what was left out, in the order of the body.
	Cuts []ticket.Cut
	// Forwarded is the mail that the body passes on, or nil.
	Forwarded *ticket.Forwarded
	// Quoted is the mail that the body quotes under a block of header lines,
	// or nil: clients that write the same block when they reply and when they
	// forward leave it to the subject which of the two it was.
	Quoted *ticket.Forwarded
	// DateText is the date of the mail in Forwarded or Quoted as the client
	// wrote it, for those whose Date is zero because it cannot be read.
	DateText string
}

// Limits of the work on one body. No mail of a person comes near them; what is
// beyond stays as it is.
const (
	maxText    = 1 << 20 // bytes of a body that is looked at
	maxDevices = 5000    // lines that are compared with the greetings of devices
	maxIntros  = 1000    // lines at which an attribution may begin
	maxBlocks  = 300     // lines at which a block of header lines may begin
)

// Text finds the reply in the plain-text body of a mail. Of a body that only
// passes a mail on, that is the reply in that mail.
func Text(body string) Result {
	return textReply(body, 0)
}

// textReply does the work of Text on a body that is the text of that many mails.
func textReply(body string, nested int) Result {
	if len(body) > maxText {
		return Result{Reply: strings.TrimSpace(body)}
	}
	t := readLines(body)
	t.mark()
	t.decide()
	return t.result(nested)
}

// textKind says what a line of a plain text is.
type textKind uint8

const (
	textOwn       textKind = iota
	textBlank              // nothing on it
	textQuote              // behind a quote mark
	textIntro              // an attribution: it introduces a quote
	textRest               // begins a mail that is repeated to the end
	textDelimiter          // a line of signs, and "-- "
	textDevice             // a greeting of a device
)

// textLine is one line of a body.
type textLine struct {
	raw    string
	bare   string // without quote marks, blanks folded away at both ends
	kind   textKind
	depth  int // quote marks
	code   bool
	cut    bool
	reason string
	rule   string
}

// plainText is a body under work.
type plainText struct {
	lines     []textLine
	rest      int // the line at which a repeated mail begins, or len(lines)
	forwarded *ticket.Forwarded
	quoted    *ticket.Forwarded
	dateText  string
	alone     bool // the body is nothing but the mail it passes on
	lastPlain int  // the last line that is neither blank nor quoted, or -1
	devices   int  // lines compared with greetings so far, and so on
	intros    int
	blocks    int
}

// readLines splits a body and tells the kinds that a line shows by itself.
func readLines(body string) *plainText {
	body = strings.ReplaceAll(strings.ReplaceAll(body, "\r\n", "\n"), "\r", "\n")
	t := &plainText{lines: make([]textLine, 0, strings.Count(body, "\n")+1)}
	fenced := false
	for raw := range textLines(body) {
		l := textLine{raw: raw}
		l.bare, l.depth = unquote(raw)
		l.code = fenced
		switch {
		case strings.HasPrefix(l.bare, "```"):
			fenced, l.code = !fenced, true
		case fenced:
		case l.depth > 0 || l.bare != "" && isNameQuote(l.bare):
			l.kind = textQuote
		case l.bare == "":
			l.kind = textBlank
		case isDelimiter(l.bare):
			l.kind = textDelimiter
		case t.isDevice(l.bare, len(t.lines)):
			l.kind = textDevice
		}
		t.lines = append(t.lines, l)
	}
	if fenced {
		// A fence that nobody closed is none.
		return readUnfenced(t)
	}
	t.rest = len(t.lines)
	return t
}

// textLines yields the lines of a body, and apart those that a client wrote on
// one.
func textLines(body string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for raw := range strings.SplitSeq(body, "\n") {
			parts := glued(raw)
			if parts == nil && !yield(raw) {
				return
			}
			for _, s := range parts {
				if !yield(s) {
					return
				}
			}
		}
	}
}

// readUnfenced reads the lines again without the meaning of fences.
func readUnfenced(t *plainText) *plainText {
	for i := range t.lines {
		l := &t.lines[i]
		if !l.code {
			continue
		}
		l.code = false
		switch {
		case l.depth > 0:
			l.kind = textQuote
		case l.bare == "":
			l.kind = textBlank
		case isDelimiter(l.bare):
			l.kind = textDelimiter
		case t.isDevice(l.bare, i):
			l.kind = textDevice
		}
	}
	t.rest = len(t.lines)
	return t
}

// isDevice reports a greeting of a device. A line that goes on in small letters
// from the one above is part of a sentence.
func (t *plainText) isDevice(s string, at int) bool {
	if len(s) > 200 || t.devices >= maxDevices {
		return false
	}
	t.devices++
	if r, _ := utf8.DecodeRuneInString(s); unicode.IsLower(r) && at > 0 && t.lines[at-1].kind == textOwn {
		return false
	}
	return isDeviceLine(s)
}

// unquote takes the quote marks off a line (RFC 3676, section 4.5, and the
// forms with blanks between).
func unquote(raw string) (string, int) {
	s, depth := strings.TrimLeft(raw, " \t\u00a0\ufeff\u200b"), 0
	for strings.HasPrefix(s, ">") {
		depth++
		s = strings.TrimLeft(s[1:], " \t\u00a0")
	}
	return strings.Trim(s, " \t\u00a0\u200b\ufeff\u200e\u200f"), depth
}

// isNameQuote reports a line quoted behind initials or a name: "AB> text".
func isNameQuote(s string) bool {
	i := strings.IndexByte(s, '>')
	if i < 1 || i > 12 || i+1 < len(s) && s[i+1] != ' ' {
		return false
	}
	for _, c := range s[:i] {
		if (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// isDelimiter reports a line that is drawn with signs alone, as people and
// clients put before signatures.
func isDelimiter(s string) bool {
	if s == "—" || s == "–" || s == "ᐧ" || s == "―" {
		return true
	}
	return len(s) >= 2 && len(s) < 200 && strings.Trim(s, string(s[0])) == "" && strings.IndexByte("-_*#~=+", s[0]) >= 0 ||
		len(s) >= 3 && strings.Trim(s, "-_=*~—–─") == ""
}
