package testpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// process is one run of the postgres program.
type process struct {
	pid  int
	done chan struct{} // closed when the process has ended
}

func (p *process) exited() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// start runs the server and waits until it answers.
func (s *Server) start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc != nil && !s.proc.exited() {
		return nil
	}
	bin, err := lookup("postgres")
	if err != nil {
		return err
	}
	log, err := os.OpenFile(s.LogFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("testpg: %w", err)
	}
	defer log.Close()

	cmd := exec.Command(bin, "-D", s.DataDir(), "-p", strconv.Itoa(s.port))
	cmd.Dir = s.dir
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = attributes()
	p, err := spawn(cmd)
	if err != nil {
		return fmt.Errorf("testpg: start postgres: %w", err)
	}
	s.proc = p
	if err := s.await(p); err != nil {
		_ = syscall.Kill(p.pid, syscall.SIGQUIT)
		<-p.done
		text, _ := os.ReadFile(s.LogFile())
		return fmt.Errorf("%w\n%s", err, tail(text, 2000))
	}
	return nil
}

// spawn starts cmd from a thread of its own that lives as long as the child:
// Linux sends the parent-death signal when the thread that forked ends, not
// the process, and the runtime ends a thread whose locked goroutine returns.
func spawn(cmd *exec.Cmd) (*process, error) {
	p := &process{done: make(chan struct{})}
	started := make(chan error)
	go func() {
		defer close(p.done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := cmd.Start(); err != nil {
			started <- err
			return
		}
		p.pid = cmd.Process.Pid
		started <- nil
		_ = cmd.Wait() // how it ended is in the log
	}()
	return p, <-started
}

// await waits until the server takes connections. The time is wall time on
// purpose: the server is another process.
func (s *Server) await(p *process) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for {
		conn, err := pgconn.Connect(ctx, s.dsn(admin, "postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-p.done:
			return errors.New("testpg: postgres ended at once")
		case <-ctx.Done():
			return fmt.Errorf("testpg: postgres did not answer within %v: %w", startTimeout, err)
		case <-time.After(25 * time.Millisecond):
		}
	}
}

// stop sends sig to the server and waits until it is gone.
func (s *Server) stop(sig syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.proc
	if p == nil {
		return nil
	}
	s.proc = nil
	if p.exited() {
		return nil
	}
	_ = syscall.Kill(p.pid, sig)
	select {
	case <-p.done:
		return nil
	case <-time.After(stopTimeout):
		_ = syscall.Kill(p.pid, syscall.SIGKILL)
		<-p.done
		return fmt.Errorf("testpg: postgres did not stop within %v", stopTimeout)
	}
}

// dirPrefix begins the name of every cluster's directory; the pid of the test
// process follows.
const dirPrefix = "helpdesk-testpg-"

// sweep removes directories that killed test processes left behind. Their
// servers have ended with them (see spawn), so only files remain.
func sweep() {
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), dirPrefix+"*"))
	for _, dir := range dirs {
		text, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), dirPrefix), "-")
		pid, err := strconv.Atoi(text)
		if err != nil || !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			continue
		}
		// A container that shares /tmp but not the process table looks dead
		// from here; nothing that runs is an hour old.
		if fi, err := os.Stat(dir); err == nil && time.Since(fi.ModTime()) > time.Hour {
			_ = os.RemoveAll(dir)
		}
	}
}

func tail(b []byte, n int) []byte { return b[max(0, len(b)-n):] }
