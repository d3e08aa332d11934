package mailbox

import (
	"errors"
	"fmt"
	"time"
)

// Kind classifies what went wrong at a provider. The driver classifies because
// it knows the protocol; the engine decides what follows.
type Kind string

// The kinds of errors.
const (
	// Transient passes by itself: network, 5xx, a dropped connection.
	Transient Kind = "transient"
	// Throttled passes after RetryAfter.
	Throttled Kind = "throttled"
	// Auth needs a person: wrong password, revoked grant, missing right.
	Auth Kind = "auth"
	// CursorExpired asks for a resynchronisation.
	CursorExpired Kind = "cursor-expired"
	// NotFound: the mail, draft or folder is not there (any more).
	NotFound Kind = "not-found"
	// TooLarge: above the caller's or the provider's size limit.
	TooLarge Kind = "too-large"
	// Permanent will not pass by trying again.
	Permanent Kind = "permanent"
	// Unsupported: the provider has no such ability.
	Unsupported Kind = "unsupported"
)

// Error is what every method of a driver returns when it fails. Its text holds
// no address, subject, server banner or secret: Err is for errors.Is and
// errors.As and is not printed.
type Error struct {
	// Op is the contract's verb, in lower case: "open", "changes", "fetch".
	Op string
	// Kind is the class.
	Kind Kind
	// Cause is a short constant that says what happened, such as "login
	// refused" or "tls: certificate does not match".
	Cause string
	// RetryAfter is how long the provider asks to wait, or 0.
	RetryAfter time.Duration
	// Unsent is set by Send and SendDraft when it is certain that the mail
	// was not and will not be sent by this call.
	Unsent bool
	// Err is the cause, or nil.
	Err error
}

// Error implements error.
func (e *Error) Error() string {
	s := fmt.Sprintf("mailbox: %s: %s", e.Op, e.Kind)
	if e.Cause != "" {
		s += ": " + e.Cause
	}
	if e.RetryAfter > 0 {
		s += fmt.Sprintf(" (retry after %s)", e.RetryAfter)
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of err. An error that is no *Error is Transient,
// because trying again is the only thing that loses nothing.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Transient
}

// Unsent reports whether err proves that a mail was not sent. Everything that
// is not proven is doubt.
func Unsent(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Unsent
}

// RetryAfter returns how long the provider asked to wait, or 0.
func RetryAfter(err error) time.Duration {
	var e *Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}
