package outage

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/internal/testpg"
	"github.com/helpdesk-go/helpdesk/store"
)

// disk is a small file system that a test can fill.
type disk struct{ dir, filler string }

// mount makes a disk of some MiB beside the server's data. Only root may, and
// some containers refuse it even then; TestDiskFull tells the engine's part
// with a trigger anywhere.
func mount(t *testing.T, srv *testpg.Server, mib int) disk {
	t.Helper()
	d := disk{dir: filepath.Join(filepath.Dir(srv.DataDir()), "small")}
	must(t, os.Mkdir(d.dir, 0o700))
	err := syscall.Mount("tmpfs", d.dir, "tmpfs", 0, fmt.Sprintf("size=%dm,mode=0700", mib))
	if err != nil {
		text := fmt.Sprintf("NOT TESTED: a real full disk needs the right to mount a tmpfs: %v", err)
		if os.Getenv("CI") != "" {
			t.Fatal(text)
		}
		t.Skip(text)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(d.dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	d.filler = filepath.Join(d.dir, "filler")
	testpg.Own(t, d.dir)
	return d
}

// fill leaves no byte free.
func (d disk) fill(t *testing.T) {
	t.Helper()
	f, err := os.OpenFile(d.filler, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	must(t, err)
	defer func() { _ = f.Close() }()
	for size := 1 << 20; size > 0; size /= 2 {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
}

func (d disk) free(t *testing.T) { t.Helper(); must(t, os.Remove(d.filler)) }

// refused checks what a host is told when there is no room.
func (d *desk) refused(err error) {
	d.t.Helper()
	if !errors.Is(err, helpdesk.ErrUnavailable) && !errors.Is(err, helpdesk.ErrAccessLog) || helpdesk.HTTPStatus(err) != 503 {
		d.t.Errorf("a note on a full disk: %v", err)
	}
}

// TestFullTablespace: the disk of the tables is full. The mail waits at the
// provider and the cursor stays, the health says so and when it goes on, the
// host gets a typed error, and all comes in when there is room again.
func TestFullTablespace(t *testing.T) {
	srv := testpg.New(t)
	small := mount(t, srv, 64)
	dsn := srv.DSN(t)
	exec(t, srv.AdminDSN(t, "postgres://x/postgres"), "CREATE TABLESPACE small LOCATION '"+small.dir+"'")
	moveDatabase(t, srv, dsn)
	d := newDesk(t, dsn)
	stop := d.run()
	defer func() { stop() }()
	d.deliver(20)
	d.wantAll()
	before, err := d.row()
	must(t, err)

	small.fill(t)
	d.deliver(50)
	var sick store.Mailbox
	await(t, func() bool { sick, err = d.row(); return err == nil && sick.Health.State != store.HealthOK })
	if h := sick.Health; h.State != store.HealthDelayed || h.Failures < 1 || !h.NextAt.After(h.Since) {
		t.Errorf("health %+v", h)
	}
	if !bytes.Equal(before.LiveCursor, sick.LiveCursor) {
		t.Error("the cursor moved past mail that is not stored")
	}
	_, err = d.acme.Start(d.kari, helpdesk.NewTicket{Mailbox: d.box.ID, To: []helpdesk.Address{{Addr: "ann@customer.example"}}, Subject: "s", Text: string(noise(4 << 20))})
	d.refused(err)
	t.Logf("what a host is told: %v; the mailbox: %+v", err, sick.Health)

	small.free(t)
	_, err = d.acme.Connect(t.Context(), account) // brings the next attempt forward
	must(t, err)
	d.wantAll()
}

// moveDatabase puts the tables of a database on the small disk.
func moveDatabase(t *testing.T, srv *testpg.Server, dsn string) {
	t.Helper()
	config, err := pgx.ParseConfig(dsn)
	must(t, err)
	exec(t, srv.AdminDSN(t, "postgres://x/postgres"), "ALTER DATABASE "+config.Database+" SET TABLESPACE small")
}

// TestFullLog: the disk of the write-ahead log is full, on which PostgreSQL
// ends. Nothing that was committed is lost, and the desk goes on by itself when
// somebody has made room and started the server.
func TestFullLog(t *testing.T) {
	srv := testpg.New(t)
	small := mount(t, srv, 192)
	dsn := srv.DSN(t)
	exec(t, srv.AdminDSN(t, dsn), "ALTER SYSTEM SET min_wal_size = '32MB'")
	exec(t, srv.AdminDSN(t, dsn), "ALTER SYSTEM SET max_wal_size = '32MB'")
	srv.Stop(t)
	moveLog(t, srv, small)
	srv.Start(t)
	d := newDesk(t, dsn)
	stop := d.run()
	defer func() { stop() }()
	d.deliver(20)
	d.wantAll()

	small.fill(t)
	d.deliver(400)
	await(t, func() bool {
		_, err := d.row()
		return err != nil
	})
	_, err := d.row()
	t.Logf("what a host is told: %v", err)
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("without room for the log: %v", err)
	}
	if h := d.desk.Health(t.Context()); h.Store == nil {
		t.Log("the server is back already")
	}
	small.free(t)
	srv.StopImmediate(t)
	srv.Start(t)
	// The worker that met the end could not give its task back; the two minutes
	// of its lease are over at once here.
	exec(t, dsn, "UPDATE helpdesk.tasks SET until = now() WHERE until IS NOT NULL")
	d.wantAll()
}

// moveLog puts the log of a stopped server on the small disk.
func moveLog(t *testing.T, srv *testpg.Server, small disk) {
	t.Helper()
	from, to := filepath.Join(srv.DataDir(), "pg_wal"), filepath.Join(small.dir, "pg_wal")
	must(t, os.CopyFS(to, os.DirFS(from)))
	must(t, filepath.WalkDir(to, func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		testpg.Own(t, path)
		mode := os.FileMode(0o600)
		if e.IsDir() {
			mode = 0o700
		}
		return os.Chmod(path, mode)
	}))
	must(t, os.RemoveAll(from))
	must(t, os.Symlink(to, from))
}
