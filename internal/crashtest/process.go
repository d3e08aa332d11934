package crashtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"

	"github.com/helpdesk-go/helpdesk/internal/crashtest/wire"
)

// Build builds the worker into a directory that ends with the test and returns
// its path.
func Build(tb testing.TB) string {
	tb.Helper()
	bin := filepath.Join(tb.TempDir(), "worker")
	if err := BuildInto(tb.Context(), bin, workerPackage); err != nil {
		tb.Fatal(err)
	}
	return bin
}

const workerPackage = "github.com/helpdesk-go/helpdesk/internal/crashtest/worker"

// BuildInto builds a package into a file.
func BuildInto(ctx context.Context, bin, pkg string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", bin, pkg)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("crashtest: building %s: %w\n%s", pkg, err, out)
	}
	return nil
}

// process is one worker.
type process struct {
	n    int
	plan string // "<point>:<nth>" or empty
	cmd  *exec.Cmd
	log  *logBuffer
	done chan struct{}
	err  error // how it ended, once done is closed
	left int   // connections to the provider that it left open
}

// logBuffer keeps what workers log, for the search for canaries.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// String returns everything so far.
func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// spawn starts a worker. ended is called when it is gone.
func (s *story) spawn(plan string) (*process, error) {
	s.started++
	p := &process{n: s.started, plan: plan, log: s.log, done: make(chan struct{})}
	p.cmd = exec.Command(s.o.Worker)
	p.cmd.Env = append(os.Environ(),
		wire.EnvSocket+"="+s.socket, fmt.Sprintf("%s=%d", wire.EnvWorker, p.n),
		wire.EnvDSN+"="+s.workerDSN, wire.EnvKeys+"="+s.keys, wire.EnvCrash+"="+plan)
	p.cmd.Stderr = s.log
	// A harness that is killed takes its workers along.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		// The signal comes when the thread that forked ends, so it must live as
		// long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err != nil {
			return
		}
		p.err = p.cmd.Wait()
		p.left = s.server.bury(p.n)
		s.orders.bury(p.n)
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	s.living = append(s.living, p)
	return p, nil
}

// gone reports whether the process has ended.
func (p *process) gone() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// killed reports whether a process that is gone was ended by SIGKILL.
func (p *process) killed() bool {
	var e *exec.ExitError
	if !errors.As(p.err, &e) {
		return false
	}
	ws, ok := e.Sys().(syscall.WaitStatus)
	return ok && ws.Signaled() && ws.Signal() == syscall.SIGKILL
}

// kill ends a process from outside.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// prune forgets the processes that are gone.
func (s *story) prune() {
	var alive []*process
	for _, p := range s.living {
		if !p.gone() {
			alive = append(alive, p)
		}
	}
	s.living = alive
}

// files counts the open files of a process, without its connections' sockets
// that the kernel still closes.
func (p *process) files() int {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	return len(entries)
}
