// Command worker is the host program that the tests of the package above kill:
// a desk with the IMAP and SMTP driver on PostgreSQL.
//
// It opens everything, says "ready", and waits for one line on its standard
// input: "run", or "run POINT" with the point at which it kills itself. It says
// "fired POINT" before it does so. When its standard input ends, it stops
// working and leaves everything in order.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/mailbox/imap"
	"github.com/helpdesk-go/helpdesk/store/postgres"
)

func main() {
	if err := run(context.Background(), bufio.NewReader(os.Stdin)); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, in *bufio.Reader) error {
	pg, err := postgres.Open(ctx, os.Getenv("WORKER_DSN"))
	if err != nil {
		return err
	}
	defer func() { _ = pg.Close() }()
	s := &crashing{Store: pg, die: die}
	desk, err := helpdesk.New(helpdesk.Config{
		Store: s, Keys: helpdesk.KeyFile(os.Getenv("WORKER_KEYS")),
		Providers: helpdesk.Providers{imap.New(imap.Options{})},
		Logger:    slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})),
		PollEvery: 200 * time.Millisecond, Workers: 32,
	})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	line, err := in.ReadString('\n')
	if errors.Is(err, io.EOF) {
		return nil // never needed
	}
	if err != nil {
		return err
	}
	_, s.point, _ = strings.Cut(strings.TrimSpace(line), " ")
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, in)
		stop()
	}()
	return desk.Run(ctx)
}

// die ends the process as a crash does. The line before it is how the test
// knows that the fault fired.
func die(point string) {
	fmt.Println("fired", point)
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}
