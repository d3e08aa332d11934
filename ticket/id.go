package ticket

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// ErrBadID is returned by [ParseID] and by the Validate methods of
// identifiers. Mend: pass an id that the library handed out, or, for tenants
// and agents, 1 to 255 bytes of your own.
var ErrBadID = errors.New("ticket: malformed identifier: pass an id this library returned, or 1 to 255 bytes for tenants and agents")

// ID identifies a ticket, message, mailbox, task or key. It is a UUID version
// 7 (RFC 9562, section 5.7) made before the transaction that stores it, so
// that whatever lives outside the database can be named beforehand. The zero
// ID means "none".
type ID [16]byte

// NewID returns a fresh ID that sorts by now, in steps of a 4,096th of a
// millisecond (RFC 9562, section 6.2, method 3), so that index pages fill in
// order and what one worker makes in a row keeps its order. The other 62 bits
// are random.
func NewID(now time.Time) ID {
	var id ID
	binary.BigEndian.PutUint64(id[:8], uint64(now.UnixMilli())<<16)
	fraction := uint16(now.Nanosecond() % 1e6 * 4096 / 1e6)
	binary.BigEndian.PutUint16(id[6:], 0x7000|fraction)
	_, _ = rand.Read(id[8:]) // never fails since Go 1.24
	id[8] = id[8]&0x3f | 0x80
	return id
}

// ParseID reads the form that [ID.String] writes. It returns [ErrBadID] for
// anything else and never repeats the input in the error.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return ID{}, ErrBadID
	}
	flat := s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:]
	// One form only: an id that is compared as text must not have two.
	if _, err := hex.Decode(id[:], []byte(flat)); err != nil || id.String() != s {
		return ID{}, ErrBadID
	}
	return id, nil
}

// String returns the usual 36 characters, lower case.
func (id ID) String() string {
	b := make([]byte, 36)
	hex.Encode(b, id[:4])
	hex.Encode(b[9:], id[4:6])
	hex.Encode(b[14:], id[6:8])
	hex.Encode(b[19:], id[8:10])
	hex.Encode(b[24:], id[10:])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b)
}

// Short returns the last eight characters, for people to read. It is no
// credential and no key: mail that quotes it proves nothing.
func (id ID) Short() string { return hex.EncodeToString(id[12:]) }

// IsZero reports whether id is the zero ID.
func (id ID) IsZero() bool { return id == ID{} }

// MarshalText implements encoding.TextMarshaler.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. It returns [ErrBadID].
func (id *ID) UnmarshalText(b []byte) error {
	got, err := ParseID(string(b))
	if err == nil {
		*id = got
	}
	return err
}

// TenantID is the host's own id of its customer: opaque, compared byte by
// byte, 1 to 255 bytes, no personal data.
type TenantID string

// Validate returns [ErrBadID] if the id is empty, too long or holds a NUL byte.
func (t TenantID) Validate() error { return validOpaque("tenant", string(t)) }

// AgentID is the host's own id of a person who works tickets: opaque, compared
// byte by byte, 1 to 255 bytes, no personal data, never resolved here.
type AgentID string

// Validate returns [ErrBadID] if the id is empty, too long or holds a NUL byte.
func (a AgentID) Validate() error { return validOpaque("agent", string(a)) }

func validOpaque(what, s string) error {
	if s == "" || len(s) > 255 {
		return fmt.Errorf("%w (%s id of %d bytes)", ErrBadID, what, len(s))
	}
	for i := range len(s) {
		if s[i] == 0 {
			return fmt.Errorf("%w (%s id with a NUL byte)", ErrBadID, what)
		}
	}
	return nil
}

// Fingerprint is a keyed hash of something that must be found again without
// being readable: an address, a Message-ID, a provider's thread id. Byte 0 is
// the generation of the key, the other 16 the truncated HMAC. The zero
// Fingerprint means "absent".
type Fingerprint [17]byte

// IsZero reports whether f is absent.
func (f Fingerprint) IsZero() bool { return f == Fingerprint{} }
