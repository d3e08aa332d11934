package postgres

import (
	"slices"
	"testing"

	"github.com/helpdesk-go/helpdesk/internal/testpg"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// columns reads the columns of a live schema, and the type of each.
func columns(t *testing.T) map[Column]string {
	t.Helper()
	dsn := testpg.DSN(t)
	s, err := Open(t.Context(), dsn)
	must(t, err)
	t.Cleanup(func() { _ = s.Close() })
	must(t, s.Migrate(t.Context()))
	rows, err := dial(t, dsn).Query(t.Context(),
		`SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = $1`, defaultSchema)
	must(t, err)
	out := map[Column]string{}
	for rows.Next() {
		var c Column
		var typ string
		must(t, rows.Scan(&c.Table, &c.Name, &typ))
		out[c] = typ
	}
	must(t, rows.Err())
	return out
}

// TestRegistry: a column without a class, and a class without a column, fail.
func TestRegistry(t *testing.T) {
	live := columns(t)
	for _, c := range Registry() {
		name := Column{Table: c.Table, Name: c.Name}
		typ, ok := live[name]
		switch {
		case !ok:
			t.Errorf("%s.%s is classified and not there, or classified twice", c.Table, c.Name)
		case (c.Class == Content || c.Class == Lookup) != (typ == "bytea") && c.Class != Opaque && c.Name != "reached_hash":
			t.Errorf("%s.%s is %s and of type %s", c.Table, c.Name, c.Class, typ)
		case c.Class == Reference && typ != "uuid":
			t.Errorf("%s.%s is a reference of type %s", c.Table, c.Name, typ)
		}
		delete(live, name)
	}
	for c := range live {
		t.Errorf("%s.%s has no class: say in registry.go what it holds", c.Table, c.Name)
	}
}

// TestErasureReachesEveryTable: whatever belongs to a mailbox goes with it, and
// whatever belongs to a ticket with that.
func TestErasureReachesEveryTable(t *testing.T) {
	reach := func(e store.Erase) (tables []string) {
		for _, d := range target(e) {
			tables = append(tables, d.table)
		}
		return tables
	}
	box := reach(store.Erase{Tenant: "acme", Mailbox: newID(), Limit: 1})
	one := reach(store.Erase{Tenant: "acme", Tickets: []ticket.ID{newID()}, Limit: 1})
	for _, c := range Registry() {
		// Large objects are erased through their own port, and what a resync
		// must not bring back outlives a ticket.
		if c.Name == "mailbox" && c.Table != "blobs" && !slices.Contains(box, c.Table) {
			t.Errorf("erasing a mailbox leaves rows in %s", c.Table)
		}
		if c.Name == "ticket" && !slices.Contains(one, c.Table) {
			t.Errorf("erasing a ticket leaves rows in %s", c.Table)
		}
	}
}
