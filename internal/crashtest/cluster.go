package crashtest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/helpdesk-go/helpdesk/internal/testpg"
	"github.com/helpdesk-go/helpdesk/store/postgres"
)

// Cluster is a PostgreSQL server of the harness: each run gets a database of
// its own in it, and may kill it. Runs that kill it must not share it.
type Cluster struct {
	tb     testing.TB
	srv    *testpg.Server
	host   *url.URL // of the role that owns the databases
	admin  string
	prefix string

	mu   sync.Mutex
	last int
}

// NewCluster starts a server that ends with the test.
func NewCluster(tb testing.TB) *Cluster {
	tb.Helper()
	c := &Cluster{tb: tb, srv: testpg.New(tb), prefix: "crash"}
	dsn := c.srv.DSN(tb)
	u, err := url.Parse(dsn)
	if err != nil {
		tb.Fatal("crashtest: no address of the server")
	}
	c.host, c.admin = u, c.srv.AdminDSN(tb, dsn)
	if err := c.template(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return c
}

// hostTables are those of the host program.
const hostTables = `CREATE TABLE host_replies (id uuid PRIMARY KEY); CREATE TABLE host_events (id uuid PRIMARY KEY)`

// template makes the database that the others are copies of.
func (c *Cluster) template(ctx context.Context) error {
	if err := c.exec(ctx, "CREATE DATABASE "+c.prefix+"_template OWNER "+c.host.User.Username()); err != nil {
		return err
	}
	dsn := c.dsn(c.prefix + "_template")
	st, err := postgres.Open(ctx, dsn)
	if err != nil {
		return err
	}
	defer func() { _ = st.Close() }()
	if err := st.Migrate(ctx); err != nil {
		return err
	}
	return execute(ctx, dsn, hostTables)
}

// database makes a database and returns its address and what removes it.
func (c *Cluster) database(ctx context.Context) (dsn string, drop func(), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last++
	name := fmt.Sprintf("%s_%d", c.prefix, c.last)
	err = c.exec(ctx, "CREATE DATABASE "+name+" TEMPLATE "+c.prefix+"_template OWNER "+c.host.User.Username())
	if err != nil {
		return "", nil, err
	}
	return c.dsn(name), func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		_ = c.exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") // it goes with the cluster anyway
	}, nil
}

func (c *Cluster) dsn(name string) string {
	u := *c.host
	u.Path = "/" + name
	return u.String()
}

func (c *Cluster) exec(ctx context.Context, sql string) error { return execute(ctx, c.admin, sql) }

// execute runs SQL at an address.
func execute(ctx context.Context, dsn, sql string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, sql)
	return err
}

// kill ends the server with SIGKILL, all of its processes, as a machine that
// loses them would.
func (c *Cluster) kill() error {
	text, err := os.ReadFile(filepath.Join(c.srv.DataDir(), "postmaster.pid"))
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil {
		return err
	}
	// A postmaster that stands still starts no process that the list lacks.
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return err
	}
	family := children(pid)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return err
	}
	for _, p := range family {
		_ = syscall.Kill(p, syscall.SIGKILL) // those that ended with it are gone
	}
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if !anyAlive(append(family, pid)) {
			return nil
		}
	}
	return fmt.Errorf("crashtest: the server's processes did not end")
}

// start brings a killed server back with its data. Until its parent has waited
// for the killed process, Start would take the server for a running one;
// StopImmediate returns only then.
func (c *Cluster) start() {
	c.srv.StopImmediate(c.tb)
	c.srv.Start(c.tb)
}

// children lists the processes whose parent a process is.
func children(parent int) []int {
	entries, _ := os.ReadDir("/proc") // elsewhere the postmaster's end takes them along
	var out []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile(filepath.Join("/proc", e.Name(), "stat"))
		if err != nil {
			continue
		}
		_, rest, ok := strings.Cut(string(stat), ") ")
		fields := strings.Fields(rest)
		if ok && len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			out = append(out, pid)
		}
	}
	return out
}

// anyAlive reports whether one of the processes still runs. A process that
// nobody waited for yet has ended all the same.
func anyAlive(pids []int) bool {
	for _, pid := range pids {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		if _, rest, ok := strings.Cut(string(stat), ") "); ok && !strings.HasPrefix(rest, "Z") {
			return true
		}
	}
	return false
}
