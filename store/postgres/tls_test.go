package postgres

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/internal/testpg"
	"github.com/helpdesk-go/helpdesk/store"
)

// authority signs certificates for one test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string // its certificate, for sslrootcert
}

func newAuthority(t *testing.T, name string) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	der, err := x509.CreateCertificate(rand.Reader, template(name, true), template(name, true), &key.PublicKey, key)
	must(t, err)
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	a := authority{cert: cert, key: key, file: filepath.Join(t.TempDir(), "ca.pem")}
	writePEM(t, a.file, "CERTIFICATE", der)
	return a
}

func template(name string, ca bool) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, BasicConstraintsValid: true, IsCA: ca,
	}
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	must(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
}

// serve makes the server speak TLS with a certificate for a name or address.
func (a authority) serve(t *testing.T, srv *testpg.Server, host string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	leaf := template("server", false)
	leaf.KeyUsage, leaf.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	if ip := net.ParseIP(host); ip != nil {
		leaf.IPAddresses = []net.IP{ip}
	} else {
		leaf.DNSNames = []string{host}
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, a.cert, &key.PublicKey, a.key)
	must(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	crt, pem := filepath.Join(srv.DataDir(), "server.crt"), filepath.Join(srv.DataDir(), "server.key")
	writePEM(t, crt, "CERTIFICATE", der)
	writePEM(t, pem, "PRIVATE KEY", secret)
	testpg.Own(t, crt)
	testpg.Own(t, pem)
	dsn := srv.AdminDSN(t, "postgres://x/postgres")
	exec(t, dsn, "ALTER SYSTEM SET ssl = on")
	exec(t, dsn, "SELECT pg_reload_conf()")
}

// secured is a DSN with other TLS settings.
func secured(t *testing.T, dsn string, settings ...string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	must(t, err)
	q := u.Query()
	for i := 0; i < len(settings); i += 2 {
		q.Set(settings[i], settings[i+1])
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// TestTLSHandshake: a server is believed only under the certificate authority
// and the name that the connection string asks for, by the pool, the listener
// and the key store alike, and an error of the handshake tells no secret.
func TestTLSHandshake(t *testing.T) {
	srv := testpg.New(t)
	dsn := srv.DSN(t)
	ca, stranger := newAuthority(t, "ours"), newAuthority(t, "stranger")
	full := secured(t, dsn, "sslmode", "verify-full", "sslrootcert", ca.file)
	refuse := func(why, dsn string) {
		t.Helper()
		_, err := Open(t.Context(), dsn)
		u, _ := url.Parse(dsn)
		password, _ := u.User.Password()
		if !errors.Is(err, store.ErrUnavailable) && !errors.Is(err, ErrDSN) && !errors.Is(err, ErrTLS) {
			t.Errorf("%s: %v, want a typed error", why, err)
		}
		if err == nil {
			return
		}
		t.Logf("%s: %v", why, err)
		for _, secret := range []string{password, ca.file, u.Host, "\n"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error tells what it should not: %q", why, err)
			}
		}
		if _, err := OpenSlots(t.Context(), dsn, SlotsOptions{}); err == nil {
			t.Errorf("%s: the key store connects", why)
		}
	}
	refuse("the server has no TLS", full)

	ca.serve(t, srv, "127.0.0.1")
	soon(t, "the server speaks TLS", func() bool {
		s, err := Open(t.Context(), full)
		if err == nil {
			must(t, s.Close())
		}
		return err == nil
	})
	s := reopen(t, full, Options{})
	var encrypted, all int
	must(t, apply(t.Context(), s, page(connected(t, s, "acme"), 3)))
	_, err := s.Wake(t.Context())
	must(t, err)
	must(t, s.pool.QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE l.ssl), count(*) FROM pg_stat_ssl l
		JOIN pg_stat_activity a USING (pid) WHERE a.application_name = 'helpdesk'`).Scan(&encrypted, &all))
	if encrypted != all || all < 2 {
		t.Errorf("%d of %d connections are encrypted", encrypted, all)
	}
	slots := reopenSlots(t, full)
	must(t, slots.Validate(t.Context()))

	refuse("another authority", secured(t, full, "sslrootcert", stranger.file))
	refuse("an authority the machine knows", secured(t, dsn, "sslmode", "verify-full"))
	refuse("another name", strings.Replace(full, "127.0.0.1", "localhost", 1))
	verifyCA := secured(t, strings.Replace(full, "127.0.0.1", "localhost", 1), "sslmode", "verify-ca")
	if s, err := Open(t.Context(), verifyCA); err != nil {
		t.Errorf("verify-ca does not look at names: %v", err)
	} else {
		must(t, s.Close())
	}
}
