package testmail

import (
	"errors"
	"path/filepath"
	"syscall"
)

// Sink is Postfix's smtp-sink: an SMTP server that takes any login and throws
// mail away, slowly or rudely if told to.
type Sink struct{ daemon }

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
	s := &Sink{daemon{name: "smtp-sink", program: program, dir: dir}}
	err = s.launch(func(port int) error {
		s.args = append(append([]string{"-u", "nobody", "-v"}, flags...), address(port), "100")
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Addr is where the sink speaks SMTP.
func (s *Sink) Addr() string { return s.addr }

// LogFile returns the path of a file with the conversations.
func (s *Sink) LogFile() string { return filepath.Join(s.dir, "log") }

// Kill ends the sink.
func (s *Sink) Kill() error { return s.stop(syscall.SIGKILL) }

// Close ends the sink and removes its files.
func (s *Sink) Close() error { return s.close() }
