package imap_test

import (
	"bufio"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/imap"
)

// The bytes between DATA and the end are looked at as they are on the wire,
// for each fake end of data (SEC Consult, SMTP smuggling, 2023).
func TestNothingIsSmuggled(t *testing.T) {
	for _, fake := range []string{
		"\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r.\r\n", "\r\n.\r", "\n.\r", "\r.\n", "\r\n\x00.\r\n", "\r\n.\x00\r\n", "\r\x00\n.\r\n", "\r\n.\r\n", "\r\r\n.\r\r\n",
	} {
		o := outgoing()
		o.Raw = []byte("A: b\r\n\r\nbefore" + fake + "MAIL FROM:<evil@x>\r\nRCPT TO:<b@x>\r\nDATA\r\nA: evil\r\n")
		wire := captureData(t, o)
		data, rest, _ := strings.Cut(wire, "\r\n.\r\n")
		if rest != "QUIT\r\n" {
			t.Errorf("%q: after the end came %q", fake, rest)
		}
		for i := range len(data) {
			if data[i] == 0 || data[i] == '\n' && (i == 0 || data[i-1] != '\r') || data[i] == '\r' && (i+1 < len(data) && data[i+1] != '\n') {
				t.Errorf("%q: on the wire %q", fake, data)
				break
			}
		}
	}
}

// captureData returns all that the client sends from DATA on.
func captureData(t *testing.T, o mailbox.Outgoing) string {
	t.Helper()
	l, got := listen(t), make(chan string, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		r := bufio.NewReader(c)
		io.WriteString(c, "220 hi\r\n")
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			switch {
			case strings.HasPrefix(line, "EHLO"):
				io.WriteString(c, "250-me\r\n250 AUTH PLAIN\r\n")
				continue
			case strings.HasPrefix(line, "AUTH"):
				io.WriteString(c, "235 ok\r\n")
				continue
			case !strings.HasPrefix(line, "DATA"):
				io.WriteString(c, "250 ok\r\n")
				continue
			}
			io.WriteString(c, "354 go\r\n")
			var all strings.Builder
			answered := false
			buf := make([]byte, 4096)
			for {
				n, err := r.Read(buf)
				all.Write(buf[:n])
				if !answered && strings.HasSuffix(all.String(), "\r\n.\r\n") {
					answered = true
					io.WriteString(c, "250 ok\r\n")
				}
				if err != nil {
					got <- all.String()
					return
				}
			}
		}
	}()
	w := newWorld(t, worldOptions{})
	w.smtp = serverAt(l, imap.Plaintext)
	if _, err := w.open(imap.Options{CommandTimeout: 300 * time.Millisecond}, mailbox.Intake{}).Send(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	select {
	case s := <-got:
		return s
	case <-time.After(5 * time.Second):
		t.Fatal("no end")
	}
	return ""
}
