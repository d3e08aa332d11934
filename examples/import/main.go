// Import takes an archive of mail into a desk: single mails, Maildir and mbox,
// told by what is in them and not by their names. A folder is walked.
//
//	go run ./examples/import [-store DSN] [-json] PATH...
//
// The mail comes in as backfill: its tickets are closed, no rule fires, nobody
// is answered. Without -store everything is in memory and forgotten at the end,
// which shows what an archive would become. An import that was stopped, even by
// kill -9, goes on where it was when it is started again with the same paths,
// and then reports the whole archive, as if it had never been stopped.
//
// The exit code is 0 if all mail was imported, 1 if something could not be read
// or did not work, and 2 if the program was called wrongly.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/helpdesk-go/helpdesk/store/postgres"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // whoever is in a hurry interrupts twice
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Exit codes.
const (
	exitOK    = 0
	exitWrong = 1 // it was asked for rightly and did not work, was stopped, or could not read everything
	exitUsage = 2 // it was asked for wrongly
)

// run is the program without the process around it. What goes wrong is said in
// one line.
func run(ctx context.Context, args []string, out, errs io.Writer) int {
	s, err := parseFlags(args)
	if errors.Is(err, flag.ErrHelp) {
		printHelp(out)
		return exitOK
	}
	if err == nil {
		err = importAll(ctx, s, out, errs)
	}
	if err == nil {
		return exitOK
	}
	fmt.Fprintln(errs, "import:", strings.Join(strings.Fields(err.Error()), " "))
	var usage usageError
	if errors.As(err, &usage) || errors.Is(err, postgres.ErrDSN) || errors.Is(err, postgres.ErrTLS) {
		return exitUsage
	}
	return exitWrong
}
