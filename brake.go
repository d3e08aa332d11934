package helpdesk

import (
	"context"
	"fmt"
	"slices"

	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

func braked(cause string) error { return fmt.Errorf("%w: %s", ErrBrake, cause) }

// brake refuses an automatic reply to machines and one too many. The count is
// of the moment: replies that are composed at the same time may pass together,
// which no loop can make use of.
func (c *composing) brake(ctx context.Context, who recipients, to head) error {
	if slices.ContainsFunc(envelope(to), ticket.Robot) {
		return braked(ticket.BrakeRobot)
	}
	rules := c.t.desk.cfg.Rules.Brake
	q := store.AutoReplyQuery{Tenant: c.t.id, Mailbox: c.m.ID, Ticket: c.tick.ID, Since: rules.Since(c.now)}
	for _, f := range who.addrs {
		q.Contacts = append(q.Contacts, who.ids[f])
	}
	var n ticket.AutoReplies
	err := c.t.desk.store.View(ctx, func(ctx context.Context, r store.Reader) (err error) {
		n, err = r.AutoReplies(ctx, q)
		return err
	})
	if err != nil {
		return err
	}
	if cause := rules.Stops(n); cause != "" {
		return braked(cause)
	}
	return nil
}
