package helpdesk

import (
	"context"
	"slices"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// Deliveries returns the deliveries in the given states, or in all, by message
// id after one; at most limit, which is at most 200. Uncertain ones wait for a
// person: see SendAgain and MarkSent.
func (t *Tenant) Deliveries(ctx context.Context, after ticket.ID, limit int, states ...ticket.DeliveryState) ([]ticket.Delivery, error) {
	if err := t.id.Validate(); err != nil {
		return nil, err
	}
	if limit <= 0 {
		limit = pageUsual
	}
	var out []ticket.Delivery
	err := t.desk.store.View(ctx, func(ctx context.Context, r store.Reader) (err error) {
		out, err = r.Deliveries(ctx, store.DeliveryQuery{Tenant: t.id, States: states, After: after, Limit: min(limit, pageMost)})
		return err
	})
	return out, err
}

// SendAgain queues a reply that failed or is uncertain, with the same bytes. It
// is a person's decision: an uncertain mail may arrive twice.
func (t *Tenant) SendAgain(ctx context.Context, message ticket.ID) error {
	return t.decideDelivery(ctx, message, ticket.Queued, "sent again by a person", ticket.Failed, ticket.Uncertain)
}

// MarkSent settles an uncertain reply that a person found to have arrived.
func (t *Tenant) MarkSent(ctx context.Context, message ticket.ID) error {
	return t.decideDelivery(ctx, message, ticket.Sent, "marked as sent by a person", ticket.Failed, ticket.Uncertain)
}

// CancelReply withdraws a reply that has not begun to be sent.
func (t *Tenant) CancelReply(ctx context.Context, message ticket.ID) error {
	return t.decideDelivery(ctx, message, ticket.Cancelled, "withdrawn by a person", ticket.Queued)
}

func (t *Tenant) decideDelivery(ctx context.Context, message ticket.ID, to ticket.DeliveryState, cause string, from ...ticket.DeliveryState) error {
	return t.inTx(ctx, func(ctx context.Context, x *Tx) error {
		by, err := actor(ctx)
		if err != nil {
			return err
		}
		d, err := x.tx.Delivery(ctx, t.id, message)
		if err != nil {
			return err
		}
		if !slices.Contains(from, d.State) {
			return ErrState
		}
		next, ev, err := d.To(to, cause, t.desk.now().UTC())
		if err != nil {
			return err
		}
		ev.By = by
		c := store.Changes{Tenant: t.id, Deliveries: []ticket.Delivery{next}, Events: []ticket.Event{ev}}
		if to == ticket.Queued {
			c.Deliveries[0].QueuedAt, c.Deliveries[0].Draft = next.Since, ""
			c.Tasks = []store.Task{t.desk.task(t.id, d.Mailbox, taskSend, message, 0)}
		}
		return t.desk.apply(ctx, x.tx, c)
	})
}
