package testmail_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-sasl"
	smtp "github.com/emersion/go-smtp"

	"github.com/helpdesk-go/helpdesk/internal/testmail"
)

const password = `p"ss\wörd:`

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func mail(id, body string) []byte {
	return fmt.Appendf(nil, "From: a@customer.example\r\nDate: Mon, 05 Jan 2026 10:00:00 +0000\r\nMessage-ID: <%s>\r\nSubject: x\r\n\r\n%s", id, body)
}

// site is both servers with the user "support".
func site(t *testing.T, do testmail.DovecotOptions, po testmail.PostfixOptions) (*testmail.Dovecot, *testmail.Postfix) {
	t.Helper()
	d := testmail.NewDovecot(t, do)
	ok(t, d.AddUser("support", password))
	po.Dovecot = d
	return d, testmail.NewPostfix(t, po)
}

func submit(t *testing.T, p *testmail.Postfix, auth sasl.Client, to []string, raw []byte) error {
	t.Helper()
	c, err := smtp.Dial(p.Addr())
	ok(t, err)
	defer c.Close()
	if err := c.Auth(auth); err != nil {
		return err
	}
	return c.SendMail("support@"+testmail.Domain, to, bytes.NewReader(raw))
}

func plain(secret string) sasl.Client {
	return sasl.NewPlainClient("", "support@"+testmail.Domain, secret)
}

// subjectCount waits until a folder holds n mails.
func inFolder(t *testing.T, d *testmail.Dovecot, folder string, n int) [][]byte {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		got, err := d.Mails("support", folder)
		ok(t, err)
		if len(got) == n {
			return got
		}
		if time.Now().After(end) {
			t.Fatalf("%s holds %d mails, want %d", folder, len(got), n)
		}
	}
}

func TestMailReachesTheUserAndOutsidersTheLedger(t *testing.T) {
	d, p := site(t, testmail.DovecotOptions{}, testmail.PostfixOptions{Refuse: []string{"refused@customer.example"}})
	ok(t, p.Submit("a@customer.example", "support@"+testmail.Domain, mail("in@x", "Hello\r\n")))
	if got := inFolder(t, d, "INBOX", 1)[0]; !bytes.HasSuffix(got, mail("in@x", "Hello\r\n")) {
		t.Errorf("delivered %q", got)
	}
	if p.Submit("a@customer.example", "nobody@"+testmail.Domain, mail("in@x", "")) == nil {
		t.Error("mail to an unknown user was taken")
	}
	if p.Submit("a@customer.example", "b@customer.example", mail("in@x", "")) == nil {
		t.Error("a stranger may relay")
	}
	if submit(t, p, plain("wrong"), []string{"b@customer.example"}, mail("w@x", "")) == nil {
		t.Error("a wrong password may submit")
	}
	if submit(t, p, plain(password), []string{"refused@customer.example"}, mail("r@x", "")) == nil {
		t.Error("the recipient was not refused")
	}
	odd := mail("odd@x", ".dot\r\nFrom here\r\n"+strings.Repeat("x", 5000)+"\xff\r\n\r\n")
	ok(t, submit(t, p, plain(password), []string{"b@customer.example", "c@customer.example"}, odd))
	ok(t, submit(t, p, plain(password), []string{"b@customer.example"}, odd))
	ok(t, p.Kill())
	ok(t, p.Start())
	got, err := p.Accepted(t.Context())
	ok(t, err)
	if len(got) != 2 || got[0].Queue == got[1].Queue {
		t.Fatalf("the ledger has %d mails, want 2", len(got))
	}
	for i, to := range []string{"b@customer.example c@customer.example", "b@customer.example"} {
		m := got[i]
		if m.From != "support@"+testmail.Domain || strings.Join(m.To, " ") != to || m.MessageID != "odd@x" || !bytes.Equal(m.Raw, odd) {
			t.Errorf("mail %d: from %s to %v id %s, %d bytes of %d", i, m.From, m.To, m.MessageID, len(m.Raw), len(odd))
		}
	}
}

func TestFolders(t *testing.T) {
	d := testmail.NewDovecot(t, testmail.DovecotOptions{Without: []string{"CONDSTORE", "QRESYNC"}})
	ok(t, d.AddUser("support", password))
	at := time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC)
	ok(t, d.Append("support", "INBOX", testmail.Letter{Raw: mail("a@x", ""), At: at}, testmail.Letter{Raw: mail("b@x", "")}))
	ok(t, d.Move("support", "INBOX", "Team/Ünit", "a@x"))
	if got := inFolder(t, d, "Team/Ünit", 1); !bytes.Equal(got[0], mail("a@x", "")) {
		t.Errorf("moved %q", got[0])
	}
	c, err := imapclient.DialInsecure(d.Addr(), nil)
	ok(t, err)
	defer c.Close()
	ok(t, c.Login("support@"+testmail.Domain, password).Wait())
	caps, err := c.Capability().Wait()
	ok(t, err)
	if caps.Has("CONDSTORE") || caps.Has("QRESYNC") || !caps.Has("IDLE") {
		t.Errorf("capabilities: %v", caps)
	}
	before, err := c.Select("INBOX", nil).Wait()
	ok(t, err)
	ok(t, d.ResetUIDValidity("support"))
	if _, err := c.Select("INBOX", nil).Wait(); err == nil {
		t.Error("the connection lives on")
	}
	c, err = imapclient.DialInsecure(d.Addr(), nil)
	ok(t, err)
	defer c.Close()
	ok(t, c.Login("support@"+testmail.Domain, password).Wait())
	after, err := c.Select("INBOX", nil).Wait()
	ok(t, err)
	if after.UIDValidity == before.UIDValidity || after.UIDNext != 2 || after.NumMessages != 1 {
		t.Errorf("before %+v, after %+v", before, after)
	}
	ok(t, d.Remove("support", "INBOX", "b@x"))
	inFolder(t, d, "INBOX", 0)
	ok(t, d.Kill())
	if _, err := net.Dial("tcp", d.Addr()); err == nil {
		t.Error("the server answers after Kill")
	}
	ok(t, d.Start())
	inFolder(t, d, "Team/Ünit", 1)
	ok(t, d.RefuseUser("support"))
	c, err = imapclient.DialInsecure(d.Addr(), nil)
	ok(t, err)
	defer c.Close()
	if c.Login("support@"+testmail.Domain, password).Wait() == nil {
		t.Error("a refused user logged in")
	}
}

