// Package testpg gives tests a real PostgreSQL server on loopback, started at
// the first use and stopped with the test process.
//
//	func TestMain(m *testing.M) { os.Exit(testpg.Run(m)) }
//
//	func TestStore(t *testing.T) {
//		dsn := testpg.DSN(t) // a fresh, empty database, dropped at the end
//	}
//
// The cluster is deliberately unlike a developer's default where that catches
// mistakes: the default collation is linguistic (ICU en-US), so an identifier
// column that forgot COLLATE "C" sorts and compares wrongly; the server's time
// zone is not UTC; and [DSN] connects as a plain role that owns its database,
// not as a superuser.
//
// A missing server is a failure, never a skip: a store that was not tested
// must not look tested.
package testpg

import (
	"sync"
	"testing"
)

// shared is the server of this test process. It has no Stop that a test could
// call: tests that take the database away use [New], so that parallel tests
// keep theirs.
var shared struct {
	sync.Mutex
	running bool // inside Run, so somebody will stop the server
	srv     *Server
	err     error
}

// Run runs the tests of a package and then stops the shared server if a test
// has started it. Call it from TestMain; it returns the exit code.
func Run(m *testing.M) int {
	shared.Lock()
	shared.running = true
	shared.Unlock()

	defer func() {
		shared.Lock()
		defer shared.Unlock()
		shared.running = false
		if shared.srv != nil {
			shared.srv.destroy()
			shared.srv = nil
		}
	}()
	return m.Run()
}

// Shared returns the server of this test process and starts it if this is the
// first call. Its databases are shared with parallel tests only in so far as
// they live in one cluster; do not stop it.
func Shared(tb testing.TB) *Server {
	tb.Helper()
	shared.Lock()
	defer shared.Unlock()
	if !shared.running {
		tb.Fatal("testpg: nobody would stop the server: add func TestMain(m *testing.M) { os.Exit(testpg.Run(m)) }")
	}
	if shared.srv == nil && shared.err == nil {
		shared.srv, shared.err = launch()
	}
	if shared.err != nil {
		tb.Fatal(shared.err)
	}
	return shared.srv
}

// DSN creates an empty database on the shared server and returns its address.
// The database is dropped, with whatever is still connected to it, when the
// test ends.
func DSN(tb testing.TB) string {
	tb.Helper()
	return Shared(tb).DSN(tb)
}

// DataDir returns the data directory of the shared server. Call
// [Server.Checkpoint] before reading its files.
func DataDir(tb testing.TB) string {
	tb.Helper()
	return Shared(tb).DataDir()
}

// PgDump returns pg_dump's plain output for the database at dsn.
func PgDump(tb testing.TB, dsn string) []byte {
	tb.Helper()
	return pgDump(tb, dsn)
}

// New starts a server for one test alone, about two seconds of work, and stops
// it when the test ends. Use it for tests that stop, crash or restart the
// database.
func New(tb testing.TB) *Server {
	tb.Helper()
	s, err := launch()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.destroy)
	return s
}
