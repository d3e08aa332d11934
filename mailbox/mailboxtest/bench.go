package mailboxtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

// maxFetch is more than any mail of the suite has.
const maxFetch = 8 << 20

// bench is what one case works with.
type bench struct {
	*testing.T
	*Server
	h Harness
}

// session is what the account opens with, by way of its binary form.
func (b *bench) session(a mailbox.Account, in mailbox.Intake) mailbox.Session {
	b.Helper()
	raw, err := a.MarshalBinary()
	if err != nil {
		b.Fatalf("Account.MarshalBinary: %v", err)
	}
	return mailbox.Session{Account: raw, Intake: in}
}

// ctx ends a little after the time that a case may wait.
func (b *bench) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*b.h.Timeout)
	b.Cleanup(cancel)
	return ctx
}

// open connects and closes with the case.
func (b *bench) open(in mailbox.Intake) mailbox.Conn {
	b.Helper()
	c, err := b.Provider.Open(b.ctx(), b.session(b.Account, in))
	if err != nil {
		b.Fatalf("Open: %v", err)
	}
	b.Cleanup(func() { c.Close() })
	return c
}

// inbox connects with the zero Intake and returns the cursor of the present.
func (b *bench) inbox() (mailbox.Conn, mailbox.Cursor) {
	b.Helper()
	c := b.open(mailbox.Intake{})
	return c, b.present(c)
}

// present is the answer of Live to the zero cursor.
func (b *bench) present(c mailbox.Conn) mailbox.Cursor {
	b.Helper()
	p := b.page(c, mailbox.Query{Stream: mailbox.Live, Limit: 10})
	if len(p.Items) > 0 {
		b.Fatalf("Live with the zero cursor listed %d items, want none", len(p.Items))
	}
	if len(p.Next) == 0 {
		b.Fatal("Live with the zero cursor returned no cursor")
	}
	return p.Next
}

// page asks for one page and checks what holds for every page.
func (b *bench) page(c mailbox.Conn, q mailbox.Query) mailbox.Page {
	b.Helper()
	p, err := c.Changes(b.ctx(), q)
	if err != nil {
		b.check(err)
		b.Fatalf("Changes: %v", err)
	}
	if len(p.Items) > q.Limit {
		b.Fatalf("Changes listed %d items, above the limit of %d", len(p.Items), q.Limit)
	}
	for _, it := range p.Items {
		if it.ID == "" {
			b.Fatal("Changes listed an item without ID")
		}
	}
	return p
}

// drain pages until there is no More.
func (b *bench) drain(c mailbox.Conn, q mailbox.Query) ([]mailbox.Item, mailbox.Cursor) {
	b.Helper()
	var all []mailbox.Item
	for range 1000 {
		p := b.page(c, q)
		all = append(all, p.Items...)
		q.Cursor, q.Resync = p.Next, false
		if !p.More {
			return all, p.Next
		}
	}
	b.Fatal("Changes says More without end")
	return nil, nil
}

// gather drains again and again until n mails were listed, for servers that
// show mail late. It returns the mails only, in their order.
func (b *bench) gather(c mailbox.Conn, q mailbox.Query, n int) ([]mailbox.Item, mailbox.Cursor) {
	b.Helper()
	if q.Limit == 0 {
		q.Limit = 10
	}
	var mails []mailbox.Item
	for end := time.Now().Add(b.h.Timeout); ; time.Sleep(10 * time.Millisecond) {
		items, next := b.drain(c, q)
		mails = append(mails, received(items)...)
		q.Cursor, q.Resync = next, false
		if len(mails) >= n || time.Now().After(end) {
			break
		}
	}
	if len(mails) != n {
		b.Fatalf("%s listed %d mails, want %d", q.Stream, len(mails), n)
	}
	return mails, q.Cursor
}

// after is the query for what follows a cursor of Live.
func after(cur mailbox.Cursor) mailbox.Query {
	return mailbox.Query{Stream: mailbox.Live, Cursor: cur, Limit: 10}
}

// received leaves out what is never taken in as mail from a customer.
func received(items []mailbox.Item) []mailbox.Item {
	return slices.DeleteFunc(slices.Clone(items), func(it mailbox.Item) bool {
		return it.Draft || it.Sent || it.Removed
	})
}

