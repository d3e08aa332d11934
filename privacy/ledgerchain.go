package privacy

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// The chain never changes without another version byte. The hash of entry n is
//
//	SHA-256( "helpdesk-ledger" | version (1) | ledger id (16) | hash of n-1 (32) | entry )
//
// where the hash before the first entry is zero, and an entry is
//
//	n (8) | id (16) | kind | at, microseconds since 1970 (8) |
//	tenant | mailbox (16) | ticket (16) | contact (16) | part |
//	slots | keep | body
//
// Numbers are big-endian. Texts begin with their length in bytes (4), lists of
// ids with the number of ids (4).
const (
	ledgerDomain  = "helpdesk-ledger"
	ledgerVersion = 1
)

// Chain returns the position after the entry in a ledger where before is the
// position before it. N counts on from there, whatever e.N says. It is for who
// writes or checks a [Ledger]; e is as [LedgerEntry.Prepare] returns it.
func (e LedgerEntry) Chain(ledger ticket.ID, before Position) Position {
	e.N = before.N + 1
	b := append([]byte(ledgerDomain), ledgerVersion)
	b = append(b, ledger[:]...)
	b = append(b, before.Hash[:]...)
	return Position{N: e.N, Hash: sha256.Sum256(append(b, e.encode()...))}
}

// encode returns the entry in the form that is hashed.
func (e LedgerEntry) encode() []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(e.N))
	b = append(b, e.ID[:]...)
	b = appendText(b, []byte(e.Kind))
	b = binary.BigEndian.AppendUint64(b, uint64(e.At.UnixMicro()))
	b = appendText(b, []byte(e.Scope.Tenant))
	b = append(b, e.Scope.Mailbox[:]...)
	b = append(b, e.Scope.Ticket[:]...)
	b = append(b, e.Scope.Contact[:]...)
	b = appendText(b, []byte(e.Scope.Part))
	b = appendIDs(b, e.Slots)
	b = appendIDs(b, e.Keep)
	return appendText(b, e.Body)
}

func appendText(b, text []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(text)))
	return append(b, text...)
}

func appendIDs(b []byte, ids []ticket.ID) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(ids)))
	for _, id := range ids {
		b = append(b, id[:]...)
	}
	return b
}

// ledgerPage is how many entries are checked at a time.
const ledgerPage = 500

// VerifyLedger reads a ledger from a position that is trusted, the zero one
// for all of it, computes the chain again and returns the head that it found.
// A ledger that does not hang together is ErrLedger.
func VerifyLedger(ctx context.Context, l Ledger, from Position) (Position, error) {
	at := from
	for {
		page, err := l.Read(ctx, at.N, ledgerPage)
		if err != nil {
			return Position{}, err
		}
		for _, e := range page {
			if e.N != at.N+1 {
				return Position{}, fmt.Errorf("%w (entry %d is missing)", ErrLedger, at.N+1)
			}
			at = e.Chain(l.ID(), at)
		}
		have, err := l.At(ctx, at.N)
		if err != nil {
			return Position{}, err
		}
		if have != at {
			return Position{}, fmt.Errorf("%w (between entries %d and %d)", ErrLedger, from.N, at.N)
		}
		if len(page) == 0 {
			return at, nil
		}
	}
}
