// Package ledgerfile is the erasure ledger in a local file, for a host without
// a second database.
//
// The file has mode 0600 and is only ever appended to: a first line with the
// ledger's ID, then a line for each entry, which begins with the hash of the
// chain after it. Keep it in a third place, apart from content and keys, and
// never bring an older copy of it back: whoever has seen the newer one refuses
// it. Taking copies is fine at any time; an interrupted last line in one is
// recognised and cut off. Nothing else is ever mended: a changed, missing or
// additional byte is [privacy.ErrLedger]. Whole lines missing at the end can
// only be seen by those who know that there were more: the positions in the
// content store and in the key store, and every receipt.
//
// A second file, path.lock, is empty and only serialises processes; don't
// remove it while one runs.
package ledgerfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// Errors of ledger files. Each names its mend and is wrapped with the path. A
// damaged file is [privacy.ErrLedger].
var (
	ErrMissing     = errors.New("ledgerfile: no ledger at this path and the store is not empty: bring the newest copy back, it is never made anew")
	ErrPermissions = errors.New("ledgerfile: others may read or write the ledger: set its mode to 0600")
)

// File is an open ledger file. It implements [privacy.Ledger], is safe for
// concurrent use, also by several processes, and needs no closing: it keeps no
// file open between calls. It holds about 150 bytes in memory for each entry.
type File struct {
	id   ticket.ID
	path string // with symbolic links resolved
	lock string
	sync func(*os.File) error

	mu    sync.Mutex
	state state
}

var _ privacy.Ledger = (*File)(nil)

// Open opens the ledger at a path. Create says that nothing was ever announced
// in it, so that it is made where it is absent; otherwise that is
// [ErrMissing].
func Open(path string, create bool) (*File, error) {
	f := &File{path: path, lock: path + ".lock", sync: (*os.File).Sync}
	switch _, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist) && !create:
		return nil, fmt.Errorf("%w (%s)", ErrMissing, path)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("ledgerfile: %w", err)
	}
	if create {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, fmt.Errorf("ledgerfile: %w", err)
		}
	}
	unlock, err := f.exclude()
	if err != nil {
		return nil, err
	}
	defer unlock()
	if create {
		if err := f.create(); err != nil {
			return nil, err
		}
	}
	if f.path, err = filepath.EvalSymlinks(path); err != nil {
		return nil, missing(err)
	}
	if err := f.refresh(); err != nil {
		return nil, err
	}
	f.id = f.state.id
	return f, nil
}

// create makes the file unless it is there. Its name appears when its first
// line is durable.
func (f *File) create() (err error) {
	if _, err := os.Lstat(f.path); !errors.Is(err, fs.ErrNotExist) {
		return nil // there, or refresh says what is wrong with it
	}
	tmp := f.path + ".new"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("ledgerfile: %w", err)
	}
	w, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("ledgerfile: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(tmp)
			err = fmt.Errorf("ledgerfile: making %s: %w", f.path, err)
		}
	}()
	_, err = w.Write(formatHeader(ticket.NewID(time.Now())))
	if err == nil {
		err = f.sync(w)
	}
	if closeErr := w.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(tmp, f.path)
	}
	if err == nil {
		err = f.syncDir()
	}
	return err
}

// ID implements [privacy.Ledger]. The first line of the file records it.
func (f *File) ID() ticket.ID { return f.id }

// Append implements [privacy.Ledger]. It waits for the disk once.
func (f *File) Append(ctx context.Context, e privacy.LedgerEntry) (at privacy.Position, err error) {
	if err := ctx.Err(); err != nil {
		return privacy.Position{}, err
	}
	if e, err = e.Prepare(); err != nil {
		return privacy.Position{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	unlock, err := f.exclude()
	if err != nil {
		return privacy.Position{}, err
	}
	defer unlock()
	if err := f.refresh(); err != nil {
		return privacy.Position{}, err
	}
	if first, ok := f.state.known[entryKey{e.ID, e.Kind}]; ok {
		return f.state.at(first), nil
	}
	return f.append(e)
}

// Read implements [privacy.Ledger]. It checks what it reads against the chain
// again, so an edit under a running process is found.
func (f *File) Read(ctx context.Context, n int64, limit int) (out []privacy.LedgerEntry, err error) {
	err = f.look(ctx, func() error {
		if n > f.state.entries() {
			return fmt.Errorf("%w (%s)", privacy.ErrLedgerBehind, f.path)
		}
		out, err = f.read(max(n, 0), max(limit, 0))
		return err
	})
	return out, err
}

// At implements [privacy.Ledger].
func (f *File) At(ctx context.Context, n int64) (at privacy.Position, err error) {
	err = f.look(ctx, func() error {
		if n > f.state.entries() {
			return fmt.Errorf("%w (%s)", privacy.ErrLedgerBehind, f.path)
		}
		at = f.state.at(max(n, 0))
		return nil
	})
	return at, err
}

// Head implements [privacy.Ledger].
func (f *File) Head(ctx context.Context) (at privacy.Position, err error) {
	err = f.look(ctx, func() error {
		at = f.state.at(f.state.entries())
		return nil
	})
	return at, err
}

// look runs do on the newest state. As long as nobody appended it takes no
// lock between processes.
func (f *File) look(ctx context.Context, do func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := f.check()
	if err != nil {
		return err
	}
	if info.Size() != f.state.size {
		unlock, err := f.exclude()
		if err != nil {
			return err
		}
		defer unlock()
		if err := f.refresh(); err != nil {
			return err
		}
	}
	return do()
}

// exclude waits until no other process works on the file.
func (f *File) exclude() (unlock func(), err error) {
	l, err := lockedfile.OpenFile(f.lock, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("ledgerfile: %w", err)
	}
	return func() { _ = l.Close() }, nil
}
