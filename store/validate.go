package store

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// Validate returns ErrRejected for changes that no repetition makes right: a
// record of another tenant, a field that is never empty. Stores call it before
// they read or write anything.
func (c Changes) Validate() error {
	v := validator{tenant: c.Tenant}
	v.need("tenant", c.Tenant.Validate() == nil || c.onlyConsumers())
	v.mailboxes(c)
	v.conversations(c)
	v.intake(c)
	v.work(c)
	return v.err
}

// onlyConsumers tells whether the changes belong to no tenant.
func (c Changes) onlyConsumers() bool {
	rest := c
	rest.Consumers = nil
	return c.Tenant == "" && len(c.Consumers) > 0 && reflect.ValueOf(rest).IsZero()
}

// validator keeps the first thing that is wrong.
type validator struct {
	tenant ticket.TenantID
	err    error
}

func (v *validator) need(what string, ok bool) {
	if !ok && v.err == nil {
		v.err = fmt.Errorf("store: bad %s: %w", what, ErrRejected)
	}
}

// text checks strings of the host that every database must be able to keep.
func (v *validator) text(what string, list ...string) {
	for _, s := range list {
		v.need(what, utf8.ValidString(s) && !strings.ContainsRune(s, 0))
	}
}

// record checks the tenant of a record and that none of the ids is zero.
func (v *validator) record(what string, tenant ticket.TenantID, ids ...ticket.ID) {
	v.need("tenant of "+what, tenant == v.tenant)
	for _, id := range ids {
		v.need("id in "+what, !id.IsZero())
	}
}

func (v *validator) mailboxes(c Changes) {
	for _, p := range c.Premises {
		v.record("premise", v.tenant, p.Mailbox)
	}
	for _, m := range c.Cursors {
		v.record("cursor", v.tenant, m.Mailbox)
		v.need("stream of cursor", m.Stream == mailbox.Live || m.Stream == mailbox.Backfill)
	}
	for _, m := range c.NewMailboxes {
		v.record("mailbox", m.Tenant, m.ID, m.Key, m.Identity)
		v.need("provider of mailbox", m.Provider != "")
		v.need("account of mailbox", !m.Account.IsZero())
		v.need("state of mailbox", validState(m.State))
	}
	for _, m := range c.Mailboxes {
		v.record("mailbox", m.Tenant, m.ID)
		v.need("state of mailbox", validState(m.State))
	}
	for _, h := range c.Health {
		v.record("health", v.tenant, h.Mailbox)
		v.need("state of health", h.Health.State != "")
	}
}

func validState(s MailboxState) bool {
	return s == MailboxConnected || s == MailboxFenced
}

func (v *validator) conversations(c Changes) {
	for _, t := range c.NewTickets {
		v.record("ticket", t.Tenant, t.ID, t.Mailbox, t.Key)
		v.need("status of ticket", t.Status.Valid())
		v.need("origin of ticket", t.Origin != "")
		v.text("assignee or tag of ticket", append(slices.Clone(t.Tags), string(t.Assignee))...)
	}
	for _, t := range c.Tickets {
		v.record("ticket", t.Tenant, t.ID, t.Mailbox)
		v.text("assignee or tag of ticket", append(slices.Clone(t.Tags), string(t.Assignee))...)
		v.need("status of ticket", t.Status.Valid())
	}
	for _, m := range c.Messages {
		v.record("message", m.Tenant, m.ID, m.Mailbox, m.Ticket)
		v.need("sequence of message", m.Seq > 0)
		v.need("direction of message", m.Direction != "")
		v.need("source of message", m.Provenance.Source != "")
		v.need("provider id of message", m.Provenance.ProviderID != "")
	}
	for _, d := range c.NewDeliveries {
		v.record("delivery", d.Tenant, d.Message, d.Mailbox, d.Ticket)
		v.need("state of delivery", d.State != "")
	}
	for _, d := range c.Deliveries {
		v.record("delivery", d.Tenant, d.Message, d.Mailbox, d.Ticket)
		v.need("state of delivery", d.State != "")
	}
	for _, p := range c.ProviderIDs {
		v.record("provider id", v.tenant, p.Mailbox, p.Message)
		v.need("provider id", p.ProviderID != "")
	}
}

func (v *validator) intake(c Changes) {
	for _, s := range c.Seen {
		v.record("seen mail", v.tenant, s.Mailbox, s.Object)
		v.need("provider id of seen mail", s.ProviderID != "")
	}
	for _, h := range c.Hits {
		v.record("hit", v.tenant, h.Mailbox, h.Ticket, h.Message)
		v.need("hit", !h.Fingerprint.IsZero() && h.Role != 0)
	}
	for _, m := range c.Members {
		v.record("member", v.tenant, m.Mailbox, m.Ticket)
		v.need("address of member", !m.Address.IsZero())
	}
	for _, x := range c.Contacts {
		v.record("contact", v.tenant, x.Mailbox, x.ID)
		v.need("address of contact", !x.Address.IsZero())
	}
	for _, q := range c.NewQuarantine {
		v.record("quarantined mail", q.Tenant, q.ID, q.Mailbox)
		v.need("provider id of quarantined mail", q.ProviderID != "")
		v.need("cause of quarantined mail", q.Cause != "")
		v.need("state of quarantined mail", q.State != "")
	}
	for _, q := range c.Quarantine {
		v.record("quarantined mail", q.Tenant, q.ID, q.Mailbox)
		v.need("state of quarantined mail", q.State != "")
	}
}

func (v *validator) work(c Changes) {
	for _, e := range c.Events {
		v.record("event", e.Tenant, e.ID)
		v.need("type of event", e.Type != "")
	}
	for _, r := range c.Records {
		v.record("record", r.Tenant, r.ID)
		v.need("kind, version or body of record", r.Kind != "" && r.Version >= 1 && json.Valid(r.Body))
	}
	for _, r := range c.Resealed {
		v.record("resealed ticket", r.Ticket.Tenant, r.Ticket.ID, r.Ticket.Key)
		for _, m := range r.Messages {
			v.record("resealed message", m.Tenant, m.ID)
		}
	}
	for _, r := range c.Retain {
		v.record("retention", v.tenant, r.Mailbox, r.Ticket)
	}
	for _, t := range c.Tasks {
		v.record("task", t.Tenant, t.ID, t.Mailbox)
		v.need("kind of task", t.Kind != "")
	}
	for _, id := range c.DropTasks {
		v.record("tasks to drop", v.tenant, id)
	}
	if c.Lease != nil {
		v.record("lease", c.Lease.Task.Tenant, c.Lease.Task.ID)
	}
	v.need("finish without lease", c.Finish == nil || c.Lease != nil)
	for _, m := range c.Consumers {
		v.need("name of consumer", m.Name != "")
	}
}
