package helpdesk_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// TestSeveralDesksInChaos: three processes, a provider that fails at random,
// and at the end every mail is there once and every reply is settled.
func TestSeveralDesksInChaos(t *testing.T) {
	for seed := range uint64(30) {
		o := [...]mailboxtest.FakeOptions{plain(), rich()}[seed%2]
		o.FilesSent, o.RewriteMessageID = seed%3 == 0, seed%5 == 0
		bubble(t, fmt.Sprintf("seed %d", seed), func(t *testing.T) { chaos(t, seed, o) })
	}
}

func chaos(t *testing.T, seed uint64, o mailboxtest.FakeOptions) {
	o.Latency = 50 * time.Millisecond
	b := newBench(t, o, func(c *helpdesk.Config) { c.PageSize = 4 })
	if seed%4 == 0 {
		b.store.set(func(s *faulty) { s.twice = true })
	}
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 3 {
		d := b.newDesk(func(c *helpdesk.Config) { c.PageSize = 4 })
		wg.Go(func() {
			if err := d.Run(ctx); err != nil {
				t.Errorf("Run: %v", err)
			}
		})
	}
	b.fake.Chaos(seed, 0.25)
	for n := range 12 {
		b.deliver(numbered(n))
		time.Sleep(20 * time.Second)
		if ts := b.tickets(); len(ts) > 0 {
			b.reply(ts[n%len(ts)].ID, "An answer.")
		}
	}
	time.Sleep(5 * time.Minute)
	b.fake.Heal()
	time.Sleep(time.Hour)
	stop()
	wg.Wait()
	b.wantNumbered(12)
	messages, dels := 0, b.deliveries()
	for _, tk := range b.tickets() {
		messages += len(b.conversation(tk.ID).Messages)
	}
	if messages != 12+len(dels) {
		t.Errorf("%d messages of 12 mails and %d replies", messages, len(dels))
	}
	for _, d := range dels {
		if !d.State.Final() && d.State != ticket.Uncertain {
			t.Errorf("a delivery is %s", d.State)
		}
		if d.State == ticket.Uncertain && o.Capabilities.Drafts {
			t.Error("a doubt that the draft could settle")
		}
	}
	for _, s := range b.fake.Sent("support") {
		if s.Copies > 1 {
			t.Errorf("%d copies of one mail", s.Copies)
		}
	}
	if len(b.fake.Fired()) == 0 || len(b.fake.Misuse()) != 0 || b.fake.Connections() != 0 {
		t.Errorf("faults %v, misuse %v, %d connections", b.fake.Fired(), b.fake.Misuse(), b.fake.Connections())
	}
}
