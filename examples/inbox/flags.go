package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox/imap"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// passwordEnv holds the password of a mailbox of the user's own. It is no
// flag: flags are seen by everybody on the machine.
const passwordEnv = "HELPDESK_PASSWORD"

// settings are what the flags say.
type settings struct {
	addr, smtp string
	open       bool
	agent      ticket.AgentID
	store      string
	keys       string
	account    *imap.Account // nil is the demonstration
	since      time.Duration
}

// usageError is a mistake in how the program was called.
type usageError string

func (u usageError) Error() string { return string(u) }

// flags are the raw values.
type flags struct {
	settings
	agent                                    string
	imap, smtpServer, user, email, name, tls string
}

func (f *flags) set() *flag.FlagSet {
	fs := flag.NewFlagSet("inbox", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // errors are said in one line, by run
	fs.StringVar(&f.addr, "addr", "127.0.0.1:8080", "where the web inbox listens")
	fs.BoolVar(&f.open, "open", false, "let other machines in, although there is no sign-in")
	fs.StringVar(&f.agent, "agent", "kari", "the agent who works at the web inbox")
	fs.StringVar(&f.smtp, "smtp", "127.0.0.1:2525", "where the mailbox that comes along takes mail in, on loopback")
	fs.StringVar(&f.store, "store", "", "PostgreSQL to keep everything in, as postgres://...; empty is memory")
	fs.StringVar(&f.keys, "keys", "helpdesk.keys", "file of the keys that the content of -store is sealed with; made on first use")
	fs.StringVar(&f.imap, "imap", "", "IMAP server of a mailbox of yours, as host or host:port; its password is in "+passwordEnv)
	fs.StringVar(&f.smtpServer, "smtp-server", "", "SMTP server of that mailbox, as host or host:port")
	fs.StringVar(&f.email, "email", "", "address of that mailbox")
	fs.StringVar(&f.user, "user", "", "login of that mailbox; empty is its address")
	fs.StringVar(&f.name, "name", "Support", "name that replies are sent under")
	fs.StringVar(&f.tls, "tls", "implicit", "how to reach its servers: implicit, starttls or none (loopback only)")
	fs.DurationVar(&f.since, "since", 0, "how far back to take in its old mail, such as 720h; 0 is new mail only")
	return fs
}

// parseFlags returns flag.ErrHelp when the flags were asked for.
func parseFlags(args []string, env func(string) string) (settings, error) {
	var f flags
	fs := f.set()
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return settings{}, err
	case err != nil:
		return settings{}, usageError(err.Error() + " (-help lists the flags)")
	case fs.NArg() > 0:
		return settings{}, usageError(fmt.Sprintf("unexpected argument %q (-help lists the flags)", fs.Arg(0)))
	}
	return f.check(fs, env)
}

func (f *flags) check(fs *flag.FlagSet, env func(string) string) (settings, error) {
	s := f.settings
	s.agent = ticket.AgentID(f.agent)
	given := map[string]bool{}
	fs.Visit(func(x *flag.Flag) { given[x.Name] = true })
	if s.agent.Validate() != nil {
		return s, usageError("-agent is 1 to 255 characters")
	}
	if !s.open && !onLoopback(s.addr) {
		return s, usageError("-addr " + s.addr + " can be reached from other machines and there is no sign-in: use 127.0.0.1, or add -open")
	}
	if s.since < 0 {
		return s, usageError("-since is not negative")
	}
	if given["store"] && !isPostgres(s.store) {
		return s, usageError("-store is a connection string such as postgres://user@localhost/helpdesk")
	}
	if given["keys"] && s.store == "" {
		return s, usageError("-keys is for -store: without it keys live as long as the program")
	}
	if f.imap == "" {
		for _, name := range []string{"smtp-server", "email", "user", "name", "tls", "since"} {
			if given[name] {
				return s, usageError("-" + name + " is for a mailbox of yours: add -imap")
			}
		}
		return s, nil
	}
	if given["smtp"] {
		return s, usageError("-smtp is for the mailbox that comes along: use -smtp-server with -imap")
	}
	a, err := f.account(env)
	s.account = &a
	return s, err
}

// account is the mailbox of the user's own.
func (f *flags) account(env func(string) string) (imap.Account, error) {
	a := imap.Account{Name: f.name, Email: f.email, Username: f.user, Password: env(passwordEnv)}
	if a.Password == "" {
		return a, usageError("the password of the mailbox is missing: set " + passwordEnv)
	}
	security, ok := map[string]string{"implicit": imap.ImplicitTLS, "starttls": imap.STARTTLS, "none": imap.Plaintext}[f.tls]
	if !ok {
		return a, usageError("-tls is implicit, starttls or none")
	}
	var err error
	if a.IMAP, err = server("imap", f.imap, security); err != nil {
		return a, err
	}
	if f.smtpServer == "" {
		return a, usageError("-smtp-server is missing: replies are sent with it")
	}
	if a.SMTP, err = server("smtp-server", f.smtpServer, security); err != nil {
		return a, err
	}
	if err := a.Validate(); err != nil {
		return a, usageError(err.Error())
	}
	return a, nil
}

func server(name, value, security string) (imap.Server, error) {
	s := imap.Server{Host: value, Security: security}
	if host, port, err := net.SplitHostPort(value); err == nil {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 || host == "" {
			return s, usageError("-" + name + " is host or host:port")
		}
		s.Host, s.Port = host, int(n)
	}
	return s, nil
}

func isPostgres(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

func onLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return true // listening says what is wrong with it
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// listenError says why a port cannot be had.
func listenError(name, addr string, err error) error {
	var where *net.OpError
	var syntax *net.AddrError
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s is taken by another program: stop it, or choose another port with %s", addr, name)
	case errors.As(err, &syntax):
		return usageError(name + " " + strconv.Quote(addr) + " is no address: write host:port")
	case errors.As(err, &where):
		return fmt.Errorf("cannot listen on %s: %w", addr, where.Err)
	}
	return usageError(name + ": " + err.Error())
}

// line makes one line of an error.
func line(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

func printHelp(out io.Writer) {
	fmt.Fprint(out, "A helpdesk in one program. Without flags it brings a mailbox along.\n\n")
	fs := new(flags).set()
	fs.SetOutput(out)
	fs.PrintDefaults()
}
