package privacy

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
)

// RootKeySize is the length of a root key in bytes.
const RootKeySize = 32

// ErrRootKey is returned for a root key of another length. Mend: pass 32
// random bytes.
var ErrRootKey = errors.New("privacy: a root key has 32 bytes: pass 32 bytes from a random source")

// NewRoot returns a root that wraps keys with AES-256-GCM under a key of 32
// bytes, which it copies. The associated data binds a wrapped key to its
// place, so that one that was moved does not unwrap: it is [ErrSealed].
func NewRoot(key []byte) (Wrapper, error) {
	if len(key) != RootKeySize {
		return nil, ErrRootKey
	}
	aead, err := subtle.NewAESGCM(key)
	if err != nil {
		return nil, fmt.Errorf("privacy: making the root: %w", err)
	}
	return localRoot{aead}, nil
}

// NewEphemeralRoot returns a root whose key was just made and is gone with the
// process. It belongs beside [NewMemorySlots].
func NewEphemeralRoot() (Wrapper, error) {
	key := make([]byte, RootKeySize)
	_, _ = rand.Read(key) // never fails since Go 1.24
	return NewRoot(key)
}

// localRoot is a root whose key is in this process.
type localRoot struct{ aead *subtle.AESGCM }

// EncryptWithContext implements [Wrapper].
func (r localRoot) EncryptWithContext(ctx context.Context, plaintext, associatedData []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return r.aead.Encrypt(plaintext, associatedData)
}

// DecryptWithContext implements [Wrapper].
func (r localRoot) DecryptWithContext(ctx context.Context, ciphertext, associatedData []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	plain, err := r.aead.Decrypt(ciphertext, associatedData)
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}
