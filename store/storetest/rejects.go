package storetest

import (
	"strings"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

var rejectCases = []testCase{
	{"Rejected/Incomplete", rejectIncomplete},
	{"Rejected/AnotherTenant", rejectTenant},
}

// spoilers take one thing from changes that is never absent.
var spoilers = map[string]func(c *store.Changes){
	"tenant":                     func(c *store.Changes) { c.Tenant = "" },
	"tenant too long":            func(c *store.Changes) { c.Tenant = ticket.TenantID(strings.Repeat("x", 256)) },
	"mailbox id":                 func(c *store.Changes) { c.NewMailboxes[0].ID = ticket.ID{} },
	"mailbox provider":           func(c *store.Changes) { c.NewMailboxes[0].Provider = "" },
	"mailbox account":            func(c *store.Changes) { c.NewMailboxes[0].Account = ticket.Fingerprint{} },
	"mailbox state":              func(c *store.Changes) { c.NewMailboxes[0].State = "" },
	"ticket id":                  func(c *store.Changes) { c.NewTickets[0].ID = ticket.ID{} },
	"ticket mailbox":             func(c *store.Changes) { c.NewTickets[0].Mailbox = ticket.ID{} },
	"ticket key":                 func(c *store.Changes) { c.NewTickets[0].Key = ticket.ID{} },
	"ticket status":              func(c *store.Changes) { c.NewTickets[0].Status = "" },
	"message id":                 func(c *store.Changes) { c.Messages[0].ID = ticket.ID{} },
	"message mailbox":            func(c *store.Changes) { c.Messages[0].Mailbox = ticket.ID{} },
	"message ticket":             func(c *store.Changes) { c.Messages[0].Ticket = ticket.ID{} },
	"message sequence":           func(c *store.Changes) { c.Messages[0].Seq = 0 },
	"message direction":          func(c *store.Changes) { c.Messages[0].Direction = "" },
	"message source":             func(c *store.Changes) { c.Messages[0].Provenance.Source = "" },
	"message provider id":        func(c *store.Changes) { c.Messages[0].Provenance.ProviderID = "" },
	"seen mailbox":               func(c *store.Changes) { c.Seen[0].Mailbox = ticket.ID{} },
	"seen provider id":           func(c *store.Changes) { c.Seen[0].ProviderID = "" },
	"seen object":                func(c *store.Changes) { c.Seen[0].Object = ticket.ID{} },
	"hit fingerprint":            func(c *store.Changes) { c.Hits[0].Fingerprint = ticket.Fingerprint{} },
	"hit role":                   func(c *store.Changes) { c.Hits[0].Role = 0 },
	"hit ticket":                 func(c *store.Changes) { c.Hits[0].Ticket = ticket.ID{} },
	"member address":             func(c *store.Changes) { c.Members[0].Address = ticket.Fingerprint{} },
	"member ticket":              func(c *store.Changes) { c.Members[0].Ticket = ticket.ID{} },
	"contact address":            func(c *store.Changes) { c.Contacts[0].Address = ticket.Fingerprint{} },
	"contact id":                 func(c *store.Changes) { c.Contacts[0].ID = ticket.ID{} },
	"quarantined id":             func(c *store.Changes) { c.NewQuarantine[0].ID = ticket.ID{} },
	"quarantined provider id":    func(c *store.Changes) { c.NewQuarantine[0].ProviderID = "" },
	"quarantined cause":          func(c *store.Changes) { c.NewQuarantine[0].Cause = "" },
	"delivery message":           func(c *store.Changes) { c.NewDeliveries[0].Message = ticket.ID{} },
	"delivery state":             func(c *store.Changes) { c.NewDeliveries[0].State = "" },
	"event id":                   func(c *store.Changes) { c.Events[0].ID = ticket.ID{} },
	"event type":                 func(c *store.Changes) { c.Events[0].Type = "" },
	"task id":                    func(c *store.Changes) { c.Tasks[0].ID = ticket.ID{} },
	"task mailbox":               func(c *store.Changes) { c.Tasks[0].Mailbox = ticket.ID{} },
	"task kind":                  func(c *store.Changes) { c.Tasks[0].Kind = "" },
	"cursor stream":              func(c *store.Changes) { c.Cursors[0].Stream = "" },
	"provider id":                func(c *store.Changes) { c.ProviderIDs[0].ProviderID = "" },
	"health state":               func(c *store.Changes) { c.Health[0].Health.State = "" },
	"lease of a finish":          func(c *store.Changes) { c.Finish = &store.Finish{} },
	"consumer name":              func(c *store.Changes) { c.Consumers = []store.ConsumerMove{{}} },
	"tenant of a mailbox":        func(c *store.Changes) { c.NewMailboxes[0].Tenant = "" },
	"tenant of a ticket":         func(c *store.Changes) { c.NewTickets[0].Tenant = "" },
	"tenant of a message":        func(c *store.Changes) { c.Messages[0].Tenant = "" },
	"tenant of an event":         func(c *store.Changes) { c.Events[0].Tenant = "" },
	"tenant of a delivery":       func(c *store.Changes) { c.NewDeliveries[0].Tenant = "" },
	"tenant of a quarantined":    func(c *store.Changes) { c.NewQuarantine[0].Tenant = "" },
	"tenant of a task to be run": func(c *store.Changes) { c.Tasks[0].Tenant = "" },
}

// full makes changes with at least one record of each kind that is inserted.
func (w *world) full(box store.Mailbox, first int, from mailbox.Cursor) store.Changes {
	c := w.page(box, first, 2, from, mailbox.Cursor("next"))
	c.NewMailboxes = []store.Mailbox{w.newMailbox(box.Tenant, first+100)}
	c.ProviderIDs = []store.ProviderID{{Mailbox: box.ID, Message: c.Messages[0].ID, ProviderID: "sent"}}
	return c
}

func rejectIncomplete(w *world) {
	box := w.connect("acme", 1)
	var before string
	for name, fn := range spoilers {
		c := w.full(box, 10, box.LiveCursor)
		if before == "" {
			before = w.snapshot("acme", c)
		}
		fn(&c)
		if err := w.apply(c); !isOneOf(err, store.ErrRejected) {
			w.Errorf("changes without %s: got error %v, want ErrRejected", name, err)
		}
	}
	w.same(w.snapshot("acme", w.full(box, 10, nil)), before, "state after rejected changes")
	w.must(w.full(box, 10, box.LiveCursor)) // it was only what the spoilers took
}

func rejectTenant(w *world) {
	box, other := w.connect("acme", 1), w.connect("beta", 1)
	for name, fn := range map[string]func(c, theirs *store.Changes){
		"mailbox":     func(c, theirs *store.Changes) { c.NewMailboxes = theirs.NewMailboxes },
		"ticket":      func(c, theirs *store.Changes) { c.NewTickets = theirs.NewTickets },
		"message":     func(c, theirs *store.Changes) { c.Messages = theirs.Messages },
		"quarantined": func(c, theirs *store.Changes) { c.NewQuarantine = theirs.NewQuarantine },
		"delivery":    func(c, theirs *store.Changes) { c.NewDeliveries = theirs.NewDeliveries },
		"event":       func(c, theirs *store.Changes) { c.Events = theirs.Events },
		"task":        func(c, theirs *store.Changes) { c.Tasks = theirs.Tasks },
	} {
		c, theirs := w.full(box, 10, box.LiveCursor), w.full(other, 10, other.LiveCursor)
		before := w.snapshot("beta", theirs)
		fn(&c, &theirs)
		w.refuse(c, store.ErrRejected, "changes with another tenant's "+name)
		w.same(w.snapshot("beta", theirs), before, "the other tenant's state")
	}
}
