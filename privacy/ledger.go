package privacy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// Errors of ledgers.
var (
	// ErrLedger: the ledger does not hang together: something of it was
	// edited, removed, exchanged or damaged. It is never repaired by itself.
	// Mend: bring it back from a good copy.
	ErrLedger = errors.New("privacy: the erasure ledger is damaged or was edited: bring it back from a good copy")
	// ErrLedgerBehind: somebody has seen entries that the ledger does not
	// have, so it was exchanged for an older copy. Mend: bring the newer one
	// back.
	ErrLedgerBehind = errors.New("privacy: the erasure ledger lacks entries that were carried out already: it is an older copy, bring the newest one back")
	// ErrLedgerEntry: an entry that cannot be written. The error that wraps it
	// says why.
	ErrLedgerEntry = errors.New("privacy: bad ledger entry")
)

// LedgerKind says what an entry of the erasure ledger announces.
type LedgerKind string

// The kinds of entries.
const (
	LedgerPlanned   LedgerKind = "planned"   // an erasure is to come: Slots are closed until then
	LedgerCancelled LedgerKind = "cancelled" // it is not to come after all: Slots are open again
	LedgerErase     LedgerKind = "erase"     // an erasure begins: nothing is destroyed before this
	LedgerHold      LedgerKind = "hold"      // a hold begins
	LedgerRelease   LedgerKind = "release"   // a hold is over
	LedgerClosed    LedgerKind = "closed"    // a tenant is closed for good
	LedgerRecovered LedgerKind = "recovered" // a restored store has carried out what it had missed
)

// Valid reports whether k is one of the kinds.
func (k LedgerKind) Valid() bool {
	switch k {
	case LedgerPlanned, LedgerCancelled, LedgerErase, LedgerHold, LedgerRelease, LedgerClosed, LedgerRecovered:
		return true
	}
	return false
}

// LedgerEntry is one line of the erasure ledger. It holds ids, constants and
// instants, never personal data: it outlives what was erased.
type LedgerEntry struct {
	// N counts the entries from 1. The ledger gives it.
	N int64 `json:"n"`
	// ID is that of the erasure or the hold. A ledger has at most one entry of
	// each ID and Kind.
	ID   ticket.ID  `json:"id"`
	Kind LedgerKind `json:"kind"`
	// At is when it was announced, to the microsecond.
	At    time.Time `json:"at"`
	Scope Scope     `json:"scope"`
	// Slots are those that the entry closes, opens or destroys.
	Slots []ticket.ID `json:"slots,omitempty"`
	// Keep are the tickets that holds kept.
	Keep []ticket.ID `json:"keep,omitempty"`
	// Body is a JSON object whose form its writer versions, or empty.
	Body json.RawMessage `json:"body,omitempty"`
}

// MaxLedgerEntry bounds an entry, in bytes of the form that is hashed.
const MaxLedgerEntry = 4 << 20

// Ledger is the erasure ledger: append-only, outside the content store and the
// key store, and written before anything is destroyed. Content and key stores
// record the [Position] that they have carried out, so one that was restored
// from an older copy is recognised and catches up.
//
// Its methods are safe for concurrent use, also by several processes. What
// [Ledger.Read], [Ledger.At] and [Ledger.Head] return was checked against the
// chain as far as it was read: a ledger that does not hang together is
// [ErrLedger]. They see whatever was appended before they were called.
type Ledger interface {
	// ID names the ledger for good; it is recorded beside the content.
	ID() ticket.ID
	// Append adds an entry and returns its position; N is ignored. The entry
	// is durable when it returns. The ID and Kind of an entry that is there
	// already return the position of that one and change nothing, so a caller
	// who does not know whether a call arrived repeats it. An entry that
	// cannot be written is ErrLedgerEntry.
	Append(ctx context.Context, e LedgerEntry) (Position, error)
	// Read returns at most limit entries after the first n, in order; none
	// when there are no more. More than there are is ErrLedgerBehind.
	Read(ctx context.Context, n int64, limit int) ([]LedgerEntry, error)
	// At returns the position after the first n entries; 0 is the zero
	// Position. More than there are is ErrLedgerBehind.
	At(ctx context.Context, n int64) (Position, error)
	// Head returns the position after the last entry.
	Head(ctx context.Context) (Position, error)
}

// Prepare returns the entry in the form that is hashed and stored, sharing no
// bytes with e: At in UTC and whole microseconds, Body without white space,
// empty lists nil. It is for who writes a [Ledger], and returns ErrLedgerEntry
// for an entry that cannot be written.
func (e LedgerEntry) Prepare() (LedgerEntry, error) {
	bad := func(why string) (LedgerEntry, error) {
		return LedgerEntry{}, fmt.Errorf("%w: %s", ErrLedgerEntry, why)
	}
	e.At = e.At.UTC().Truncate(time.Microsecond)
	switch {
	case e.ID.IsZero():
		return bad("no ID")
	case !e.Kind.Valid():
		return bad("unknown kind")
	case e.At.Year() < 1970 || e.At.Year() > 9999:
		return bad("At is not from 1970 to 9999")
	case e.Scope.Tenant.Validate() != nil:
		return bad("the scope has no tenant")
	case e.Scope.Part != Whole && e.Scope.Part != AttachmentsPart:
		return bad("unknown part")
	}
	e.Slots, e.Keep = cloneIDs(e.Slots), cloneIDs(e.Keep)
	body, err := compactObject(e.Body)
	if err != nil {
		return bad("Body is no JSON object in UTF-8")
	}
	e.Body = body
	if len(e.encode()) > MaxLedgerEntry {
		return bad(fmt.Sprintf("longer than %d bytes", MaxLedgerEntry))
	}
	return e, nil
}

func cloneIDs(ids []ticket.ID) []ticket.ID {
	if len(ids) == 0 {
		return nil
	}
	return slices.Clone(ids)
}

// compactObject returns a JSON object as json.Marshal writes it inside another
// one, so that a ledger which stores entries as JSON keeps every byte.
func compactObject(body json.RawMessage) (json.RawMessage, error) {
	if len(body) == 0 {
		return nil, nil
	}
	if !utf8.Valid(body) || !bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) {
		return nil, ErrLedgerEntry
	}
	return json.Marshal(body)
}

// LedgerLag returns how many entries a store at a position has not carried out
// yet. A position that the ledger does not have is ErrLedgerBehind; one whose
// entry is another than the ledger's is ErrLedger.
func LedgerLag(ctx context.Context, l Ledger, reached Position) (int64, error) {
	have, err := l.At(ctx, reached.N)
	if err != nil {
		return 0, err
	}
	if have != reached {
		return 0, fmt.Errorf("%w (entry %d is another one than a store has carried out)", ErrLedger, reached.N)
	}
	head, err := l.Head(ctx)
	if err != nil {
		return 0, err
	}
	return head.N - reached.N, nil
}
