// Package clamav asks ClamAV's daemon, clamd, whether content holds malware. It
// speaks the INSTREAM command of clamd(8) over TCP or a unix socket, one
// connection a scan, and needs no file that both can read.
package clamav

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/helpdesk-go/helpdesk/scan"
)

const (
	chunkBytes    = 64 << 10
	maxReplyBytes = 4 << 10
	maxThreat     = 200
)

// The errors of a scan. Other errors are those of the network and of reading
// the content.
var (
	// ErrTooLarge is returned when the content is above clamd's
	// StreamMaxLength or above [Options.MaxBytes].
	ErrTooLarge = errors.New("clamav: content above the size limit")
	// ErrFailed is returned when clamd says that it could not scan.
	ErrFailed = errors.New("clamav: clamd could not scan")
	// ErrProtocol is returned when what answers does not speak as clamd does.
	ErrProtocol = errors.New("clamav: not an answer of clamd")
)

// Options says where clamd is. Network and Address are required.
type Options struct {
	// Network is "unix" or "tcp".
	Network string
	// Address is the path of the socket, or host:port.
	Address string
	// Timeout bounds one whole scan; zero means 2 minutes. A context that
	// ends earlier counts.
	Timeout time.Duration
	// MaxBytes bounds the content sent; zero means 100 MiB. It should be
	// clamd's StreamMaxLength.
	MaxBytes int64
}

// Scanner is a [scan.Scanner] on one clamd. It may be used by several
// goroutines at once.
type Scanner struct {
	opts Options
}

// New returns a scanner. It does not connect; [Scanner.Ping] does.
func New(opts Options) (*Scanner, error) {
	if opts.Network != "unix" && opts.Network != "tcp" {
		return nil, fmt.Errorf("clamav: network %q is neither unix nor tcp", opts.Network)
	}
	if opts.Address == "" {
		return nil, errors.New("clamav: no address")
	}
	if opts.Timeout <= 0 {
		opts.Timeout = 2 * time.Minute
	}
	if opts.MaxBytes <= 0 {
		opts.MaxBytes = 100 << 20
	}
	return &Scanner{opts: opts}, nil
}

// Ping asks clamd whether it is there. It returns nil when it is.
func (s *Scanner) Ping(ctx context.Context) error {
	reply, err := s.talk(ctx, func(w io.Writer) error {
		_, err := io.WriteString(w, "zPING\x00")
		return err
	})
	if err == nil && reply != "PONG" {
		err = ErrProtocol
	}
	return err
}

// Scan sends the content to clamd and returns what it says. See
// [scan.Scanner] for the contract.
func (s *Scanner) Scan(ctx context.Context, content io.Reader) (scan.Verdict, error) {
	reply, err := s.talk(ctx, func(w io.Writer) error { return s.send(w, content) })
	if err != nil {
		return scan.Verdict{State: scan.Unscanned}, err
	}
	return verdict(reply)
}

// talk opens a connection, lets say write the command and returns the answer.
func (s *Scanner) talk(ctx context.Context, say func(io.Writer) error) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.opts.Timeout)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, s.opts.Network, s.opts.Address)
	if err != nil {
		return "", fmt.Errorf("clamav: connect: %w", err)
	}
	defer conn.Close()
	// Closing is what ends a read or a write that hangs.
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()

	sent := say(conn)
	var failed *contentError
	if errors.As(sent, &failed) {
		return "", sent
	}
	// clamd answers and hangs up in the midst of a stream that is too long,
	// so its answer counts for more than an error of writing.
	reply, err := readReply(conn)
	switch {
	case err == nil:
		return reply, nil
	case ctx.Err() != nil:
		return "", fmt.Errorf("clamav: %w", ctx.Err())
	case sent != nil:
		return "", fmt.Errorf("clamav: send: %w", sent)
	}
	return "", err
}

// contentError is an error that is not the network's: of reading the content.
type contentError struct{ err error }

func (e *contentError) Error() string { return "clamav: content: " + e.err.Error() }
func (e *contentError) Unwrap() error { return e.err }

// send writes the content in chunks, each after its length in network order;
// a chunk of no bytes ends the stream.
func (s *Scanner) send(w io.Writer, content io.Reader) error {
	if _, err := io.WriteString(w, "zINSTREAM\x00"); err != nil {
		return err
	}
	buf := make([]byte, 4+chunkBytes)
	var total int64
	for {
		n, err := io.ReadFull(content, buf[4:])
		total += int64(n)
		if total > s.opts.MaxBytes {
			return &contentError{ErrTooLarge}
		}
		if n > 0 {
			binary.BigEndian.PutUint32(buf, uint32(n))
			if _, err := w.Write(buf[:4+n]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			_, err := w.Write([]byte{0, 0, 0, 0})
			return err
		}
		if err != nil {
			return &contentError{err}
		}
	}
}

// readReply reads one answer, which ends with a NUL byte.
func readReply(r io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(r, maxReplyBytes)).ReadString(0)
	if err == nil {
		return strings.TrimSuffix(line, "\x00"), nil
	}
	if errors.Is(err, io.EOF) {
		return "", fmt.Errorf("%w: cut off or too long", ErrProtocol)
	}
	return "", fmt.Errorf("clamav: receive: %w", err)
}

// verdict reads an answer to INSTREAM. Nothing but the exact words is clean.
func verdict(reply string) (scan.Verdict, error) {
	unscanned := scan.Verdict{State: scan.Unscanned}
	if strings.HasPrefix(reply, "INSTREAM size limit exceeded") {
		return unscanned, ErrTooLarge
	}
	if strings.HasSuffix(reply, " ERROR") {
		return unscanned, ErrFailed
	}
	said, ok := strings.CutPrefix(reply, "stream: ")
	if !ok {
		return unscanned, ErrProtocol
	}
	if said == "OK" {
		return scan.Verdict{State: scan.Clean}, nil
	}
	if threat, ok := strings.CutSuffix(said, " FOUND"); ok {
		return scan.Verdict{State: scan.Infected, Threat: printable(threat)}, nil
	}
	return unscanned, ErrProtocol
}

// printable keeps the visible ASCII of a name, bounded: it is shown and logged.
func printable(name string) string {
	kept := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, name)
	return kept[:min(len(kept), maxThreat)]
}
