package helpdesk_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// answered is a bench with a ticket whose reply is queued.
func answered(t *testing.T, o mailboxtest.FakeOptions, edit func(*helpdesk.Config)) *bench {
	t.Helper()
	b := newBench(t, o, edit)
	b.deliver(numbered(0))
	b.work()
	b.reply(b.tickets()[0].ID, "An answer.")
	return b
}

// copies counts what people received.
func (b *bench) copies() (n int) {
	for _, s := range b.fake.Sent("support") {
		n += s.Copies
	}
	return n
}

// wantDelivery checks the end of the only delivery, against the ledger of the
// provider.
func (b *bench) wantDelivery(state ticket.DeliveryState, copies int) {
	b.t.Helper()
	d := b.delivery()
	if d.State != state || b.copies() != copies {
		b.t.Errorf("delivery is %s (%s) with %d copies, want %s with %d", d.State, d.Cause, b.copies(), state, copies)
	}
	if n := len(b.one().Messages); n != 2 {
		b.t.Errorf("%d messages, want the mail and its answer", n)
	}
}

// providers are the ways to send: plain, plain that keeps copies, drafts, and
// drafts with new ids.
func providers() map[string]mailboxtest.FakeOptions {
	keeps, renames := plain(), rich()
	keeps.FilesSent = true
	renames.RewriteMessageID = true
	blind := mailboxtest.FakeOptions{}
	return map[string]mailboxtest.FakeOptions{"plain": plain(), "keeps": keeps, "rich": rich(), "renames": renames, "blind": blind}
}

// TestSendFaults is the matrix of what can happen to a sending call.
func TestSendFaults(t *testing.T) {
	for name, o := range providers() {
		drafts := o.Capabilities.Drafts
		op := mailboxtest.OpSend
		if drafts {
			op = mailboxtest.OpSendDraft
		}
		doubt, unsent := ticket.Uncertain, 0 // nobody can tell whether it was sent
		if drafts {
			doubt, unsent = ticket.Sent, 1 // the draft tells
		}
		after := ticket.Sent
		if name == "plain" || name == "blind" {
			after = ticket.Uncertain // it was, but there is no copy to find
		}
		for _, c := range []struct {
			kind   mailboxtest.FaultKind
			state  ticket.DeliveryState
			copies int
		}{
			{mailboxtest.FaultThrottle, ticket.Sent, 1},
			{mailboxtest.FaultRefuse, ticket.Sent, 1},
			{mailboxtest.FaultSlow, ticket.Sent, 1},
			{mailboxtest.FaultReject, ticket.Failed, 0},
			{mailboxtest.FaultServerError, doubt, unsent},
			{mailboxtest.FaultCutBefore, doubt, unsent},
			{mailboxtest.FaultHang, doubt, unsent},
			{mailboxtest.FaultCutAfter, after, 1},
			{mailboxtest.FaultHangAfter, after, 1},
		} {
			bubble(t, fmt.Sprintf("%s %s", name, c.kind), func(t *testing.T) {
				b := answered(t, o, nil)
				b.fake.Inject(mailboxtest.Fault{Op: op, Kind: c.kind, RetryAfter: 10 * time.Second, Delay: time.Second})
				b.patiently(20 * time.Minute)
				b.wantDelivery(c.state, c.copies)
				b.fired(op, c.kind)
				// A refused draft stays: a person may send it again.
				if n := len(b.fake.Drafts("support")); n != 0 && c.kind != mailboxtest.FaultReject {
					t.Errorf("%d drafts are left", n)
				}
			})
		}
	}
}

// TestSendStepFaults: no fault of a step around the sending changes the end.
func TestSendStepFaults(t *testing.T) {
	for name, o := range providers() {
		if name == "blind" {
			continue
		}
		steps := []string{mailboxtest.OpOpen, mailboxtest.OpFindSent}
		if o.Capabilities.Drafts {
			steps = append(steps, mailboxtest.OpDraft, mailboxtest.OpFindDraft, mailboxtest.OpDraftPresent)
		} else if !o.FilesSent {
			steps = append(steps, mailboxtest.OpFile)
		}
		for _, step := range steps {
			for _, k := range []mailboxtest.FaultKind{
				mailboxtest.FaultThrottle, mailboxtest.FaultServerError, mailboxtest.FaultCutBefore, mailboxtest.FaultCutAfter,
			} {
				bubble(t, fmt.Sprintf("%s %s %s", name, step, k), func(t *testing.T) {
					b := answered(t, o, nil)
					doubt := step == mailboxtest.OpFindSent || step == mailboxtest.OpDraftPresent
					if doubt {
						b.fake.Inject(mailboxtest.Fault{Op: b.fake.SendOp(), Kind: mailboxtest.FaultCutAfter})
					}
					b.fake.Inject(mailboxtest.Fault{Op: step, Kind: k, Times: 2})
					b.patiently(20 * time.Minute)
					want := ticket.Sent
					if doubt && name == "plain" {
						want = ticket.Uncertain
					}
					b.wantDelivery(want, 1)
					copies := 1
					if want == ticket.Uncertain {
						copies = 0
					}
					if n := len(b.fake.IDs("support", mailboxtest.SentFolder)); n != copies {
						t.Errorf("%d copies among the sent mail, want %d", n, copies)
					}
					if n := len(b.fake.Drafts("support")); n != 0 {
						t.Errorf("%d drafts are left", n)
					}
				})
			}
		}
	}
}

