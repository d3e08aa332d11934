package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/helpdesk-go/helpdesk/store"
)

// Errors of use and configuration. Each names its mend.
var (
	// ErrDSN: the connection string cannot be used. The error that wraps it
	// says which part, and never repeats it, because it holds a password.
	ErrDSN = errors.New("postgres: bad connection string: pass postgres://user:password@host:5432/database?sslmode=verify-full")
	// ErrTLS: the connection could be in clear to another host.
	ErrTLS = errors.New("postgres: TLS is required off loopback: add sslmode=verify-full (at least require) to the connection string")
	// ErrOptions: an option has a value that cannot work.
	ErrOptions = errors.New("postgres: bad options")

	errNested = errors.New("postgres: called inside a transaction of a store: use the reader or tx that the closure got, or call after it returned")
	errOver   = errors.New("postgres: the transaction is over: use its reader or tx only inside the closure")
)

// Error is a failure of the database. It is one of the errors of package store
// and tells the SQLSTATE, but nothing that the server said: its messages quote
// the data. For the same reason the driver's error is not wrapped.
type Error struct {
	// Op is what was tried.
	Op string
	// Code is the SQLSTATE, empty when the server did not answer.
	Code string

	kind  error // of package store, or the context's error
	cause error // the context's error beside a kind, or nil
}

// Error implements error.
func (e *Error) Error() string {
	text := "postgres: " + e.Op + ": " + e.kind.Error()
	if e.Code != "" {
		text += " (SQLSTATE " + e.Code + ")"
	}
	return text
}

// Unwrap returns the errors that e is.
func (e *Error) Unwrap() []error {
	if e.cause != nil {
		return []error{e.kind, e.cause}
	}
	return []error{e.kind}
}

// fail makes an error that the server has no part in.
func fail(op string, kind error) error { return &Error{Op: op, kind: kind} }

// classify turns an error of the driver into one of the contract.
func classify(ctx context.Context, op string, err error) error {
	if err == nil {
		return nil
	}
	var own *Error
	if errors.As(err, &own) {
		return err
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return fail(op, store.ErrNotFound)
	}
	if errors.Is(err, pgx.ErrTxClosed) {
		return errOver
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		kind := kindOf(pg.Code)
		// A cancelled statement says 57014, whoever cancelled it.
		if ctx.Err() != nil && kind == store.ErrUnavailable {
			kind = ctx.Err()
		}
		return &Error{Op: op, Code: pg.Code, kind: kind}
	}
	if ctx.Err() != nil {
		return &Error{Op: op, kind: ctx.Err()}
	}
	return fail(op, store.ErrUnavailable)
}

// kindOf sorts SQLSTATEs by what the caller can do about them.
func kindOf(code string) error {
	if len(code) != 5 {
		return store.ErrUnavailable
	}
	switch code {
	case "23505", "23P01", "40001", "40P01":
		return store.ErrStale
	case "42P01", "42703", "42883", "42704", "3F000":
		return store.ErrSchema
	case "42501": // missing grants: a person mends it, the data are fine
		return store.ErrUnavailable
	}
	switch code[:2] {
	case "21", "22", "23", "54":
		return store.ErrRejected
	default:
		return store.ErrUnavailable
	}
}

// conflict returns the SQLSTATE of an error after which running the whole
// transaction again can help, or "". A closure may have it from the driver,
// because [Unwrap] gave it the transaction.
func conflict(err error) string {
	var code string
	var e *Error
	var pg *pgconn.PgError
	if errors.As(err, &e) {
		code = e.Code
	} else if errors.As(err, &pg) {
		code = pg.Code
	}
	if code == "40001" || code == "40P01" {
		return code
	}
	return ""
}

// lost reports whether the connection broke or the server ended it.
func lost(err error) bool {
	var e *Error
	if !errors.As(err, &e) || !errors.Is(err, store.ErrUnavailable) {
		return false
	}
	switch e.Code {
	case "", "57P01", "57P02", "57P03", "57P05", "25006":
		return true
	default:
		return e.Code[:2] == "08"
	}
}
