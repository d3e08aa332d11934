package imap

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

var errEnvelope = errors.New("imap: envelope address is malformed")

// validEnvelope accepts the addresses that can stand in MAIL and RCPT without
// meaning anything else. Quoted local parts are refused: they can hold what
// looks like another address or option, and nobody has one.
func validEnvelope(addr string) error {
	local, domain, ok := strings.Cut(addr, "@")
	if !ok || local == "" || domain == "" || len(local) > 64 || len(addr) > 254 || !utf8.ValidString(addr) {
		return errEnvelope
	}
	if local[0] == '-' || strings.ContainsAny(domain, "@") {
		return errEnvelope
	}
	for _, r := range addr {
		if r <= ' ' || r == 0x7f || r >= 0x80 && r <= 0xa0 || strings.ContainsRune(`<>"\,;:()|`, r) && !(r == ':' && strings.HasPrefix(domain, "[")) {
			return errEnvelope
		}
	}
	return nil
}

func checkOutgoing(o mailbox.Outgoing) error {
	// An empty sender is the null reverse-path of automatic replies.
	if o.From != "" && validEnvelope(o.From) != nil {
		return fail(opSend, mailbox.Permanent, "sender is no address", nil)
	}
	if len(o.To) == 0 {
		return fail(opSend, mailbox.Permanent, "mail has no recipient", nil)
	}
	for _, to := range o.To {
		if validEnvelope(to) != nil {
			return fail(opSend, mailbox.Permanent, "recipient is no address", nil)
		}
	}
	if len(o.Raw) == 0 {
		return fail(opSend, mailbox.Permanent, "mail is empty", nil)
	}
	return nil
}

// normalise makes every line end CRLF and drops NUL. A CR or LF alone ends
// lines for some servers and not for others, which is how a second mail is
// smuggled in the body of the first (CVE-2023-51764 and its kin).
func normalise(raw []byte) []byte {
	if clean(raw) {
		return raw
	}
	out := make([]byte, 0, len(raw)+len(raw)/32)
	for i := 0; i < len(raw); i++ {
		switch b := raw[i]; b {
		case 0:
		case '\r':
			out = append(out, '\r', '\n')
			for i+1 < len(raw) && raw[i+1] == 0 {
				i++
			}
			if i+1 < len(raw) && raw[i+1] == '\n' {
				i++
			}
		case '\n':
			out = append(out, '\r', '\n')
		default:
			out = append(out, b)
		}
	}
	if !bytes.HasSuffix(out, []byte("\r\n")) {
		out = append(out, '\r', '\n')
	}
	return out
}

func clean(raw []byte) bool {
	for i, b := range raw {
		switch {
		case b == 0,
			b == '\r' && (i+1 == len(raw) || raw[i+1] != '\n'),
			b == '\n' && (i == 0 || raw[i-1] != '\r'):
			return false
		}
	}
	return bytes.HasSuffix(raw, []byte("\r\n"))
}

// needsUTF8 reports whether a mail can only be sent with SMTPUTF8 (RFC 6531).
func needsUTF8(o mailbox.Outgoing, raw []byte) bool {
	for _, a := range append([]string{o.From}, o.To...) {
		if !isASCII(a) {
			return true
		}
	}
	head, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	return !is7bit(head)
}

var (
	// exchangeID is the Message-ID that Exchange puts into its reply.
	exchangeID = regexp.MustCompile(`(?:^|\s)<([^<>@\s]{1,200}@[^<>@\s]{1,200}\.outlook\.com)>`)
	// sesHost and sesID: Amazon SES replies with the left half of its
	// Message-ID.
	sesHost = regexp.MustCompile(`(?i)^email-smtp(?:-fips)?\.([a-z0-9-]{1,30})\.amazonaws\.com$`)
	sesID   = regexp.MustCompile(`(?i)^(?:\d\.\d\.\d )?Ok ([0-9a-z-]{20,100})\s*$`)
)

// rewrittenID reads the Message-ID that the server gave the mail out of its
// reply, or returns "".
func rewrittenID(reply, own, host string) string {
	id := ""
	if m := exchangeID.FindStringSubmatch(reply); m != nil {
		id = m[1]
	} else if h := sesHost.FindStringSubmatch(host); h != nil {
		if m := sesID.FindStringSubmatch(reply); m != nil {
			region := strings.ToLower(h[1])
			if region == "us-east-1" {
				id = m[1] + "@email.amazonses.com"
			} else {
				id = m[1] + "@" + region + ".amazonses.com"
			}
		}
	}
	if id == own {
		return ""
	}
	return id
}

// filesItself knows the SMTP servers that keep a copy of sent mail.
func filesItself(host string) bool {
	switch strings.ToLower(strings.TrimSuffix(host, ".")) {
	case "smtp.gmail.com", "smtp.googlemail.com", "smtp-relay.gmail.com",
		"smtp.office365.com", "smtp-mail.outlook.com", "smtp.mail.me.com":
		return true
	}
	return false
}
