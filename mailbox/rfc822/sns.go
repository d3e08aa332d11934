package rfc822

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// notice is what Amazon SES says about a mail, as its notification service
// mails it to people who subscribed to that.
// https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html
type notice struct {
	Type   string `json:"notificationType"`
	Bounce struct {
		Recipients []struct {
			Address    string `json:"emailAddress"`
			Action     string `json:"action"`
			Status     string `json:"status"`
			Diagnostic string `json:"diagnosticCode"`
		} `json:"bouncedRecipients"`
	} `json:"bounce"`
	Mail struct {
		MessageID string `json:"messageId"`
		Headers   struct {
			MessageID string `json:"messageId"`
		} `json:"commonHeaders"`
	} `json:"mail"`
}

// readNotice finds a notice in a mail of the notification service.
func readNotice(h header, in *ticket.Inbound) (n notice, ok bool) {
	if h.get("X-Amz-Sns-Message-Id") == nil || !strings.HasPrefix(in.Text, "{") || len(in.Text) > maxReport {
		return notice{}, false
	}
	// Servers fold lines that are too long anywhere, also inside strings, some
	// with a mark.
	text := bytes.ReplaceAll([]byte(in.Text), []byte("!\n "), nil)
	text = bytes.ReplaceAll(text, []byte("\n"), nil)
	if json.NewDecoder(bytes.NewReader(text)).Decode(&n) != nil || n.Type == "" {
		return notice{}, false
	}
	return n, true
}

// noticed labels a mail by its notice.
func (n notice) noticed(in *ticket.Inbound) {
	in.KindEvidence = []string{"x-amz-sns-message-id"}
	switch n.Type {
	case "Bounce":
		in.Kind = ticket.KindBounce
		in.Bounce = &ticket.Bounce{OriginalMessageID: cleanID(strings.Trim(n.Mail.Headers.MessageID, "<>"))}
		c := bounceCollector{b: in.Bounce, in: in, at: map[string]int{}}
		for _, r := range n.Bounce.Recipients {
			c.add(cleanRecipient(r.Address), findStatus(r.Status), lowerASCII(r.Action), r.Diagnostic)
		}
	case "Complaint":
		in.Kind = ticket.KindComplaint
	default:
		in.Kind = ticket.KindAutoReply
	}
}
