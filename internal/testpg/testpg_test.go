package testpg_test

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/helpdesk-go/helpdesk/internal/testpg"
)

func TestMain(m *testing.M) { os.Exit(testpg.Run(m)) }

func query(t *testing.T, dsn, sql string) string {
	t.Helper()
	conn, err := pgconn.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	res, err := conn.Exec(t.Context(), sql).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	var cells []string
	for _, r := range res {
		for _, row := range r.Rows {
			for _, cell := range row {
				cells = append(cells, string(cell))
			}
		}
	}
	return strings.Join(cells, " ")
}

func TestDatabasesAreSeparateAndPlain(t *testing.T) {
	a, b := testpg.DSN(t), testpg.DSN(t)
	query(t, a, "CREATE TABLE x (id text); INSERT INTO x VALUES ('kept-in-a')")
	if got := query(t, b, "SELECT count(*) FROM pg_tables WHERE tablename = 'x'"); got != "0" {
		t.Errorf("the second database sees %s tables of the first", got)
	}
	if got := query(t, a, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"); got != "f" {
		t.Errorf("the test role is a superuser: missing grants would go unseen")
	}
	if got := query(t, a, "SELECT 'a' < 'B', 'a' < 'B' COLLATE \"C\""); got != "t f" {
		t.Errorf("collation: got %q, want one that differs from C", got)
	}
	if got := query(t, a, "SHOW fsync"); got != "on" {
		t.Errorf("fsync is %s", got)
	}
	if !bytes.Contains(testpg.PgDump(t, a), []byte("kept-in-a")) {
		t.Error("pg_dump does not show the row")
	}
	srv := testpg.Shared(t)
	srv.Checkpoint(t)
	if got := query(t, srv.AdminDSN(t, a), "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"); got != "t" {
		t.Error("AdminDSN is not the superuser's")
	}
	if testpg.DataDir(t) != srv.DataDir() {
		t.Error("DataDir is not the shared server's")
	}
}

func TestDatabaseIsDropped(t *testing.T) {
	var dsn string
	t.Run("user", func(t *testing.T) {
		dsn = testpg.DSN(t)
		// A connection left open must not keep the database alive.
		if _, err := pgconn.Connect(t.Context(), dsn); err != nil {
			t.Fatal(err)
		}
	})
	if conn, err := pgconn.Connect(t.Context(), dsn); err == nil {
		conn.Close(t.Context())
		t.Error("the database is still there after its test")
	}
}

func TestStopAndStart(t *testing.T) {
	srv := testpg.New(t)
	dsn := srv.DSN(t)
	query(t, dsn, "CREATE TABLE x (n int); INSERT INTO x VALUES (1)")

	srv.StopImmediate(t)
	if _, err := pgconn.Connect(t.Context(), dsn); err == nil {
		t.Fatal("the server answers after StopImmediate")
	}
	srv.Start(t)
	if got := query(t, dsn, "SELECT n FROM x"); got != "1" {
		t.Errorf("after a crash: %q, want the committed row", got)
	}
	conn, err := pgconn.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	srv.Disconnect(t, dsn)
	if _, err := conn.Exec(t.Context(), "SELECT 1").ReadAll(); err == nil {
		t.Error("the connection lives after Disconnect")
	}
	srv.Restart(t)
	if got := query(t, dsn, "SELECT n FROM x"); got != "1" {
		t.Errorf("after a restart: %q", got)
	}
}

// TestNoOrphan kills a test process and expects its server to end with it.
func TestNoOrphan(t *testing.T) {
	if os.Getenv("TESTPG_CHILD") != "" {
		srv := testpg.New(t)
		fmt.Printf("addr=%s\n", srv.Addr())
		select {}
	}
	if _, err := os.Stat("/proc/self"); err != nil {
		t.Skip("needs Linux's parent-death signal")
	}
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestNoOrphan$")
	child.Env = append(os.Environ(), "TESTPG_CHILD=1", "TMPDIR="+publicTempDir(t))
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var addr string
	for in := bufio.NewScanner(out); addr == "" && in.Scan(); {
		addr, _ = strings.CutPrefix(in.Text(), "addr=")
	}
	_ = child.Process.Kill()
	_ = child.Wait()
	if addr == "" {
		t.Fatal("the child did not start a server")
	}
	for range 200 {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return
		}
		conn.Close()
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("the server on %s outlived its test process", addr)
}

// publicTempDir returns a directory that the server's account may enter and
// that is removed with the test: a killed process cannot clean up.
func publicTempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "testpg-orphan-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}
