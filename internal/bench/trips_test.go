package bench_test

import (
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/helpdesk-go/helpdesk/internal/benchmail"
	"github.com/helpdesk-go/helpdesk/internal/testpg"
)

// BenchmarkRoundTripsPerPage counts at the wire how often the desk waits for
// the database while it takes in a page of 100 mails, with everything around
// the page that a pass needs: claiming the task, opening the credential, which
// is logged, and finishing.
func BenchmarkRoundTripsPerPage(b *testing.B) {
	ms := benchmail.Mails(seed, mails)
	for b.Loop() {
		w := newWire(b, testpg.DSN(b))
		x := &box{mails: ms[:page]}
		d := newDesk(b, w.dsn, x)
		d.takeIn() // statements are prepared once on a connection
		x.mails = ms
		d.dueNow()
		before := w.trips.Load()
		d.takeIn()
		per := float64(w.trips.Load()-before) / float64(len(ms)/page-1)
		d.holds(len(ms))
		ratios.report(b, "round_trips_per_page", per, "all waits of a pass over %d pages of %d mails, divided by the pages", len(ms)/page-1, page)
	}
}

// wire is a relay to the database that counts: a request that follows an
// answer starts a round trip.
type wire struct {
	dsn   string
	trips atomic.Int64
}

func newWire(b *testing.B, dsn string) *wire {
	b.Helper()
	u, err := url.Parse(dsn)
	must(b, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(b, err)
	b.Cleanup(func() { _ = l.Close() })
	server := u.Host
	u.Host = l.Addr().String()
	w := &wire{dsn: u.String()}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go w.relay(c, server)
		}
	}()
	return w
}

func (w *wire) relay(client net.Conn, server string) {
	defer func() { _ = client.Close() }()
	up, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer func() { _ = up.Close() }()
	var waiting atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		_, _ = io.Copy(client, tap{up, func() { waiting.Store(false) }})
		_ = client.Close()
	})
	_, _ = io.Copy(up, tap{client, func() {
		if !waiting.Swap(true) {
			w.trips.Add(1)
		}
	}})
	_ = up.Close()
	wg.Wait()
}

// tap calls seen whenever something was read.
type tap struct {
	io.Reader
	seen func()
}

func (t tap) Read(p []byte) (int, error) {
	n, err := t.Reader.Read(p)
	if n > 0 {
		t.seen()
	}
	return n, err
}
