package helpdesk_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// badMail is a mail that breaks the rules of mail.
type badMail struct {
	name string
	raw  []byte
	// nameless mails have no Message-ID: a copy of one is known by its content
	// and receive time.
	nameless bool
	// cause is why it is quarantined; empty for mail that is taken in.
	cause string
	// limited mails are shown in part; the rest is in the raw form.
	limited bool
}

// mostMail is the default of Config.MaxMail.
const mostMail = 50 << 20

// badMails are those that the engine must take in or quarantine, each.
func badMails() []badMail {
	head := func(id string, lines ...string) string {
		return "From: " + ann + "\r\nTo: " + ours + "\r\nMessage-ID: <" + id + "@bad.example>\r\n" +
			"Date: Mon, 2 Feb 2026 10:00:00 +0000\r\n" + strings.Join(lines, "\r\n") + "\r\n"
	}
	parts := head("parts", "Subject: parts", `Content-Type: multipart/mixed; boundary="b"`) + "\r\n" +
		strings.Repeat("--b\r\n\r\nx\r\n", 100_000) + "--b--\r\n"
	var levels strings.Builder
	levels.WriteString(head("levels", "Subject: levels"))
	for n := range 2000 {
		fmt.Fprintf(&levels, "Content-Type: multipart/mixed; boundary=\"b%d\"\r\n\r\n--b%d\r\n", n, n)
	}
	levels.WriteString("Content-Type: text/plain\r\n\r\nThe bottom.\r\n")
	full := head("huge", "Subject: huge") + "\r\n"
	return []badMail{
		{name: "without From", raw: []byte("To: " + ours + "\r\nSubject: no from\r\nMessage-ID: <nofrom@bad.example>\r\n\r\nText.\r\n")},
		{name: "From nobody", raw: []byte("From: <>\r\nSubject: nobody\r\nMessage-ID: <nobody@bad.example>\r\n\r\nText.\r\n")},
		{name: "without Date", raw: []byte("From: " + ann + "\r\nSubject: no date\r\nMessage-ID: <nodate@bad.example>\r\n\r\nText.\r\n")},
		{name: "without Message-ID", raw: []byte("From: " + ann + "\r\nSubject: no id\r\n\r\nText.\r\n"), nameless: true},
		{name: "without body", raw: []byte(head("nobody", "Subject: no body") + "\r\n")},
		{name: "without blank line", raw: []byte(head("noline", "Subject: no line"))},
		{name: "without header", raw: []byte("\r\nOnly text.\r\n"), nameless: true},
		{name: "0 bytes", raw: []byte{}, nameless: true},
		{name: "one line break", raw: []byte("\r\n"), nameless: true},
		{name: "no mail at all", raw: bytes.Repeat([]byte{0xff, 0x00, 0xd8, 0x0d}, 1000), nameless: true},
		{name: "50 MiB + 1", raw: []byte(full + strings.Repeat("x", mostMail+1-len(full))), cause: "too-large"},
		{name: "100,000 parts", raw: []byte(parts), limited: true},
		{name: "2,000 levels", raw: []byte(levels.String()), limited: true},
		{name: "NUL in the header", raw: []byte(head("nul1", "Subject: a\x00b", "X-\x00: \x00") + "\r\nText.\r\n")},
		{name: "NUL in the Message-ID", raw: []byte("From: a\x00@bad.example\r\nMessage-ID: <n\x00l@bad.example>\r\n\r\nText.\r\n")},
		{name: "NUL in the body", raw: []byte(head("nul2", "Subject: nul", "Content-Type: text/html") + "\r\n<p>a\x00b</p>\x00\r\n")},
		{name: "NUL behind an encoding", raw: []byte(head("nul3", "Subject: =?utf-8?q?a=00b?=",
			"Content-Type: text/plain; name=\"=?utf-8?q?=00?=\"", "Content-Transfer-Encoding: base64") + "\r\nYQBi\r\n")},
		{name: "unknown charset", raw: []byte(head("charset", "Subject: =?x-martian?q?=ff=fe?=",
			"Content-Type: text/plain; charset=x-martian") + "\r\n\xff\xfe\x80 text\r\n")},
		{name: "charset that lies", raw: []byte(head("liar", "Subject: \xe9t\xe9", "Content-Type: text/plain; charset=utf-8") + "\r\n\xe9t\xe9 \xed\xa0\x80\r\n")},
		{name: "header without end", raw: []byte(head("long", "Subject: "+strings.Repeat("long ", 300_000)) + "\r\nText.\r\n"), limited: true},
		{name: "100,000 references", raw: []byte(head("refs", "References: "+strings.Repeat("<r@bad.example>\r\n ", 100_000)+"<last@bad.example>") + "\r\nText.\r\n"), limited: true},
	}
}

