package helpdesk_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// What a crash left without a row goes after a day; what a row names stays.
func TestSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, mailboxtest.FakeOptions{Capabilities: mailboxtest.PlainCapabilities()}, nil)
		b.deliver(mail{from: ann, id: "1@customer.example", subject: "Large", text: strings.Repeat("large ", 100_000)})
		b.work()
		msg := b.one().Messages[0]
		orphan := store.BlobRef{Tenant: "acme", Mailbox: b.box.ID, ID: ticket.NewID(time.Now())}
		if err := b.store.Blobs().Put(t.Context(), orphan, strings.NewReader("sealed")); err != nil {
			t.Fatal(err)
		}
		if n, err := b.desk.Sweep(t.Context()); n != 0 || err != nil {
			t.Errorf("swept %d at once, %v", n, err)
		}
		time.Sleep(25 * time.Hour)
		if n, err := b.desk.Sweep(t.Context()); n != 1 || err != nil {
			t.Errorf("swept %d after a day, %v", n, err)
		}
		if raw, err := b.acme.Raw(b.agent, msg.ID); err != nil || len(raw) < 600_000 {
			t.Errorf("the large mail has %d bytes, %v", len(raw), err)
		}
	})
}
