package helpdesk_test

import (
	"strings"
	"testing"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// TestUnderstood: what the parser made of a mail is there to be read, and the
// reply without what it repeats.
func TestUnderstood(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		b.deliver(mail{
			from: ann, id: "a@customer.example", subject: "Printer",
			text: "It is on fire.\r\n\r\nOn Mon, Nov 3, 2025 at 10:12 AM Kari <kari@example.com> wrote:\r\n\r\n> How is it?\r\n",
		})
		b.work()
		m := b.one().Messages[0]
		got := m.Trim(helpdesk.HTMLOptions{})
		if got.Text != "It is on fire." || !strings.Contains(got.HTML.String(), "on fire") || strings.Contains(got.HTML.String(), "How is it") {
			t.Errorf("trimmed: %q, %q", got.Text, got.HTML)
		}
		if len(got.Cuts) == 0 || !strings.Contains(m.Text, "How is it?") {
			t.Errorf("the whole is gone: %v, %q", got.Cuts, m.Text)
		}
	})
	bubble(t, "", func(t *testing.T) {
		b := newBench(t, plain(), nil)
		b.deliver(mail{
			from: "Mailer <mailer-daemon@customer.example>", id: "b@customer.example", subject: "Undelivered Mail",
			more: "Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\n",
			text: "--x\r\n\r\nIt failed.\r\n--x\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.customer.example\r\n\r\n" +
				"Final-Recipient: rfc822; bob@customer.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--x--\r\n",
		})
		b.work()
		m := b.one().Messages[0]
		if m.Kind != ticket.KindBounce || len(m.KindEvidence) == 0 || m.Bounce == nil {
			t.Fatalf("%s, %v, %v", m.Kind, m.KindEvidence, m.Bounce)
		}
		if r := m.Bounce.Recipients; len(r) != 1 || r[0].Address != "bob@customer.example" || r[0].Status != "5.1.1" || !r[0].Hard {
			t.Errorf("%+v", r)
		}
	})
}
