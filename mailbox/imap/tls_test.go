package imap_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/imap"
)

func TestTLS(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	good := ca.server(t, nil)
	old := good.Clone()
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	tests := []struct {
		name   string
		server *tls.Config
		opts   imap.Options
		ok     bool
	}{
		{name: "trusted", server: good, opts: ca.client(), ok: true},
		{name: "unknown authority", server: good, opts: other.client()},
		{name: "system roots", server: good},
		{name: "another name", opts: ca.client(), server: ca.server(t, func(c *x509.Certificate) {
			c.IPAddresses, c.DNSNames = nil, []string{"imap.example.net"}
		})},
		{name: "expired", opts: ca.client(), server: ca.server(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Hour) })},
		{name: "TLS 1.1", server: old, opts: ca.client()},
		{name: "checks switched off", server: good, opts: imap.Options{TLSConfig: &tls.Config{RootCAs: ca.pool, InsecureSkipVerify: true}}},
		{name: "old versions allowed by the host", server: old, opts: imap.Options{TLSConfig: &tls.Config{RootCAs: ca.pool, MinVersion: tls.VersionTLS10}}},
	}
	for _, security := range []string{imap.ImplicitTLS, imap.STARTTLS} {
		for _, tt := range tests {
			t.Run(security+" "+tt.name, func(t *testing.T) {
				w := newWorld(t, worldOptions{security: security, tls: tt.server})
				c, err := openAccount(tt.opts, w.account(), mailbox.Intake{})
				if !tt.ok {
					wantKind(t, err, mailbox.Permanent)
					// The SMTP side alone.
					plain := newWorld(t, worldOptions{})
					plain.smtp = w.smtp
					if c, err = openAccount(tt.opts, plain.account(), mailbox.Intake{}); err == nil {
						defer c.Close()
						_, err = c.Send(context.Background(), outgoing())
						if !mailbox.Unsent(err) {
							t.Error("not unsent")
						}
					}
					wantKind(t, err, mailbox.Permanent)
					if len(w.box.letters()) > 0 {
						t.Error("a mail was sent")
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				w.deliver("INBOX", mailText("a@x", "a"), time.Now())
				p := changes(t, c, mailbox.Query{Stream: mailbox.Live, Resync: true, Limit: 5})
				if len(fetchAll(t, c, p.Items)) != 1 {
					t.Error("no mail")
				}
				if _, err := c.Send(context.Background(), outgoing()); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// converse runs a server that says lines as the client's lines come in.
func converse(t *testing.T, script func(c net.Conn, r *bufio.Reader)) imap.Server {
	t.Helper()
	l := listen(t)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				script(c, bufio.NewReader(c))
				io.Copy(io.Discard, c)
			}()
		}
	}()
	return serverAt(l, imap.STARTTLS)
}

func TestSTARTTLSOfIMAP(t *testing.T) {
	ca := newAuthority(t)
	conf := ca.server(t, nil)
	tests := []struct {
		name     string
		greeting string
		answer   string
		kind     mailbox.Kind
	}{
		{"refused", "* OK hi\r\n", "S1 NO not here\r\n", mailbox.Permanent},
		{"unknown", "* OK hi\r\n", "S1 BAD what\r\n", mailbox.Permanent},
		{"PREAUTH", "* PREAUTH hi\r\n", "", mailbox.Permanent},
		{"plaintext behind the answer", "* OK hi\r\n", "S1 OK go\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nT1 OK done\r\n", mailbox.Permanent},
		{"capabilities in the answer", "* OK hi\r\n", "S1 OK [CAPABILITY IMAP4rev1 LOGINDISABLED] go\r\n", ""},
		{"endless before the answer", "* OK hi\r\n", strings.Repeat("* OK still here\r\n", 5000), mailbox.Transient},
		{"endless greeting", strings.Repeat("x", 100_000), "", mailbox.Transient},
		{"closed", "", "", mailbox.Transient},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := converse(t, func(c net.Conn, r *bufio.Reader) {
				io.WriteString(c, tt.greeting)
				if tt.answer == "" {
					c.Close()
					return
				}
				if line, _ := r.ReadString('\n'); strings.Contains(strings.ToUpper(line), "AUTH") || !strings.HasPrefix(line, "S1 STARTTLS") {
					t.Errorf("client said %q", line)
				}
				io.WriteString(c, tt.answer)
				if !strings.HasPrefix(tt.answer, "S1 OK") {
					return
				}
				tc := tls.Server(c, conf)
				p := &peer{greeting: "", caps: "IMAP4rev1 AUTH=PLAIN SASL-IR"}
				if tc.Handshake() == nil {
					p.serve(tc)
				}
			})
			c, err := openAccount(ca.client(), imap.Account{Email: testUser, Password: "x", IMAP: s}, mailbox.Intake{})
			if tt.kind == "" {
				if err != nil {
					t.Fatal(err)
				}
				c.Close()
				return
			}
			wantKind(t, err, tt.kind)
		})
	}
}

func TestSTARTTLSOfSMTP(t *testing.T) {
	ca := newAuthority(t)
	conf := ca.server(t, nil)
	tests := []struct{ name, ehlo, answer string }{
		{"stripped", "250-me\r\n250 AUTH PLAIN\r\n", ""},
		{"refused", "250-me\r\n250 STARTTLS\r\n", "502 no\r\n"},
		{"plaintext behind the answer", "250-me\r\n250 STARTTLS\r\n", "220 go\r\n250 injected\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.smtp = converse(t, func(c net.Conn, r *bufio.Reader) {
				io.WriteString(c, "220 hi\r\n")
				for {
					line, err := r.ReadString('\n')
					switch {
					case err != nil:
						return
					case strings.HasPrefix(line, "EHLO"):
						io.WriteString(c, tt.ehlo)
					case strings.HasPrefix(line, "STARTTLS"):
						io.WriteString(c, tt.answer)
						if strings.HasPrefix(tt.answer, "220") {
							tls.Server(c, conf).Handshake()
							return
						}
					case strings.HasPrefix(line, "AUTH"), strings.HasPrefix(line, "MAIL"):
						t.Errorf("client said %q in plaintext", line)
					}
				}
			})
			c := w.open(ca.client(), mailbox.Intake{})
			_, err := c.Send(context.Background(), outgoing())
			wantKind(t, err, mailbox.Permanent)
			if !mailbox.Unsent(err) {
				t.Error("not unsent")
			}
		})
	}
}

