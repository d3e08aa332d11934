package crashtest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/internal/crashtest/wire"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store/postgres"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// found is one message as an agent sees it.
type found struct {
	ticket ticket.ID
	seq    int64
	text   string
	helpdesk.Message
}

// judge reads the end through the public verbs and holds it against the model.
func (s *story) judge(ctx context.Context, st *state) error {
	msgs, err := s.readAll(ctx)
	if err != nil {
		return fmt.Errorf("reading the end: %w", err)
	}
	for _, m := range s.gen.mails {
		m.touched = m.touched || s.server.overlaps.has(m.id)
	}
	s.judgeMails(st, msgs)
	s.judgeOrder(msgs)
	s.judgeReplies(st, msgs)
	s.judgeRest(st)
	s.judgeLog()
	for _, m := range s.fake.Misuse() {
		s.ledger.violate("C", "the contract of providers: %s", m)
	}
	return nil
}

// readAll reads every conversation, as an agent would.
func (s *story) readAll(ctx context.Context) ([]found, error) {
	pg, err := postgres.Open(ctx, s.dsn)
	if err != nil {
		return nil, err
	}
	defer func() { _ = pg.Close() }()
	desk, err := helpdesk.New(helpdesk.Config{Store: pg, Keys: helpdesk.KeyFile(s.keys)})
	if err != nil {
		return nil, err
	}
	acme := desk.Tenant(wire.Tenant)
	ctx = privacy.As(ctx, privacy.Agent("judge"), privacy.Support)
	var all []found
	for t, err := range acme.AllTickets(ctx, helpdesk.TicketQuery{Limit: 200}) {
		if err != nil {
			return nil, err
		}
		c, err := acme.Conversation(ctx, t.ID, 0)
		if err != nil {
			return nil, err
		}
		for _, m := range c.Messages {
			if m.Unreadable != nil {
				s.ledger.violate("1", "message %s cannot be read: %v", m.ID, m.Unreadable)
			}
			all = append(all, found{ticket: t.ID, seq: m.Seq, text: m.Text, Message: m})
		}
	}
	return all, nil
}

// token is the word that names a mail or reply in a text.
func (s *story) token(text string) string {
	for _, kind := range []string{"-mail-", "-reply-"} {
		if _, rest, ok := strings.Cut(text, s.gen.mark+kind); ok {
			n, _, _ := strings.Cut(rest, ".")
			return s.gen.mark + kind + n + "."
		}
	}
	return ""
}

// judgeMails: every mail is one message of one ticket, and the tickets are the
// model's conversations.
func (s *story) judgeMails(st *state, msgs []found) {
	at := map[string][]found{}
	for _, m := range msgs {
		at[s.token(m.text)] = append(at[s.token(m.text)], m)
	}
	if n := len(at[""]); n > 0 {
		s.ledger.violate("1", "%d messages are of no mail or reply", n)
	}
	ticketOf := map[int]ticket.ID{}
	convOf := map[ticket.ID]int{}
	for _, m := range s.gen.mails {
		if m.copyOf != nil {
			continue // its original is judged
		}
		got := at[m.token]
		if len(got) == 0 && s.quarantined(st, m) {
			continue
		}
		switch {
		case m.held && len(got) > 0:
			s.ledger.violate("1", "mail %s is above the limit and became a message", m.id)
			continue
		case len(got) == 0:
			s.ledger.violate("1", "mail %s is lost", m.id)
			continue
		case len(got) > 1:
			s.ledger.violate("1", "mail %s is %d messages", m.id, len(got))
		}
		is := got[0].ticket
		if was, ok := ticketOf[m.conv]; ok && was != is {
			s.ledger.violate("1", "mail %s is not on the ticket of its conversation %d (past %v, touched %v)", m.id, m.conv, m.past, m.touched)
		} else if other, ok := convOf[is]; ok && other != m.conv {
			s.ledger.violate("1", "mail %s of conversation %d is on the ticket of conversation %d", m.id, m.conv, other)
		}
		ticketOf[m.conv], convOf[is] = is, m.conv
	}
}

// quarantined tells whether a mail, under one of its ids, is in quarantine for
// a reason that it gave: it was too large, or it did not arrive whole while
// fetching failed again and again.
func (s *story) quarantined(st *state, m *mail) bool {
	for _, o := range s.gen.mails {
		if o != m && o.copyOf != m {
			continue
		}
		switch st.held[marked(o.id)] {
		case "too-large":
			return m.held
		case "fetch-failed":
			return s.fetchFailed()
		}
	}
	return false
}

func (s *story) fetchFailed() bool {
	for what, n := range s.fired() {
		if what == fetchFailed || strings.HasPrefix(what, "provider/"+mailboxtest.OpFetch+"/") && n > 0 {
			return true
		}
	}
	return false
}

