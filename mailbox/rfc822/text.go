package rfc822

import (
	"strings"

	"golang.org/x/net/html"
)

// HTMLToText returns the readable text of an HTML body: blocks on lines of
// their own, list items after dashes, quotes of mail after ">". Scripts,
// styles and everything invisible are left out. It is linear and returns at
// most 1 MiB.
func HTMLToText(doc string) string {
	w := &textWriter{}
	walkHTML(doc, w)
	return strings.TrimRight(w.out.String(), " \n\t")
}

// textWriter is the sink that lays text out.
type textWriter struct {
	out    strings.Builder
	blank  bool // a blank waits for the next word
	lines  int  // line ends that wait for it
	pre    int
	quotes []bool // for each open blockquote: is it a quote of mail
	quote  int
	fresh  bool // at the start of a line
}

const maxQuote = 10

func (w *textWriter) newline(n int) {
	w.blank = false
	if w.out.Len() > 0 && w.lines < n {
		w.lines = n
	}
}

// flush writes the line ends or the blank that wait.
func (w *textWriter) flush() {
	if w.lines > 0 {
		for ; w.lines > 0; w.lines-- {
			w.out.WriteByte('\n')
			if w.lines > 1 && w.quote > 0 {
				w.out.WriteString(strings.Repeat(">", w.quote))
			}
		}
		w.fresh = true
	} else if w.blank && w.out.Len() > 0 && !w.fresh {
		w.out.WriteByte(' ')
	}
	w.blank = false
	if (w.fresh || w.out.Len() == 0) && w.quote > 0 {
		w.out.WriteString(strings.Repeat(">", w.quote) + " ")
	}
	w.fresh = false
}

func (w *textWriter) text(s string) bool {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == 0xA0:
			return ' '
		case deceptive(r) || r == 0x34F || r < ' ' && r != '\t' && r != '\n' || r >= 0x7f && r < 0xa0:
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if w.pre > 0 {
		return w.preText(s)
	}
	for s != "" {
		i := strings.IndexAny(s, " \t\n")
		if i == 0 {
			w.blank = true
			s = s[1:]
			continue
		}
		if i < 0 {
			i = len(s)
		}
		w.flush()
		w.out.WriteString(s[:i])
		s = s[i:]
		if w.out.Len() > maxHTMLOut {
			return false
		}
	}
	return true
}

func (w *textWriter) preText(s string) bool {
	for i, line := range strings.Split(s, "\n") {
		if i > 0 {
			w.lines++
		}
		if line != "" {
			w.flush()
			w.out.WriteString(line)
		}
	}
	return w.out.Len() <= maxHTMLOut
}

func (w *textWriter) open(tag string, attrs []html.Attribute, void bool) bool {
	switch tag {
	case "br":
		if w.out.Len() > 0 && w.lines < 2 {
			w.lines++
		}
		w.blank = false
	case "img":
		if alt := attr(attrs, "alt"); alt != "" {
			w.blank = true
			w.text(cut(alt, 500))
			w.blank = true
		}
	case "p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "pre":
		w.newline(2)
		if tag == "pre" {
			w.pre++
		}
	case "li":
		w.newline(1)
		w.text("-")
		w.blank = true
	case "td", "th":
		w.blank = true
	case "blockquote":
		w.newline(1)
		q := quoteOfMail(attrs) && w.quote < maxQuote
		if w.quotes = append(w.quotes, q); q {
			w.quote++
		}
	default:
		if blockTag(tag) {
			w.newline(1)
		}
	}
	return !void
}

// quoteOfMail tells a quote from a blockquote that only indents.
func quoteOfMail(attrs []html.Attribute) bool {
	class := strings.ToLower(attr(attrs, "class"))
	return equalFold(attr(attrs, "type"), "cite") || attr(attrs, "cite") != "" ||
		strings.Contains(class, "quote") || strings.Contains(class, "cite") ||
		strings.Contains(strings.ToLower(attr(attrs, "style")), "border-left")
}

func (w *textWriter) close(tag string) {
	switch tag {
	case "p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table":
		w.newline(2)
	case "pre":
		w.pre--
		w.newline(2)
	case "blockquote":
		n := len(w.quotes) - 1
		if w.quotes[n] {
			w.quote--
		}
		w.quotes = w.quotes[:n]
		w.newline(1)
	default:
		if blockTag(tag) && tag != "td" && tag != "th" {
			w.newline(1)
		}
	}
}

// Quote returns text quoted for a reply: "> " before each line, ">" alone
// before lines that are empty or quoted already (RFC 3676, section 4.5).
func Quote(text string) string {
	text = strings.TrimRight(cleanBody(text), "\n ")
	if text == "" {
		return ""
	}
	var b strings.Builder
	b.Grow(len(text) + len(text)/16)
	for line := range strings.SplitSeq(text, "\n") {
		b.WriteByte('>')
		if line != "" && line[0] != '>' {
			b.WriteByte(' ')
		}
		b.WriteString(line)
		b.WriteByte('\n')
	}
	return b.String()
}

// TextToHTML returns plain text as HTML: escaped first, then with links for
// what begins with http:// or https://. It is linear, and [Sanitize] leaves its
// result as it is, up to its limits.
func TextToHTML(text string) SafeHTML {
	text = cleanHTMLText(cleanBody(text))
	var b strings.Builder
	b.Grow(len(text) + len(text)/8)
	for text != "" {
		i := nextLink(text)
		writeText(&b, text[:i])
		text = text[i:]
		if text == "" {
			break
		}
		n := linkLength(text)
		href := safeURL(text[:n])
		if href == "" {
			writeText(&b, text[:n])
		} else {
			b.WriteString("<a")
			writeAttr(&b, "href", href)
			b.WriteString(` rel="noopener noreferrer nofollow" target="_blank">` + html.EscapeString(text[:n]) + "</a>")
		}
		text = text[n:]
	}
	return SafeHTML{b.String()}
}

// nextLink returns where the next link starts, or the length of s.
func nextLink(s string) int {
	for from := 0; ; {
		i := strings.Index(s[from:], "http")
		if i < 0 {
			return len(s)
		}
		from += i
		rest := s[from:]
		if strings.HasPrefix(rest, "http://") || strings.HasPrefix(rest, "https://") {
			return from
		}
		from += 4
	}
}

// linkLength returns the length of the link s starts with, without the
// punctuation of the sentence around it.
func linkLength(s string) int {
	n := 0
	opened, closed := 0, 0
	for n < len(s) && s[n] > ' ' && s[n] < 127 && strings.IndexByte("<>\"'`\\^{}|", s[n]) < 0 {
		switch s[n] {
		case '(':
			opened++
		case ')':
			closed++
		}
		n++
	}
	for n > 8 {
		c := s[n-1]
		if strings.IndexByte(".,;:!?]*_", c) < 0 && (c != ')' || closed <= opened) {
			break
		}
		if c == ')' {
			closed--
		}
		n--
	}
	return n
}

// writeText escapes text; line ends and blanks that HTML would fold are kept.
func writeText(b *strings.Builder, s string) {
	s = html.EscapeString(s)
	s = strings.ReplaceAll(s, "\t", "    ")
	s = strings.ReplaceAll(s, "  ", "\u00a0 ")
	s = strings.ReplaceAll(s, "\n", "<br>\n")
	b.WriteString(s)
}
