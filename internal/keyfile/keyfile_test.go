package keyfile

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
	"github.com/helpdesk-go/helpdesk/privacy/slottest"
	"github.com/helpdesk-go/helpdesk/ticket"
)

func TestSlots(t *testing.T) {
	slottest.Run(t, func(t *testing.T) privacy.Slots {
		return mustOpen(t, filepath.Join(t.TempDir(), "key"), true)
	})
	slottest.RunDurable(t, func(t *testing.T, dir string) privacy.Slots {
		return mustOpen(t, filepath.Join(dir, "key"), true)
	})
}

func mustOpen(t *testing.T, path string, create bool) *File {
	t.Helper()
	f, err := Open(path, create)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return f
}

// filled returns a key file with a tenant and a mailbox slot.
func filled(t *testing.T) (path string, f *File, mailbox privacy.Slot) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "key")
	f = mustOpen(t, path, true)
	tenant := slottest.Slot("acme", privacy.LevelTenant, ticket.ID{})
	mailbox = slottest.Slot("acme", privacy.LevelMailbox, tenant.ID)
	if _, err := f.Create(t.Context(), []privacy.Slot{tenant, mailbox}); err != nil {
		t.Fatal(err)
	}
	return path, f, mailbox
}

func children(mailbox privacy.Slot, n int) []privacy.Slot {
	out := make([]privacy.Slot, n)
	for i := range out {
		out[i] = slottest.Slot(mailbox.Tenant, privacy.LevelTicket, mailbox.ID)
	}
	return out
}