// elsewhere is a connection that claims to lead to an address.
type elsewhere struct {
	net.Conn
	ip net.IP
}

func (e elsewhere) RemoteAddr() net.Addr { return &net.TCPAddr{IP: e.ip, Port: 143} }

func TestWhereConnectionsMayLead(t *testing.T) {
	w := newWorld(t, worldOptions{})
	to := func(ip string, deny bool) imap.Options {
		o := imap.Options{DenyPrivate: deny}
		if ip != "" {
			o.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
				c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
				return elsewhere{c, net.ParseIP(ip)}, err
			}
		}
		return o
	}
	for _, tt := range []struct {
		name string
		opts imap.Options
		ok   bool
	}{
		{"plaintext on loopback", to("", false), true},
		{"plaintext on loopback by IPv6", to("::1", false), true},
		{"plaintext off loopback", to("203.0.114.7", false), false},
		{"plaintext in a private network", to("10.0.0.7", false), false},
		{"loopback denied", to("", true), false},
		{"metadata denied", to("169.254.169.254", true), false},
		{"unknown address denied", to("nonsense", true), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := openAccount(tt.opts, w.account(), mailbox.Intake{})
			if tt.ok {
				if err != nil {
					t.Fatal(err)
				}
				c.Close()
				return
			}
			wantKind(t, err, mailbox.Permanent)
		})
	}
}

func TestHostThatIsNotThere(t *testing.T) {
	l := listen(t)
	s := serverAt(l, imap.ImplicitTLS)
	l.Close()
	_, err := openAccount(imap.Options{}, imap.Account{Email: testUser, Password: "x", IMAP: s}, mailbox.Intake{})
	wantKind(t, err, mailbox.Transient)
}

// A peer that accepts and says nothing must not hold up the handshake.
func TestMuteHandshake(t *testing.T) {
	for _, security := range []string{imap.ImplicitTLS, imap.STARTTLS} {
		s := converse(t, func(net.Conn, *bufio.Reader) {})
		s.Security = security
		start := time.Now()
		_, err := openAccount(short(), imap.Account{Email: testUser, Password: "x", IMAP: s}, mailbox.Intake{})
		wantKind(t, err, mailbox.Transient)
		if d := time.Since(start); d > 3*time.Second {
			t.Errorf("took %s", d)
		}
	}
}
