// Package erase carries out erasures, whatever triggered them.
//
// What was decided stands in the erasure ledger, outside the content store and
// the key store, and both follow it entry by entry: [Executor.CatchUp] is the
// one way by which an erasure, a hold or a release takes effect, in the process
// that asked for it, in one that goes on after a crash and on a store that was
// restored from an older copy. After the entry of an erasure its keys are dead;
// what is left is removed in batches by [Executor.Run], verified and receipted.
package erase

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// The kinds of records that the executor keeps.
const (
	ErasureRecord store.RecordKind = "erasure"
	HoldRecord    store.RecordKind = "hold"
)

// State is how far an erasure has come.
type State string

// The states of an erasure.
const (
	Planned   State = "planned"   // fenced where a mailbox is concerned, and waiting for its time
	Erasing   State = "erasing"   // past the point of no return: keys die, rows go
	Done      State = "done"      // verified and receipted
	Cancelled State = "cancelled" // taken back within the grace
)

// Trigger is what caused an erasure.
type Trigger string

// The triggers.
const (
	Disconnected  Trigger = "disconnected"
	TenantClosed  Trigger = "tenant-closed"
	Requested     Trigger = "requested"      // by the tenant, before the time
	SubjectAsked  Trigger = "subject-asked"  // a person's right to erasure
	Retention     Trigger = "retention-rule" // by age
	HoldReleased  Trigger = "hold-released"  // what a hold had kept
	RestoredStore Trigger = "restored-store" // carried out again after a restore
)

// Plan is what an erasure is to do.
type Plan struct {
	Scope privacy.Scope `json:"scope"`
	// Tickets are those of a batch, when Scope names neither ticket nor
	// contact but only the mailbox they are in.
	Tickets []ticket.ID `json:"tickets,omitempty"`
	Trigger Trigger     `json:"trigger"`
	// Rule names the rule of a policy that decided, if one did.
	Rule        string    `json:"rule,omitempty"`
	RequestedAt time.Time `json:"requested_at"`
	// DueAt is when it begins, Deadline when everything must be gone.
	DueAt    time.Time `json:"due_at"`
	Deadline time.Time `json:"deadline"`
	// After is the erasure that this one goes on from, when a hold ended.
	After ticket.ID `json:"after,omitzero"`
}

// batch tells that the plan names tickets one by one.
func (p Plan) batch() bool { return len(p.Tickets) > 0 }

// Erasure is an erasure with how far it has come.
type Erasure struct {
	V  int       `json:"v"`
	ID ticket.ID `json:"id"`
	Plan
	State State `json:"state"`
	// Entry is its place in the ledger, once it is past the point of no return.
	Entry      int64     `json:"entry,omitempty"`
	StartedAt  time.Time `json:"started_at,omitzero"`
	KeysAt     time.Time `json:"keys_at,omitzero"` // when the keys were destroyed
	FinishedAt time.Time `json:"finished_at,omitzero"`
	// Keep are the tickets that holds kept, Holds those holds.
	Keep  []ticket.ID `json:"keep,omitempty"`
	Holds []ticket.ID `json:"holds,omitempty"`
	// Doomed are the keys of tickets that a contact is taken out of.
	Doomed []ticket.ID `json:"doomed,omitempty"`
	// Keys are fingerprints of the destroyed keys.
	Keys []string `json:"keys,omitempty"`
	// Boxes are the mailboxes of a tenant's erasure.
	Boxes []ticket.ID `json:"boxes,omitempty"`
	// Contacts are those who may have nothing left when it is over.
	Contacts []ticket.ID `json:"contacts,omitempty"`
	// Removed counts by table, Hosts by store of the host.
	Removed store.Tally `json:"removed,omitempty"`
	Blobs   int64       `json:"blobs,omitempty"`
	Hosts   store.Tally `json:"hosts,omitempty"`
	Receipt string      `json:"receipt,omitempty"`

	version int64
}

// record returns the form in which the store has it.
func (e Erasure) record(due time.Time) store.Record {
	e.V = 1
	body, _ := json.Marshal(e) // ids, constants, instants and counts never fail
	return store.Record{Tenant: e.Scope.Tenant, Kind: ErasureRecord, ID: e.ID, Due: due, Version: e.version + 1, Body: body}
}

