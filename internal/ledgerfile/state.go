package ledgerfile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// state is the file as it was read so far.
type state struct {
	id ticket.ID
	// size is the length up to which it was read.
	size int64
	// ends are where each entry ends in the file, hashes the chain after it.
	ends   []int64
	hashes [][32]byte
	known  map[entryKey]int64
}

// entryKey is what a ledger has one entry of.
type entryKey struct {
	id   ticket.ID
	kind privacy.LedgerKind
}

func (s *state) entries() int64 { return int64(len(s.hashes)) }

// at returns the position after the first n entries.
func (s *state) at(n int64) privacy.Position {
	if n == 0 {
		return privacy.Position{}
	}
	return privacy.Position{N: n, Hash: s.hashes[n-1]}
}

// end returns where the first n entries end in the file.
func (s *state) end(n int64) int64 {
	if n == 0 {
		return int64(headerSize)
	}
	return s.ends[n-1]
}

// add takes note of an entry of which line is the text.
func (s *state) add(e privacy.LedgerEntry, at privacy.Position, line int) {
	s.size += int64(line)
	s.ends = append(s.ends, s.size)
	s.hashes = append(s.hashes, at.Hash)
	s.known[entryKey{e.ID, e.Kind}] = at.N
}

// check refuses a file that others may read or write.
func (f *File) check() (fs.FileInfo, error) {
	info, err := os.Stat(f.path)
	if err != nil {
		return nil, missing(err)
	}
	if !info.Mode().IsRegular() {
		return nil, f.damaged("it is no regular file")
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%w (%s has %#o)", ErrPermissions, f.path, info.Mode().Perm())
	}
	return info, nil
}

// refresh brings the state up to the file; the caller excludes others. It
// reads only what was appended. A torn end is cut off: no call that wrote it
// ever returned.
func (f *File) refresh() error {
	info, err := f.check()
	if err != nil {
		return err
	}
	file, err := os.OpenFile(f.path, os.O_RDWR, 0)
	if err != nil {
		return missing(err)
	}
	defer file.Close()
	next := f.state
	if next.size == 0 {
		if next, err = f.readHeader(file, info.Size()); err != nil {
			return err
		}
	}
	switch tail := info.Size() - next.size; {
	case tail < 0:
		return f.damaged("it became shorter")
	case tail > 0:
		err = f.readTail(file, &next, tail)
	}
	if err != nil {
		// What was read before stays known, so that another file in the place
		// of this one is never taken for it.
		maps.DeleteFunc(f.state.known, func(_ entryKey, n int64) bool { return n > f.state.entries() })
		return err
	}
	f.state = next
	return nil
}

func (f *File) readHeader(file *os.File, size int64) (state, error) {
	head := make([]byte, min(size, int64(headerSize)))
	if _, err := file.ReadAt(head, 0); err != nil {
		return state{}, fmt.Errorf("ledgerfile: %w", err)
	}
	id, err := parseHeader(head)
	if err != nil {
		return state{}, f.damaged(err.Error())
	}
	if !f.id.IsZero() && id != f.id {
		return state{}, f.damaged("it is another ledger")
	}
	return state{id: id, size: int64(headerSize), known: map[entryKey]int64{}}, nil
}

// readTail reads the lines after next.size.
func (f *File) readTail(file *os.File, next *state, length int64) error {
	b := make([]byte, length)
	if _, err := file.ReadAt(b, next.size); err != nil {
		return fmt.Errorf("ledgerfile: %w", err)
	}
	for len(b) > 0 {
		before := next.at(next.entries())
		parses := func(line []byte) bool {
			_, _, err := parseLine(line, next.id, before)
			return err == nil
		}
		if torn(b, next.size, parses) {
			if err := file.Truncate(next.size); err != nil {
				return fmt.Errorf("ledgerfile: cutting off a torn line: %w", err)
			}
			break
		}
		line, rest, _ := bytes.Cut(b, []byte("\n"))
		e, at, err := parseLine(line, next.id, before)
		if err != nil {
			return f.damaged(fmt.Sprintf("entry %d: %v", before.N+1, err))
		}
		if _, twice := next.known[entryKey{e.ID, e.Kind}]; twice {
			return f.damaged(fmt.Sprintf("entry %d: it is there twice", at.N))
		}
		next.add(e, at, len(line)+1)
		b = rest
	}
	// Another process may have died between writing and syncing: what is read
	// here gets used, so it must be durable.
	if err := f.sync(file); err != nil {
		return fmt.Errorf("ledgerfile: %w", err)
	}
	return nil
}

// read returns at most limit entries after the first n.
func (f *File) read(n int64, limit int) ([]privacy.LedgerEntry, error) {
	last := min(n+int64(limit), f.state.entries())
	if last <= n {
		return nil, nil
	}
	file, err := os.Open(f.path)
	if err != nil {
		return nil, missing(err)
	}
	defer file.Close()
	b := make([]byte, f.state.end(last)-f.state.end(n))
	if _, err := file.ReadAt(b, f.state.end(n)); err != nil {
		return nil, fmt.Errorf("ledgerfile: %w", err)
	}
	out := make([]privacy.LedgerEntry, 0, last-n)
	for at := f.state.at(n); at.N < last; {
		line, rest, _ := bytes.Cut(b, []byte("\n"))
		e, after, err := parseLine(line, f.id, at)
		if err != nil || after != f.state.at(at.N+1) {
			return nil, f.damaged(fmt.Sprintf("entry %d was changed", at.N+1))
		}
		out, at, b = append(out, e), after, rest
	}
	return out, nil
}

// append adds an entry, durably.
func (f *File) append(e privacy.LedgerEntry) (privacy.Position, error) {
	at := e.Chain(f.id, f.state.at(f.state.entries()))
	e.N = at.N
	line, err := formatLine(e, at)
	if err != nil {
		return privacy.Position{}, err
	}
	file, err := os.OpenFile(f.path, os.O_RDWR, 0)
	if err != nil {
		return privacy.Position{}, missing(err)
	}
	defer file.Close()
	if _, err = file.WriteAt(line, f.state.size); err == nil {
		err = f.sync(file)
	}
	if err != nil {
		// Whether the line is on the disk is unknown; nobody has seen it yet.
		_ = file.Truncate(f.state.size)
		return privacy.Position{}, fmt.Errorf("ledgerfile: writing %s: %w", f.path, err)
	}
	f.state.add(e, at, len(line))
	return at, nil
}

// syncDir makes a new name durable. Windows has no such call and needs none.
func (f *File) syncDir() error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(filepath.Dir(f.path))
	if err != nil {
		return err
	}
	defer d.Close()
	return f.sync(d)
}

func (f *File) damaged(why string) error {
	return fmt.Errorf("%w (%s: %s)", privacy.ErrLedger, f.path, why)
}

// missing names the mend for a file that is not there.
func missing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w (%w)", ErrMissing, err)
	}
	return fmt.Errorf("ledgerfile: %w", err)
}
