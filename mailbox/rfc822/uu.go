package rfc822

import "bytes"

// uuFile is a uuencoded file that was found in a text.
type uuFile struct {
	name    string
	content []byte
}

// cutUU takes uuencoded files out of a text, as mailers sent them before MIME.
// What only looks like one stays where it is. Linear: a line of data is never
// a "begin" line.
func cutUU(b []byte) (rest []byte, files []uuFile) {
	for pos, kept := 0, 0; ; {
		start := nextBegin(b, pos)
		if start < 0 || len(files) >= maxAttachments {
			if kept == 0 {
				return b, nil
			}
			return append(rest, b[kept:]...), files
		}
		end, next := lineEnd(b, start)
		name, ok := uuName(b[start:end])
		pos = next
		if !ok {
			continue
		}
		content, after := uuData(b, next)
		if after < 0 {
			continue
		}
		files = append(files, uuFile{name, content})
		rest = append(rest, b[kept:start]...)
		pos, kept = after, after
	}
}

var uuBegin = []byte("begin ")

// nextBegin returns where the next line that starts with "begin " is, or -1.
func nextBegin(b []byte, pos int) int {
	for pos < len(b) {
		i := bytes.Index(b[pos:], uuBegin)
		if i < 0 {
			return -1
		}
		if pos += i; pos == 0 || b[pos-1] == '\n' {
			return pos
		}
		pos += len(uuBegin)
	}
	return -1
}

// uuName reads "begin MODE NAME".
func uuName(line []byte) (string, bool) {
	mode, name, ok := bytes.Cut(line[len(uuBegin):], []byte(" "))
	name = bytes.TrimSpace(name)
	if !ok || len(mode) < 3 || len(mode) > 4 || len(name) == 0 || len(name) > maxMessageID {
		return "", false
	}
	for _, c := range mode {
		if c < '0' || c > '7' {
			return "", false
		}
	}
	return string(name), true
}

// uuData decodes the lines at pos up to "end" and returns where the text goes
// on, or -1 if they are no data.
func uuData(b []byte, pos int) (out []byte, after int) {
	for pos < len(b) {
		end, next := lineEnd(b, pos)
		line := b[pos:end]
		switch {
		case bytes.Equal(line, []byte("end")):
			if out == nil {
				return nil, -1
			}
			return out, next
		case len(line) == 0 || line[0] == '`' || len(bytes.TrimSpace(line)) == 0:
		default:
			n := int(line[0] - ' ')
			if line[0] <= ' ' || line[0] > '`' || !uuLine(line[1:], n) {
				return nil, -1
			}
			out = appendUU(out, line[1:], n)
		}
		pos = next
	}
	return nil, -1
}

// uuLine reports whether line can hold n bytes: blanks at its end may have got
// lost, and some encoders add a check character.
func uuLine(line []byte, n int) bool {
	want := (n + 2) / 3 * 4
	if len(line) > want+2 {
		return false
	}
	for _, c := range line {
		if c < ' ' || c > '`' {
			return false
		}
	}
	return len(line)+8 >= want
}

func appendUU(out, line []byte, n int) []byte {
	for j := 0; j < len(line) && n > 0; j += 4 {
		var q [4]byte
		for k := range q {
			if j+k < len(line) {
				q[k] = (line[j+k] - ' ') & 63
			}
		}
		three := [3]byte{q[0]<<2 | q[1]>>4, q[1]<<4 | q[2]>>2, q[2]<<6 | q[3]}
		m := min(n, 3)
		out = append(out, three[:m]...)
		n -= m
	}
	return out
}
