package helpdesk

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
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

// turn is how a turn of a task went, as the health of its mailbox sees it.
type turn struct {
	kind  store.TaskKind
	err   error
	again time.Duration
	// end is set when a stream was read to its end.
	end bool
}

// healthGrace is how long after its next try was due a trouble of another task
// than the live sync is taken to go on.
const healthGrace = time.Minute

// nextHealth is how a mailbox does after a turn. The live sync speaks for the
// mailbox. Trouble of another task stands beside it under that task's name
// until the task does well or is tried no more: a success of one does not hide
// the failures of the other, and the state does not flap.
func nextHealth(h store.Health, t turn, now time.Time) store.Health {
	mine := t.kind == taskSync
	name := string(t.kind) + ": "
	next := h
	if mine && t.err == nil && t.end {
		next.SyncedAt = now
	}
	other, foreign := foreignCause(h.Cause)
	switch {
	case t.err == nil && mine && foreign && now.Before(h.NextAt.Add(healthGrace)),
		t.err == nil && !mine && other != t.kind,
		t.err != nil && !mine && h.State != store.HealthOK && other != t.kind:
		return next
	case t.err == nil:
		next.State, next.Cause, next.Failures = store.HealthOK, "", 0
	default:
		next.Failures++
		next.State, next.Cause = diagnose(t.err)
		if !mine {
			next.Cause = name + next.Cause
		}
	}
	next.NextAt = now.Add(t.again)
	if next.State != h.State {
		next.Since = now
	}
	return next
}

// foreignCause tells which other task than the live sync a cause is of.
func foreignCause(cause string) (store.TaskKind, bool) {
	for _, k := range []store.TaskKind{taskBackfill, taskSend, taskFile} {
		if strings.HasPrefix(cause, string(k)+": ") {
			return k, true
		}
	}
	return "", false
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
	over := d.gone(ctx, l, err)
	switch {
	case errors.Is(err, store.ErrLeaseLost) && !errors.Is(err, ErrHook):
		return nil
	case stopped && err != nil:
		err, f = nil, store.Finish{Again: true}
	case over:
		f = store.Finish{}
	case err != nil:
		f = store.Finish{Again: true, After: backoff(err, l.Task.Attempts), Failed: true}
	}
	if err != nil {
		d.log.Warn("task failed", "kind", l.Task.Kind, "mailbox", l.Task.Mailbox, "attempts", l.Task.Attempts+1, "cause", describe(err))
	}
	c := store.Changes{Tenant: l.Task.Tenant, Lease: l, Finish: &f}
	if !stopped && !over && tellsHealth(l.Task.Kind, err) {
		h := turn{kind: l.Task.Kind, err: err, again: f.After, end: f.After > 0}
		if e := d.addHealth(ctx, &c, l, h); e != nil {
			return e
		}
	}
	werr := d.write(ctx, c)
	if errors.Is(werr, ErrHook) { // the hook's trouble must not hide the mailbox's
		c.Events = nil
		werr = d.write(ctx, c)
	}
	if errors.Is(werr, ErrHook) {
		return werr
	}
	if errors.Is(werr, store.ErrLeaseLost) || errors.Is(werr, store.ErrFenced) || errors.Is(werr, store.ErrNotFound) {
		return nil // the mailbox was disconnected meanwhile, and its tasks with it
	}
	return werr
}

// tellsHealth reports whether a turn says something about the mailbox. How a
// single reply fares stands in its delivery; a hook that fails concerns all.
func tellsHealth(k store.TaskKind, err error) bool {
	switch k {
	case taskSync, taskBackfill:
		return true
	case taskSend, taskFile:
		return err == nil || errors.Is(err, ErrHook)
	default:
		return false
	}
}

// settlePatience bounds the writing of an outcome.
const settlePatience = 10 * time.Second

// addHealth adds the new health of the lease's mailbox, with an event when the
// state changes.
func (d *Desk) addHealth(ctx context.Context, c *store.Changes, l *store.Lease, h turn) error {
	var m store.Mailbox
	e := d.store.View(ctx, func(ctx context.Context, r store.Reader) (err error) {
		m, err = r.Mailbox(ctx, l.Task.Tenant, l.Task.Mailbox)
		return err
	})
	if errors.Is(e, store.ErrNotFound) {
		return nil
	}
	if e != nil {
		return e
	}
	now := d.now().UTC()
	next := nextHealth(m.Health, h, now)
	if next == m.Health {
		return nil
	}
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
