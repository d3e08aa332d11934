package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
)

// Options are the choices beside the connection string. The zero value is
// usable. What the connection string itself sets wins over the time-outs and
// the application name here.
type Options struct {
	// Schema is where the tables are; default "helpdesk".
	Schema string
	// MaxConns bounds the pool; default the greater of 4 and the CPUs. Two
	// more connections are for the access log and one for each Wake.
	MaxConns int
	// StatementTimeout ends a statement that runs longer; default 30 s.
	StatementTimeout time.Duration
	// LockTimeout ends the wait for a lock; default 10 s.
	LockTimeout time.Duration
	// IdleTimeout ends a transaction that waits for its program; default 1
	// minute. It must be well under the 24 hours after which blobs and keys
	// that no row names are swept.
	IdleTimeout time.Duration
	// ApplicationName is shown in pg_stat_activity; default "helpdesk".
	ApplicationName string
	// Tracer sees every statement with its arguments, which are sealed.
	Tracer pgx.QueryTracer

	// configure is for the tests of this package.
	configure func(*pgxpool.Config)
}

// Store implements [store.Store] and [store.Waker]. Make it with [Open].
type Store struct {
	schema schema
	pool   *pgxpool.Pool
	// reserve is for the access log alone: an exhausted pool must not keep
	// those who hold its connections from logging what they opened.
	reserve *pgxpool.Pool
	closed  atomic.Bool
	done    context.CancelFunc // ends the listeners
	alive   context.Context
}

var (
	_ store.Store = (*Store)(nil)
	_ store.Waker = (*Store)(nil)
)

// Open connects to the database with the default options. It returns an error
// that is [ErrDSN] or [ErrTLS] for a connection string that cannot be used and
// [store.ErrUnavailable] when the database does not answer. It changes
// nothing: call Migrate or Validate next.
func Open(ctx context.Context, dsn string) (*Store, error) {
	return OpenWith(ctx, dsn, Options{})
}

// OpenWith is [Open] with options.
func OpenWith(ctx context.Context, dsn string, o Options) (*Store, error) {
	in, config, err := configure(dsn, defaultSchema, o)
	if err != nil {
		return nil, err
	}
	pool, err := connect(ctx, config)
	if err != nil {
		return nil, err
	}
	small := config.Copy()
	small.MaxConns, small.MinConns, small.MinIdleConns = 2, 0, 0
	reserve, err := pgxpool.NewWithConfig(ctx, small)
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("%w: pool settings", ErrDSN)
	}
	s := &Store{schema: in, pool: pool, reserve: reserve}
	s.alive, s.done = context.WithCancel(context.WithoutCancel(ctx))
	return s, nil
}

// Close implements [store.Store]. It waits for running transactions. Closing
// twice does nothing.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	s.done()
	s.pool.Close()
	s.reserve.Close()
	return nil
}

// AccessLog implements [store.Store]. The log is durable.
func (s *Store) AccessLog() privacy.AccessLog { return accessLog{s} }

// Blobs implements [store.Store]. Blobs are rows; one is at most 1 GB and is
// held in memory while it is put or read.
func (s *Store) Blobs() store.Blobs { return blobs{s} }

// connect makes a pool and proves that it reaches the database.
func connect(ctx context.Context, config *pgxpool.Config) (*pgxpool.Pool, error) {
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("%w: pool settings", ErrDSN)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, refused(ctx, err)
	}
	return pool, nil
}

// refused tells a connection string that the server does not accept from a
// server that is not there.
func refused(ctx context.Context, err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch {
		case strings.HasPrefix(pg.Code, "28"):
			return fmt.Errorf("%w: the server refused the user or password (SQLSTATE %s)", ErrDSN, pg.Code)
		case pg.Code == "3D000":
			return fmt.Errorf("%w: there is no such database (SQLSTATE %s)", ErrDSN, pg.Code)
		}
	}
	return classify(ctx, "connect", err)
}

// configure turns a connection string and options into a configuration that
// keeps the promises of this package.
func configure(dsn, fallback string, o Options) (schema, *pgxpool.Config, error) {
	name := o.Schema
	if name == "" {
		name = fallback
	}
	in, err := newSchema(name)
	if err != nil {
		return schema{}, nil, err
	}
	if o.MaxConns < 0 || o.MaxConns > 1<<16 || o.StatementTimeout < 0 || o.LockTimeout < 0 || o.IdleTimeout < 0 {
		return schema{}, nil, fmt.Errorf("%w: MaxConns and the time-outs are not negative, MaxConns at most 65536", ErrOptions)
	}
	if strings.TrimSpace(dsn) == "" {
		return schema{}, nil, fmt.Errorf("%w: it is empty", ErrDSN)
	}
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return schema{}, nil, fmt.Errorf("%w: %s", ErrDSN, complaint(err))
	}
	if err := secure(config.ConnConfig); err != nil {
		return schema{}, nil, err
	}
	if config.ConnConfig.DefaultQueryExecMode == pgx.QueryExecModeSimpleProtocol {
		return schema{}, nil, fmt.Errorf("%w: default_query_exec_mode=simple_protocol is not supported", ErrDSN)
	}
	o.apply(config)
	return in, config, nil
}

func (o Options) apply(config *pgxpool.Config) {
	set := func(name, value string) {
		if _, ok := config.ConnConfig.RuntimeParams[name]; !ok {
			config.ConnConfig.RuntimeParams[name] = value
		}
	}
	millis := func(d, fallback time.Duration) string {
		if d == 0 {
			d = fallback
		}
		return strconv.FormatInt(max(d.Milliseconds(), 1), 10)
	}
	set("statement_timeout", millis(o.StatementTimeout, 30*time.Second))
	set("lock_timeout", millis(o.LockTimeout, 10*time.Second))
	set("idle_in_transaction_session_timeout", millis(o.IdleTimeout, time.Minute))
	if o.ApplicationName == "" {
		o.ApplicationName = "helpdesk"
	}
	set("application_name", o.ApplicationName)
	if o.MaxConns > 0 {
		config.MaxConns = int32(o.MaxConns)
	}
	if config.MaxConnLifetimeJitter == 0 {
		config.MaxConnLifetimeJitter = config.MaxConnLifetime / 10
	}
	if config.PingTimeout == 0 {
		config.PingTimeout = 5 * time.Second
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = 15 * time.Second
	}
	if o.Tracer != nil {
		config.ConnConfig.Tracer = o.Tracer
	}
	if o.configure != nil {
		o.configure(config)
	}
}

// secure refuses every way the connection could leave the host in clear, also
// those that would be tried only after TLS failed.
func secure(c *pgx.ConnConfig) error {
	clear := c.TLSConfig == nil && !local(c.Host)
	for _, f := range c.Fallbacks {
		clear = clear || f.TLSConfig == nil && !local(f.Host)
	}
	if clear {
		return ErrTLS
	}
	return nil
}

// local reports whether a host is a socket or this machine.
func local(host string) bool {
	if strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@") || strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// complaint says what is wrong with a connection string without repeating any
// of it: the driver's own text may hold the password.
func complaint(err error) string {
	text := err.Error()
	for _, c := range []struct{ in, out string }{
		{"sslmode", "sslmode is none of disable, allow, prefer, require, verify-ca, verify-full"},
		{"port", "the port is not a number from 1 to 65535"},
		{"pool_", "a pool_ setting has a bad value"},
		{"tls", "a certificate or key of it cannot be read"},
		{"service", "the service file of it cannot be read"},
	} {
		if strings.Contains(text, c.in) {
			return c.out
		}
	}
	return "it is neither a postgres:// URL nor key=value pairs"
}
