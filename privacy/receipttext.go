package privacy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// Text returns the receipt in plain English, one fact a line, for a person who
// answers for data protection. It tells what the receipt says; whether the
// receipt is genuine is [VerifyReceipt]'s to say.
func (r Receipt) Text() string {
	var t receiptText
	t.line("Receipt of an erasure")
	t.line("Receipt %s, entry %d of erasure ledger %s.", r.ID, r.Ledger.N, r.Ledger.ID)
	t.line("Tenant (pseudonym): %s.", r.Tenant)
	t.line("Scope: %s.", r.Scope)
	t.outcome(r)

	t.line("")
	t.line("When")
	t.line("Cause: %s, on %s.", r.Trigger, t.time(r.Triggered))
	t.line("Asked for on %s.", t.time(r.Requested))
	t.line("Started on %s.", t.time(r.Started))
	t.line("Finished on %s.", t.time(r.Finished))
	if late := r.Late(); late > 0 {
		t.line("LATE: the deadline was %s; it was missed by %s.", t.time(r.Deadline), lateText(late))
	} else {
		t.line("In time: the deadline was %s.", t.time(r.Deadline))
	}

	t.removed(r)
	t.kept(r)

	t.line("")
	t.line("Elsewhere")
	t.line("%s", r.Revocation)
	for _, h := range r.HostStores {
		if h.Outcome == HostDone {
			t.line("The host's own store %s reports %s removed.", h.Name, amount(h.Removed))
		} else {
			t.line("NOT DONE: the host's own store %s did not confirm.", h.Name)
		}
	}
	t.line("%s", r.Backups)
	if r.Backups.Declared {
		t.line("How long backups are kept, and whether apart from the keys, is what the host declared.")
	}

	t.line("")
	t.line("Verified afterwards")
	if len(r.Checks) == 0 {
		t.line("NOTHING was verified.")
	}
	for _, c := range r.Checks {
		if c.Passed {
			t.line("Passed: %s, %d looked at.", c.Name, c.Looked)
		} else {
			t.line("FAILED: %s, %d looked at, %d found that should be gone.", c.Name, c.Looked, c.Found)
		}
	}
	if r.AccessLog.Size > 0 {
		t.line("The access log had %d entries; the root of its tree is %x.", r.AccessLog.Size, r.AccessLog.Root)
	}
	t.line("The ledger's chain at this entry is %x.", r.Ledger.Hash)

	t.line("")
	t.line("Made by %s, rules %s, profile %s.", r.Software, r.Policy, r.Profile)
	return t.String()
}

// String returns the trigger in words.
func (t Trigger) String() string {
	switch t {
	case TriggerDisconnected:
		return "the mailbox was disconnected"
	case TriggerTenantClosed:
		return "the tenant's account was closed"
	case TriggerRequest:
		return "an erasure was requested"
	case TriggerClosedTickets:
		return "tickets were closed long enough ago"
	case TriggerSpam:
		return "spam was old enough"
	case TriggerAttachments:
		return "attachments were old enough"
	case TriggerReleased:
		return "a hold ended that had stopped an erasure"
	default:
		return "unknown"
	}
}

type receiptText struct{ strings.Builder }

func (t *receiptText) line(format string, args ...any) { fmt.Fprintf(t, format+"\n", args...) }

func (t *receiptText) time(at time.Time) string { return at.UTC().Format(textTime) }

// outcome says in one line what everything below amounts to.
func (t *receiptText) outcome(r Receipt) {
	why := r.Incomplete()
	switch {
	case len(why) > 0:
		t.line("Outcome: INCOMPLETE (%s).", strings.Join(why, ", "))
	case len(r.Kept) > 0:
		t.line("Outcome: complete, except what holds keep.")
	default:
		t.line("Outcome: complete.")
	}
}

func (t *receiptText) removed(r Receipt) {
	t.line("")
	t.line("Removed")
	for _, table := range slices.Sorted(maps.Keys(r.Removed)) {
		t.line("%s: %s.", table, amount(r.Removed[table]))
	}
	if len(r.Removed) == 0 {
		t.line("No rows.")
	}
	switch len(r.Keys) {
	case 0:
		t.line("No keys were destroyed.")
	case 1:
		t.line("1 key was destroyed.")
	default:
		t.line("%d keys were destroyed.", len(r.Keys))
	}
	for _, k := range r.Keys {
		t.line("Fingerprint of a destroyed key: %s.", k)
	}
}

func (t *receiptText) kept(r Receipt) {
	t.line("")
	t.line("Not removed")
	for _, k := range r.Kept {
		until := "until it is released"
		if !k.Expires.IsZero() {
			until = "until " + t.time(k.Expires) + " at the latest"
		}
		t.line("Kept by hold %s on the ground %s, %s: %s in %s, %d bytes; readable for that ground only.",
			k.Hold, k.Ground, until, plural(k.Messages, "message"), plural(k.Tickets, "ticket"), k.Bytes)
	}
	for _, c := range r.Untouched {
		t.line("Not touched: the host's own %s, on the ground %s.", c.Class, c.Ground)
	}
	if len(r.Kept)+len(r.Untouched) == 0 {
		t.line("Nothing in the scope was excluded.")
	}
}

// String returns the scope in words.
func (s ReceiptScope) String() string {
	what := "everything of the tenant"
	for _, of := range []struct {
		kind ScopeKind
		text string
		id   ticket.ID
	}{{ScopeMailbox, "everything of mailbox", s.Mailbox}, {ScopeTicket, "ticket", s.Ticket}, {ScopeContact, "everything about contact", s.Contact}} {
		if s.Kind == of.kind {
			what = of.text + " " + of.id.String()
		}
	}
	if s.Part == AttachmentsPart {
		return "attachments, and the raw mail that contains them, of " + what
	}
	return what
}

// String returns the outcome as a sentence.
func (r Revocation) String() string {
	on := ""
	if !r.At.IsZero() {
		on = " on " + r.At.UTC().Format(textTime)
	}
	switch r.Outcome {
	case Revoked:
		return "The provider " + r.Provider + " confirmed that the access is revoked" + on + "."
	case RevocationAlready:
		return "The access at the provider " + r.Provider + " was dead already" + on + "."
	case RevocationUnsupported:
		return "The provider " + r.Provider + " has no way to revoke an access; the credential is destroyed here, its owner ends it there."
	case RevocationFailed:
		return "NOT DONE: the provider " + r.Provider + " did not confirm that the access is revoked; the credential is destroyed here."
	default:
		return "No access to a provider was ended by this."
	}
}

func amount(n Removed) string {
	return fmt.Sprintf("%s, %s", plural(n.Rows, "row"), plural(n.Bytes, "byte"))
}

func plural(n int64, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// lateText writes how late something was, in full units.
func lateText(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return plural(int64(d/(24*time.Hour)), "day")
	case d >= 2*time.Hour:
		return plural(int64(d/time.Hour), "hour")
	case d >= 2*time.Minute:
		return plural(int64(d/time.Minute), "minute")
	default:
		return plural(int64((d+time.Second-1)/time.Second), "second")
	}
}
