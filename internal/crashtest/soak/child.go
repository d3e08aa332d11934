package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/helpdesk-go/helpdesk/internal/crashtest/soak/proof"
)

// batchPatience ends a test binary that hangs: a batch takes minutes.
const batchPatience = 30 * time.Minute

// workshop is the commit's own tree and what was built from it. Edits in the
// checkout while a soak runs do not get into it.
type workshop struct {
	tree, bin string
	built     map[string]bool
}

// open exports the commit into a folder.
func open(ctx context.Context, root, dir, commit string) (*workshop, error) {
	w := &workshop{tree: filepath.Join(dir, commit, "tree"), bin: filepath.Join(dir, commit, "bin"), built: map[string]bool{}}
	if err := errors.Join(os.RemoveAll(w.tree), os.MkdirAll(w.tree, 0o755), os.MkdirAll(w.bin, 0o755)); err != nil {
		return nil, err
	}
	archive := filepath.Join(dir, commit, "tree.tar")
	if err := command(ctx, root, "git", "archive", "--format=tar", "--output="+archive, commit); err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(archive) }()
	return w, command(ctx, w.tree, "tar", "-xf", archive)
}

// missing tells why a campaign cannot run at this commit, or "".
func (w *workshop) missing(c campaign) string {
	if _, err := os.Stat(filepath.Join(w.tree, c.pkg)); err != nil {
		return c.pkg + " is not in this commit"
	}
	return ""
}

// launch builds what a campaign needs, once, and runs a batch.
func (w *workshop) launch(ctx context.Context, c campaign, r proof.Range) (proof.Batch, error) {
	test := filepath.Join(w.bin, c.name+".test")
	env := os.Environ()
	for _, p := range c.programs {
		path := filepath.Join(w.bin, strings.ReplaceAll(p.pkg, "/", "-"))
		if err := w.build(ctx, path, "build", "-o", path, "./"+p.pkg); err != nil {
			return proof.Batch{}, err
		}
		env = append(env, p.env+"="+path)
	}
	if err := w.build(ctx, test, "test", "-c", "-o", test, "./"+c.pkg); err != nil {
		return proof.Batch{}, err
	}
	result := filepath.Join(w.bin, c.name+".json")
	if err := os.RemoveAll(result); err != nil {
		return proof.Batch{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, batchPatience)
	defer cancel()
	args := append([]string{"-test.run=^" + c.test + "$", "-test.timeout=0", "-test.v",
		fmt.Sprintf("-from=%d", r.From), fmt.Sprintf("-count=%d", r.To-r.From), "-out=" + result}, c.args...)
	said, runErr := child(ctx, filepath.Join(w.tree, c.pkg), env, test, args)
	b, err := proof.Read(result)
	if err != nil {
		log := filepath.Join(w.bin, fmt.Sprintf("%s-%d.log", c.name, r.From))
		_ = os.WriteFile(log, said, 0o600)
		return b, fmt.Errorf("%w (%v), log in %s", err, runErr, log)
	}
	return b, nil
}

func (w *workshop) build(ctx context.Context, path string, args ...string) error {
	if w.built[path] {
		return nil
	}
	if err := command(ctx, w.tree, "go", args...); err != nil {
		return err
	}
	w.built[path] = true
	return nil
}

// command runs a command to its end.
func command(ctx context.Context, dir, name string, args ...string) error {
	said, err := child(ctx, dir, os.Environ(), name, args)
	if err != nil {
		return fmt.Errorf("soak: %s %s: %w\n%s", name, strings.Join(args, " "), err, said)
	}
	return nil
}

// child runs a process in a group of its own, so that an interrupt at the
// terminal reaches the soak alone, and ends the group with ctx. The thread is
// kept because Linux ties the parent-death signal to it, not to the process.
func child(ctx context.Context, dir string, env []string, name string, args []string) ([]byte, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, env
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	err := cmd.Run()
	return said.Bytes(), err
}
