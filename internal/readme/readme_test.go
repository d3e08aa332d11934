package readme

import (
	"bufio"
	"bytes"
	"go/format"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
)

// linesMost is how long the first program may be.
const linesMost = 35

// program is the first Go block of the README.
func program(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?s)```go\n(package main\n.*?)```").FindSubmatch(b)
	if m == nil {
		t.Fatal("the README shows no program")
	}
	return string(m[1])
}

func TestProgramIsShort(t *testing.T) {
	src := program(t)
	if n := strings.Count(src, "\n"); n > linesMost {
		t.Errorf("the program has %d lines, at most %d fit a first look", n, linesMost)
	}
	if got, err := format.Source([]byte(src)); err != nil || string(got) != src {
		t.Errorf("the program is not formatted (%v)", err)
	}
	for _, want := range []string{"helpdesk.New(", "Connect(ctx, ", "privacy.As(", "Reply(ctx, ", "helpdesk.HTTPStatus(err)", "desk.Run(ctx)", "OnEvent:", "Keys:"} {
		if !strings.Contains(src, want) {
			t.Errorf("the program does not show %s", want)
		}
	}
}

// build compiles the program in a module of its own.
func build(t *testing.T, src string) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	mod := "module first\n\ngo 1.26.0\n\nrequire github.com/helpdesk-go/helpdesk v0.0.0\n\nreplace github.com/helpdesk-go/helpdesk => " + root + "\n"
	for name, text := range map[string]string{"go.mod": mod, "go.sum": string(sum), "main.go": src} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bin := filepath.Join(dir, "first")
	cmd := exec.Command("go", "build", "-mod=mod", "-o", bin, ".")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the program of the README does not compile: %v\n%s", err, out)
	}
	return bin
}

const question = "From: Ann <ann@customer.example>\r\nTo: support@acme.example\r\nSubject: Lamp\r\n" +
	"Message-ID: <q1@customer.example>\r\n\r\nIt is dark.\r\n"

// The program connects, takes a mail in, answers it over HTTP, and the answer
// leaves in the same thread.
func TestProgramRuns(t *testing.T) {
	bin := build(t, program(t))
	p := newProvider(t)
	cmd := exec.CommandContext(t.Context(), bin)
	cmd.Env = append(os.Environ(), "MAIL_ADDRESS="+address, "MAIL_PASSWORD="+password,
		"IMAP_HOST="+p.imapAddr, "SMTP_HOST="+p.smtpAddr, "SSL_CERT_FILE="+p.ca)
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	lines := follow(t, out)
	await(t, lines, regexp.MustCompile(`mailbox\.connected`))
	if _, err := p.user.Append("INBOX", literal{strings.NewReader(question)}, &imap.AppendOptions{}); err != nil {
		t.Fatal(err)
	}
	id := await(t, lines, regexp.MustCompile(`message\.received .*ticket=(\S+)`))[1]
	resp, err := http.PostForm("http://127.0.0.1:8090/tickets/"+id+"/reply", url.Values{"text": {"Try the switch."}})
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("the reply was answered with %s", resp.Status)
	}
	await(t, lines, regexp.MustCompile(`delivery\.changed .*to=sent`))
	mails := p.mails()
	if len(mails) != 1 || !bytes.Contains(mails[0], []byte("In-Reply-To: <q1@customer.example>")) || !bytes.Contains(mails[0], []byte("Subject: Re: Lamp")) {
		t.Fatalf("%d mails left: %q", len(mails), mails)
	}
	resp, err = http.PostForm("http://127.0.0.1:8090/tickets/nonsense/reply", url.Values{"text": {"x"}})
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("a reply to nothing was answered with %s", resp.Status)
	}
}

// literal is a mail for Append.
type literal struct{ *strings.Reader }

func (l literal) Size() int64 { return l.Reader.Size() }

// follow reads the program's log line by line.
func follow(t *testing.T, r io.Reader) <-chan string {
	lines := make(chan string, 1000)
	go func() {
		defer close(lines)
		s := bufio.NewScanner(r)
		for s.Scan() {
			lines <- s.Text()
		}
	}()
	return lines
}

// patience is generous: the program may be built with everything else at once.
const patience = time.Minute

// await returns the first line that matches.
func await(t *testing.T, lines <-chan string, re *regexp.Regexp) []string {
	t.Helper()
	var seen []string
	deadline := time.After(patience)
	for {
		select {
		case line, ok := <-lines:
			if !ok {
				t.Fatalf("the program ended before %s:\n%s", re, strings.Join(seen, "\n"))
			}
			if m := re.FindStringSubmatch(line); m != nil {
				return m
			}
			seen = append(seen, line)
		case <-deadline:
			t.Fatalf("no line %s within %s:\n%s", re, patience, strings.Join(seen, "\n"))
		}
	}
}
