package privacy

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"
)

// Errors of signatures.
var (
	// ErrSigningKey: a name or key that cannot sign or check. Mend: a name of
	// visible characters without "+", an Ed25519 key, and public keys as
	// [Signer.PublicKey] writes them.
	ErrSigningKey = errors.New("privacy: bad signing key: give a name without spaces and +, and an Ed25519 key")
	// ErrSignature: no signature of a key that is trusted. Mend: check that
	// the file is whole and that the key is the publisher's.
	ErrSignature = errors.New("privacy: no valid signature of a known key: the text was changed, or another key signed it")
	// ErrUnsignable: the text is none that can be signed: UTF-8 without
	// control characters but line feeds, ending in one, of 16 MiB at most.
	ErrUnsignable = errors.New("privacy: this text cannot be signed: it must be UTF-8 lines, the last one ended, of 16 MiB at most")
)

// The longest text that is signed, and what signatures may add to it.
const (
	maxSignedText = 16 << 20
	maxSignatures = 1 << 16
)

// Signer signs texts as notes, the form of golang.org/x/mod/sumdb/note: the
// text, an empty line, and a line for each signature that names its key. It is
// safe for concurrent use if its key is.
//
// Texts of several kinds may share a key: each begins with a line that says
// what it is.
type Signer struct {
	name   string
	key    crypto.Signer
	public string
	hash   uint32
}

// NewSigner returns a signer for an Ed25519 key, which may be in a KMS or HSM.
// The name is published with each signature, for those who look for the public
// key; it is not checked against anything. Errors are [ErrSigningKey].
func NewSigner(name string, key crypto.Signer) (*Signer, error) {
	if key == nil {
		return nil, fmt.Errorf("%w (no key)", ErrSigningKey)
	}
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%w (the key is %T)", ErrSigningKey, key.Public())
	}
	text, err := note.NewEd25519VerifierKey(name, public)
	if err != nil {
		return nil, ErrSigningKey
	}
	verifier, err := note.NewVerifier(text)
	if err != nil {
		return nil, fmt.Errorf("%w (the name)", ErrSigningKey)
	}
	return &Signer{name: name, key: key, public: text, hash: verifier.KeyHash()}, nil
}

// PublicKey returns the public key with its name in one line: what is
// published, and what [OpenSigned] takes.
func (s *Signer) PublicKey() string { return s.public }

// Sign returns the text with its signature. It fails with [ErrUnsignable] or
// the key's own error, and never returns a signature that does not hold.
func (s *Signer) Sign(text []byte) ([]byte, error) {
	if len(text) > maxSignedText {
		return nil, ErrUnsignable
	}
	signed, err := note.Sign(&note.Note{Text: string(text)}, noteSigner{s})
	if err != nil {
		var failed keyError
		if errors.As(err, &failed) {
			return nil, fmt.Errorf("privacy: signing: %w", failed.error)
		}
		return nil, ErrUnsignable
	}
	// A key outside this process may answer anything, and a text may be one
	// that cannot be read back.
	back, err := OpenSigned(signed, s.public)
	if err != nil || string(back) != string(text) {
		return nil, ErrUnsignable
	}
	return signed, nil
}

// OpenSigned returns the text of a note that at least one of the public keys
// signed, else [ErrSignature]. It needs nothing but its arguments. A key that
// cannot be read is [ErrSigningKey].
func OpenSigned(signed []byte, keys ...string) ([]byte, error) {
	if len(signed) > maxSignedText+maxSignatures {
		return nil, ErrSignature
	}
	verifiers := make([]note.Verifier, 0, len(keys))
	seen := map[string]bool{} // a key that is given twice is no reason to refuse
	for _, k := range keys {
		if seen[k] {
			continue
		}
		seen[k] = true
		v, err := note.NewVerifier(k)
		if err != nil {
			return nil, fmt.Errorf("%w (a public key cannot be read)", ErrSigningKey)
		}
		verifiers = append(verifiers, v)
	}
	opened, err := note.Open(signed, note.VerifierList(verifiers...))
	if err != nil {
		return nil, ErrSignature // the cause may quote what is in the file
	}
	for _, sig := range opened.Sigs {
		// The last character has bits that say nothing. Only one value of them
		// passes, so that a file with a good signature has one form.
		if _, err := base64.StdEncoding.Strict().DecodeString(sig.Base64); err != nil {
			return nil, ErrSignature
		}
	}
	return []byte(opened.Text), nil
}

// noteSigner gives a Signer the method set of [note.Signer], which has another
// Sign.
type noteSigner struct{ s *Signer }

func (n noteSigner) Name() string    { return n.s.name }
func (n noteSigner) KeyHash() uint32 { return n.s.hash }

func (n noteSigner) Sign(text []byte) ([]byte, error) {
	sig, err := n.s.key.Sign(rand.Reader, text, crypto.Hash(0))
	if err != nil {
		return nil, keyError{err}
	}
	return sig, nil
}

// keyError is an error of the key itself.
type keyError struct{ error }

// Unwrap returns the key's own error.
func (e keyError) Unwrap() error { return e.error }
