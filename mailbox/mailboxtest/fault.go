package mailboxtest

import (
	"fmt"
	"slices"
	"time"
)

// The operations of a provider: the methods of the contract in lower case, and
// OpNotify for the notification that follows each change of a mailbox.
const (
	OpOpen         = "open"
	OpChanges      = "changes"
	OpFetch        = "fetch"
	OpSend         = "send"
	OpFindSent     = "findsent"
	OpDraft        = "draft"
	OpFindDraft    = "finddraft"
	OpSendDraft    = "senddraft"
	OpDraftPresent = "draftpresent"
	OpFile         = "file"
	OpWait         = "wait"
	OpWatch        = "watch"
	OpUnwatch      = "unwatch"
	OpRevoke       = "revoke"
	OpParsePush    = "parsepush"
	OpNotify       = "notify"
)

// FaultKind is what goes wrong.
type FaultKind string

// The faults of any operation but OpNotify.
const (
	// FaultThrottle is a 429 with Fault.RetryAfter: Throttled, surely unsent.
	FaultThrottle FaultKind = "throttle"
	// FaultServerError is a 5xx without effect, which the caller cannot know:
	// Transient.
	FaultServerError FaultKind = "server-error"
	// FaultCutBefore loses the connection before the effect: Transient,
	// nothing happened, nothing proves it.
	FaultCutBefore FaultKind = "cut-before"
	// FaultCutAfter loses the connection after the effect: Transient, and it
	// happened.
	FaultCutAfter FaultKind = "cut-after"
	// FaultHang blocks before the effect until ctx ends or Close.
	FaultHang FaultKind = "hang"
	// FaultHangAfter blocks after the effect until ctx ends or Close.
	FaultHangAfter FaultKind = "hang-after"
	// FaultTokenDeath is KillToken: Auth, now and afterwards.
	FaultTokenDeath FaultKind = "token-death"
	// FaultSlow takes Fault.Delay and then succeeds.
	FaultSlow FaultKind = "slow"
)

// The faults of some operations.
const (
	// FaultRefuse (OpSend, OpSendDraft) is Transient and surely unsent, as a
	// connection that never came about.
	FaultRefuse FaultKind = "refuse"
	// FaultReject (OpSend, OpSendDraft) is Permanent and surely unsent.
	FaultReject FaultKind = "reject"
	// FaultExpire (OpChanges) makes the provider forget the stream's cursors.
	// It happens only to a request that has one.
	FaultExpire FaultKind = "expire"
	// FaultDuplicate (OpChanges) lists the page's last item on the next page
	// again.
	FaultDuplicate FaultKind = "duplicate"
	// FaultReorder (OpChanges) turns the order of the page's items round.
	FaultReorder FaultKind = "reorder"
	// FaultHalfBody (OpFetch) loses the connection within the body.
	FaultHalfBody FaultKind = "half-body"
	// FaultMissing (OpFetch) is NotFound, this time.
	FaultMissing FaultKind = "missing"
	// FaultTooLarge (OpFetch) is TooLarge, this time.
	FaultTooLarge FaultKind = "too-large"
)

// The faults of OpNotify.
const (
	// FaultNotifyTwice gives a notification twice.
	FaultNotifyTwice FaultKind = "notify-twice"
	// FaultNotifyLate holds a notification back until after the next one.
	FaultNotifyLate FaultKind = "notify-late"
	// FaultNotifyLost loses it.
	FaultNotifyLost FaultKind = "notify-lost"
)

// Fault is a rule: which requests fail, and how.
type Fault struct {
	// Op is the operation. Empty means each one that the kind fits.
	Op string
	// User is the mailbox. Empty means any.
	User string
	// Kind is what goes wrong.
	Kind FaultKind
	// Nth is the first matching request to fail, counted from 1 at Inject; 0
	// means 1.
	Nth int
	// Times is how often it fails; 0 means once, less than 0 for ever.
	Times int
	// RetryAfter is what FaultThrottle asks for.
	RetryAfter time.Duration
	// Delay is how long the request takes before it fails.
	Delay time.Duration
}

