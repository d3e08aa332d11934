package privacy

import (
	"errors"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// Class says what kind of mailbox data an object is. It is part of what a
// sealed value is bound to and of what an access is authorised for.
type Class string

// The classes of content. All of them reach a store only sealed.
const (
	Raw         Class = "raw"         // the mail as received or sent
	Text        Class = "text"        // readable text
	HTML        Class = "html"        // HTML as written, not yet safe
	Subject     Class = "subject"     // subjects
	Addresses   Class = "addresses"   // names and addresses in headers
	Names       Class = "names"       // names of contacts
	Notes       Class = "notes"       // internal notes
	Attachments Class = "attachments" // names, types and sizes of attachments
	Drafts      Class = "drafts"      // unsent text
	Credentials Class = "credentials" // accounts with their secrets
)

// Sealed is content as a store may have it. Its form never changes:
//
//	version (1) | suite (1) | flags (1) | key id (16) | ciphertext
//
// It is opaque to stores, which copy it byte by byte.
type Sealed []byte

// The fixed parts of the format.
const (
	sealedVersion  = 1
	suiteAES256GCM = 1
	flagDeflate    = 1
	sealedHeader   = 3 + 16
)

// KeyID returns the id of the key slot that opens the value, or zero if it is
// no sealed value.
func (s Sealed) KeyID() ticket.ID {
	if len(s) < sealedHeader || s[0] != sealedVersion {
		return ticket.ID{}
	}
	return ticket.ID(s[3:sealedHeader])
}

// Object names one piece of content. A sealed value opens only as the object
// it was sealed as: moved to another tenant, mailbox, row or column it is an
// error.
type Object struct {
	Tenant  ticket.TenantID
	Mailbox ticket.ID
	// ID is the message, ticket or mailbox the content belongs to.
	ID    ticket.ID
	Class Class
}

// Errors of sealing and opening. None carries content.
var (
	// ErrSealed: the value is damaged or belongs elsewhere. Mend: nothing the
	// caller can do; look for tampering or a bad restore.
	ErrSealed = errors.New("privacy: sealed value is damaged or was moved: restore it from a good copy")
	// ErrErased: its key was destroyed, on purpose and for good.
	ErrErased = errors.New("privacy: the content was erased: its key is destroyed")
	// ErrNoKey: there never was such a key, or the key store lost it.
	ErrNoKey = errors.New("privacy: no such key: check that the key store belongs to this store")
	// ErrFenced: its keys are closed while an erasure is under way.
	ErrFenced = errors.New("privacy: the keys are fenced: a disconnect or erasure is under way")
)
