// Package keyfile is the key store in local files: the root key and the
// journal of the key slots, for a host without a key service.
//
// At a path there are two files, both with mode 0600:
//
//	path          the root key: written once, never changed
//	path.slots    the slots, wrapped under the root: grows with every new slot
//
// A backup is a copy of the two, and restoring is copying them back; a copy
// made while a process works is good, an interrupted last line in it is
// recognised. Keep such backups apart from those of the content, and no longer
// than the erasures promise: a copy opens what was erased after it was made.
// The root key may be a symbolic link to another place. A third file,
// path.lock, is empty and only serialises processes; don't remove it while one
// runs.
package keyfile

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/ticket"
	"github.com/rogpeppe/go-internal/lockedfile"
)

// Errors of key files. Each names its mend and is wrapped with the path.
var (
	ErrMissing     = errors.New("keyfile: no key file at this path and the store is not empty: bring the key file and its .slots file back, they are never made anew")
	ErrDamaged     = errors.New("keyfile: the key file or its .slots file is damaged: bring both back from a backup")
	ErrPermissions = errors.New("keyfile: others may read the key file: set the mode of it and its .slots file to 0600")
)

// File is an open key file. It implements [privacy.Slots], is safe for
// concurrent use, also by several processes, and needs no closing: it keeps no
// file open between calls.
type File struct {
	id      ticket.ID
	root    privacy.Wrapper
	journal string // with symbolic links resolved, because it is replaced
	lock    string
	sync    func(*os.File) error

	mu    sync.Mutex
	state state
}

var _ privacy.Slots = (*File)(nil)

// Open opens the key file at a path. Create says that nothing was ever sealed
// with it, so that it is made where both of its files are absent; otherwise
// that is [ErrMissing], and so is one of the files without the other, whatever
// create says.
func Open(path string, create bool) (*File, error) {
	f := &File{journal: path + ".slots", lock: path + ".lock", sync: (*os.File).Sync}
	there, err := f.exist(path)
	if err != nil {
		return nil, err
	}
	if !create && !there {
		return nil, fmt.Errorf("%w (%s)", ErrMissing, path)
	}
	if create {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, fmt.Errorf("keyfile: %w", err)
		}
	}
	unlock, err := f.exclude()
	if err != nil {
		return nil, err
	}
	defer unlock()
	if create {
		if err := f.createBoth(path); err != nil {
			return nil, err
		}
	}
	if err := f.load(path); err != nil {
		return nil, err
	}
	return f, nil
}

// exist reports whether both files are there.
func (f *File) exist(path string) (bool, error) {
	for _, p := range []string{path, f.journal} {
		switch _, err := os.Stat(p); {
		case errors.Is(err, fs.ErrNotExist):
			return false, nil
		case err != nil:
			return false, fmt.Errorf("keyfile: %w", err)
		}
	}
	return true, nil
}

// createBoth makes the two files unless they are there. The root comes last:
// its name appears when everything else is durable, so what an interrupted
// making leaves is a journal without slots, and that is begun again.
func (f *File) createBoth(path string) error {
	_, rootErr := os.Lstat(path)
	_, journalErr := os.Lstat(f.journal)
	noRoot, noJournal := errors.Is(rootErr, fs.ErrNotExist), errors.Is(journalErr, fs.ErrNotExist)
	switch {
	case !noRoot: // there, or load says what is wrong with it
		return nil
	case !noJournal:
		if b, err := os.ReadFile(f.journal); err != nil || len(b) != headerSize {
			return fmt.Errorf("%w (%s)", ErrMissing, path)
		}
	}
	key := make([]byte, privacy.RootKeySize)
	_, _ = rand.Read(key) // never fails since Go 1.24
	id := ticket.NewID(time.Now())
	if err := f.replace(f.journal, newHeader(id).bytes()); err != nil {
		return err
	}
	return f.replace(path, formatRoot(id, key))
}

// load reads both files and checks that they belong together.
func (f *File) load(path string) error {
	raw, err := readPrivate(path)
	if err != nil {
		return err
	}
	id, key, err := parseRoot(raw)
	if err != nil {
		return fmt.Errorf("%w (%s: %w)", ErrDamaged, path, err)
	}
	if f.root, err = privacy.NewRoot(key); err != nil {
		return err
	}
	f.id = id
	real, err := filepath.EvalSymlinks(f.journal)
	if err != nil {
		return missing(err)
	}
	f.journal = real
	if _, err := checkPrivate(f.journal); err != nil {
		return err
	}
	// A rewriting that was interrupted left keys which a later one may have
	// destroyed.
	if err := remove(f.journal + newSuffix); err != nil {
		return err
	}
	return f.refresh()
}

