package crashtest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/helpdesk-go/helpdesk/internal/crashtest/wire"
	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
)

// The kinds of providers in the stories.
const (
	drafting = "drafting" // like Gmail and Graph: drafts, threads, search
	filing   = "filing"   // like IMAP and SMTP: search, and copies filed by us
	bare     = "bare"     // SMTP with no way to look
)

// provider chooses the kind of provider of a seed.
func providerOf(seed int64) string {
	return []string{drafting, filing, drafting, bare}[uint64(seed)%4]
}

func capabilities(kind string) mailbox.Capabilities {
	switch kind {
	case drafting:
		return mailbox.Capabilities{Threads: true, FindSent: true, Drafts: true, Waits: true}
	case filing:
		return mailbox.Capabilities{FindSent: true, Files: true, Waits: true}
	default:
		return mailbox.Capabilities{Waits: true}
	}
}

// killsOf is how many workers a run kills when the options do not say.
const killsUsual = 3

// points chooses the crash points of a seed: the seeds of one kind of provider
// go through all of its points in order, so that every point has its turn.
func points(seed int64, kind string, n int) []string {
	all, turn := ordered(kind), turnOf(seed, kind)
	var out []string
	for i := range n {
		out = append(out, all[(turn*n+i)%len(all)])
	}
	// A mailbox is connected once.
	slices.SortStableFunc(out, func(a, b string) int { return connecting(b) - connecting(a) })
	return out
}

// turnOf counts the seeds of one kind of provider.
func turnOf(seed int64, kind string) int {
	if kind == drafting {
		return int(uint64(seed) / 2 % (1 << 20))
	}
	return int(uint64(seed) / 4 % (1 << 20))
}

func connecting(point string) int {
	switch {
	case point == wire.StepConnect+".before":
		return 2
	case strings.HasPrefix(point, wire.StepConnect+"."):
		return 1
	}
	return 0
}

// ordered lists the points of a kind of provider, those first that others
// lack.
func ordered(kind string) []string {
	all := wire.Points(capabilities(kind))
	for i := 0; i+1 < len(all); i += 2 {
		if strings.HasSuffix(all[i], ".after") {
			all[i], all[i+1] = all[i+1], all[i]
		}
	}
	own := func(p string) int {
		for _, s := range []string{wire.StepQueued, wire.CallStep("send"), wire.CallStep("file")} {
			if strings.HasPrefix(p, s+".") {
				return 0
			}
		}
		return 1
	}
	if kind == bare {
		slices.Reverse(all) // from the other end, as filing goes from the first
	}
	if kind == filing {
		slices.SortStableFunc(all, func(a, b string) int { return own(a) - own(b) })
	}
	return all
}

// provocation is what the harness does to lead a worker to a crash point or a
// planned fault.
type provocation struct {
	faults []mailboxtest.Fault
	mute   bool   // no notifications, so that a doubt is looked into before the copy is listed
	large  bool   // a mail above the size of a blob
	form   string // of the reply; empty means any
	still  bool   // no new mail, so that a listing has known mail only
}

// provoke leads to a step of the worker.
func provoke(kind, step string) (p provocation) {
	send := mailboxtest.OpSend
	if kind == drafting {
		send = mailboxtest.OpSendDraft
	}
	fault := func(op string, k mailboxtest.FaultKind, nth int) {
		p.faults = append(p.faults, mailboxtest.Fault{Op: op, Kind: k, Nth: nth})
	}
	switch step {
	case wire.StepUncertain:
		fault(send, mailboxtest.FaultCutAfter, 1)
	case wire.CallStep(mailboxtest.OpDraftPresent):
		fault(send, mailboxtest.FaultCutBefore, 1)
	case wire.CallStep(mailboxtest.OpFindSent):
		fault(send, mailboxtest.FaultCutAfter, 1)
		p.mute = true
	case wire.CallStep(mailboxtest.OpFindDraft): // it finds one where an answer got lost
		fault(mailboxtest.OpDraft, mailboxtest.FaultCutAfter, 1)
	case wire.StepQueued:
		fault(send, mailboxtest.FaultThrottle, 1)
	case wire.StepFailed:
		fault(send, mailboxtest.FaultReject, 1)
	case wire.StepPart:
		fault(mailboxtest.OpFetch, mailboxtest.FaultHalfBody, 2)
	case wire.StepBlob:
		p.large = true
	case wire.StepCursor:
		p.still = true
	case wire.StepReply:
		p.form = wire.CmdPlain
	case wire.StepJoin:
		p.form = wire.CmdCommit
	}
	return p
}

// timeouts are the calls that happen and whose answer does not come within the
// driver's patience: seeds take turns.
func timeouts(kind string) []string {
	ops := []string{mailboxtest.OpOpen, mailboxtest.OpChanges, mailboxtest.OpFetch}
	switch kind {
	case drafting:
		return append(ops, mailboxtest.OpDraft, mailboxtest.OpFindDraft, mailboxtest.OpSendDraft,
			mailboxtest.OpDraftPresent, mailboxtest.OpFindSent)
	case filing:
		return append(ops, mailboxtest.OpSend, mailboxtest.OpFindSent, mailboxtest.OpFile)
	default:
		return append(ops, mailboxtest.OpSend)
	}
}

// rerun is the line that repeats a seed.
func rerun(seed int64) string {
	return fmt.Sprintf("go test ./internal/crashtest -run TestSeeds -seed=%d", seed)
}
