package keyfile

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// quiet is an access log that keeps nothing.
type quiet struct{ privacy.AccessLog }

func (quiet) Durable() bool { return false }

// copyFiles is what a backup of a key file is, and its restoration.
func copyFiles(t *testing.T, from, to string) {
	t.Helper()
	for _, name := range []string{"", ".slots"} {
		b, err := os.ReadFile(from + name)
		must(t, err)
		must(t, os.WriteFile(to+name, b, 0o600))
	}
}

func vaultOf(f *File) *privacy.Vault {
	return privacy.NewVault(privacy.VaultConfig{Root: f.Root(), Slots: f, Log: quiet{}, Now: time.Now})
}

// TestRestoredKeys: a copy of the two files, brought back, opens what was there when
// it was made, and shows by its position that it is older.
func TestRestoredKeys(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	path, backup := filepath.Join(dir, "key"), filepath.Join(dir, "backup")
	f := mustOpen(t, path, true)
	v := vaultOf(f)
	now := time.Now()
	keys := privacy.MailboxKeys{Tenant: "acme", Mailbox: ticket.NewID(now), Key: ticket.NewID(now), Identity: ticket.NewID(now)}
	must(t, v.PrepareTenant(ctx, "acme"))
	must(t, v.PrepareMailbox(ctx, keys))
	h, err := v.Hasher(ctx, "acme", keys.Identity)
	must(t, err)
	token := h.Token(keys.Mailbox)
	opens := func(v *privacy.Vault) {
		t.Helper()
		h, err := v.Hasher(ctx, "acme", keys.Identity)
		must(t, err)
		if _, ok := h.ParseToken(token); !ok {
			t.Fatal("the identity key is another one")
		}
	}
	earlier, later := privacy.Position{N: 1, Hash: [32]byte{1}}, privacy.Position{N: 2, Hash: [32]byte{2}}
	must(t, f.Reach(ctx, earlier))

	copyFiles(t, path, backup)
	_, err = v.RotateTenant(ctx, "acme")
	must(t, err)
	must(t, f.Reach(ctx, later))
	opens(v)
	must(t, v.Destroy(ctx, "acme", []ticket.ID{keys.Key}))

	restored := filepath.Join(dir, "restored")
	copyFiles(t, backup, restored)
	r := mustOpen(t, restored, false)
	if r.ID() != f.ID() {
		t.Error("the restored key store has another ID")
	}
	opens(vaultOf(r))
	if got, err := r.Reached(ctx); err != nil || got != earlier {
		t.Errorf("restored at %+v, %v, want the earlier position", got, err)
	}
	if got, err := f.Reached(ctx); err != nil || got != later {
		t.Errorf("the present one at %+v, %v", got, err)
	}
}

// What a rotated key was is gone from the file when the rotation returned.
func TestRotatedKeysLeaveTheFile(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "key")
	f := mustOpen(t, path, true)
	v := vaultOf(f)
	must(t, v.PrepareTenant(ctx, "acme"))
	before, err := f.Get(ctx, "acme", []ticket.ID{privacy.TenantKey("acme"), privacy.TenantIdentity("acme")})
	must(t, err)
	_, err = v.RotateTenant(ctx, "acme")
	must(t, err)
	journal, err := os.ReadFile(path + ".slots")
	must(t, err)
	for _, s := range before {
		text, err := record{Slots: storedSlots([]privacy.Slot{s})}.line()
		must(t, err)
		_, text, _ = bytes.Cut(text, []byte(`"wrapped":"`))
		text, _, _ = bytes.Cut(text, []byte(`"`))
		if len(text) < 40 {
			t.Fatalf("wrapped key %q", text)
		}
		if bytes.Contains(journal, text) {
			t.Errorf("the earlier key of slot %s is in the file", s.ID)
		}
	}
}

// A journal of the first version is read, and written anew by the first change
// that it has no line for.
func TestFirstVersion(t *testing.T) {
	path, f, mailbox := filled(t)
	old := f.state.header
	old.version = '1'
	b, err := os.ReadFile(path + ".slots")
	must(t, err)
	must(t, os.WriteFile(path+".slots", append(old.bytes(), b[headerSize:]...), 0o600))
	f = mustOpen(t, path, false)
	_, err = f.Create(t.Context(), children(mailbox, 1))
	must(t, err)
	if f.state.header.version != '1' {
		t.Error("making a slot changed the version")
	}
	must(t, f.Reach(t.Context(), privacy.Position{N: 1}))
	again := mustOpen(t, path, false)
	if again.state.header.version != journalVersion || len(again.state.slots) != 3 || again.state.reached.N != 1 {
		t.Errorf("version %c, %d slots, position %d", again.state.header.version, len(again.state.slots), again.state.reached.N)
	}
	must(t, os.WriteFile(path+".slots", bytes.Replace(b, []byte(journalMagic+"2"), []byte(journalMagic+"3"), 1), 0o600))
	if _, err := Open(path, false); !errors.Is(err, ErrDamaged) {
		t.Errorf("a later version: %v", err)
	}
}