// due is when somebody must look at the erasure, or zero.
func (e Erasure) due() time.Time {
	switch e.State {
	case Planned:
		return e.DueAt
	case Erasing:
		return e.StartedAt
	default:
		return time.Time{}
	}
}

var errForm = errors.New("erase: a record is not understood: it was written by a newer version")

func erasureOf(r store.Record) (Erasure, error) {
	var e Erasure
	if json.Unmarshal(r.Body, &e) != nil || e.V != 1 {
		return e, errForm
	}
	e.version = r.Version
	return e, nil
}

// Hold stops erasures of what it covers.
type Hold struct {
	V     int           `json:"v"`
	ID    ticket.ID     `json:"id"`
	Scope privacy.Scope `json:"scope"`
	// Ground is a constant, Reason words of the host without personal data.
	Ground    string    `json:"ground"`
	Reason    string    `json:"reason,omitempty"`
	Requester string    `json:"requester,omitempty"`
	Approver  string    `json:"approver,omitempty"`
	At        time.Time `json:"at"`
	// Expires ends it by itself; zero is never.
	Expires    time.Time `json:"expires,omitzero"`
	ReleasedAt time.Time `json:"released_at,omitzero"`

	version int64
}

// Active tells whether the hold stops erasures at an instant.
func (h Hold) Active(at time.Time) bool {
	return h.ReleasedAt.IsZero() && (h.Expires.IsZero() || at.Before(h.Expires))
}

func (h Hold) record() store.Record {
	h.V = 1
	body, _ := json.Marshal(h)
	due := h.Expires
	if !h.ReleasedAt.IsZero() {
		due = time.Time{}
	}
	return store.Record{Tenant: h.Scope.Tenant, Kind: HoldRecord, ID: h.ID, Due: due, Version: h.version + 1, Body: body}
}

func holdOf(r store.Record) (Hold, error) {
	var h Hold
	if json.Unmarshal(r.Body, &h) != nil || h.V != 1 {
		return h, errForm
	}
	h.version = r.Version
	return h, nil
}

// Host is a store of the host that holds data of tickets, such as a search
// index or a warehouse. Its methods may be called again for the same plan.
type Host interface {
	// Name is a constant for receipts.
	Name() string
	// Erase removes what belongs to the plan, but nothing of the tickets in
	// keep, and returns what it removed.
	Erase(ctx context.Context, p Plan, keep []ticket.ID) (store.Amount, error)
	// Remaining counts what is left.
	Remaining(ctx context.Context, p Plan, keep []ticket.ID) (store.Amount, error)
}

// Config is what an [Executor] works with.
type Config struct {
	Store  store.Store
	Blobs  store.Blobs
	Vault  *privacy.Vault
	Slots  privacy.Slots
	Ledger privacy.Ledger
	Hosts  []Host
	// Apply writes changes together with the host's hooks.
	Apply func(ctx context.Context, tx store.Tx, c store.Changes) error
	// Rekey takes one contact out of a ticket: his messages go, the others'
	// are sealed anew without him, under a new key.
	Rekey func(ctx context.Context, tenant ticket.TenantID, id, contact ticket.ID) error
	// Receipt makes the signed receipt of what was done.
	Receipt func(ctx context.Context, e Erasure, verified []Check) (string, error)
	Now     func() time.Time
	// Simulated says that Now is not the time of the world, so that it is not
	// compared with the store's clock.
	Simulated bool
	Log       *slog.Logger
}

// Check is one thing that was looked at after an erasure.
type Check struct {
	Name string
	OK   bool
	Left int64
}

// Executor carries out erasures. It is safe for concurrent use, also by several
// processes.
type Executor struct{ Config }

// New returns an executor. It does no I/O.
func New(c Config) *Executor { return &Executor{c} }

// ErrUnreadable: a hold came too late for some of what it covers.
var ErrUnreadable = errors.New("erase: some of it was unreadable already when the hold came: what is left is kept, the rest only the provider may still have")

// UnreadableError names the erasures that a hold came too late for. It is
// [ErrUnreadable].
type UnreadableError struct{ Erasures []ticket.ID }

// Error says how many erasures there are.
func (e *UnreadableError) Error() string {
	return fmt.Sprintf("%s (%d erasures past the point of no return)", ErrUnreadable, len(e.Erasures))
}

// Unwrap returns ErrUnreadable.
func (e *UnreadableError) Unwrap() error { return ErrUnreadable }
