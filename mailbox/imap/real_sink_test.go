package imap_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/internal/testmail"
	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/imap"
)

// What an SMTP server does before the final dot, or says in answer to it,
// proves that nothing was sent; silence after the dot proves nothing.
func TestRealSMTPThatMisbehaves(t *testing.T) {
	t.Parallel()
	u := newSite(t, "", testmail.DovecotOptions{}).user(t)
	const ( // what becomes of the mail
		sent = iota
		unsent
		doubt
	)
	for _, tt := range []struct {
		flags []string
		want  int
		kind  mailbox.Kind
		body  string
	}{
		{flags: nil, want: sent},
		{flags: []string{"-w", "1"}, want: sent},
		{flags: []string{"-W", ".:1"}, want: sent},
		{flags: []string{"-L"}, want: unsent, kind: mailbox.Permanent}, // speaks LMTP alone
		{flags: []string{"-q", "connect"}, want: unsent, kind: mailbox.Transient},
		{flags: []string{"-q", "ehlo"}, want: unsent, kind: mailbox.Transient},
		{flags: []string{"-q", "mail"}, want: unsent, kind: mailbox.Transient},
		{flags: []string{"-q", "rcpt"}, want: unsent, kind: mailbox.Transient},
		{flags: []string{"-q", "data"}, want: unsent, kind: mailbox.Transient},
		{flags: []string{"-q", "."}, want: doubt, kind: mailbox.Transient},
		{flags: []string{"-q", "quit"}, want: sent},
		{flags: []string{"-Q", "connect"}, want: unsent, kind: mailbox.Transient},
		{flags: []string{"-Q", "rcpt"}, want: unsent, kind: mailbox.Transient},
		{flags: []string{"-Q", "."}, want: unsent, kind: mailbox.Transient},
		{flags: []string{"-r", "."}, want: unsent, kind: mailbox.Transient},
		{flags: []string{"-f", "."}, want: unsent, kind: mailbox.Permanent},
		{flags: []string{"-f", "rcpt"}, want: unsent, kind: mailbox.Permanent},
		{flags: []string{"-r", "rcpt"}, want: unsent, kind: mailbox.Transient},
		{flags: []string{"-f", "data"}, want: unsent, kind: mailbox.Permanent},
		{flags: []string{"-8"}, want: unsent, kind: mailbox.Permanent, body: "Grüße\r\n"},
		{flags: []string{"-w", "60"}, want: unsent, kind: mailbox.Transient}, // past the command's deadline
		{flags: []string{"-W", ".:60"}, want: doubt, kind: mailbox.Transient},
	} {
		t.Run(strings.Join(tt.flags, " "), func(t *testing.T) {
			t.Parallel()
			a := u.account()
			sink := testmail.NewSink(t, tt.flags...)
			a.SMTP = imap.Server{Host: sink.Addr(), Security: imap.Plaintext}
			o := imap.Options{}
			if strings.HasSuffix(strings.Join(tt.flags, ""), "60") {
				o.CommandTimeout, o.SubmitTimeout = 3*time.Second, 3*time.Second
			}
			c := (&user{site: u.site, t: t, name: u.name}).openWith(imap.New(o), a, mailbox.Intake{})
			_, err := c.Send(t.Context(), outgoingOf(u, "o", tt.body+"Hello\r\n"))
			if tt.want == sent {
				must(t, err)
				return
			}
			wantKind(t, err, tt.kind)
			if mailbox.Unsent(err) != (tt.want == unsent) {
				t.Errorf("unsent is %v", mailbox.Unsent(err))
			}
			log, _ := os.ReadFile(sink.LogFile())
			if tt.want == doubt && !strings.Contains(string(log), "DATA") {
				t.Error("the sink never got the mail")
			}
		})
	}
}
