package imap_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/imap"
)

// mta is a scripted SMTP server. Answers are by command name, or "greeting",
// "dot" and "TO:<addr>". An answer that ends in DROP closes the connection
// afterwards, MUTE answers nothing, ENDLESS goes on for ever, and DROPMID
// closes it within the data.
type mta struct {
	answers map[string]string
}

func (m *mta) start(t *testing.T) imap.Server {
	l := listen(t)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go m.serve(c)
		}
	}()
	return serverAt(l, imap.Plaintext)
}

func (m *mta) say(c net.Conn, key, def string) bool {
	a, ok := m.answers[key]
	if !ok {
		a = def
	}
	if rest, ok := strings.CutPrefix(a, endless); ok {
		for {
			if _, err := io.WriteString(c, rest+"\r\n"); err != nil {
				return false
			}
		}
	}
	if a == "MUTE" {
		io.Copy(io.Discard, c)
		return false
	}
	drop := strings.HasSuffix(a, "DROP")
	if a = strings.TrimSuffix(a, "DROP"); a != "" {
		io.WriteString(c, a+"\r\n")
	}
	return !drop
}

func (m *mta) serve(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	if !m.say(c, "greeting", "220 hi") {
		return
	}
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		name, arg, _ := strings.Cut(line, " ")
		def, key := "250 ok", name
		switch name {
		case "EHLO":
			def = "250-me\r\n250-8BITMIME\r\n250-SIZE 1000000\r\n250 AUTH PLAIN"
		case "AUTH":
			def = "235 fine"
		case "QUIT":
			def = "221 bye"
		case "RCPT":
			if _, ok := m.answers[arg]; ok {
				key = arg
			}
		case "DATA":
			if m.answers["DATA"] == "DROPMID" {
				io.WriteString(c, "354 go\r\n")
				io.CopyN(io.Discard, r, 10)
				c.(*net.TCPConn).SetLinger(0)
				return
			}
			if !m.say(c, "DATA", "354 go") {
				return
			}
			if a, ok := m.answers["DATA"]; ok && !strings.HasPrefix(a, "354") {
				continue
			}
			for line != "." {
				if line, err = r.ReadString('\n'); err != nil {
					return
				}
				line = strings.TrimRight(line, "\r\n")
			}
			key, def = "dot", "250 2.0.0 Ok: queued"
		}
		if !m.say(c, key, def) {
			return
		}
	}
}

// sendTo sends a mail through a scripted server.
func sendTo(t *testing.T, m *mta, o mailbox.Outgoing, opts imap.Options) (mailbox.Receipt, error) {
	t.Helper()
	w := newWorld(t, worldOptions{})
	w.smtp = m.start(t)
	if opts.CommandTimeout == 0 {
		opts.CommandTimeout = 5 * time.Second
	}
	return w.open(opts, mailbox.Intake{}).Send(context.Background(), o)
}

func outgoing() mailbox.Outgoing {
	return mailbox.Outgoing{From: testUser, To: []string{"a@example.com", "b@example.com"},
		Raw: []byte("Message-ID: <o@example.org>\r\n\r\nHello\r\n"), MessageID: "o@example.org"}
}

