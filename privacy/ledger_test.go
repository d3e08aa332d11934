package privacy_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/privacy/ledgertest"
	"github.com/helpdesk-go/helpdesk/ticket"
)

func TestMemoryLedger(t *testing.T) {
	ledgertest.Run(t, func(*testing.T) privacy.Ledger { return privacy.NewMemoryLedger() })
	if a, b := privacy.NewMemoryLedger(), privacy.NewMemoryLedger(); a.ID() == b.ID() {
		t.Error("two ledgers share an ID")
	}
}

// TestLedgerChainIsFrozen holds the encoding to what older ledgers were
// written with. If it fails, the encoding changed: that needs another version
// byte, and the old one must still be read.
func TestLedgerChainIsFrozen(t *testing.T) {
	e := privacy.LedgerEntry{
		ID: ticket.ID{1}, Kind: privacy.LedgerErase, At: time.Unix(1_800_000_000, 123_456_000),
		Scope: privacy.Scope{Tenant: "acm\xff", Mailbox: ticket.ID{2}, Ticket: ticket.ID{3}, Contact: ticket.ID{4}, Part: privacy.AttachmentsPart},
		Slots: []ticket.ID{{5}, {6}}, Keep: []ticket.ID{{7}}, Body: json.RawMessage(`{"v":1}`),
	}
	at := e.Chain(ticket.ID{9}, privacy.Position{})
	next := privacy.LedgerEntry{ID: ticket.ID{8}, Kind: privacy.LedgerClosed, At: time.Unix(1_800_000_001, 0), Scope: privacy.Scope{Tenant: "acme"}}
	end := next.Chain(ticket.ID{9}, at)
	const ( // computed by another program from the description
		wantFirst  = "85f0fef223f86fd09fa220cf056805e73f15e3eea3a2a20e873fd49b6610516a"
		wantSecond = "ad42338fe45f4978f6f94ee9a16b2a3f4002879212fa84de5f25b9545b76764c"
	)
	if got := hex.EncodeToString(at.Hash[:]); at.N != 1 || got != wantFirst {
		t.Errorf("first entry: %d %s, want %s", at.N, got, wantFirst)
	}
	if got := hex.EncodeToString(end.Hash[:]); end.N != 2 || got != wantSecond {
		t.Errorf("second entry: %d %s, want %s", end.N, got, wantSecond)
	}
}

// TestLedgerChainCoversEverything changes each part of an entry in turn.
func TestLedgerChainCoversEverything(t *testing.T) {
	base := func() privacy.LedgerEntry {
		return privacy.LedgerEntry{ID: ticket.ID{1}, Kind: privacy.LedgerHold, At: time.Unix(1e9, 0),
			Scope: privacy.Scope{Tenant: "ab"}, Slots: []ticket.ID{{5}}, Body: json.RawMessage(`{}`)}
	}
	hash := func(e privacy.LedgerEntry) [32]byte { return e.Chain(ticket.ID{9}, privacy.Position{}).Hash }
	seen := map[[32]byte]string{hash(base()): "nothing"}
	for name, change := range map[string]func(*privacy.LedgerEntry){
		"id":       func(e *privacy.LedgerEntry) { e.ID[15] = 1 },
		"kind":     func(e *privacy.LedgerEntry) { e.Kind = privacy.LedgerRelease },
		"at":       func(e *privacy.LedgerEntry) { e.At = e.At.Add(time.Microsecond) },
		"tenant":   func(e *privacy.LedgerEntry) { e.Scope.Tenant = "abc" },
		"mailbox":  func(e *privacy.LedgerEntry) { e.Scope.Mailbox = ticket.ID{1} },
		"ticket":   func(e *privacy.LedgerEntry) { e.Scope.Ticket = ticket.ID{1} },
		"contact":  func(e *privacy.LedgerEntry) { e.Scope.Contact = ticket.ID{1} },
		"part":     func(e *privacy.LedgerEntry) { e.Scope.Part = privacy.AttachmentsPart },
		"slots":    func(e *privacy.LedgerEntry) { e.Slots[0][0]++ },
		"no slots": func(e *privacy.LedgerEntry) { e.Slots = nil },
		"keep":     func(e *privacy.LedgerEntry) { e.Keep, e.Slots = e.Slots, nil },
		"both":     func(e *privacy.LedgerEntry) { e.Keep = e.Slots },
		"body":     func(e *privacy.LedgerEntry) { e.Body = json.RawMessage(`{"a":1}`) },
		"no body":  func(e *privacy.LedgerEntry) { e.Body = nil },
	} {
		e := base()
		change(&e)
		h := hash(e)
		if other, ok := seen[h]; ok {
			t.Errorf("changing %s has the hash of changing %s", name, other)
		}
		seen[h] = name
	}
	e := base()
	for name, h := range map[string][32]byte{
		"another ledger":       e.Chain(ticket.ID{8}, privacy.Position{}).Hash,
		"another number":       e.Chain(ticket.ID{9}, privacy.Position{N: 1}).Hash,
		"another entry before": e.Chain(ticket.ID{9}, privacy.Position{Hash: [32]byte{1}}).Hash,
	} {
		if seen[h] != "" {
			t.Errorf("%s has the hash of changing %s", name, seen[h])
		}
	}
	e.N = 7
	if hash(e) != hash(base()) {
		t.Error("the N of an entry that the ledger numbers changed its hash")
	}
}

