package helpdesk

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/rfc822/auth"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// Verifier checks who sent a mail, beyond what its receiving provider wrote into
// it. mailbox/rfc822/auth/verify has one for DKIM and DMARC.
type Verifier interface {
	// Verify returns what is known about the sender of raw, which was read as
	// in; in.Auth is what is known already. It is called outside of
	// transactions, from several goroutines at once, once for each live mail of
	// the last three days: backfill, older mail and our own are not checked,
	// because signatures expire and keys are replaced. It never fails: what
	// cannot be found out now is "temperror" and stays that. It ends when ctx
	// does, and keeps and changes neither raw nor in. Of the answer everything
	// but Warnings is taken over.
	Verify(ctx context.Context, raw []byte, in ticket.Inbound) ticket.Auth
}

// Bounds on asking a Verifier about a page.
const (
	verifyWithin   = 72 * time.Hour
	verifyPatience = 30 * time.Second
	verifyAtOnce   = 8
)

// verify asks the host's Verifier about the mails of a page.
func (in *intake) verify(ctx context.Context, page []*arrival) {
	v := in.desk.cfg.Verify
	if v == nil || in.stream == mailbox.Backfill {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, verifyPatience)
	defer cancel()
	var all sync.WaitGroup
	slots := make(chan struct{}, verifyAtOnce)
	oldest := in.desk.now().Add(-verifyWithin)
	for _, a := range page {
		if a.verified || a.cause != "" || a.item.Sent || a.item.ReceivedAt.Before(oldest) {
			continue
		}
		a.verified = true
		slots <- struct{}{}
		all.Go(func() {
			a.check(ctx, v)
			<-slots
		})
	}
	all.Wait()
}

// check asks about one mail. A panic of the Verifier is no answer.
func (a *arrival) check(ctx context.Context, v Verifier) {
	known := &a.mail.Auth
	defer func() {
		if recover() != nil && known.Source == "" {
			known.DMARC, known.Source = "temperror", "checked"
		}
	}()
	got := v.Verify(ctx, a.raw, a.mail)
	got.Warnings = known.Warnings
	if got.DMARC == "pass" {
		got.Warnings = slices.DeleteFunc(got.Warnings, func(w string) bool { return w == ticket.WarnEnvelopeDiffers })
	}
	*known = got
	a.ev.Verified = verdict(got)
}

// verdict is what the checks of a mail say about its From: DMARC alone speaks
// about that address (RFC 7489, section 3.1), and only if there is one.
func verdict(a ticket.Auth) ticket.Verdict {
	switch {
	case ambiguous(a):
		return ticket.VerdictFail
	case a.Source == "":
		return ticket.VerdictUnknown
	case a.DMARC == "pass":
		return ticket.VerdictPass
	case a.DMARC == "fail":
		return ticket.VerdictFail
	}
	return ticket.VerdictUnknown
}

// ambiguous reports whether it is open who sent a mail.
func ambiguous(a ticket.Auth) bool { return slices.Contains(a.Warnings, ticket.WarnSeveralFrom) }

// warnOfLookAlikes marks the senders whose domain reads like one that was in the
// conversation before them. At intake nobody can tell: the addresses of a ticket
// are sealed, and what is hashed does not look like anything.
func warnOfLookAlikes(msgs []Message) {
	var known []string
	for i := range msgs {
		m := &msgs[i]
		if m.Direction == ticket.In && len(m.From) > 0 && auth.LookAlike(m.From[0].Addr, known) &&
			!slices.Contains(m.Auth.Warnings, ticket.WarnLookAlike) {
			m.Auth.Warnings = append(m.Auth.Warnings, ticket.WarnLookAlike)
		}
		for _, list := range [...][]Address{m.From, m.To, m.Cc} {
			for _, a := range list {
				if len(known) < knownMost && !slices.Contains(known, a.Addr) {
					known = append(known, a.Addr)
				}
			}
		}
	}
}

// knownMost bounds whom a sender is compared with.
const knownMost = 50
