//go:build unix && !linux

package testpg

import "syscall"

// attributes makes a child run under the server's account, in a process group
// of its own so that an interrupt at the terminal reaches only the test.
// Without a parent-death signal a killed test process leaves its server
// running.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: serverUser(), Setpgid: true}
}
