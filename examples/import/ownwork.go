package main

import (
	"context"
	"sync"
	"time"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// backfill is the engine's name of the task that reads the past.
const backfill store.TaskKind = "backfill"

// ownWork is a store from which the import's desk claims the work of its own
// mailbox only: the others belong to the host's desks, which have their
// providers. What it claims it holds briefly, so that an import that was killed
// goes on within seconds. A lease that ran out stays good until somebody else
// claims the task, so that a slow page loses nothing by it.
type ownWork struct {
	store.Store
	tenant  ticket.TenantID
	mailbox ticket.ID // set before any work

	mu   sync.Mutex
	held map[ticket.ID]bool // tasks that were claimed here, which are one or two
}

// leaseMost is how long a killed import holds up the next.
const leaseMost = 5 * time.Second

// Claim implements store.Store.
func (s *ownWork) Claim(ctx context.Context, q store.Claim) ([]store.Lease, error) {
	q.Tenant, q.Mailbox, q.For = s.tenant, s.mailbox, min(q.For, leaseMost)
	leases, err := s.Store.Claim(ctx, q)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range leases {
		s.held[l.Task.ID] = true
	}
	return leases, err
}

// Extend implements store.Store.
func (s *ownWork) Extend(ctx context.Context, l store.Lease, d time.Duration) (store.Lease, error) {
	return s.Store.Extend(ctx, l, min(d, leaseMost))
}

// holds reports whether the task was claimed here.
func (s *ownWork) holds(task ticket.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held[task]
}
