package postgres

import (
	"os"
	"testing"

	"github.com/helpdesk-go/helpdesk/internal/testpg"
)

func TestMain(m *testing.M) { os.Exit(testpg.Run(m)) }

// open returns a migrated store in a database of its own, and its address.
func open(t *testing.T, o Options) (*Store, string) {
	t.Helper()
	dsn := testpg.DSN(t)
	return reopen(t, dsn, o), dsn
}

func reopen(t *testing.T, dsn string, o Options) *Store {
	t.Helper()
	s, err := OpenWith(t.Context(), dsn, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func openSlots(t *testing.T) (*Slots, string) {
	t.Helper()
	dsn := testpg.DSN(t)
	return reopenSlots(t, dsn), dsn
}

func reopenSlots(t *testing.T, dsn string) *Slots {
	t.Helper()
	s, err := OpenSlots(t.Context(), dsn, SlotsOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}
