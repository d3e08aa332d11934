package mailboxtest

import (
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

var draftCases = []testCase{
	{name: "draft/is not sent and not mail", when: hasDrafts, run: caseDraft},
	{name: "draft/is a ticket for one sending", when: hasDrafts, run: caseSendDraft},
	{name: "draft/is found by its marker", when: hasDrafts, run: caseFindDraft},
	{name: "draft/Send leaves none", when: hasDrafts, run: caseSendLeavesNoDraft},
}

func hasDrafts(c mailbox.Capabilities) bool { return c.Drafts }

func (b *bench) draft(c mailbox.Conn, o mailbox.Outgoing) (mailbox.Drafter, string) {
	b.Helper()
	d := c.(mailbox.Drafter)
	id, err := d.Draft(b.ctx(), o)
	if err != nil {
		b.check(err)
		b.Fatalf("Draft: %v", err)
	}
	if id == "" {
		b.Fatal("Draft returned no id")
	}
	return d, id
}

func (b *bench) wantPresent(d mailbox.Drafter, id string, want bool) {
	b.Helper()
	got, err := d.DraftPresent(b.ctx(), id)
	if err != nil {
		b.check(err)
		b.Fatalf("DraftPresent: %v", err)
	}
	if got != want {
		b.Fatalf("DraftPresent is %v, want %v", got, want)
	}
}

func caseDraft(b *bench) {
	c, cur := b.inbox()
	d, id := b.draft(c, b.mailOf("a", "Thank you.\r\n"))
	b.accepted(0)
	b.wantPresent(d, id, true)
	b.deliver("b")
	items, cur := b.gather(c, after(cur), 1)
	b.wantNames(c, items, "b")
	if items, _ := b.drain(c, after(cur)); len(received(items)) > 0 {
		b.Error("a draft was listed as mail")
	}
	b.wantPresent(b.open(mailbox.Intake{}).(mailbox.Drafter), id, true)
}

func caseSendDraft(b *bench) {
	c := b.open(mailbox.Intake{})
	since := time.Now().Add(-time.Minute)
	o := b.mailOf("a", "Thank you.\r\n")
	d, id := b.draft(c, o)
	_, other := b.draft(c, b.mailOf("other", "Other.\r\n"))
	if _, err := d.SendDraft(b.ctx(), id); err != nil {
		b.check(err)
		b.Fatalf("SendDraft: %v", err)
	}
	b.wantSent(b.accepted(1)[0], o)
	b.wantPresent(d, id, false)
	b.wantPresent(d, other, true)
	_, err := d.SendDraft(b.ctx(), id)
	b.wantKind("SendDraft of a sent draft", err, mailbox.NotFound)
	if mailbox.Unsent(err) {
		b.Error("a draft that is gone proves nothing about sending, but the error is Unsent")
	}
	b.accepted(1)
	if b.Provider.Capabilities().FindSent {
		b.find(c, mailbox.Sought{MessageID: o.MessageID, Marker: o.Marker, Draft: id, Since: since})
	}
}

func caseFindDraft(b *bench) {
	c := b.open(mailbox.Intake{})
	o := b.mailOf("a", "Thank you.\r\n")
	d := c.(mailbox.Drafter)
	_, err := d.FindDraft(b.ctx(), o.Marker)
	b.wantKind("FindDraft without a draft", err, mailbox.NotFound)
	_, id := b.draft(c, o)
	b.draft(c, b.mailOf("other", "Other.\r\n"))
	var got string
	for end := time.Now().Add(b.h.Timeout); got == ""; time.Sleep(10 * time.Millisecond) {
		if got, err = d.FindDraft(b.ctx(), o.Marker); err != nil {
			b.wantKind("FindDraft", err, mailbox.NotFound)
		}
		if time.Now().After(end) {
			break
		}
	}
	if got != id {
		b.Fatal("FindDraft did not find the draft with the marker")
	}
	if _, err := d.SendDraft(b.ctx(), id); err != nil {
		b.Fatalf("SendDraft: %v", err)
	}
	_, err = d.FindDraft(b.ctx(), o.Marker)
	b.wantKind("FindDraft of a sent draft", err, mailbox.NotFound)
}

func caseSendLeavesNoDraft(b *bench) {
	c := b.open(mailbox.Intake{})
	o := b.mailOf("a", "Thank you.\r\n")
	b.send(c, o)
	_, err := c.(mailbox.Drafter).FindDraft(b.ctx(), o.Marker)
	b.wantKind("FindDraft after Send", err, mailbox.NotFound)
	b.accepted(1)
}
