package slottest

import (
	"bytes"
	"errors"
	"sync"
	"testing"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/ticket"
)

func testConcurrentCreate(t *testing.T, f *fixture) {
	const workers = 8
	base := f.child()
	got := make([]privacy.Slot, workers)
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			mine := base
			mine.Wrapped = []byte{byte(i), 1, 2, 3}
			own := f.child()
			all, err := f.slots.Create(f.ctx, []privacy.Slot{mine, own})
			if err != nil {
				t.Errorf("Create: %v", err)
				return
			}
			got[i] = byID(all)[base.ID]
			if !bytes.Equal(byID(all)[own.ID].Wrapped, own.Wrapped) {
				t.Error("a slot of its own was lost")
			}
		})
	}
	wg.Wait()
	stored := f.get(base.ID)[base.ID]
	for i, s := range got {
		if !bytes.Equal(s.Wrapped, stored.Wrapped) {
			t.Fatalf("worker %d was told another key than the one that is stored", i)
		}
	}
}

func testCreateFenceRace(t *testing.T, f *fixture) {
	closeWhileCreating(t, f, f.slots.Fence, privacy.ErrFenced)
}

func testCreateDestroyRace(t *testing.T, f *fixture) {
	closeWhileCreating(t, f, f.slots.Destroy, privacy.ErrErased)
}

// closeWhileCreating lets workers create children of a mailbox until they are
// refused, and closes the mailbox meanwhile. What is there when closing
// returned must be all that is ever there.
func closeWhileCreating(t *testing.T, f *fixture, closing closer, refusal error) {
	const workers, each = 4, 40
	var plan [workers][]privacy.Slot
	var ids []ticket.ID
	for w := range workers {
		for range each {
			s := f.child()
			plan[w] = append(plan[w], s)
			ids = append(ids, s.ID)
		}
	}
	var wg sync.WaitGroup
	running := make(chan struct{}, workers*each)
	for w := range workers {
		wg.Go(func() {
			for _, s := range plan[w] {
				_, err := f.slots.Create(f.ctx, []privacy.Slot{s})
				running <- struct{}{}
				switch {
				case errors.Is(err, refusal):
					return
				case err != nil:
					t.Errorf("Create: got %v, want %v or nothing", err, refusal)
					return
				}
			}
		})
	}
	for range workers {
		<-running
	}
	if err := closing(f.ctx, f.acme, []ticket.ID{f.mailbox.ID}); err != nil {
		t.Errorf("closing: %v", err)
	}
	before := f.get(ids...)
	wg.Wait()
	after := f.get(ids...)
	if len(after) != len(before) {
		t.Fatalf("%d children when closing returned, %d later: some were made under a closed parent", len(before), len(after))
	}
	f.refuse(refusal, f.child())
}
