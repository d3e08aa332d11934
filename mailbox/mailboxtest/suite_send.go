package mailboxtest

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

var sendCases = []testCase{
	{name: "send/once, with exact envelope and bytes", run: caseSend},
	{name: "send/odd bytes arrive unchanged", run: caseSendOdd},
	{name: "send/ctx ended sends nothing", run: caseSendCancelled},
	{name: "send/closed connection sends nothing", run: caseSendClosed},
	{name: "send/cut after acceptance is doubt", needs: []string{"CutSend"}, run: caseCutSend},
	{name: "send/refused recipients", needs: []string{"RefusedRecipient"}, run: caseRefused},
	{name: "send/never comes back as received", run: caseSentIsNotMail},
	{name: "send/Filed tells whether a copy was kept", needs: []string{"SentCopies"}, run: caseFiled},
	{name: "findsent/Unsupported", when: func(c mailbox.Capabilities) bool { return !c.FindSent }, run: caseNoFindSent},
	{name: "findsent/finds what was sent", when: canFind, run: caseFindSent},
	{name: "findsent/NotFound", when: canFind, run: caseFindNothing},
	{name: "file/exactly one copy", when: func(c mailbox.Capabilities) bool { return c.Files },
		needs: []string{"SentCopies"}, run: caseFile},
	{name: "file/is found", when: func(c mailbox.Capabilities) bool { return c.Files && c.FindSent }, run: caseFileFound},
}

func canFind(c mailbox.Capabilities) bool { return c.FindSent }

// send sends and fails the case if it cannot.
func (b *bench) send(c mailbox.Conn, o mailbox.Outgoing) mailbox.Receipt {
	b.Helper()
	r, err := c.Send(b.ctx(), o)
	if err != nil {
		b.check(err)
		b.Fatalf("Send: %v", err)
	}
	return r
}

// accepted returns what the server accepted and fails the case unless it is n
// mails, copies counted.
func (b *bench) accepted(n int) []SentMail {
	b.Helper()
	all := b.Accepted(b.T)
	got := 0
	for _, s := range all {
		got += max(1, s.Copies)
	}
	if got != n {
		b.Fatalf("the server accepted %d mails, want %d", got, n)
	}
	return all
}

// wantSent compares what the server accepted with what was sent. Servers may
// put trace fields in front; a rewriting one may change the header.
func (b *bench) wantSent(got SentMail, o mailbox.Outgoing) {
	b.Helper()
	if got.From != o.From {
		b.Error("another envelope sender arrived")
	}
	if !slices.Equal(slices.Sorted(slices.Values(got.To)), slices.Sorted(slices.Values(o.To))) {
		b.Errorf("%d envelope recipients arrived, want the %d given", len(got.To), len(o.To))
	}
	raw, want := crlf(got.Raw), crlf(o.Raw)
	if b.Rewrites {
		_, raw = split(raw)
		_, want = split(want)
	}
	if !bytes.HasSuffix(raw, want) {
		b.Errorf("the mail arrived different, with %d bytes instead of %d", len(raw), len(want))
	}
	if !bytes.Contains(got.Raw, []byte(o.Marker)) {
		b.Error("the marker did not survive")
	}
}

func caseSend(b *bench) {
	c := b.open(mailbox.Intake{})
	o := b.mailOf("a", "Thank you.\r\n")
	frozen := bytes.Clone(o.Raw)
	r := b.send(c, o)
	b.wantSent(b.accepted(1)[0], o)
	if !bytes.Equal(frozen, o.Raw) {
		b.Error("Send changed Outgoing.Raw")
	}
	if len(r.Refused) > 0 {
		b.Error("Receipt.Refused names recipients that were accepted")
	}
	if !b.Rewrites && r.MessageID != "" && r.MessageID != o.MessageID {
		b.Error("Receipt.MessageID is not the one that was sent")
	}
	second := b.mailOf("b", "Again.\r\n")
	b.send(c, second)
	b.wantSent(b.accepted(2)[1], second)
}

