package postgres

import (
	"testing"

	"github.com/helpdesk-go/helpdesk/internal/testpg"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/privacy/slottest"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/store/storetest"
)

func harness() storetest.Harness {
	dsns := map[store.Store]string{} // cases run one after the other
	return storetest.Harness{
		New: func(t *testing.T) store.Store {
			s, dsn := open(t, Options{})
			dsns[s] = dsn
			return s
		},
		Dump: func(t *testing.T, s store.Store) []byte { return testpg.PgDump(t, dsns[s]) },
		Reopen: func(t *testing.T, s store.Store) store.Store {
			_ = s.Close()
			again := reopen(t, dsns[s], Options{})
			dsns[again] = dsns[s]
			return again
		},
	}
}

func TestConformance(t *testing.T) { storetest.Run(t, harness()) }
func TestConcurrency(t *testing.T) { storetest.RunConcurrency(t, harness()) }
func TestIsolation(t *testing.T)   { storetest.RunIsolation(t, harness()) }

func TestSlotsConformance(t *testing.T) {
	slottest.Run(t, func(t *testing.T) privacy.Slots { s, _ := openSlots(t); return s })
	dsns := map[string]string{}
	slottest.RunDurable(t, func(t *testing.T, dir string) privacy.Slots {
		if dsns[dir] == "" {
			dsns[dir] = testpg.DSN(t)
		}
		return reopenSlots(t, dsns[dir])
	})
}
