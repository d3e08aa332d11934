package mailboxtest

import "github.com/helpdesk-go/helpdesk/mailbox"

// withAbilities returns the connection as a value that implements exactly the
// optional interfaces its capabilities declare. A method set is fixed when the
// program is compiled, so each combination has a type of its own.
func (c *conn) withAbilities(have mailbox.Capabilities) mailbox.Conn {
	d, f, w, x, r := drafter{c}, filer{c}, waiter{c}, watcher{c}, revoker{c}
	switch [...]bool{have.Drafts, have.Files, have.Waits, have.Watches, have.Revokes} {
	case [...]bool{false, false, false, false, true}:
		return struct {
			*conn
			revoker
		}{c, r}
	case [...]bool{false, false, false, true, false}:
		return struct {
			*conn
			watcher
		}{c, x}
	case [...]bool{false, false, false, true, true}:
		return struct {
			*conn
			watcher
			revoker
		}{c, x, r}
	case [...]bool{false, false, true, false, false}:
		return struct {
			*conn
			waiter
		}{c, w}
	case [...]bool{false, false, true, false, true}:
		return struct {
			*conn
			waiter
			revoker
		}{c, w, r}
	case [...]bool{false, false, true, true, false}:
		return struct {
			*conn
			waiter
			watcher
		}{c, w, x}
	case [...]bool{false, false, true, true, true}:
		return struct {
			*conn
			waiter
			watcher
			revoker
		}{c, w, x, r}
	case [...]bool{false, true, false, false, false}:
		return struct {
			*conn
			filer
		}{c, f}
	case [...]bool{false, true, false, false, true}:
		return struct {
			*conn
			filer
			revoker
		}{c, f, r}
	case [...]bool{false, true, false, true, false}:
		return struct {
			*conn
			filer
			watcher
		}{c, f, x}
	case [...]bool{false, true, false, true, true}:
		return struct {
			*conn
			filer
			watcher
			revoker
		}{c, f, x, r}
	case [...]bool{false, true, true, false, false}:
		return struct {
			*conn
			filer
			waiter
		}{c, f, w}
	case [...]bool{false, true, true, false, true}:
		return struct {
			*conn
			filer
			waiter
			revoker
		}{c, f, w, r}
	case [...]bool{false, true, true, true, false}:
		return struct {
			*conn
			filer
			waiter
			watcher
		}{c, f, w, x}
	case [...]bool{false, true, true, true, true}:
		return struct {
			*conn
			filer
			waiter
			watcher
			revoker
		}{c, f, w, x, r}
	case [...]bool{true, false, false, false, false}:
		return struct {
			*conn
			drafter
		}{c, d}
	case [...]bool{true, false, false, false, true}:
		return struct {
			*conn
			drafter
			revoker
		}{c, d, r}
	case [...]bool{true, false, false, true, false}:
		return struct {
			*conn
			drafter
			watcher
		}{c, d, x}
	case [...]bool{true, false, false, true, true}:
		return struct {
			*conn
			drafter
			watcher
			revoker
		}{c, d, x, r}
	case [...]bool{true, false, true, false, false}:
		return struct {
			*conn
			drafter
			waiter
		}{c, d, w}
	case [...]bool{true, false, true, false, true}:
		return struct {
			*conn
			drafter
			waiter
			revoker
		}{c, d, w, r}
	case [...]bool{true, false, true, true, false}:
		return struct {
			*conn
			drafter
			waiter
			watcher
		}{c, d, w, x}
	case [...]bool{true, false, true, true, true}:
		return struct {
			*conn
			drafter
			waiter
			watcher
			revoker
		}{c, d, w, x, r}
	case [...]bool{true, true, false, false, false}:
		return struct {
			*conn
			drafter
			filer
		}{c, d, f}
	case [...]bool{true, true, false, false, true}:
		return struct {
			*conn
			drafter
			filer
			revoker
		}{c, d, f, r}
	case [...]bool{true, true, false, true, false}:
		return struct {
			*conn
			drafter
			filer
			watcher
		}{c, d, f, x}
	case [...]bool{true, true, false, true, true}:
		return struct {
			*conn
			drafter
			filer
			watcher
			revoker
		}{c, d, f, x, r}
	case [...]bool{true, true, true, false, false}:
		return struct {
			*conn
			drafter
			filer
			waiter
		}{c, d, f, w}
	case [...]bool{true, true, true, false, true}:
		return struct {
			*conn
			drafter
			filer
			waiter
			revoker
		}{c, d, f, w, r}
	case [...]bool{true, true, true, true, false}:
		return struct {
			*conn
			drafter
			filer
			waiter
			watcher
		}{c, d, f, w, x}
	case [...]bool{true, true, true, true, true}:
		return struct {
			*conn
			drafter
			filer
			waiter
			watcher
			revoker
		}{c, d, f, w, x, r}
	}
	return c
}
