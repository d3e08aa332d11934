package postfix

import (
	"bytes"
	"net"
	"regexp"
	"sync"
)

// appendCommand matches the command with its tag. Commands are written in one
// piece, and no mail of the tests has such a line.
var appendCommand = regexp.MustCompile(`(?m)^(\S+) APPEND `)

// session is one IMAP connection through the proxy.
type session struct {
	p              *proxy
	client, server net.Conn

	mu  sync.Mutex
	tag []byte // of the APPEND under way
}

// relayIMAP relays one connection and kills the worker around APPEND.
func relayIMAP(p *proxy, client net.Conn) {
	server, err := p.dial()
	if err != nil {
		return
	}
	s := &session{p: p, client: client, server: server}
	var wg sync.WaitGroup
	wg.Go(func() { s.pump(client, server, s.commands) })
	wg.Go(func() { s.pump(server, client, s.answers) })
	wg.Wait()
	p.drop(server)
}

// pump relays one direction for as long as look agrees. When one side ends, so
// does the other.
func (s *session) pump(from, to net.Conn, look func([]byte) bool) {
	defer func() { _ = from.Close(); _ = to.Close() }()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 && !look(buf[:n]) {
			return
		}
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (s *session) commands(b []byte) bool {
	m := appendCommand.FindSubmatch(b)
	if m == nil {
		return true
	}
	if f, ok := s.p.take(appendBefore); ok {
		f.kill()
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tag = bytes.Clone(m[1])
	return true
}

func (s *session) answers(b []byte) bool {
	s.mu.Lock()
	done := s.tag != nil && bytes.Contains(b, append(bytes.Clone(s.tag), " OK"...))
	if done {
		s.tag = nil
	}
	s.mu.Unlock()
	if !done {
		return true
	}
	if f, ok := s.p.take(appendAfter); ok {
		f.kill()
		return false
	}
	return true
}
