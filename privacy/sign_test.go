package privacy_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/helpdesk-go/helpdesk/privacy"
)

func newSigner(t *testing.T, name string) *privacy.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, err := privacy.NewSigner(name, key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSign(t *testing.T) {
	s, other := newSigner(t, "desk.example"), newSigner(t, "desk.example")
	text := []byte("kind 1\n\nsecond paragraph\n— not a signature\n")
	signed, err := s.Sign(text)
	if err != nil || !bytes.HasPrefix(signed, text) {
		t.Fatalf("%q, %v", signed, err)
	}
	for _, keys := range [][]string{{s.PublicKey()}, {other.PublicKey(), s.PublicKey()}, {s.PublicKey(), s.PublicKey()}} {
		if got, err := privacy.OpenSigned(signed, keys...); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%d keys: %q, %v", len(keys), got, err)
		}
	}
	for name, keys := range map[string][]string{"no key": nil, "another key": {other.PublicKey()}} {
		if _, err := privacy.OpenSigned(signed, keys...); !errors.Is(err, privacy.ErrSignature) {
			t.Errorf("%s: got %v, want ErrSignature", name, err)
		}
	}
	if _, err := privacy.OpenSigned(signed, "desk.example"); !errors.Is(err, privacy.ErrSigningKey) {
		t.Errorf("malformed key: got %v, want ErrSigningKey", err)
	}
}

// TestSignedDamage changes every byte of a signed text in turn: nothing of it
// may pass as another text.
func TestSignedDamage(t *testing.T) {
	s := newSigner(t, "desk.example")
	text := []byte("kind 1\nrows 12\n")
	good, err := s.Sign(text)
	if err != nil {
		t.Fatal(err)
	}
	for i := range good {
		for _, flip := range []byte{0x01, 0x20, 0x80} {
			bad := bytes.Clone(good)
			bad[i] ^= flip
			if got, err := privacy.OpenSigned(bad, s.PublicKey()); !errors.Is(err, privacy.ErrSignature) {
				t.Fatalf("byte %d changed by %#x: %q, %v", i, flip, got, err)
			}
		}
	}
	for i := range good {
		if got, err := privacy.OpenSigned(good[:i], s.PublicKey()); !errors.Is(err, privacy.ErrSignature) {
			t.Fatalf("cut to %d bytes: %q, %v", i, got, err)
		}
	}
}

func TestSignRefuses(t *testing.T) {
	s := newSigner(t, "desk.example")
	for name, text := range map[string]string{
		"empty": "", "no line end": "a", "no UTF-8": "\xff\n", "control": "a\x00b\n", "carriage return": "a\r\n",
		"too long": strings.Repeat("a", 16<<20) + "\n",
	} {
		if _, err := s.Sign([]byte(text)); !errors.Is(err, privacy.ErrUnsignable) {
			t.Errorf("%s: got %v, want ErrUnsignable", name, err)
		}
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, make := range map[string]func() (*privacy.Signer, error){
		"no key":      func() (*privacy.Signer, error) { return privacy.NewSigner("a", nil) },
		"another key": func() (*privacy.Signer, error) { return privacy.NewSigner("a", curve) },
		"no name":     func() (*privacy.Signer, error) { return privacy.NewSigner("", key) },
		"space":       func() (*privacy.Signer, error) { return privacy.NewSigner("a b", key) },
		"plus":        func() (*privacy.Signer, error) { return privacy.NewSigner("a+b", key) },
	} {
		if _, err := make(); !errors.Is(err, privacy.ErrSigningKey) {
			t.Errorf("%s: got %v, want ErrSigningKey", name, err)
		}
	}
}

// remote is a key somewhere else, which fails or answers nonsense.
type remote struct {
	ed25519.PrivateKey
	sig []byte
	err error
}

func (r remote) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return r.sig, r.err }

func TestSignWithFailingKey(t *testing.T) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	down := errors.New("the KMS is down")
	s, err := privacy.NewSigner("a", remote{key, nil, down})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Sign([]byte("a\n")); !errors.Is(err, down) {
		t.Errorf("got %v, want the key's error", err)
	}
	s, err = privacy.NewSigner("a", remote{key, make([]byte, ed25519.SignatureSize), nil})
	if err != nil {
		t.Fatal(err)
	}
	if signed, err := s.Sign([]byte("a\n")); err == nil {
		t.Errorf("a signature that does not hold was returned: %q", signed)
	}
}
