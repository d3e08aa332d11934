package wire

import (
	"slices"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

// The steps of a worker. Each has two crash points, "<step>.before" and
// "<step>.after": before the commit or call, and after it succeeded.
const (
	StepConnect   = "connect"   // commit of a new mailbox
	StepPage      = "page"      // commit of a page with mail and the cursor
	StepPart      = "part"      // commit of mail without the cursor
	StepCursor    = "cursor"    // commit of the cursor alone, or with copies of known mail
	StepReply     = "reply"     // commit of a reply in the library's transaction
	StepJoin      = "join"      // commit of the host's transaction with a reply
	StepPreparing = "preparing" // commits of the states of a delivery
	StepReady     = "ready"
	StepWire      = "wire"
	StepSent      = "sent"
	StepUncertain = "uncertain"
	StepQueued    = "queued"
	StepFailed    = "failed"
	StepFinish    = "finish"  // commit that ends or puts off a task
	StepEnqueue   = "enqueue" // commit of nothing but new tasks
	StepClaim     = "claim"
	StepExtend    = "extend"
	StepSlot      = "slot"   // write of key slots
	StepBlob      = "blob"   // put of a large mail
	StepAccess    = "access" // append to the access log
	StepOther     = "other"  // any other commit; not planned for
)

// The calls to the provider are steps too, named "call-<op>".
const callPrefix = "call-"

// CallStep is the step of a call to the provider.
func CallStep(op string) string { return callPrefix + op }

// Points lists the crash points that a worker with these capabilities comes to.
func Points(c mailbox.Capabilities) []string {
	steps := []string{StepConnect, StepPage, StepPart, StepCursor, StepReply, StepJoin, StepWire, StepSent,
		StepUncertain, StepFailed, StepFinish, StepEnqueue, StepClaim, StepExtend, StepSlot, StepBlob, StepAccess,
		CallStep("open"), CallStep("changes"), CallStep("fetch"), CallStep("wait")}
	if c.FindSent {
		steps = append(steps, CallStep("findsent"))
	}
	if c.Drafts {
		steps = append(steps, StepPreparing, StepReady,
			CallStep("draft"), CallStep("finddraft"), CallStep("senddraft"), CallStep("draftpresent"))
	} else {
		steps = append(steps, StepQueued, CallStep("send"))
	}
	if c.Files {
		steps = append(steps, CallStep("file"))
	}
	slices.Sort(steps)
	var points []string
	for _, s := range steps {
		points = append(points, s+".before", s+".after")
	}
	return points
}

// AllPoints lists the crash points of every kind of provider.
func AllPoints() []string {
	all := Points(mailbox.Capabilities{FindSent: true, Drafts: true, Files: true, Waits: true})
	all = append(all, Points(mailbox.Capabilities{})...)
	slices.Sort(all)
	return slices.Compact(all)
}
