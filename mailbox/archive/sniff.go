package archive

import (
	"bytes"
	"strings"
)

// isMail reports whether a file that begins with head is a mail. It is lenient,
// because attacks and broken mail must arrive: one known field at the top is
// enough, whatever follows. Where the top of the header was lost or is no
// header, three fields are, one of them such as only servers and programs
// write: the lines From, Date and Subject also stand above quoted text.
func isMail(head []byte) bool {
	lines := headerOf(head)
	if len(lines) == 0 {
		return false
	}
	var known, trace, bad int
	for _, text := range lines {
		name := fieldName(text)
		switch {
		case traceField(name):
			trace++
			known++
		case knownField(name):
			known++
		case name == "" && text[0] != ' ' && text[0] != '\t':
			bad++
		}
	}
	top := fieldName(lines[0])
	return knownField(top) ||
		top != "" && (known > 1 || known > 0 && bad == 0) ||
		known >= 3 && trace > 0 && bad <= 2 && !strings.ContainsRune("<{[", rune(lines[0][0]))
}

// headerOf returns the lines up to the first blank one, without what may stand
// before a header.
func headerOf(head []byte) [][]byte {
	end := "\n"
	if bytes.IndexByte(head, '\n') < 0 {
		end = "\r" // of old Macs
	}
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), "\r\n\t ")
	var lines [][]byte
	for text := range bytes.SplitSeq(head, []byte(end)) {
		text = bytes.TrimRight(text, "\r")
		if len(lines) == 0 && bytes.HasPrefix(bytes.TrimPrefix(text, []byte(">")), []byte("From ")) {
			continue
		}
		if len(bytes.TrimSpace(text)) == 0 {
			break
		}
		lines = append(lines, text)
	}
	return lines
}

// fieldName returns the name of a header field in lower case, or "" for a line
// that is none.
func fieldName(text []byte) string {
	i := bytes.IndexByte(text, ':')
	if i <= 0 || i > 76 {
		return ""
	}
	name := bytes.TrimRight(text[:i], " \t")
	for _, c := range name {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return ""
		}
	}
	return strings.ToLower(string(name))
}

// knownField reports whether mail has a field of this name and little else has.
func knownField(name string) bool {
	switch name {
	case "from", "sender", "reply-to", "to", "cc", "bcc", "subject", "date", "in-reply-to", "references",
		"content-type", "content-transfer-encoding", "content-disposition", "x-mailer", "user-agent",
		"resent-from", "resent-date", "resent-to", "list-id", "auto-submitted":
		return true
	}
	return traceField(name)
}

// traceField reports whether servers and mail programs write the field, and
// nobody above a quotation.
func traceField(name string) bool {
	switch name {
	case "received", "return-path", "delivered-to", "envelope-to", "x-original-to", "message-id", "mime-version",
		"dkim-signature", "authentication-results", "received-spf", "x-received", "arc-seal":
		return true
	}
	return false
}
