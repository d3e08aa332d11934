// Package ledgertest is the conformance suite of [privacy.Ledger]: what every
// erasure ledger must do, whoever wrote it.
//
//	func TestLedger(t *testing.T) {
//		ledgertest.Run(t, func(t *testing.T) privacy.Ledger { return mystore.New(t) })
//	}
//
// A ledger that is durable also runs [RunDurable].
package ledgertest

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// Run checks a ledger. Open returns an empty one each time it is called. Every
// case is named after the sentence of the contract that it holds the ledger to.
func Run(t *testing.T, open func(t *testing.T) privacy.Ledger) {
	t.Helper()
	cases := []struct {
		name string
		test func(*testing.T, *fixture)
	}{
		{"id is set and stable", testID},
		{"an empty ledger", testEmpty},
		{"entries come back whole and in order", testRoundTrip},
		{"n is given by the ledger", testNumber},
		{"the chain is the one of the contract", testChain},
		{"pages", testPages},
		{"the same id and kind again changes nothing", testAgain},
		{"one id in several kinds", testKinds},
		{"more than there are is behind", testBehind},
		{"what cannot be written is refused", testRefused},
		{"tenant ids are opaque bytes", testOpaqueTenants},
		{"bodies keep their bytes", testBodies},
		{"long entries", testLong},
		{"callers and the ledger share no bytes", testAliasing},
		{"a context that is over", testContext},
		{"lag of a store", testLag},
		{"concurrent appends keep one chain", testConcurrent},
		{"concurrent appends of one entry agree", testConcurrentSame},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.test(t, newFixture(t, open(t))) })
	}
}

// Entry returns an entry with a fresh ID, as [privacy.LedgerEntry.Prepare]
// returns it.
func Entry(kind privacy.LedgerKind) privacy.LedgerEntry {
	now := time.Now()
	return privacy.LedgerEntry{
		ID: ticket.NewID(now), Kind: kind, At: now.UTC().Truncate(time.Microsecond),
		Scope: privacy.Scope{Tenant: "acme", Mailbox: ticket.NewID(now)},
		Slots: []ticket.ID{ticket.NewID(now), ticket.NewID(now)},
	}
}

// fixture is a ledger and what was appended to it.
type fixture struct {
	*testing.T
	ledger privacy.Ledger
	ctx    context.Context
}

func newFixture(t *testing.T, l privacy.Ledger) *fixture {
	t.Helper()
	return &fixture{T: t, ledger: l, ctx: t.Context()}
}

func (f *fixture) append(entries ...privacy.LedgerEntry) (at privacy.Position) {
	f.Helper()
	for _, e := range entries {
		var err error
		if at, err = f.ledger.Append(f.ctx, e); err != nil {
			f.Fatalf("Append: %v", err)
		}
	}
	return at
}

func (f *fixture) read(n int64, limit int) []privacy.LedgerEntry {
	f.Helper()
	got, err := f.ledger.Read(f.ctx, n, limit)
	if err != nil {
		f.Fatalf("Read: %v", err)
	}
	return got
}

func (f *fixture) head() privacy.Position {
	f.Helper()
	at, err := f.ledger.Head(f.ctx)
	if err != nil {
		f.Fatalf("Head: %v", err)
	}
	return at
}

// whole checks that the ledger hangs together and has n entries.
func (f *fixture) whole(n int64) {
	f.Helper()
	at, err := privacy.VerifyLedger(f.ctx, f.ledger, privacy.Position{})
	if err != nil || at.N != n || at != f.head() {
		f.Fatalf("the ledger ends at %+v, head %+v, want %d entries: %v", at, f.head(), n, err)
	}
}

// holds checks that the ledger has exactly these entries.
func (f *fixture) holds(want ...privacy.LedgerEntry) {
	f.Helper()
	f.same(f.read(0, len(want)+1), want)
}

func (f *fixture) same(got, want []privacy.LedgerEntry) {
	f.Helper()
	want = slices.Clone(want)
	if len(got) != len(want) {
		f.Fatalf("%d entries, want %d", len(got), len(want))
	}
	for i := range want {
		want[i].N = got[i].N
		if !reflect.DeepEqual(got[i], want[i]) {
			f.Fatalf("entry is\n  %+v\nwant\n  %+v", got[i], want[i])
		}
	}
}

// refused checks an error that one of the ledger's methods returned.
func (f *fixture) refused(want, err error) {
	f.Helper()
	if !errors.Is(err, want) {
		f.Fatalf("got %v, want %v", err, want)
	}
}

// object makes a JSON object of one field.
func object(name, value string) json.RawMessage {
	b, _ := json.Marshal(map[string]string{name: value}) // strings always marshal
	return b
}
