package mailboxtest

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

// conn is a connection without optional abilities; withAbilities adds them.
type conn struct {
	f       *Fake
	user    string
	box     *box
	intake  mailbox.Intake
	opened  time.Time
	closed  chan struct{}
	once    sync.Once
	busy    atomic.Bool
	broken  atomic.Bool // a cut connection answers nothing more
	counted bool        // in Fake.conns; guarded by Fake.mu
	seen    int         // notifications this connection knows; guarded by Fake.mu
}

func newConn(f *Fake, a Account, in mailbox.Intake) *conn {
	f.mu.Lock()
	defer f.mu.Unlock()
	return &conn{f: f, user: a.User, box: f.box(a.User), intake: in,
		opened: time.Now(), closed: make(chan struct{})}
}

// Close implements mailbox.Conn.
func (c *conn) Close() error {
	c.once.Do(func() {
		close(c.closed)
		c.f.mu.Lock()
		defer c.f.mu.Unlock()
		if c.counted {
			c.f.conns--
		}
	})
	return nil
}

// Fetch implements mailbox.Conn.
func (c *conn) Fetch(ctx context.Context, it mailbox.Item, max int64) (mailbox.Raw, error) {
	k, err := c.begin(ctx, OpFetch)
	if err != nil {
		return mailbox.Raw{}, err
	}
	defer k.end()
	raw, err := k.fetch(it, max)
	if err != nil {
		return mailbox.Raw{}, err
	}
	return finish(ctx, k, raw)
}

func (k *call) fetch(it mailbox.Item, max int64) (raw mailbox.Raw, err error) {
	c := k.c
	c.f.mu.Lock()
	defer c.f.mu.Unlock()
	c.box.fetched = append(c.box.fetched, it.ID)
	m := c.box.find(it.ID)
	switch {
	case m == nil || k.spoils(FaultMissing):
		return raw, fail(OpFetch, mailbox.NotFound, "mail is gone")
	case int64(len(m.raw)) > max || k.spoils(FaultTooLarge):
		return raw, fail(OpFetch, mailbox.TooLarge, "mail above the limit")
	}
	c.box.moved = append(c.box.moved, m.messageID)
	if k.spoils(FaultHalfBody) {
		c.broken.Store(true)
		return raw, fail(OpFetch, mailbox.Transient, "body did not arrive whole")
	}
	return mailbox.Raw{Bytes: bytes.Clone(m.raw), EnvelopeFrom: m.from, HasEnvelope: m.hasEnvelope}, nil
}

// call is one request.
type call struct {
	c     *conn
	op    string
	fault *rule // drawn for this request, or nil
}

// begin counts a request and lets happen whatever prevents its effect.
func (c *conn) begin(ctx context.Context, op string) (*call, error) {
	k := &call{c: c, op: op}
	if err := c.usable(ctx, op); err != nil {
		return nil, err
	}
	if !c.busy.CompareAndSwap(false, true) {
		c.f.mu.Lock()
		c.f.misuse = append(c.f.misuse, op+": connection used by two goroutines at once")
		c.f.mu.Unlock()
	}
	c.f.mu.Lock()
	c.f.requests[op]++
	dead := c.box.dead && op != OpOpen && op != OpRevoke
	if !dead {
		k.fault = c.f.draw(op, c.user)
	}
	c.f.mu.Unlock()
	if dead {
		k.end()
		return nil, unsent(op, mailbox.Auth, "token revoked")
	}
	if err := k.before(ctx); err != nil {
		k.end()
		return nil, err
	}
	return k, nil
}

func (k *call) end() { k.c.busy.Store(false) }

// usable reports why a request cannot even start.
func (c *conn) usable(ctx context.Context, op string) error {
	var e *mailbox.Error
	select {
	case <-c.closed:
		e = unsent(op, mailbox.Transient, "connection is closed")
	default:
		switch {
		case c.broken.Load():
			e = unsent(op, mailbox.Transient, "connection was lost")
		case ctx.Err() != nil:
			e = unsent(op, mailbox.Transient, "context ended")
			e.Err = context.Cause(ctx)
		default:
			return nil
		}
	}
	return e
}

// before takes the request's time and fails if the fault comes before the
// effect.
func (k *call) before(ctx context.Context) error {
	d := k.c.f.opts.Latency
	if k.fault != nil {
		d += k.fault.Delay
	}
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		if err := k.block(ctx, timer.C); err != nil {
			return err
		}
	}
	k.c.f.mu.Lock()
	defer k.c.f.mu.Unlock()
	switch {
	case k.spoils(FaultSlow):
	case k.spoils(FaultThrottle):
		e := unsent(k.op, mailbox.Throttled, "too many requests")
		e.RetryAfter = k.fault.RetryAfter
		return e
	case k.spoils(FaultServerError):
		return fail(k.op, mailbox.Transient, "server error")
	case k.spoils(FaultCutBefore):
		k.c.broken.Store(true)
		return fail(k.op, mailbox.Transient, "connection was lost")
	case k.spoils(FaultTokenDeath):
		k.c.box.dead = true
		return unsent(k.op, mailbox.Auth, "token revoked")
	case k.spoils(FaultRefuse):
		return unsent(k.op, mailbox.Transient, "connection refused")
	case k.spoils(FaultReject):
		return unsent(k.op, mailbox.Permanent, "mail rejected")
	case k.spoils(FaultHang):
		return k.hang(ctx)
	}
	return nil
}

// after fails if the fault comes after the effect. It is called without the
// lock and only if there was an effect.
func (k *call) after(ctx context.Context) error {
	k.c.f.mu.Lock()
	defer k.c.f.mu.Unlock()
	switch {
	case k.spoils(FaultCutAfter):
		k.c.broken.Store(true)
		return fail(k.op, mailbox.Transient, "connection was lost")
	case k.spoils(FaultHangAfter):
		return k.hang(ctx)
	}
	return nil
}

// finish returns v unless a fault comes after the effect.
func finish[T any](ctx context.Context, k *call, v T) (T, error) {
	if err := k.after(ctx); err != nil {
		var none T
		return none, err
	}
	return v, nil
}

// spoils fires the request's fault if it is of the kind. The lock is held.
func (k *call) spoils(kind FaultKind) bool {
	return k.fault != nil && k.fault.Kind == kind && k.c.f.fire(k.fault, k.op)
}

// hang gives the lock back while it blocks.
func (k *call) hang(ctx context.Context) error {
	k.c.f.mu.Unlock()
	defer k.c.f.mu.Lock()
	return k.block(ctx, nil)
}

// block waits for a channel, unless ctx or the connection ends first.
func (k *call) block(ctx context.Context, until <-chan time.Time) error {
	select {
	case <-until:
		return nil
	case <-k.c.closed:
		return fail(k.op, mailbox.Transient, "connection is closed")
	case <-ctx.Done():
		e := fail(k.op, mailbox.Transient, "context ended")
		e.Err = context.Cause(ctx)
		return e
	}
}

func fail(op string, kind mailbox.Kind, cause string) *mailbox.Error {
	return &mailbox.Error{Op: op, Kind: kind, Cause: cause}
}

// unsent is fail for what is certain not to have sent anything.
func unsent(op string, kind mailbox.Kind, cause string) *mailbox.Error {
	e := fail(op, kind, cause)
	e.Unsent = op == OpSend || op == OpSendDraft
	return e
}
