package imap

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"syscall"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

var (
	errPrivate   = errors.New("imap: the server's address is not on the public internet")
	errPlaintext = errors.New("imap: plaintext is for the loopback interface alone")
	errSkip      = errors.New("imap: Options.TLSConfig.InsecureSkipVerify is set: trust the server through RootCAs")
)

// reserved are the ranges besides those that netip names which lead nowhere
// public, or wrap an IPv4 address that may (RFC 6890, RFC 6052, RFC 3056).
func reserved() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"),
		netip.MustParsePrefix("100.64.0.0/10"),
		netip.MustParsePrefix("192.0.0.0/24"),
		netip.MustParsePrefix("192.0.2.0/24"),
		netip.MustParsePrefix("192.88.99.0/24"),
		netip.MustParsePrefix("198.18.0.0/15"),
		netip.MustParsePrefix("198.51.100.0/24"),
		netip.MustParsePrefix("203.0.113.0/24"),
		netip.MustParsePrefix("240.0.0.0/4"),
		netip.MustParsePrefix("::/96"),
		netip.MustParsePrefix("64:ff9b::/96"),
		netip.MustParsePrefix("64:ff9b:1::/48"),
		netip.MustParsePrefix("100::/64"),
		netip.MustParsePrefix("2001::/23"),
		netip.MustParsePrefix("2001:db8::/32"),
		netip.MustParsePrefix("2002::/16"),
		netip.MustParsePrefix("fec0::/10"),
	}
}

// public reports whether an address is on the public internet.
func public(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	if !ip.IsValid() || !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return false
	}
	for _, p := range reserved() {
		if p.Contains(ip) {
			return false
		}
	}
	return true
}

func connected(c net.Conn) netip.Addr {
	tcp, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return tcp.AddrPort().Addr().Unmap()
}

// dial connects to a server and checks where it ended up. Checks look at the
// connected address, because a name may resolve differently each time.
func (p *Provider) dial(ctx context.Context, s Server) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, p.opts.DialTimeout)
	defer cancel()
	dial := p.opts.Dial
	if dial == nil {
		d := &net.Dialer{}
		if p.opts.DenyPrivate {
			d.Control = refusePrivate
		}
		dial = d.DialContext
	}
	c, err := dial(ctx, "tcp", s.address())
	if err != nil {
		return nil, err
	}
	switch ip := connected(c); {
	case p.opts.DenyPrivate && !public(ip):
		err = errPrivate
	case s.Security == Plaintext && !ip.IsLoopback():
		err = errPlaintext
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// refusePrivate runs before a socket connects, so that not even a SYN reaches
// the internal network.
func refusePrivate(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil || !public(ap.Addr()) {
		return errPrivate
	}
	return nil
}

func (p *Provider) tlsConfig(host string) *tls.Config {
	c := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if o := p.opts.TLSConfig; o != nil {
		c.RootCAs = o.RootCAs
		if o.ServerName != "" {
			c.ServerName = o.ServerName
		}
	}
	return c
}

// protocol is what connect needs to know about IMAP or SMTP.
type protocol struct {
	// upgrade asks for TLS on a plaintext connection and returns when the
	// next bytes are the handshake.
	upgrade func(line *lineConn, hello string) error
	// greeting stands for the one that was read before the upgrade, because
	// servers do not repeat it and the libraries wait for it.
	greeting string
}

// connect dials a server and secures the connection. The guard covers the
// handshake; the returned stream is what to speak the protocol on.
func (p *Provider) connect(ctx context.Context, op string, s Server, proto protocol, hello string) (*guard, *stream, error) {
	if o := p.opts.TLSConfig; o != nil && o.InsecureSkipVerify {
		return nil, nil, fail(op, mailbox.Permanent, "certificate checks are switched off", errSkip)
	}
	raw, err := p.dial(ctx, s)
	if err != nil {
		return nil, nil, classifyDial(ctx, op, err)
	}
	g := newGuard(raw)
	if s.Security == Plaintext {
		return g, &stream{Conn: g}, nil
	}
	end := g.begin(ctx, p.opts.CommandTimeout, smallBudget)
	defer end()
	st := &stream{}
	if s.Security == STARTTLS {
		if err := proto.upgrade(&lineConn{Conn: g, left: maxPlain}, hello); err != nil {
			g.kill(errClosed)
			return nil, nil, classifyConnect(op, g, err)
		}
		st.pending = []byte(proto.greeting)
	}
	tc := tls.Client(g, p.tlsConfig(s.Host))
	if err := tc.HandshakeContext(ctx); err != nil {
		g.kill(errClosed)
		return nil, nil, classifyConnect(op, g, err)
	}
	st.Conn = tc
	return g, st, nil
}
