package helpdesk

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/helpdesk-go/helpdesk/internal/erase"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// What the promises about erasure are made of.
const (
	// Deadline is how long after a disconnect, a closed account or a request
	// everything must be gone from active systems: 30 times 24 hours.
	Deadline = 30 * 24 * time.Hour
	// GraceUsual is how long after a disconnect the same account can be
	// connected again as if nothing had happened.
	GraceUsual = 7 * 24 * time.Hour
	// GraceMost leaves room before the deadline.
	GraceMost = 21 * 24 * time.Hour
)

// Erasure is an erasure with how far it has come.
type Erasure struct {
	ID      ticket.ID
	Scope   privacy.Scope
	Tickets []ticket.ID
	// Trigger, Rule and State are constants, such as "disconnected" and
	// "planned", "erasing", "done" or "cancelled".
	Trigger, Rule, State string
	// RequestedAt, DueAt and Deadline are what was promised; StartedAt is the
	// point of no return, KeysAt when the keys were destroyed. Late is how long
	// after the deadline it was over.
	RequestedAt, DueAt, Deadline, StartedAt, KeysAt, FinishedAt time.Time
	Late                                                        time.Duration
	// Kept are tickets that Holds kept.
	Kept, Holds []ticket.ID
	// Keys are fingerprints of destroyed keys, Removed rows and bytes by table,
	// Objects large objects, HostStores what the host's own stores removed.
	Keys       []string
	Removed    store.Tally
	Objects    int64
	HostStores store.Tally
}

func publicErasure(e erase.Erasure) Erasure {
	out := Erasure{
		ID: e.ID, Scope: e.Scope, Tickets: e.Tickets, Trigger: string(e.Trigger), Rule: e.Rule, State: string(e.State),
		RequestedAt: e.RequestedAt, DueAt: e.DueAt, Deadline: e.Deadline, StartedAt: e.StartedAt, KeysAt: e.KeysAt,
		FinishedAt: e.FinishedAt, Kept: e.Keep, Holds: e.Holds, Keys: e.Keys, Removed: e.Removed, Objects: e.Blobs, HostStores: e.Hosts,
	}
	if e.State == erase.Done && e.FinishedAt.After(e.Deadline) {
		out.Late = e.FinishedAt.Sub(e.Deadline)
	}
	return out
}

// Disconnect ends the connection of a mailbox: from now on nothing is read from
// it, sent by it, written to it or opened from it, queued replies are
// cancelled, what workers hold is lost to them, and its credential is gone.
// After the grace everything of the mailbox is erased. It may be repeated, and
// is ErrNotFound for a mailbox that is not there.
func (t *Tenant) Disconnect(ctx context.Context, mailboxID ticket.ID) error {
	if err := t.outside(ctx); err != nil {
		return err
	}
	var m store.Mailbox
	err := t.desk.store.View(ctx, func(ctx context.Context, r store.Reader) (err error) {
		m, err = r.Mailbox(ctx, t.id, mailboxID)
		return err
	})
	if err != nil {
		return err
	}
	_, err = t.plan(ctx, privacy.Scope{Mailbox: m.ID}, erase.Disconnected, t.desk.cfg.Grace)
	return err
}

// Close ends the tenant's account: all of its mailboxes are disconnected, and
// after the grace everything of them, the tenant's keys and what the library
// keeps about the tenant are erased. What the host keeps, such as bills, is
// not touched.
func (t *Tenant) Close(ctx context.Context) (Erasure, error) {
	if err := t.mayErase(ctx); err != nil {
		return Erasure{}, err
	}
	return t.plan(ctx, privacy.Scope{}, erase.TenantClosed, t.desk.cfg.Grace)
}

// EraseRequest says what is to be erased before its time. Exactly one of the
// ids is set.
type EraseRequest struct {
	// Mailbox, Ticket or Contact: everything of it. The messages of a contact
	// go; those of others on his tickets are kept without his addresses and
	// without what they quote, under new keys.
	Mailbox, Ticket, Contact ticket.ID
	// Attachments narrows Ticket to its attachments, and the raw mail that
	// contains them.
	Attachments bool
	// In is how long it waits; zero begins at the next turn of work.
	In time.Duration
}