func caseSendOdd(b *bench) {
	c := b.open(mailbox.Intake{})
	sent := 0
	for name, body := range oddMails {
		if body != "" && !strings.HasSuffix(body, "\r\n") {
			continue // SMTP cannot carry a last line without an end
		}
		o := b.mailOf(name, body)
		b.send(c, o)
		sent++
		b.wantSent(b.accepted(sent)[sent-1], o)
	}
}

func caseSendCancelled(b *bench) {
	c := b.open(mailbox.Intake{})
	ctx, cancel := context.WithCancel(b.ctx())
	cancel()
	b.soon("Send with an ended ctx", func() {
		_, err := c.Send(ctx, b.mailOf("a", ""))
		if err == nil {
			b.Error("Send with an ended ctx succeeded")
			return
		}
		b.check(err)
	})
	b.accepted(0)
}

func caseSendClosed(b *bench) {
	c := b.open(mailbox.Intake{})
	c.Close()
	_, err := c.Send(b.ctx(), b.mailOf("a", ""))
	if err == nil {
		b.Fatal("Send on a closed connection succeeded")
	}
	b.check(err)
	b.accepted(0)
}

func caseCutSend(b *bench) {
	c := b.open(mailbox.Intake{})
	b.CutSend(b.T)
	_, err := c.Send(b.ctx(), b.mailOf("a", "Thank you.\r\n"))
	b.wantKind("Send that was cut after acceptance", err, mailbox.Transient)
	if mailbox.Unsent(err) {
		b.Error("the error says unsent, but the server accepted the mail")
	}
	b.accepted(1)
}

func caseRefused(b *bench) {
	c := b.open(mailbox.Intake{})
	o := b.mailOf("a", "Thank you.\r\n")
	o.To = []string{"ann@customer.example", b.RefusedRecipient, "bob@customer.example"}
	r, err := c.Send(b.ctx(), o)
	switch {
	case err != nil:
		// Refusing the whole is allowed, if it says so.
		b.check(err)
		if !mailbox.Unsent(err) {
			b.Error("a refused mail is not Unsent")
		}
		b.accepted(0)
	case !slices.Equal(r.Refused, []int{1}):
		b.Errorf("Receipt.Refused is %v, want [1]", r.Refused)
	default:
		want := o
		want.To = []string{o.To[0], o.To[2]}
		b.wantSent(b.accepted(1)[0], want)
	}
	before := len(b.Accepted(b.T))
	o = b.mailOf("b", "Thank you.\r\n")
	o.To = []string{b.RefusedRecipient}
	c = b.open(mailbox.Intake{})
	_, err = c.Send(b.ctx(), o)
	if err == nil {
		b.Fatal("Send without an accepted recipient succeeded")
	}
	b.check(err)
	if !mailbox.Unsent(err) {
		b.Error("a mail without an accepted recipient is not Unsent")
	}
	b.accepted(before)
}

func caseSentIsNotMail(b *bench) {
	c, cur := b.inbox()
	b.send(c, b.mailOf("a", "Thank you.\r\n"))
	b.deliver("b")
	items, cur := b.gather(c, after(cur), 1)
	b.wantNames(c, items, "b")
	if items, _ := b.drain(c, after(cur)); len(received(items)) > 0 {
		b.Error("a sent mail was listed as received")
	}
}

func caseFiled(b *bench) {
	c := b.open(mailbox.Intake{})
	r := b.send(c, b.mailOf("a", "Thank you.\r\n"))
	if n := len(b.SentCopies(b.T)); r.Filed != (n == 1) || n > 1 {
		b.Errorf("Receipt.Filed is %v, but there are %d copies among the sent mail", r.Filed, n)
	}
}

func caseNoFindSent(b *bench) {
	c := b.open(mailbox.Intake{})
	_, err := c.FindSent(b.ctx(), mailbox.Sought{MessageID: "a@desk.example"})
	b.wantKind("FindSent", err, mailbox.Unsupported)
}

