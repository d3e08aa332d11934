package helpdesk_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// roomy is a limit that every bad mail is under.
const roomy = mostMail + 1<<10

// allBad returns all bad mails, and which place each raw form has among them.
func allBad() (mails [][]byte, bads []badMail) {
	bads = badMails()
	for _, bad := range bads {
		mails = append(mails, bad.raw)
	}
	return mails, bads
}

// TestPagesOfBadMails: pages that hold nothing but bad mails, or half of them
// refused by the store, lose nothing and let the mail after them in.
func TestPagesOfBadMails(t *testing.T) {
	for _, stream := range streams {
		for _, size := range []int{1, 7, 100} {
			bubble(t, fmt.Sprintf("%s, pages of %d", stream, size), func(t *testing.T) {
				mails, bads := allBad()
				b, _ := badBench(t, stream, mails, func(c *helpdesk.Config) { c.PageSize = size })
				b.patiently(5 * time.Minute)
				got := b.messages()
				for _, bad := range bads {
					if _, ok := got[string(bad.raw)]; ok != (bad.cause == "") {
						t.Errorf("%s: stored %v", bad.name, ok)
					}
				}
				if q := b.quarantine(); len(got) != len(bads)-1 || len(q) != 1 || q[0].Cause != "too-large" {
					t.Errorf("%d messages of %d bad mails, held %+v", len(got), len(bads), q)
				}
				if stream == "live" {
					b.deliver(numbered(0))
					b.work()
					if b.count() != len(bads) {
						t.Error("the next mail does not come in")
					}
				}
				b.wantWhole()
			})
		}
	}
}

// refusedBads is a bench whose store refuses the content of every bad mail, so
// that all of them are held.
func refusedBads(t *testing.T, stream string) (*bench, []badMail) {
	t.Helper()
	mails, bads := allBad()
	mails = append(mails, numbered(0).raw())
	b, ids := badBench(t, stream, mails, func(c *helpdesk.Config) { c.PageSize = 10 })
	b.store.set(func(s *faulty) { s.refuse = refuseMail(ids[:len(bads)]...) })
	b.patiently(5 * time.Minute)
	if held := b.quarantine(); len(held) != len(bads) || b.count() != 1 || b.countEvents(ticket.MailQuarantined) != len(bads) {
		t.Fatalf("%d held of %d, %d messages", len(held), len(bads), b.count())
	}
	if h := b.health(); h.State != store.HealthOK {
		t.Errorf("health %+v", h)
	}
	return b, bads
}

// TestBadMailsLeaveQuarantine: each bad mail that was held comes out as the
// mail it was, by either verb, once, and nothing brings it in again.
func TestBadMailsLeaveQuarantine(t *testing.T) {
	for _, stream := range streams {
		for _, verb := range []string{"Reprocess", "Release"} {
			bubble(t, stream+" "+verb, func(t *testing.T) {
				b, bads := refusedBads(t, stream)
				desk := b.newDesk(func(c *helpdesk.Config) { c.MaxMail = roomy })
				take := desk.Tenant("acme").Reprocess
				if verb == "Release" {
					take = desk.Tenant("acme").Release
				}
				held := b.quarantine()
				b.wantHeld(held, bads)
				b.store.set(func(s *faulty) { s.refuse = refuseAll })
				for _, q := range held {
					if _, err := take(b.agent, q.ID); !errors.Is(err, helpdesk.ErrState) {
						t.Errorf("%s while the store refuses it: %v, want ErrState", verb, err)
					}
				}
				b.wantHeld(b.quarantine(), bads)
				b.store.set(func(s *faulty) { s.refuse = nil })
				for _, q := range held {
					id, err := take(b.agent, q.ID)
					if err != nil {
						t.Fatalf("%s of %d bytes: %v", verb, q.Size, err)
					}
					if raw, err := b.acme.Raw(b.agent, id); (err != nil && q.Size > 0) || int64(len(raw)) != q.Size {
						t.Errorf("a mail of %d bytes came out with %d, %v", q.Size, len(raw), err)
					}
					if again, err := take(b.agent, q.ID); !errors.Is(err, helpdesk.ErrState) || again != id {
						t.Errorf("%s again: %v", verb, err)
					}
				}
				got := b.messages()
				for _, bad := range bads {
					m, ok := got[string(bad.raw)]
					if !ok {
						t.Errorf("%s is missing", bad.name)
					}
					if string(m.Provenance.Source) != stream {
						t.Errorf("%s came out as %s", bad.name, m.Provenance.Source)
					}
				}
				if len(got) != len(bads)+1 || b.countEvents(ticket.MailReleased) != len(bads) {
					t.Errorf("%d messages of %d mails, %d released", len(got), len(bads)+1, b.countEvents(ticket.MailReleased))
				}
				b.wantWhole()
			})
		}
	}
}

// refuseAll refuses every message.
func refuseAll(c store.Changes) error {
	if len(c.Messages) > 0 {
		return fmt.Errorf("test: %w", store.ErrRejected)
	}
	return nil
}

// wantHeld checks that every bad mail is held, as it was.
func (b *bench) wantHeld(held []helpdesk.Quarantined, bads []badMail) {
	b.t.Helper()
	var whole [][]byte
	for _, q := range held {
		if q.State != store.Held {
			b.t.Fatalf("a mail of %d bytes is %s", q.Size, q.State)
		}
		raw, err := b.acme.QuarantinedRaw(b.agent, q.ID)
		if err != nil && (q.HasRaw || !errors.Is(err, helpdesk.ErrNotFound)) {
			b.t.Errorf("QuarantinedRaw: %v", err)
		}
		whole = append(whole, raw)
	}
	for _, bad := range bads {
		ok := false
		for _, raw := range whole {
			ok = ok || bytes.Equal(raw, bad.raw)
		}
		if !ok && bad.cause == "" {
			b.t.Errorf("%s is not held as it was", bad.name)
		}
	}
}

// TestTooLargeMailAsked: a mail above the limit stays at the provider until the
// limit is raised, and a person who asks for it before that is told why.
func TestTooLargeMailAsked(t *testing.T) {
	for _, stream := range streams {
		bubble(t, stream, func(t *testing.T) {
			_, bads := allBad()
			for _, bad := range bads {
				if bad.cause == "" {
					continue
				}
				b, _ := badBench(t, stream, [][]byte{bad.raw, numbered(0).raw()}, nil)
				b.patiently(3 * time.Minute)
				held := b.quarantine()
				if len(held) != 1 || held[0].HasRaw {
					t.Fatalf("held %+v", held)
				}
				for name, take := range map[string]func() error{
					"Reprocess": func() error { _, err := b.acme.Reprocess(b.agent, held[0].ID); return err },
					"Release":   func() error { _, err := b.acme.Release(b.agent, held[0].ID); return err },
				} {
					if err := take(); mailbox.KindOf(err) != mailbox.TooLarge {
						t.Errorf("%s: %v, want too-large", name, err)
					}
				}
				if q := b.quarantine(); len(q) != 1 || q[0].State != store.Held || b.count() != 1 {
					t.Errorf("asking changed something: %+v, %d messages", q, b.count())
				}
			}
		})
	}
}
