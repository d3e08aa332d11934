package privacy

import (
	"context"
	"crypto/rand"
	"slices"
	"sync"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// MemoryLedger is an erasure ledger in memory. It is volatile: it is gone with
// the process, so it recognises no restored store. It belongs beside stores
// that are volatile too, and in tests.
type MemoryLedger struct {
	id ticket.ID

	mu      sync.Mutex
	entries []LedgerEntry
	places  []Position
	known   map[ledgerKey]Position
}

// ledgerKey is what a ledger has one entry of.
type ledgerKey struct {
	id   ticket.ID
	kind LedgerKind
}

var _ Ledger = (*MemoryLedger)(nil)

// NewMemoryLedger returns an empty ledger in memory with an ID of its own.
func NewMemoryLedger() *MemoryLedger {
	m := &MemoryLedger{known: map[ledgerKey]Position{}}
	// A random UUID: this package reads no clock, and nothing sorts by it.
	_, _ = rand.Read(m.id[:]) // never fails since Go 1.24
	m.id[6] = m.id[6]&0x0f | 0x40
	m.id[8] = m.id[8]&0x3f | 0x80
	return m
}

// ID implements [Ledger].
func (m *MemoryLedger) ID() ticket.ID { return m.id }

// Append implements [Ledger].
func (m *MemoryLedger) Append(ctx context.Context, e LedgerEntry) (Position, error) {
	if err := ctx.Err(); err != nil {
		return Position{}, err
	}
	e, err := e.Prepare()
	if err != nil {
		return Position{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	key := ledgerKey{e.ID, e.Kind}
	if first, ok := m.known[key]; ok {
		return first, nil
	}
	at := e.Chain(m.id, m.head())
	e.N = at.N
	m.entries, m.places = append(m.entries, e), append(m.places, at)
	m.known[key] = at
	return at, nil
}

// Read implements [Ledger].
func (m *MemoryLedger) Read(ctx context.Context, n int64, limit int) ([]LedgerEntry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if n > int64(len(m.entries)) {
		return nil, ErrLedgerBehind
	}
	rest := m.entries[max(n, 0):]
	rest = rest[:min(max(limit, 0), len(rest))]
	out := make([]LedgerEntry, len(rest))
	for i, e := range rest {
		e.Slots, e.Keep, e.Body = slices.Clone(e.Slots), slices.Clone(e.Keep), slices.Clone(e.Body)
		out[i] = e
	}
	return out, nil
}

// At implements [Ledger].
func (m *MemoryLedger) At(ctx context.Context, n int64) (Position, error) {
	if err := ctx.Err(); err != nil {
		return Position{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case n > int64(len(m.places)):
		return Position{}, ErrLedgerBehind
	case n < 1:
		return Position{}, nil
	}
	return m.places[n-1], nil
}

// Head implements [Ledger].
func (m *MemoryLedger) Head(ctx context.Context) (Position, error) {
	if err := ctx.Err(); err != nil {
		return Position{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.head(), nil
}

func (m *MemoryLedger) head() Position {
	if len(m.places) == 0 {
		return Position{}
	}
	return m.places[len(m.places)-1]
}
