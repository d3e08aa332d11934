package testmail

import (
	"os"
	"testing"
	"time"
)

// started ends a server with its test and shows its log when the test failed.
func started[S interface{ Close() error }](tb testing.TB, s S, err error, logFile func(S) string) S {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if tb.Failed() && logFile != nil {
			text, _ := os.ReadFile(logFile(s))
			tb.Logf("end of %s:\n%s", logFile(s), text[max(0, len(text)-4000):])
		}
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// NewDovecot is [StartDovecot] for one test: it closes the server at its end.
func NewDovecot(tb testing.TB, o DovecotOptions) *Dovecot {
	tb.Helper()
	d, err := StartDovecot(o)
	return started(tb, d, err, (*Dovecot).LogFile)
}

// NewPostfix is [StartPostfix] for one test.
func NewPostfix(tb testing.TB, o PostfixOptions) *Postfix {
	tb.Helper()
	p, err := StartPostfix(o)
	return started(tb, p, err, (*Postfix).LogFile)
}

// NewSink is [StartSink] for one test.
func NewSink(tb testing.TB, flags ...string) *Sink {
	tb.Helper()
	s, err := StartSink(flags...)
	return started(tb, s, err, (*Sink).LogFile)
}

// NewTokenServer is [StartTokenServer] for one test.
func NewTokenServer(tb testing.TB, life time.Duration) *TokenServer {
	tb.Helper()
	s, err := StartTokenServer(life)
	return started(tb, s, err, nil)
}

// NewProxy is [StartProxy] for one test.
func NewProxy(tb testing.TB, target string) *Proxy {
	tb.Helper()
	p, err := StartProxy(target)
	return started(tb, p, err, nil)
}
