package helpdesk

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// The bounds of back-off.
const (
	backoffFirst   = 2 * time.Second
	backoffMost    = 15 * time.Minute
	backoffConsent = time.Hour // a refused login is asked again rarely: it may have been the provider
)

// backoff is how long to wait after a failure that follows n others: doubling,
// bounded, never shorter than the provider asked, and spread by a fifth so
// that what failed together does not return together.
func backoff(err error, n int) time.Duration {
	d := backoffMost
	if n < 9 {
		d = min(backoffFirst<<n, backoffMost)
	}
	if mailbox.KindOf(err) == mailbox.Auth {
		d = backoffConsent
	}
	d = max(d, mailbox.RetryAfter(err))
	return d + time.Duration(rand.Int64N(int64(d)/5+1))
}

// nextHealth is how a mailbox does after an attempt that ended with err.
func nextHealth(h store.Health, err error, now time.Time, again time.Duration) store.Health {
	next := store.Health{State: store.HealthOK, Since: h.Since, SyncedAt: h.SyncedAt, NextAt: now.Add(again)}
	if err == nil {
		next.SyncedAt = now
	} else {
		next.Failures = h.Failures + 1
		next.State, next.Cause = diagnose(err)
	}
	if next.State != h.State {
		next.Since = now
	}
	return next
}

// diagnose names the state and the cause of an error. Causes are constants.
func diagnose(err error) (store.HealthState, string) {
	switch {
	case errors.Is(err, ErrHook):
		return store.HealthBroken, "hook"
	case errors.Is(err, ErrNoProvider):
		return store.HealthBroken, "provider not configured"
	case errors.Is(err, ErrSealed), errors.Is(err, errForm):
		return store.HealthBroken, "sealed data damaged"
	}
	var remote *mailbox.Error
	if !errors.As(err, &remote) {
		return store.HealthDelayed, "internal"
	}
	cause := remote.Op + ": " + string(remote.Kind)
	if remote.Cause != "" {
		cause = remote.Op + ": " + remote.Cause
	}
	switch remote.Kind {
	case mailbox.Auth:
		return store.HealthNeedsConsent, cause
	case mailbox.Throttled:
		return store.HealthThrottled, cause
	case mailbox.Permanent, mailbox.Unsupported, mailbox.TooLarge:
		return store.HealthBroken, cause
	default:
		return store.HealthDelayed, cause
	}
}

// settle ends a turn of a task: the task is put off or dropped and, where the
// task reads the mailbox, its health is what the turn showed.
func (d *Desk) settle(ctx context.Context, l *store.Lease, err error, f store.Finish) error {
	stopped := ctx.Err() != nil
	// The outcome is written even when the work was cut off.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settlePatience)
	defer cancel()
	switch {
	case errors.Is(err, store.ErrLeaseLost):
		return nil
	case stopped:
		err, f = nil, store.Finish{Again: true}
	case gone(err):
		f = store.Finish{}
	case err != nil:
		f = store.Finish{Again: true, After: backoff(err, l.Task.Attempts), Failed: true}
	}
	if err != nil {
		d.log.Warn("task failed", "kind", l.Task.Kind, "mailbox", l.Task.Mailbox, "attempts", l.Task.Attempts+1, "cause", describe(err))
	}
	c := store.Changes{Tenant: l.Task.Tenant, Lease: l, Finish: &f}
	if k := l.Task.Kind; !stopped && !gone(err) && (k == taskSync || k == taskBackfill) {
		if e := d.addHealth(ctx, &c, l, err, f.After); e != nil {
			return e
		}
	}
	werr := d.write(ctx, c)
	if errors.Is(werr, ErrHook) { // the hook's trouble must not hide the mailbox's
		c.Events = nil
		werr = d.write(ctx, c)
	}
	if errors.Is(werr, store.ErrLeaseLost) || gone(werr) {
		return nil
	}
	return werr
}

// settlePatience bounds the writing of an outcome.
const settlePatience = 10 * time.Second

// addHealth adds the new health of the lease's mailbox, with an event when the
// state changes.
func (d *Desk) addHealth(ctx context.Context, c *store.Changes, l *store.Lease, err error, again time.Duration) error {
	var m store.Mailbox
	e := d.store.View(ctx, func(ctx context.Context, r store.Reader) (err error) {
		m, err = r.Mailbox(ctx, l.Task.Tenant, l.Task.Mailbox)
		return err
	})
	if gone(e) {
		return nil
	}
	if e != nil {
		return e
	}
	now := d.now().UTC()
	next := nextHealth(m.Health, err, now, again)
	c.Health = []store.HealthChange{{Mailbox: m.ID, Health: next}}
	if next.State != m.Health.State {
		ev := mailboxEvent(m, ticket.MailboxHealth, now)
		ev.From, ev.To, ev.Cause = string(m.Health.State), string(next.State), next.Cause
		c.Events = append(c.Events, ev)
	}
	return nil
}

// Health is how the desk itself does.
type Health struct {
	// Profile is the privacy profile whose promises are enforced.
	Profile string
	// KeysDurable and AccessLogDurable tell whether they outlive the process.
	KeysDurable, AccessLogDurable bool
	// Store is nil when the store answers.
	Store error
}

// Health tells how the desk itself does; mailboxes have their own in
// [Tenant.Mailboxes].
func (d *Desk) Health(ctx context.Context) Health {
	h := Health{Profile: d.profile, KeysDurable: d.keysKept, AccessLogDurable: d.logKept}
	_, h.Store = d.store.Deployment(ctx)
	return h
}