// names fetches items and tells which mails they are.
func (b *bench) names(c mailbox.Conn, items []mailbox.Item) (names []string) {
	b.Helper()
	for _, it := range items {
		raw, err := c.Fetch(b.ctx(), it, maxFetch)
		if err != nil {
			b.check(err)
			b.Fatalf("Fetch: %v", err)
		}
		names = append(names, strings.TrimSuffix(messageID(raw.Bytes), "@customer.example"))
	}
	return names
}

// wantNames fails the case if items are not the mails of these names.
func (b *bench) wantNames(c mailbox.Conn, items []mailbox.Item, want ...string) {
	b.Helper()
	if got := b.names(c, items); !slices.Equal(got, want) {
		b.Fatalf("listed %v, want %v", got, want)
	}
}

// deliver puts a mail of a name into the inbox, received just now.
func (b *bench) deliver(name string) {
	b.Helper()
	b.Deliver(b.T, letterOf(name, "Hello.\r\n"), time.Now())
}

// check proves that an error is a *mailbox.Error that gives nothing away.
func (b *bench) check(err error) {
	b.Helper()
	var e *mailbox.Error
	if !errors.As(err, &e) {
		b.Errorf("error is a %T, want *mailbox.Error", err)
		return
	}
	kinds := []mailbox.Kind{mailbox.Transient, mailbox.Throttled, mailbox.Auth, mailbox.CursorExpired,
		mailbox.NotFound, mailbox.TooLarge, mailbox.Permanent, mailbox.Unsupported}
	if !slices.Contains(kinds, e.Kind) {
		b.Errorf("error has the unknown kind %q", e.Kind)
	}
	if e.Op == "" || e.Op != strings.ToLower(e.Op) {
		b.Errorf("error has Op %q, want the verb in lower case", e.Op)
	}
	_, addr := b.Account.Address()
	for _, secret := range append([]string{"@", addr, "customer.example", "Hello"}, b.Secrets...) {
		if secret != "" && strings.Contains(err.Error(), secret) {
			b.Errorf("the text of an error of kind %s holds an address, subject or secret", e.Kind)
		}
	}
}

// wantKind fails the case unless err is of a kind.
func (b *bench) wantKind(what string, err error, kind mailbox.Kind) {
	b.Helper()
	if err == nil {
		b.Fatalf("%s succeeded, want an error of kind %s", what, kind)
	}
	b.check(err)
	if got := mailbox.KindOf(err); got != kind {
		b.Fatalf("%s: %v, want kind %s", what, err, kind)
	}
}

// soon runs fn and fails the case if it does not return in time.
func (b *bench) soon(what string, fn func()) {
	b.Helper()
	done := make(chan struct{})
	go func() { defer close(done); fn() }()
	select {
	case <-done:
	case <-time.After(b.h.Timeout):
		b.Fatalf("%s did not return within %s", what, b.h.Timeout)
	}
}

// letterOf is a mail from a customer, named by its Message-ID.
func letterOf(name, body string) []byte {
	return fmt.Appendf(nil, "From: Ann <ann@customer.example>\r\nTo: support@desk.example\r\n"+
		"Subject: Letter %s\r\nDate: Mon, 05 Jan 2026 10:00:00 +0000\r\n"+
		"Message-ID: <%s@customer.example>\r\nMIME-Version: 1.0\r\n"+
		"Content-Type: text/plain; charset=utf-8\r\n\r\n%s", name, name, body)
}

// mailOf is a mail to send.
func (b *bench) mailOf(name, body string) mailbox.Outgoing {
	_, from := b.Account.Address()
	id, marker := name+"@desk.example", "marker-"+name+"-7f3a"
	raw := fmt.Appendf(nil, "From: <%s>\r\nTo: <ann@customer.example>\r\nSubject: Reply %s\r\n"+
		"Date: Mon, 05 Jan 2026 10:00:00 +0000\r\nMessage-ID: <%s>\r\nX-Helpdesk-Marker: %s\r\n"+
		"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n%s", from, name, id, marker, body)
	return mailbox.Outgoing{From: from, To: []string{"ann@customer.example", "bcc@customer.example"},
		Raw: raw, MessageID: id, Marker: marker}
}

// crlf brings line ends into one form: a server may store its own.
func crlf(raw []byte) []byte {
	lf := bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(lf, []byte("\n"), []byte("\r\n"))
}
