package helpdesk

import (
	"context"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

// callPatience bounds one call to a provider, in case its driver's own deadline
// fails: above the ten minutes that SMTP grants the answer to a mail
// (RFC 5321, section 4.5.3.2.6), below the quarter of an hour within which a
// doubt must be visible.
const callPatience = 12 * time.Minute

// call makes one call to a provider. It ends in time, and a panic of the driver
// is an error of this call alone: an unknown outcome, as with a lost connection.
func call[T any](ctx context.Context, op string, f func(ctx context.Context) (T, error)) (v T, err error) {
	ctx, cancel := context.WithTimeout(ctx, callPatience)
	defer cancel()
	return guard(ctx, op, f)
}

// openConn is call for a connection, which may outlive the call.
func openConn(ctx context.Context, p mailbox.Provider, s mailbox.Session) (mailbox.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	stop := time.AfterFunc(callPatience, cancel)
	defer stop.Stop()
	return guard(ctx, "open", func(ctx context.Context) (mailbox.Conn, error) { return p.Open(ctx, s) })
}

func guard[T any](ctx context.Context, op string, f func(ctx context.Context) (T, error)) (v T, err error) {
	defer func() {
		if recover() != nil {
			err = &mailbox.Error{Op: op, Kind: mailbox.Transient, Cause: "the driver panicked"}
		}
	}()
	return f(ctx)
}
