package ledgerfile

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/privacy/ledgertest"
	"github.com/helpdesk-go/helpdesk/ticket"
)

func TestConformance(t *testing.T) {
	ledgertest.Run(t, func(t *testing.T) privacy.Ledger { return mustOpen(t, filepath.Join(t.TempDir(), "ledger"), true) })
	ledgertest.RunDurable(t, func(t *testing.T, dir string) privacy.Ledger {
		return mustOpen(t, filepath.Join(dir, "ledger"), true)
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func mustOpen(t *testing.T, path string, create bool) *File {
	t.Helper()
	f, err := Open(path, create)
	must(t, err)
	return f
}

// filled returns a ledger of three entries.
func filled(t *testing.T) (path string, f *File) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "ledger")
	f = mustOpen(t, path, true)
	for range 3 {
		add(t, f)
	}
	return path, f
}

func add(t *testing.T, f *File) privacy.Position {
	t.Helper()
	at, err := f.Append(t.Context(), ledgertest.Entry(privacy.LedgerErase))
	must(t, err)
	return at
}

func whole(t *testing.T, f *File, entries int64) {
	t.Helper()
	at, err := privacy.VerifyLedger(t.Context(), f, privacy.Position{})
	if err != nil || at.N != entries {
		t.Fatalf("%d entries, want %d: %v", at.N, entries, err)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return b
}

// counted makes a File count how often it waits for the disk.
func counted(f *File) *int {
	n, next := new(int), f.sync
	f.sync = func(w *os.File) error { *n++; return next(w) }
	return n
}

func TestOneSyncPerAppend(t *testing.T) {
	_, f := filled(t)
	n := counted(f)
	e := ledgertest.Entry(privacy.LedgerErase)
	for range 3 {
		_, err := f.Append(t.Context(), e)
		must(t, err)
		_, err = f.Read(t.Context(), 0, 10)
		must(t, err)
	}
	if *n != 1 {
		t.Fatalf("%d waits for the disk, want 1: what is there needs none", *n)
	}
}

// TestNotDurable: an entry that may not be on the disk was not appended.
func TestNotDurable(t *testing.T) {
	path, f := filled(t)
	full := errors.New("the disk is full")
	works := f.sync
	f.sync = func(*os.File) error { return full }
	e := ledgertest.Entry(privacy.LedgerErase)
	if _, err := f.Append(t.Context(), e); !errors.Is(err, full) {
		t.Fatalf("got %v, want the disk's error", err)
	}
	f.sync = works
	whole(t, f, 3)
	whole(t, mustOpen(t, path, false), 3)
	at, err := f.Append(t.Context(), e)
	if err != nil || at.N != 4 {
		t.Fatalf("again: %+v, %v", at, err)
	}
}

// TestNewFileIsDurable counts the syncs of making a ledger: the file and the
// folder that names it.
func TestNewFileIsDurable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	f := &File{path: path, sync: (*os.File).Sync}
	var names []string
	f.sync = func(w *os.File) error { names = append(names, filepath.Base(w.Name())); return w.Sync() }
	must(t, f.create())
	if want := []string{"ledger.new", filepath.Base(filepath.Dir(path))}; strings.Join(names, " ") != strings.Join(want, " ") {
		t.Fatalf("synced %v, want %v", names, want)
	}
}

// TestTornLine cuts the file within its last line, at every byte, and fills
// the rest with zeros as file systems do.
func TestTornLine(t *testing.T) {
	path, f := filled(t)
	whole3 := int64(len(read(t, path)))
	last := ledgertest.Entry(privacy.LedgerErase)
	for range 40 {
		last.Keep = append(last.Keep, ticket.NewID(time.Now()))
	}
	end, err := f.Append(t.Context(), last)
	must(t, err)
	good := read(t, path)

	check := func(what string, i int64, content []byte) {
		t.Helper()
		must(t, os.WriteFile(path, content, 0o600))
		f, err := Open(path, false)
		if err != nil {
			t.Fatalf("%s from %d: %v", what, i, err)
		}
		if n := int64(len(read(t, path))); n != whole3 {
			t.Fatalf("%s from %d: %d bytes are left, want %d", what, i, n, whole3)
		}
		at, err := f.Append(t.Context(), last)
		if err != nil || at != end || !bytes.Equal(read(t, path), good) {
			t.Fatalf("%s from %d: appended again at %+v, want %+v: %v", what, i, at, end, err)
		}
	}
	for i := whole3 + 1; i <= int64(len(good))-1; i += 13 {
		check("cut", i, good[:i])
		zeros := bytes.Clone(good)
		clear(zeros[i:])
		check("zeros", i, zeros)
	}
	check("cut", int64(len(good))-1, good[:len(good)-1])
	// A sector in the middle never arrived though the end did.
	hole := bytes.Clone(good)
	at := (whole3/sector + 1) * sector
	clear(hole[at : at+sector])
	check("hole", at, hole)
}

// TestTornUnderRunning: one who has the ledger open goes on where another
// broke off.
func TestTornUnderRunning(t *testing.T) {
	path, f := filled(t)
	good := read(t, path)
	must(t, os.WriteFile(path, append(good, "0123"...), 0o600))
	whole(t, f, 3)
	add(t, f)
	whole(t, mustOpen(t, path, false), 4)
}

// TestDamage changes every byte of the file in turn: nothing of it may pass.
func TestDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	f := mustOpen(t, path, true)
	for range 2 {
		e := ledgertest.Entry(privacy.LedgerErase)
		e.Slots = nil
		_, err := f.Append(t.Context(), e)
		must(t, err)
	}
	good := read(t, path)
	for i := range good {
		for _, flip := range []byte{0x01, good[i] ^ '\n', good[i]} { // the last makes a zero
			if flip == 0 {
				continue
			}
			bad := bytes.Clone(good)
			bad[i] ^= flip
			must(t, os.WriteFile(path, bad, 0o600))
			if _, err := Open(path, true); !errors.Is(err, privacy.ErrLedger) {
				t.Fatalf("byte %d changed by %#x: got %v, want ErrLedger", i, flip, err)
			}
			if !bytes.Equal(read(t, path), bad) {
				t.Fatalf("byte %d changed by %#x: the file was mended", i, flip)
			}
		}
	}
	must(t, os.WriteFile(path, good, 0o600))
	whole(t, mustOpen(t, path, false), 2)
}

