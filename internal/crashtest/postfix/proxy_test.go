package postfix

import (
	"net"
	"sync"
	"testing"
)

// fault is a step at which a proxy is to kill the worker.
type fault struct {
	plan
	// kill ends the worker and returns when it is gone, so that it cannot
	// notice what the proxy does next.
	kill func()
}

// proxy stands between the workers and a server. It relays until the step that
// it is armed with comes by.
type proxy struct {
	addr     string
	upstream string
	relay    func(p *proxy, client net.Conn)

	mu    sync.Mutex
	armed *fault
	conns map[net.Conn]bool
	wg    sync.WaitGroup
}

// listen starts a proxy on loopback that ends with the test.
func listen(tb testing.TB, upstream string, relay func(*proxy, net.Conn)) *proxy {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p := &proxy{addr: l.Addr().String(), upstream: upstream, relay: relay, conns: map[net.Conn]bool{}}
	p.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.track(c)
			p.wg.Go(func() {
				defer p.drop(c)
				p.relay(p, c)
			})
		}
	})
	tb.Cleanup(func() {
		_ = l.Close()
		p.closeAll()
		p.wg.Wait()
	})
	return p
}

// dial connects to the server behind the proxy.
func (p *proxy) dial() (net.Conn, error) {
	c, err := net.Dial("tcp", p.upstream)
	if err == nil {
		p.track(c)
	}
	return c, err
}

func (p *proxy) track(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns[c] = true
}

func (p *proxy) drop(c net.Conn) {
	p.mu.Lock()
	delete(p.conns, c)
	p.mu.Unlock()
	_ = c.Close()
}

func (p *proxy) closeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
}

// arm sets the fault that the next fitting step takes, or none.
func (p *proxy) arm(f *fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed = f
}

// wanted returns the fault if it is armed for the step.
func (p *proxy) wanted(step string) (fault, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.armed == nil || p.armed.step != step {
		return fault{}, false
	}
	return *p.armed, true
}

// take is wanted for the one connection that comes first: it alone kills.
func (p *proxy) take(step string) (fault, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.armed == nil || p.armed.step != step {
		return fault{}, false
	}
	f := *p.armed
	p.armed = nil
	return f, true
}
