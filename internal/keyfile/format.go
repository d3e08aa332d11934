package keyfile

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// The formats never change without another number. Journals of number 1 lack
// changes and positions; the first of these writes the journal anew.
const (
	journalVersion = '2'

	rootMagic    = "helpdesk-root-key 1"
	journalMagic = "helpdesk-key-slots "
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) string {
	return fmt.Sprintf("%08x", crc32.Checksum(b, castagnoli))
}

// formatRoot writes the root file: three lines and their checksum.
func formatRoot(id ticket.ID, key []byte) []byte {
	b := fmt.Appendf(nil, "%s\nid %s\nkey %x\n", rootMagic, id, key)
	return fmt.Appendf(b, "sum %s\n", checksum(b))
}

// parseRoot reads the root file. Its errors never repeat what they read.
func parseRoot(b []byte) (ticket.ID, []byte, error) {
	lines := bytes.SplitAfter(b, []byte("\n"))
	if len(lines) != 5 || len(lines[4]) != 0 || string(lines[0]) != rootMagic+"\n" {
		return ticket.ID{}, nil, errors.New("no root key of a known version")
	}
	body := b[:len(b)-len(lines[3])]
	if string(lines[3]) != "sum "+checksum(body)+"\n" {
		return ticket.ID{}, nil, errors.New("wrong checksum")
	}
	idText, okID := bytes.CutPrefix(bytes.TrimSuffix(lines[1], []byte("\n")), []byte("id "))
	keyText, okKey := bytes.CutPrefix(bytes.TrimSuffix(lines[2], []byte("\n")), []byte("key "))
	id, err := ticket.ParseID(string(idText))
	if err != nil || !okID || !okKey {
		return ticket.ID{}, nil, errors.New("malformed line")
	}
	key := make([]byte, hex.DecodedLen(len(keyText)))
	if _, err := hex.Decode(key, keyText); err != nil || len(key) != privacy.RootKeySize {
		return ticket.ID{}, nil, errors.New("malformed key")
	}
	return id, key, nil
}

// header is the first line of a journal. The generation is another one each
// time the journal was written anew.
type header struct {
	version    byte
	id         ticket.ID
	generation string
}

// headerSize is the length of every header.
const headerSize = len(journalMagic) + 2 + 36 + 1 + 16 + 1 + 8 + 1

func newHeader(id ticket.ID) header {
	var g [8]byte
	_, _ = rand.Read(g[:]) // never fails since Go 1.24
	return header{journalVersion, id, hex.EncodeToString(g[:])}
}

func (h header) bytes() []byte {
	b := fmt.Appendf(nil, "%s%c %s %s ", journalMagic, h.version, h.id, h.generation)
	return fmt.Appendf(b, "%s\n", checksum(b))
}

func parseHeader(b []byte) (header, error) {
	at := len(journalMagic) + 2
	if len(b) < headerSize || !bytes.HasPrefix(b, []byte(journalMagic)) || b[at-2] < '1' || b[at-2] > journalVersion {
		return header{}, errors.New("no slots of a known version")
	}
	id, err := ticket.ParseID(string(b[at : at+36]))
	h := header{b[at-2], id, string(b[at+37 : at+53])}
	if err != nil || !bytes.Equal(b[:headerSize], h.bytes()) {
		return header{}, errors.New("malformed first line")
	}
	return h, nil
}

// record is one line of a journal: what one call did.
type record struct {
	// N counts the lines of a generation, so that a lost one is noticed.
	N     int64    `json:"n"`
	Slots []stored `json:"slots,omitempty"`
	Fence *fencing `json:"fence,omitempty"`
	// Replace are slots as they are after a change.
	Replace []stored  `json:"replace,omitempty"`
	Reached *position `json:"reached,omitempty"`
}

// position is a place in the erasure ledger.
type position struct {
	N    int64  `json:"n"`
	Hash []byte `json:"hash"`
}

func storedPosition(p privacy.Position) *position { return &position{p.N, p.Hash[:]} }

// stored is a slot. The tenant is bytes because JSON strings would change an
// id that is no UTF-8.
type stored struct {
	ID      ticket.ID         `json:"id"`
	Tenant  []byte            `json:"tenant"`
	Level   privacy.Level     `json:"level,omitempty"`
	Parent  ticket.ID         `json:"parent,omitzero"`
	State   privacy.SlotState `json:"state"`
	Wrapped []byte            `json:"wrapped,omitempty"`
	Gen     int64             `json:"gen,omitempty"`
	Under   int64             `json:"under,omitempty"`
	Old     []byte            `json:"old,omitempty"`
}

type fencing struct {
	Tenant []byte      `json:"tenant"`
	IDs    []ticket.ID `json:"ids"`
	Open   bool        `json:"open,omitempty"` // opened again
}

func storedSlots(slots []privacy.Slot) []stored {
	out := make([]stored, len(slots))
	for i, s := range slots {
		out[i] = stored{s.ID, []byte(s.Tenant), s.Level, s.Parent, s.State, s.Wrapped, s.Gen, s.Under, s.Old}
	}
	return out
}

func (s stored) slot() privacy.Slot {
	return privacy.Slot{
		ID: s.ID, Tenant: ticket.TenantID(s.Tenant), Level: s.Level, Parent: s.Parent, State: s.State,
		Wrapped: s.Wrapped, Gen: s.Gen, Under: s.Under, Old: s.Old,
	}
}

// line writes a record: its checksum, a space, JSON, a line feed.
func (r record) line() ([]byte, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("keyfile: %w", err)
	}
	b := make([]byte, 0, len(body)+10)
	b = append(b, checksum(body)...)
	b = append(b, ' ')
	b = append(b, body...)
	return append(b, '\n'), nil
}

// parseLine reads a line without its line feed.
func parseLine(b []byte) (record, error) {
	if len(b) < 9 || b[8] != ' ' || string(b[:8]) != checksum(b[9:]) {
		return record{}, errors.New("wrong checksum")
	}
	var r record
	if err := json.Unmarshal(b[9:], &r); err != nil {
		return record{}, errors.New("malformed line")
	}
	return r, nil
}
