package rfc822

import (
	"bytes"
	"crypto/sha256"
	"hash"
)

// fingerprintFields are the fields that belong to the content of a mail, in
// the order in which they are hashed. Everything else may be added, changed or
// removed on the way.
var fingerprintFields = [...]string{"from", "sender", "reply-to", "to", "cc", "subject", "date", "message-id",
	"in-reply-to", "references", "content-type", "content-transfer-encoding"}

// ContentFingerprint returns the content fingerprint of a mail, version 1. It
// is frozen: it shares no code with the parser and must never change, because
// stored values are compared with it for years. A later version would be
// another function.
//
// It is SHA-256 over the line "rfc822-fingerprint-1", the fields listed in
// fingerprintFields as "name:value" lines (every occurrence, in the order of
// that list and then of the mail; blanks and folds in a value collapsed to one
// blank), an empty line, and the body with LF for each of CR LF, CR and LF and
// without line ends at its end. Two copies of a mail that took different ways
// (Received, Return-Path, Delivered-To, X-*, Authentication-Results, DKIM, ARC,
// line ends) are equal.
func ContentFingerprint(raw []byte) [32]byte {
	h := sha256.New()
	h.Write([]byte("rfc822-fingerprint-1\n"))
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	body := fingerprintHeader(h, raw)
	h.Write([]byte("\n"))
	fingerprintBody(h, bytes.TrimRight(body, "\r\n"))
	var sum [32]byte
	h.Sum(sum[:0])
	return sum
}

// fingerprintLine cuts the first line off b; CR LF, CR and LF end a line.
func fingerprintLine(b []byte) (line, rest []byte) {
	i := bytes.IndexAny(b, "\r\n")
	switch {
	case i < 0:
		return b, nil
	case b[i] == '\r' && i+1 < len(b) && b[i+1] == '\n':
		return b[:i], b[i+2:]
	}
	return b[:i], b[i+1:]
}

func fingerprintHeader(h hash.Hash, b []byte) (body []byte) {
	var values [len(fingerprintFields)][]byte
	open := -1
	for len(b) > 0 {
		var line []byte
		line, b = fingerprintLine(b)
		if len(line) == 0 {
			break
		}
		if line[0] == ' ' || line[0] == '\t' {
			if open >= 0 {
				values[open] = append(append(values[open], ' '), line...)
			}
			continue
		}
		open = -1
		k := bytes.IndexByte(line, ':')
		if k <= 0 || k > 64 {
			continue
		}
		name := bytes.ToLower(bytes.TrimRight(line[:k], " \t"))
		for i, f := range fingerprintFields {
			if string(name) == f {
				open = i
				values[i] = append(append(values[i], '\n'), line[k+1:]...)
			}
		}
	}
	for i, v := range values {
		for len(v) > 0 {
			one := v[1:]
			if j := bytes.IndexByte(one, '\n'); j >= 0 {
				one = one[:j]
			}
			v = v[1+len(one):]
			h.Write([]byte(fingerprintFields[i] + ":"))
			h.Write(bytes.Join(bytes.FieldsFunc(one, func(r rune) bool { return r == ' ' || r == '\t' }), []byte(" ")))
			h.Write([]byte("\n"))
		}
	}
	return b
}

func fingerprintBody(h hash.Hash, b []byte) {
	for {
		i := bytes.IndexByte(b, '\r')
		if i < 0 {
			h.Write(b)
			return
		}
		h.Write(b[:i])
		h.Write([]byte("\n"))
		b = bytes.TrimPrefix(b[i+1:], []byte("\n"))
	}
}
