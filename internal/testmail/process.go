package testmail

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

const (
	startTimeout = 60 * time.Second
	stopTimeout  = 30 * time.Second
	pollEvery    = 10 * time.Millisecond
)

// daemon is a server program that can be started again after it ended. Its
// methods may be called from several goroutines.
type daemon struct {
	name    string
	program string
	args    []string
	dir     string // with the log and everything else; removed by close
	addr    string // where it answers once it is up
	mute    bool   // it may hang up without a greeting

	mu   sync.Mutex
	proc *process // nil while stopped
}

// process is one run of a program.
type process struct {
	pid  int
	done chan struct{} // closed when the program has ended
}

func (p *process) exited() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

func (d *daemon) logFile() string { return filepath.Join(d.dir, "log") }

// start runs the program and waits until it greets. Starting a running one
// does nothing.
func (d *daemon) start() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.proc != nil && !d.proc.exited() {
		return nil
	}
	out, err := os.OpenFile(d.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("testmail: %w", err)
	}
	defer out.Close()
	cmd := exec.Command(d.program, d.args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = d.dir, out, out, attributes()
	p, err := spawn(cmd)
	if err != nil {
		return fmt.Errorf("testmail: start %s: %w", d.name, err)
	}
	if err := d.await(p); err != nil {
		p.end(syscall.SIGKILL)
		text, _ := os.ReadFile(d.logFile())
		return fmt.Errorf("testmail: %s %w\n%s", d.name, err, text[max(0, len(text)-3000):])
	}
	d.proc = p
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

// await waits until the server greets.
func (d *daemon) await(p *process) error {
	var err error
	for end := time.Now().Add(startTimeout); time.Now().Before(end); time.Sleep(pollEvery) {
		if p.exited() {
			return errors.New("ended at once")
		}
		if err = greets(d.addr, d.mute); err == nil {
			return nil
		}
	}
	return fmt.Errorf("did not answer within %v: %w", startTimeout, err)
}

func greets(addr string, mute bool) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	if mute {
		return nil
	}
	_ = c.SetDeadline(time.Now().Add(startTimeout))
	_, err = c.Read(make([]byte, 1))
	return err
}

// stop sends sig and waits until the server is gone. Stopping a stopped one
// does nothing.
func (d *daemon) stop(sig syscall.Signal) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.proc
	d.proc = nil
	if p == nil {
		return nil
	}
	orderly := p.end(sig)
	for end := time.Now().Add(stopTimeout); time.Now().Before(end); time.Sleep(pollEvery) {
		c, err := net.Dial("tcp", d.addr)
		if err != nil {
			break // the last process that listened is gone
		}
		c.Close()
	}
	if !orderly {
		return fmt.Errorf("testmail: %s did not stop within %v", d.name, stopTimeout)
	}
	return nil
}

// end ends the program and then what is left of its process group. It reports
// whether sig was enough for the program.
func (p *process) end(sig syscall.Signal) (enough bool) {
	enough = true
	if sig != syscall.SIGKILL && !p.exited() {
		_ = syscall.Kill(p.pid, sig)
		select {
		case <-p.done:
		case <-time.After(stopTimeout):
			enough = false
		}
	}
	_ = syscall.Kill(-p.pid, syscall.SIGKILL)
	<-p.done
	return enough
}

// close ends the server in the quickest way: nobody needs its files any more.
func (d *daemon) close() error {
	err := d.stop(syscall.SIGKILL)
	gone := os.RemoveAll(d.dir)
	for range 100 { // a process may die a moment after it was killed
		if gone == nil {
			break
		}
		time.Sleep(pollEvery)
		gone = os.RemoveAll(d.dir)
	}
	return errors.Join(err, gone)
}

// launch starts a server on a free port. Another process may take the port
// between our look and the server's bind; a second port is a better answer
// than a flaky test. Setup writes the configuration for a port.
func (d *daemon) launch(setup func(port int) error) error {
	var err error
	for range 5 {
		var port int
		if port, err = freePort(); err != nil {
			return err
		}
		d.addr = address(port)
		if err = setup(port); err != nil {
			return err
		}
		if err = d.start(); err == nil {
			return nil
		}
	}
	return err
}
