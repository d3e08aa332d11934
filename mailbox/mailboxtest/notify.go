package mailboxtest

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

// Notify tells whoever listens that the mailbox may have changed. Each change
// does so by itself.
func (f *Fake) Notify(user string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.notify(user, f.box(user))
}

// Mute ends or restarts the notifications of a mailbox, as a lapsed push does.
func (f *Fake) Mute(user string, on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.box(user).mute = on
}

// notify gives one notification, as the faults want it. The lock is held.
func (f *Fake) notify(user string, b *box) {
	if b.mute {
		return
	}
	var kind FaultKind
	if r := f.draw(OpNotify, user); r != nil && f.fire(r, OpNotify) {
		kind = r.Kind
	}
	switch kind {
	case FaultNotifyLost:
		return
	case FaultNotifyLate:
		b.heldOff = true
		return
	case FaultNotifyTwice:
		b.announce()
	}
	b.announce()
	if b.heldOff {
		b.heldOff = false
		b.announce()
	}
}

func (b *box) announce() {
	b.hints++
	close(b.wake)
	b.wake = make(chan struct{})
	now := time.Now()
	for _, w := range b.watches {
		if now.Before(w.Expires) {
			b.pushes = append(b.pushes, push{Watch: w.ID, Secret: w.Secret, target: w.Target})
		}
	}
}

// waiter adds mailbox.Waiter.
type waiter struct{ c *conn }

// Wait implements mailbox.Waiter. A notification since the last Changes or
// Wait ends it at once, so that none gets lost between the two.
func (w waiter) Wait(ctx context.Context) error {
	if ctx.Err() != nil {
		return nil
	}
	k, err := w.c.begin(ctx, OpWait)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	defer k.end()
	w.c.f.mu.Lock()
	wake, ready := w.c.box.wake, w.c.seen < w.c.box.hints
	w.c.f.mu.Unlock()
	if !ready {
		select {
		case <-wake:
		case <-ctx.Done():
			return nil
		case <-w.c.closed:
			return fail(OpWait, mailbox.Transient, "connection is closed")
		}
	}
	w.c.f.mu.Lock()
	// A burst wakes twice at most; a doubled notification still does.
	w.c.seen = max(w.c.seen+1, w.c.box.hints-1)
	w.c.f.mu.Unlock()
	return k.after(ctx)
}

// watcher adds mailbox.Watcher.
type watcher struct{ c *conn }

// Watch implements mailbox.Watcher.
func (d watcher) Watch(ctx context.Context, w mailbox.Watch) (mailbox.Watch, error) {
	k, err := d.c.begin(ctx, OpWatch)
	if err != nil {
		return mailbox.Watch{}, err
	}
	defer k.end()
	return finish(ctx, k, k.watch(w))
}

// watch renews a living watch and otherwise starts a new one.
func (k *call) watch(w mailbox.Watch) mailbox.Watch {
	f, b := k.c.f, k.c.box
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	w.Expires = now.Add(f.opts.WatchFor)
	for i, old := range b.watches {
		if w.ID != "" && old.ID == w.ID && now.Before(old.Expires) {
			b.watches[i] = w
			return w
		}
	}
	f.lastID++
	w.ID = fmt.Sprintf("w%d", f.lastID)
	b.watches = append(b.watches, w)
	return w
}

// Unwatch implements mailbox.Watcher.
func (d watcher) Unwatch(ctx context.Context, w mailbox.Watch) error {
	k, err := d.c.begin(ctx, OpUnwatch)
	if err != nil {
		return err
	}
	defer k.end()
	d.c.f.mu.Lock()
	b := d.c.box
	b.watches = slices.DeleteFunc(b.watches, func(o mailbox.Watch) bool { return o.ID == w.ID })
	d.c.f.mu.Unlock()
	return k.after(ctx)
}

// Watches returns the subscriptions that live.
func (f *Fake) Watches(user string) []mailbox.Watch {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	var alive []mailbox.Watch
	for _, w := range f.box(user).watches {
		if now.Before(w.Expires) {
			alive = append(alive, w)
		}
	}
	return alive
}

// push is the body of a notification.
type push struct {
	Watch  string `json:"watch"`
	Secret string `json:"secret"`
	target string
}

// Pushes returns, as requests to hand to the host's handler, the notifications
// that the watches of a mailbox brought about since the last call.
func (f *Fake) Pushes(user string) []*http.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := f.box(user)
	var all []*http.Request
	for _, p := range b.pushes {
		all = append(all, p.request())
	}
	b.pushes = nil
	return all
}

func (p push) request() *http.Request {
	body, _ := json.Marshal(p) // two strings cannot fail
	r, err := http.NewRequest(http.MethodPost, p.target, bytes.NewReader(body))
	if err != nil {
		panic("mailboxtest: Watch.Target is no URL")
	}
	return r
}

// pushProvider adds mailbox.PushParser.
type pushProvider struct{ provider }

// ParsePush implements mailbox.PushParser.
func (p pushProvider) ParsePush(r *http.Request) (hints []mailbox.Hint, status int, body []byte, err error) {
	f := p.f
	f.count(OpParsePush)
	if token := r.URL.Query().Get("validation"); token != "" {
		return nil, http.StatusOK, []byte(token), nil
	}
	var in push
	raw, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	if err != nil || json.Unmarshal(raw, &in) != nil {
		return nil, http.StatusBadRequest, nil, fail(OpParsePush, mailbox.Auth, "notification cannot be understood")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, b := range f.boxes {
		for _, w := range b.watches {
			if w.ID == in.Watch && subtle.ConstantTimeCompare([]byte(w.Secret), []byte(in.Secret)) == 1 {
				return []mailbox.Hint{{Watch: w.ID}}, http.StatusNoContent, nil, nil
			}
		}
	}
	return nil, http.StatusForbidden, nil, fail(OpParsePush, mailbox.Auth, "notification is forged")
}

func (f *Fake) count(op string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests[op]++
}

// revoker adds mailbox.Revoker.
type revoker struct{ c *conn }

// Revoke implements mailbox.Revoker.
func (d revoker) Revoke(ctx context.Context) error {
	k, err := d.c.begin(ctx, OpRevoke)
	if err != nil {
		return err
	}
	defer k.end()
	d.c.f.mu.Lock()
	d.c.box.dead = true
	d.c.f.mu.Unlock()
	return k.after(ctx)
}
