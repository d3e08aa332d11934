package extending_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/examples/extending"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/privacy/slottest"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/store/memory"
	"github.com/helpdesk-go/helpdesk/store/storetest"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// copyingStore is a store with an access log of another make.
type copyingStore struct {
	store.Store
	log *extending.CopiedLog
}

// AccessLog implements store.Store.
func (s copyingStore) AccessLog() privacy.AccessLog { return s.log }

func openStore(t *testing.T) store.Store {
	s := memory.New()
	t.Cleanup(func() { _ = s.Close() })
	return copyingStore{s, extending.NewCopiedLog(s.AccessLog(), io.Discard)}
}

// TestStore holds the store, and with it the access log, to its contract.
func TestStore(t *testing.T) {
	h := storetest.Harness{New: openStore, Serial: true}
	storetest.Run(t, h)
	storetest.RunIsolation(t, h)
	storetest.RunConcurrency(t, h)
}

// TestSlots holds a key store to its contract.
func TestSlots(t *testing.T) {
	slottest.Run(t, func(t *testing.T) privacy.Slots { return privacy.NewMemorySlots() })
}

func TestCopiedLog(t *testing.T) {
	s := memory.New()
	defer s.Close()
	var lines bytes.Buffer
	log := extending.NewCopiedLog(s.AccessLog(), &lines)
	e := privacy.Entry{
		ID: ticket.NewID(time.Now()), At: time.Now().UTC(), Tenant: "acme",
		Principal: privacy.Agent("kari"), Purpose: privacy.Support, Operation: "ticket.read",
	}
	if err := log.Append(t.Context(), []privacy.Entry{e}); err != nil {
		t.Fatal(err)
	}
	var copied privacy.Entry
	if err := json.Unmarshal(lines.Bytes(), &copied); err != nil || copied.ID != e.ID {
		t.Errorf("copied %q, %v", lines.String(), err)
	}
	broken, end := io.Pipe()
	broken.CloseWithError(errors.New("the reader is gone"))
	if err := extending.NewCopiedLog(s.AccessLog(), end).Append(t.Context(), []privacy.Entry{e}); err == nil {
		t.Error("Append succeeded although the copy failed")
	}
}
