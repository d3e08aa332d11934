package postgres

import (
	"bytes"
	"context"
	osexec "os/exec"
	"path/filepath"
	"testing"

	"github.com/helpdesk-go/helpdesk/internal/testpg"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

func logged(t *testing.T, s *Store, after store.EventCursor) (out []store.LoggedEvent) {
	t.Helper()
	must(t, s.View(t.Context(), func(ctx context.Context, r store.Reader) (err error) {
		out, err = r.Events(ctx, store.EventQuery{After: after, Limit: 100})
		return err
	}))
	return out
}

// A dump restored into another cluster, where transaction ids begin anew, keeps
// its event log: old events are visible, and a consumer goes on where it was.
func TestRestoredEvents(t *testing.T) {
	dsn := testpg.DSN(t)
	s, err := Open(t.Context(), dsn)
	must(t, err)
	must(t, s.Migrate(t.Context()))
	_, err = s.Bind(t.Context(), store.Deployment{ID: newID(), Keys: newID()})
	must(t, err)
	box := connected(t, s, "acme")
	// The old cluster was busy: its transaction ids are far ahead.
	_, err = dial(t, dsn).Exec(t.Context(), "DO $$ BEGIN FOR i IN 1..5000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$")
	must(t, err)
	must(t, apply(t.Context(), s, page(box, 2)))
	before := logged(t, s, "")
	if len(before) != 2 {
		t.Fatalf("%d events before the dump", len(before))
	}
	must(t, s.Close())

	to := testpg.New(t).DSN(t)
	psql, err := filepath.Glob("/usr/lib/postgresql/*/bin/psql")
	if err != nil || len(psql) == 0 {
		psql = []string{"psql"}
	}
	cmd := osexec.Command(psql[len(psql)-1], to, "-q")
	cmd.Stdin = bytes.NewReader(testpg.PgDump(t, dsn))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("restore: %v %s", err, out)
	}
	restored, err := Open(t.Context(), to)
	must(t, err)
	t.Cleanup(func() { _ = restored.Close() })
	for range 2 { // noticed once
		_, err = restored.Deployment(t.Context())
		must(t, err)
	}
	if n := len(logged(t, restored, "")); n != 2 {
		t.Errorf("%d of the 2 old events are visible", n)
	}
	must(t, apply(t.Context(), restored, store.Changes{Tenant: "acme", Events: []ticket.Event{newEvent("acme", newID())}}))
	if n := len(logged(t, restored, before[1].Cursor)); n != 1 {
		t.Errorf("a consumer that goes on where it was sees %d new events, want 1", n)
	}
	if n := len(logged(t, restored, "")); n != 3 {
		t.Errorf("%d events in all, want 3", n)
	}
}
