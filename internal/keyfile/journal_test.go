package keyfile

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// counted makes a File count how often it waits for the disk.
func counted(f *File) *int {
	n, next := new(int), f.sync
	f.sync = func(w *os.File) error { *n++; return next(w) }
	return n
}

func TestOneSyncPerCreate(t *testing.T) {
	_, f, mailbox := filled(t)
	n := counted(f)
	slots := children(mailbox, 200)
	_, err := f.Create(t.Context(), slots)
	must(t, err)
	if *n != 1 {
		t.Fatalf("creating 200 slots waited for the disk %d times, want once", *n)
	}
	_, err = f.Create(t.Context(), slots)
	must(t, err)
	must(t, f.Fence(t.Context(), "acme", []ticket.ID{slots[0].ID}))
	must(t, f.Fence(t.Context(), "acme", []ticket.ID{slots[0].ID}))
	if *n != 2 {
		t.Fatalf("%d waits for the disk, want 2: what exists and what is fenced needs none", *n)
	}
}

// TestCostOfCreate shows that a Create writes and reads as much when many
// slots are stored as when few are.
func TestCostOfCreate(t *testing.T) {
	path, f, mailbox := filled(t)
	there := mustOpen(t, path, false)
	grow := func() int64 {
		before := size(t, path)
		_, err := f.Create(t.Context(), children(mailbox, 1))
		must(t, err)
		return size(t, path) - before
	}
	few := grow()
	_, err := there.Create(t.Context(), children(mailbox, 3000))
	must(t, err)
	if many := grow(); many > few+8 {
		t.Fatalf("one slot took %d bytes beside few slots and %d beside many", few, many)
	}
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path + ".slots")
	must(t, err)
	return info.Size()
}

// TestTornLine cuts the journal within its last line, at every byte, and fills
// the rest with zeros as file systems do.
func TestTornLine(t *testing.T) {
	path, f, mailbox := filled(t)
	first := children(mailbox, 1)
	_, err := f.Create(t.Context(), first)
	must(t, err)
	whole := size(t, path)
	last := children(mailbox, 12)
	_, err = f.Create(t.Context(), last)
	must(t, err)
	good, err := os.ReadFile(path + ".slots")
	must(t, err)

	check := func(t *testing.T, content []byte) {
		t.Helper()
		must(t, os.WriteFile(path+".slots", content, 0o600))
		f, err := Open(path, false)
		if err != nil {
			t.Fatalf("Open: %v", err)
		}
		if size(t, path) != whole {
			t.Fatalf("the torn line was not cut: %d bytes, want %d", size(t, path), whole)
		}
		got, err := f.Get(t.Context(), "acme", []ticket.ID{first[0].ID, last[0].ID})
		if err != nil || len(got) != 1 || got[0].ID != first[0].ID {
			t.Fatalf("Get: %v, %v", got, err)
		}
		_, err = f.Create(t.Context(), last[:1])
		must(t, err)
		mustOpen(t, path, false)
	}
	for i := whole + 1; i < int64(len(good))-1; i += 29 {
		check(t, good[:i])
		zeros := bytes.Clone(good)
		clear(zeros[i:])
		check(t, zeros)
	}
	// A sector in the middle never arrived though the end did.
	hole := bytes.Clone(good)
	at := (whole/sector + 1) * sector
	clear(hole[at : at+sector])
	check(t, hole)
	// Nor did the first one.
	hole = bytes.Clone(good)
	clear(hole[whole:at])
	check(t, hole)
}

func TestTornLineIsCutByAnother(t *testing.T) {
	path, f, mailbox := filled(t)
	there := mustOpen(t, path, false)
	j, err := os.OpenFile(path+".slots", os.O_WRONLY|os.O_APPEND, 0)
	must(t, err)
	_, err = j.WriteString("0badc0de {\"n\":")
	must(t, err)
	must(t, j.Close())
	slots := children(mailbox, 1)
	_, err = f.Create(t.Context(), slots)
	must(t, err)
	got, err := there.Get(t.Context(), "acme", []ticket.ID{slots[0].ID})
	if err != nil || len(got) != 1 {
		t.Fatalf("Get: %v, %v", got, err)
	}
}

func TestFailedSync(t *testing.T) {
	path, f, mailbox := filled(t)
	fails, disk := errors.New("no space left"), f.sync
	slots := children(mailbox, 3)
	before, err := os.ReadFile(path + ".slots")
	must(t, err)
	f.sync = func(*os.File) error { return fails }
	if _, err := f.Create(t.Context(), slots); !errors.Is(err, fails) {
		t.Fatalf("Create: got %v", err)
	}
	if err := f.Destroy(t.Context(), "acme", []ticket.ID{mailbox.ID}); !errors.Is(err, fails) {
		t.Fatalf("Destroy: got %v", err)
	}
	after, err := os.ReadFile(path + ".slots")
	must(t, err)
	if !bytes.Equal(before, after) {
		t.Fatal("a failed call changed the journal")
	}
	f.sync = disk
	if got, err := f.Get(t.Context(), "acme", []ticket.ID{slots[0].ID, mailbox.ID}); err != nil || len(got) != 1 || got[0].State != privacy.SlotLive {
		t.Fatalf("after the failure: %v, %v", got, err)
	}
	_, err = f.Create(t.Context(), slots)
	must(t, err)
	mustOpen(t, path, false)
}