// streams are the two ways by which mail comes in.
var streams = []string{"live", "backfill"}

// badBench is a bench whose mailbox gets the mails by a stream, one after the
// other in time, and has not read them yet. It returns their ids.
func badBench(t *testing.T, stream string, mails [][]byte, edit func(*helpdesk.Config)) (*bench, []string) {
	t.Helper()
	b := unconnected(t, plain(), edit)
	var ids []string
	put := func() {
		for i, raw := range mails {
			at := time.Now().Add(time.Duration(i-len(mails)) * time.Minute)
			if stream == "live" {
				at = time.Time{}
				time.Sleep(time.Second)
			}
			ids = append(ids, b.fake.DeliverAt("support", raw, at))
		}
	}
	var o helpdesk.ConnectOptions
	if stream == "live" {
		b.connect(o)
		b.once()
		put()
	} else {
		put()
		o.Intake.Since = time.Now().Add(-30 * 24 * time.Hour)
		b.connect(o)
	}
	return b, ids
}

// messages maps the raw form of every message there is to its message.
func (b *bench) messages() map[string]helpdesk.Message {
	b.t.Helper()
	out := map[string]helpdesk.Message{}
	for _, tk := range b.tickets() {
		for _, m := range b.conversation(tk.ID).Messages {
			raw, err := b.acme.Raw(b.agent, m.ID)
			if err != nil && !errors.Is(err, helpdesk.ErrNotFound) { // there is nothing of 0 bytes to open
				b.t.Fatalf("Raw: %v", err)
			}
			if _, twice := out[string(raw)]; twice {
				b.t.Errorf("two messages of %d bytes have the same raw mail", len(raw))
			}
			if m.Unreadable != nil {
				b.t.Errorf("a message is unreadable: %v", m.Unreadable)
			}
			_, _ = m.HTML(helpdesk.HTMLOptions{})
			out[string(raw)] = m
		}
	}
	return out
}

// wantWhole checks that the mailbox does well and that a resynchronisation
// brings nothing new.
func (b *bench) wantWhole() {
	b.t.Helper()
	if h := b.health(); h.State != store.HealthOK {
		b.t.Errorf("health %+v", h)
	}
	n, held := len(b.messages()), len(b.quarantine())
	b.fake.ExpireCursor("support")
	b.patiently(3 * time.Minute)
	if len(b.messages()) != n || len(b.quarantine()) != held {
		b.t.Errorf("a resynchronisation made %d messages of %d and %d held of %d", len(b.messages()), n, len(b.quarantine()), held)
	}
	if b.fake.Connections() != 0 || len(b.fake.Misuse()) != 0 {
		b.t.Errorf("%d connections open, misuse %q", b.fake.Connections(), b.fake.Misuse())
	}
}

// TestBadInput: a bad mail is stored as it was or quarantined under its cause,
// and the mails around it, on the same page and on others, come in.
func TestBadInput(t *testing.T) {
	for _, stream := range streams {
		for _, bad := range badMails() {
			for _, size := range []int{1, 100} {
				bubble(t, fmt.Sprintf("%s %s, pages of %d", stream, bad.name, size), func(t *testing.T) {
					mails := [][]byte{numbered(0).raw(), bad.raw, numbered(1).raw()}
					b, ids := badBench(t, stream, mails, func(c *helpdesk.Config) { c.PageSize = size })
					b.patiently(3 * time.Minute)
					b.wantBad(bad, stream)
					got := b.messages()
					for _, raw := range [][]byte{mails[0], mails[2]} {
						if _, ok := got[string(raw)]; !ok {
							t.Error("a mail beside the bad one is missing")
						}
					}
					b.wantWhole()
					fetched := slices.DeleteFunc(b.fake.FetchedIDs("support"), func(id string) bool { return id != ids[1] })
					if len(fetched) != 1 {
						t.Errorf("the bad mail was asked for %d times", len(fetched))
					}
				})
			}
		}
	}
}

