package privacy

import (
	"errors"
	"fmt"
	"time"
)

// MaxHorizon is the longest time that a copy of erased data may live on in
// backups, and what is assumed where no backups are declared.
const MaxHorizon = 365 * 24 * time.Hour

// KeyCacheTTL is the longest time that a process keeps the key of a tenant or
// a mailbox in memory after it was destroyed.
const KeyCacheTTL = time.Minute

// Errors of declared backups. The error that wraps them names the field.
var (
	// ErrHorizon: copies are kept for longer than is promised. Mend: shorten
	// the backups.
	ErrHorizon = errors.New("privacy: backups are kept for longer than 365 days: shorten them, erased data must be gone from them by then")
	// ErrBackups: a declaration that cannot be meant.
	ErrBackups = errors.New("privacy: bad declaration of backups")
)

// Backups declares how long copies of each store are kept, counted from when
// they are made: dumps, snapshots, archived logs and versions of objects alike.
// The library cannot see backups; every receipt repeats what is declared here.
// The zero value declares nothing, and is treated as 365 days without
// separation of keys.
type Backups struct {
	// Content, Keys, Ledger and Blobs are the longest time that a copy of the
	// content store, the key store, the erasure ledger and the blobs is kept.
	Content, Keys, Ledger, Blobs time.Duration
	// KeysApart declares that no backup that holds content also holds the key
	// store or its copies. It needs Keys: a key store that is never copied is
	// declared with the time that its disk is kept.
	KeysApart bool
}

// Declared reports whether any backup is declared.
func (b Backups) Declared() bool {
	b.KeysApart = false
	return b != Backups{}
}

// Validate returns an error that is [ErrHorizon] or [ErrBackups] unless the
// promises can be kept with such backups. A desk that is set up with others
// does not start.
func (b Backups) Validate() error {
	for _, f := range []struct {
		name string
		kept time.Duration
	}{{"Content", b.Content}, {"Keys", b.Keys}, {"Ledger", b.Ledger}, {"Blobs", b.Blobs}} {
		switch {
		case f.kept < 0:
			return fmt.Errorf("%w: %s is negative", ErrBackups, f.name)
		case f.kept > MaxHorizon:
			return fmt.Errorf("%w (%s: %s)", ErrHorizon, f.name, days(f.kept))
		}
	}
	if b.KeysApart && b.Keys == 0 {
		return fmt.Errorf("%w: KeysApart without Keys: say how long copies of the key store are kept", ErrBackups)
	}
	return nil
}

// Horizon returns the time after which no backup has a copy of what was erased
// now: the longest of all, or 365 days where none is declared.
func (b Backups) Horizon() time.Duration {
	if !b.Declared() {
		return MaxHorizon
	}
	return max(b.Content, b.Keys, b.Ledger, b.Blobs)
}

// BackupClaim is what may be said about the copies of erased data in backups.
type BackupClaim string

// The claims.
const (
	// UnreadableSince: copies may exist, but nothing that opens them does.
	UnreadableSince BackupClaim = "unreadable-since"
	// ExpiresBy: copies may exist that can be opened; the last is gone by then.
	ExpiresBy BackupClaim = "expires-by"
)

// BackupStatement is the part of a receipt that is about backups.
type BackupStatement struct {
	Claim BackupClaim `json:"claim"`
	// At is since when, or by when.
	At time.Time `json:"at"`
	// UnreadableFrom is, beside ExpiresBy, when the last copy of the keys is
	// gone; from then on the copies of the content open no more. Zero where
	// keys are not kept apart.
	UnreadableFrom time.Time `json:"unreadable_from,omitzero"`
	// Declared tells whether the host declared its backups, KeysApart what it
	// declared about keys.
	Declared  bool `json:"declared"`
	KeysApart bool `json:"keys_apart"`
}

// Statement returns what may be said at an instant by which all of the content
// is gone from the live stores. Its keys were destroyed at keysDestroyedAt,
// which is zero if they were not, and no process has had one of them for
// longer than cacheTTL after that, which is usually [KeyCacheTTL].
//
// UnreadableSince is claimed only where keys are kept apart and their own
// copies are gone already; everything else is ExpiresBy.
func (b Backups) Statement(now, keysDestroyedAt time.Time, cacheTTL time.Duration) BackupStatement {
	s := BackupStatement{Claim: ExpiresBy, At: now.UTC().Add(b.Horizon()), Declared: b.Declared(), KeysApart: b.KeysApart}
	if !b.KeysApart || b.Validate() != nil || keysDestroyedAt.IsZero() {
		return s
	}
	gone := keysDestroyedAt.UTC().Add(max(cacheTTL, 0) + b.Keys)
	if now.Before(gone) {
		s.UnreadableFrom = gone
		return s
	}
	s.Claim, s.At = UnreadableSince, gone
	return s
}

// String returns the statement as a sentence.
func (s BackupStatement) String() string {
	at := s.At.UTC().Format(textTime)
	switch {
	case s.Claim == UnreadableSince:
		return "Copies in backups have been unreadable since " + at + ", because no copy of their keys is left."
	case !s.UnreadableFrom.IsZero():
		return "Copies in backups become unreadable on " + s.UnreadableFrom.UTC().Format(textTime) +
			", when the last copy of their keys expires, and are gone by " + at + "."
	case !s.Declared:
		return "Copies in backups expire by " + at + ", at the latest: how long backups are kept was not declared."
	default:
		return "Copies in backups expire by " + at + "."
	}
}

// textTime is how texts for people write instants, which are in UTC.
const textTime = "2006-01-02 15:04:05 UTC"

// days writes a duration in days, rounded up.
func days(d time.Duration) string {
	const day = 24 * time.Hour
	return fmt.Sprintf("%d days", (d+day-1)/day)
}
