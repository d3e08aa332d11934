package mailboxtest

import (
	"bytes"
	"regexp"
	"strings"
)

var idPattern = regexp.MustCompile(`<([^<>\s]+)>`)

// split parts a mail into its header, with the empty line, and its body.
func split(raw []byte) (header, body []byte) {
	for _, sep := range []string{"\r\n\r\n", "\n\n"} {
		if i := bytes.Index(raw, []byte(sep)); i >= 0 {
			return raw[:i+len(sep)], raw[i+len(sep):]
		}
	}
	return raw, nil
}

// field returns the value of the first header field of a name, unfolded.
func field(raw []byte, name string) string {
	header, _ := split(raw)
	var value []string
	for line := range strings.SplitSeq(string(header), "\n") {
		line = strings.TrimRight(line, "\r")
		folded := line != "" && (line[0] == ' ' || line[0] == '\t')
		if value != nil && !folded {
			break
		}
		key, rest, _ := strings.Cut(line, ":")
		if value != nil {
			value = append(value, strings.TrimSpace(line))
		} else if strings.EqualFold(key, name) {
			value = []string{strings.TrimSpace(rest)}
		}
	}
	return strings.Join(value, " ")
}

func messageID(raw []byte) string {
	if m := idPattern.FindStringSubmatch(field(raw, "Message-ID")); m != nil {
		return m[1]
	}
	return ""
}

func references(raw []byte) []string {
	var ids []string
	for _, m := range idPattern.FindAllStringSubmatch(field(raw, "In-Reply-To")+" "+field(raw, "References"), -1) {
		ids = append(ids, m[1])
	}
	return ids
}

// withMessageID replaces a mail's Message-ID, or adds one.
func withMessageID(raw []byte, id string) []byte {
	header, body := split(raw)
	var out bytes.Buffer
	out.WriteString("Message-ID: <" + id + ">\r\n")
	dropping := false
	for line := range bytes.Lines(header) {
		folded := line[0] == ' ' || line[0] == '\t'
		if !folded {
			key, _, _ := bytes.Cut(line, []byte(":"))
			dropping = bytes.EqualFold(bytes.TrimSpace(key), []byte("Message-ID"))
		}
		if !dropping {
			out.Write(line)
		}
	}
	out.Write(body)
	return out.Bytes()
}
