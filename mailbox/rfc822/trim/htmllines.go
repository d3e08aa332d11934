package trim

import (
	"strings"

	"golang.org/x/net/html"
)

// lineState says whose words a line is.
type lineState uint8

const (
	lineOwn       lineState = iota
	lineQuote               // of a mail that is quoted, in a quote that may have answers after it
	lineHard                // of a mail that is quoted as a whole
	lineSignature           // a signature or a greeting from the device
)

// htmlLine is a line of a document as a reader sees it.
type htmlLine struct {
	text     string
	from, to int32 // its leaves
	gap      bool  // a blank line stands before it
	ruled    bool  // a rule stands before it
	state    lineState
	keep     bool // quoted, but answered: it stays
	reason   string
	rule     string
}

// layOut reads the text of each line, with blanks folded.
func (t *htmlTree) layOut() {
	var b strings.Builder
	b.Grow(len(t.doc) / 4)
	ends := make([]int, len(t.lines))
	for i := range t.lines {
		start, blank := b.Len(), false
		for _, l := range t.leaves[t.lines[i].from:t.lines[i].to] {
			switch {
			case l.kind == leafText && !l.hidden:
				blank = foldText(&b, html.UnescapeString(t.doc[l.start:l.end]), b.Len() == start, blank || l.cell)
			case l.kind == leafObject:
				blank = true
			}
		}
		ends[i] = b.Len()
	}
	text, start := b.String(), 0
	for i := range t.lines {
		t.lines[i].text = text[start:ends[i]]
		start = ends[i]
	}
}

// foldText writes s with each run of blanks as one, and none at the start of a
// line. It returns whether a blank waits for what follows.
func foldText(b *strings.Builder, s string, first, blank bool) bool {
	for _, r := range s {
		switch r {
		case ' ', '\t', '\n', '\r', '\f', 0xA0, 0x3000, 0x2002, 0x2003, 0x2009, 0x202F:
			blank = true
			continue
		case 0, 0xAD, 0x34F, 0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x2060, 0xFEFF, 0x202A, 0x202B, 0x202C, 0x202D, 0x202E,
			0x2066, 0x2067, 0x2068, 0x2069:
			continue
		}
		if blank && !first {
			b.WriteByte(' ')
		}
		blank, first = false, false
		b.WriteRune(r)
	}
	return blank
}

// lineAt returns the first line that begins at a leaf or after it.
func (t *htmlTree) lineAt(leaf int32) int {
	lo, hi := 0, len(t.lines)
	for lo < hi {
		if mid := (lo + hi) / 2; t.lines[mid].from < leaf {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}