// Root returns the root key as what wraps the keys of tenants.
func (f *File) Root() privacy.Wrapper { return f.root }

// ID implements [privacy.Slots]. Both files record it.
func (f *File) ID() ticket.ID { return f.id }

// Get implements [privacy.Slots]. As long as nobody changed the journal it
// answers from memory.
func (f *File) Get(ctx context.Context, tenant ticket.TenantID, ids []ticket.ID) ([]privacy.Slot, error) {
	var out []privacy.Slot
	err := f.read(ctx, func() { out = f.state.get(tenant, ids) })
	return out, err
}

// read runs do on the newest state. As long as nobody changed the journal it
// takes no lock between processes.
func (f *File) read(ctx context.Context, do func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	current, err := f.current()
	if err == nil && !current {
		err = f.locked(func() error { return nil })
	}
	if err == nil {
		do()
	}
	return err
}

// Create implements [privacy.Slots]. However many slots it makes, it appends
// one line and waits for the disk once. When it returns an error none of the
// slots was made, unless the disk failed.
func (f *File) Create(ctx context.Context, slots []privacy.Slot) (out []privacy.Slot, err error) {
	err = f.change(ctx, func() error {
		var made []privacy.Slot
		if out, made, err = f.state.plan(slots); err != nil || len(made) == 0 {
			return err
		}
		return f.append(record{Slots: storedSlots(made)})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Fence implements [privacy.Slots].
func (f *File) Fence(ctx context.Context, tenant ticket.TenantID, ids []ticket.ID) error {
	return f.change(ctx, func() error {
		ids := f.state.in(privacy.SlotLive, tenant, ids)
		if len(ids) == 0 {
			return nil
		}
		return f.append(record{Fence: &fencing{Tenant: []byte(tenant), IDs: ids}})
	})
}

// Unfence implements [privacy.Slots].
func (f *File) Unfence(ctx context.Context, tenant ticket.TenantID, ids []ticket.ID) error {
	return f.change(ctx, func() error {
		ids := f.state.in(privacy.SlotFenced, tenant, ids)
		if len(ids) == 0 {
			return nil
		}
		return f.append(record{Fence: &fencing{Tenant: []byte(tenant), IDs: ids, Open: true}})
	})
}

// Destroy implements [privacy.Slots]. It writes the journal anew without the
// wrapped keys, so it costs time in proportion to all slots: destroy in
// batches. The old file's blocks go back to the file system, which may keep
// them until they are reused; an encrypted disk closes that gap.
func (f *File) Destroy(ctx context.Context, tenant ticket.TenantID, ids []ticket.ID) error {
	if err := tenant.Validate(); err != nil {
		return err
	}
	return f.change(ctx, func() error {
		after, changed, err := f.state.without(tenant, ids)
		if err != nil || !changed {
			return err
		}
		return f.rewrite(after)
	})
}

// change runs a change while no other process works and on the newest state.
func (f *File) change(ctx context.Context, do func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.locked(do)
}

// locked refreshes the state and runs do, both while no other process works.
func (f *File) locked(do func() error) error {
	unlock, err := f.exclude()
	if err != nil {
		return err
	}
	defer unlock()
	if err := f.refresh(); err != nil {
		return err
	}
	return do()
}

// exclude waits until no other process works on the files.
func (f *File) exclude() (unlock func(), err error) {
	l, err := lockedfile.OpenFile(f.lock, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("keyfile: %w", err)
	}
	return func() { _ = l.Close() }, nil
}

// current reports whether the journal is as it was read last. Lines are only
// ever appended within a generation, so its header and length tell.
func (f *File) current() (bool, error) {
	j, err := os.Open(f.journal)
	if err != nil {
		return false, missing(err)
	}
	defer j.Close()
	info, err := j.Stat()
	if err != nil {
		return false, fmt.Errorf("keyfile: %w", err)
	}
	if info.Size() != f.state.size {
		return false, nil
	}
	head := make([]byte, headerSize)
	if _, err := j.ReadAt(head, 0); err != nil {
		return false, fmt.Errorf("keyfile: %w", err)
	}
	return bytes.Equal(head, f.state.header.bytes()), nil
}
