package archive

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"net/mail"
	"slices"
	"strings"
	"time"
)

// envelopeLine reads a "From " line of an mbox. The sender is "" if it is none:
// after "From " there is an address, and mostly a date as in
// "Mon Jun  3 12:50:27 1996", whose words are returned. An address may have
// blanks in it: quoted ones, or " at " where a list hides it.
func envelopeLine(text []byte) (sender string, date []string) {
	rest, ok := bytes.CutPrefix(text, []byte("From "))
	if !ok || len(rest) > 1000 {
		return "", nil
	}
	f := strings.Fields(string(rest))
	if n := len(f) - 3; n > 1 && f[n] == "remote" && f[n+1] == "from" { // where it came from by UUCP
		f = f[:n]
	}
	if len(f) == 1 && (f[0] == "-" || strings.Contains(f[0], "@") || f[0] == "MAILER-DAEMON") {
		return f[0], nil
	}
	if len(f) > 1 && isDate(f[1:]) {
		return f[0], f[1:]
	}
	at := slices.IndexFunc(f, func(w string) bool { return isName(w, months) || isName(w, weekdays) })
	if at < 2 || !isDate(f[at:]) {
		return "", nil
	}
	sender = strings.Join(f[:at], " ")
	if at == 3 && f[1] == "at" && strings.Contains(f[2], ".") || strings.Contains(sender, "@") {
		return sender, f[at:]
	}
	return "", nil
}

// isDated reports whether a line is a "From " line of an mbox with a date.
func isDated(text []byte) bool {
	_, date := envelopeLine(text)
	return date != nil
}

const (
	months   = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"
	weekdays = "Mon Tue Wed Thu Fri Sat Sun"
)

// isDate reports whether words are a date and a time, in whatever order:
// programs do not agree.
func isDate(words []string) bool {
	var month, clock, year bool
	for _, w := range words {
		digits := strings.Trim(w, "0123456789") == ""
		switch {
		case digits && len(w) <= 2:
		case digits && len(w) == 4 && (strings.HasPrefix(w, "19") || strings.HasPrefix(w, "20")):
			year = true
		case strings.Contains(w, ":") && strings.Trim(w, "0123456789:.") == "":
			clock = true
		case isName(w, months):
			month = true
		case isName(w, weekdays):
		case (w[0] == '+' || w[0] == '-') && len(w) == 5:
		case len(w) <= 5 && w == strings.ToUpper(w): // a zone
		default:
			return false
		}
	}
	return month && clock && year && len(words) <= 7
}

// isName reports whether a word is one of names, a comma behind it aside.
func isName(word, names string) bool {
	word = strings.TrimSuffix(word, ",")
	return len(word) == 3 && strings.Contains(names, word)
}

// receivedAt tells when a mail was received, in seconds since 1970: by the
// server that wrote the topmost Received field, else by the line of the mbox,
// else by the sender's Date, else by the file. What lies before 1970 or after
// tomorrow is not believed.
func receivedAt(head []byte, envelope string, modified, now time.Time) int64 {
	received, date := dateFields(head)
	for _, read := range []func() (time.Time, error){
		func() (time.Time, error) { return mail.ParseDate(received[strings.LastIndexByte(received, ';')+1:]) },
		func() (time.Time, error) { return envelopeDate(envelope) },
		func() (time.Time, error) { return mail.ParseDate(date) },
	} {
		t, err := read()
		if err == nil && t.After(Beginning) && t.Before(now.AddDate(0, 0, 1)) {
			return t.Unix()
		}
	}
	if modified.Before(Beginning) {
		return 0
	}
	return modified.Unix()
}

// second is a second in microseconds.
const second = 1_000_000

// moment adds to the second in which a mail was received a fraction, which
// nobody wrote down, so that a desk that must choose between two tickets of one
// second chooses the same in every run. It follows from the mail's id. Where a
// mail has no Message-ID its copies are recognised by their time, so there it
// follows from what all copies share.
func moment(seconds int64, head []byte, id [16]byte) int64 {
	from := id[:]
	if told, named := senderWrote(head); !named {
		sum := sha256.Sum256([]byte(told))
		from = sum[:]
	}
	return seconds*second + int64(binary.BigEndian.Uint32(from))%second
}

// bodyTold is how much of a body tells mails with one header apart.
const bodyTold = 512

// senderWrote is what is the same in all copies of a mail: some fields, sorted,
// and the beginning of the body, without blanks, line ends and quoting. It also
// tells whether the mail has a Message-ID.
func senderWrote(head []byte) (told string, named bool) {
	var fields []string
	take := false
	lines := headerOf(head)
	for _, text := range lines {
		folded := text[0] == ' ' || text[0] == '\t'
		if !folded {
			name := fieldName(text)
			take = slices.Contains([]string{"from", "sender", "to", "cc", "subject", "date", "in-reply-to", "references"}, name)
			if take {
				fields = append(fields, "")
			}
			named = named || name == "message-id" && bytes.IndexByte(text, '@') > 0
		}
		if take {
			fields[len(fields)-1] += squeeze(text)
		}
	}
	slices.Sort(fields)
	body := head
	if len(lines) > 0 {
		last := lines[len(lines)-1]
		body = head[bytes.Index(head, last)+len(last):]
	}
	text := squeeze(body[:min(len(body), 4*bodyTold)])
	return strings.Join(fields, "\n") + "\n\n" + text[:min(len(text), bodyTold)], named
}

// squeeze is a text without what differs between copies in files.
func squeeze(text []byte) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\r\n>", r) {
			return -1
		}
		return r
	}, string(text))
}

// dateFields returns the first Received and the first Date of a header,
// unfolded.
func dateFields(head []byte) (received, date string) {
	into := new(string) // where a folded line goes
	for text := range bytes.Lines(bytes.TrimLeft(head, "\r\n\t ")) {
		text = bytes.TrimRight(text, "\r\n")
		if len(text) == 0 {
			break
		}
		if text[0] == ' ' || text[0] == '\t' {
			if len(*into) < 4096 {
				*into += " " + string(bytes.TrimSpace(text))
			}
			continue
		}
		into = new(string)
		switch name := fieldName(text); {
		case name == "received" && received == "":
			into = &received
		case name == "date" && date == "":
			into = &date
		default:
			continue
		}
		*into = strings.TrimSpace(string(text[bytes.IndexByte(text, ':')+1:]))
	}
	return received, date
}

// envelopeDate reads the date of a "From " line. Without a zone it is taken as
// UTC, so that it means the same on every machine.
func envelopeDate(text string) (time.Time, error) {
	_, date := envelopeLine([]byte(text))
	words := strings.Join(date, " ")
	for _, layout := range []string{time.ANSIC, "Mon Jan 2 15:04:05 -0700 2006", "Mon Jan 2 15:04:05 MST 2006", "Mon Jan 2 15:04 2006",
		"Mon Jan 2 15:04:05 2006 -0700", "Mon Jan 2 15:04:05 2006 MST"} {
		if t, err := time.ParseInLocation(layout, words, time.UTC); err == nil {
			return t, nil
		}
	}
	return mail.ParseDate(words)
}
