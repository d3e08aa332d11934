package outage

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/internal/testpg"
)

// TestBadInput: a page of bad mails comes into PostgreSQL as it was, with what
// its text type refuses among them, once however often it is listed; what is
// above the limit waits in quarantine until there is more room.
func TestBadInput(t *testing.T) {
	const most = 50 << 20
	head := func(id string) string {
		return "From: ann@customer.example\r\nMessage-ID: <" + id + "@bad.example>\r\n"
	}
	var levels strings.Builder
	for n := range 2000 {
		fmt.Fprintf(&levels, "Content-Type: multipart/mixed; boundary=\"b%d\"\r\n\r\n--b%d\r\n", n, n)
	}
	huge := []byte(head("huge") + "\r\n" + strings.Repeat("x", most))
	huge = huge[:most+1]
	mails := [][]byte{
		[]byte("Subject: no from, no date, no id\r\n\r\nText.\r\n"), []byte("\r\n"), {},
		[]byte(head("nobody") + "Subject: no body\r\n"),
		[]byte(head("nul") + "Subject: a\x00b\r\nX-\x00: \x00\r\n\r\na\x00b\r\n"),
		[]byte("From: a\x00@bad.example\r\nMessage-ID: <n\x00l@bad.example>\r\nReferences: <\x00@x> <\xff@x>\r\n\r\nText.\r\n"),
		[]byte(head("nul2") + "Subject: =?utf-8?q?a=00b?=\r\nContent-Type: text/html\r\n\r\n<p>\x00</p>\r\n"),
		[]byte(head("file") + "Content-Type: application/x; name=\"a\x00b\"\r\nContent-Disposition: attachment; filename=\"\xff\x00\"\r\n\r\nx\r\n"),
		[]byte(head("charset") + "Subject: =?x-martian?q?=ff?= \xed\xa0\x80\r\nContent-Type: text/plain; charset=x-martian\r\n\r\n\xff\xfe\xc0\x80\r\n"),
		[]byte(head("parts") + "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\n\r\nx\r\n", 100_000)),
		[]byte(head("levels") + levels.String()),
		[]byte(head("same") + "\r\nOne.\r\n"), []byte(head("same") + "\r\nAnother.\r\n"),
	}
	d := newDesk(t, testpg.DSN(t))
	d.once()
	put := func() {
		for _, raw := range mails {
			d.fake.Deliver("acme", raw)
		}
	}
	put()
	d.fake.Deliver("acme", huge)
	put() // the same mails again: those with a Message-ID are known
	stop := d.run()
	defer func() { stop() }()
	const nameless = 3
	d.sent = len(mails) + nameless
	await(t, func() bool { return count(d.acme, d.kari) >= d.sent })
	d.fake.ExpireCursor("acme")
	d.deliver(1) // is behind the resynchronisation
	await(t, func() bool { return count(d.acme, d.kari) >= d.sent })
	if n := count(d.acme, d.kari); n != d.sent {
		t.Errorf("%d tickets, want %d", n, d.sent)
	}
	got := d.raws()
	for i, raw := range mails {
		if len(raw) > 0 && got[string(raw)] == 0 {
			t.Errorf("mail %d is not there as it was", i)
		}
	}
	held, err := d.acme.Quarantine(t.Context(), helpdesk.ID{}, 10)
	must(t, err)
	if len(held) != 1 || held[0].Cause != "too-large" || held[0].Size != most+1 {
		t.Fatalf("held %+v", held)
	}
	roomy, err := helpdesk.New(helpdesk.Config{
		Store: d.st, Keys: d.keys, Providers: helpdesk.Providers{d.fake.Provider()}, MaxMail: most + 1,
	})
	must(t, err)
	id, err := roomy.Tenant("acme").Reprocess(d.kari, held[0].ID)
	must(t, err)
	if raw, err := d.acme.Raw(d.kari, id); err != nil || !bytes.Equal(raw, huge) {
		t.Errorf("the large mail came out with %d bytes, %v", len(raw), err)
	}
}

// raws counts the messages by their raw form and opens each.
func (d *desk) raws() map[string]int {
	d.t.Helper()
	out := map[string]int{}
	for tk, err := range d.acme.AllTickets(d.kari, helpdesk.TicketQuery{}) {
		must(d.t, err)
		c, err := d.acme.Conversation(d.kari, tk.ID, 0)
		must(d.t, err)
		for _, m := range c.Messages {
			raw, err := d.acme.Raw(d.kari, m.ID)
			if err != nil && !errors.Is(err, helpdesk.ErrNotFound) || m.Unreadable != nil { // of 0 bytes there is nothing
				d.t.Errorf("message of ticket %s: %v, %v", tk.ID, err, m.Unreadable)
			}
			out[string(raw)]++
		}
	}
	return out
}
