package verify

import (
	"bytes"
	"strings"
)

// Bounds on what is given to the library. Within them its work is linear in the
// mail; beyond, some of it is quadratic: fields of many lines, long lists of
// signed fields over many fields, and long runs of empty lines.
const (
	maxHeader    = 512 << 10
	maxFields    = 1000
	maxLines     = 2000 // of one field
	maxSignature = 4 << 10
	maxRun       = 16 << 10 // bytes of line ends in a row
)

// shape is what a first look at the header shows.
type shape struct {
	from       []string // the From fields, as they will be hashed
	signatures int
}

// survey reads the header as the library will, and reports whether the mail
// stays within the bounds.
func survey(raw []byte) (s shape, ok bool) {
	var name string
	fields, lines, size := 0, 0, 0
	rest := raw
	for pos := 0; ; {
		if pos > maxHeader {
			return s, false
		}
		line, after, found := bytes.Cut(rest, []byte("\n"))
		if !found || len(line) > maxHeader {
			return s, false // without a body nothing can be signed
		}
		pos += len(line) + 1
		rest = after
		line = bytes.TrimSuffix(line, []byte("\r"))
		if len(line) == 0 {
			break
		}
		if fields > 0 && (line[0] == ' ' || line[0] == '\t') {
			lines, size = lines+1, size+len(line)
			if name == "from" {
				s.from[len(s.from)-1] += string(line)
			}
		} else {
			fields, lines, size = fields+1, 1, len(line)
			key, value, _ := strings.Cut(string(line), ":")
			switch name = strings.ToLower(strings.TrimSpace(key)); name {
			case "from":
				s.from = append(s.from, value)
			case "dkim-signature":
				s.signatures++
			}
		}
		if fields > maxFields || lines > maxLines || (name == "dkim-signature" || name == "from") && size > maxSignature {
			return s, false
		}
	}
	return s, !longRun(rest)
}

// longRun reports whether a body has too many line ends in a row.
func longRun(body []byte) bool {
	run := 0
	for _, c := range body {
		if c != '\r' && c != '\n' {
			run = 0
		} else if run++; run > maxRun {
			return true
		}
	}
	return false
}

// signs reports whether there is one From, and it holds an address.
func (s shape) signs(addr string) bool {
	return len(s.from) == 1 && addr != "" && strings.Contains(strings.ToLower(s.from[0]), strings.ToLower(addr))
}
