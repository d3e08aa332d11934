package imap_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/helpdesk-go/helpdesk/mailbox/imap"
)

// peer is a scripted IMAP server: it answers a command by its name, or by its
// whole text, with lines in which TAG stands for the tag. An answer for every
// time is one element, otherwise they are used up in turn. Commands without an
// answer get the ordinary one.
type peer struct {
	t        *testing.T
	greeting string
	caps     string
	answers  map[string][]string
	// mute ends answering at a command.
	mute string
}

// endless is written for ever, to the end of the connection.
const endless = "ENDLESS "

func (p *peer) start(t *testing.T) imap.Server {
	p.t = t
	if p.greeting == "" {
		p.greeting = "* OK hello\r\n"
	}
	if p.caps == "" {
		p.caps = "IMAP4rev1 AUTH=PLAIN SASL-IR UIDPLUS"
	}
	l := listen(t)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(c)
		}
	}()
	return serverAt(l, imap.Plaintext)
}

func (p *peer) serve(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	io.WriteString(c, p.greeting)
	used := map[string]int{}
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		tag, cmd, _ := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		name, _, _ := strings.Cut(cmd, " ")
		if name == "UID" {
			name = strings.Join(strings.SplitN(cmd, " ", 3)[:2], " ")
		}
		if p.mute != "" && strings.HasPrefix(cmd, p.mute) {
			io.Copy(io.Discard, r)
			return
		}
		out := p.answer(cmd, name, used)
		if rest, ok := strings.CutPrefix(out, endless); ok {
			for {
				if _, err := io.WriteString(c, rest); err != nil {
					return
				}
			}
		}
		drop := strings.HasSuffix(out, "DROP")
		out = strings.ReplaceAll(strings.TrimSuffix(out, "DROP"), "TAG", tag)
		if _, err := io.WriteString(c, out); err != nil || drop {
			return
		}
	}
}

func (p *peer) answer(cmd, name string, used map[string]int) string {
	for _, key := range []string{cmd, name} {
		if a := p.answers[key]; len(a) > 0 {
			i := min(used[key], len(a)-1)
			used[key]++
			return a[i]
		}
	}
	switch name {
	case "CAPABILITY":
		return "* CAPABILITY " + p.caps + "\r\nTAG OK done\r\n"
	case "EXAMINE":
		return "* 1 EXISTS\r\n* OK [UIDVALIDITY 7] v\r\n* OK [UIDNEXT 6] n\r\nTAG OK [READ-ONLY] done\r\n"
	case "SEARCH":
		return "* SEARCH 1\r\nTAG OK done\r\n"
	case "UID SEARCH":
		return "* SEARCH 5\r\nTAG OK done\r\n"
	}
	return "TAG OK done\r\n"
}

func (p *peer) account(s imap.Server) imap.Account {
	return imap.Account{Email: testUser, Password: "secret", IMAP: s}
}

// lit is a literal.
func lit(s string) string { return fmt.Sprintf("{%d}\r\n%s", len(s), s) }
