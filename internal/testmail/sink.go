package testmail

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
)

// Sink is Postfix's smtp-sink: an SMTP server that takes any login and throws
// mail away, slowly or rudely if told to.
type Sink struct {
	daemon
	front net.Listener
}

// StartSink starts a sink with flags of smtp-sink(1): "-w", "5" waits five
// seconds before it answers DATA, "-q", "." hangs up instead of answering a
// mail, "-Q", "rcpt" says 421 and hangs up.
func StartSink(flags ...string) (*Sink, error) {
	program, err := lookup("smtp-sink", "postfix")
	if err != nil {
		return nil, err
	}
	dir, err := newDir()
	if err != nil {
		return nil, err
	}
	s := &Sink{daemon: daemon{name: "smtp-sink", program: program, dir: dir, mute: true}}
	err = s.launch(func(port int) error {
		s.args = append(append([]string{"-u", "nobody", "-v"}, flags...), address(port), "100")
		return nil
	})
	if err == nil {
		s.front, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("testmail: %w", err), s.close())
	}
	go s.serve()
	return s, nil
}

// Addr is where the sink speaks SMTP.
func (s *Sink) Addr() string { return s.front.Addr().String() }

// LogFile returns the path of a file with the conversations.
func (s *Sink) LogFile() string { return s.logFile() }

// Kill ends the sink.
func (s *Sink) Kill() error { return s.stop(syscall.SIGKILL) }

// Close ends the sink and removes its files.
func (s *Sink) Close() error { return errors.Join(s.front.Close(), s.close()) }

// serve answers logins, which smtp-sink offers but answers with 250 instead of
// 235 (RFC 4954 section 4), and hands everything else to smtp-sink.
func (s *Sink) serve() {
	for {
		client, err := s.front.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", s.addr)
		if err != nil {
			client.Close()
			continue
		}
		go func() {
			_, _ = io.Copy(client, server) // until either is gone
			client.Close()
		}()
		go func() {
			defer server.Close()
			in := bufio.NewReader(client)
			for {
				line, err := in.ReadString('\n')
				if strings.HasPrefix(strings.ToUpper(line), "AUTH ") {
					_, _ = io.WriteString(client, "235 2.7.0 welcome\r\n")
					break
				}
				if _, werr := io.WriteString(server, line); err != nil || werr != nil {
					return
				}
			}
			_, _ = io.Copy(server, in) // until either is gone
		}()
	}
}
