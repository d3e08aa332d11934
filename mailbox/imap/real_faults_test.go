package imap_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/internal/testmail"
	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/imap"
)

// start is the cursor of the present.
func start(t *testing.T, c mailbox.Conn) mailbox.Cursor {
	t.Helper()
	return changes(t, c, mailbox.Query{Stream: mailbox.Live, Limit: 10}).Next
}

func liveAfter(cur mailbox.Cursor, limit int) mailbox.Query {
	return mailbox.Query{Stream: mailbox.Live, Cursor: cur, Limit: limit}
}

// idsOf fetches items and counts their Message-IDs.
func idsOf(t *testing.T, c mailbox.Conn, items []mailbox.Item) map[string]int {
	t.Helper()
	ids := map[string]int{}
	for _, text := range fetchAll(t, c, items) {
		ids[stored{raw: []byte(text)}.id()]++
	}
	return ids
}

func letters(from, to int) (all []testmail.Letter) {
	for i := from; i < to; i++ {
		all = append(all, testmail.Letter{Raw: []byte(mailText(fmt.Sprintf("m%d@x", i), "new"))})
	}
	return all
}

// A mailbox whose UIDVALIDITY changed is listed again from the given time on:
// each mail once, the ones that arrive meanwhile included, and nothing older.
func TestRealUIDValidityReset(t *testing.T) {
	t.Parallel()
	u := newSite(t, "", testmail.DovecotOptions{}).user(t)
	ancient := testmail.Letter{Raw: []byte(mailText("ancient@x", "old")), At: time.Now().AddDate(0, 0, -30)}
	must(t, u.imap.Append(u.name, "INBOX", ancient, ancient, ancient))
	from := time.Now()
	c := u.open(mailbox.Intake{})
	cur := start(t, c)
	must(t, u.imap.Append(u.name, "INBOX", letters(0, 120)...))
	seen := changes(t, c, liveAfter(cur, 50))
	must(t, u.imap.ResetUIDValidity(u.name))
	c = u.open(mailbox.Intake{})
	_, err := c.Changes(t.Context(), liveAfter(seen.Next, 50))
	wantKind(t, err, mailbox.CursorExpired)

	q := liveAfter(seen.Next, 50)
	q.Resync, q.From = true, from.Add(-time.Minute)
	first := changes(t, c, q)
	must(t, u.imap.Append(u.name, "INBOX", letters(120, 130)...))
	rest, cur := drain(t, c, liveAfter(first.Next, 50))
	if u.imapVia.Heard("BODY[]") {
		t.Error("listing transferred a body")
	}
	ids := idsOf(t, c, append(first.Items, rest...))
	for i := range 130 {
		if n := ids[fmt.Sprintf("m%d@x", i)]; n != 1 {
			t.Errorf("mail %d was listed %d times", i, n)
		}
	}
	if len(ids) != 130 || u.imapVia.Heard("<ancient@x>") {
		t.Errorf("%d mails were listed, want 130 and no old one", len(ids))
	}
	if again, _ := drain(t, c, liveAfter(cur, 50)); len(again) > 0 {
		t.Errorf("%d mails are listed again after the end", len(again))
	}
}

// Mail that leaves between listing and fetching is NotFound and does not stop
// its neighbours; where it went it is new.
func TestRealMailLeavesMeanwhile(t *testing.T) {
	t.Parallel()
	u := newSite(t, "", testmail.DovecotOptions{}).user(t)
	c := u.open(mailbox.Intake{Folders: []string{"INBOX", "Done"}})
	_, err := c.Changes(t.Context(), mailbox.Query{Stream: mailbox.Live, Limit: 10})
	wantKind(t, err, mailbox.NotFound) // a folder that is not there is named as such
	must(t, u.imap.Append(u.name, "Done"))
	cur := start(t, c)
	must(t, u.imap.Append(u.name, "INBOX", letters(0, 5)...))
	items, cur := drain(t, c, liveAfter(cur, 10))
	must(t, u.imap.Remove(u.name, "INBOX", "m1@x"))
	must(t, u.imap.Move(u.name, "INBOX", "Done", "m3@x"))
	for i, it := range items {
		raw, err := c.Fetch(t.Context(), it, 1<<20)
		if i == 1 || i == 3 {
			wantKind(t, err, mailbox.NotFound)
		} else if err != nil || !bytes.Contains(raw.Bytes, fmt.Appendf(nil, "<m%d@x>", i)) {
			t.Errorf("mail %d: %v", i, err)
		}
	}
	moved, _ := drain(t, c, liveAfter(cur, 10))
	if ids := idsOf(t, c, moved); len(moved) != 1 || ids["m3@x"] != 1 {
		t.Errorf("listed %v, want the moved mail", ids)
	}
}

