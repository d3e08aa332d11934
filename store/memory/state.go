package memory

import (
	"time"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// table holds the rows of one kind, each tenant's apart, so that no listing
// can even meet the rows of another tenant.
type table[V any] map[ticket.TenantID]map[ticket.ID]V

func (t table[V]) get(tenant ticket.TenantID, id ticket.ID) (V, bool) {
	v, ok := t[tenant][id]
	return v, ok
}

// of returns the rows of a tenant to write to.
func (t table[V]) of(tenant ticket.TenantID) map[ticket.ID]V {
	rows := t[tenant]
	if rows == nil {
		rows = map[ticket.ID]V{}
		t[tenant] = rows
	}
	return rows
}

// ref names a row, or what belongs to a mailbox or ticket.
type ref struct {
	tenant ticket.TenantID
	id     ticket.ID
}

// The keys of the indexes. The ref is the mailbox.
type (
	accountKey struct {
		tenant  ticket.TenantID
		account ticket.Fingerprint
	}
	providerKey struct {
		ref
		providerID string
	}
	mailKey struct {
		ref
		messageID, content ticket.Fingerprint
	}
	arrivalKey struct {
		ref
		content ticket.Fingerprint
		micros  int64
	}
	printKey struct {
		ref
		print ticket.Fingerprint
	}
	hitKey struct {
		tenant ticket.TenantID
		store.Hit
	}
	taskKey struct {
		kind    store.TaskKind
		subject ticket.ID
	}
)

// place is where a message stands in its ticket.
type place struct {
	seq int64
	id  ticket.ID
}

// found is what a fingerprint says about a ticket.
type found struct {
	ticket  ticket.ID
	role    ticket.HitRole
	message ticket.ID
}

// state is everything that is stored. Values in it are never changed in place:
// a change puts a new value, so that undoing is putting back the old one.
type state struct {
	mailboxes  table[store.Mailbox]
	accounts   map[accountKey][]ticket.ID
	tickets    table[store.Ticket]
	messages   table[store.Message]
	threads    map[ref][]place         // by ticket, ascending
	members    map[ref][]ticket.Member // by ticket
	memberBox  map[ref]ticket.ID       // by ticket: its mailbox, also when it is gone
	deliveries table[ticket.Delivery]  // by message
	quarantine table[store.Quarantined]

	seen     map[providerKey]store.Seen
	mails    map[mailKey]store.Seen    // the first with a Message-ID
	arrivals map[arrivalKey]store.Seen // the first without one
	hits     map[hitKey]bool
	prints   map[printKey]map[found]bool
	contacts map[printKey]ticket.ID

	tasks   map[ref]map[taskKey]task // by mailbox
	taskIDs map[ref]taskPlace
	token   int64

	events    []ticket.Event
	byTenant  map[ticket.TenantID][]int // indexes in events
	consumers map[string]store.EventCursor

	records map[recordKey]store.Record
	retain  map[ref]time.Time // by ticket: when it is asked about again

	deployment store.Deployment
}

// taskPlace is where a task is found.
type taskPlace struct {
	mailbox ticket.ID
	key     taskKey
}

func newState() *state {
	return &state{
		mailboxes:  table[store.Mailbox]{},
		accounts:   map[accountKey][]ticket.ID{},
		tickets:    table[store.Ticket]{},
		messages:   table[store.Message]{},
		threads:    map[ref][]place{},
		members:    map[ref][]ticket.Member{},
		memberBox:  map[ref]ticket.ID{},
		deliveries: table[ticket.Delivery]{},
		quarantine: table[store.Quarantined]{},
		seen:       map[providerKey]store.Seen{},
		mails:      map[mailKey]store.Seen{},
		arrivals:   map[arrivalKey]store.Seen{},
		hits:       map[hitKey]bool{},
		prints:     map[printKey]map[found]bool{},
		contacts:   map[printKey]ticket.ID{},
		tasks:      map[ref]map[taskKey]task{},
		taskIDs:    map[ref]taskPlace{},
		byTenant:   map[ticket.TenantID][]int{},
		consumers:  map[string]store.EventCursor{},
		records:    map[recordKey]store.Record{},
		retain:     map[ref]time.Time{},
	}
}

// journal remembers how to undo what a transaction wrote.
type journal struct{ undo []func() }

func (j *journal) rollback() {
	for i := len(j.undo) - 1; i >= 0; i-- {
		j.undo[i]()
	}
	j.undo = nil
}

// put writes one entry of a map.
func put[K comparable, V any](j *journal, m map[K]V, k K, v V) {
	old, had := m[k]
	j.undo = append(j.undo, func() {
		if had {
			m[k] = old
		} else {
			delete(m, k)
		}
	})
	m[k] = v
}

// drop removes one entry of a map.
func drop[K comparable, V any](j *journal, m map[K]V, k K) {
	old, had := m[k]
	if !had {
		return
	}
	j.undo = append(j.undo, func() { m[k] = old })
	delete(m, k)
}

// instant is a time as a store keeps it: databases have microseconds, and a
// time that loses digits only in some stores would break keyset pages there.
func instant(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
