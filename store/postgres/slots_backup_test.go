package postgres

import (
	"bytes"
	osexec "os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/internal/testpg"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// TestSlotsBackup: a dump of the key store, restored into another database,
// opens what was there when it was made, and shows by its position that it is
// older.
func TestSlotsBackup(t *testing.T) {
	ctx := t.Context()
	s, dsn := openSlots(t)
	root, err := privacy.NewRoot(bytes.Repeat([]byte{7}, privacy.RootKeySize))
	must(t, err)
	vault := func(s *Slots) *privacy.Vault {
		return privacy.NewVault(privacy.VaultConfig{Root: root, Slots: s, Now: time.Now})
	}
	v := vault(s)
	keys := privacy.MailboxKeys{Tenant: "acme", Mailbox: newID(), Key: newID(), Identity: newID()}
	must(t, v.PrepareTenant(ctx, "acme"))
	must(t, v.PrepareMailbox(ctx, keys))
	// In the middle of a rotation, with an old key beside the new one.
	fresh := []ticket.ID{newID(), newID()}
	_, err = v.Sealer(ctx, keys, nil, fresh)
	must(t, err)
	must(t, v.Fence(ctx, "acme", fresh[1:]))
	rotated, err := v.RotateMailbox(ctx, "acme", keys.Key)
	must(t, err)
	if rotated != (privacy.Rotation{Wrapped: 3, Fenced: 1}) {
		t.Fatalf("rotation %+v", rotated)
	}
	h, err := v.Hasher(ctx, "acme", keys.Identity)
	must(t, err)
	token := h.Token(keys.Mailbox)
	earlier, later := privacy.Position{N: 1, Hash: [32]byte{1}}, privacy.Position{N: 2, Hash: [32]byte{2}}
	must(t, s.Reach(ctx, earlier))

	dump := testpg.PgDump(t, dsn)
	must(t, s.Reach(ctx, later))
	must(t, v.Destroy(ctx, "acme", []ticket.ID{keys.Key}))

	to := testpg.DSN(t)
	psql, err := filepath.Glob("/usr/lib/postgresql/*/bin/psql")
	if err != nil || len(psql) == 0 {
		psql = []string{"psql"}
	}
	cmd := osexec.Command(psql[len(psql)-1], to, "-q", "-v", "ON_ERROR_STOP=1")
	cmd.Stdin = bytes.NewReader(dump)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("restore: %v %s", err, out)
	}
	restored := reopenSlots(t, to)
	if restored.ID() != s.ID() {
		t.Error("the restored key store has another ID")
	}
	if got, err := restored.Reached(ctx); err != nil || got != earlier {
		t.Errorf("restored at %+v, %v, want the earlier position", got, err)
	}
	h, err = vault(restored).Hasher(ctx, "acme", keys.Identity)
	must(t, err)
	if _, ok := h.ParseToken(token); !ok {
		t.Error("the identity key is another one")
	}
	_, err = vault(restored).Sealer(ctx, keys, fresh[:1], nil)
	must(t, err)
}
