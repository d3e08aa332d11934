package ticket

import (
	"cmp"
	"strings"
	"time"
)

// Brake bounds automatic replies, so that two machines that answer each other
// stop. The zero value has the defaults.
type Brake struct {
	// Within is the window in which replies are counted; 0 means 3 hours.
	Within time.Duration
	// PerTicket, PerAddress and PerMailbox are the most automatic replies in
	// the window on one ticket, to one address and from one mailbox. 0 means
	// 2, 10 and 500; a negative number means none at all.
	PerTicket, PerAddress, PerMailbox int
}

// AutoReplies counts the automatic replies of a window: those on a ticket, the
// most to any one of the addresses asked about, and those from the mailbox.
type AutoReplies struct {
	Ticket, Address, Mailbox int
}

// The reasons why an automatic reply is not made. They are constants for
// errors, logs and counters.
const (
	BrakeKind    = "the mail is automatic, a list's or not from a person who stands on the ticket"
	BrakeRobot   = "the address is a machine's"
	BrakeTicket  = "too many automatic replies on the ticket"
	BrakeAddress = "too many automatic replies to the address"
	BrakeMailbox = "too many automatic replies from the mailbox"
)

// Since is the beginning of the window that ends now.
func (b Brake) Since(now time.Time) time.Time {
	return now.Add(-cmp.Or(b.Within, 3*time.Hour))
}

// Answerable reports whether an automatic reply may answer the message at all
// (RFC 3834, section 2), as far as its kind and its sender's standing tell.
func Answerable(m Message) bool {
	return m.Direction == In && m.Kind == KindPerson && m.Provenance.Source != SourceBackfill &&
		(m.Match.Standing == StandingParticipant || m.Match.Standing == "")
}

// Stops returns the reason why one more automatic reply must not be made, or
// the empty string.
func (b Brake) Stops(n AutoReplies) string {
	switch {
	case n.Ticket >= most(b.PerTicket, 2):
		return BrakeTicket
	case n.Address >= most(b.PerAddress, 10):
		return BrakeAddress
	case n.Mailbox >= most(b.PerMailbox, 500):
		return BrakeMailbox
	}
	return ""
}

func most(n, standard int) int { return max(cmp.Or(n, standard), 0) }

// robots are local parts that no person reads, without separators.
var robots = []string{
	"mailerdaemon", "postmaster", "noreply", "donotreply", "nepasrepondre", "nichtantworten", "ingensvar", "ikkesvar",
	"svarainte", "alasvastaa", "bounce", "bounces", "listserv", "majordomo", "autoreply", "autoresponder",
}

// Robot reports whether nobody reads what is sent to the address: the local
// parts of RFC 2142 and RFC 3834 for machines, and those that ask for no reply.
func Robot(addr string) bool {
	local, _, _ := strings.Cut(strings.ToLower(addr), "@")
	name, tag, _ := strings.Cut(local, "+")
	name = strings.NewReplacer("-", "", "_", "", ".", "").Replace(name)
	for _, r := range robots {
		if name == r || strings.HasPrefix(name, r) && strings.Contains(r, "reply") {
			return true
		}
	}
	// The software of lists, and return paths that are made for each mail.
	return strings.HasPrefix(local, "owner-") || strings.HasSuffix(local, "-request") || strings.Contains(tag, "=")
}