// lines edits a file line by line; the first is the header.
func lines(t *testing.T, path string, change func(l []string) []string) {
	t.Helper()
	l := strings.SplitAfter(string(read(t, path)), "\n")
	must(t, os.WriteFile(path, []byte(strings.Join(change(l[:len(l)-1]), "")), 0o600))
}

func TestDamageOfOtherKinds(t *testing.T) {
	for name, change := range map[string]func(l []string) []string{
		"a line is lost":       func(l []string) []string { return append(l[:2:2], l[3:]...) },
		"the first is lost":    func(l []string) []string { return append(l[:1:1], l[2:]...) },
		"a line is repeated":   func(l []string) []string { return append(l[:3:3], l[2:]...) },
		"two are exchanged":    func(l []string) []string { return []string{l[0], l[2], l[1], l[3]} },
		"white space in JSON":  func(l []string) []string { return append(l[:3:3], strings.Replace(l[3], ",", ", ", 1)) },
		"an unknown field":     func(l []string) []string { return append(l[:3:3], strings.Replace(l[3], "{", `{"x":1,`, 1)) },
		"a line that says all": func(l []string) []string { return append(l, "{}\n") },
		"no header":            func(l []string) []string { return l[1:] },
		"empty":                func([]string) []string { return nil },
		"half a header":        func(l []string) []string { return []string{l[0][:20]} },
	} {
		t.Run(name, func(t *testing.T) {
			path, running := filled(t)
			lines(t, path, change)
			if _, err := Open(path, true); !errors.Is(err, privacy.ErrLedger) {
				t.Fatalf("got %v, want ErrLedger", err)
			}
			if _, err := running.Read(t.Context(), 0, 10); !errors.Is(err, privacy.ErrLedger) {
				t.Fatalf("under a running process: got %v, want ErrLedger", err)
			}
		})
	}
}

