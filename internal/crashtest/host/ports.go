package host

import (
	"context"
	"io"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/internal/crashtest/wire"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
)

// crashingBlobs dies around Put.
type crashingBlobs struct {
	store.Blobs
	crash *crash
}

// Put implements store.Blobs.
func (b crashingBlobs) Put(ctx context.Context, ref store.BlobRef, r io.Reader) error {
	b.crash.before(wire.StepBlob)
	err := b.Blobs.Put(ctx, ref, r)
	if err == nil {
		b.crash.after(wire.StepBlob)
	}
	return err
}

// crashingLog dies around Append.
type crashingLog struct {
	privacy.AccessLog
	crash *crash
}

// Append implements privacy.AccessLog.
func (l crashingLog) Append(ctx context.Context, entries []privacy.Entry) error {
	l.crash.before(wire.StepAccess)
	err := l.AccessLog.Append(ctx, entries)
	if err == nil {
		l.crash.after(wire.StepAccess)
	}
	return err
}

// crashingKeys dies around each write of slots.
type crashingKeys struct {
	helpdesk.Keys
	crash *crash
}

// Open implements helpdesk.Keys.
func (k crashingKeys) Open(fresh bool) (privacy.Wrapper, privacy.Slots, error) {
	root, slots, err := k.Keys.Open(fresh)
	if err != nil {
		return nil, nil, err
	}
	return root, crashingSlots{slots, k.crash}, nil
}

type crashingSlots struct {
	privacy.Slots
	crash *crash
}

// Create implements privacy.Slots.
func (s crashingSlots) Create(ctx context.Context, slots []privacy.Slot) ([]privacy.Slot, error) {
	s.crash.before(wire.StepSlot)
	out, err := s.Slots.Create(ctx, slots)
	if err == nil {
		s.crash.after(wire.StepSlot)
	}
	return out, err
}
