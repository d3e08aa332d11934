package imap_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	goimap "github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
	"github.com/emersion/go-sasl"
	smtp "github.com/emersion/go-smtp"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/imap"
)

const (
	testUser     = "support@example.org"
	testPassword = `p"ss\wörd`
)

// world is a mailbox with an IMAP and an SMTP server on loopback.
type world struct {
	t    *testing.T
	user *imapmemserver.User
	imap imap.Server
	smtp imap.Server
	box  *outbox
	ctl  control
	net  *cutter
}

type worldOptions struct {
	security string
	tls      *tls.Config
	caps     goimap.CapSet
}

func newWorld(t *testing.T, o worldOptions) *world {
	t.Helper()
	if o.security == "" && o.tls == nil {
		o.security = imap.Plaintext
	}
	w := &world{t: t, user: imapmemserver.NewUser(testUser, testPassword), box: &outbox{}}
	w.create("INBOX")
	mem := imapmemserver.New()
	mem.AddUser(w.user)
	caps := o.caps
	if caps == nil {
		caps = goimap.CapSet{goimap.CapIMAP4rev1: {}, goimap.CapUIDPlus: {}, goimap.CapIdle: {}}
	}
	opts := &imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return &spy{Session: mem.NewSession(), w: w}, nil, nil
		},
		Caps: caps, InsecureAuth: o.security == imap.Plaintext, Logger: log.New(io.Discard, "", 0),
	}
	if o.security == imap.STARTTLS {
		opts.TLSConfig = o.tls
	}
	is := imapserver.New(opts)
	il := listen(t)
	w.imap = serverAt(il, o.security)
	w.net = &cutter{Listener: il}
	il = w.net
	ss := smtp.NewServer(w.box)
	ss.Domain, ss.AllowInsecureAuth, ss.MaxMessageBytes = "smtp.test", o.security == imap.Plaintext, 4<<20
	ss.MaxLineLength = 1 << 16
	ss.EnableSMTPUTF8, ss.ErrorLog = true, log.New(io.Discard, "", 0)
	if o.security == imap.STARTTLS {
		ss.TLSConfig = o.tls
	}
	sl := listen(t)
	w.smtp = serverAt(sl, o.security)
	if o.security == imap.ImplicitTLS {
		il, sl = tls.NewListener(il, o.tls), tls.NewListener(sl, o.tls)
	}
	go is.Serve(il)
	go ss.Serve(sl)
	t.Cleanup(func() { is.Close(); ss.Close() })
	return w
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func serverAt(l net.Listener, security string) imap.Server {
	return imap.Server{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, Security: security}
}

func (w *world) create(name string) {
	w.t.Helper()
	if err := w.user.Create(name, nil); err != nil {
		w.t.Fatal(err)
	}
}

// deliver puts a mail into a folder.
func (w *world) deliver(folder, raw string, at time.Time, flags ...goimap.Flag) {
	w.t.Helper()
	_, err := w.user.Append(folder, literal{bytes.NewReader([]byte(raw)), int64(len(raw))},
		&goimap.AppendOptions{Time: at, Flags: flags})
	if err != nil {
		w.t.Fatal(err)
	}
}

type literal struct {
	io.Reader
	size int64
}

func (l literal) Size() int64 { return l.size }

func (w *world) account() imap.Account {
	return imap.Account{Name: "Support", Email: testUser, Password: testPassword, IMAP: w.imap, SMTP: w.smtp}
}

func (w *world) open(o imap.Options, in mailbox.Intake) mailbox.Conn {
	w.t.Helper()
	c, err := openAccount(o, w.account(), in)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { c.Close() })
	return c
}

func openAccount(o imap.Options, a imap.Account, in mailbox.Intake) (mailbox.Conn, error) {
	b, err := a.MarshalBinary()
	if err != nil {
		return nil, err
	}
	return imap.New(o).Open(context.Background(), mailbox.Session{Account: b, Intake: in})
}

// outbox is the SMTP server's side.
type outbox struct {
	mu    sync.Mutex
	sent  []letter
	fails map[string]*smtp.SMTPError // by "MAIL", "DATA" or recipient
	cut   bool                       // the connection after the next mail
}

type letter struct {
	from string
	to   []string
	opts smtp.MailOptions
	raw  []byte
}

func (b *outbox) fail(at string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.fails[at]; e != nil {
		return e
	}
	return nil
}

func (b *outbox) letters() []letter {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]letter(nil), b.sent...)
}

func (b *outbox) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &submission{box: b, conn: c.Conn()}, nil
}

type submission struct {
	box  *outbox
	conn net.Conn
	user string
	cur  letter
}

func (s *submission) AuthMechanisms() []string { return []string{"PLAIN"} }
func (s *submission) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != testUser || password != testPassword {
			return smtp.ErrAuthFailed
		}
		s.user = user
		return nil
	}), nil
}
func (s *submission) Reset()        { s.cur = letter{} }
func (s *submission) Logout() error { return nil }
func (s *submission) Mail(from string, o *smtp.MailOptions) error {
	if s.user == "" {
		return smtp.ErrAuthRequired
	}
	s.cur = letter{from: from, opts: *o}
	return s.box.fail("MAIL")
}
func (s *submission) Rcpt(to string, _ *smtp.RcptOptions) error {
	if err := s.box.fail(to); err != nil {
		return err
	}
	s.cur.to = append(s.cur.to, to)
	return nil
}
func (s *submission) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := s.box.fail("DATA"); err != nil {
		return err
	}
	s.cur.raw = raw
	s.box.mu.Lock()
	s.box.sent = append(s.box.sent, s.cur)
	cut := s.box.cut
	s.box.cut = false
	s.box.mu.Unlock()
	if cut {
		s.conn.Close()
	}
	return nil
}

// authority makes certificates for a test.
type authority struct {
	pool *x509.CertPool
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{pool: x509.NewCertPool(), cert: cert, key: key}
	a.pool.AddCert(cert)
	return a
}

func (a *authority) server(t *testing.T, change func(*x509.Certificate)) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "server"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	if change != nil {
		change(tmpl)
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

func (a *authority) client() imap.Options {
	return imap.Options{TLSConfig: &tls.Config{RootCAs: a.pool}}
}

func mailText(id, subject string) string {
	return fmt.Sprintf("From: a@example.com\r\nTo: %s\r\nMessage-ID: <%s>\r\nSubject: %s\r\n\r\nHello\r\n", testUser, id, subject)
}
