package privacy

import (
	"fmt"
	"regexp"
	"time"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// What texts of a receipt look like. A constant is narrower than the name of a
// person or an address of one: one word of lower-case ASCII.
var (
	receiptTenant   = regexp.MustCompile(`^[0-9a-f][0-9a-f-]{14,62}[0-9a-f]$`)
	receiptKey      = regexp.MustCompile(`^[0-9a-f]{64}$`)
	receiptConstant = regexp.MustCompile(`^[a-z][a-z0-9]*([._/-][a-z0-9]+)*$`)
	receiptRelease  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/+-]{0,99}$`)
)

// maxConstant bounds a constant.
const maxConstant = 64

// Validate returns [ErrReceiptField] for a receipt that lacks what it must tell
// or has a text that is no id or constant. Its errors never repeat a value.
func (r Receipt) Validate() error {
	v := receiptValidator{}
	v.need("Version", r.Version == receiptVersion)
	v.need("ID", !r.ID.IsZero())
	v.need("Ledger", !r.Ledger.ID.IsZero() && r.Ledger.N > 0 && r.Ledger.Hash != Digest{})
	v.need("Tenant is no pseudonym", receiptTenant.MatchString(r.Tenant))
	v.scope(r.Scope)
	v.times(r)
	for table, n := range r.Removed {
		v.constant("a table in Removed", table)
		v.count("Removed", n.Rows, n.Bytes)
	}
	for _, k := range r.Keys {
		v.need("Keys has what is no fingerprint", receiptKey.MatchString(k))
	}
	v.exclusions(r)
	v.backups(r.Backups)
	for _, c := range r.Checks {
		v.constant("Checks.Name", c.Name)
		v.count("Checks", c.Looked, c.Found)
		v.need("Checks has one that passed and found something", !c.Passed || c.Found == 0)
	}
	v.need("AccessLog", r.AccessLog == LogPlace{} || r.AccessLog.Size > 0)
	v.need("Software", receiptRelease.MatchString(r.Software))
	v.need("Policy", receiptRelease.MatchString(r.Policy))
	v.constant("Profile", r.Profile)
	return v.err
}

// receiptValidator keeps the first thing that is wrong.
type receiptValidator struct{ err error }

func (v *receiptValidator) need(what string, holds bool) {
	if !holds && v.err == nil {
		v.err = fmt.Errorf("%w: %s", ErrReceiptField, what)
	}
}

func (v *receiptValidator) constant(what, s string) {
	v.need(what+" is no constant", len(s) <= maxConstant && receiptConstant.MatchString(s))
}

func (v *receiptValidator) count(what string, counts ...int64) {
	for _, n := range counts {
		v.need(what+" is negative", n >= 0)
	}
}

// scope checks that the ids say what the kind says.
func (v *receiptValidator) scope(s ReceiptScope) {
	ids := Scope{Mailbox: s.Mailbox, Ticket: s.Ticket, Contact: s.Contact}
	v.need("Scope.Kind", s.Kind == ids.Kind())
	v.need("Scope.Part", s.Part == Whole || s.Part == AttachmentsPart)
}

func (v *receiptValidator) times(r Receipt) {
	switch r.Trigger {
	case TriggerDisconnected, TriggerTenantClosed, TriggerRequest, TriggerClosedTickets, TriggerSpam, TriggerAttachments, TriggerReleased:
	default:
		v.need("Trigger", false)
	}
	for _, f := range []struct {
		name string
		at   time.Time
	}{{"Triggered", r.Triggered}, {"Requested", r.Requested}, {"Started", r.Started}, {"Finished", r.Finished}, {"Deadline", r.Deadline}} {
		v.need(f.name, !f.at.IsZero())
	}
	v.need("Finished is before Started", !r.Finished.Before(r.Started))
	v.need("LateSeconds", r.LateSeconds == r.lateSeconds())
}

func (v *receiptValidator) exclusions(r Receipt) {
	for _, k := range r.Kept {
		v.need("Kept.Hold", k.Hold != ticket.ID{})
		v.constant("Kept.Ground", k.Ground)
		v.count("Kept", k.Tickets, k.Messages, k.Bytes)
	}
	switch r.Revocation.Outcome {
	case RevocationNone:
	case Revoked, RevocationAlready, RevocationUnsupported, RevocationFailed:
		v.constant("Revocation.Provider", r.Revocation.Provider)
	default:
		v.need("Revocation.Outcome", false)
	}
	if r.Revocation.Provider != "" {
		v.constant("Revocation.Provider", r.Revocation.Provider)
	}
	for _, h := range r.HostStores {
		v.constant("HostStores.Name", h.Name)
		v.need("HostStores.Outcome", h.Outcome == HostDone || h.Outcome == HostFailed)
		v.count("HostStores", h.Rows, h.Bytes)
	}
	for _, c := range r.Untouched {
		v.constant("Untouched.Class", c.Class)
		v.constant("Untouched.Ground", c.Ground)
	}
}

func (v *receiptValidator) backups(s BackupStatement) {
	v.need("Backups.Claim", s.Claim == ExpiresBy || s.Claim == UnreadableSince && s.KeysApart && s.Declared)
	v.need("Backups.At", !s.At.IsZero())
}
