package memory

import (
	"context"
	"time"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// tx is a transaction that writes. It writes straight into the state, which
// nobody else sees meanwhile, and keeps a journal to undo it.
type tx struct {
	reader
	journal journal
	// events are logged at commit, so that no reader gets the place of an
	// event that never happened.
	events []ticket.Event
	woken  bool
	failed error
}

// Apply implements [store.Tx].
func (t *tx) Apply(ctx context.Context, c store.Changes) error {
	if err := t.check(ctx); err != nil {
		return err
	}
	if t.failed == nil {
		t.failed = t.apply(c)
	}
	return t.failed
}

func (t *tx) apply(c store.Changes) error {
	if err := c.Validate(); err != nil {
		return err
	}
	if c.Lease != nil {
		if _, _, ok := t.state.held(*c.Lease); !ok {
			return fail("apply", store.ErrLeaseLost)
		}
	}
	if err := t.unfenced(c); err != nil {
		return err
	}
	for _, step := range []func(store.Changes) error{
		t.premises, t.moveCursors, t.insertMailboxes, t.replaceMailboxes,
		t.writeTickets, t.insertMessages,
		t.insertSeen, t.insertHits, t.admitMembers, t.insertContacts,
		t.insertQuarantine, t.replaceQuarantine, t.writeDeliveries,
		t.nameMessages, t.replaceHealth,
		t.writeRecords, t.reseal, t.writeRetain, t.reach,
		t.stageEvents, t.writeTasks, t.moveConsumers,
	} {
		if err := step(c); err != nil {
			return err
		}
	}
	return nil
}

// unfenced makes sure that every mailbox that is written to may be, except
// those that the same changes connect or fence.
func (t *tx) unfenced(c store.Changes) error {
	own := map[ticket.ID]bool{}
	for _, m := range c.NewMailboxes {
		own[m.ID] = true
	}
	for _, m := range c.Mailboxes {
		own[m.ID] = true
	}
	for _, id := range c.Touched() {
		if own[id] {
			continue
		}
		own[id] = true
		m, ok := t.state.mailboxes.get(c.Tenant, id)
		if !ok {
			return fail("mailbox of the changes", store.ErrNotFound)
		}
		if m.State != store.MailboxConnected {
			return fail("apply", store.ErrFenced)
		}
	}
	return nil
}

func (t *tx) stageEvents(c store.Changes) error {
	for _, e := range c.Events {
		e.At = instant(e.At)
		t.events = append(t.events, e)
	}
	return nil
}

// log appends committed events.
func (s *state) log(events []ticket.Event) {
	for _, e := range events {
		s.byTenant[e.Tenant] = append(s.byTenant[e.Tenant], len(s.events))
		s.events = append(s.events, e)
	}
}

func (t *tx) writeTasks(c store.Changes) error {
	now := time.Now()
	for _, mailbox := range c.DropTasks {
		t.state.dropTasks(&t.journal, c.Tenant, mailbox)
	}
	for _, in := range c.Tasks {
		if err := t.state.enqueue(&t.journal, in, now); err != nil {
			return err
		}
		t.woken = true
	}
	if c.Finish != nil && t.state.finish(&t.journal, *c.Lease, *c.Finish, now) {
		t.woken = true
	}
	return nil
}

func (t *tx) moveConsumers(c store.Changes) error {
	for _, m := range c.Consumers {
		if t.state.consumers[m.Name] != m.From {
			return fail("consumer moved meanwhile", store.ErrStale)
		}
		if _, err := parsePlace(string(m.To)); err != nil {
			return err
		}
		put(&t.journal, t.state.consumers, m.Name, m.To)
	}
	return nil
}
