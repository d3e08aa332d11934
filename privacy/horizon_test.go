package privacy_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/privacy"
)

const day = 24 * time.Hour

func TestBackupsHorizon(t *testing.T) {
	for name, tt := range map[string]struct {
		backups privacy.Backups
		horizon time.Duration
		err     error
	}{
		"nothing declared":     {privacy.Backups{}, 365 * day, nil},
		"content":              {privacy.Backups{Content: 30 * day}, 30 * day, nil},
		"blobs are the most":   {privacy.Backups{Content: 30 * day, Keys: 7 * day, Ledger: day, Blobs: 90 * day}, 90 * day, nil},
		"keys are the most":    {privacy.Backups{Content: 30 * day, Keys: 40 * day, Ledger: day, KeysApart: true}, 40 * day, nil},
		"the ledger is":        {privacy.Backups{Content: 30 * day, Ledger: 200 * day}, 200 * day, nil},
		"a year":               {privacy.Backups{Content: 365 * day}, 365 * day, nil},
		"over a year":          {privacy.Backups{Content: 365*day + 1}, 365*day + 1, privacy.ErrHorizon},
		"keys over a year":     {privacy.Backups{Content: day, Keys: 366 * day}, 366 * day, privacy.ErrHorizon},
		"ledger over a year":   {privacy.Backups{Ledger: 400 * day}, 400 * day, privacy.ErrHorizon},
		"blobs over a year":    {privacy.Backups{Blobs: 400 * day}, 400 * day, privacy.ErrHorizon},
		"negative":             {privacy.Backups{Content: day, Blobs: -1}, day, privacy.ErrBackups},
		"apart without keys":   {privacy.Backups{Content: day, KeysApart: true}, day, privacy.ErrBackups},
		"apart, else nothing":  {privacy.Backups{KeysApart: true}, 365 * day, privacy.ErrBackups},
		"apart with both said": {privacy.Backups{Content: 90 * day, Keys: 14 * day, KeysApart: true}, 90 * day, nil},
	} {
		if got := tt.backups.Horizon(); got != tt.horizon {
			t.Errorf("%s: horizon %v, want %v", name, got, tt.horizon)
		}
		if err := tt.backups.Validate(); !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
			t.Errorf("%s: got %v, want %v", name, err, tt.err)
		}
	}
	err := privacy.Backups{Keys: 366 * day}.Validate()
	if err == nil || !strings.Contains(err.Error(), "Keys: 366 days") {
		t.Errorf("the error does not name the field: %v", err)
	}
}

func TestBackupStatement(t *testing.T) {
	destroyed := time.Date(2026, 3, 1, 12, 0, 0, 0, time.FixedZone("CET", 3600))
	ttl := privacy.KeyCacheTTL
	apart := privacy.Backups{Content: 90 * day, Keys: 14 * day, Blobs: 30 * day, KeysApart: true}
	together := apart
	together.KeysApart = false
	gone := destroyed.UTC().Add(14*day + ttl)
	for name, tt := range map[string]struct {
		backups   privacy.Backups
		now       time.Time
		destroyed time.Time
		claim     privacy.BackupClaim
		at, from  time.Time
		text      string
	}{
		"keys in the same backup": {together, destroyed.Add(time.Hour), destroyed,
			privacy.ExpiresBy, destroyed.Add(time.Hour + 90*day), time.Time{}, "expire by 2026-05-30 12:00:00 UTC."},
		"keys in the same backup, much later": {together, destroyed.Add(80 * day), destroyed,
			privacy.ExpiresBy, destroyed.Add(170 * day), time.Time{}, "expire by"},
		"apart, copies of the keys live": {apart, destroyed.Add(time.Hour), destroyed,
			privacy.ExpiresBy, destroyed.Add(time.Hour + 90*day), gone, "become unreadable on 2026-03-15 11:01:00 UTC"},
		"apart, an instant too early": {apart, gone.Add(-1), destroyed,
			privacy.ExpiresBy, gone.Add(90*day - 1), gone, "become unreadable on"},
		"apart, copies of the keys gone": {apart, gone, destroyed,
			privacy.UnreadableSince, gone, time.Time{}, "unreadable since 2026-03-15 11:01:00 UTC"},
		"apart, later": {apart, gone.Add(100 * day), destroyed,
			privacy.UnreadableSince, gone, time.Time{}, "unreadable since 2026-03-15 11:01:00 UTC"},
		"apart, no key destroyed": {apart, gone.Add(day), time.Time{},
			privacy.ExpiresBy, gone.Add(91 * day), time.Time{}, "expire by"},
		"nothing declared": {privacy.Backups{}, destroyed, destroyed,
			privacy.ExpiresBy, destroyed.Add(365 * day), time.Time{}, "was not declared"},
		"apart is all that is declared": {privacy.Backups{KeysApart: true}, destroyed.Add(day), destroyed,
			privacy.ExpiresBy, destroyed.Add(366 * day), time.Time{}, "was not declared"},
		"apart without the time of keys": {privacy.Backups{Content: day, KeysApart: true}, destroyed.Add(day), destroyed,
			privacy.ExpiresBy, destroyed.Add(2 * day), time.Time{}, "expire by"},
	} {
		got := tt.backups.Statement(tt.now, tt.destroyed, ttl)
		if got.Claim != tt.claim || !got.At.Equal(tt.at) || !got.UnreadableFrom.Equal(tt.from) {
			t.Errorf("%s: %+v, want %s %v %v", name, got, tt.claim, tt.at.UTC(), tt.from)
		}
		if got.At.Location() != time.UTC || got.KeysApart != tt.backups.KeysApart || got.Declared != tt.backups.Declared() {
			t.Errorf("%s: %+v", name, got)
		}
		if !strings.Contains(got.String(), tt.text) {
			t.Errorf("%s: %q, want %q in it", name, got, tt.text)
		}
	}
}