// wantBad checks what became of a bad mail.
func (b *bench) wantBad(bad badMail, stream string) {
	b.t.Helper()
	m, stored := b.messages()[string(bad.raw)]
	held := b.quarantine()
	if bad.cause != "" {
		if stored || len(held) != 1 || held[0].Cause != bad.cause || held[0].Size != int64(len(bad.raw)) || b.countEvents(ticket.MailQuarantined) != 1 {
			b.t.Errorf("stored %v, held %+v, want it quarantined as %q", stored, held, bad.cause)
		}
		return
	}
	if !stored || len(held) != 0 {
		b.t.Fatalf("stored %v, held %+v, want it stored as it was", stored, held)
	}
	if m.Match.Rung != ticket.RungNone || string(m.Provenance.Source) != stream || m.Limited != bad.limited {
		b.t.Errorf("it joined by %q, came by %s, limited %v with %v", m.Match.Rung, m.Provenance.Source, m.Limited, m.Defects)
	}
	if s := m.Text + m.Subject; strings.ContainsRune(s, 0) {
		b.t.Error("a NUL is left in what is shown")
	}
	if _, err := b.acme.Reply(b.agent, m.Ticket, helpdesk.Reply{Text: "Hello."}); len(m.From) == 0 != errors.Is(err, helpdesk.ErrNoRecipient) {
		b.t.Errorf("answering a mail from %d people: %v", len(m.From), err)
	}
}

// TestBadInputTwice: a bad mail that is listed again or comes again is a
// duplicate of itself only.
func TestBadInputTwice(t *testing.T) {
	for _, stream := range streams {
		for _, bad := range badMails() {
			bubble(t, stream+" listed twice "+bad.name, func(t *testing.T) {
				b, _ := badBench(t, stream, [][]byte{bad.raw, numbered(0).raw()}, func(c *helpdesk.Config) { c.PageSize = 1 })
				b.fake.Inject(mailboxtest.Fault{Op: mailboxtest.OpChanges, Kind: mailboxtest.FaultDuplicate, Times: 5})
				b.patiently(3 * time.Minute)
				if n := len(b.messages()) + len(b.quarantine()); n != 2 {
					t.Errorf("%d of 2 mails", n)
				}
				b.fired(mailboxtest.OpChanges, mailboxtest.FaultDuplicate)
			})
			bubble(t, stream+" another id "+bad.name, func(t *testing.T) {
				b, _ := badBench(t, stream, [][]byte{bad.raw, numbered(0).raw(), bad.raw}, nil)
				b.patiently(3 * time.Minute)
				want := 1
				if bad.nameless || bad.cause == "too-large" {
					want = 2 // another time, or never looked into: nothing says that it is the same
				}
				if n := b.count() + len(b.quarantine()); n != want+1 {
					t.Errorf("%d, want %d beside the good one", n-1, want)
				}
			})
			if bad.cause == "" {
				bubble(t, stream+" its Message-ID in another mail "+bad.name, func(t *testing.T) {
					thief := append(bytes.Clone(bad.raw), "\r\nAnd more.\r\n"...)
					b, _ := badBench(t, stream, [][]byte{bad.raw, thief}, nil)
					b.patiently(3 * time.Minute)
					got := b.messages()
					for _, raw := range [][]byte{bad.raw, thief} {
						if _, ok := got[string(raw)]; !ok {
							t.Errorf("the mail of %d bytes is missing", len(raw))
						}
					}
				})
			}
		}
	}
}

// count is the number of messages of all tickets.
func (b *bench) count() (n int) {
	b.t.Helper()
	for _, tk := range b.tickets() {
		n += len(b.conversation(tk.ID).Messages)
	}
	return n
}
