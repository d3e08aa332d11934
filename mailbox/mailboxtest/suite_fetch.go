package mailboxtest

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

var fetchCases = []testCase{
	{name: "fetch/exact bytes", run: caseExactBytes},
	{name: "fetch/too large is TooLarge", run: caseTooLarge},
	{name: "fetch/unknown mail is NotFound", needs: []string{"Remove"}, run: caseFetchGone},
	{name: "fetch/half a body is Transient", needs: []string{"CutFetch"}, run: caseHalfBody},
	{name: "fetch/envelope", run: caseEnvelope},
}

// oddMails are ordinary mails that break careless transports.
var oddMails = map[string]string{
	"dots":     ".\r\n..\r\n.leading\r\n",
	"from":     "From here on\r\n>From there\r\n",
	"eightbit": "Grüße, 日本語 \xff\xfe\r\n",
	"long":     strings.Repeat("x", 5000) + "\r\n",
	"empty":    "",
	"noeol":    "no line end",
	"parens":   "a)\r\n* 1 FETCH (UID 7)\r\nA1 OK done\r\n{5}\r\n",
	"blank":    "\r\n\r\n \t\r\n\r\n",
	"large":    strings.Repeat("0123456789abcdef\r\n", 20000),
}

func caseExactBytes(b *bench) {
	c, cur := b.inbox()
	for name, body := range oddMails {
		b.Deliver(b.T, letterOf(name, body), time.Now())
	}
	items, _ := b.gather(c, after(cur), len(oddMails))
	var seen []string
	for _, it := range items {
		raw, err := c.Fetch(b.ctx(), it, maxFetch)
		if err != nil {
			b.check(err)
			b.Fatalf("Fetch: %v", err)
		}
		name := strings.TrimSuffix(messageID(raw.Bytes), "@customer.example")
		seen = append(seen, name)
		if want := letterOf(name, oddMails[name]); !bytes.Equal(crlf(raw.Bytes), crlf(want)) {
			b.Errorf("mail %q of %d bytes came back different, with %d bytes", name, len(want), len(raw.Bytes))
		}
	}
	slices.Sort(seen)
	if len(slices.Compact(seen)) != len(oddMails) {
		b.Errorf("fetched %v", seen)
	}
}

func caseTooLarge(b *bench) {
	c, cur := b.inbox()
	raw := letterOf("big", strings.Repeat("0123456789abcdef\r\n", 20000))
	b.Deliver(b.T, raw, time.Now())
	items, _ := b.gather(c, after(cur), 1)
	_, err := c.Fetch(b.ctx(), items[0], 1000)
	b.wantKind("Fetch above max", err, mailbox.TooLarge)
	b.wantUnfetched("big")
	got, err := c.Fetch(b.ctx(), items[0], maxFetch)
	if err != nil {
		b.Fatalf("Fetch on the connection that said TooLarge: %v", err)
	}
	size := int64(len(got.Bytes))
	if _, err := c.Fetch(b.ctx(), items[0], size); err != nil {
		b.Errorf("Fetch of exactly max bytes: %v", err)
	}
	_, err = c.Fetch(b.ctx(), items[0], size-1)
	b.wantKind("Fetch of one byte above max", err, mailbox.TooLarge)
}

func caseFetchGone(b *bench) {
	c, cur := b.inbox()
	b.deliver("a")
	b.deliver("b")
	items, _ := b.gather(c, after(cur), 2)
	b.Remove(b.T, "a@customer.example")
	_, err := c.Fetch(b.ctx(), items[0], maxFetch)
	b.wantKind("Fetch of a mail that is gone", err, mailbox.NotFound)
	b.wantNames(c, items[1:], "b")
}

func caseHalfBody(b *bench) {
	c, cur := b.inbox()
	raw := letterOf("a", oddMails["large"])
	b.Deliver(b.T, raw, time.Now())
	items, _ := b.gather(c, after(cur), 1)
	b.CutFetch(b.T)
	got, err := c.Fetch(b.ctx(), items[0], maxFetch)
	b.wantKind("Fetch that was cut", err, mailbox.Transient)
	if len(got.Bytes) > 0 {
		b.Error("Fetch returned half a body beside its error")
	}
	c.Close()
	b.wantNames(b.open(mailbox.Intake{}), items, "a")
}

func caseEnvelope(b *bench) {
	c, cur := b.inbox()
	b.deliver("a")
	items, _ := b.gather(c, after(cur), 1)
	raw, err := c.Fetch(b.ctx(), items[0], maxFetch)
	if err != nil {
		b.Fatalf("Fetch: %v", err)
	}
	if !raw.HasEnvelope && raw.EnvelopeFrom != "" {
		b.Error("EnvelopeFrom is set without HasEnvelope")
	}
}
