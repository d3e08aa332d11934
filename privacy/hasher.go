package privacy

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"strings"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// identityGeneration is the generation of identity keys. They are never
// rotated, because what they hashed cannot be hashed again.
const identityGeneration = 1

// Domain separates fingerprints of different things, so that equal strings in
// different roles do not meet.
type Domain string

// The domains.
const (
	DomainMessageID Domain = "message-id"
	DomainAddress   Domain = "address"
	DomainThread    Domain = "thread"
	DomainSubject   Domain = "subject"
	DomainContent   Domain = "content"
	DomainAccount   Domain = "account"
)

// Hasher makes fingerprints and signed tokens under an identity key. It is
// safe for concurrent use and is meant for one call: do not keep it.
type Hasher struct{ key []byte }

// Fingerprint returns the keyed hash of a value, or the zero Fingerprint for
// the empty one.
func (h *Hasher) Fingerprint(d Domain, value string) ticket.Fingerprint {
	if value == "" {
		return ticket.Fingerprint{}
	}
	var f ticket.Fingerprint
	f[0] = identityGeneration
	copy(f[1:], h.mac(string(d), []byte(value)))
	return f
}

func (h *Hasher) mac(domain string, value []byte) []byte {
	m := hmac.New(sha256.New, h.key)
	m.Write([]byte(domain))
	m.Write([]byte{0})
	m.Write(value)
	return m.Sum(nil)
}

var tokenText = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Token returns a token for a message of ours: its id and 128 bits of
// signature in 52 lower-case letters and digits. Whoever has one got mail from
// us; guessing one takes 2^128 tries.
func (h *Hasher) Token(id ticket.ID) string {
	return tokenText.EncodeToString(append(id[:], h.mac("token", id[:])[:16]...))
}

// ParseToken returns the message that a token names, or false if this key did
// not sign it. Case does not matter: mail systems fold it.
func (h *Hasher) ParseToken(s string) (ticket.ID, bool) {
	s = strings.ToLower(s)
	b, err := tokenText.DecodeString(s)
	if err != nil || len(b) != 32 || tokenText.EncodeToString(b) != s { // one spelling: base32 has spare bits
		return ticket.ID{}, false
	}
	id := ticket.ID(b[:16])
	return id, hmac.Equal(b[16:], h.mac("token", id[:])[:16])
}
