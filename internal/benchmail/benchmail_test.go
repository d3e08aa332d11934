package benchmail_test

import (
	"bytes"
	"testing"

	"github.com/helpdesk-go/helpdesk/internal/benchmail"
	"github.com/helpdesk-go/helpdesk/mailbox/rfc822"
)

// TestShape holds the mailbox to what is said of it wherever its figures are
// shown.
func TestShape(t *testing.T) {
	const n = 3000
	var size, replies, html, files int
	for m := range benchmail.All(1, n) {
		in := rfc822.Parse(m.Raw)
		if len(in.Defects) > 0 || in.Text == "" || len(in.From) != 1 || in.MessageID == "" {
			t.Fatalf("mail parses as %+v", in.Defects)
		}
		size += len(m.Raw)
		if len(in.InReplyTo) > 0 {
			replies++
		}
		if in.HTML != "" {
			html++
		}
		if len(in.Attachments) > 0 {
			files++
		}
	}
	within := func(what string, got, least, most int) {
		t.Logf("%s: %d", what, got)
		if got < least || got > most {
			t.Errorf("%s: %d, want %d to %d", what, got, least, most)
		}
	}
	within("bytes", size, 90e6, 100e6)
	within("replies", replies, n*38/100, n*42/100)
	within("with HTML", html, n*68/100, n*72/100)
	within("with a file", files, n*13/100, n*17/100)
}

func TestSameSeedSameMails(t *testing.T) {
	a, b := benchmail.Mails(7, 50), benchmail.Mails(7, 50)
	for i := range a {
		if !bytes.Equal(a[i].Raw, b[i].Raw) || !a[i].At.Equal(b[i].At) {
			t.Fatalf("mail %d differs", i)
		}
	}
	if bytes.Equal(a[0].Raw, benchmail.Mails(8, 1)[0].Raw) {
		t.Error("another seed makes the same mail")
	}
}