func TestRealServerRestarts(t *testing.T) {
	t.Parallel()
	s := newSite(t, "", testmail.DovecotOptions{})
	for name, restart := range map[string]func() error{
		"in order": s.imap.Restart,
		"crash":    func() error { return errors.Join(s.imap.Kill(), s.imap.Start()) },
	} {
		u := s.user(t)
		c := u.open(mailbox.Intake{})
		cur := start(t, c)
		must(t, u.imap.Append(u.name, "INBOX", letters(0, 3)...))
		p := changes(t, c, liveAfter(cur, 2))
		first := idsOf(t, c, p.Items)
		woken := make(chan error, 1)
		go func() {
			idle := u.open(mailbox.Intake{})
			_, err := idle.Changes(context.Background(), liveAfter(p.Next, 2))
			if err == nil {
				woken <- nil
				err = idle.(mailbox.Waiter).Wait(context.Background())
			}
			woken <- err
		}()
		must(t, <-woken)
		must(t, restart())
		_, err := c.Fetch(t.Context(), p.Items[0], 1<<20)
		wantKind(t, err, mailbox.Transient)
		if err := <-woken; err != nil { // a BYE may pass for a hint
			wantKind(t, err, mailbox.Transient)
		}
		must(t, u.imap.Append(u.name, "INBOX", letters(3, 5)...))
		c = u.open(mailbox.Intake{})
		rest, _ := drain(t, c, liveAfter(p.Next, 2))
		for id, n := range idsOf(t, c, rest) {
			first[id] += n
		}
		for i := range 5 {
			if n := first[fmt.Sprintf("m%d@x", i)]; n != 1 {
				t.Errorf("%s: mail %d was listed %d times", name, i, n)
			}
		}
	}
}