// TestSendLostCommits: the worker dies, or the store's answer is lost, at each
// commit of a delivery in turn.
func TestSendLostCommits(t *testing.T) {
	for name, o := range providers() {
		for _, after := range []bool{false, true} {
			for nth := range 4 {
				bubble(t, fmt.Sprintf("%s commit %d, written %v", name, nth, after), func(t *testing.T) {
					b := answered(t, o, nil)
					seen, dead := 0, false
					hits := func(c store.Changes) bool {
						if len(c.Deliveries) == 0 || dead {
							return dead
						}
						seen++
						dead = seen == nth+1
						return dead
					}
					b.store.set(func(s *faulty) {
						if after {
							s.lose = func(all []store.Changes) bool {
								for _, c := range all {
									if hits(c) {
										s.mu.Lock() // the process is gone: nothing more is written
										s.down = true
										s.mu.Unlock()
										return true
									}
								}
								return false
							}
							return
						}
						s.refuse = func(c store.Changes) error {
							if hits(c) {
								return store.ErrUnavailable
							}
							return nil
						}
					})
					_, _ = b.desk.RunOnce(t.Context())
					b.store.set(func(s *faulty) { s.down, s.lose, s.refuse = false, nil, nil })
					b.desk = b.newDesk(nil) // another process takes over when the lease ran out
					b.patiently(20 * time.Minute)
					if n := b.copies(); n > 1 {
						t.Fatalf("%d copies", n)
					}
					switch d := b.delivery(); {
					case d.State == ticket.Sent && b.copies() == 1:
					case d.State == ticket.Uncertain && (name == "plain" || name == "blind" || name == "keeps" && b.copies() == 0):
					default:
						t.Errorf("delivery is %s (%s) with %d copies", d.State, d.Cause, b.copies())
					}
				})
			}
		}
	}
}

func TestUncertainLooks(t *testing.T) {
	bubble(t, "after 5 s, 30 s and 2 min", func(t *testing.T) {
		o := plain()
		b := answered(t, o, nil)
		b.fake.Inject(mailboxtest.Fault{Op: mailboxtest.OpSend, Kind: mailboxtest.FaultCutBefore})
		b.once()
		since := time.Now()
		var looks []time.Duration
		for n := 0; time.Since(since) < 10*time.Minute; {
			time.Sleep(time.Second)
			b.once()
			if now := b.fake.Requests()[mailboxtest.OpFindSent]; now > n {
				n = now
				looks = append(looks, time.Since(since))
			}
		}
		if fmt.Sprint(looks) != "[5s 30s 2m0s]" {
			t.Errorf("looked after %v", looks)
		}
		b.wantDelivery(ticket.Uncertain, 0)
	})
	bubble(t, "a late index", func(t *testing.T) {
		o := rich()
		o.SentLag = time.Minute
		b := answered(t, o, nil)
		b.fake.Inject(mailboxtest.Fault{Op: mailboxtest.OpSendDraft, Kind: mailboxtest.FaultCutAfter})
		b.fake.Inject(mailboxtest.Fault{Op: mailboxtest.OpChanges, Kind: mailboxtest.FaultServerError, Times: -1})
		b.patiently(5 * time.Minute)
		b.wantDelivery(ticket.Sent, 1)
	})
	bubble(t, "the copy in Changes resolves it", func(t *testing.T) {
		o := mailboxtest.FakeOptions{FilesSent: true, RewriteMessageID: true} // cannot search
		b := answered(t, o, nil)
		b.fake.Inject(mailboxtest.Fault{Op: mailboxtest.OpSend, Kind: mailboxtest.FaultCutAfter})
		b.patiently(10 * time.Minute)
		b.wantDelivery(ticket.Sent, 1)
		b.deliver(mail{from: ann, id: "2@customer.example", reply: b.fake.Sent("support")[0].FinalID, text: "Thanks."})
		b.work()
		if n := len(b.one().Messages); n != 3 {
			t.Errorf("%d messages: the answer to the rewritten id went astray", n)
		}
	})
}