// judgeOrder: within a ticket, the mails of each stream appear in the order in
// which the provider lists them, live oldest first and the past newest first,
// unless it was told to list them in another one.
func (s *story) judgeOrder(msgs []found) {
	if s.fake.Fired()[mailboxtest.OpChanges+"/"+string(mailboxtest.FaultReorder)] > 0 {
		return
	}
	// A mail that is listed in several places may be taken in at any of them.
	by := map[string]*mail{}
	for _, m := range s.gen.mails {
		if m.copyOf == nil && !m.touched {
			by[m.token] = m
		}
	}
	for _, m := range s.gen.mails {
		if m.copyOf != nil {
			delete(by, m.token)
		}
	}
	type stream struct {
		ticket ticket.ID
		source ticket.Source
	}
	last := map[stream]*mail{}
	slices.SortStableFunc(msgs, func(a, b found) int { return cmp.Compare(a.seq, b.seq) })
	for _, f := range msgs {
		m := by[s.token(f.text)]
		if m == nil {
			continue
		}
		of := stream{f.ticket, f.Provenance.Source}
		was := last[of]
		last[of] = m
		switch {
		case was == nil:
		case of.source == ticket.SourceLive && m.at.Before(was.at):
			s.ledger.violate("1", "mail %s stands behind %s, which came later", m.id, was.id)
		case of.source == ticket.SourceBackfill && m.at.After(was.at):
			s.ledger.violate("1", "mail %s of the past stands behind %s, which is older", m.id, was.id)
		}
	}
}

// judgeReplies: what was written is one message, sent at most once; what was
// rolled back is nothing; nothing is silent.
func (s *story) judgeReplies(st *state, msgs []found) {
	copies := map[string]int{}
	for _, m := range s.fake.Sent(user) {
		copies[s.token(string(m.Raw))] += m.Copies
	}
	at := map[string][]found{}
	for _, m := range msgs {
		at[s.token(m.text)] = append(at[s.token(m.text)], m)
	}
	for _, x := range s.orders.list() {
		if x.Kind != wire.CmdConnect {
			s.judgeReply(st, x, at, copies[x.Text])
		}
		delete(copies, x.Text)
	}
	for tok, n := range copies {
		s.ledger.violate("2", "%d copies of a mail that nobody wrote were sent (token known: %v)", n, tok != "")
	}
}

func (s *story) judgeReply(st *state, x order, at map[string][]found, copies int) {
	got, state := at[x.Text], st.deliveries[x.Reply]
	if copies > 1 {
		s.ledger.violate("2", "reply %s was sent %d times", x.Reply, copies)
	}
	committed := x.ok && x.Kind != wire.CmdRollback
	if x.Kind != wire.CmdPlain && (st.replies[x.Reply] != (len(got) > 0) || st.replies[x.Reply] != (state != "")) {
		s.ledger.violate("3", "reply %s and the host's row do not stand together: row %v, messages %d, delivery %q", x.Reply, st.replies[x.Reply], len(got), state)
	}
	switch {
	case x.Kind == wire.CmdRollback && (len(got) > 0 || copies > 0 || state != ""):
		s.ledger.violate("3", "reply %s was rolled back: messages %d, copies %d, delivery %q", x.Reply, len(got), copies, state)
		return
	case committed && (len(got) == 0 || state == ""):
		s.ledger.violate("3", "reply %s was committed and is forgotten", x.Reply)
		return
	case len(got) > 1:
		s.ledger.violate("1", "reply %s is %d messages", x.Reply, len(got))
	}
	if len(got) == 0 {
		if copies > 0 {
			s.ledger.violate("3", "reply %s was never committed and was sent", x.Reply)
		}
		return
	}
	if m := at[x.mail.token]; len(m) > 0 && m[0].ticket != got[0].ticket {
		s.ledger.violate("1", "reply %s is not on the ticket it answers", x.Reply)
	}
	switch ticket.DeliveryState(state) {
	case ticket.Sent:
		if copies != 1 {
			s.ledger.violate("2", "reply %s is sent, and the provider took %d copies", x.Reply, copies)
		}
	case ticket.Failed:
		if copies != 0 {
			s.ledger.violate("2", "reply %s failed, and the provider took %d copies", x.Reply, copies)
		}
	case ticket.Uncertain: // visible: the public list of deliveries has it
	default:
		s.ledger.violate("2", "reply %s ended %q", x.Reply, state)
	}
	if d := got[0].Delivery; d == nil || string(d.State) != state {
		s.ledger.violate("2", "reply %s does not show its delivery", x.Reply)
	}
}

// judgeRest: nothing is held, and the host's rows stand beside the events.
func (s *story) judgeRest(st *state) {
	for _, t := range st.tasks {
		if t.leased && t.late > leaseGrace {
			s.ledger.violate("7", "a task stays leased %v after its lease: %s", t.late, t.kind)
		}
	}
	for _, d := range st.deliveries {
		if d == "wire" || d == "preparing" {
			s.ledger.violate("7", "a delivery stays %s", d)
		}
	}
	s.ledger.durable(st.events)
	if st.loose > 0 {
		s.ledger.violate("3", "%d events and rows of the host do not stand together", st.loose)
	}
}

// judgeLog looks for personal data and provider ids in what workers logged.
func (s *story) judgeLog() {
	text := strings.ToLower(s.log.String())
	for name, canary := range map[string]string{
		"an address": domain, "a subject, text or Message-ID": s.gen.mark, "an id of the provider": idPrefix,
	} {
		if n := strings.Count(text, strings.ToLower(canary)); n > 0 {
			s.ledger.violate("P", "the log tells %s, %d times", name, n)
		}
	}
}