// Mail that Postfix puts into the folder behind Dovecot's back ends an IDLE.
func TestRealIdleWakes(t *testing.T) {
	t.Parallel()
	s := newSite(t, "", testmail.DovecotOptions{})
	u := s.as(t, known)
	c := u.open(mailbox.Intake{})
	cur := start(t, c)
	for i := range 3 {
		woken := make(chan error, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		go func() { woken <- c.(mailbox.Waiter).Wait(ctx) }()
		must(t, s.smtp.Submit("a@customer.example", u.address(), []byte(mailText(fmt.Sprintf("w%d@x", i), "new"))))
		if must(t, <-woken); ctx.Err() != nil {
			t.Fatal("nothing woke the IDLE")
		}
		items, next := drain(t, c, liveAfter(cur, 10))
		if len(items) != 1 {
			t.Fatalf("%d mails are listed, want 1", len(items))
		}
		cur = next
	}
}

// A copy is filed once, whatever became of the connection that filed it.
func TestRealOneCopyAmongSent(t *testing.T) {
	t.Parallel()
	u := newSite(t, "", testmail.DovecotOptions{}).user(t)
	o := outgoingOf(u, "o1", "Thank you.\r\n")
	c := u.open(mailbox.Intake{})
	_, err := c.Send(t.Context(), o)
	must(t, err)
	_, err = c.(mailbox.Filer).File(t.Context(), o)
	must(t, err)
	must(t, u.imap.Kill())
	must(t, u.imap.Start())
	if _, err = c.(mailbox.Filer).File(t.Context(), o); err == nil {
		t.Error("filed on a dead connection")
	}
	c = u.open(mailbox.Intake{})
	r, err := c.(mailbox.Filer).File(t.Context(), o)
	must(t, err)
	if n := len(u.sent()); n != 1 || !r.Filed || len(u.accepted()) != 1 {
		t.Errorf("%d copies among the sent mail and %d sent, want 1 and 1", n, len(u.accepted()))
	}
}

func outgoingOf(u *user, name, body string) mailbox.Outgoing {
	id := name + "@" + testmail.Domain
	raw := fmt.Sprintf("From: <%s>\r\nTo: <ann@customer.example>\r\nDate: Mon, 05 Jan 2026 10:00:00 +0000\r\n"+
		"Message-ID: <%s>\r\nX-Helpdesk-Marker: mark-%s\r\nSubject: Re\r\n\r\n%s", u.address(), id, name, body)
	return mailbox.Outgoing{From: u.address(), To: []string{"ann@customer.example"}, Raw: []byte(raw), MessageID: id, Marker: "mark-" + name}
}

func TestRealLargeMail(t *testing.T) {
	t.Parallel()
	u := newSite(t, "", testmail.DovecotOptions{}).user(t)
	c := u.open(mailbox.Intake{})
	cur := start(t, c)
	body := strings.Repeat(strings.Repeat("0123456789abcdef", 4)+"\r\n", 40<<20/66)
	raw := []byte(mailText("large@x", "large") + body)
	must(t, u.imap.Append(u.name, "INBOX", testmail.Letter{Raw: raw}))
	items, _ := drain(t, c, liveAfter(cur, 10))
	got, err := c.Fetch(t.Context(), items[0], 50<<20)
	must(t, err)
	if !bytes.Equal(got.Bytes, raw) {
		t.Errorf("%d bytes arrived of %d", len(got.Bytes), len(raw))
	}
	o := outgoingOf(u, "large", body)
	_, err = c.Send(t.Context(), o)
	must(t, err)
	if sent := u.accepted(); len(sent) != 1 || !bytes.Equal(sent[0].Raw, o.Raw) {
		t.Error("the mail was not sent once and whole")
	}
	o = outgoingOf(u, "huge", strings.Repeat(body, 2))
	_, err = c.Send(t.Context(), o)
	wantKind(t, err, mailbox.TooLarge)
	if !mailbox.Unsent(err) || len(u.accepted()) != 1 {
		t.Error("a refused mail may have been sent")
	}
}

func TestRealTLS(t *testing.T) {
	t.Parallel()
	ca, err := testmail.NewAuthority()
	must(t, err)
	other, err := testmail.NewAuthority()
	must(t, err)
	s := newSite(t, "", testmail.DovecotOptions{Authority: ca})
	u := s.as(t, known)
	a := u.account()
	a.SMTP = imap.Server{Host: s.smtp.Addr(), Security: imap.STARTTLS}
	for name, server := range map[string]imap.Server{
		"implicit": {Host: s.imap.TLSAddr()},
		"STARTTLS": {Host: s.imap.Addr(), Security: imap.STARTTLS},
	} {
		a.IMAP = server
		p := imap.New(imap.Options{TLSConfig: &tls.Config{RootCAs: ca.Pool()}})
		must(t, p.Check(t.Context(), a))
		c := u.openWith(p, a, mailbox.Intake{})
		start(t, c)
		_, err := c.Send(t.Context(), outgoingOf(u, name, "Hello\r\n"))
		must(t, err)
		p = imap.New(imap.Options{TLSConfig: &tls.Config{RootCAs: other.Pool()}})
		wantKind(t, p.Check(t.Context(), a), mailbox.Permanent)
	}
	if n := len(u.accepted()); n != 2 {
		t.Errorf("%d mails were sent, want 2", n)
	}
}

// Too many connections are a limit that passes, not a refused login.
func TestRealConnectionLimit(t *testing.T) {
	t.Parallel()
	u := newSite(t, "", testmail.DovecotOptions{MaxConnections: 2}).user(t)
	for range 2 {
		u.open(mailbox.Intake{})
	}
	b, err := u.account().MarshalBinary()
	must(t, err)
	_, err = u.provider().Open(t.Context(), mailbox.Session{Account: b})
	if k := mailbox.KindOf(err); err == nil || k != mailbox.Transient && k != mailbox.Throttled {
		t.Errorf("the third connection: %v", err)
	}
}
