package mailboxtest

import (
	"context"
	"net/http"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

var notifyCases = []testCase{
	{name: "wait/wakes on delivery", when: hasWaits, run: caseWait},
	{name: "wait/misses nothing since Changes", when: hasWaits, run: caseWaitMissed},
	{name: "wait/ctx ending is no error", when: hasWaits, run: caseWaitCancel},
	{name: "wait/Close ends it", when: hasWaits, run: caseWaitClose},
	{name: "watch/starts, renews and ends", when: func(c mailbox.Capabilities) bool { return c.Watches },
		needs: []string{"Target"}, run: caseWatch},
	{name: "push/names the mailbox", when: watchesPush, needs: []string{"Target", "Pushes"}, run: casePush},
	{name: "push/a forged one is Auth", when: hasPushes, needs: []string{"Forged"}, run: caseForged},
	{name: "push/handshake has no hints", when: hasPushes, needs: []string{"Handshake"}, run: caseHandshake},
	{name: "revoke/ends the grant, twice", when: func(c mailbox.Capabilities) bool { return c.Revokes }, run: caseRevoke},
}

func hasWaits(c mailbox.Capabilities) bool    { return c.Waits }
func hasPushes(c mailbox.Capabilities) bool   { return c.Pushes }
func watchesPush(c mailbox.Capabilities) bool { return c.Pushes && c.Watches }

// wait waits in the background.
func (b *bench) wait(ctx context.Context, c mailbox.Conn) <-chan error {
	done := make(chan error, 1)
	go func() { done <- c.(mailbox.Waiter).Wait(ctx) }()
	return done
}

// woken fails the case unless Wait returned nil in time.
func (b *bench) woken(done <-chan error) {
	b.Helper()
	select {
	case err := <-done:
		if err != nil {
			b.check(err)
			b.Fatalf("Wait: %v", err)
		}
	case <-time.After(b.h.Timeout):
		b.Fatal("Wait is still blocked")
	}
}

func caseWait(b *bench) {
	c, cur := b.inbox()
	done := b.wait(b.ctx(), c)
	time.Sleep(100 * time.Millisecond) // so that it waits
	b.deliver("a")
	b.woken(done)
	items, _ := b.gather(c, after(cur), 1)
	b.wantNames(c, items, "a")
}

func caseWaitMissed(b *bench) {
	c, cur := b.inbox()
	b.deliver("a")
	b.woken(b.wait(b.ctx(), c))
	items, _ := b.gather(c, after(cur), 1)
	b.wantNames(c, items, "a")
}

func caseWaitCancel(b *bench) {
	c, cur := b.inbox()
	ctx, cancel := context.WithCancel(b.ctx())
	defer cancel()
	done := b.wait(ctx, c)
	time.AfterFunc(100*time.Millisecond, cancel)
	b.woken(done)
	// Waiting leaves a connection that works.
	b.deliver("a")
	items, _ := b.gather(c, after(cur), 1)
	b.wantNames(c, items, "a")
}

func caseWaitClose(b *bench) {
	c, _ := b.inbox()
	done := b.wait(b.ctx(), c)
	time.Sleep(100 * time.Millisecond)
	b.soon("Close", func() { c.Close() })
	select {
	case err := <-done:
		if err != nil {
			b.check(err)
		}
	case <-time.After(b.h.Timeout):
		b.Fatal("Wait is still blocked after Close")
	}
}

func (b *bench) watch(c mailbox.Conn, w mailbox.Watch) mailbox.Watch {
	b.Helper()
	w, err := c.(mailbox.Watcher).Watch(b.ctx(), w)
	if err != nil {
		b.check(err)
		b.Fatalf("Watch: %v", err)
	}
	if !w.Expires.After(time.Now()) {
		b.Fatal("Watch.Expires is not in the future")
	}
	return w
}

func caseWatch(b *bench) {
	c := b.open(mailbox.Intake{})
	w := b.watch(c, mailbox.Watch{Target: b.Target, Secret: "s3cr3t-of-the-watch"})
	again := b.watch(c, w)
	if again.ID != w.ID || again.Expires.Before(w.Expires) {
		b.Error("renewing changed the ID or shortened the Watch")
	}
	for range 2 {
		if err := c.(mailbox.Watcher).Unwatch(b.ctx(), again); err != nil {
			b.check(err)
			b.Errorf("Unwatch: %v", err)
		}
	}
}

func (b *bench) parse(r *http.Request) ([]mailbox.Hint, int, error) {
	hints, status, _, err := b.Provider.(mailbox.PushParser).ParsePush(r)
	return hints, status, err
}

func casePush(b *bench) {
	c := b.open(mailbox.Intake{})
	w := b.watch(c, mailbox.Watch{Target: b.Target, Secret: "s3cr3t-of-the-watch"})
	b.deliver("a")
	for end := time.Now().Add(b.h.Timeout); ; time.Sleep(10 * time.Millisecond) {
		for _, r := range b.Pushes(b.T) {
			hints, status, err := b.parse(r)
			if err != nil || status < 200 || status > 299 {
				b.Fatalf("ParsePush: status %d, %v", status, err)
			}
			for _, h := range hints {
				if w.ID != "" && h.Watch == w.ID || h.Identity == b.Account.Identity() {
					return
				}
			}
		}
		if time.Now().After(end) {
			b.Fatal("no notification named the mailbox")
		}
	}
}

func caseForged(b *bench) {
	hints, status, err := b.parse(b.Forged(b.T))
	b.wantKind("ParsePush of a forged notification", err, mailbox.Auth)
	if len(hints) > 0 || status < 400 {
		b.Errorf("a forged notification gives %d hints and status %d", len(hints), status)
	}
}

func caseHandshake(b *bench) {
	hints, status, err := b.parse(b.Handshake(b.T))
	if err != nil || len(hints) > 0 || status < 200 || status > 299 {
		b.Errorf("a handshake gives %d hints, status %d, %v", len(hints), status, err)
	}
}

func caseRevoke(b *bench) {
	c := b.open(mailbox.Intake{})
	for range 2 {
		if err := c.(mailbox.Revoker).Revoke(b.ctx()); err != nil {
			b.check(err)
			b.Fatalf("Revoke: %v", err)
		}
	}
	_, err := b.Provider.Open(b.ctx(), b.session(b.Account, mailbox.Intake{}))
	b.wantKind("Open after Revoke", err, mailbox.Auth)
}
