package memory

import (
	"encoding/gob"
	"io"
	"time"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// WriteState writes everything that the store holds, blobs and access log
// included, as bytes in which content would be found if any were stored in the
// clear. The form is for searching only and may change at any time.
func (s *Store) WriteState(w io.Writer) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	st := s.state
	var (
		seen     []store.Seen
		hits     []store.Hit
		contacts []store.Contact
		tasks    []store.Task
	)
	for _, v := range st.seen {
		seen = append(seen, v)
	}
	for k := range st.hits {
		hits = append(hits, k.Hit)
	}
	for k, id := range st.contacts {
		contacts = append(contacts, store.Contact{Mailbox: k.id, Address: k.print, ID: id})
	}
	for box, rows := range st.tasks {
		for k, t := range rows {
			tasks = append(tasks, t.show(box.tenant, box.id, k, time.Time{}))
		}
	}
	members := map[ticket.ID][]ticket.Member{}
	for k, v := range st.members {
		members[k.id] = v
	}
	enc := gob.NewEncoder(w)
	for _, part := range []any{
		st.mailboxes, st.tickets, st.messages, members, st.deliveries, st.quarantine,
		seen, hits, contacts, tasks, st.events, st.consumers, st.deployment,
	} {
		if err := enc.Encode(part); err != nil {
			return fail("write state", err)
		}
	}
	return s.writeAside(w, enc)
}

// writeAside writes what has its own lock.
func (s *Store) writeAside(w io.Writer, enc *gob.Encoder) error {
	s.blobs.mu.Lock()
	defer s.blobs.mu.Unlock()
	for r, o := range s.blobs.objects {
		if err := enc.Encode(r); err != nil {
			return fail("write state", err)
		}
		if _, err := w.Write(o.data); err != nil {
			return fail("write state", err)
		}
	}
	s.access.mu.Lock()
	defer s.access.mu.Unlock()
	return enc.Encode(s.access.entries)
}