// TestReadIsDurable: what another process wrote and did not live to sync is
// synced before it is used.
func TestReadIsDurable(t *testing.T) {
	path, f, mailbox := filled(t)
	there := mustOpen(t, path, false)
	f.sync = func(*os.File) error { return nil }
	slots := children(mailbox, 1)
	_, err := f.Create(t.Context(), slots)
	must(t, err)
	n := counted(there)
	_, err = there.Get(t.Context(), "acme", []ticket.ID{slots[0].ID})
	must(t, err)
	_, err = there.Get(t.Context(), "acme", []ticket.ID{slots[0].ID})
	must(t, err)
	if *n != 1 {
		t.Fatalf("two reads synced %d times, want once", *n)
	}
}

func TestDestroyRemovesTheBytes(t *testing.T) {
	path, f, mailbox := filled(t)
	slots := children(mailbox, 1200) // more than a line holds
	_, err := f.Create(t.Context(), slots)
	must(t, err)
	gone := slots[700]
	canary := storedSlots([]privacy.Slot{gone})[0]
	line, err := record{Slots: []stored{canary}}.line()
	must(t, err)
	wrapped := line[bytes.Index(line, []byte(`"wrapped":"`))+11 : len(line)-5]
	if b, _ := os.ReadFile(path + ".slots"); !bytes.Contains(b, wrapped) {
		t.Fatal("the test looks for the wrong bytes")
	}
	must(t, f.Destroy(t.Context(), "acme", []ticket.ID{gone.ID}))
	files, err := os.ReadDir(filepath.Dir(path))
	must(t, err)
	if len(files) != 3 {
		t.Fatalf("files left: %v", files)
	}
	for _, e := range files {
		b, err := os.ReadFile(filepath.Join(filepath.Dir(path), e.Name()))
		must(t, err)
		if bytes.Contains(b, wrapped) {
			t.Fatalf("%s still has the wrapped key", e.Name())
		}
	}
	var ids []ticket.ID
	for _, s := range slots {
		ids = append(ids, s.ID)
	}
	got, err := mustOpen(t, path, false).Get(t.Context(), "acme", ids)
	if err != nil || len(got) != len(slots) {
		t.Fatalf("%d slots, %v", len(got), err)
	}
	n := counted(f)
	must(t, f.Destroy(t.Context(), "acme", []ticket.ID{gone.ID}))
	if *n != 0 {
		t.Fatal("destroying again wrote again")
	}
}

// TestInterruptedRewrite: a crash before the rename leaves a file with keys
// that a later call destroys; opening removes it.
func TestInterruptedRewrite(t *testing.T) {
	path, _, _ := filled(t)
	must(t, os.WriteFile(path+".slots.new", []byte("keys"), 0o600))
	mustOpen(t, path, false)
	if _, err := os.Stat(path + ".slots.new"); err == nil {
		t.Fatal("the leftover is still there")
	}
}

// TestAnotherGeneration: a journal that was written anew and by chance has the
// length of the old one is read again.
func TestAnotherGeneration(t *testing.T) {
	path, f, mailbox := filled(t)
	one, other := children(mailbox, 1)[0], children(mailbox, 1)[0]
	there := mustOpen(t, path, false)
	must(t, f.rewrite([]privacy.Slot{one}))
	if _, err := there.Get(t.Context(), "acme", nil); err != nil {
		t.Fatal(err)
	}
	before := size(t, path)
	must(t, f.rewrite([]privacy.Slot{other}))
	if size(t, path) != before {
		t.Fatal("the test needs two journals of one length")
	}
	got, err := there.Get(t.Context(), "acme", []ticket.ID{one.ID, other.ID})
	if err != nil || len(got) != 1 || got[0].ID != other.ID {
		t.Fatalf("%v, %v", got, err)
	}
}

// TestLinkedJournal: the journal behind a symbolic link is replaced where it
// is, or the keys would stay there.
func TestLinkedJournal(t *testing.T) {
	path, _, mailbox := filled(t)
	real := filepath.Join(t.TempDir(), "slots")
	must(t, os.Rename(path+".slots", real))
	must(t, os.Symlink(real, path+".slots"))
	f := mustOpen(t, path, false)
	must(t, f.Destroy(t.Context(), "acme", []ticket.ID{mailbox.ID}))
	info, err := os.Lstat(path + ".slots")
	must(t, err)
	if info.Mode()&os.ModeSymlink == 0 {
		t.Fatal("the link was replaced")
	}
	got, err := mustOpen(t, path, false).Get(t.Context(), "acme", []ticket.ID{mailbox.ID})
	if err != nil || len(got) != 1 || got[0].State != privacy.SlotDestroyed {
		t.Fatalf("%v, %v", got, err)
	}
}

func TestBackup(t *testing.T) {
	path, f, mailbox := filled(t)
	copied := filepath.Join(t.TempDir(), "restored")
	for _, name := range []string{"", ".slots"} {
		b, err := os.ReadFile(path + name)
		must(t, err)
		must(t, os.WriteFile(copied+name, b, 0o600))
	}
	g := mustOpen(t, copied, false)
	got, err := g.Get(t.Context(), "acme", []ticket.ID{mailbox.ID})
	if err != nil || len(got) != 1 || g.ID() != f.ID() {
		t.Fatalf("restored: %v, %v", got, err)
	}
}
