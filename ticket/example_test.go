package ticket_test

import (
	"fmt"
	"time"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// A mail answers a message of a ticket. Match joins it when its sender is on
// the ticket, and starts a new one, related to it, when he is not. Real
// fingerprints are keyed hashes; here they are numbers.
func ExampleMatch() {
	now := time.Date(2026, 3, 29, 12, 0, 0, 0, time.UTC)
	ann, bob := ticket.Fingerprint{1, 1}, ticket.Fingerprint{1, 2}
	question := ticket.Fingerprint{1, 3} // the Message-ID of Ann's question

	tk, _ := ticket.Start(ticket.Opening{ID: ticket.NewID(now), Origin: ticket.FromMail}, ticket.ByContact(), now)
	found := []ticket.Candidate{{
		Ticket:  tk,
		Members: []ticket.Member{{Address: ann}},
		Hits:    []ticket.Hit{{Fingerprint: question, Role: ticket.HitMessageID}},
	}}

	for _, sender := range []ticket.Fingerprint{ann, bob} {
		mail := ticket.Evidence{From: sender, InReplyTo: []ticket.Fingerprint{question}}
		d := ticket.Match(mail, found, ticket.Rules{}, now)
		fmt.Println(d.Join == tk.ID, d.Related == tk.ID, d.Trace.Explain())
	}
	// Output:
	// true false joined by in-reply-to
	// false true new ticket: in-reply-to pointed at another one, but sender was never on that ticket
}