// Erase plans an erasure on request. Holds stop it for what they cover.
func (t *Tenant) Erase(ctx context.Context, r EraseRequest) (Erasure, error) {
	if err := t.mayErase(ctx); err != nil {
		return Erasure{}, err
	}
	s, trigger := privacy.Scope{Mailbox: r.Mailbox, Ticket: r.Ticket, Contact: r.Contact}, erase.Requested
	named := 0
	for _, id := range []ticket.ID{r.Mailbox, r.Ticket, r.Contact} {
		if !id.IsZero() {
			named++
		}
	}
	if named != 1 || r.In < 0 || r.Attachments && r.Ticket.IsZero() {
		return Erasure{}, ErrBadID
	}
	if r.Attachments {
		s.Part = privacy.AttachmentsPart
	}
	if !r.Contact.IsZero() {
		trigger = erase.SubjectAsked
	}
	if err := t.exists(ctx, s); err != nil {
		return Erasure{}, err
	}
	return t.plan(ctx, s, trigger, r.In)
}

// exists returns ErrNotFound unless the tenant has what a scope is about.
func (t *Tenant) exists(ctx context.Context, s privacy.Scope) error {
	return t.desk.store.View(ctx, func(ctx context.Context, r store.Reader) error {
		switch s.Kind() {
		case privacy.ScopeTenant:
			return nil
		case privacy.ScopeMailbox:
			return drop(r.Mailbox(ctx, t.id, s.Mailbox))
		case privacy.ScopeTicket:
			return drop(r.Ticket(ctx, t.id, s.Ticket))
		}
		on, err := r.Retained(ctx, store.RetainQuery{Tenant: t.id, Contact: s.Contact, Limit: 1})
		if err == nil && len(on) == 0 {
			err = ErrNotFound
		}
		return err
	})
}

func drop[T any](_ T, err error) error { return err }

func (t *Tenant) plan(ctx context.Context, s privacy.Scope, why erase.Trigger, in time.Duration) (Erasure, error) {
	now := t.desk.now().UTC()
	s.Tenant = t.id
	e, err := t.desk.erasures.Plan(ctx, erase.Plan{
		Scope: s, Trigger: why, RequestedAt: now, DueAt: now.Add(in), Deadline: now.Add(Deadline),
	})
	return publicErasure(e), err
}

// mayErase asks for a principal, and for a purpose that erasing fits.
func (t *Tenant) mayErase(ctx context.Context) error {
	if err := t.outside(ctx); err != nil {
		return err
	}
	_, purpose, err := privacy.From(ctx)
	if err == nil && purpose != privacy.SubjectRights && purpose != privacy.Legal {
		return fmt.Errorf("%w: erasing and holding are for subject-rights and legal", ErrDenied)
	}
	return err
}

// Erasures returns the tenant's erasures, those that are over included.
func (t *Tenant) Erasures(ctx context.Context) ([]Erasure, error) {
	if err := t.outside(ctx); err != nil {
		return nil, err
	}
	all, err := t.desk.erasures.Erasures(ctx, t.id)
	out := make([]Erasure, len(all))
	for i, e := range all {
		out[i] = publicErasure(e)
	}
	return out, err
}

// HoldRequest asks that something be kept. The narrowest id that is set counts;
// without any it is everything of the tenant.
type HoldRequest struct {
	Mailbox, Ticket, Contact ticket.ID
	// Ground is why it may be kept.
	Ground HoldGround
	// Reason says it in at most 500 bytes, without an e-mail address: it is kept
	// in clear, and longer than what it is about.
	Reason string
	// Approver is the second person, not the one in the context.
	Approver string
	// Expires ends the hold by itself. Zero is until ReleaseHold, which only a
	// legal claim, a statute or an order of an authority can ask for.
	Expires time.Time
}

// HoldGround is a ground on which erasures may wait: a closed list (GDPR, Art.
// 17(3)).
type HoldGround string

// The grounds.
const (
	LegalClaim            HoldGround = "legal-claim"
	Statutory             HoldGround = "statutory"
	AuthorityOrder        HoldGround = "authority-order"
	SecurityInvestigation HoldGround = "security-investigation"
	ContractualDispute    HoldGround = "contractual-dispute"
	OpenRequest           HoldGround = "subject-request"
)

// needMost is how long a ground that no law gives may last.
const needMost = 90 * 24 * time.Hour

// Hold is a legal hold or an approved need.
type Hold struct {
	ID                    ticket.ID
	Scope                 privacy.Scope
	Ground                HoldGround
	Reason                string
	Requester, Approver   string
	At, Expires, Released time.Time
}

