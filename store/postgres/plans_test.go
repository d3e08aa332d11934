package postgres

import (
	"fmt"
	"testing"

	"github.com/helpdesk-go/helpdesk/store"
)

// TestLookupsDoNotGrow counts the rows that PostgreSQL looks at for a page
// while a mailbox fills and no statistics are ever taken, as in the first
// minute of a large import: a plan that reads the mailbox for each mail shows
// as a count that grows with it.
func TestLookupsDoNotGrow(t *testing.T) {
	s, dsn := open(t, Options{MaxConns: 1})
	tables := []string{"mailboxes", "tickets", "messages", "seen", "hits", "members", "contacts", "events", "tasks"}
	for _, name := range tables {
		exec(t, dsn, "ALTER TABLE helpdesk."+name+" SET (autovacuum_enabled = off)")
	}
	box := connected(t, s, "acme")
	n := 0
	// One pass takes a page in, finds it again and continues its tickets.
	pass := func() {
		c := page(box, 100)
		for i := range c.Seen {
			c.Seen[i].ProviderID = fmt.Sprint(n, "-", i)
			c.Messages[i].Provenance.ProviderID = c.Seen[i].ProviderID
		}
		n++
		must(t, apply(t.Context(), s, c))
		lookUpPage(t, s, c)
		var more store.Changes
		more.Tenant = "acme"
		for i, k := range c.NewTickets {
			next := k.Ticket
			next.Seq, next.Version = 2, 2
			more.Tickets = append(more.Tickets, store.TicketUpdate{Ticket: next, Was: 1})
			h := c.Hits[i*5]
			h.Message = newID()
			more.Hits = append(more.Hits, h)
		}
		must(t, apply(t.Context(), s, more))
	}
	looked := func() (rows int64) {
		_, err := s.pool.Exec(t.Context(), "SELECT pg_stat_force_next_flush()")
		must(t, err)
		must(t, s.pool.QueryRow(t.Context(), `SELECT sum(idx_tup_read)::int8 + (SELECT sum(seq_tup_read)::int8
			FROM pg_stat_user_tables WHERE schemaname = 'helpdesk') FROM pg_stat_user_indexes WHERE schemaname = 'helpdesk'`).Scan(&rows))
		return rows
	}
	cost := func() int64 {
		before := looked()
		pass()
		return looked() - before
	}
	for range 8 {
		pass() // statements get their lasting plans in the first few
	}
	early := cost()
	for range 40 {
		pass()
	}
	late := cost()
	t.Logf("rows looked at for a page of 100: %d after 900 mails, %d after 5,000", early, late)
	if early == 0 || late > early*3/2 {
		t.Errorf("a page looked at %d rows with 900 mails and at %d with 5,000", early, late)
	}
}
