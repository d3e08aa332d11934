package crashtest

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
)

// The places where the proxy cuts a connection to the database. The first
// three are of an explicit COMMIT; the others of the Sync that commits a batch
// without a transaction of its own.
const (
	CutBeforeCommit = "before-commit" // COMMIT never reaches the server
	CutAtCommit     = "at-commit"     // it does, and nobody waits for the answer
	CutAfterCommit  = "after-commit"  // it was carried out, the answer gets lost
	CutBeforeSync   = "before-sync"
	CutAtSync       = "at-sync"
	CutAfterSync    = "after-sync"
)

// Cuts lists the faults of the proxy.
func Cuts() []string {
	return []string{CutBeforeCommit, CutAtCommit, CutAfterCommit, CutBeforeSync, CutAtSync, CutAfterSync}
}

// proxy stands between the workers and the database and knows enough of the
// protocol to find the commits.
type proxy struct {
	listen net.Listener
	server string

	mu    sync.Mutex
	armed map[string]int // cut -> after how many it fires
	fired map[string]int
	conns map[net.Conn]bool
	wg    sync.WaitGroup
}

func newProxy(server string) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listen: l, server: server, armed: map[string]int{}, fired: map[string]int{}, conns: map[net.Conn]bool{}}
	p.wg.Go(p.serve)
	return p, nil
}

func (p *proxy) addr() string { return p.listen.Addr().String() }

// arm cuts the connection at the nth such place from now.
func (p *proxy) arm(cut string, nth int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed[cut] = nth
}

// heal forgets what is armed.
func (p *proxy) heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.armed)
}

// open counts the workers' connections.
func (p *proxy) open() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.conns)
}

func (p *proxy) close() {
	_ = p.listen.Close()
	p.mu.Lock()
	for c := range p.conns {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.wg.Wait()
}

func (p *proxy) serve() {
	for {
		c, err := p.listen.Accept()
		if err != nil {
			return
		}
		p.wg.Go(func() { p.carry(c) })
	}
}

func (p *proxy) carry(worker net.Conn) {
	p.mu.Lock()
	p.conns[worker] = true
	p.mu.Unlock()
	defer func() {
		_ = worker.Close()
		p.mu.Lock()
		delete(p.conns, worker)
		p.mu.Unlock()
	}()
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		return
	}
	l := &lane{p: p, worker: worker, server: server, deaf: make(chan struct{})}
	var back sync.WaitGroup
	back.Go(l.answers)
	l.requests()
	_ = server.Close()
	_ = worker.Close()
	back.Wait()
}

// lane is one connection.
type lane struct {
	p              *proxy
	worker, server net.Conn
	once           sync.Once
	deaf           chan struct{} // closed when answers get lost
}

// answers carries what the server says, until the answer that gets lost.
func (l *lane) answers() {
	buf := make([]byte, 32<<10)
	for {
		n, err := l.server.Read(buf)
		select {
		case <-l.deaf:
			_ = l.worker.Close() // the server has done what was asked
			return
		default:
		}
		if n > 0 {
			if _, err := l.worker.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			_ = l.worker.Close()
			return
		}
	}
}

var errCut = errors.New("crashtest: the connection was cut")

// requests carries the frontend's messages one by one (PostgreSQL, "Message
// Formats"): the first has no type byte.
func (l *lane) requests() {
	first := true
	inTx := false
	for {
		head := make([]byte, 5)
		if first {
			head = head[:4]
		}
		if _, err := io.ReadFull(l.worker, head); err != nil {
			return
		}
		size := int(binary.BigEndian.Uint32(head[len(head)-4:]))
		if size < 4 || size > 1<<30 {
			return
		}
		body := make([]byte, size-4)
		if _, err := io.ReadFull(l.worker, body); err != nil {
			return
		}
		msg := append(head, body...)
		err := l.pass(msg, first, &inTx)
		if err != nil {
			return
		}
		first = false
	}
}

// pass forwards one message, unless a cut is due.
func (l *lane) pass(msg []byte, first bool, inTx *bool) error {
	before, at, after := "", "", ""
	if !first {
		word := statement(msg)
		switch {
		case word == "commit":
			before, at, after = CutBeforeCommit, CutAtCommit, CutAfterCommit
			*inTx = false
		case word == "rollback":
			*inTx = false
		case strings.HasPrefix(word, "begin"):
			*inTx = true
		case msg[0] == 'S' && !*inTx:
			before, at, after = CutBeforeSync, CutAtSync, CutAfterSync
		}
	}
	if before != "" && l.p.due(before) {
		return errCut
	}
	lose := after != "" && l.p.due(after)
	if lose {
		l.once.Do(func() { close(l.deaf) })
	}
	if _, err := l.server.Write(msg); err != nil {
		return err
	}
	if at != "" && !lose && l.p.due(at) {
		_ = l.worker.Close()
		return errCut
	}
	return nil
}

// statement is the text of a query or of a statement that is parsed, in lower
// case, cut to what tells transactions apart.
func statement(msg []byte) string {
	var text string
	switch msg[0] {
	case 'Q':
		text = string(msg[5:min(len(msg), 40)])
	case 'P':
		_, rest, ok := strings.Cut(string(msg[5:min(len(msg), 200)]), "\x00")
		if !ok {
			return ""
		}
		text = rest
	default:
		return ""
	}
	text, _, _ = strings.Cut(text, "\x00")
	return strings.ToLower(strings.TrimRight(strings.TrimSpace(text), ";"))
}

// due counts down and tells whether the cut happens now.
func (p *proxy) due(cut string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, ok := p.armed[cut]
	if !ok {
		return false
	}
	if n > 1 {
		p.armed[cut] = n - 1
		return false
	}
	delete(p.armed, cut)
	p.fired[cut]++
	return true
}