func TestOpenMakesNothingAnew(t *testing.T) {
	missing := func(t *testing.T, path string) {
		t.Helper()
		for _, create := range []bool{false, true} {
			if _, err := Open(path, create); !errors.Is(err, ErrMissing) {
				t.Fatalf("Open(create=%v): got %v, want ErrMissing", create, err)
			}
		}
	}
	t.Run("nothing there and not allowed to create", func(t *testing.T) {
		dir := t.TempDir()
		for _, path := range []string{filepath.Join(dir, "key"), filepath.Join(dir, "none", "key")} {
			if _, err := Open(path, false); !errors.Is(err, ErrMissing) {
				t.Fatalf("got %v, want ErrMissing", err)
			}
		}
		if left, _ := os.ReadDir(dir); len(left) != 0 {
			t.Fatalf("a refused Open left %v", left)
		}
	})
	t.Run("root gone", func(t *testing.T) {
		path, _, _ := filled(t)
		must(t, os.Remove(path))
		missing(t, path)
	})
	t.Run("slots gone", func(t *testing.T) {
		path, f, mailbox := filled(t)
		must(t, os.Remove(path+".slots"))
		missing(t, path)
		if _, err := f.Create(t.Context(), children(mailbox, 1)); !errors.Is(err, ErrMissing) {
			t.Fatalf("Create without journal: got %v, want ErrMissing", err)
		}
		if _, err := f.Get(t.Context(), "acme", nil); !errors.Is(err, ErrMissing) {
			t.Fatalf("Get without journal: got %v, want ErrMissing", err)
		}
		if _, err := os.Stat(path + ".slots"); !errors.Is(err, fs.ErrNotExist) {
			t.Fatal("the journal was made anew")
		}
	})
	t.Run("dangling link to the root", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "key")
		must(t, os.Symlink(path+"-elsewhere", path))
		missing(t, path)
	})
	t.Run("an interrupted making is begun again", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "key")
		must(t, os.WriteFile(path+".slots", newHeader(ticket.NewID(time.Now())).bytes(), 0o600))
		must(t, os.WriteFile(path+".new", []byte("half"), 0o600))
		f := mustOpen(t, path, true)
		if again := mustOpen(t, path, false); again.ID() != f.ID() {
			t.Fatal("two IDs")
		}
	})
	t.Run("folders are made", func(t *testing.T) {
		mustOpen(t, filepath.Join(t.TempDir(), "a", "b", "key"), true)
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestPermissions(t *testing.T) {
	for _, name := range []string{"", ".slots"} {
		for _, mode := range []fs.FileMode{0o640, 0o604, 0o660, 0o644, 0o601} {
			path, _, _ := filled(t)
			must(t, os.Chmod(path+name, mode))
			if _, err := Open(path, true); !errors.Is(err, ErrPermissions) {
				t.Errorf("%q with %#o: got %v, want ErrPermissions", name, mode, err)
			}
		}
	}
	path, f, mailbox := filled(t)
	must(t, f.Destroy(t.Context(), "acme", []ticket.ID{mailbox.ID}))
	for _, name := range []string{"", ".slots", ".lock"} {
		info, err := os.Stat(path + name)
		must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%q was made with %#o", name, info.Mode().Perm())
		}
	}
}

func TestRootSurvives(t *testing.T) {
	path, f, _ := filled(t)
	wrapped, err := f.Root().EncryptWithContext(t.Context(), []byte("a key"), []byte("place"))
	must(t, err)
	got, err := mustOpen(t, path, false).Root().DecryptWithContext(t.Context(), wrapped, []byte("place"))
	if err != nil || string(got) != "a key" {
		t.Fatalf("after opening again: %q, %v", got, err)
	}
}

// TestDamage changes every byte of both files in turn: nothing of it may pass.
func TestDamage(t *testing.T) {
	path, f, mailbox := filled(t)
	_, err := f.Create(t.Context(), children(mailbox, 2))
	must(t, err)
	must(t, f.Fence(t.Context(), "acme", []ticket.ID{mailbox.ID}))
	for _, name := range []string{path, path + ".slots"} {
		good, err := os.ReadFile(name)
		must(t, err)
		for i := range good {
			for _, flip := range []byte{0x01, 0x20, good[i] ^ '\n', good[i]} { // the last makes a zero
				bad := bytes.Clone(good)
				bad[i] ^= flip
				if flip == 0 {
					continue
				}
				must(t, os.WriteFile(name, bad, 0o600))
				if _, err := Open(path, true); !errors.Is(err, ErrDamaged) {
					t.Fatalf("byte %d of %s changed by %#x: got %v, want ErrDamaged", i, filepath.Base(name), flip, err)
				}
			}
		}
		must(t, os.WriteFile(name, good, 0o600))
	}
	mustOpen(t, path, false)
}

func TestDamageOfOtherKinds(t *testing.T) {
	edit := func(change func(lines []string) []string) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			b, err := os.ReadFile(path + ".slots")
			must(t, err)
			lines := change(strings.SplitAfter(string(b), "\n"))
			must(t, os.WriteFile(path+".slots", []byte(strings.Join(lines, "")), 0o600))
		}
	}
	for name, damage := range map[string]func(*testing.T, string){
		"a line is lost":     edit(func(l []string) []string { return append(l[:1:1], l[2:]...) }),
		"a line is repeated": edit(func(l []string) []string { return append(l[:2:2], l[1:]...) }),
		"no header":          edit(func(l []string) []string { return l[1:] }),
		"empty journal":      edit(func([]string) []string { return nil }),
		"empty root":         func(t *testing.T, path string) { must(t, os.Truncate(path, 0)) },
		"huge root":          func(t *testing.T, path string) { must(t, os.Truncate(path, 1<<20)) },
		"a folder as root": func(t *testing.T, path string) {
			must(t, os.Remove(path))
			must(t, os.Mkdir(path, 0o700))
		},
		"the slots of another root": func(t *testing.T, path string) {
			other, _, _ := filled(t)
			must(t, os.Rename(other+".slots", path+".slots"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			path, f, mailbox := filled(t)
			_, err := f.Create(t.Context(), children(mailbox, 1))
			must(t, err)
			damage(t, path)
			if _, err := Open(path, true); !errors.Is(err, ErrDamaged) {
				t.Fatalf("got %v, want ErrDamaged", err)
			}
		})
	}
	t.Run("an older journal under a running process", func(t *testing.T) {
		path, f, mailbox := filled(t)
		old, err := os.ReadFile(path + ".slots")
		must(t, err)
		_, err = f.Create(t.Context(), children(mailbox, 1))
		must(t, err)
		must(t, os.WriteFile(path+".slots", old, 0o600))
		if _, err := f.Get(t.Context(), "acme", []ticket.ID{mailbox.ID}); !errors.Is(err, ErrDamaged) {
			t.Fatalf("got %v, want ErrDamaged", err)
		}
	})
}

func TestErrorsNameThePathAndNoKey(t *testing.T) {
	path, _, _ := filled(t)
	b, err := os.ReadFile(path)
	must(t, err)
	key := strings.Fields(string(b))[5]
	must(t, os.WriteFile(path, bytes.Replace(b, []byte("sum "), []byte("sun "), 1), 0o600))
	_, err = Open(path, false)
	if err == nil || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), key) {
		t.Fatalf("error is %v", err)
	}
}
