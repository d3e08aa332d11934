package testmail

import (
	"errors"
	"fmt"
	"net/smtp"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// PostfixOptions shape a [Postfix].
type PostfixOptions struct {
	// Dovecot checks the passwords and tokens of those who submit, and gets
	// the mail for the users it has when Postfix starts. Required.
	Dovecot *Dovecot
	// Authority adds STARTTLS.
	Authority *Authority
	// Refuse lists recipients that are refused with 550 5.1.1.
	Refuse []string
	// MaxSize is the largest mail taken, in bytes; zero means 64 MiB.
	MaxSize int64
}

// Postfix is an SMTP server. From those who log in it takes mail to anybody,
// from strangers mail to users of its Dovecot. What goes elsewhere never leaves
// the machine: it ends in a ledger on disk that [Postfix.Accepted] reads. The
// methods may be called from several goroutines.
type Postfix struct {
	daemon
	opts  PostfixOptions
	users []string
}

// StartPostfix starts a server with an empty queue.
func StartPostfix(o PostfixOptions) (*Postfix, error) {
	if o.Dovecot == nil {
		return nil, errors.New("testmail: PostfixOptions.Dovecot is not set: start one for the logins")
	}
	master, err := lookup("master", "postfix")
	if err != nil {
		return nil, err
	}
	dir, err := newDir()
	if err != nil {
		return nil, err
	}
	p := &Postfix{opts: o, users: o.Dovecot.names()}
	p.daemon = daemon{name: "postfix", program: "/bin/sh", dir: dir,
		args: []string{"-c", keeper, "keeper", master, "-c", filepath.Join(dir, "conf"), "-d"}}
	if err := p.prepare(); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	if err := p.launch(p.configure); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// keeper runs Postfix's master and ends it when it is ended itself: master
// changes accounts for a moment, at which Linux forgets its parent-death signal.
const keeper = `trap 'kill "$pid"' TERM; "$@" & pid=$!; wait "$pid"; wait "$pid"`

// prepare makes the folders that `postfix check` would make; it sleeps a
// second for each server.
func (p *Postfix) prepare() error {
	uid, gid, err := account("postfix")
	if err != nil {
		return err
	}
	drop, err := group("postdrop")
	if err != nil {
		return err
	}
	for _, f := range []struct {
		path     string
		mode     os.FileMode
		uid, gid int
	}{
		{"conf", 0o755, 0, 0}, {"spool", 0o755, 0, 0}, {"spool/pid", 0o755, 0, 0}, {"data", 0o700, uid, gid},
		{"logs", 0o755, 0, 0}, {"ledger", 0o700, nobody, nobody}, {"spool/public", 0o710, uid, drop},
		{"spool/maildrop", 0o730, uid, drop}, {"spool/private", 0o700, uid, gid}, {"spool/incoming", 0o700, uid, gid},
		{"spool/active", 0o700, uid, gid}, {"spool/bounce", 0o700, uid, gid}, {"spool/defer", 0o700, uid, gid},
		{"spool/deferred", 0o700, uid, gid}, {"spool/flush", 0o700, uid, gid}, {"spool/hold", 0o700, uid, gid},
		{"spool/saved", 0o700, uid, gid}, {"spool/trace", 0o700, uid, gid}, {"spool/corrupt", 0o700, uid, gid},
	} {
		if err := folder(filepath.Join(p.dir, f.path), f.mode, f.uid, f.gid); err != nil {
			return fmt.Errorf("testmail: %w", err)
		}
	}
	if p.opts.Authority != nil {
		return p.opts.Authority.issue(filepath.Join(p.dir, "cert.pem"))
	}
	return nil
}

func (p *Postfix) configure(port int) error {
	return errors.Join(
		write(filepath.Join(p.dir, "conf", "main.cf"), p.config()),
		write(filepath.Join(p.dir, "conf", "master.cf"), fmt.Sprintf("%s inet n - n - - smtpd\n%s", address(port), masterConfig(p.dir))),
	)
}

// Addr is where the server speaks SMTP, in plaintext and after STARTTLS.
func (p *Postfix) Addr() string { return p.addr }

// LogFile returns the path of the server's log.
func (p *Postfix) LogFile() string { return filepath.Join(p.dir, "logs", "mail.log") }

// Start starts a stopped server at the same address with the same queue.
// Starting a running one does nothing.
func (p *Postfix) Start() error { return p.start() }

// Stop ends the server in an orderly way.
func (p *Postfix) Stop() error { return p.stop(syscall.SIGTERM) }

// Kill ends the server and all its processes with SIGKILL, as a crash does.
func (p *Postfix) Kill() error { return p.stop(syscall.SIGKILL) }

// Restart is Stop and Start.
func (p *Postfix) Restart() error { return errors.Join(p.Stop(), p.Start()) }

// Close stops the server and removes its queue and ledger.
func (p *Postfix) Close() error { return p.close() }

// Submit hands a mail for one of the users to the server, as a stranger's mail
// server does. It returns when the server has taken it.
func (p *Postfix) Submit(from, to string, raw []byte) error {
	if err := smtp.SendMail(p.addr, nil, from, []string{to}, raw); err != nil {
		return fmt.Errorf("testmail: %w", err)
	}
	return nil
}

func (p *Postfix) config() string {
	maxSize := p.opts.MaxSize
	if maxSize == 0 {
		maxSize = 64 << 20
	}
	var boxes, refused []string
	for _, name := range p.users {
		boxes = append(boxes, fmt.Sprintf("{%s@%s=%s/}", name, Domain, p.opts.Dovecot.maildir(name)))
	}
	for _, to := range p.opts.Refuse {
		refused = append(refused, fmt.Sprintf("{%s=550 5.1.1 no such user}", to))
	}
	check := ""
	if len(refused) > 0 {
		check = "check_recipient_access " + inline(refused)
	}
	text := strings.NewReplacer(
		"@DIR@", p.dir, "@AUTH@", p.opts.Dovecot.authSocket(), "@UID@", fmt.Sprint(nobody),
		"@DOMAIN@", Domain, "@SIZE@", fmt.Sprint(maxSize), "@BOXES@", inline(boxes), "@REFUSED@", check,
	).Replace(postfixConfig)
	if p.opts.Authority != nil {
		text += fmt.Sprintf("smtpd_tls_security_level = may\nsmtpd_tls_chain_files = %s\n", filepath.Join(p.dir, "cert.pem"))
	}
	return text
}

// inline writes a table; Postfix refuses one without entries.
func inline(entries []string) string {
	if len(entries) == 0 {
		return ""
	}
	return "inline:{ " + strings.Join(entries, ", ") + " }"
}

// postfixConfig is main.cf. Mail from elsewhere waits for no DNS and a process
// that failed is started again after a second instead of a minute.
const postfixConfig = `
compatibility_level = 3.6
queue_directory = @DIR@/spool
data_directory = @DIR@/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = @DIR@/logs/mail.log
maillog_file_prefixes = @DIR@/logs
myhostname = mx.testmail.invalid
mydestination =
mynetworks =
alias_maps =
alias_database =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
disable_dns_lookups = yes
smtputf8_enable = yes
enable_long_queue_ids = yes
service_throttle_time = 1s
message_size_limit = @SIZE@
mailbox_size_limit = 0
virtual_mailbox_limit = 0
virtual_mailbox_domains = @DOMAIN@
virtual_mailbox_base = /
virtual_mailbox_maps = @BOXES@
virtual_uid_maps = static:@UID@
virtual_gid_maps = static:@UID@
virtual_minimum_uid = 100
default_transport = ledger
relay_transport = ledger
ledger_destination_recipient_limit = 1
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = @AUTH@
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_recipient_restrictions = @REFUSED@
smtpd_client_connection_count_limit = 0
`

// masterConfig lists Postfix's own processes. The ledger is a second Maildir
// delivery agent that takes every address.
func masterConfig(dir string) string {
	return fmt.Sprintf(`pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
virtual unix - n n - - virtual
ledger unix - n n - - virtual
  -o virtual_mailbox_maps=static:%s/ledger/
`, dir)
}
