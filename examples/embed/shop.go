package main

import (
	"context"
	"net/http"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store/postgres"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// shop is the host: its tables, its routes, its transactions.
type shop struct {
	pool *pgxpool.Pool
	desk *helpdesk.Tenant
}

// migrate makes the shop's own tables.
func (s *shop) migrate(ctx context.Context) error {
	_, err := s.pool.Exec(ctx, `
		CREATE TABLE IF NOT EXISTS refunds (
			ticket uuid PRIMARY KEY,
			message uuid NOT NULL,
			amount bigint NOT NULL CHECK (amount > 0)
		);
		CREATE TABLE IF NOT EXISTS ticket_counts (
			event text PRIMARY KEY,
			n bigint NOT NULL
		)`)
	return err
}

func (s *shop) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /tickets/{id}/refund", func(w http.ResponseWriter, r *http.Request) {
		// The shop knows who is logged in; here it is always Kari.
		ctx := privacy.As(r.Context(), privacy.Agent("kari"), privacy.Support)
		id, err := helpdesk.ParseID(r.PathValue("id"))
		amount, bad := strconv.ParseInt(r.FormValue("amount"), 10, 64)
		switch {
		case err != nil || bad != nil:
			w.WriteHeader(http.StatusBadRequest)
		default:
			err = s.refund(ctx, id, amount, r.FormValue("text"))
			w.WriteHeader(helpdesk.HTTPStatus(err))
		}
	})
	return mux
}

// refund books money back and says so to the customer, both or neither. What
// needs keys, plaintext or the access log is done by Compose before the
// transaction; inside it there are only inserts.
func (s *shop) refund(ctx context.Context, id helpdesk.ID, amount int64, text string) error {
	p, err := s.desk.Compose(ctx, id, helpdesk.Reply{Text: text, Status: ticket.Closed})
	if err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := s.desk.Tx(postgres.Join(tx)).Reply(ctx, p); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "INSERT INTO refunds (ticket, message, amount) VALUES ($1, $2, $3)",
			[16]byte(p.Ticket), [16]byte(p.Message), amount)
		return err
	})
}

// count is the desk's OnEvent hook: it writes to the shop's table in the
// transaction of the event, also when that is the shop's own.
func count(ctx context.Context, tx helpdesk.StoreTx, e helpdesk.Event) error {
	pg, ok := postgres.Unwrap(tx)
	if !ok {
		return nil
	}
	_, err := pg.Exec(ctx, `
		INSERT INTO ticket_counts (event, n) VALUES ($1, 1)
		ON CONFLICT (event) DO UPDATE SET n = ticket_counts.n + 1`, string(e.Type))
	return err
}
