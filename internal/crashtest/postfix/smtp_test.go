package postfix

import (
	"bufio"
	"bytes"
	"net"
	"strconv"
	"strings"
)

// submission is one SMTP connection through the proxy. The driver does not
// pipeline, so each command is relayed with its answer before the next one.
type submission struct {
	p          *proxy
	client     net.Conn
	server     net.Conn
	fromClient *bufio.Reader
	fromServer *bufio.Reader
	size       int // what MAIL announced
}

// relaySMTP relays one connection and kills the worker at the armed step.
func relaySMTP(p *proxy, client net.Conn) {
	if f, ok := p.take(atConnect); ok {
		f.kill()
		return
	}
	server, err := p.dial()
	if err != nil {
		return
	}
	defer p.drop(server)
	s := &submission{
		p: p, client: client, server: server,
		fromClient: bufio.NewReader(client), fromServer: bufio.NewReader(server),
	}
	if !s.answer() {
		return
	}
	for s.command() {
	}
}

// command relays one command with its answer and reports whether to go on.
func (s *submission) command() bool {
	line, err := s.fromClient.ReadBytes('\n')
	if err != nil {
		return false
	}
	verb, rest, _ := strings.Cut(string(bytes.TrimSpace(line)), " ")
	step := strings.ToLower(verb) // of the faults, only atMail, atRcpt and atData are commands
	if _, after, ok := strings.Cut(strings.ToUpper(rest), " SIZE="); ok && step == atMail {
		s.size, _ = strconv.Atoi(strings.Fields(after)[0])
	}
	f, killing := s.p.take(step)
	if killing && !f.reach {
		f.kill()
		return false
	}
	if _, err := s.server.Write(line); err != nil {
		return false
	}
	if killing {
		_, _ = s.reply()
		f.kill()
		return false
	}
	r, err := s.reply()
	if err != nil {
		return false
	}
	if _, err := s.client.Write(r); err != nil {
		return false
	}
	return step != atData || r[0] != '3' || s.mail()
}

// mail relays a mail up to its final dot and the answer to it.
func (s *submission) mail() bool {
	passed := 0
	for {
		line, err := s.fromClient.ReadBytes('\n')
		if err != nil {
			return false
		}
		if string(line) == ".\r\n" {
			return s.dot(line)
		}
		if f, ok := s.p.wanted(atBody); ok && s.size > 0 && float64(passed) > f.share*float64(s.size) {
			if f, ok := s.p.take(atBody); ok {
				f.kill()
				if f.reach { // a part of a line is all that reaches the server
					_, _ = s.server.Write(line[:len(line)/2])
				}
				return false
			}
		}
		if _, err := s.server.Write(line); err != nil {
			return false
		}
		passed += len(line)
	}
}

// dot relays the end of a mail, from which on it may be on its way.
func (s *submission) dot(line []byte) bool {
	if f, ok := s.p.take(beforeDot); ok {
		f.kill()
		return false
	}
	if _, err := s.server.Write(line); err != nil {
		return false
	}
	if f, ok := s.p.take(afterDot); ok {
		f.kill()
		if f.linger {
			_, _ = s.reply()
		}
		return false
	}
	r, err := s.reply()
	if err != nil {
		return false
	}
	if f, ok := s.p.take(atAnswer); ok {
		f.kill()
		return false
	}
	_, err = s.client.Write(r)
	if f, ok := s.p.take(afterAnswer); ok {
		f.kill()
		return false
	}
	return err == nil
}

// answer relays what the server says.
func (s *submission) answer() bool {
	r, err := s.reply()
	if err != nil {
		return false
	}
	_, err = s.client.Write(r)
	return err == nil
}

// reply reads one reply, of several lines perhaps (RFC 5321, section 4.2.1).
func (s *submission) reply() ([]byte, error) {
	var all []byte
	for {
		line, err := s.fromServer.ReadBytes('\n')
		if err != nil {
			return nil, err
		}
		all = append(all, line...)
		if len(line) < 4 || line[3] != '-' {
			return all, nil
		}
	}
}
