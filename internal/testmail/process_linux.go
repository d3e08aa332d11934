package testmail

import "syscall"

// attributes makes a child die with this process however that ends, in a
// process group of its own so that its own children can be ended with it.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