func TestPersonDecides(t *testing.T) {
	uncertain := func(t *testing.T) (*bench, ticket.ID) {
		b := answered(t, plain(), nil)
		b.fake.Inject(mailboxtest.Fault{Op: mailboxtest.OpSend, Kind: mailboxtest.FaultCutBefore})
		b.patiently(5 * time.Minute)
		b.wantDelivery(ticket.Uncertain, 0)
		return b, b.delivery().Message
	}
	bubble(t, "send again", func(t *testing.T) {
		b, id := uncertain(t)
		if err := b.acme.SendAgain(b.agent, id); err != nil {
			t.Fatal(err)
		}
		b.work()
		b.wantDelivery(ticket.Sent, 1)
		if err := b.acme.SendAgain(b.agent, id); !errors.Is(err, helpdesk.ErrState) {
			t.Errorf("sending what was sent: %v", err)
		}
	})
	bubble(t, "mark as sent", func(t *testing.T) {
		b, id := uncertain(t)
		if err := b.acme.MarkSent(b.agent, id); err != nil {
			t.Fatal(err)
		}
		b.work()
		b.wantDelivery(ticket.Sent, 0)
		last := b.events()[len(b.events())-1]
		if last.By != ticket.ByAgent("kari") || last.Type != ticket.DeliveryChanged {
			t.Errorf("the decision is recorded as %+v", last.Event)
		}
	})
	bubble(t, "cancel in time", func(t *testing.T) {
		b := answered(t, plain(), nil)
		id := b.delivery().Message
		if err := b.acme.CancelReply(b.agent, id); err != nil {
			t.Fatal(err)
		}
		b.work()
		b.wantDelivery(ticket.Cancelled, 0)
	})
	bubble(t, "cancel too late", func(t *testing.T) {
		b := answered(t, plain(), nil)
		b.work()
		if err := b.acme.CancelReply(b.agent, b.delivery().Message); !errors.Is(err, helpdesk.ErrState) {
			t.Error(err)
		}
	})
}

func TestSendGivesUp(t *testing.T) {
	for name, o := range map[string]mailboxtest.FakeOptions{"plain": plain(), "rich": rich()} {
		for _, k := range []mailboxtest.FaultKind{mailboxtest.FaultRefuse, mailboxtest.FaultCutBefore} {
			if name == "plain" && k == mailboxtest.FaultCutBefore {
				continue // is uncertain at once
			}
			bubble(t, name+" "+string(k), func(t *testing.T) {
				b := answered(t, o, nil)
				b.fake.Inject(mailboxtest.Fault{Op: b.fake.SendOp(), Kind: k, Times: -1})
				for range 4 * 24 * 6 {
					time.Sleep(10 * time.Minute)
					b.once()
				}
				b.wantDelivery(ticket.Failed, 0)
				if n := b.fake.Requests()[b.fake.SendOp()]; n > 600 {
					t.Errorf("%d tries in three days: that is hammering", n)
				}
			})
		}
	}
	bubble(t, "too large for the provider", func(t *testing.T) {
		o := plain()
		o.MaxSize = 100
		b := answered(t, o, nil)
		b.work()
		b.wantDelivery(ticket.Failed, 0)
	})
	bubble(t, "the host's hook fails at each step for a while", func(t *testing.T) {
		angry := false
		b := answered(t, rich(), func(c *helpdesk.Config) {
			c.OnEvent = func(_ context.Context, _ store.Tx, e ticket.Event) error {
				if angry && e.Type == ticket.DeliveryChanged {
					return errors.New("hook: " + helpdesk.ErrNotFound.Error())
				}
				return nil
			}
		})
		angry = true
		b.patiently(5 * time.Minute)
		if h := b.health(); h.State != store.HealthBroken || !strings.Contains(h.Cause, "hook") {
			t.Errorf("health %+v", h)
		}
		angry = false
		b.patiently(20 * time.Minute)
		b.wantDelivery(ticket.Sent, 1)
		if h := b.health(); h.State != store.HealthOK {
			t.Errorf("health %+v", h)
		}
	})
}

// TestRecipients covers who gets a mail and who is told.
func TestRecipients(t *testing.T) {
	bubble(t, "bcc, refused and many", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		b.deliver(numbered(0))
		b.work()
		id := b.tickets()[0].ID
		b.fake.RefuseRecipient(bob)
		r := helpdesk.Reply{Text: "To all.", Bcc: []helpdesk.Address{{Addr: eve}}, Cc: []helpdesk.Address{{Addr: ours}}}
		for n := range 15 {
			r.To = append(r.To, helpdesk.Address{Addr: fmt.Sprintf("c%d@customer.example", n)})
		}
		r.To = append(r.To, helpdesk.Address{Addr: bob})
		if _, err := b.acme.Reply(b.agent, id, r); err != nil {
			t.Fatal(err)
		}
		b.work()
		s := b.fake.Sent("support")[0]
		if len(s.To) != 16 || strings.Contains(string(s.Raw), eve) || strings.Contains(string(s.Raw), "Bcc") {
			t.Errorf("sent to %d recipients %v", len(s.To), s.To)
		}
		if d := b.delivery(); d.State != ticket.Sent || d.Cause != "some recipients refused" {
			t.Errorf("delivery %s %q", d.State, d.Cause)
		}
	})
}
