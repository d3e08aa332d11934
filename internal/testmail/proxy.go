package testmail

import (
	"bytes"
	"fmt"
	"net"
	"sync"
)

// Proxy stands between a client and a server on loopback, remembers what the
// server said and cuts connections. It sees through plaintext alone. Its
// methods may be called from several goroutines.
type Proxy struct {
	l      net.Listener
	target string

	mu     sync.Mutex
	links  map[*link]bool
	heard  bytes.Buffer // all that the server said
	refuse bool         // the next answer to a mail
}

// link is one connection through a proxy.
type link struct {
	client, server net.Conn
	left           int64 // bytes from the server until the cut; negative is never
	mute           bool  // the server is not heard any more
}

func (l *link) close() {
	l.client.Close()
	l.server.Close()
}

// StartProxy starts a proxy before the server at target.
func StartProxy(target string) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("testmail: %w", err)
	}
	p := &Proxy{l: l, target: target, links: map[*link]bool{}}
	go p.serve()
	return p, nil
}

// Addr is where clients connect to.
func (p *Proxy) Addr() string { return p.l.Addr().String() }

// Close ends the proxy and its connections.
func (p *Proxy) Close() error {
	err := p.l.Close()
	p.Cut()
	return err
}

// Cut drops all open connections. New ones succeed.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.close()
	}
}

// CutAfter drops each open connection once the server has said n more bytes
// on it.
func (p *Proxy) CutAfter(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.left = n
	}
}

// CutAnswer drops the next connection on which a client ends a mail (RFC 5321
// section 4.1.1.4): the server hears the mail and its answer is lost.
func (p *Proxy) CutAnswer() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = true
}

// Heard reports whether the server ever said text.
func (p *Proxy) Heard(text string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return bytes.Contains(p.heard.Bytes(), []byte(text))
}

func (p *Proxy) serve() {
	for {
		client, err := p.l.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			client.Close()
			continue
		}
		l := &link{client: client, server: server, left: -1}
		p.mu.Lock()
		p.links[l] = true
		p.mu.Unlock()
		go p.forward(l)
		go p.back(l)
	}
}

// forward carries what the client says.
func (p *Proxy) forward(l *link) {
	defer l.server.(*net.TCPConn).CloseWrite()
	var last []byte
	buf := make([]byte, 32<<10)
	for {
		n, err := l.client.Read(buf)
		last = append(last, buf[:n]...)
		last = last[max(0, len(last)-5):]
		p.mu.Lock()
		if p.refuse && string(last) == "\r\n.\r\n" {
			p.refuse, l.mute = false, true
		}
		p.mu.Unlock()
		if _, werr := l.server.Write(buf[:n]); err != nil || werr != nil {
			return
		}
	}
}

// back carries what the server says.
func (p *Proxy) back(l *link) {
	defer func() {
		l.close()
		p.mu.Lock()
		delete(p.links, l)
		p.mu.Unlock()
	}()
	buf := make([]byte, 32<<10)
	for {
		n, err := l.server.Read(buf)
		if n > 0 && !p.pass(l, buf[:n]) || err != nil {
			return
		}
	}
}

// pass hands bytes of the server on and reports whether there may be more.
func (p *Proxy) pass(l *link, b []byte) bool {
	p.mu.Lock()
	p.heard.Write(b)
	more := !l.mute
	if l.mute {
		b = nil
	}
	if l.left >= 0 {
		if int64(len(b)) >= l.left {
			b, more = b[:l.left], false
		}
		l.left -= int64(len(b))
	}
	p.mu.Unlock()
	_, err := l.client.Write(b)
	return more && err == nil
}
