package clamav_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/scan"
	"github.com/helpdesk-go/helpdesk/scan/clamav"
)

var _ scan.Scanner = (*clamav.Scanner)(nil)

// peer answers each connection with what script does, in place of clamd.
func peer(t *testing.T, opts clamav.Options, script func(net.Conn)) *clamav.Scanner {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				script(conn)
			}()
		}
	}()
	opts.Network, opts.Address = "tcp", l.Addr().String()
	s, err := clamav.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// receive reads a whole INSTREAM command and returns its content.
func receive(r io.Reader) ([]byte, error) {
	command := make([]byte, len("zINSTREAM\x00"))
	if _, err := io.ReadFull(r, command); err != nil || string(command) != "zINSTREAM\x00" {
		return nil, errors.New("not INSTREAM")
	}
	var all bytes.Buffer
	for {
		var n uint32
		if err := binary.Read(r, binary.BigEndian, &n); err != nil {
			return nil, err
		}
		if n == 0 {
			return all.Bytes(), nil
		}
		if _, err := io.CopyN(&all, r, int64(n)); err != nil {
			return nil, err
		}
	}
}

func answer(reply string) func(net.Conn) {
	return func(c net.Conn) {
		if _, err := receive(c); err != nil {
			reply = "bad request ERROR\x00"
		}
		io.WriteString(c, reply)
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		reply  string
		state  scan.State
		threat string
		err    error
	}{
		{"stream: OK\x00", scan.Clean, "", nil},
		{"stream: Win.Test.EICAR_HDB-1 FOUND\x00", scan.Infected, "Win.Test.EICAR_HDB-1", nil},
		{"stream: a\x1b[31m\nb FOUND\x00", scan.Infected, "a[31mb", nil},
		{"INSTREAM size limit exceeded. ERROR\x00", scan.Unscanned, "", clamav.ErrTooLarge},
		{"stream: Can't allocate memory ERROR\x00", scan.Unscanned, "", clamav.ErrFailed},
		{"UNKNOWN COMMAND\x00", scan.Unscanned, "", clamav.ErrProtocol},
		{"stream: OK", scan.Unscanned, "", clamav.ErrProtocol},
		{"", scan.Unscanned, "", clamav.ErrProtocol},
		{"stream: OK " + strings.Repeat("x", 8<<10) + "\x00", scan.Unscanned, "", clamav.ErrProtocol},
	} {
		v, err := peer(t, clamav.Options{}, answer(c.reply)).Scan(context.Background(), strings.NewReader("content"))
		if v.State != c.state || v.Threat != c.threat || !errors.Is(err, c.err) {
			t.Errorf("%.40q: %+v, %v", c.reply, v, err)
		}
	}
}

func TestContentArrivesWhole(t *testing.T) {
	want := bytes.Repeat([]byte("0123456789abcdef"), 20_000)
	got := make(chan []byte, 1)
	s := peer(t, clamav.Options{}, func(c net.Conn) {
		all, _ := receive(c)
		got <- all
		io.WriteString(c, "stream: OK\x00")
	})
	v, err := s.Scan(context.Background(), bytes.NewReader(want))
	if err != nil || v.State != scan.Clean {
		t.Fatalf("%+v, %v", v, err)
	}
	if !bytes.Equal(<-got, want) {
		t.Error("the content changed on its way")
	}
}

// clamd answers and hangs up before it has read a stream that is too long.
func TestLimitReachedWhileSending(t *testing.T) {
	s := peer(t, clamav.Options{}, func(c net.Conn) {
		io.CopyN(io.Discard, c, 100)
		io.WriteString(c, "INSTREAM size limit exceeded. ERROR\x00")
		c.(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, c)
	})
	v, err := s.Scan(context.Background(), bytes.NewReader(make([]byte, 8<<20)))
	if v.State != scan.Unscanned || !errors.Is(err, clamav.ErrTooLarge) {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestOwnLimit(t *testing.T) {
	s := peer(t, clamav.Options{MaxBytes: 10}, answer("stream: OK\x00"))
	v, err := s.Scan(context.Background(), strings.NewReader("eleven byte"))
	if v.State != scan.Unscanned || !errors.Is(err, clamav.ErrTooLarge) {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestHangingPeer(t *testing.T) {
	silent := func(c net.Conn) { io.Copy(io.Discard, c) }
	s := peer(t, clamav.Options{Timeout: 50 * time.Millisecond}, silent)
	v, err := s.Scan(context.Background(), strings.NewReader("x"))
	if v.State != scan.Unscanned || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%+v, %v", v, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := peer(t, clamav.Options{}, silent).Scan(ctx, strings.NewReader("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestContentThatCannotBeRead(t *testing.T) {
	broken := errors.New("broken")
	s := peer(t, clamav.Options{}, answer("stream: OK\x00"))
	v, err := s.Scan(context.Background(), io.MultiReader(strings.NewReader("x"), failing{broken}))
	if v.State != scan.Unscanned || !errors.Is(err, broken) {
		t.Errorf("%+v, %v", v, err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestPing(t *testing.T) {
	s := peer(t, clamav.Options{}, func(c net.Conn) {
		io.CopyN(io.Discard, c, int64(len("zPING\x00")))
		io.WriteString(c, "PONG\x00")
	})
	if err := s.Ping(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestNewRefusesWhatItCannotReach(t *testing.T) {
	for _, o := range []clamav.Options{{}, {Network: "udp", Address: "x:1"}, {Network: "tcp"}} {
		if _, err := clamav.New(o); err == nil {
			t.Errorf("%+v taken", o)
		}
	}
}
