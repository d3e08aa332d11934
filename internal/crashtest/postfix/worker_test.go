package postfix

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything is waited for that must happen.
const patience = 2 * time.Minute

// build compiles the worker. HELPDESK_SEND_WORKER names one that is compiled
// already.
func build(tb testing.TB) string {
	tb.Helper()
	if path := os.Getenv("HELPDESK_SEND_WORKER"); path != "" {
		return path
	}
	path := filepath.Join(tb.TempDir(), "worker")
	if out, err := exec.Command("go", "build", "-o", path, "./worker").CombinedOutput(); err != nil {
		tb.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

// worker is a process that sends.
type worker struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	said  chan string   // its lines
	gone  chan struct{} // closed when the process has ended
	err   error         // how it ended; after gone
}

// startWorker starts a worker that waits for its line.
func startWorker(program string, env []string, log io.Writer) (*worker, error) {
	w := &worker{cmd: exec.Command(program), said: make(chan string, 8), gone: make(chan struct{})}
	w.cmd.Env, w.cmd.Stderr = env, log
	stdin, err := w.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	w.stdin = stdin
	stdout, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := w.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(w.gone)
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			w.said <- lines.Text()
		}
		close(w.said)
		w.err = w.cmd.Wait()
	}()
	return w, nil
}

// run lets a worker begin once it is ready.
func (w *worker) run(point string) error {
	select {
	case line, ok := <-w.said:
		if !ok || line != "ready" {
			return fmt.Errorf("the worker said %q instead of ready", line)
		}
	case <-time.After(patience):
		return fmt.Errorf("the worker was not ready within %v", patience)
	}
	_, err := fmt.Fprintln(w.stdin, strings.TrimSpace("run "+point))
	return err
}

// kill ends the worker as a crash does and returns when it is gone.
func (w *worker) kill() {
	_ = w.cmd.Process.Kill()
	<-w.gone
}

// stop lets the worker put its work in order and end.
func (w *worker) stop() error {
	_ = w.stdin.Close()
	select {
	case <-w.gone:
		return w.err
	case <-time.After(patience):
		w.kill()
		return fmt.Errorf("the worker did not stop within %v", patience)
	}
}

// killed reports whether SIGKILL ended the worker, and the point at which it
// said that it ended itself. Call it when the worker is gone.
func (w *worker) killed() (point string, ok bool) {
	for line := range w.said {
		if p, is := strings.CutPrefix(line, "fired "); is {
			point = p
		}
	}
	st, is := w.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return point, is && st.Signaled() && st.Signal() == syscall.SIGKILL
}