// find looks until the mail is found: search indexes lag.
func (b *bench) find(c mailbox.Conn, s mailbox.Sought) mailbox.Receipt {
	b.Helper()
	for end := time.Now().Add(b.h.Timeout); ; time.Sleep(10 * time.Millisecond) {
		r, err := c.FindSent(b.ctx(), s)
		if err == nil {
			return r
		}
		b.wantKind("FindSent", err, mailbox.NotFound)
		if time.Now().After(end) {
			b.Fatal("FindSent did not find a mail that is among the sent ones")
		}
	}
}

// findBoth looks by Message-ID and by marker.
func (b *bench) findBoth(c mailbox.Conn, o mailbox.Outgoing, since time.Time) {
	b.Helper()
	r := b.find(c, mailbox.Sought{MessageID: o.MessageID, Marker: o.Marker, Since: since})
	if !b.Rewrites && r.MessageID != "" && r.MessageID != o.MessageID {
		b.Error("FindSent found another mail")
	}
	b.find(c, mailbox.Sought{Marker: o.Marker, Since: since})
	if !b.Rewrites {
		b.find(c, mailbox.Sought{MessageID: o.MessageID, Since: since})
	}
}

func caseFindSent(b *bench) {
	c := b.open(mailbox.Intake{})
	since := time.Now().Add(-time.Minute)
	b.send(c, b.mailOf("other", "Other.\r\n"))
	o := b.mailOf("a", "Thank you.\r\n")
	r := b.send(c, o)
	if !r.Filed && !b.Provider.Capabilities().Drafts {
		b.Log("the provider keeps no copy by itself; see file/is found")
		return
	}
	b.findBoth(c, o, since)
	b.accepted(2)
}

func caseFindNothing(b *bench) {
	c := b.open(mailbox.Intake{})
	b.send(c, b.mailOf("other", "Other.\r\n"))
	_, err := c.FindSent(b.ctx(), mailbox.Sought{MessageID: "never@desk.example",
		Marker: "marker-never-7f3a", Since: time.Now().Add(-time.Minute)})
	b.wantKind("FindSent of what was never sent", err, mailbox.NotFound)
}

func caseFile(b *bench) {
	c := b.open(mailbox.Intake{})
	o := b.mailOf("a", "Thank you.\r\n")
	r := b.send(c, o)
	if r.Filed {
		b.wantCopies(o)
		if b.Rewrites {
			return // File cannot know the copy; Filed says not to call it
		}
	}
	for range 3 {
		if _, err := c.(mailbox.Filer).File(b.ctx(), o); err != nil {
			b.check(err)
			b.Fatalf("File: %v", err)
		}
		b.wantCopies(o)
	}
	c = b.open(mailbox.Intake{})
	if _, err := c.(mailbox.Filer).File(b.ctx(), o); err != nil {
		b.Fatalf("File: %v", err)
	}
	b.wantCopies(o)
	b.accepted(1) // filing never sends
}

// wantCopies counts a mail's copies among the sent mail by its marker.
func (b *bench) wantCopies(o mailbox.Outgoing) {
	b.Helper()
	n := 0
	for _, raw := range b.SentCopies(b.T) {
		if bytes.Contains(raw, []byte(o.Marker)) {
			n++
			if !b.Rewrites && !bytes.Equal(crlf(raw), crlf(o.Raw)) {
				b.Error("the copy is not the mail that was sent")
			}
		}
	}
	if n != 1 {
		b.Fatalf("%d copies among the sent mail, want 1", n)
	}
}

func caseFileFound(b *bench) {
	c := b.open(mailbox.Intake{})
	o := b.mailOf("a", "Thank you.\r\n")
	since := time.Now().Add(-time.Minute)
	b.send(c, o)
	if _, err := c.(mailbox.Filer).File(b.ctx(), o); err != nil {
		b.check(err)
		b.Fatalf("File: %v", err)
	}
	b.findBoth(c, o, since)
}
