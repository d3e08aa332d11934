package testpg

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	admin = "postgres" // superuser of the cluster
	plain = "host"     // the role tests connect as: owns its databases, nothing more

	startTimeout = 60 * time.Second
	stopTimeout  = 30 * time.Second
)

// Server is one PostgreSQL cluster in a temporary directory, listening on
// 127.0.0.1 and on a socket in that directory. Its methods may be called from
// several goroutines.
type Server struct {
	dir       string // holds data/, log and the socket
	port      int
	password  string // of both roles, new for every cluster
	databases atomic.Int64

	mu   sync.Mutex
	proc *process // nil while stopped
}

// launch creates a cluster and starts it.
func launch() (*Server, error) {
	sweep()
	dir, err := os.MkdirTemp("", fmt.Sprintf("%s%d-", dirPrefix, os.Getpid()))
	if err != nil {
		return nil, fmt.Errorf("testpg: %w", err)
	}
	s := &Server{dir: dir, password: rand.Text()}
	if err := s.create(); err != nil {
		s.destroy()
		return nil, err
	}
	return s, nil
}

func (s *Server) create() error {
	if err := own(s.dir); err != nil {
		return fmt.Errorf("testpg: %w", err)
	}
	pwfile := filepath.Join(s.dir, "password")
	if err := os.WriteFile(pwfile, []byte(s.password), 0o600); err != nil {
		return fmt.Errorf("testpg: %w", err)
	}
	if err := own(pwfile); err != nil {
		return fmt.Errorf("testpg: %w", err)
	}
	bin, err := lookup("initdb")
	if err != nil {
		return err
	}
	// --no-sync is for initdb's own files only; the server runs with fsync on.
	initdb := exec.Command(bin, "--pgdata", s.DataDir(), "--username", admin, "--pwfile", pwfile,
		"--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8",
		"--locale-provider", "icu", "--icu-locale", "en-US", "--no-sync", "--no-instructions")
	initdb.Dir = s.dir
	initdb.SysProcAttr = attributes()
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("testpg: initdb: %w\n%s", err, out)
	}
	conf := fmt.Sprintf("unix_socket_directories = '%s'\n%s", s.dir, settings)
	if err := appendFile(filepath.Join(s.DataDir(), "postgresql.conf"), conf); err != nil {
		return fmt.Errorf("testpg: %w", err)
	}
	// Another process may take a free port between our look and the server's
	// bind; a second port is a better answer than a flaky test.
	for range 5 {
		if s.port, err = freePort(); err != nil {
			return err
		}
		if err = s.start(); err == nil {
			break
		}
	}
	if err != nil {
		return err
	}
	return s.exec(context.Background(), "CREATE ROLE "+plain+" LOGIN PASSWORD '"+s.password+"'")
}

// settings are appended to postgresql.conf. The time zone has an odd offset so
// that a timestamp read without its zone is visibly wrong.
const settings = `
listen_addresses = '127.0.0.1'
max_connections = 200
shared_buffers = 64MB
fsync = on
timezone = 'Asia/Kathmandu'
log_timezone = 'UTC'
`

// DataDir returns the directory that holds the cluster's files.
func (s *Server) DataDir() string { return filepath.Join(s.dir, "data") }

// LogFile returns the path of the server's log.
func (s *Server) LogFile() string { return filepath.Join(s.dir, "log") }

// Addr returns the host and port the server listens on.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// DSN creates an empty database and returns its address for a role that owns
// it. The database is dropped when the test ends, unless the server is down.
func (s *Server) DSN(tb testing.TB) string {
	tb.Helper()
	name := fmt.Sprintf("t%d", s.databases.Add(1))
	if err := s.exec(tb.Context(), "CREATE DATABASE "+name+" OWNER "+plain); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if !s.up() {
			return
		}
		if err := s.exec(context.Background(), "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			tb.Error(err)
		}
	})
	return s.dsn(plain, name)
}

// AdminDSN returns the superuser's address of the database that dsn names.
func (s *Server) AdminDSN(tb testing.TB, dsn string) string {
	tb.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		tb.Fatal("testpg: not an address that DSN returned")
	}
	return s.dsn(admin, strings.TrimPrefix(u.Path, "/"))
}

// Checkpoint makes the server write every changed page to its files, so that
// a search of [Server.DataDir] sees them.
func (s *Server) Checkpoint(tb testing.TB) {
	tb.Helper()
	if err := s.exec(tb.Context(), "CHECKPOINT"); err != nil {
		tb.Fatal(err)
	}
}

// Disconnect ends every connection to the database that dsn names, as a
// failing network or an administrator would, and leaves the server running.
func (s *Server) Disconnect(tb testing.TB, dsn string) {
	tb.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		tb.Fatal("testpg: not an address that DSN returned")
	}
	err = s.exec(tb.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '"+
		strings.TrimPrefix(u.Path, "/")+"' AND pid <> pg_backend_pid()")
	if err != nil {
		tb.Fatal(err)
	}
}

// Stop shuts the server down: transactions roll back, files are flushed.
// Stopping a stopped server does nothing.
func (s *Server) Stop(tb testing.TB) { tb.Helper(); s.halt(tb, syscall.SIGINT) }

// StopImmediate ends the server without a flush, as a crash does. The next
// Start recovers from the log; what was committed must still be there.
func (s *Server) StopImmediate(tb testing.TB) { tb.Helper(); s.halt(tb, syscall.SIGQUIT) }

func (s *Server) halt(tb testing.TB, sig syscall.Signal) {
	tb.Helper()
	s.guard(tb)
	if err := s.stop(sig); err != nil {
		tb.Fatal(err)
	}
}

// guard keeps one test from taking the database away from the others.
func (s *Server) guard(tb testing.TB) {
	tb.Helper()
	shared.Lock()
	defer shared.Unlock()
	if s == shared.srv {
		tb.Fatal("testpg: the shared server must keep running: use testpg.New for a test that stops it")
	}
}

// Start starts a stopped server on the same address with the same data.
// Starting a running server does nothing.
func (s *Server) Start(tb testing.TB) {
	tb.Helper()
	if err := s.start(); err != nil {
		tb.Fatal(err)
	}
}

// Restart is Stop and Start.
func (s *Server) Restart(tb testing.TB) {
	tb.Helper()
	s.Stop(tb)
	s.Start(tb)
}

// destroy stops the server and removes its files.
func (s *Server) destroy() {
	_ = s.stop(syscall.SIGQUIT)
	_ = os.RemoveAll(s.dir)
}

func (s *Server) up() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proc != nil && !s.proc.exited()
}

func (s *Server) dsn(role, database string) string {
	u := url.URL{
		Scheme: "postgres", Host: s.Addr(), Path: "/" + database,
		User: url.UserPassword(role, s.password), RawQuery: "sslmode=disable",
	}
	return u.String()
}

// exec runs one statement as the superuser, connected to the postgres database.
func (s *Server) exec(ctx context.Context, sql string) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	conn, err := pgconn.Connect(ctx, s.dsn(admin, "postgres"))
	if err != nil {
		return fmt.Errorf("testpg: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, sql).ReadAll(); err != nil {
		return fmt.Errorf("testpg: %w", err)
	}
	return nil
}

// freePort returns a port nobody listens on. It stays below the range from
// which Linux takes ports for outgoing connections, so that a stopped server
// does not lose its port to one before it starts again.
func freePort() (int, error) {
	for range 100 {
		port := 20000 + mathrand.IntN(12000)
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, errors.New("testpg: no free port on 127.0.0.1 between 20000 and 32000")
}

func appendFile(path, text string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
