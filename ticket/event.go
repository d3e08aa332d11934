package ticket

import "time"

// EventVersion is the version of the Event format written today. Readers
// accept every earlier one.
const EventVersion = 1

// EventType names what happened.
type EventType string

// The types of events.
const (
	MailboxConnected    EventType = "mailbox.connected"
	MailboxHealth       EventType = "mailbox.health"
	MailboxDisconnected EventType = "mailbox.disconnected"
	TicketCreated       EventType = "ticket.created"
	MessageReceived     EventType = "message.received"
	ReplyQueued         EventType = "reply.queued"
	ReplySeen           EventType = "reply.seen" // sent past the library, such as from Outlook
	NoteAdded           EventType = "note.added"
	StatusChanged       EventType = "ticket.status"
	Assigned            EventType = "ticket.assigned"
	Tagged              EventType = "ticket.tagged"
	Untagged            EventType = "ticket.untagged"
	DeliveryChanged     EventType = "delivery.changed"
	TicketLinked        EventType = "ticket.linked" // To is the ticket it is related to now
	TicketMerged        EventType = "ticket.merged" // To is the ticket it was merged into
	// MessageBounced tells that a mail came back: Message is the one that was
	// sent, Cause "hard", "soft" or "complaint".
	MessageBounced  EventType = "message.bounced"
	MailQuarantined EventType = "mail.quarantined"
	MailReleased    EventType = "mail.released"
	// DataErased tells that an erasure is over: Subject is the erasure, To the
	// kind of its scope, Cause what triggered it.
	DataErased EventType = "data.erased"
	// HoldPlaced and HoldReleased tell of legal holds and needs; Subject is
	// the hold, Cause its ground.
	HoldPlaced   EventType = "hold.placed"
	HoldReleased EventType = "hold.released"
)

// Event tells that something happened. It holds ids and constants only: no
// address, no subject, no text, so that it may travel where content may not.
type Event struct {
	ID      ID        `json:"id"`
	Version int       `json:"version"`
	Type    EventType `json:"type"`
	At      time.Time `json:"at"`
	By      Actor     `json:"by"`
	Tenant  TenantID  `json:"tenant"`
	Mailbox ID        `json:"mailbox"`
	Ticket  ID        `json:"ticket,omitzero"`
	Message ID        `json:"message,omitzero"`
	// Subject is what else it is about: an erasure, a hold, a grant.
	Subject ID `json:"subject,omitzero"`
	// From and To are the states of a change: statuses, agents, tags,
	// delivery or health states.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Cause is a constant that says why.
	Cause string `json:"cause,omitempty"`
	// Rung is the rung of the threading ladder that decided, for messages.
	Rung Rung `json:"rung,omitempty"`
}
