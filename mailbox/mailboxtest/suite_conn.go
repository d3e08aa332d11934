package mailboxtest

import (
	"context"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

var connCases = []testCase{
	{name: "conn/ctx ended", run: caseCancelled},
	{name: "conn/close twice, then errors", run: caseClose},
	{name: "conn/lost connection is Transient", needs: []string{"Cut"}, run: caseCut},
	{name: "conn/throttling states how long", needs: []string{"Throttle"}, run: caseThrottle},
	{name: "conn/ctx ends a blocked call", needs: []string{"Hang"}, run: caseHangCancel},
	{name: "conn/Close ends a blocked call", needs: []string{"Hang"}, run: caseHangClose},
}

func caseCancelled(b *bench) {
	c, cur := b.inbox()
	b.deliver("a")
	items, _ := b.gather(c, after(cur), 1)
	ctx, cancel := context.WithCancel(b.ctx())
	cancel()
	calls := map[string]func() error{
		"Changes": func() error { _, err := c.Changes(ctx, after(cur)); return err },
		"Fetch":   func() error { _, err := c.Fetch(ctx, items[0], maxFetch); return err },
		"FindSent": func() error {
			_, err := c.FindSent(ctx, mailbox.Sought{MessageID: "a@desk.example"})
			return err
		},
	}
	for name, call := range calls {
		b.soon(name+" with an ended ctx", func() {
			err := call()
			if err == nil {
				b.Errorf("%s with an ended ctx succeeded", name)
				return
			}
			b.check(err)
		})
	}
}

func caseClose(b *bench) {
	c, cur := b.inbox()
	for range 2 {
		if err := c.Close(); err != nil {
			b.check(err)
			b.Errorf("Close: %v", err)
		}
	}
	_, err := c.Changes(b.ctx(), after(cur))
	if err == nil {
		b.Fatal("Changes on a closed connection succeeded")
	}
	b.check(err)
}

func caseCut(b *bench) {
	c, cur := b.inbox()
	b.deliver("a")
	items, _ := b.gather(c, after(cur), 1)
	b.Cut(b.T)
	_, err := c.Fetch(b.ctx(), items[0], maxFetch)
	b.wantKind("Fetch on a lost connection", err, mailbox.Transient)
	if err := c.Close(); err != nil {
		b.check(err)
	}
	c = b.open(mailbox.Intake{})
	b.wantNames(c, items, "a")
}

func caseThrottle(b *bench) {
	c, cur := b.inbox()
	b.Throttle(b.T, 7*time.Minute)
	_, err := c.Changes(b.ctx(), after(cur))
	b.wantKind("Changes that is throttled", err, mailbox.Throttled)
	if got := mailbox.RetryAfter(err); got != 7*time.Minute {
		b.Errorf("RetryAfter is %s, want 7m", got)
	}
}

// blocked calls Changes on a server that does not answer.
func (b *bench) blocked(ctx context.Context, c mailbox.Conn, cur mailbox.Cursor) <-chan error {
	b.Helper()
	b.Hang(b.T)
	done := make(chan error, 1)
	go func() {
		_, err := c.Changes(ctx, after(cur))
		done <- err
	}()
	select {
	case err := <-done:
		b.Fatalf("Changes returned although the server hangs: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	return done
}

func (b *bench) wantReturn(done <-chan error) {
	b.Helper()
	select {
	case err := <-done:
		if err == nil {
			b.Fatal("a call that was ended succeeded")
		}
		b.check(err)
	case <-time.After(b.h.Timeout):
		b.Fatal("the call is still blocked")
	}
}

func caseHangCancel(b *bench) {
	c, cur := b.inbox()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := b.blocked(ctx, c, cur)
	cancel()
	b.wantReturn(done)
}

func caseHangClose(b *bench) {
	c, cur := b.inbox()
	done := b.blocked(b.ctx(), c, cur)
	b.soon("Close", func() { c.Close() })
	b.wantReturn(done)
}