func publicHold(h erase.Hold) Hold {
	return Hold{ID: h.ID, Scope: h.Scope, Ground: HoldGround(h.Ground), Reason: h.Reason,
		Requester: h.Requester, Approver: h.Approver, At: h.At, Expires: h.Expires, Released: h.ReleasedAt}
}

func (r HoldRequest) problem(now time.Time, requester string) string {
	lawful := r.Ground == LegalClaim || r.Ground == Statutory || r.Ground == AuthorityOrder
	switch {
	case !lawful && r.Ground != SecurityInvestigation && r.Ground != ContractualDispute && r.Ground != OpenRequest:
		return "Ground is none of the grounds"
	case r.Reason == "" || len(r.Reason) > 500 || strings.Contains(r.Reason, "@"):
		return "Reason is empty, longer than 500 bytes or has an address in it"
	case r.Approver == "" || r.Approver == requester:
		return "Approver must be a second person"
	case !r.Expires.IsZero() && !r.Expires.After(now):
		return "Expires is over already"
	case !lawful && (r.Expires.IsZero() || r.Expires.After(now.Add(needMost))):
		return "Expires must be within 90 days for this ground"
	}
	return ""
}

// Hold keeps what it covers from being erased. What an erasure has to keep is
// readable for the purpose Legal only. A hold that came too late for some of it
// is an *UnreadableError beside the hold, which keeps the rest.
func (t *Tenant) Hold(ctx context.Context, r HoldRequest) (Hold, error) {
	if err := t.mayErase(ctx); err != nil {
		return Hold{}, err
	}
	who, _, _ := privacy.From(ctx)
	now := t.desk.now().UTC()
	if p := r.problem(now, who.ID); p != "" {
		return Hold{}, fmt.Errorf("%w: %s", ErrHold, p)
	}
	s := privacy.Scope{Tenant: t.id, Mailbox: r.Mailbox, Ticket: r.Ticket, Contact: r.Contact}
	if err := t.exists(ctx, s); err != nil {
		if errors.Is(err, ErrNotFound) {
			err = errors.Join(t.desk.erasures.TooLate(ctx, s), err)
		}
		return Hold{}, err
	}
	h, err := t.desk.erasures.Hold(ctx, erase.Hold{
		Scope: s, Ground: string(r.Ground), Reason: r.Reason, Requester: who.ID, Approver: r.Approver, At: now, Expires: r.Expires,
	})
	return publicHold(h), err
}

// ReleaseHold ends a hold. What it had stopped goes on by itself.
func (t *Tenant) ReleaseHold(ctx context.Context, id ticket.ID) error {
	if err := t.mayErase(ctx); err != nil {
		return err
	}
	return t.desk.erasures.Release(ctx, t.id, id)
}

// Holds returns the tenant's holds, also those that are over.
func (t *Tenant) Holds(ctx context.Context) ([]Hold, error) {
	if err := t.outside(ctx); err != nil {
		return nil, err
	}
	all, err := t.desk.erasures.Holds(ctx, t.id)
	out := make([]Hold, len(all))
	for i, h := range all {
		out[i] = publicHold(h)
	}
	return out, err
}

// UnreadableError names the erasures that a hold came too late for.
type UnreadableError = erase.UnreadableError

// HostStore is a store of the host that holds data of tickets, such as a search
// index: erasures reach it too.
type HostStore = erase.Host

// ErasurePlan is what an erasure is to do.
type ErasurePlan = erase.Plan

// EraseDue carries out what is due: it ends holds whose time is over, begins
// erasures whose time has come and finishes those that were begun, also those
// that a crash cut short. Run calls it every few minutes and first of all; hosts
// that use RunOnce call it themselves. It returns how many it finished; those
// that fail are tried again and do not stop the others.
func (d *Desk) EraseDue(ctx context.Context) (int, error) {
	if err := d.Recover(ctx); err != nil {
		return 0, err
	}
	return d.erasures.Run(engineContext(ctx))
}

// eraseEvery is how often Run looks for erasures that are due.
const eraseEvery = 5 * time.Minute

// eraseOften carries out erasures beside the work until ctx ends.
func (d *Desk) eraseOften(ctx context.Context) {
	for {
		if _, err := d.EraseDue(ctx); err != nil && !errors.Is(err, context.Canceled) {
			d.log.Warn("erasing failed", "cause", describe(err))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(eraseEvery):
		}
	}
}