func bearer(token string) sasl.Client {
	return sasl.NewOAuthBearerClient(&sasl.OAuthBearerOptions{Username: "support@" + testmail.Domain, Token: token})
}

func TestTokens(t *testing.T) {
	tokens := testmail.NewTokenServer(t, time.Hour)
	d, p := site(t, testmail.DovecotOptions{Tokens: tokens}, testmail.PostfixOptions{})
	refresh := tokens.Grant("support@" + testmail.Domain)
	trade := func() (string, int) {
		r, err := http.PostForm(tokens.TokenURL(), url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}})
		ok(t, err)
		defer r.Body.Close()
		var v struct {
			Token string `json:"access_token"`
		}
		ok(t, json.NewDecoder(r.Body).Decode(&v))
		return v.Token, r.StatusCode
	}
	login := func(token string) error {
		c, err := imapclient.DialInsecure(d.Addr(), nil)
		ok(t, err)
		defer c.Close()
		return c.Authenticate(bearer(token))
	}
	token, _ := trade()
	ok(t, login(token))
	ok(t, submit(t, p, bearer(token), []string{"b@customer.example"}, mail("o@x", "")))
	if tokens.Asked() < 2 {
		t.Errorf("the servers asked about %d tokens", tokens.Asked())
	}
	tokens.Expire()
	if login(token) == nil {
		t.Error("an expired token logs in")
	}
	if login(tokens.Issue("another@"+testmail.Domain)) == nil {
		t.Error("another user's token logs in")
	}
	token, _ = trade()
	ok(t, login(token))
	tokens.Revoke("support@" + testmail.Domain)
	if _, status := trade(); status != http.StatusBadRequest || login(token) == nil {
		t.Error("a revoked grant is still good")
	}
}

func TestTLS(t *testing.T) {
	ca, err := testmail.NewAuthority()
	ok(t, err)
	d, p := site(t, testmail.DovecotOptions{Authority: ca}, testmail.PostfixOptions{Authority: ca})
	conf := &tls.Config{RootCAs: ca.Pool(), ServerName: "127.0.0.1"}
	for _, addr := range []string{d.TLSAddr()} {
		c, err := tls.Dial("tcp", addr, conf)
		ok(t, err)
		c.Close()
	}
	ic, err := imapclient.DialStartTLS(d.Addr(), &imapclient.Options{TLSConfig: conf})
	ok(t, err)
	ic.Close()
	sc, err := smtp.DialStartTLS(p.Addr(), conf)
	ok(t, err)
	sc.Close()
}

func TestSinkAndProxy(t *testing.T) {
	s := testmail.NewSink(t, "-q", "rcpt")
	c, err := smtp.Dial(s.Addr())
	ok(t, err)
	defer c.Close()
	ok(t, c.Mail("a@x", nil))
	if c.Rcpt("b@x", nil) == nil {
		t.Error("the sink did not hang up")
	}
	s = testmail.NewSink(t)
	proxy := testmail.NewProxy(t, s.Addr())
	proxy.CutAnswer()
	send := func() error {
		c, err := smtp.Dial(proxy.Addr())
		ok(t, err)
		defer c.Close()
		return c.SendMail("a@x", []string{"b@x"}, bytes.NewReader(mail("o@x", "")))
	}
	if send() == nil {
		t.Error("the answer was not cut")
	}
	if !proxy.Heard("250") {
		t.Error("the proxy heard nothing")
	}
	ok(t, send())
}

// TestNoOrphan kills a process and expects its servers to end with it.
func TestNoOrphan(t *testing.T) {
	if os.Getenv("TESTMAIL_CHILD") != "" {
		d, p := site(t, testmail.DovecotOptions{}, testmail.PostfixOptions{})
		fmt.Printf("addrs= %s %s\n", d.Addr(), p.Addr())
		select {}
	}
	dir, err := os.MkdirTemp("", "tm-orphan-")
	ok(t, err)
	defer os.RemoveAll(dir)
	ok(t, os.Chmod(dir, 0o755))
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestNoOrphan$")
	child.Env = append(os.Environ(), "TESTMAIL_CHILD=1", "TMPDIR="+dir)
	out, err := child.StdoutPipe()
	ok(t, err)
	ok(t, child.Start())
	var addrs []string
	for in := bufio.NewScanner(out); len(addrs) == 0 && in.Scan(); {
		if rest, found := strings.CutPrefix(in.Text(), "addrs="); found {
			addrs = strings.Fields(rest)
		}
	}
	_ = child.Process.Kill()
	_ = child.Wait()
	if len(addrs) != 2 {
		t.Fatal("the child did not start its servers")
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		addrs = slices.DeleteFunc(addrs, func(addr string) bool {
			c, err := net.Dial("tcp", addr)
			if err == nil {
				c.Close()
			}
			return err != nil
		})
		if len(addrs) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("servers on %v outlived their process", addrs)
		}
	}
}
