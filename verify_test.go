package helpdesk_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
	"github.com/helpdesk-go/helpdesk/mailbox/rfc822/auth/verify"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// txtRecords is a DNS that a test fills.
type txtRecords map[string]string

func (z txtRecords) LookupTXT(_ context.Context, name string) ([]string, error) {
	if s, ok := z[name]; ok {
		return []string{s}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

// TestVerifier: no provider checks anything, Ann's domain signs and asks to
// refuse what it did not sign.
func TestVerifier(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	zone := txtRecords{
		"s._domainkey.customer.example": "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public),
		"_dmarc.customer.example":       "v=DMARC1; p=reject",
	}
	sign := func(raw []byte) []byte {
		var out bytes.Buffer
		o := &dkim.SignOptions{Domain: "customer.example", Selector: "s", Signer: private}
		if err := dkim.Sign(&out, bytes.NewReader(raw), o); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	answer := mail{from: ann, id: "2@customer.example", reply: "1@customer.example", subject: "Re: Lamp", text: "More."}
	for _, c := range []struct {
		name  string
		raw   []byte
		joins bool
		dmarc string
	}{
		{"signed", sign(answer.raw()), true, "pass"},
		{"altered", append(sign(answer.raw()), "Pay at once.\r\n"...), false, "fail"},
		{"not signed", answer.raw(), false, "fail"},
		{"returned through a mailer", append([]byte("Return-Path: <b@mailer.test>\r\n"), sign(answer.raw())...), true, "pass"},
	} {
		bubble(t, c.name, func(t *testing.T) {
			b := newBench(t, plain(), func(cfg *helpdesk.Config) {
				cfg.Verify = &verify.Verifier{Resolver: zone, WithoutSPF: true}
			})
			b.fake.Deliver("support", sign(mail{from: ann, id: "1@customer.example", subject: "Lamp", text: "Dark."}.raw()))
			b.work()
			talk := b.one()
			b.fake.Deliver("support", c.raw)
			b.work()
			conv := b.conversation(talk.Ticket.ID)
			if c.joins != (len(conv.Messages) == 2) {
				t.Fatalf("%d messages on the ticket", len(conv.Messages))
			}
			last := conv.Messages[len(conv.Messages)-1]
			if !c.joins {
				ts := b.tickets()
				other := b.conversation(ts[slices.IndexFunc(ts, func(x helpdesk.Ticket) bool { return x.ID != talk.Ticket.ID })].ID)
				if last = other.Messages[0]; other.Ticket.Related != talk.Ticket.ID {
					t.Error("the new ticket does not name the one it is about")
				}
			}
			if last.Auth.DMARC != c.dmarc || last.Auth.Source != "checked" || len(last.Auth.Warnings) != 0 {
				t.Errorf("%+v", last.Auth)
			}
		})
	}
}

// asked is a Verifier that notes about what it was asked.
type asked struct {
	mu     sync.Mutex
	ids    []string
	inside error // of a verb that must not be called in a transaction
	answer func(ctx context.Context, in ticket.Inbound) ticket.Auth
	try    func(ctx context.Context) error
}

func (v *asked) Verify(ctx context.Context, raw []byte, in ticket.Inbound) ticket.Auth {
	v.mu.Lock()
	v.ids = append(v.ids, in.MessageID)
	if v.try != nil {
		v.inside = errors.Join(v.inside, v.try(ctx))
	}
	v.mu.Unlock()
	if !bytes.Contains(raw, []byte("Message-ID: <"+in.MessageID+">")) {
		return ticket.Auth{}
	}
	return v.answer(ctx, in)
}

// TestVerifierIsAsked: about which mails, where, and what a bad one does.
func TestVerifierIsAsked(t *testing.T) {
	passes := func(context.Context, ticket.Inbound) ticket.Auth {
		return ticket.Auth{DMARC: "pass", Source: "checked", Warnings: []string{"the host's"}}
	}
	start := func(t *testing.T, v *asked, o helpdesk.ConnectOptions) *bench {
		b := unconnected(t, plain(), func(c *helpdesk.Config) { c.Verify = v })
		b.connect(o)
		return b
	}
	bubble(t, "once each, outside of transactions", func(t *testing.T) {
		v := &asked{answer: passes}
		b := start(t, v, helpdesk.ConnectOptions{})
		v.try = func(ctx context.Context) error {
			_, err := b.acme.Tickets(privacy.As(ctx, privacy.Agent("kari"), privacy.Support), helpdesk.TicketQuery{})
			return err
		}
		for i := range 20 {
			b.deliver(numbered(i))
		}
		b.work()
		b.fake.ExpireCursor("support")
		b.work()
		slices.Sort(v.ids)
		if len(v.ids) != 20 || len(slices.Compact(v.ids)) != 20 || v.inside != nil {
			t.Errorf("asked about %v, inside: %v", v.ids, v.inside)
		}
		for _, tk := range b.tickets() {
			if a := b.conversation(tk.ID).Messages[0].Auth; a.DMARC != "pass" || a.Source != "checked" || len(a.Warnings) != 0 {
				t.Errorf("%+v", a)
			}
		}
	})
	bubble(t, "not about the past or about us", func(t *testing.T) {
		v := &asked{answer: passes}
		o := helpdesk.ConnectOptions{}
		b := unconnected(t, plain(), func(c *helpdesk.Config) { c.Verify = v })
		b.fake.DeliverAt("support", mail{from: ann, id: "past@customer.example", subject: "Past", text: "x"}.raw(), time.Now().Add(-time.Hour))
		o.Intake.Since = time.Now().Add(-24 * time.Hour)
		b.connect(o)
		b.patiently(time.Minute)
		b.fake.Put("support", mailboxtest.Arrival{Raw: mail{from: ours, to: ann, id: "sent@desk.example", subject: "Sent", text: "x"}.raw(), Folder: mailboxtest.SentFolder})
		b.fake.DeliverAt("support", mail{from: ann, id: "old@customer.example", subject: "Old", text: "x"}.raw(), time.Now().Add(-100*time.Hour))
		b.work()
		if len(b.tickets()) != 3 || len(v.ids) != 0 {
			t.Errorf("%d tickets, asked about %v", len(b.tickets()), v.ids)
		}
	})
	bubble(t, "one that panics or never ends", func(t *testing.T) {
		v := &asked{}
		v.answer = func(ctx context.Context, in ticket.Inbound) ticket.Auth {
			if strings.HasPrefix(in.MessageID, "n1@") {
				panic("a bug of the host's")
			}
			<-ctx.Done()
			return ticket.Auth{DMARC: "temperror", Source: "checked"}
		}
		b := start(t, v, helpdesk.ConnectOptions{})
		for i := range 3 {
			b.deliver(numbered(i))
		}
		b.patiently(2 * time.Minute)
		b.wantNumbered(3)
		for _, tk := range b.tickets() {
			if a := b.conversation(tk.ID).Messages[0].Auth; a.DMARC != "temperror" || a.Source != "checked" {
				t.Errorf("%+v", a)
			}
		}
	})
}
