package ticket

import "time"

// Direction is which way a message went.
type Direction string

// The directions of a message.
const (
	In   Direction = "in"   // a mail of the contact
	Out  Direction = "out"  // a mail to the contact
	Note Direction = "note" // internal, never sent
)

// Source is where a message came from.
type Source string

// The sources of a message.
const (
	SourceLive     Source = "live"     // a provider's listing of new mail
	SourceBackfill Source = "backfill" // a provider's or an archive's old mail
	SourceSent     Source = "sent"     // the provider's folder of sent mail
	SourceHost     Source = "host"     // a verb of this library
)

// Provenance tells where a message came from and what read it. It is never
// empty.
type Provenance struct {
	Source Source
	// ProviderID is the provider's id of the mail; a message that no provider
	// holds yet has "local:" and its own id.
	ProviderID string
	// Parser is the version of the parser that derived its text, 0 for notes.
	Parser int
	// ReceivedAt is when the provider received it, or the time of writing.
	ReceivedAt time.Time
}

// LocalProviderID is the provider id of a message that no provider holds yet.
func LocalProviderID(id ID) string { return "local:" + id.String() }

// Message is one mail or one note of a ticket, without its content.
type Message struct {
	ID        ID
	Tenant    TenantID
	Mailbox   ID
	Ticket    ID
	Seq       int64
	Direction Direction
	Kind      Kind
	// By is who wrote it; for an agent who answered outside the library, an
	// actor without agent id.
	By Actor
	// Contact is who wrote or is written to; zero for notes.
	Contact    ID
	Provenance Provenance
	// Match is why it is on this ticket.
	Match Trace
	// Attachments is how many it has; names and sizes are sealed.
	Attachments int
	CreatedAt   time.Time
}