// forged is a ledger whose answers somebody edits on their way.
type forged struct {
	privacy.Ledger
	edit func(n int64, page []privacy.LedgerEntry) []privacy.LedgerEntry
}

func (f forged) Read(ctx context.Context, n int64, limit int) ([]privacy.LedgerEntry, error) {
	page, err := f.Ledger.Read(ctx, n, limit)
	return f.edit(n, page), err
}

func TestVerifyLedgerFindsForgery(t *testing.T) {
	l := privacy.NewMemoryLedger()
	var second privacy.Position
	for i := range 600 {
		at, err := l.Append(t.Context(), ledgertest.Entry(privacy.LedgerErase))
		if err != nil {
			t.Fatal(err)
		}
		if i == 1 {
			second = at
		}
	}
	if at, err := privacy.VerifyLedger(t.Context(), l, second); err != nil || at.N != 600 {
		t.Fatalf("from the second entry: %+v, %v", at, err)
	}
	for name, edit := range map[string]func(n int64, p []privacy.LedgerEntry) []privacy.LedgerEntry{
		"edited": func(n int64, p []privacy.LedgerEntry) []privacy.LedgerEntry {
			if n == 500 {
				p[30].Slots = nil
			}
			return p
		},
		"removed": func(n int64, p []privacy.LedgerEntry) []privacy.LedgerEntry {
			return append(p[:3:3], p[4:]...)
		},
		"renumbered": func(n int64, p []privacy.LedgerEntry) []privacy.LedgerEntry {
			p = append(p[:3:3], p[4:]...)
			for i := range p {
				p[i].N = n + int64(i) + 1
			}
			return p
		},
		"swapped": func(_ int64, p []privacy.LedgerEntry) []privacy.LedgerEntry {
			p[3], p[4] = p[4], p[3]
			p[3].N, p[4].N = p[4].N, p[3].N
			return p
		},
	} {
		if _, err := privacy.VerifyLedger(t.Context(), forged{l, edit}, privacy.Position{}); !errors.Is(err, privacy.ErrLedger) {
			t.Errorf("%s: got %v, want ErrLedger", name, err)
		}
	}
	other := second
	other.Hash[5] ^= 1
	if _, err := privacy.VerifyLedger(t.Context(), l, other); !errors.Is(err, privacy.ErrLedger) {
		t.Errorf("from a place of another ledger: got %v, want ErrLedger", err)
	}
}
