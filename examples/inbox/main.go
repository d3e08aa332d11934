// Inbox is a helpdesk in one program. Without flags it brings a mailbox along,
// so that there is nothing to set up:
//
//	go run ./examples/inbox
//
// Flags point it at a mailbox of yours and at PostgreSQL; -help lists them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/examples/inbox/internal/demomail"
	"github.com/helpdesk-go/helpdesk/examples/inbox/web"
	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/imap"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/store/memory"
	"github.com/helpdesk-go/helpdesk/store/postgres"
	"github.com/helpdesk-go/helpdesk/ticket"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// Exit codes.
const (
	exitOK    = 0
	exitWrong = 1 // it was asked for rightly and did not work
	exitUsage = 2 // it was asked for wrongly
)

// run is the program without the process around it. What goes wrong is said in
// one line.
func run(ctx context.Context, args []string, env func(string) string, out, errs io.Writer) int {
	s, err := parseFlags(args, env)
	if errors.Is(err, flag.ErrHelp) {
		printHelp(out)
		return exitOK
	}
	if err == nil {
		err = serve(ctx, s, out)
	}
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage), errors.Is(err, postgres.ErrDSN), errors.Is(err, postgres.ErrTLS):
		fmt.Fprintln(errs, "inbox:", line(err))
		return exitUsage
	}
	fmt.Fprintln(errs, "inbox:", line(err))
	return exitWrong
}

// serve runs everything until ctx ends or a part fails.
func serve(ctx context.Context, s settings, out io.Writer) error {
	app, err := start(ctx, s)
	if err != nil {
		return err
	}
	defer app.close()
	app.greet(out)
	return app.run(ctx)
}

// app is the program, listening but not yet working.
type app struct {
	settings settings
	world    *demomail.World // nil with a mailbox of the user's own
	store    store.Store
	desk     *helpdesk.Desk
	listener net.Listener
	server   *http.Server
}

// The tenants. The demonstration has one of its own, so that a database that
// was tried with it can be used for real.
const (
	demoTenant = ticket.TenantID("demo")
	realTenant = ticket.TenantID("inbox")
)

func (a *app) tenant() ticket.TenantID {
	if a.world != nil {
		return demoTenant
	}
	return realTenant
}

// start brings every part up, or none.
func start(ctx context.Context, s settings) (*app, error) {
	a := &app{settings: s}
	if err := a.start(ctx); err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

func (a *app) start(ctx context.Context) (err error) {
	if a.listener, err = net.Listen("tcp", a.settings.addr); err != nil {
		return listenError("-addr", a.settings.addr, err)
	}
	if a.settings.account == nil {
		a.world, err = demomail.Start(demomail.Options{Address: demoAddress, SMTP: a.settings.smtp})
		if err != nil {
			return listenError("-smtp", a.settings.smtp, err)
		}
	}
	if err := a.openStore(ctx); err != nil {
		return err
	}
	if err := a.openDesk(ctx); err != nil {
		return err
	}
	a.server = &http.Server{
		Handler:           a.handler(),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	return nil
}

func (a *app) openStore(ctx context.Context) error {
	if a.settings.store == "" {
		a.store = memory.New()
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	st, err := postgres.Open(ctx, a.settings.store)
	if err != nil {
		return err
	}
	a.store = st
	return st.Migrate(ctx)
}

func (a *app) openDesk(ctx context.Context) (err error) {
	options, account := imap.Options{}, a.settings.account
	if a.world != nil {
		options.Dial, account = a.world.Dial, demoAccount(a.world)
	}
	c := helpdesk.Config{
		Store: a.store, Providers: []mailbox.Provider{imap.New(options)},
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	if a.settings.store != "" {
		c.Keys = helpdesk.KeyFile(a.settings.keys)
	}
	if a.desk, err = helpdesk.New(c); err != nil {
		return err
	}
	var o helpdesk.ConnectOptions
	if a.settings.since > 0 {
		o.Intake.Since = time.Now().Add(-a.settings.since)
	}
	if _, err = a.desk.Tenant(a.tenant()).ConnectWith(ctx, *account, o); err != nil {
		return fmt.Errorf("connecting the mailbox: %w", err)
	}
	return nil
}

// handler is the site: the inbox and, with the demonstration, the customer's
// page beside it.
func (a *app) handler() http.Handler {
	who := web.Identity{Tenant: a.tenant(), Agent: a.settings.agent}
	// There is no sign-in here: whoever reaches the page is the agent.
	auth := func(*http.Request) (web.Identity, bool) { return who, true }
	var o web.Options
	mux := http.NewServeMux()
	if a.world != nil {
		o.Links = []web.Link{{Text: "Customer's view", URL: "/customer"}}
		mux.Handle("/customer", customers(a.world))
		mux.Handle("/customer/", customers(a.world))
	}
	mux.Handle("/", web.HandlerWith(a.desk, auth, "", o))
	if a.settings.open {
		return mux
	}
	return sameMachine(mux)
}

// run works until ctx ends, and then leaves everything in order.
func (a *app) run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	served := make(chan struct{})
	go func() {
		defer close(served)
		if err := a.server.Serve(a.listener); !errors.Is(err, http.ErrServerClosed) {
			stop(err)
		}
	}()
	if err := a.desk.Run(ctx); err != nil {
		stop(err)
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if a.server.Shutdown(last) != nil {
		_ = a.server.Close()
	}
	<-served
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		stop(nil)
		return err
	}
	stop(nil)
	return nil
}

func (a *app) close() {
	if a.listener != nil {
		_ = a.listener.Close()
	}
	if a.world != nil {
		a.world.Close()
	}
	if a.store != nil {
		_ = a.store.Close()
	}
}