// rule is a Fault at work.
type rule struct {
	Fault
	seen, fired int
}

// Inject adds a rule. Rules are asked in the order in which they were added.
// It panics if the rule can never fire, since a test that relied on it would
// prove nothing.
func (f *Fake) Inject(r Fault) {
	if !slices.Contains(f.opts.operations(), r.Op) && r.Op != "" {
		panic(fmt.Sprintf("mailboxtest: fault in %q, which this fake never performs (see Fake.SendOp)", r.Op))
	}
	fits := slices.ContainsFunc(f.opts.operations(), func(op string) bool { return r.matches(op, r.User) })
	if !fits {
		panic(fmt.Sprintf("mailboxtest: fault %q does not fit operation %q", r.Kind, r.Op))
	}
	if r.Nth == 0 {
		r.Nth = 1
	}
	if r.Times == 0 {
		r.Times = 1
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = append(f.rules, &rule{Fault: r})
}

// Heal ends all rules and Chaos. Dead tokens stay dead.
func (f *Fake) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules, f.chaos = nil, nil
}

// SendOp is the operation that sends: OpSendDraft where there are drafts, for
// Send is then Draft followed by SendDraft, and OpSend elsewhere.
func (f *Fake) SendOp() string {
	if f.opts.Capabilities.Drafts {
		return OpSendDraft
	}
	return OpSend
}

// operations lists what a rule can name.
func (o FakeOptions) operations() []string {
	c := o.Capabilities
	ops := []string{OpOpen, OpChanges, OpFetch, OpNotify}
	add := func(on bool, more ...string) {
		if on {
			ops = append(ops, more...)
		}
	}
	add(!c.Drafts, OpSend)
	add(c.Drafts, OpDraft, OpFindDraft, OpSendDraft, OpDraftPresent)
	add(c.FindSent, OpFindSent)
	add(c.Files, OpFile)
	add(c.Waits, OpWait)
	add(c.Watches, OpWatch, OpUnwatch)
	add(c.Revokes, OpRevoke)
	return ops
}

func (r Fault) matches(op, user string) bool {
	return (r.Op == "" || r.Op == op) && (r.User == "" || r.User == user) && r.Kind.fits(op)
}

func (k FaultKind) fits(op string) bool {
	switch k {
	case FaultNotifyTwice, FaultNotifyLate, FaultNotifyLost:
		return op == OpNotify
	case FaultRefuse, FaultReject:
		return op == OpSend || op == OpSendDraft
	case FaultExpire, FaultDuplicate, FaultReorder:
		return op == OpChanges
	case FaultHalfBody, FaultMissing, FaultTooLarge:
		return op == OpFetch
	case FaultTokenDeath:
		return op != OpNotify && op != OpRevoke
	case FaultThrottle, FaultServerError, FaultCutBefore, FaultCutAfter,
		FaultHang, FaultHangAfter, FaultSlow:
		return op != OpNotify
	}
	return false
}

// draw returns the rule that wants to fire on a request, or nil. Whether it
// did is said by fire, because some faults need an effect to spoil.
func (f *Fake) draw(op, user string) *rule {
	var found *rule
	for _, r := range f.rules {
		if !r.matches(op, user) {
			continue
		}
		r.seen++
		if found == nil && r.seen >= r.Nth && !r.spent() {
			found = r
		}
	}
	if found == nil && f.chaos != nil {
		found = f.chaos.draw(op, user)
	}
	return found
}

func (r *rule) spent() bool { return r.Times > 0 && r.fired >= r.Times }

// fire counts a fault and reports whether it may happen; another connection
// may have used the rule up since draw.
func (f *Fake) fire(r *rule, op string) bool {
	if r.spent() {
		return false
	}
	r.fired++
	f.fired[op+"/"+string(r.Kind)]++
	return true
}
