package store

import (
	"bytes"
	"slices"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// Touched lists the mailboxes that the changes write to, sorted and unique.
// Finishing a task is not writing to its mailbox: whoever holds the lease may.
func (c Changes) Touched() []ticket.ID {
	ids := slices.Clone(c.DropTasks)
	each(&ids, c.Premises, func(x Premise) ticket.ID { return x.Mailbox })
	each(&ids, c.Cursors, func(x CursorMove) ticket.ID { return x.Mailbox })
	each(&ids, c.NewTickets, func(x Ticket) ticket.ID { return x.Mailbox })
	each(&ids, c.Tickets, func(x TicketUpdate) ticket.ID { return x.Mailbox })
	each(&ids, c.Messages, func(x Message) ticket.ID { return x.Mailbox })
	each(&ids, c.Seen, func(x Seen) ticket.ID { return x.Mailbox })
	each(&ids, c.Hits, func(x Hit) ticket.ID { return x.Mailbox })
	each(&ids, c.Members, func(x Member) ticket.ID { return x.Mailbox })
	each(&ids, c.Contacts, func(x Contact) ticket.ID { return x.Mailbox })
	each(&ids, c.NewQuarantine, func(x Quarantined) ticket.ID { return x.Mailbox })
	each(&ids, c.Quarantine, func(x Quarantined) ticket.ID { return x.Mailbox })
	each(&ids, c.NewDeliveries, func(x ticket.Delivery) ticket.ID { return x.Mailbox })
	each(&ids, c.Deliveries, func(x ticket.Delivery) ticket.ID { return x.Mailbox })
	each(&ids, c.ProviderIDs, func(x ProviderID) ticket.ID { return x.Mailbox })
	each(&ids, c.Health, func(x HealthChange) ticket.ID { return x.Mailbox })
	each(&ids, c.Resealed, func(x Resealed) ticket.ID { return x.Ticket.Mailbox })
	each(&ids, c.Retain, func(x RetainAt) ticket.ID { return x.Mailbox })
	each(&ids, c.Tasks, func(x Task) ticket.ID { return x.Mailbox })
	each(&ids, c.Events, func(x ticket.Event) ticket.ID { return x.Mailbox })
	slices.SortFunc(ids, func(a, b ticket.ID) int { return bytes.Compare(a[:], b[:]) })
	ids = slices.Compact(ids)
	return slices.DeleteFunc(ids, ticket.ID.IsZero) // an event need not name one
}

// each adds the mailboxes of rows.
func each[R any](ids *[]ticket.ID, rows []R, mailbox func(R) ticket.ID) {
	for _, r := range rows {
		*ids = append(*ids, mailbox(r))
	}
}