func TestSendPhases(t *testing.T) {
	big := outgoing()
	big.Raw = []byte("A: b\r\n\r\n" + strings.Repeat(strings.Repeat("x", 70)+"\r\n", 300_000))
	tests := []struct {
		name   string
		m      map[string]string
		o      *mailbox.Outgoing
		kind   mailbox.Kind // "" is sent
		unsent bool
	}{
		{name: "sent"},
		{name: "greeting 421", m: map[string]string{"greeting": "421 4.3.2 busy"}, kind: mailbox.Transient, unsent: true},
		{name: "greeting 554", m: map[string]string{"greeting": "554 no"}, kind: mailbox.Permanent, unsent: true},
		{name: "greeting dropped", m: map[string]string{"greeting": "DROP"}, kind: mailbox.Transient, unsent: true},
		{name: "greeting mute", m: map[string]string{"greeting": "MUTE"}, kind: mailbox.Transient, unsent: true},
		{name: "greeting endless", m: map[string]string{"greeting": endless + "220-hi"}, kind: mailbox.Transient, unsent: true},
		{name: "greeting garbage", m: map[string]string{"greeting": "* OK IMAP here"}, kind: mailbox.Transient, unsent: true},
		{name: "EHLO 550", m: map[string]string{"EHLO": "550 no"}, kind: mailbox.Permanent, unsent: true},
		{name: "EHLO endless", m: map[string]string{"EHLO": endless + "250-X"}, kind: mailbox.Transient, unsent: true},
		{name: "EHLO without end of line", m: map[string]string{"EHLO": strings.Repeat("250-X", 1000)}, kind: mailbox.Transient, unsent: true},
		{name: "AUTH 535", m: map[string]string{"AUTH": "535 5.7.8 bad"}, kind: mailbox.Auth, unsent: true},
		{name: "AUTH 454", m: map[string]string{"AUTH": "454 4.7.0 later"}, kind: mailbox.Throttled, unsent: true},
		{name: "AUTH dropped", m: map[string]string{"AUTH": "DROP"}, kind: mailbox.Transient, unsent: true},
		{name: "MAIL 451", m: map[string]string{"MAIL": "451 4.3.0 later"}, kind: mailbox.Transient, unsent: true},
		{name: "MAIL 550", m: map[string]string{"MAIL": "550 5.7.60 not yours"}, kind: mailbox.Permanent, unsent: true},
		{name: "MAIL 530", m: map[string]string{"MAIL": "530 5.7.0 login"}, kind: mailbox.Auth, unsent: true},
		{name: "MAIL 552", m: map[string]string{"MAIL": "552 5.3.4 size"}, kind: mailbox.TooLarge, unsent: true},
		{name: "MAIL 432", m: map[string]string{"MAIL": "432 4.3.2 concurrent connections"}, kind: mailbox.Throttled, unsent: true},
		{name: "daily limit", m: map[string]string{"MAIL": "550 5.4.5 Daily user sending limit exceeded"}, kind: mailbox.Throttled, unsent: true},
		{name: "RCPT 450 all", m: map[string]string{"RCPT": "450 4.2.1 later"}, kind: mailbox.Transient, unsent: true},
		{name: "RCPT 550 all", m: map[string]string{"RCPT": "550 5.1.1 who"}, kind: mailbox.Permanent, unsent: true},
		{name: "RCPT 421", m: map[string]string{"RCPT": "421 4.3.0 byeDROP"}, kind: mailbox.Transient, unsent: true},
		{name: "RCPT dropped", m: map[string]string{"RCPT": "DROP"}, kind: mailbox.Transient, unsent: true},
		{name: "RCPT mute", m: map[string]string{"RCPT": "MUTE"}, kind: mailbox.Transient, unsent: true},
		{name: "DATA 451", m: map[string]string{"DATA": "451 later"}, kind: mailbox.Transient, unsent: true},
		{name: "DATA 554", m: map[string]string{"DATA": "554 no"}, kind: mailbox.Permanent, unsent: true},
		{name: "DATA 250", m: map[string]string{"DATA": "250 what"}, kind: mailbox.Transient, unsent: true},
		{name: "DATA dropped", m: map[string]string{"DATA": "DROP"}, kind: mailbox.Transient, unsent: true},
		{name: "dropped within the data", m: map[string]string{"DATA": "DROPMID", "EHLO": "250-me\r\n250 AUTH PLAIN"}, o: &big, kind: mailbox.Transient, unsent: true},
		{name: "dot 451", m: map[string]string{"dot": "451 4.3.0 later"}, kind: mailbox.Transient, unsent: true},
		{name: "dot 452", m: map[string]string{"dot": "452 4.3.1 full"}, kind: mailbox.Transient, unsent: true},
		{name: "dot 554", m: map[string]string{"dot": "554 5.7.1 spam"}, kind: mailbox.Permanent, unsent: true},
		{name: "dot 552", m: map[string]string{"dot": "552 5.3.4 size"}, kind: mailbox.TooLarge, unsent: true},
		{name: "dot 421", m: map[string]string{"dot": "421 shutting downDROP"}, kind: mailbox.Transient, unsent: true},
		{name: "dropped after the dot", m: map[string]string{"dot": "DROP"}, kind: mailbox.Transient},
		{name: "mute after the dot", m: map[string]string{"dot": "MUTE"}, kind: mailbox.Transient},
		{name: "garbage after the dot", m: map[string]string{"dot": "what"}, kind: mailbox.Transient},
		{name: "half an answer after the dot", m: map[string]string{"dot": "250-DROP"}, kind: mailbox.Transient},
		{name: "endless after the dot", m: map[string]string{"dot": endless + "250-ok"}, kind: mailbox.Transient},
		{name: "354 after the dot", m: map[string]string{"dot": "354 more"}, kind: mailbox.Transient},
		{name: "251 after the dot", m: map[string]string{"dot": "251 will forward"}},
		{name: "QUIT dropped", m: map[string]string{"QUIT": "DROP"}},
		{name: "QUIT refused", m: map[string]string{"QUIT": "500 what"}},
		{name: "larger than SIZE", m: map[string]string{"EHLO": "250-me\r\n250-SIZE 10\r\n250 AUTH PLAIN"}, kind: mailbox.TooLarge, unsent: true},
		{name: "no AUTH", m: map[string]string{"EHLO": "250 me", "AUTH": "502 no"}, kind: mailbox.Permanent, unsent: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := outgoing()
			if tt.o != nil {
				o = *tt.o
			}
			opts := imap.Options{CommandTimeout: 5 * time.Second, SubmitTimeout: time.Second}
			for _, a := range tt.m {
				if a == "MUTE" {
					opts.CommandTimeout, opts.SubmitTimeout = 500*time.Millisecond, 500*time.Millisecond
				}
			}
			r, err := sendTo(t, &mta{answers: tt.m}, o, opts)
			if tt.kind == "" {
				if err != nil || len(r.Refused) > 0 {
					t.Fatalf("%+v, %v", r, err)
				}
				return
			}
			wantKind(t, err, tt.kind)
			if mailbox.Unsent(err) != tt.unsent {
				t.Errorf("unsent is %v: %v", mailbox.Unsent(err), err)
			}
		})
	}
}

