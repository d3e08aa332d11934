package readme

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

const (
	address  = "support@acme.example"
	password = "open sesame"
)

// provider is a mailbox on loopback behind TLS.
type provider struct {
	imapAddr, smtpAddr string
	ca                 string // file with the certificate
	user               *imapmemserver.User

	mu   sync.Mutex
	sent [][]byte
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{user: imapmemserver.NewUser(address, password)}
	for _, folder := range []string{"INBOX", "Sent"} {
		if err := p.user.Create(folder, nil); err != nil {
			t.Fatal(err)
		}
	}
	config := p.certificate(t)
	mem := imapmemserver.New()
	mem.AddUser(p.user)
	is := imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return mem.NewSession(), nil, nil
		},
		Caps: imap.CapSet{imap.CapIMAP4rev1: {}, imap.CapIMAP4rev2: {}},
	})
	il := listen(t, config)
	p.imapAddr = il.Addr().String()
	go func() { _ = is.Serve(il) }()
	t.Cleanup(func() { _ = is.Close() })

	ss := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{p: p}, nil }))
	ss.Domain = "localhost"
	sl := listen(t, config)
	p.smtpAddr = sl.Addr().String()
	go func() { _ = ss.Serve(sl) }()
	t.Cleanup(func() { _ = ss.Close() })
	return p
}

func listen(t *testing.T, c *tls.Config) net.Listener {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", c)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// certificate makes one that the program trusts by SSL_CERT_FILE.
func (p *provider) certificate(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "readme"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	p.ca = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(p.ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

func (p *provider) mails() [][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sent
}

// session is an SMTP session that wants the password and keeps the mail.
type session struct {
	p  *provider
	in bool
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, pass string) error {
		if user != address || pass != password {
			return smtp.ErrAuthFailed
		}
		s.in = true
		return nil
	}), nil
}

func (s *session) Mail(string, *smtp.MailOptions) error {
	if !s.in {
		return smtp.ErrAuthRequired
	}
	return nil
}

func (s *session) Rcpt(string, *smtp.RcptOptions) error { return nil }

func (s *session) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	s.p.sent = append(s.p.sent, b)
	return nil
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }
