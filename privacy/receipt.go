package privacy

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// Trigger says why an erasure took place.
type Trigger string

// The triggers.
const (
	TriggerDisconnected  Trigger = "mailbox-disconnected"
	TriggerTenantClosed  Trigger = "tenant-closed"
	TriggerRequest       Trigger = "erasure-requested" // by the person or the tenant, ahead of any rule
	TriggerClosedTickets Trigger = "closed-ticket-age"
	TriggerSpam          Trigger = "spam-age"
	TriggerAttachments   Trigger = "attachment-age"
	TriggerReleased      Trigger = "hold-ended" // what a hold had stopped
)

// Receipt is the proof of one erasure, as a value: what was asked, what was
// done, what was not and why. It holds ids, constants, instants and counts,
// never personal data, so it can be kept and passed on when everything else is
// gone. [Receipt.Sign] makes it checkable by a stranger.
type Receipt struct {
	// Version is of the form, 1. Sign sets it.
	Version int       `json:"version"`
	ID      ticket.ID `json:"id"`
	// Ledger is the entry that announced the erasure before anything was
	// destroyed.
	Ledger LedgerPlace `json:"ledger"`
	// Tenant is a pseudonym: a keyed hash or a random id, 16 to 64
	// hexadecimal digits and hyphens, never the tenant's name.
	Tenant string       `json:"tenant"`
	Scope  ReceiptScope `json:"scope"`

	Trigger   Trigger   `json:"trigger"`
	Triggered time.Time `json:"triggered"` // when what the trigger is about happened
	Requested time.Time `json:"requested"` // when the erasure was asked of the library
	Started   time.Time `json:"started"`
	Finished  time.Time `json:"finished"`
	Deadline  time.Time `json:"deadline"`
	// LateSeconds is how long after its deadline it finished, rounded up. Sign
	// sets it.
	LateSeconds int64 `json:"late_seconds"`

	// Removed counts by table and kind of blob.
	Removed map[string]Removed `json:"removed"`
	// Keys are the fingerprints of destroyed keys: SHA-256 of a wrapped key,
	// in hexadecimal.
	Keys       []string        `json:"keys"`
	Kept       []Kept          `json:"kept,omitempty"`
	Revocation Revocation      `json:"revocation"`
	HostStores []HostStore     `json:"host_stores,omitempty"`
	Untouched  []HostClass     `json:"untouched,omitempty"`
	Backups    BackupStatement `json:"backups"`
	Checks     []Check         `json:"checks"`
	// AccessLog is the head of the access log that covers the erasure.
	AccessLog LogPlace `json:"access_log,omitzero"`

	Software string `json:"software"` // name and version, without spaces
	Policy   string `json:"policy"`   // version of the rules that were in force
	Profile  string `json:"profile"`  // see [Profile]
}

// LedgerPlace is an entry of an erasure ledger.
type LedgerPlace struct {
	ID   ticket.ID `json:"id"` // of the ledger
	N    int64     `json:"n"`
	Hash Digest    `json:"hash"`
}

// LogPlace is a head of an access log: its size and the root of its tree.
type LogPlace struct {
	Size int64  `json:"size"`
	Root Digest `json:"root"`
}

// Digest is a SHA-256 hash, in hexadecimal where it is text.
type Digest [sha256.Size]byte

// MarshalText implements encoding.TextMarshaler.
func (d Digest) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, d[:]), nil }

// UnmarshalText implements encoding.TextUnmarshaler. It returns [ErrReceipt].
func (d *Digest) UnmarshalText(b []byte) error {
	var got Digest
	if n, err := hex.Decode(got[:], b[:min(len(b), 2*len(got))]); err != nil || n != len(got) || len(b) != 2*n {
		return ErrReceipt
	}
	*d = got
	return nil
}

// ReceiptScope is what an erasure was about, by opaque ids: a [Scope] without
// the host's id of the tenant.
type ReceiptScope struct {
	Kind    ScopeKind `json:"kind"`
	Mailbox ticket.ID `json:"mailbox,omitzero"`
	Ticket  ticket.ID `json:"ticket,omitzero"`
	Contact ticket.ID `json:"contact,omitzero"`
	Part    Part      `json:"part,omitempty"`
}

// Receipt returns the scope as receipts have it.
func (s Scope) Receipt() ReceiptScope {
	return ReceiptScope{Kind: s.Kind(), Mailbox: s.Mailbox, Ticket: s.Ticket, Contact: s.Contact, Part: s.Part}
}

// Removed is a number of rows or objects, and of bytes of content in them.
type Removed struct {
	Rows  int64 `json:"rows"`
	Bytes int64 `json:"bytes"`
}

// Kept is what a hold or an approved need excluded from the erasure.
type Kept struct {
	Hold   ticket.ID `json:"hold"`
	Ground string    `json:"ground"` // a constant, such as legal-claim
	// Expires is when it ends by itself, or zero for one that is reviewed.
	Expires  time.Time `json:"expires,omitzero"`
	Tickets  int64     `json:"tickets"`
	Messages int64     `json:"messages"`
	Bytes    int64     `json:"bytes"`
}

