package archive

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
)

// mboxScanner finds the mails of an mbox in one pass, holding no more than the
// beginning of one of them.
//
// A mail ends before a "From " line that looks like one of an envelope (see
// envelopeLine) and is followed by what looks like a header. That takes in
// mboxo and mboxrd, which quote such lines in a mail, and what real programs
// leave out: the date, or the blank line before. In mboxcl and mboxcl2 a mail
// ends where its Content-Length says; "From " lines before are its own. Senders
// write that field too, so it counts where just there the file ends or the next
// mail begins, and only after mails that all had it right.
type mboxScanner struct {
	ctx   context.Context
	file  io.ReaderAt
	limit int64 // the size of the file when it was opened; what is appended is not read
	emit  func(part)

	cur     part
	begun   bool  // there was a line that is not blank
	open    bool  // there is a mail in hand
	header  bool  // its header has not ended
	blankAt int64 // where the line before is, if it is blank; else -1
	quoted  int64 // how many quoted "From " lines it has
	bare    bool  // it has one that is not quoted
	length  int64 // its Content-Length, or -1
	until   int64 // up to here Content-Length says that it is one mail; else 0
	lengths bool  // all mails before it end where their Content-Length says
}

// line is a line of an mbox.
type line struct {
	pos, end int64
	raw      []byte // its beginning, at most lineMost bytes
	text     []byte // the same without the line end
}

// lineMost is how much of a line is looked at.
const lineMost = 64 << 10

// scan calls emit for each mail. The error is that of ctx or of reading.
func (s *mboxScanner) scan() error {
	r := bufio.NewReaderSize(io.NewSectionReader(s.file, 0, s.limit), lineMost)
	s.blankAt = 0
	var hand, next line // a line is judged when the one after it is known
	for n := 0; ; n++ {
		if n%4096 == 0 && s.ctx.Err() != nil {
			return s.ctx.Err()
		}
		err := next.read(r, hand.end)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if n > 0 {
			s.take(hand, next)
		}
		if next.end == next.pos { // the end of the file
			if next.end != s.limit {
				return io.ErrUnexpectedEOF
			}
			s.finish(next.end)
			return nil
		}
		hand, next = next, hand
	}
}

// read reads the line at pos, reusing the memory of raw. At the end of the file
// the line is empty, without even a line end.
func (l *line) read(r *bufio.Reader, pos int64) error {
	l.pos, l.end = pos, pos
	for {
		b, err := r.ReadSlice('\n')
		if l.end == l.pos {
			l.raw = append(l.raw[:0], b...)
			l.text = bytes.TrimRight(l.raw, "\r\n")
		}
		l.end += int64(len(b))
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

// take judges a line by the one after it.
func (s *mboxScanner) take(l, next line) {
	if l.pos == 0 {
		l.text = bytes.TrimPrefix(l.text, []byte("\xef\xbb\xbf"))
	}
	blank := len(l.text) == 0
	first := !s.begun && !blank
	s.begun = s.begun || !blank
	switch {
	case (l.pos >= s.until || !s.lengths) && (separates(l.text, next.text, s.blankAt >= 0) || first && isDated(l.text)):
		if s.open && s.cur.off == l.pos { // a line twice, with nothing between
			s.open = false
			s.cur.n--
		}
		s.finish(l.pos)
		s.cur = part{off: l.end, n: s.cur.n + 1, envelope: string(l.text), head: s.cur.head[:0]}
		s.open, s.header, s.blankAt, s.quoted, s.bare, s.length = true, true, -1, 0, false, -1
		return
	case s.header && blank:
		s.header = false
		s.believe(l.end)
	case s.header:
		s.contentLength(l.text)
	case isQuoted(l.text):
		s.quoted++
	case bytes.HasPrefix(l.text, []byte("From ")):
		s.bare = true
	}
	if blank {
		s.blankAt = l.pos
	} else {
		s.blankAt = -1
	}
	if room := headMost - len(s.cur.head); s.open {
		s.cur.head = append(s.cur.head, l.raw[:min(room, len(l.raw))]...)
	}
}

// finish ends the mail in hand. The blank line before the next one is no part
// of it.
func (s *mboxScanner) finish(end int64) {
	if !s.open {
		return
	}
	s.lengths = (s.lengths || s.cur.n == 1) && s.until > 0 && s.until <= end
	s.until = 0
	if s.blankAt >= s.cur.off {
		end = s.blankAt
	}
	p := s.cur
	p.length = end - p.off
	p.head = p.head[:min(int64(len(p.head)), p.length)]
	p.size = p.length
	if !s.bare { // a program that left one "From " line as it is has quoted none
		p.size -= s.quoted
	}
	s.open = false
	s.emit(p)
}

func (s *mboxScanner) contentLength(text []byte) {
	name, value, _ := bytes.Cut(text, []byte(":"))
	if !bytes.EqualFold(name, []byte("Content-Length")) {
		return
	}
	if n, err := strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64); err == nil && n >= 0 {
		s.length = n
	}
}

// believe looks whether the file ends or a mail begins where Content-Length
// says that this one ends.
func (s *mboxScanner) believe(body int64) {
	if s.length < 0 || s.length > s.limit-body {
		return
	}
	b := make([]byte, len("\r\n\r\nFrom "))
	n, _ := s.file.ReadAt(b, body+s.length)
	b = bytes.TrimLeft(b[:n], "\r\n")
	if len(b) == 0 && body+s.length+int64(n) == s.limit || bytes.HasPrefix(b, []byte("From ")) {
		s.until = body + s.length
	}
}

// separates reports whether a line begins a mail, by the line after it and by
// whether the line before was blank.
func separates(text, next []byte, afterBlank bool) bool {
	sender, date := envelopeLine(text)
	name := fieldName(next)
	known := knownField(name) || strings.HasPrefix(name, "x-")
	switch {
	case sender == "":
		return false
	case date != nil:
		return known || afterBlank && (len(next) == 0 || mayBeHeader(next))
	default:
		return known && (afterBlank || sender == "-")
	}
}

// mayBeHeader reports whether a header may begin with a line, even a broken
// one: a field whose name holds anything, the folded rest of one, or where the
// mail came from before, as UUCP quotes it.
func mayBeHeader(text []byte) bool {
	if quoted, ok := bytes.CutPrefix(text, []byte(">")); ok && isDated(quoted) {
		return true
	}
	colon := bytes.IndexByte(text, ':')
	return text[0] == ' ' || text[0] == '\t' || colon > 0 && colon <= 76 && !bytes.HasPrefix(text, []byte("From ")) && text[0] != '>'
}

// isMbox reports whether a file begins with a "From " line of an mbox. It is
// sure if the line is one by what follows it, and else if there are more of
// them, or the header of a mail after all.
func isMbox(head []byte) (is, sure bool) {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), "\r\n")
	first, rest, _ := bytes.Cut(head, []byte("\n"))
	second, _, _ := bytes.Cut(rest, []byte("\n"))
	first, second = bytes.TrimRight(first, "\r"), bytes.TrimRight(second, "\r")
	sure = separates(first, second, true)
	return sure || isDated(first), sure
}
