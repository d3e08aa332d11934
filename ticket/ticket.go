package ticket

import (
	"slices"
	"time"
)

// Status is where a ticket stands.
type Status string

// The statuses of a ticket.
const (
	Open    Status = "open"    // waits for an agent
	Pending Status = "pending" // waits for the contact
	Closed  Status = "closed"  // done, until somebody writes again
)

// Valid reports whether s is one of the three statuses.
func (s Status) Valid() bool { return s == Open || s == Pending || s == Closed }

// Origin says how a ticket came to be.
type Origin string

// The origins of a ticket.
const (
	FromMail     Origin = "mail"     // a mail arrived
	FromBackfill Origin = "backfill" // an old mail was taken in: closed, no rule, no reply
	FromAgent    Origin = "agent"    // an agent wrote first
)

// Ticket is one conversation in one mailbox. It holds no content: subject,
// names and addresses are sealed and live beside it in the store.
type Ticket struct {
	ID      ID
	Tenant  TenantID
	Mailbox ID
	Status  Status
	// Assignee is the agent who works it, or empty.
	Assignee AgentID
	// Tags are sorted and unique.
	Tags   []string
	Origin Origin
	// Contact is the contact the ticket is with.
	Contact ID
	// Seq is the sequence number of its newest message; the first has 1.
	Seq int64
	// Answers is the message that a reply answers: the newest one of somebody
	// who stands on the ticket rightfully or, before there is one, the first
	// of ours or the one that started it. Whoever is only pending, or failed his checks, gets nothing by
	// himself.
	Answers ID
	// Version counts changes; a write that was decided on another version is
	// stale.
	Version int64
	// Related is the ticket that this one follows without belonging to it.
	Related ID
	// Merged is the ticket that this one was merged into: mail that would join
	// this one joins that one. Opening it again takes it out.
	Merged ID
	// Title is the fingerprint of the base subject it began with, or zero.
	Title     Fingerprint
	CreatedAt time.Time
	UpdatedAt time.Time
	// ClosedAt is when it was closed last; zero while it is not closed.
	ClosedAt time.Time
}

// Rules are the tenant's choices about how tickets behave. The zero value is
// usable.
type Rules struct {
	// ReopenWithin is how long after closing an answer reopens the ticket;
	// later ones start a new ticket related to it. 0 means for ever.
	ReopenWithin time.Duration
	// SubjectWithin is how long after the last change of a ticket an answer
	// without any ids may join it by its subject and sender alone. 0 means 14
	// days, a negative value never.
	SubjectWithin time.Duration
	// Colleagues lets a sender join whose ids point at the ticket and who is of
	// the organisation of somebody on it, by a domain that DMARC vouches for
	// and that is not a public mail provider's. He joins as pending. Without
	// it, like everybody who was never on the ticket, he gets a new related one.
	Colleagues bool
	// HoldStrangers puts mail into quarantine whose ids point at a ticket that
	// its sender was never on, until a person releases it as a new ticket.
	HoldStrangers bool
	// SplitSubjects gives an answer whose base subject is not the one the
	// ticket began with a new related ticket: people answer old mail to write
	// about something new. Without it subjects do not matter to who answers.
	SplitSubjects bool
	// Brake bounds automatic replies.
	Brake Brake
	// AfterReply is the status a reply leaves; empty means Pending.
	AfterReply Status
}

// Expired reports whether the ticket was closed too long ago to be reopened.
func (r Rules) Expired(t Ticket, now time.Time) bool {
	return t.Status == Closed && r.ReopenWithin > 0 && now.Sub(t.ClosedAt) > r.ReopenWithin
}

// subjectDays is the default of Rules.SubjectWithin.
const subjectDays = 14 * 24 * time.Hour

func (r Rules) tooOldForSubject(t Ticket, now time.Time) bool {
	within := r.SubjectWithin
	if within == 0 {
		within = subjectDays
	}
	return within < 0 || now.Sub(t.UpdatedAt) > within
}

// Actor is who did something: an agent of the tenant, the contact, or the
// library itself.
type Actor struct {
	Role  Role    `json:"role"`
	Agent AgentID `json:"agent,omitempty"`
}

// Role is the kind of an Actor.
type Role string

// The roles.
const (
	RoleAgent   Role = "agent"
	RoleContact Role = "contact"
	RoleSystem  Role = "system"
)

// ByAgent, ByContact and BySystem make actors.
func ByAgent(a AgentID) Actor { return Actor{Role: RoleAgent, Agent: a} }

// ByContact is the contact as actor.
func ByContact() Actor { return Actor{Role: RoleContact} }

// BySystem is the library as actor.
func BySystem() Actor { return Actor{Role: RoleSystem} }

// Opening is what a ticket is started with.
type Opening struct {
	ID      ID
	Tenant  TenantID
	Mailbox ID
	Contact ID
	Origin  Origin
	Related ID
	Title   Fingerprint
}

// Start returns a new ticket without messages and the event of its creation. A
// backfilled ticket starts closed, the others open.
func Start(o Opening, by Actor, now time.Time) (Ticket, Event) {
	t := Ticket{
		ID: o.ID, Tenant: o.Tenant, Mailbox: o.Mailbox, Contact: o.Contact,
		Origin: o.Origin, Related: o.Related, Title: o.Title, Status: Open,
		Version: 1, CreatedAt: now, UpdatedAt: now,
	}
	if o.Origin == FromBackfill {
		t.Status, t.ClosedAt = Closed, now
	}
	return t, t.event(TicketCreated, by, now)
}

