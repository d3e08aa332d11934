package ticket

// Evidence is what [Match] knows of an arriving mail: keyed hashes and
// verdicts, no plaintext.
type Evidence struct {
	// Tokens and SubjectTokens are ids of our messages, proven by signature.
	Tokens        []ID
	SubjectTokens []ID
	// MessageID, InReplyTo and References (newest first) are its ids.
	MessageID  Fingerprint
	InReplyTo  []Fingerprint
	References []Fingerprint
	// Thread is the provider's thread.
	Thread Fingerprint
	// From is the sender's address, Domain his organisation: zero where many
	// share a domain who have nothing to do with each other.
	From   Fingerprint
	Domain Fingerprint
	// Subject is the base subject together with the sender. It is set only for
	// a mail that looks like an answer and carries no ids to answer by.
	Subject  Fingerprint
	Verified Verdict
	// Own is set for mail from the mailbox's folder of sent mail.
	Own bool
	// Title is the base subject alone, zero when there is none.
	Title Fingerprint
	// Report is set for a bounce or a complaint, which comes from a machine
	// about a mail of ours. Reported are the people it says the mail was for.
	Report   bool
	Reported []Fingerprint
	// About is the message of ours that a report names by an id which is no
	// token, such as one the provider gave it. Knowing that proves nothing.
	About ID
}

// HitRole says what a known fingerprint is to a ticket.
type HitRole byte

// The roles of a hit.
const (
	HitMessageID HitRole = 'm' // the Message-ID of one of its messages
	HitReference HitRole = 'r' // an id one of its messages refers to
	HitThread    HitRole = 't' // the provider's thread of one of its messages
	HitSubject   HitRole = 's' // the base subject it began with, together with a person it began with
)

// Hit is one reason why a ticket is a candidate.
type Hit struct {
	Fingerprint Fingerprint
	Role        HitRole
}

// Member is an address that is on a ticket.
type Member struct {
	Address Fingerprint
	// Domain is the organisation of the address, like that of [Evidence].
	Domain  Fingerprint
	Contact ID
	Pending bool
}

// Candidate is a ticket that may take a mail.
type Candidate struct {
	Ticket  Ticket
	Members []Member
	Hits    []Hit
	// Messages are those of its messages that a token may name.
	Messages []ID
	// Erased is set for a ticket whose keys are closed or destroyed: nothing
	// can be added to it.
	Erased bool
}
