package testmail

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Domain is the part behind the @ of every user's address.
const Domain = "desk.example"

// DovecotOptions shape a [Dovecot]. The zero value has every capability,
// passwords alone and no TLS.
type DovecotOptions struct {
	// Without lists capabilities that the server withholds from clients, such
	// as "IDLE", "CONDSTORE" and "QRESYNC".
	Without []string
	// Tokens takes logins with XOAUTH2 and OAUTHBEARER too, for tokens whose
	// user is an address at [Domain].
	Tokens *TokenServer
	// Authority adds TLS: STARTTLS at [Dovecot.Addr] and TLS from the first
	// byte at [Dovecot.TLSAddr].
	Authority *Authority
	// MaxConnections is how many connections a user may have from one
	// address; zero means 100.
	MaxConnections int
}

// Dovecot is an IMAP server with Maildir folders: INBOX, Sent and Drafts of
// each user from the start. Its methods may be called from several goroutines.
type Dovecot struct {
	daemon
	opts    DovecotOptions
	tlsPort int
	doveadm string

	users     sync.Mutex
	passwords map[string]string // by name
}

// userName is what the name of a user may be: it is also that of a folder.
var userName = regexp.MustCompile(`^[a-z0-9]+$`)

// StartDovecot starts a server without users.
func StartDovecot(o DovecotOptions) (*Dovecot, error) {
	program, err1 := lookup("dovecot", "dovecot-imapd")
	doveadm, err2 := lookup("doveadm", "dovecot-imapd")
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	if err := knownVersion(program); err != nil {
		return nil, err
	}
	dir, err := newDir()
	if err != nil {
		return nil, err
	}
	d := &Dovecot{opts: o, doveadm: doveadm, passwords: map[string]string{}}
	d.daemon = daemon{name: "dovecot", program: program, args: []string{"-F", "-c", filepath.Join(dir, "dovecot.conf")}, dir: dir}
	if err := d.prepare(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	if err := d.launch(d.configure); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// knownVersion refuses Dovecot 2.4, which reads another language.
func knownVersion(program string) error {
	out, err := exec.Command(program, "--version").Output()
	if err != nil {
		return fmt.Errorf("testmail: dovecot --version: %w", err)
	}
	if v, _, _ := strings.Cut(string(out), " "); !strings.HasPrefix(v, "2.3.") {
		return fmt.Errorf("testmail: this is Dovecot %s, but the configuration is written for 2.3 (Debian 12)", v)
	}
	return nil
}

func (d *Dovecot) prepare() error {
	err := errors.Join(
		folder(d.mailDir(), 0o700, nobody, nobody),
		folder(filepath.Join(d.dir, "users"), 0o755, 0, 0),
	)
	if err != nil {
		return fmt.Errorf("testmail: %w", err)
	}
	if d.opts.Authority != nil {
		return d.opts.Authority.issue(filepath.Join(d.dir, "cert.pem"))
	}
	return nil
}

func (d *Dovecot) configure(port int) (err error) {
	if d.opts.Authority != nil {
		if d.tlsPort, err = freePort(); err != nil {
			return err
		}
	}
	if d.opts.Tokens != nil {
		if err := write(filepath.Join(d.dir, "oauth2.conf"), tokenConfig(d.opts.Tokens)); err != nil {
			return err
		}
	}
	return write(filepath.Join(d.dir, "dovecot.conf"), d.config(port))
}

// Addr is where the server speaks IMAP, in plaintext and after STARTTLS.
func (d *Dovecot) Addr() string { return d.addr }

// TLSAddr is where the server speaks IMAP over TLS.
func (d *Dovecot) TLSAddr() string { return address(d.tlsPort) }

// LogFile returns the path of the server's log.
func (d *Dovecot) LogFile() string { return d.logFile() }

func (d *Dovecot) mailDir() string    { return filepath.Join(d.dir, "mail") }
func (d *Dovecot) authSocket() string { return filepath.Join(d.dir, "auth") }

// maildir is the INBOX of a user.
func (d *Dovecot) maildir(name string) string { return filepath.Join(d.mailDir(), name, "Maildir") }

// AddUser creates a user with a password. The login is name@[Domain].
func (d *Dovecot) AddUser(name, password string) error {
	d.users.Lock()
	defer d.users.Unlock()
	if _, ok := d.passwords[name]; ok || !userName.MatchString(name) {
		return fmt.Errorf("testmail: user name %q is taken or not made of a-z and 0-9", name)
	}
	d.passwords[name] = password
	return write(d.passwordFile(name), fmt.Sprintf("%s@%s:{PLAIN.B64}%s\n",
		name, Domain, base64.StdEncoding.EncodeToString([]byte(password))))
}

// RefuseUser makes the server refuse a user's password from now on. Mail and
// open connections stay.
func (d *Dovecot) RefuseUser(name string) error {
	d.users.Lock()
	defer d.users.Unlock()
	delete(d.passwords, name)
	if err := write(d.passwordFile(name), ""); err != nil {
		return err
	}
	// Dovecot looks once a second whether the file is another one.
	time.Sleep(1100 * time.Millisecond)
	return nil
}

// passwordFile holds the password of one user, because Dovecot reads a file it
// has not seen at once and one that it has seen a second late.
func (d *Dovecot) passwordFile(name string) string { return filepath.Join(d.dir, "users", name) }

func (d *Dovecot) names() []string {
	d.users.Lock()
	defer d.users.Unlock()
	var names []string
	for n := range d.passwords {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// Start starts a stopped server at the same address with the same mail.
// Starting a running one does nothing.
func (d *Dovecot) Start() error { return d.start() }

// Stop ends the server in an orderly way: clients hear a BYE.
func (d *Dovecot) Stop() error { return d.stop(syscall.SIGTERM) }

// Kill ends the server and all its processes with SIGKILL, as a crash does.
func (d *Dovecot) Kill() error { return d.stop(syscall.SIGKILL) }

// Restart is Stop and Start.
func (d *Dovecot) Restart() error { return errors.Join(d.Stop(), d.Start()) }

// Close stops the server and removes its mail.
func (d *Dovecot) Close() error { return d.close() }

// Doveadm runs the server's administration program and returns its output.
func (d *Dovecot) Doveadm(args ...string) (string, error) {
	cmd := exec.Command(d.doveadm, append([]string{"-c", filepath.Join(d.dir, "dovecot.conf")}, args...)...)
	cmd.Dir = d.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("testmail: doveadm %s: %w\n%s", args[0], err, out)
	}
	return string(out), nil
}

// Drop ends the open connections of a user. New ones succeed.
func (d *Dovecot) Drop(name string) error {
	return d.signal(name, syscall.SIGTERM)
}

// Freeze makes the server fall silent on the open connections of a user, with
// the sockets left open. Thaw undoes it.
func (d *Dovecot) Freeze(name string) error { return d.signal(name, syscall.SIGSTOP) }

// Thaw lets the connections of a user go on.
func (d *Dovecot) Thaw(name string) error { return d.signal(name, syscall.SIGCONT) }

// signal reaches the processes that serve a user's connections: Dovecot runs
// one for each.
func (d *Dovecot) signal(name string, sig syscall.Signal) error {
	out, err := d.Doveadm("-f", "tab", "who", "-1", name+"@"+Domain)
	if err != nil {
		return err
	}
	n := 0
	for line := range strings.Lines(out) {
		cells := strings.Split(strings.TrimSpace(line), "\t")
		if len(cells) < 3 || cells[0] != name+"@"+Domain {
			continue
		}
		pid, err := strconv.Atoi(cells[2])
		if err != nil {
			return fmt.Errorf("testmail: doveadm who says %q", line)
		}
		if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("testmail: %w", err)
		}
		n++
	}
	if n == 0 {
		return fmt.Errorf("testmail: user %s has no open connection", name)
	}
	return nil
}
