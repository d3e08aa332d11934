package ledgertest

import (
	"sync"
	"testing"

	"github.com/helpdesk-go/helpdesk/privacy"
)

func testConcurrent(t *testing.T, f *fixture) {
	appendAtOnce(t, f, f.ledger, f.ledger, f.ledger, f.ledger)
}

// appendAtOnce lets one worker for each of the ledgers, which are the same
// one, append and read at once.
func appendAtOnce(t *testing.T, f *fixture, ledgers ...privacy.Ledger) {
	t.Helper()
	const each = 20
	places := make([][]privacy.Position, len(ledgers))
	var wg sync.WaitGroup
	for w, l := range ledgers {
		wg.Go(func() {
			for range each {
				at, err := l.Append(f.ctx, Entry(privacy.LedgerErase))
				if err != nil {
					t.Errorf("Append: %v", err)
					return
				}
				places[w] = append(places[w], at)
				if got, err := l.At(f.ctx, at.N); err != nil || got != at {
					t.Errorf("At(%d) is %+v, want %+v: %v", at.N, got, at, err)
				}
				if got, err := l.Read(f.ctx, at.N-1, 3); err != nil || len(got) == 0 || got[0].N != at.N {
					t.Errorf("Read(%d): %d entries, %v", at.N-1, len(got), err)
				}
			}
		})
	}
	wg.Wait()
	seen := map[int64]bool{}
	for _, mine := range places {
		last := int64(0)
		for _, at := range mine {
			if seen[at.N] || at.N <= last {
				t.Fatalf("position %d was given twice or out of order", at.N)
			}
			seen[at.N], last = true, at.N
		}
	}
	f.whole(int64(each * len(ledgers)))
}

func testConcurrentSame(t *testing.T, f *fixture) {
	const workers = 8
	e := Entry(privacy.LedgerErase)
	var got [workers]privacy.Position
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			var err error
			if got[w], err = f.ledger.Append(f.ctx, e); err != nil {
				t.Errorf("Append: %v", err)
			}
		})
	}
	wg.Wait()
	for _, at := range got {
		if at != f.head() {
			t.Fatalf("position %+v, want %+v", at, f.head())
		}
	}
	f.holds(e)
}

// RunDurable checks that a ledger outlives the one who opened it, and that two
// who have it open keep one chain. Open opens the ledger in a folder, which is
// the same for every call of one case; the first call finds it empty.
func RunDurable(t *testing.T, open func(t *testing.T, dir string) privacy.Ledger) {
	t.Helper()
	t.Run("what was appended is there when it is opened again", func(t *testing.T) {
		dir := t.TempDir()
		f := newFixture(t, open(t, dir))
		first, second := Entry(privacy.LedgerHold), Entry(privacy.LedgerErase)
		second.Body = object("a", "b")
		f.append(first)
		at := f.append(second)

		id := f.ledger.ID()
		f.ledger = open(t, dir)
		if f.ledger.ID() != id || f.head() != at {
			t.Fatalf("opened again: ID %v, head %+v, want %v, %+v", f.ledger.ID(), f.head(), id, at)
		}
		f.holds(first, second)
		if again := f.append(second); again != at {
			t.Fatalf("the same entry after opening again is at %+v, want %+v", again, at)
		}
		f.append(Entry(privacy.LedgerErase))
		f.whole(3)
	})
	t.Run("two who have it open see each other", func(t *testing.T) {
		dir := t.TempDir()
		here := newFixture(t, open(t, dir))
		there := newFixture(t, open(t, dir))
		first, second := Entry(privacy.LedgerErase), Entry(privacy.LedgerErase)
		at := here.append(first)
		if there.head() != at || there.append(first) != at {
			t.Fatal("the other does not see the entry")
		}
		there.holds(first)
		there.append(second)
		here.holds(first, second)
		here.whole(2)
	})
	t.Run("concurrent appends by several keep one chain", func(t *testing.T) {
		dir := t.TempDir()
		f := newFixture(t, open(t, dir))
		appendAtOnce(t, f, f.ledger, open(t, dir), open(t, dir))
		f.ledger = open(t, dir)
		f.whole(60)
	})
}
