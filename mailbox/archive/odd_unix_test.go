//go:build unix

package archive

import (
	"syscall"
	"testing"
)

// makePipe makes a named pipe and reports whether the system has such.
func makePipe(t *testing.T, path string) bool {
	t.Helper()
	must(t, syscall.Mkfifo(path, 0o600))
	return true
}
