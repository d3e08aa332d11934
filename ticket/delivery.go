package ticket

import (
	"errors"
	"time"
)

// ErrTransition is returned when a delivery is asked to go where its state
// does not lead. Mend: read the delivery again, another worker or a person has
// moved it.
var ErrTransition = errors.New("ticket: the delivery is in another state: read it again before deciding")

// DeliveryState is the sending state of an outgoing message.
type DeliveryState string

// The states of a delivery. Each is committed before the call it announces.
const (
	Queued    DeliveryState = "queued"    // nothing has been tried, or it is certain that nothing was sent
	Preparing DeliveryState = "preparing" // a draft is about to be made
	Ready     DeliveryState = "ready"     // the draft exists, unsent
	Wire      DeliveryState = "wire"      // the sending call is about to happen or has happened
	Sent      DeliveryState = "sent"      // the provider took it
	Failed    DeliveryState = "failed"    // it will not be sent; a person may queue it again
	Uncertain DeliveryState = "uncertain" // it may have been sent; never sent again by itself
	Cancelled DeliveryState = "cancelled" // withdrawn before sending
)

// Final reports whether nothing more happens to the delivery by itself.
func (s DeliveryState) Final() bool { return s == Sent || s == Failed || s == Cancelled }

// Delivery is how far the sending of an outgoing message has come.
type Delivery struct {
	Message ID
	Tenant  TenantID
	Mailbox ID
	Ticket  ID
	State   DeliveryState
	// Attempt counts entries into Wire.
	Attempt int
	// Looks counts the searches since the doubt arose.
	Looks int
	// Draft is the provider's draft, or empty.
	Draft string
	// Cause is a constant that says why it failed or is uncertain.
	Cause string
	// Since is when the state was entered.
	Since time.Time
	// QueuedAt is when the reply was written.
	QueuedAt time.Time
	// Version counts changes.
	Version int64
}

// Queue returns the delivery of a new outgoing message.
func Queue(m Message, now time.Time) Delivery {
	return Delivery{
		Message: m.ID, Tenant: m.Tenant, Mailbox: m.Mailbox, Ticket: m.Ticket,
		State: Queued, Since: now, QueuedAt: now, Version: 1,
	}
}

// allowed is the whole state machine: from each state the states it may enter.
func (s DeliveryState) allowed(to DeliveryState) bool {
	switch s {
	case Queued:
		return to == Preparing || to == Wire || to == Failed || to == Cancelled || to == Sent
	case Preparing:
		return to == Ready || to == Queued || to == Failed || to == Cancelled || to == Sent
	case Ready:
		return to == Wire || to == Queued || to == Failed || to == Cancelled || to == Sent || to == Uncertain
	case Wire:
		return to == Sent || to == Queued || to == Ready || to == Failed || to == Uncertain
	case Uncertain:
		return to == Sent || to == Ready || to == Queued || to == Failed || to == Uncertain
	case Failed:
		return to == Queued || to == Sent
	default:
		return false
	}
}

// To moves the delivery to another state for a cause, or returns
// [ErrTransition]. Entering Wire counts an attempt; looking again while
// Uncertain counts a look.
func (d Delivery) To(s DeliveryState, cause string, now time.Time) (Delivery, Event, error) {
	if !d.State.allowed(s) {
		return d, Event{}, ErrTransition
	}
	ev := Event{
		ID: NewID(now), Version: EventVersion, Type: DeliveryChanged, At: now, By: BySystem(),
		Tenant: d.Tenant, Mailbox: d.Mailbox, Ticket: d.Ticket, Message: d.Message,
		From: string(d.State), To: string(s), Cause: cause,
	}
	switch {
	case s == Wire:
		d.Attempt++
		d.Looks = 0
	case s == Uncertain && d.State == Uncertain:
		d.Looks++
	case s == Uncertain:
		d.Looks = 0 // a new doubt, with searches of its own
	}
	if s != d.State {
		d.Since = now
	}
	d.State, d.Cause = s, cause
	d.Version++
	return d, ev, nil
}

// lookAfter is when doubts are looked into, counted from the doubt: providers
// file sent mail late.
var lookAfter = [...]time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute}

// NextLook returns how long after Since the next search for an uncertain mail
// is due, or false when only a person can decide.
func (d Delivery) NextLook() (time.Duration, bool) {
	if d.State != Uncertain || d.Looks >= len(lookAfter) {
		return 0, false
	}
	return lookAfter[d.Looks], true
}
