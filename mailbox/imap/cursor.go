package imap

import (
	"encoding/json"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

const cursorVersion = 1

// cursor is a place in a stream. It names folders by hash, because their names
// may tell something about people.
type cursor struct {
	Version int            `json:"v"`
	Stream  mailbox.Stream `json:"s"`
	// At is when the cursor was first made. Of a folder that turns up later
	// only mail received since then is listed.
	At time.Time `json:"at,omitzero"`
	// From and Until bound the receive times that a Backfill lists, and From
	// those that a resynchronisation lists again.
	From  time.Time `json:"from,omitzero"`
	Until time.Time `json:"until,omitzero"`
	// Resync is set while a resynchronisation lists.
	Resync bool `json:"r,omitempty"`
	// Folders are the places in each folder, by key.
	Folders map[string]place `json:"f"`
}

// place is a place in one folder (RFC 3501 section 2.3.1.1).
type place struct {
	Validity uint32 `json:"u"`
	// Last: Live has listed all mail up to this UID, Backfill all from it on.
	Last uint32 `json:"l"`
	// Again is set in a resynchronisation: mail up to this UID is listed only
	// if received since From, mail above it is new in any case.
	Again uint32 `json:"a,omitempty"`
	// ModSeq is the HIGHESTMODSEQ at which Last was complete (RFC 7162).
	ModSeq uint64 `json:"m,omitempty"`
}

func (c cursor) encode() (mailbox.Cursor, error) { return json.Marshal(c) }

func decodeCursor(b mailbox.Cursor, s mailbox.Stream) (cursor, bool) {
	var c cursor
	err := json.Unmarshal(b, &c)
	return c, err == nil && c.Version == cursorVersion && c.Stream == s && c.Folders != nil
}
