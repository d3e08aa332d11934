package postfix

import (
	"context"
	"os"
	"strings"

	"github.com/helpdesk-go/helpdesk/internal/testmail"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// settle lets a worker finish what the dead ones left, and judges every reply
// since the last time. It also counts what became of them.
func (b *bench) settle() (out []violation, ended map[string]int) {
	b.tb.Helper()
	w := b.worker()
	must(b.tb, w.run(""))
	all := b.replies
	b.replies = nil
	stuck := !within(func() bool { return b.settled(all) })
	must(b.tb, w.stop())
	b.collect(all)
	ended = map[string]int{}
	for _, r := range all {
		out = append(out, judge(*r)...)
		what := string(r.state)
		if r.state == ticket.Uncertain {
			what += map[bool]string{true: ", accepted by Postfix", false: ", not accepted"}[len(r.accepted) > 0]
		}
		ended["replies "+what]++
	}
	if stuck && len(out) == 0 {
		out = append(out, violation{all[0].seed, "final within the bound", "tasks were still held"})
	}
	log, err := os.ReadFile(b.logs)
	must(b.tb, err)
	for _, c := range leaks(log, []string{subject, password, "kunde-", "token-", "A line like any other", "@customer.example", "@" + testmail.Domain}) {
		out = append(out, violation{all[0].seed, "nothing personal in logs", "canary " + c})
	}
	must(b.tb, b.logFile.Truncate(0))
	return out, ended
}

// settled reports whether nothing more happens to the replies by itself but
// looking for the uncertain ones.
func (b *bench) settled(all []*reply) bool {
	b.tb.Helper()
	b.states(all)
	for _, r := range all {
		switch {
		case r.state == ticket.Uncertain:
		case !r.state.Final(), r.pending > 0:
			return false
		}
	}
	return true
}

// states reads what the helpdesk says about the replies.
func (b *bench) states(all []*reply) {
	b.tb.Helper()
	byID := map[ticket.ID]*reply{}
	for _, r := range all {
		r.pending, r.listed = 0, false
		byID[r.id] = r
	}
	err := b.st.View(b.tb.Context(), func(ctx context.Context, rd store.Reader) error {
		for _, r := range all {
			r.pending = 0
			d, err := rd.Delivery(ctx, b.acme.ID(), r.id)
			if err != nil {
				return err
			}
			r.state = d.State
		}
		for _, x := range b.boxes {
			tasks, err := rd.Tasks(ctx, b.acme.ID(), x.id)
			if err != nil {
				return err
			}
			for _, t := range tasks {
				if r := byID[t.Subject]; r != nil {
					r.pending++
				}
			}
		}
		return nil
	})
	must(b.tb, err)
}

// collect fills in what a person is shown and what the servers have.
func (b *bench) collect(all []*reply) {
	b.tb.Helper()
	b.states(all)
	byID, byMessageID := map[ticket.ID]*reply{}, map[string]*reply{}
	for _, r := range all {
		byID[r.id] = r
	}
	var after ticket.ID
	for {
		page, err := b.acme.Deliveries(b.kari, after, 200, ticket.Uncertain)
		must(b.tb, err)
		for _, d := range page {
			after = d.Message
			if r := byID[d.Message]; r != nil {
				r.listed = true
			}
		}
		if len(page) < 200 {
			break
		}
	}
	for t := range ticketsOf(all) {
		c, err := b.acme.Conversation(b.kari, t, 0)
		must(b.tb, err)
		if c.More {
			b.tb.Fatal("the conversation is longer than one page")
		}
		for _, m := range c.Messages {
			if r := byID[m.ID]; r != nil {
				r.messageID = m.MessageID
				byMessageID[m.MessageID] = r
			}
		}
	}
	b.copies(all, byMessageID)
}

// copies counts what Postfix accepted, by the text, so that a copy under
// another Message-ID counts too, and what is in the folders of sent mail.
func (b *bench) copies(all []*reply, byMessageID map[string]*reply) {
	b.tb.Helper()
	accepted, err := b.postfix.Accepted(b.tb.Context())
	must(b.tb, err)
	byToken := map[string]*reply{}
	for _, r := range all {
		byToken[r.token] = r
	}
	for _, m := range accepted {
		r := byMessageID[m.MessageID]
		if r == nil {
			r = byToken[tokenOf(m.Raw)]
		}
		if r != nil {
			r.accepted = append(r.accepted, m.Raw)
		}
	}
	for _, x := range b.boxes {
		mails, err := b.dovecot.Mails(x.user, "Sent")
		must(b.tb, err)
		for _, raw := range mails {
			if r := byMessageID[messageIDOf(raw)]; r != nil {
				r.filed++
			}
		}
	}
}

// tokenOf returns the token that a mail's text begins with.
func tokenOf(raw []byte) string {
	_, after, ok := strings.Cut(string(raw), "\r\ntoken-")
	if !ok {
		return ""
	}
	line, _, _ := strings.Cut(after, "\r\n")
	return "token-" + line
}

func ticketsOf(all []*reply) map[ticket.ID]bool {
	out := map[ticket.ID]bool{}
	for _, r := range all {
		out[r.ticket] = true
	}
	return out
}
