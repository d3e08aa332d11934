package helpdesk

import (
	"errors"
	"fmt"

	"github.com/helpdesk-go/helpdesk/internal/keyfile"
	"github.com/helpdesk-go/helpdesk/privacy"
)

// Keys is where the keys come from that content is sealed with.
type Keys interface {
	// Open returns the root key and the key store. fresh is set when the
	// content store is empty, which is the only time a key may be made.
	Open(fresh bool) (privacy.Wrapper, privacy.Slots, error)
	// Durable reports whether the keys outlive the process.
	Durable() bool
}

// KeyFile keeps the root key in a file at path, readable by its owner only,
// and the key slots in path + ".slots". They are made when the content store
// is empty, and never again: losing them is losing the content. Back both up
// together, apart from the content. Several processes on one machine may share
// them.
func KeyFile(path string) Keys { return keyFile(path) }

type keyFile string

func (k keyFile) Durable() bool { return true }

func (k keyFile) Open(fresh bool) (privacy.Wrapper, privacy.Slots, error) {
	f, err := keyfile.Open(string(k), fresh)
	switch {
	case errors.Is(err, keyfile.ErrMissing):
		return nil, nil, fmt.Errorf("%w (%w)", ErrKeys, err)
	case err != nil:
		return nil, nil, fmt.Errorf("helpdesk: opening the key file: %w", err)
	}
	return f.Root(), f, nil
}

// EphemeralKeys are keys that die with the process, for tests and for the
// memory store. The value may be given to several desks of one process.
func EphemeralKeys() Keys {
	k := &heldKeys{slots: privacy.NewMemorySlots(), erasures: privacy.NewMemoryLedger()}
	k.root, k.err = privacy.NewEphemeralRoot()
	return k
}

// KeyStore takes a root key, such as a KMS client, and a key store, such as
// that of store/postgres in a database of its own.
func KeyStore(root privacy.Wrapper, slots privacy.Slots) Keys {
	return &heldKeys{root: root, slots: slots, durable: true, erasures: privacy.NewMemoryLedger()}
}

type heldKeys struct {
	root    privacy.Wrapper
	slots   privacy.Slots
	durable bool
	err     error
	// erasures is the ledger beside a store in memory.
	erasures privacy.Ledger
}

func (k *heldKeys) Durable() bool { return k.durable }

func (k *heldKeys) Open(bool) (privacy.Wrapper, privacy.Slots, error) {
	if k.err != nil {
		return nil, nil, k.err
	}
	if k.root == nil || k.slots == nil {
		return nil, nil, fmt.Errorf("%w: Keys: KeyStore needs a root and slots", ErrConfig)
	}
	return k.root, k.slots, nil
}
