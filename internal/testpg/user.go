package testpg

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
	"testing"
)

// Own gives a file or folder that a test made to the account the server runs
// under, such as a certificate or the place of a tablespace.
func Own(tb testing.TB, path string) {
	tb.Helper()
	if err := own(path); err != nil {
		tb.Fatalf("testpg: %v", err)
	}
}

// serverUser returns the account the server runs under. PostgreSQL refuses to
// run as root, which is what containers and CI usually are; nil means "as
// ourselves".
func serverUser() *syscall.Credential {
	if os.Getuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	return nil // the server's own refusal says what is wrong
}

// own gives path to the account the server runs under.
func own(path string) error {
	c := serverUser()
	if c == nil {
		return nil
	}
	if err := os.Chown(path, int(c.Uid), int(c.Gid)); err != nil {
		return fmt.Errorf("give %s to the server's account: %w", path, err)
	}
	return nil
}