// Add appends a message to the ticket: it gets the next sequence number, and
// the ticket changes status as the message demands. A message of a person
// reopens; an automatic one, whichever way, and a backfilled one change nothing; a reply leaves
// Rules.AfterReply; a note leaves the status alone.
func (t Ticket) Add(m Message, by Actor, r Rules, now time.Time) (Ticket, Message, []Event) {
	t = t.touch(now)
	t.Seq++
	m.Ticket, m.Tenant, m.Mailbox, m.Seq = t.ID, t.Tenant, t.Mailbox, t.Seq
	ev := t.event(addedEvent(m), by, now)
	ev.Message, ev.Rung = m.ID, m.Match.Rung
	events := []Event{ev}
	rightful := m.Match.Standing == "" || m.Match.Standing == StandingParticipant || m.Match.Standing == StandingOwn
	if m.Direction == In && (rightful || t.Seq == 1) || m.Direction == Out && t.Answers.IsZero() {
		t.Answers = m.ID
	}
	if m.Provenance.Source == SourceBackfill {
		return t, m, events
	}
	switch {
	case m.Direction == In && !m.Kind.Automatic():
		t, events = t.move(Open, by, now, events)
	case m.Direction == Out && !m.Kind.Automatic():
		after := r.AfterReply
		if after == "" {
			after = Pending
		}
		t, events = t.move(after, by, now, events)
	}
	return t, m, events
}

func addedEvent(m Message) EventType {
	switch {
	case m.Direction == In:
		return MessageReceived
	case m.Direction == Note:
		return NoteAdded
	case m.Provenance.Source == SourceHost:
		return ReplyQueued
	default:
		return ReplySeen
	}
}

// SetStatus moves the ticket. Moving it to where it stands changes nothing and
// makes no event.
func (t Ticket) SetStatus(s Status, by Actor, now time.Time) (Ticket, []Event) {
	if s == t.Status {
		return t, nil
	}
	return t.touch(now).move(s, by, now, nil)
}

func (t Ticket) move(s Status, by Actor, now time.Time, events []Event) (Ticket, []Event) {
	if s == t.Status {
		return t, events
	}
	ev := t.event(StatusChanged, by, now)
	ev.From, ev.To = string(t.Status), string(s)
	t.Status, t.ClosedAt = s, time.Time{}
	if s == Closed {
		t.ClosedAt = now
	} else {
		t.Merged = ID{}
	}
	return t, append(events, ev)
}

// Assign gives the ticket to an agent; the empty AgentID gives it to nobody.
func (t Ticket) Assign(a AgentID, by Actor, now time.Time) (Ticket, []Event) {
	if a == t.Assignee {
		return t, nil
	}
	ev := t.event(Assigned, by, now)
	ev.From, ev.To = string(t.Assignee), string(a)
	t = t.touch(now)
	t.Assignee = a
	return t, []Event{ev}
}

// Tag adds and removes tags; removing wins. Tags are compared byte by byte.
func (t Ticket) Tag(add, remove []string, by Actor, now time.Time) (Ticket, []Event) {
	tags := slices.Concat(t.Tags, add)
	slices.Sort(tags)
	tags = slices.Compact(tags)
	tags = slices.DeleteFunc(tags, func(s string) bool { return s == "" || slices.Contains(remove, s) })
	if slices.Equal(tags, t.Tags) {
		return t, nil
	}
	before := t.Tags
	t = t.touch(now)
	t.Tags = tags
	var events []Event
	for _, s := range tags {
		if !slices.Contains(before, s) {
			ev := t.event(Tagged, by, now)
			ev.To = s
			events = append(events, ev)
		}
	}
	for _, s := range before {
		if !slices.Contains(tags, s) {
			ev := t.event(Untagged, by, now)
			ev.From = s
			events = append(events, ev)
		}
	}
	return t, events
}

// Relate links the ticket to another one. A ticket that is related already
// keeps what it is related to, and nothing relates to itself: both change
// nothing and make no event.
func (t Ticket) Relate(to ID, by Actor, now time.Time) (Ticket, []Event) {
	if !t.Related.IsZero() || to.IsZero() || to == t.ID {
		return t, nil
	}
	ev := t.event(TicketLinked, by, now)
	ev.To = to.String()
	t = t.touch(now)
	t.Related = to
	return t, []Event{ev}
}

// Merge closes the ticket in favour of another one, which answers to it join
// from now on. Its messages stay where they are. Merging it into itself or
// again into the same ticket changes nothing and makes no event.
func (t Ticket) Merge(into ID, by Actor, now time.Time) (Ticket, []Event) {
	if into == t.ID || into == t.Merged || into.IsZero() {
		return t, nil
	}
	ev := t.event(TicketMerged, by, now)
	ev.To = into.String()
	t = t.touch(now)
	t, events := t.move(Closed, by, now, []Event{ev})
	t.Merged = into
	return t, events
}

func (t Ticket) touch(now time.Time) Ticket {
	t.Version++
	t.Tags = slices.Clone(t.Tags)
	if now.After(t.UpdatedAt) {
		t.UpdatedAt = now
	}
	return t
}

func (t Ticket) event(typ EventType, by Actor, now time.Time) Event {
	return Event{
		ID: NewID(now), Version: EventVersion, Type: typ, At: now, By: by,
		Tenant: t.Tenant, Mailbox: t.Mailbox, Ticket: t.ID,
	}
}