// RevocationOutcome is how the provider took the end of the access.
type RevocationOutcome string

// The outcomes.
const (
	RevocationNone        RevocationOutcome = "none"        // the erasure did not end an access
	Revoked               RevocationOutcome = "revoked"     // the provider confirmed
	RevocationAlready     RevocationOutcome = "already"     // the grant was dead before
	RevocationUnsupported RevocationOutcome = "unsupported" // the provider has no such call: the account's owner ends it there
	RevocationFailed      RevocationOutcome = "failed"      // the provider did not confirm; the credential is destroyed here
)

// Revocation is the end of the access to the account at its provider.
type Revocation struct {
	Outcome  RevocationOutcome `json:"outcome"`
	Provider string            `json:"provider,omitempty"` // a constant, such as gmail
	At       time.Time         `json:"at,omitzero"`
}

// HostOutcome is what a store of the host answered.
type HostOutcome string

// The outcomes.
const (
	HostDone   HostOutcome = "done"
	HostFailed HostOutcome = "failed"
)

// HostStore is a store of the host that took part in the erasure.
type HostStore struct {
	Name    string      `json:"name"` // a constant of the host
	Outcome HostOutcome `json:"outcome"`
	Removed
}

// HostClass is a class of data that is the host's own and was not touched.
type HostClass struct {
	Class  string `json:"class"`  // a constant of the host, such as invoices
	Ground string `json:"ground"` // a constant, such as bookkeeping-act
}

// Check is one test that was made after the erasure.
type Check struct {
	Name   string `json:"name"` // a constant, such as rows-gone
	Passed bool   `json:"passed"`
	Looked int64  `json:"looked"` // how many things it looked at
	Found  int64  `json:"found"`  // how many of them should not be there
}

// Errors of receipts.
var (
	// ErrReceipt: this is no receipt of a known form.
	ErrReceipt = errors.New("privacy: no erasure receipt of a known form: check that it is the whole file, or use a newer program")
	// ErrReceiptField: a receipt that must not be signed. The error that wraps
	// it names the field.
	ErrReceiptField = errors.New("privacy: this receipt must not be signed")
)

// The form of a signed receipt: a line that says what it is, then JSON.
const (
	receiptMagic   = "helpdesk-receipt 1\n"
	receiptVersion = 1
)

// Late returns how long after its deadline the erasure finished, or zero.
func (r Receipt) Late() time.Duration { return max(r.Finished.Sub(r.Deadline), 0) }

func (r Receipt) lateSeconds() int64 { return int64((r.Late() + time.Second - 1) / time.Second) }

// Incomplete names what keeps the erasure from being complete, such as checks
// that failed, stores of the host that did not answer and an access that the
// provider did not revoke; nil for none. What a
// hold kept is an exclusion, not a failure.
func (r Receipt) Incomplete() (why []string) {
	if len(r.Checks) == 0 {
		why = append(why, "nothing was verified")
	}
	for _, c := range r.Checks {
		if !c.Passed {
			why = append(why, "check "+c.Name)
		}
	}
	for _, h := range r.HostStores {
		if h.Outcome != HostDone {
			why = append(why, "host store "+h.Name)
		}
	}
	if r.Revocation.Outcome == RevocationFailed {
		why = append(why, "revocation by "+r.Revocation.Provider)
	}
	return why
}

// Sign returns the receipt as a signed note: a line that says what it is, JSON,
// and the signature. It sets Version and LateSeconds in what it signs, and
// returns [ErrReceiptField] for a receipt that lacks what it must tell or has a
// text that is no id or constant.
func (r Receipt) Sign(s *Signer) ([]byte, error) {
	r.Version, r.LateSeconds = receiptVersion, r.lateSeconds()
	if r.Removed == nil {
		r.Removed = map[string]Removed{}
	}
	if r.Keys == nil {
		r.Keys = []string{}
	}
	if err := r.Validate(); err != nil {
		return nil, err
	}
	body, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, ErrReceiptField // the cause may quote a value
	}
	return s.Sign(append(append([]byte(receiptMagic), body...), '\n'))
}

// VerifyReceipt returns the receipt in a signed note. It needs nothing but the
// file and the public keys of who may have issued it. Errors are
// [ErrSignature], [ErrSigningKey] and [ErrReceipt].
func VerifyReceipt(signed []byte, keys ...string) (Receipt, error) {
	text, err := OpenSigned(signed, keys...)
	if err != nil {
		return Receipt{}, err
	}
	body, ok := bytes.CutPrefix(text, []byte(receiptMagic))
	if !ok {
		return Receipt{}, ErrReceipt
	}
	var r Receipt
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields() // what is not understood must not be passed over
	if err := d.Decode(&r); err != nil || d.More() || r.Validate() != nil {
		return Receipt{}, ErrReceipt
	}
	return r, nil
}
