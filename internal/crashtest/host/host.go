package host

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/internal/crashtest/wire"
	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/store/postgres"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// Options put something between the engine and what it works on, such as a bug
// that the harness must find. The zero value is the honest worker.
type Options struct {
	// Store decorates the database's store, below the crash points.
	Store func(store.Store) store.Store
	// Provider decorates the provider, above the crash points.
	Provider func(mailbox.Provider) mailbox.Provider
	// Log wraps the destination of the worker's log.
	Log func(io.Writer) io.Writer
}

// Main runs a worker as the environment says, until SIGTERM. It returns the
// exit code.
func Main(o Options) int {
	if os.Getenv(wire.EnvList) != "" {
		fmt.Println(strings.Join(wire.AllPoints(), "\n"))
		return 0
	}
	n, err := strconv.Atoi(os.Getenv(wire.EnvWorker))
	if err != nil {
		fmt.Fprintln(os.Stderr, "crashtest: the worker is started by the harness: go test ./internal/crashtest")
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	client := wire.Dial(os.Getenv(wire.EnvSocket), n)
	if err := run(ctx, client, o); err != nil {
		fmt.Fprintf(os.Stderr, "crashtest: worker: %T\n", err)
		return 1
	}
	return 0
}

// host is the program's state.
type host struct {
	set    wire.Settings
	client *wire.Client
	crash  *crash
	desk   *helpdesk.Desk
	acme   *helpdesk.Tenant
	db     *pgxpool.Pool
	base   int // goroutines before there was anything to do
}

func run(ctx context.Context, client *wire.Client, o Options) error {
	h := &host{client: client, crash: newCrash(client, os.Getenv(wire.EnvCrash))}
	if err := client.Do(ctx, "/hello", client.Worker, &h.set); err != nil {
		return err
	}
	// The store opens its pools in the background; what counts as base is a
	// process that does nothing yet.
	h.base = runtime.NumGoroutine()
	client.Report(wire.Report{Kind: wire.ReportIdle, Goroutines: h.base})
	pg, err := openStore(ctx)
	if err != nil {
		return unlessOver(ctx, err)
	}
	var below store.Store = pg
	if o.Store != nil {
		below = o.Store(below)
	}
	st := newStore(below, h.set, client, h.crash)
	var p mailbox.Provider = &remote{set: h.set, client: client, crash: h.crash}
	if o.Provider != nil {
		p = o.Provider(p)
	}
	var out io.Writer = os.Stderr
	if o.Log != nil {
		out = o.Log(out)
	}
	if err := h.open(ctx, st, p, out); err != nil {
		return unlessOver(ctx, err)
	}
	done := make(chan struct{})
	go func() { defer close(done); h.obey(ctx) }()
	err = h.desk.Run(ctx)
	<-done
	st.letAllGo()
	h.db.Close()
	if e := pg.Close(); err == nil {
		err = e
	}
	client.Report(wire.Report{Kind: wire.ReportEnd, Goroutines: h.settled()})
	return err
}

// unlessOver is no error where a host is stopped while it comes up.
func unlessOver(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// openStore waits for the database: a host is started again and again until it
// comes up.
func openStore(ctx context.Context) (*postgres.Store, error) {
	for {
		st, err := postgres.OpenWith(ctx, os.Getenv(wire.EnvDSN), postgres.Options{MaxConns: 6})
		if err == nil || ctx.Err() != nil {
			return st, err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (h *host) open(ctx context.Context, st store.Store, p mailbox.Provider, out io.Writer) (err error) {
	if h.db, err = pgxpool.New(ctx, os.Getenv(wire.EnvDSN)); err != nil {
		return err
	}
	for {
		h.desk, err = helpdesk.New(helpdesk.Config{
			Store: st, Keys: crashingKeys{helpdesk.KeyFile(os.Getenv(wire.EnvKeys)), h.crash},
			Ledger: helpdesk.LedgerFile(os.Getenv(wire.EnvKeys) + ".ledger"), Providers: helpdesk.Providers{p},
			OnEvent: onEvent, Logger: slog.New(slog.NewTextHandler(out, nil)),
			Workers: 8, PollEvery: h.set.PollEvery, MaxMail: h.set.MaxMail, PageSize: h.set.PageSize,
		})
		if err == nil {
			h.acme = h.desk.Tenant(wire.Tenant)
			return nil
		}
		if ctx.Err() != nil {
			return err
		}
		fmt.Fprintln(out, "opening the desk:", err)
		time.Sleep(50 * time.Millisecond) // the database may be away
	}
}

// onEvent keeps a row of the host beside each event, in its transaction, so
// that the harness can compare the two.
func onEvent(ctx context.Context, tx store.Tx, e ticket.Event) error {
	if w, ok := tx.(unwrapper); ok {
		tx = w.inner()
	}
	pg, ok := postgres.Unwrap(tx)
	if !ok {
		return nil
	}
	_, err := pg.Exec(ctx, "INSERT INTO host_events (id) VALUES ($1)", [16]byte(e.ID))
	return err
}

// settled counts the goroutines once those that are ending have ended.
func (h *host) settled() int {
	h.client.Close()
	n := runtime.NumGoroutine()
	for range 200 {
		if n <= h.base {
			break
		}
		time.Sleep(10 * time.Millisecond)
		h.client.Close()
		n = min(n, runtime.NumGoroutine())
	}
	return n
}

// as is the context of the person who answers.
func as(ctx context.Context) context.Context {
	return privacy.As(ctx, privacy.Agent("kari"), privacy.Support)
}
