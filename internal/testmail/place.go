package testmail

import (
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// nobody owns the mail. It is the number that Debian and most others give to
// the account without rights.
const nobody = 65534

// dirPrefix begins the name of every server's folder; the pid of the process
// that made it follows.
const dirPrefix = "helpdesk-testmail-"

// newDir makes a folder that the servers' accounts may enter. Its path is
// short because sockets in it have names of at most 108 bytes.
func newDir() (string, error) {
	if os.Getuid() != 0 {
		return "", errors.New("testmail: mail servers change to accounts of their own: run as root, for instance in a container")
	}
	sweep()
	dir, err := os.MkdirTemp("", fmt.Sprintf("%s%d-", dirPrefix, os.Getpid()))
	if err != nil {
		return "", fmt.Errorf("testmail: %w", err)
	}
	return dir, os.Chmod(dir, 0o755)
}

// sweep removes what killed processes left behind. Their servers have ended
// with them, so only files remain.
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

// folder makes a folder and gives it to an account.
func folder(path string, mode os.FileMode, uid, gid int) error {
	if err := os.MkdirAll(path, mode); err != nil {
		return err
	}
	if err := os.Chmod(path, mode); err != nil { // past the umask
		return err
	}
	return os.Chown(path, uid, gid)
}

// lookup finds a program or says which package brings it.
func lookup(program, pkg string) (string, error) {
	for _, dir := range []string{"/usr/sbin", "/usr/bin", "/usr/lib/postfix/sbin", "/usr/libexec/postfix"} {
		p := filepath.Join(dir, program)
		if fi, err := os.Stat(p); err == nil && fi.Mode().IsRegular() {
			return p, nil
		}
	}
	if p, err := exec.LookPath(program); err == nil {
		return p, nil
	}
	return "", fmt.Errorf("testmail: %s is not installed: run tools/deps.sh or apt-get install %s", program, pkg)
}

func account(name string) (uid, gid int, err error) {
	u, err := user.Lookup(name)
	if err != nil {
		return 0, 0, fmt.Errorf("testmail: %w", err)
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	return uid, gid, errors.Join(err1, err2)
}

func group(name string) (int, error) {
	g, err := user.LookupGroup(name)
	if err != nil {
		return 0, fmt.Errorf("testmail: %w", err)
	}
	return strconv.Atoi(g.Gid)
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// freePort returns a port nobody listens on. It stays below the range from
// which Linux takes ports for outgoing connections, so that a stopped server
// does not lose its port to one before it starts again.
func freePort() (int, error) {
	for range 100 {
		port := 20000 + mathrand.IntN(12000)
		l, err := net.Listen("tcp", address(port))
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, errors.New("testmail: no free port on 127.0.0.1 between 20000 and 32000")
}

// write puts a text into a file that every account may read. The file is an
// hour old: Postfix waits seconds for the end of changes to a fresh one.
func write(path, text string) error {
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return fmt.Errorf("testmail: %w", err)
	}
	at := time.Now().Add(-time.Hour)
	return os.Chtimes(path, at, at)
}
