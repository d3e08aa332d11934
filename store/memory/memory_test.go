package memory_test

import (
	"bytes"
	"testing"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/store/memory"
	"github.com/helpdesk-go/helpdesk/store/storetest"
)

var harness = storetest.Harness{
	New: func(t *testing.T) store.Store {
		s := memory.New()
		t.Cleanup(func() { _ = s.Close() })
		return s
	},
	Dump: func(t *testing.T, s store.Store) []byte {
		var w bytes.Buffer
		if err := s.(*memory.Store).WriteState(&w); err != nil {
			t.Fatal(err)
		}
		return w.Bytes()
	},
	Serial: true,
}

func TestConformance(t *testing.T) { storetest.Run(t, harness) }
func TestConcurrency(t *testing.T) { storetest.RunConcurrency(t, harness) }
func TestIsolation(t *testing.T)   { storetest.RunIsolation(t, harness) }
