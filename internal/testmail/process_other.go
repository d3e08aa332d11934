//go:build unix && !linux

package testmail

import "syscall"

// attributes puts a child into a process group of its own so that its own
// children can be ended with it. Without a parent-death signal a killed
// process leaves its servers running.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