// TestEditedUnderRunning: what is read is checked again each time.
func TestEditedUnderRunning(t *testing.T) {
	path, f := filled(t)
	good := read(t, path)
	bad := bytes.Clone(good)
	at := bytes.Index(bad, []byte(`"slots":["`)) + 12
	bad[at] ^= 1
	must(t, os.WriteFile(path, bad, 0o600))
	if _, err := f.Read(t.Context(), 0, 10); !errors.Is(err, privacy.ErrLedger) {
		t.Fatalf("got %v, want ErrLedger", err)
	}
	must(t, os.WriteFile(path, good, 0o600))
	whole(t, f, 3)
}

// TestOlderCopy: whoever has seen more than an older copy has refuses it, also
// after that copy has grown.
func TestOlderCopy(t *testing.T) {
	path, f := filled(t)
	old := read(t, path)
	reached := add(t, f)
	must(t, os.WriteFile(path, old, 0o600))
	for range 2 {
		if _, err := f.Head(t.Context()); !errors.Is(err, privacy.ErrLedger) {
			t.Fatalf("shorter: got %v, want ErrLedger", err)
		}
	}
	again := mustOpen(t, path, false)
	if _, err := privacy.LedgerLag(t.Context(), again, reached); !errors.Is(err, privacy.ErrLedgerBehind) {
		t.Fatalf("a store that was ahead: got %v, want ErrLedgerBehind", err)
	}
	add(t, again)
	add(t, again)
	for range 2 {
		if _, err := f.Read(t.Context(), 0, 10); !errors.Is(err, privacy.ErrLedger) {
			t.Fatalf("another continuation: got %v, want ErrLedger", err)
		}
	}
	if _, err := privacy.LedgerLag(t.Context(), again, reached); !errors.Is(err, privacy.ErrLedger) {
		t.Fatalf("a store of another continuation: got %v, want ErrLedger", err)
	}
}

func TestOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "ledger")
	if _, err := Open(path, false); !errors.Is(err, ErrMissing) {
		t.Fatalf("absent: got %v, want ErrMissing", err)
	}
	must(t, os.MkdirAll(filepath.Dir(path), 0o700))
	must(t, os.WriteFile(path+".new", []byte("half"), 0o600)) // an interrupted making
	f := mustOpen(t, path, true)
	if again := mustOpen(t, path, true); again.ID() != f.ID() || f.ID().IsZero() {
		t.Fatal("opened again it has another ID")
	}
	add(t, f)
	must(t, os.Remove(path))
	if _, err := f.Head(t.Context()); !errors.Is(err, ErrMissing) {
		t.Fatalf("removed under a running process: got %v, want ErrMissing", err)
	}
	if _, err := f.Append(t.Context(), ledgertest.Entry(privacy.LedgerErase)); !errors.Is(err, ErrMissing) {
		t.Fatalf("appending to what was removed: got %v, want ErrMissing", err)
	}
	other := mustOpen(t, path, true)
	for range 2 {
		add(t, other)
	}
	if _, err := f.Head(t.Context()); !errors.Is(err, privacy.ErrLedger) {
		t.Fatalf("exchanged under a running process: got %v, want ErrLedger", err)
	}
}

func TestSymbolicLink(t *testing.T) {
	path, _ := filled(t)
	link := filepath.Join(t.TempDir(), "ledger")
	must(t, os.Symlink(path, link))
	f := mustOpen(t, link, true)
	add(t, f)
	whole(t, mustOpen(t, path, false), 4)
}

func TestPermissions(t *testing.T) {
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o660, 0o644, 0o601} {
		path, f := filled(t)
		must(t, os.Chmod(path, mode))
		if _, err := Open(path, true); !errors.Is(err, ErrPermissions) {
			t.Errorf("%#o: got %v, want ErrPermissions", mode, err)
		}
		if _, err := f.Head(t.Context()); !errors.Is(err, ErrPermissions) {
			t.Errorf("%#o under a running process: got %v, want ErrPermissions", mode, err)
		}
	}
	path, _ := filled(t)
	for _, name := range []string{"", ".lock"} {
		info, err := os.Stat(path + name)
		must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%q was made with %#o", name, info.Mode().Perm())
		}
	}
}
