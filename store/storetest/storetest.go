// Package storetest proves that a store keeps the contract of package store.
// Whoever writes a store runs the three suites from one of its tests:
//
//	func TestConformance(t *testing.T) {
//		h := storetest.Harness{New: open}
//		storetest.Run(t, h)
//		storetest.RunIsolation(t, h)
//		storetest.RunConcurrency(t, h)
//	}
//
// [Run] goes through the contract sentence by sentence, [RunIsolation] asks
// every method of every interface for another tenant's data and fails when a
// method has no such case, and [RunConcurrency] lets workers race; run it with
// the race detector. [FindCanary] searches a dump for content that should not
// be readable in it.
//
// What the contract leaves open, the suites leave open: a store may refuse
// strings that its database cannot hold (ErrRejected), and may or may not
// honour a lease that ran out but that nobody else has claimed.
package storetest

import (
	"testing"

	"github.com/helpdesk-go/helpdesk/store"
)

// Maker returns a store that is empty, migrated and nobody else's. It registers
// with t.Cleanup whatever must be closed or removed; closing a store twice must
// be harmless, because some cases close it themselves.
type Maker func(t *testing.T) store.Store

// Harness is what the suites need to know of a store. Only New is mandatory.
type Harness struct {
	New Maker
	// Dump returns every byte that the store keeps, blobs and access log
	// included, in whatever form. With it, Run proves that the dump is whole,
	// so that a search in it means something.
	Dump func(t *testing.T, s store.Store) []byte
	// Reopen closes a store and opens the same data again. With it, Run
	// proves that what was committed lasts.
	Reopen func(t *testing.T, s store.Store) store.Store
	// Serial is set for a store in which a transaction waits until the one
	// before it has ended, so that the suite does not hold one open while it
	// runs another.
	Serial bool
}

// testCase is one case of a suite.
type testCase struct {
	name string
	run  func(w *world)
}

// Run runs the conformance suite.
func Run(t *testing.T, h Harness) {
	t.Helper()
	h.run(t, mailboxCases, ticketCases, intakeCases, pageCases, sendCases, taskCases, leaseCases,
		logCases, transactionCases, byteCases, rejectCases, asideCases, erasureCases)
}

// RunConcurrency runs the cases in which workers race.
func RunConcurrency(t *testing.T, h Harness) {
	t.Helper()
	h.run(t, raceCases, consistencyCases)
}

func (h Harness) run(t *testing.T, suites ...[]testCase) {
	t.Helper()
	for _, cases := range suites {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) { c.run(newWorld(t, h)) })
		}
	}
}
