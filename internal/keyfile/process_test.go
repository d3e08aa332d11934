package keyfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// The test binary runs itself: with these variables it is a process that works
// on a key file instead of a test.
const (
	envPath    = "KEYFILE_TEST_PATH"
	envMailbox = "KEYFILE_TEST_MAILBOX"
	envCount   = "KEYFILE_TEST_COUNT"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(envPath); path != "" {
		if err := work(path, os.Getenv(envMailbox), os.Getenv(envCount)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// work creates slots and prints the id of each once it is made, until it has
// made enough or the mailbox is fenced.
func work(path, mailbox, count string) error {
	f, err := Open(path, true)
	if err != nil {
		return err
	}
	id, err := ticket.ParseID(mailbox)
	if err != nil {
		fmt.Println(f.ID())
		return nil
	}
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	ctx := context.Background()
	for i := range n {
		slots := children(privacy.Slot{ID: id, Tenant: "acme"}, 2)
		_, err := f.Create(ctx, slots)
		if errors.Is(err, privacy.ErrFenced) {
			return nil
		}
		if err != nil {
			return err
		}
		if i%10 == 5 {
			if err := f.Destroy(ctx, "acme", []ticket.ID{slots[1].ID}); err != nil {
				return err
			}
			fmt.Println(slots[0].ID)
			continue
		}
		fmt.Println(slots[0].ID)
		fmt.Println(slots[1].ID)
	}
	return nil
}

type child struct {
	cmd *exec.Cmd
	out strings.Builder
	err strings.Builder
}

func start(t *testing.T, path, mailbox string, count int) *child {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	c := &child{cmd: exec.CommandContext(t.Context(), self)}
	c.cmd.Env = append(os.Environ(), envPath+"="+path, envMailbox+"="+mailbox, envCount+"="+strconv.Itoa(count))
	c.cmd.Stdout, c.cmd.Stderr = &c.out, &c.err
	must(t, c.cmd.Start())
	return c
}

// ids returns what the process said it made.
func (c *child) ids(t *testing.T) []ticket.ID {
	t.Helper()
	var ids []ticket.ID
	text := c.out.String()
	for len(text) > 0 {
		line, rest, whole := strings.Cut(text, "\n")
		if !whole {
			break // killed while it printed
		}
		id, err := ticket.ParseID(line)
		must(t, err)
		ids, text = append(ids, id), rest
	}
	return ids
}

func TestProcesses(t *testing.T) {
	path, f, mailbox := filled(t)
	const workers, each = 4, 25
	var procs []*child
	for range workers {
		procs = append(procs, start(t, path, mailbox.ID.String(), each))
	}
	var mine []ticket.ID
	for range each {
		slots := children(mailbox, 1)
		_, err := f.Create(t.Context(), slots)
		must(t, err)
		mine = append(mine, slots[0].ID)
	}
	for _, p := range procs {
		if err := p.cmd.Wait(); err != nil {
			t.Fatalf("child: %v: %s", err, p.err.String())
		}
		mine = append(mine, p.ids(t)...)
	}
	for _, f := range []*File{f, mustOpen(t, path, false)} {
		got, err := f.Get(t.Context(), "acme", mine)
		must(t, err)
		if len(got) != len(mine) || len(mine) < workers*each {
			t.Fatalf("%d slots of %d are there", len(got), len(mine))
		}
		for _, s := range got {
			if s.State != privacy.SlotLive || len(s.Wrapped) == 0 {
				t.Fatalf("slot %+v", s)
			}
		}
	}
}

// TestKilledProcesses: what a process reported before it was killed is there,
// and the others go on.
func TestKilledProcesses(t *testing.T) {
	path, f, mailbox := filled(t)
	for range 6 {
		c := &child{}
		self, err := os.Executable()
		must(t, err)
		c.cmd = exec.CommandContext(t.Context(), self)
		c.cmd.Env = append(os.Environ(), envPath+"="+path, envMailbox+"="+mailbox.ID.String(), envCount+"=100000")
		pipe, err := c.cmd.StdoutPipe()
		must(t, err)
		must(t, c.cmd.Start())
		buf := make([]byte, 37*8)
		_, err = io.ReadFull(pipe, buf)
		must(t, err)
		must(t, c.cmd.Process.Kill())
		rest, _ := io.ReadAll(pipe)
		_ = c.cmd.Wait()
		c.out.Write(buf)
		c.out.Write(rest)
		ids := c.ids(t)
		got, err := f.Get(t.Context(), "acme", ids)
		if err != nil || len(got) != len(ids) {
			t.Fatalf("%d of %d slots, %v", len(got), len(ids), err)
		}
		_, err = f.Create(t.Context(), children(mailbox, 1))
		must(t, err)
		mustOpen(t, path, false)
	}
}

// TestFenceAcrossProcesses: nothing is made after the fence returned.
func TestFenceAcrossProcesses(t *testing.T) {
	path, f, mailbox := filled(t)
	var procs []*child
	for range 3 {
		procs = append(procs, start(t, path, mailbox.ID.String(), 100000))
	}
	for size(t, path) < 20000 {
		_, err := f.Get(t.Context(), "acme", []ticket.ID{mailbox.ID})
		must(t, err)
	}
	must(t, f.Fence(t.Context(), "acme", []ticket.ID{mailbox.ID}))
	before := len(f.state.slots)
	for _, p := range procs {
		if err := p.cmd.Wait(); err != nil {
			t.Fatalf("child: %v: %s", err, p.err.String())
		}
	}
	if after := len(mustOpen(t, path, false).state.slots); after != before {
		t.Fatalf("%d slots when the fence returned, %d later", before, after)
	}
}

// TestProcessesMakeOneFile: of many that open an absent file, one makes it.
func TestProcessesMakeOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "key")
	var procs []*child
	for range 4 {
		procs = append(procs, start(t, path, "", 0))
	}
	id := mustOpen(t, path, true).ID()
	for _, p := range procs {
		if err := p.cmd.Wait(); err != nil {
			t.Fatalf("child: %v: %s", err, p.err.String())
		}
		if got := p.ids(t); len(got) != 1 || got[0] != id {
			t.Fatalf("a process opened %v, want %v", got, id)
		}
	}
}
