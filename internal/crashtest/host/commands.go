package host

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/internal/crashtest/wire"
	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/store/postgres"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// obey does what the harness asks for, one command after the other.
func (h *host) obey(ctx context.Context) {
	for ctx.Err() == nil {
		var c wire.Command
		if err := h.client.Do(ctx, "/next", h.client.Worker, &c); err != nil || c.Kind == "" {
			continue
		}
		err := h.do(ctx, c)
		out := wire.Outcome{Worker: h.client.Worker, N: c.N, OK: err == nil}
		if err != nil {
			out.Cause = errorName(err)
		}
		done, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		_ = h.client.Do(done, "/done", out, &struct{}{}) // unanswered commands come again
		cancel()
	}
}

func (h *host) do(ctx context.Context, c wire.Command) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	ctx = as(ctx)
	switch c.Kind {
	case wire.CmdConnect:
		_, err := h.acme.ConnectWith(ctx, h.set.Account, helpdesk.ConnectOptions{Intake: mailbox.Intake{Since: h.set.Since}})
		return err
	case wire.CmdPlain, wire.CmdCommit, wire.CmdRollback:
		return h.reply(ctx, c)
	default:
		return errors.New("crashtest: unknown command")
	}
}

var errNotYet = errors.New("crashtest: the mail to answer is not there yet")

// reply answers the ticket of a mail.
func (h *host) reply(ctx context.Context, c wire.Command) error {
	id, err := h.ticketOf(ctx, c.Mail)
	if err != nil {
		return err
	}
	r := helpdesk.Reply{ID: c.Reply, Text: c.Text}
	if len(c.File) > 0 {
		r.Files = []helpdesk.File{{Name: "file.bin", Content: c.File}}
	}
	if c.Kind == wire.CmdPlain {
		_, err := h.acme.Reply(ctx, id, r)
		return err
	}
	if done, err := h.written(ctx, c.Reply); done || err != nil {
		return err
	}
	p, err := h.acme.Compose(ctx, id, r)
	if err != nil {
		return err
	}
	return h.inHostTx(ctx, c, p)
}

// inHostTx writes a row of the host and the reply in one transaction, and ends
// it as the command says.
func (h *host) inHostTx(ctx context.Context, c wire.Command, p *helpdesk.Prepared) error {
	tx, err := h.db.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // after the end it does nothing
	if _, err := tx.Exec(ctx, "INSERT INTO host_replies (id) VALUES ($1)", [16]byte(c.Reply)); err != nil {
		return err
	}
	if err := h.acme.Tx(postgres.Join(tx)).Reply(ctx, p); err != nil {
		return err
	}
	h.crash.before(wire.StepJoin)
	if c.Kind == wire.CmdRollback {
		return tx.Rollback(ctx)
	}
	if err := tx.Commit(ctx); err != nil {
		return err
	}
	h.crash.after(wire.StepJoin)
	return nil
}

// written tells whether the host's row is there: an attempt whose answer got
// lost committed.
func (h *host) written(ctx context.Context, id ticket.ID) (bool, error) {
	var one int
	err := h.db.QueryRow(ctx, "SELECT 1 FROM host_replies WHERE id = $1", [16]byte(id)).Scan(&one)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// ticketOf finds the ticket of the mail that a provider knows by an id.
func (h *host) ticketOf(ctx context.Context, providerID string) (id ticket.ID, err error) {
	boxes, err := h.acme.Mailboxes(ctx)
	if err != nil {
		return id, err
	}
	if len(boxes) == 0 {
		return id, errNotYet
	}
	err = h.desk.Store().View(ctx, func(ctx context.Context, r store.Reader) error {
		known, err := r.Known(ctx, wire.Tenant, boxes[0].ID, []store.Seen{{ProviderID: providerID}})
		if err != nil {
			return err
		}
		if known[0].Object.IsZero() {
			return errNotYet
		}
		m, err := r.Message(ctx, wire.Tenant, known[0].Object)
		id = m.Ticket
		return err
	})
	return id, err
}

// errorName names an error without its text.
func errorName(err error) string {
	for name, known := range map[string]error{
		"not yet": errNotYet, "stale": store.ErrStale, "unavailable": store.ErrUnavailable, "not found": store.ErrNotFound,
	} {
		if errors.Is(err, known) {
			return name
		}
	}
	return "other: " + string(mailbox.KindOf(err))
}
