// Package demomail is a small mail world in one process, for trying a helpdesk
// without an account anywhere: an IMAP mailbox, an SMTP server that fills it
// and that the mailbox sends with, and a place where every other recipient's
// mail can be looked at. It listens on loopback only and forgets everything.
package demomail

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
	"github.com/emersion/go-smtp"
)

// The places under which clients know the servers. [World.Dial] leads from
// there to where the servers really listen, so that the mailbox stays the same
// account from one run to the next although its port is free every time.
const (
	Host     = "127.0.0.1"
	IMAPPort = 143
	SMTPPort = 587
)

// Limits of a world: it lives in memory.
const (
	maxMail     = 25 << 20
	maxPeople   = 500
	maxPerInbox = 200
)

// Options are the choices of Start.
type Options struct {
	// Address is the one mailbox that is read with IMAP.
	Address string
	// SMTP is where mail is taken in, on loopback.
	SMTP string
}

// World is a running IMAP and SMTP server with what they hold.
type World struct {
	address  string
	password string
	validity uint32

	user       *imapmemserver.User
	imapServer *imapserver.Server
	smtpServer *smtp.Server
	imapAddr   string
	smtpAddr   string

	mu     sync.Mutex
	people map[string][]Mail
	seq    int
}

// ErrLoopback is returned for an SMTP address that others could reach.
var ErrLoopback = errors.New("the SMTP address must be on loopback, such as 127.0.0.1:2525")

// Start listens and serves until Close.
func Start(o Options) (*World, error) {
	if !loopback(o.SMTP) {
		return nil, ErrLoopback
	}
	w := &World{
		address: strings.ToLower(o.Address), password: rand.Text(), people: map[string][]Mail{},
		// A mailbox that lost its mail must say so (RFC 3501, section 2.3.1.1),
		// even when it was started again within a second.
		validity: uint32(time.Now().UnixMilli()/10) | 1,
	}
	w.user = imapmemserver.NewUser(w.address, w.password)
	for _, name := range []string{"INBOX", "Sent"} {
		if err := w.user.Create(name, nil); err != nil {
			return nil, fmt.Errorf("making the folder %s: %w", name, err)
		}
	}
	sl, err := net.Listen("tcp", o.SMTP)
	if err != nil {
		return nil, err
	}
	il, err := net.Listen("tcp", Host+":0")
	if err != nil {
		_ = sl.Close()
		return nil, err
	}
	w.smtpAddr, w.imapAddr = sl.Addr().String(), il.Addr().String()
	w.serve(sl, il)
	return w, nil
}

func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func (w *World) serve(sl, il net.Listener) {
	quiet := log.New(io.Discard, "", 0)
	w.imapServer = imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return &session{world: w}, nil, nil
		},
		Caps:         imap.CapSet{imap.CapIMAP4rev1: {}, imap.CapUIDPlus: {}, imap.CapIdle: {}},
		InsecureAuth: true, // loopback
		Logger:       quiet,
	})
	w.smtpServer = smtp.NewServer(backend{w})
	w.smtpServer.Domain, w.smtpServer.AllowInsecureAuth = "localhost", true
	w.smtpServer.MaxMessageBytes, w.smtpServer.MaxRecipients = maxMail, 100
	w.smtpServer.MaxLineLength = 1 << 16
	w.smtpServer.ReadTimeout, w.smtpServer.WriteTimeout = time.Minute, time.Minute
	w.smtpServer.EnableSMTPUTF8, w.smtpServer.ErrorLog = true, quiet
	go func() { _ = w.imapServer.Serve(il) }()
	go func() { _ = w.smtpServer.Serve(sl) }()
}

// Close stops both servers and closes their connections.
func (w *World) Close() {
	_ = w.smtpServer.Close()
	_ = w.imapServer.Close()
}

// Address is the address of the IMAP mailbox, which is also its login.
func (w *World) Address() string { return w.address }

// Password is the password of the IMAP mailbox, new for every world.
func (w *World) Password() string { return w.password }

// SMTPAddr is where mail is taken in.
func (w *World) SMTPAddr() string { return w.smtpAddr }

// IMAPAddr is where the mailbox is read.
func (w *World) IMAPAddr() string { return w.imapAddr }

// Dial connects to the servers by the places that clients know them under, and
// to nothing else. Give it to imap.Options.
func (w *World) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	real, ok := map[string]string{
		fmt.Sprintf("%s:%d", Host, IMAPPort): w.imapAddr,
		fmt.Sprintf("%s:%d", Host, SMTPPort): w.smtpAddr,
	}[address]
	if !ok {
		return nil, errors.New("demomail: there is nothing but the mailbox of the demonstration here")
	}
	var d net.Dialer
	return d.DialContext(ctx, network, real)
}
