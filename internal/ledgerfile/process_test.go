package ledgerfile

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/privacy/ledgertest"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// The test binary runs itself: with these variables it is a process that
// appends to a ledger instead of a test.
const (
	envPath  = "LEDGERFILE_TEST_PATH"
	envCount = "LEDGERFILE_TEST_COUNT"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(envPath); path != "" {
		if err := work(path, os.Getenv(envCount)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// work appends entries and prints "id n" of each once it is appended.
func work(path, count string) error {
	f, err := Open(path, true)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	for range n {
		e := ledgertest.Entry(privacy.LedgerErase)
		for range 100 { // long lines are torn more often
			e.Keep = append(e.Keep, e.ID)
		}
		at, err := f.Append(context.Background(), e)
		if err != nil {
			return err
		}
		fmt.Printf("%s %08d\n", e.ID, at.N)
	}
	return nil
}

const reportSize = 36 + 1 + 8 + 1

func child(t *testing.T, path string, count int) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), envPath+"="+path, envCount+"="+strconv.Itoa(count))
	return cmd
}

// appended checks what processes reported against the ledger.
func appended(t *testing.T, path, reports string) int {
	t.Helper()
	f := mustOpen(t, path, false)
	entries, err := f.Read(t.Context(), 0, 1<<20)
	must(t, err)
	whole(t, f, int64(len(entries)))
	count := 0
	for len(reports) >= reportSize { // a shorter rest was killed while it printed
		id, err := ticket.ParseID(reports[:36])
		must(t, err)
		n, err := strconv.Atoi(reports[37:45])
		must(t, err)
		if n > len(entries) || entries[n-1].ID != id {
			t.Fatalf("entry %d was reported and is not there", n)
		}
		reports = reports[reportSize:]
		count++
	}
	return count
}

func TestProcesses(t *testing.T) {
	path, f := filled(t)
	const workers, each = 4, 25
	var out, fail [workers]strings.Builder
	var procs []*exec.Cmd
	for i := range workers {
		cmd := child(t, path, each)
		cmd.Stdout, cmd.Stderr = &out[i], &fail[i]
		must(t, cmd.Start())
		procs = append(procs, cmd)
	}
	for range each {
		add(t, f)
	}
	for i, cmd := range procs {
		if err := cmd.Wait(); err != nil {
			t.Fatalf("child: %v: %s", err, fail[i].String())
		}
	}
	for i := range out {
		if n := appended(t, path, out[i].String()); n != each {
			t.Fatalf("a process reported %d entries, want %d", n, each)
		}
	}
	whole(t, f, 3+each+workers*each)
}

// TestKilledProcesses: what a process reported before it was killed is there,
// nothing it left behind is taken for damage, and the others go on.
func TestKilledProcesses(t *testing.T) {
	path, f := filled(t)
	for range 8 {
		cmd := child(t, path, 1_000_000)
		pipe, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		buf := make([]byte, reportSize*8)
		_, err = io.ReadFull(pipe, buf)
		must(t, err)
		must(t, cmd.Process.Kill())
		rest, _ := io.ReadAll(pipe)
		_ = cmd.Wait()
		if n := appended(t, path, string(buf)+string(rest)); n < 8 {
			t.Fatalf("%d entries were reported, want at least 8", n)
		}
		add(t, f)
		mustOpen(t, path, false)
	}
}

// TestProcessesMakeOneFile: of many that open an absent ledger, one makes it.
func TestProcessesMakeOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "ledger")
	var procs []*exec.Cmd
	var out [4]strings.Builder
	for i := range out {
		cmd := child(t, path, 2)
		cmd.Stdout, cmd.Stderr = &out[i], os.Stderr
		must(t, cmd.Start())
		procs = append(procs, cmd)
	}
	f := mustOpen(t, path, true)
	for _, cmd := range procs {
		must(t, cmd.Wait())
	}
	for i := range out {
		if n := appended(t, path, out[i].String()); n != 2 {
			t.Fatalf("a process reported %d entries, want 2", n)
		}
	}
	whole(t, f, 8)
}
