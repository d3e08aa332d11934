// Package postfix holds no code that others use: its tests kill a worker at
// each step of sending through a real Postfix and a real Dovecot.
//
// The worker (worker/main.go) runs the engine with the real IMAP and SMTP
// driver. It reaches the servers through proxies in the test process, which
// know the steps of both protocols: at the chosen step the proxy kills the
// worker with SIGKILL, waits until it is gone, and only then lets what was
// written reach the server, or not, as a kernel would. The steps around the
// commits are inside the worker, which kills itself there.
//
// Afterwards a fresh worker finishes what was left, and what Postfix accepted,
// what is in the folder of sent mail and what the helpdesk says about each
// reply are held against each other: see check_test.go.
package postfix
