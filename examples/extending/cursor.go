package extending

import (
	"encoding/json"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

// place is what a cursor holds: no path, no address, only counters and times.
type place struct {
	Epoch string `json:"epoch"`
	// N is the number of the last mail listed.
	N int `json:"n"`
	// Until and From are those of a resynchronisation: mail up to the number
	// Until is listed only if it was received at or after From.
	Until int       `json:"until,omitempty"`
	From  time.Time `json:"from,omitzero"`
	// Before is where Backfill began: later mail is not listed.
	Before time.Time `json:"before,omitzero"`
}

// start returns the place that a query goes on from, or errEpoch if its cursor
// says nothing about the folder as it is numbered now.
func start(q mailbox.Query, l listing) (p place, err error) {
	backfill := q.Stream == mailbox.Backfill
	switch {
	case q.Resync && !backfill:
		return place{Epoch: l.epoch, Until: l.last, From: q.From}, nil
	case len(q.Cursor) == 0 && !backfill:
		return place{Epoch: l.epoch, N: l.last}, nil
	case len(q.Cursor) == 0 && !q.From.IsZero():
		return place{Epoch: l.epoch, N: l.last + 1, Before: q.From}, nil
	case len(q.Cursor) == 0 || q.Resync:
		return place{Epoch: l.epoch, N: l.last + 1, Before: time.Now()}, nil
	}
	if json.Unmarshal(q.Cursor, &p) != nil || p.Epoch != l.epoch || p.N > l.last+1 {
		return p, errEpoch
	}
	return p, nil
}

// wants reports whether a file comes after the place, in the window.
func (p place) wants(m file, s mailbox.Stream, since time.Time) bool {
	if s == mailbox.Backfill {
		return m.n < p.N && m.at.Before(p.Before) && !since.IsZero() && !m.at.Before(since)
	}
	return m.n > p.N && (m.n > p.Until || !m.at.Before(p.From))
}

func (p place) cursor() mailbox.Cursor {
	b, _ := json.Marshal(p) // strings, numbers and times of this century
	return b
}
