package postgres

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/helpdesk-go/helpdesk/internal/testpg"
	"github.com/helpdesk-go/helpdesk/store"
)

func TestTLSIsRequiredOffLoopback(t *testing.T) {
	for dsn, want := range map[string]error{
		"postgres://u:p@db.example/d?sslmode=disable":                 ErrTLS,
		"postgres://u:p@db.example/d?sslmode=allow":                   ErrTLS,
		"postgres://u:p@db.example/d?sslmode=prefer":                  ErrTLS,
		"postgres://u:p@db.example/d":                                 ErrTLS,
		"host=db.example user=u password=p":                           ErrTLS,
		"postgres://u:p@127.0.0.1,db.example/d?sslmode=disable":       ErrTLS,
		"postgres://u:p@db.example,127.0.0.1/d?sslmode=disable":       ErrTLS,
		"postgres://u:p@10.0.0.1/d?sslmode=disable":                   ErrTLS,
		"postgres://u:p@localhost.example/d?sslmode=disable":          ErrTLS,
		"postgres://u:p@[2001:db8::1]/d?sslmode=disable":              ErrTLS,
		"postgres://u:p@db.example/d?sslmode=require":                 nil,
		"postgres://u:p@db.example/d?sslmode=verify-full":             nil,
		"postgres://u:p@db.example,db2.example/d?sslmode=verify-full": nil,
		"postgres://u:p@127.0.0.1/d?sslmode=disable":                  nil,
		"postgres://u:p@127.8.8.8/d?sslmode=prefer":                   nil,
		"postgres://u:p@[::1]/d?sslmode=disable":                      nil,
		"postgres://u:p@localhost/d":                                  nil,
		"host=/var/run/postgresql user=u sslmode=disable":             nil,
		"postgres://u:p@/d?host=/var/run/postgresql":                  nil,
	} {
		_, _, err := configure(dsn, defaultSchema, Options{})
		if !errors.Is(err, want) || (want == nil && err != nil) {
			t.Errorf("%s: got %v, want %v", dsn, err, want)
		}
	}
}

func TestBadDSN(t *testing.T) {
	const secret = "hunter2secret"
	for _, dsn := range []string{
		"", "   ", secret, "postgres://u:" + secret + "@host:notaport/d", "postgres://u:" + secret + "@[broken/d",
		"postgres://u:" + secret + "%zz@host/d", "host=localhost password='" + secret,
		"postgres://u:" + secret + "@localhost/d?sslmode=" + secret,
		"postgres://u:" + secret + "@localhost/d?pool_max_conns=" + secret,
		"postgres://u:" + secret + "@localhost/d?default_query_exec_mode=simple_protocol",
		"postgres://u:" + secret + "@localhost/d?sslmode=verify-full&sslrootcert=/nonexistent/" + secret,
		"mysql://u:" + secret + "@host/d",
	} {
		_, err := Open(t.Context(), dsn)
		if !errors.Is(err, ErrDSN) {
			t.Errorf("%q: got %v, want ErrDSN", dsn, err)
			continue
		}
		if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "\n") {
			t.Errorf("the error repeats the connection string: %v", err)
		}
	}
	for _, schema := range []string{"pg_x", "a b", `a"b`, "1a", strings.Repeat("a", 64), "ä"} {
		_, err := OpenWith(t.Context(), "postgres://localhost/d", Options{Schema: schema})
		if !errors.Is(err, ErrOptions) {
			t.Errorf("schema %q: got %v, want ErrOptions", schema, err)
		}
	}
	if _, err := OpenWith(t.Context(), "postgres://localhost/d", Options{MaxConns: -1}); !errors.Is(err, ErrOptions) {
		t.Errorf("MaxConns -1: got %v", err)
	}
}

func TestServerRefuses(t *testing.T) {
	dsn := testpg.DSN(t)
	at := strings.Index(dsn, "@")
	wrong := dsn[:strings.LastIndex(dsn[:at], ":")] + ":hunter2secret" + dsn[at:]
	if _, err := Open(t.Context(), wrong); !errors.Is(err, ErrDSN) || strings.Contains(err.Error(), "hunter2secret") {
		t.Errorf("wrong password: %v", err)
	}
	if _, err := Open(t.Context(), strings.Replace(dsn, "/t", "/nosuch", 1)); !errors.Is(err, ErrDSN) {
		t.Errorf("no such database: %v", err)
	}
	_, err := Open(t.Context(), "postgres://u:hunter2secret@127.0.0.1:1/d?sslmode=disable")
	if !errors.Is(err, store.ErrUnavailable) || strings.Contains(err.Error(), "hunter2secret") {
		t.Errorf("nobody listens: %v", err)
	}
}

func TestConnectionSettings(t *testing.T) {
	_, c, err := configure("postgres://localhost/d?statement_timeout=7&application_name=mine", defaultSchema, Options{})
	must(t, err)
	p := c.ConnConfig.RuntimeParams
	if p["statement_timeout"] != "7" || p["application_name"] != "mine" || p["lock_timeout"] != "10000" ||
		p["idle_in_transaction_session_timeout"] != "60000" || c.MaxConnLifetimeJitter <= 0 {
		t.Errorf("settings: %v", p)
	}
	s, _ := open(t, Options{MaxConns: 3, configure: func(c *pgxpool.Config) {
		if c.MaxConns != 3 {
			t.Errorf("MaxConns is %d", c.MaxConns)
		}
	}})
	for setting, want := range map[string]string{
		"statement_timeout": "30s", "lock_timeout": "10s", "idle_in_transaction_session_timeout": "1min", "application_name": "helpdesk",
	} {
		var got string
		must(t, s.pool.QueryRow(t.Context(), "SELECT current_setting($1)", setting).Scan(&got))
		if got != want {
			t.Errorf("%s is %s, want %s", setting, got, want)
		}
	}
}
