package testpg

import "syscall"

// attributes makes a child run under the server's account, in a process group
// of its own so that an interrupt at the terminal reaches only the test, and
// die with the test process however that ends.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: serverUser(), Setpgid: true, Pdeathsig: syscall.SIGQUIT}
}