func TestSendRefusedRecipient(t *testing.T) {
	r, err := sendTo(t, &mta{answers: map[string]string{"TO:<b@example.com>": "550 5.1.1 no b@example.com"}}, outgoing(), imap.Options{})
	if err != nil || len(r.Refused) != 1 || r.Refused[0] != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
}

func TestSendWithoutExtension(t *testing.T) {
	plain := &mta{answers: map[string]string{"EHLO": "250-me\r\n250 AUTH PLAIN"}}
	eight, utf8 := outgoing(), outgoing()
	eight.Raw = []byte("A: b\r\n\r\nGr\xfc\xdfe\r\n")
	utf8.To = []string{"bücher@example.com"}
	for _, o := range []mailbox.Outgoing{eight, utf8} {
		_, err := sendTo(t, plain, o, imap.Options{})
		wantKind(t, err, mailbox.Permanent)
		if !mailbox.Unsent(err) {
			t.Error("not unsent")
		}
	}
}

func TestSendUsesSMTPUTF8WhenNeeded(t *testing.T) {
	w := newWorld(t, worldOptions{})
	c := w.open(imap.Options{}, mailbox.Intake{})
	o := outgoing()
	if _, err := c.Send(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	o.To = []string{"bücher@example.com"}
	if _, err := c.Send(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	if l := w.box.letters(); l[0].opts.UTF8 || !l[1].opts.UTF8 {
		t.Errorf("SMTPUTF8 %v and %v", l[0].opts.UTF8, l[1].opts.UTF8)
	}
}

func TestEnvelopeIsChecked(t *testing.T) {
	w := newWorld(t, worldOptions{})
	c := w.open(imap.Options{}, mailbox.Intake{})
	for _, addr := range []string{
		"a@x\r\nRCPT TO:<b@y>", "a@x>", "<a@x", "a b@x", "a@x SIZE=1", "-f@x", "@x", "a@", "a", `"a b"@x`, `"a@b"@x`,
		"a@b@c", "a\x00@x", "a@x\n", "a@x\u0085", strings.Repeat("a", 65) + "@x", "a,b@x", "a\xff@x",
	} {
		for _, asSender := range []bool{true, false} {
			o := outgoing()
			if asSender {
				o.From = addr
			} else {
				o.To = []string{"ok@example.com", addr}
			}
			_, err := c.Send(context.Background(), o)
			wantKind(t, err, mailbox.Permanent)
			if !mailbox.Unsent(err) {
				t.Errorf("%q is not unsent", addr)
			}
		}
	}
	if n := len(w.box.letters()); n != 0 {
		t.Errorf("%d mails were sent", n)
	}
	o := outgoing()
	o.From = "" // the null reverse-path
	if _, err := c.Send(context.Background(), o); err != nil {
		t.Error(err)
	}
}

func TestRewrittenMessageID(t *testing.T) {
	r, err := sendTo(t, &mta{answers: map[string]string{
		"dot": "250 2.0.0 OK <AM9PR01MB1234@AM9PR01MB1234.eurprd01.prod.outlook.com> [Hostname=AM9PR01MB1234.eurprd01.prod.outlook.com]",
	}}, outgoing(), imap.Options{})
	if err != nil || r.MessageID != "AM9PR01MB1234@AM9PR01MB1234.eurprd01.prod.outlook.com" {
		t.Fatalf("%+v, %v", r, err)
	}
}

func TestCloseEndsASend(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.smtp = (&mta{answers: map[string]string{"RCPT": "MUTE"}}).start(t)
	c := w.open(imap.Options{}, mailbox.Intake{})
	time.AfterFunc(200*time.Millisecond, func() { c.Close() })
	_, err := c.Send(context.Background(), outgoing())
	wantKind(t, err, mailbox.Transient)
	if !mailbox.Unsent(err) {
		t.Error("not unsent")
	}
}

func TestReceiveOnlyAccount(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.smtp = imap.Server{}
	_, err := w.open(imap.Options{}, mailbox.Intake{}).Send(context.Background(), outgoing())
	wantKind(t, err, mailbox.Unsupported)
}

func TestCheckLogsInAtBothServers(t *testing.T) {
	w := newWorld(t, worldOptions{})
	p := imap.New(imap.Options{})
	if err := p.Check(context.Background(), w.account()); err != nil {
		t.Fatal(err)
	}
	w.smtp = (&mta{answers: map[string]string{"AUTH": "535 5.7.8 no"}}).start(t)
	err := p.Check(context.Background(), w.account())
	wantKind(t, err, mailbox.Auth)
	if mailbox.Unsent(err) {
		t.Error("checking has nothing to do with sending")
	}
}
