// Command embed is a small shop with a helpdesk inside: the program of the
// README on PostgreSQL, with transactions of the shop's own. A refund and the
// reply that announces it commit together or not at all, and the shop counts
// what happens to its tickets inside the transactions in which it happens.
//
//	export DATABASE_URL=postgres://shop@127.0.0.1/shop
//	export MAIL_ADDRESS=support@shop.example MAIL_PASSWORD=...
//	export IMAP_HOST=imap.shop.example SMTP_HOST=smtp.shop.example
//	go run ./examples/embed
//	curl -d amount=1200 -d text='You get it back.' http://127.0.0.1:8090/tickets/ID/refund
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/mailbox/imap"
	"github.com/helpdesk-go/helpdesk/store/postgres"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := command(ctx, os.Args[1:])
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return
	}
	fmt.Fprintln(os.Stderr, "embed:", err)
	stop()
	if errors.Is(err, errUsage) || errors.Is(err, postgres.ErrDSN) || errors.Is(err, postgres.ErrTLS) {
		os.Exit(2)
	}
	os.Exit(1)
}

// errUsage is what the person who started the program has to mend.
var errUsage = errors.New("usage")

// command reads the flags.
func command(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("embed", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	addr := f.String("addr", "127.0.0.1:8090", "where the shop listens")
	keys := f.String("keys", "helpdesk.key", "the file with the root key, made for an empty database")
	err := f.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		f.SetOutput(os.Stdout)
		f.Usage()
		return err
	case err != nil:
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	return run(ctx, *addr, *keys)
}

func run(ctx context.Context, addr, keys string) error {
	dsn := os.Getenv("DATABASE_URL")
	if dsn == "" {
		return fmt.Errorf("%w: DATABASE_URL is not set", errUsage)
	}
	pool, err := pgxpool.New(ctx, dsn)
	if err != nil {
		return fmt.Errorf("%w: DATABASE_URL is not understood", errUsage)
	}
	defer pool.Close()
	st, err := postgres.Open(ctx, dsn)
	if err != nil {
		return err
	}
	defer func() { _ = st.Close() }()
	if err := st.Migrate(ctx); err != nil {
		return err
	}
	shop := &shop{pool: pool}
	if err := shop.migrate(ctx); err != nil {
		return err
	}
	desk, err := helpdesk.New(helpdesk.Config{
		Store: st, Keys: helpdesk.KeyFile(keys),
		Providers: helpdesk.Providers{imap.New(imap.Options{})}, OnEvent: count,
	})
	if err != nil {
		return err
	}
	shop.desk = desk.Tenant("shop")
	if _, err := shop.desk.Connect(ctx, account()); err != nil {
		return err
	}
	return serve(ctx, addr, shop, desk)
}

// serve answers requests and does the desk's work until ctx ends.
func serve(ctx context.Context, addr string, s *shop, desk *helpdesk.Desk) error {
	srv := &http.Server{Addr: addr, Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- srv.ListenAndServe() }()
	ctx, cancel := context.WithCancelCause(ctx)
	go func() { cancel(<-failed) }()
	err := desk.Run(ctx)
	down, done := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer done()
	_ = srv.Shutdown(down)
	if cause := context.Cause(ctx); err == nil && !errors.Is(cause, context.Canceled) && !errors.Is(cause, http.ErrServerClosed) {
		err = cause
	}
	return err
}

func account() imap.Account {
	return imap.Account{
		Name: "Shop", Email: os.Getenv("MAIL_ADDRESS"), Password: os.Getenv("MAIL_PASSWORD"),
		IMAP: imap.Server{Host: os.Getenv("IMAP_HOST")}, SMTP: imap.Server{Host: os.Getenv("SMTP_HOST")},
	}
}
