package imap

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// Causes for which a guard closes its connection.
var (
	errSilent  = errors.New("imap: no answer before the deadline")
	errFlooded = errors.New("imap: more bytes than the exchange allows")
	errClosed  = errors.New("imap: connection is closed")
)

const (
	// idleBudget is what a server may send unasked between two commands.
	idleBudget = 1 << 16
	// smallBudget suits commands with short answers.
	smallBudget = 1 << 20
	// searchBudget suits a window of UIDs with all of them in use.
	searchBudget = 4 << 20
	// rowBudget is for one row of a listing, with many keywords.
	rowBudget = 1 << 10
)

// guard is a connection on which the protocol libraries cannot hang, because
// they know neither contexts nor absolute deadlines: while an exchange is in
// flight, one deadline covers all of it, so a peer that sends a byte a minute
// does not extend it, and one budget bounds what the peer may send. Breaking
// either, or the context's end, closes the connection for good.
type guard struct {
	net.Conn

	mu     sync.Mutex
	budget int64
	cause  error
}

func newGuard(c net.Conn) *guard { return &guard{Conn: c, budget: idleBudget} }

// begin starts an exchange and returns what ends it.
func (g *guard) begin(ctx context.Context, timeout time.Duration, budget int64) (end func()) {
	g.allow(budget)
	g.extend(timeout)
	stop := context.AfterFunc(ctx, func() { g.kill(ctx.Err()) })
	return func() {
		stop()
		g.allow(idleBudget)
		_ = g.Conn.SetDeadline(time.Time{}) // fails only on a dead connection
	}
}

func (g *guard) allow(budget int64) {
	g.mu.Lock()
	g.budget = budget
	g.mu.Unlock()
}

// extend gives the exchange in flight another timeout from now.
func (g *guard) extend(timeout time.Duration) {
	_ = g.Conn.SetDeadline(time.Now().Add(timeout)) // fails only on a dead connection
}

// kill closes the connection. The first cause is kept.
func (g *guard) kill(cause error) {
	g.mu.Lock()
	if g.cause == nil {
		g.cause = cause
	}
	g.mu.Unlock()
	g.Conn.Close()
}

// why returns the cause for which the connection was killed, or nil.
func (g *guard) why() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.cause
}

// Read implements net.Conn.
func (g *guard) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	g.mu.Lock()
	g.budget -= int64(n)
	over := g.budget < 0
	g.mu.Unlock()
	if over {
		g.kill(errFlooded)
		return 0, errFlooded
	}
	return n, g.seen(err)
}

// Write implements net.Conn.
func (g *guard) Write(p []byte) (int, error) {
	n, err := g.Conn.Write(p)
	return n, g.seen(err)
}

func (g *guard) seen(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		g.kill(errSilent)
		return errSilent
	}
	return err
}

// Close implements net.Conn.
func (g *guard) Close() error {
	g.kill(errClosed)
	return nil
}

// SetDeadline does nothing: deadlines belong to the exchange, and the
// libraries above would lift them in its middle.
func (g *guard) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing, see SetDeadline.
func (g *guard) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing, see SetDeadline.
func (g *guard) SetWriteDeadline(time.Time) error { return nil }
