package ledgerfile

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// magic begins the first line. The format never changes without another
// number.
const magic = "helpdesk-erasure-ledger 1"

// headerSize is the length of the first line.
const headerSize = len(magic) + 1 + 36 + 1

func formatHeader(id ticket.ID) []byte { return fmt.Appendf(nil, "%s %s\n", magic, id) }

func parseHeader(b []byte) (ticket.ID, error) {
	if len(b) < headerSize || !bytes.HasPrefix(b, []byte(magic+" ")) || b[headerSize-1] != '\n' {
		return ticket.ID{}, errors.New("no ledger of a known version")
	}
	id, err := ticket.ParseID(string(b[len(magic)+1 : headerSize-1]))
	if err != nil || id.IsZero() {
		return ticket.ID{}, errors.New("malformed first line")
	}
	return id, nil
}

// stored is an entry as it is written. The tenant is bytes because JSON
// strings would change an id that is no UTF-8.
type stored struct {
	N       int64              `json:"n"`
	ID      ticket.ID          `json:"id"`
	Kind    privacy.LedgerKind `json:"kind"`
	At      time.Time          `json:"at"`
	Tenant  []byte             `json:"tenant"`
	Mailbox ticket.ID          `json:"mailbox,omitzero"`
	Ticket  ticket.ID          `json:"ticket,omitzero"`
	Contact ticket.ID          `json:"contact,omitzero"`
	Part    privacy.Part       `json:"part,omitempty"`
	Slots   []ticket.ID        `json:"slots,omitempty"`
	Keep    []ticket.ID        `json:"keep,omitempty"`
	Body    json.RawMessage    `json:"body,omitempty"`
}

func storedEntry(e privacy.LedgerEntry) stored {
	return stored{e.N, e.ID, e.Kind, e.At, []byte(e.Scope.Tenant), e.Scope.Mailbox, e.Scope.Ticket, e.Scope.Contact,
		e.Scope.Part, e.Slots, e.Keep, e.Body}
}

func (s stored) entry() privacy.LedgerEntry {
	return privacy.LedgerEntry{N: s.N, ID: s.ID, Kind: s.Kind, At: s.At,
		Scope: privacy.Scope{Tenant: ticket.TenantID(s.Tenant), Mailbox: s.Mailbox, Ticket: s.Ticket, Contact: s.Contact, Part: s.Part},
		Slots: s.Slots, Keep: s.Keep, Body: s.Body}
}

// hashSize is the length of a hash as it is written.
const hashSize = 64

// formatLine writes an entry: the hash of the chain after it, a space, JSON, a
// line feed.
func formatLine(e privacy.LedgerEntry, at privacy.Position) ([]byte, error) {
	body, err := json.Marshal(storedEntry(e))
	if err != nil {
		return nil, fmt.Errorf("ledgerfile: %w", err)
	}
	b := hex.AppendEncode(make([]byte, 0, hashSize+len(body)+2), at.Hash[:])
	b = append(b, ' ')
	b = append(b, body...)
	return append(b, '\n'), nil
}

// parseLine reads a line without its line feed, which must be the one that
// formatLine writes after a position: a line has one form only, so that no
// byte of it can be changed.
func parseLine(line []byte, ledger ticket.ID, before privacy.Position) (privacy.LedgerEntry, privacy.Position, error) {
	fail := func(why string) (privacy.LedgerEntry, privacy.Position, error) {
		return privacy.LedgerEntry{}, privacy.Position{}, errors.New(why)
	}
	if len(line) < hashSize+2 || line[hashSize] != ' ' {
		return fail("malformed line")
	}
	var s stored
	if err := json.Unmarshal(line[hashSize+1:], &s); err != nil {
		return fail("malformed line")
	}
	e := s.entry()
	at := e.Chain(ledger, before)
	if e.N != at.N || hex.EncodeToString(at.Hash[:]) != string(line[:hashSize]) {
		return fail("it does not continue the chain")
	}
	again, err := formatLine(e, at)
	if err != nil || !bytes.Equal(again[:len(again)-1], line) {
		return fail("its text was edited")
	}
	return e, at, nil
}

// sector is the least that a disk writes at once.
const sector = 512

// torn reports whether the rest of a ledger, which begins at an offset, is
// what a crash leaves of the last line: one without its end, or one with
// sectors that never reached the disk and read as zero. A single wrong byte is
// damage, not a crash: cutting it off would forget an erasure.
func torn(b []byte, offset int64, parses func(line []byte) bool) bool {
	line, rest, whole := bytes.Cut(b, []byte("\n"))
	if !whole {
		// A whole line and one byte more: only its line feed is wrong.
		return !parses(line[:max(len(line)-1, 0)])
	}
	if len(bytes.Trim(rest, "\x00")) > 0 {
		return false
	}
	for i := 0; i < len(b); {
		if b[i] != 0 {
			i++
			continue
		}
		end := i
		for end < len(b) && b[end] == 0 {
			end++
		}
		starts := i == 0 || (offset+int64(i))%sector == 0
		ends := end == len(b) || (offset+int64(end))%sector == 0
		if starts && ends {
			return true
		}
		i = end
	}
	return false
}
