package helpdesk_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
	"github.com/helpdesk-go/helpdesk/store/storetest"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// TestCanary sends words that occur nowhere else through every field and looks
// for them in the store, the log and the errors.
func TestCanary(t *testing.T) {
	for name, o := range map[string]mailboxtest.FakeOptions{"plain": plain(), "rich": rich()} {
		bubble(t, name, func(t *testing.T) { canary(t, o) })
	}
}

func canary(t *testing.T, o mailboxtest.FakeOptions) {
	var words []string
	c := func(field string) string {
		w := fmt.Sprintf("canary%03d%s", len(words), field)
		words = append(words, w)
		return w
	}
	var out bytes.Buffer
	say := func(err error) {
		if err != nil {
			fmt.Fprintf(&out, "%v\n%+v\n%#v\n", err, err, err.Error())
		}
	}
	b := unconnected(t, o, func(cfg *helpdesk.Config) {
		cfg.Logger = slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
		cfg.OnEvent = helpdesk.LogEvents(cfg.Logger)
		cfg.MaxMail = 64 << 10
	})
	a := mailboxtest.Account{User: c("user"), Email: c("ourlocal") + "@" + c("ourdomain") + ".example", Name: c("ourname"), Password: c("password")}
	folder := c("folder")
	b.fake.AddFolder(a.User, folder)
	opts := helpdesk.ConnectOptions{}
	opts.Intake.Folders, opts.Intake.Since = []string{folder}, time.Now().Add(-time.Hour)
	box, err := b.acme.ConnectWith(t.Context(), a, opts)
	if err != nil {
		t.Fatal(err)
	}
	from, id := c("local")+"@"+c("domain")+".example", c("messageid")+"@"+c("iddomain")
	m := mail{from: c("name") + " <" + from + ">", to: a.Email, cc: c("cc") + "@customer.example", id: id, refs: []string{c("reference") + "@x"}, subject: c("subject")}
	m.more = "Reply-To: " + c("replyto") + "@customer.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nX-Other: " + c("header") + "\r\n"
	m.text = "--b\r\nContent-Type: text/plain\r\n\r\n" + c("text") + "\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>" + c("html") + "</p>\r\n" +
		"--b\r\nContent-Type: application/pdf; name=" + c("filename") + ".pdf\r\nContent-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
		base64.StdEncoding.EncodeToString([]byte(c("attachment"))) + "\r\n--b--"
	put := func(raw []byte, at time.Time) string {
		return b.fake.Put(a.User, mailboxtest.Arrival{Raw: raw, At: at, Folder: folder})
	}
	put(m.raw(), time.Time{})
	old, large := m, m
	old.id, old.subject, old.refs = c("oldid")+"@x", c("oldsubject"), nil
	put(old.raw(), time.Now().Add(-time.Minute))
	large.id, large.text = c("largeid")+"@x", strings.Repeat("large "+c("largetext")+"\r\n", 5000)
	put(large.raw(), time.Time{})
	bad := m
	bad.id, bad.subject = c("badid")+"@x", c("badsubject")
	refused := put(bad.raw(), time.Time{})
	b.store.set(func(s *faulty) { s.refuse = refuseMail(refused) })
	for _, k := range []mailboxtest.FaultKind{mailboxtest.FaultServerError, mailboxtest.FaultHalfBody, mailboxtest.FaultCutAfter} {
		b.fake.Inject(mailboxtest.Fault{Op: mailboxtest.OpFetch, Kind: k})
	}
	b.patiently(5 * time.Minute)
	b.store.set(func(s *faulty) { s.refuse = nil })
	if n, q := len(b.tickets()), len(b.quarantine()); n != 2 || q != 2 {
		t.Fatalf("%d tickets, %d held", n, q)
	}
	tk := b.find(m.subject)
	r := helpdesk.Reply{
		Text: c("replytext"), HTML: "<b>" + c("replyhtml") + "</b>", Cc: []helpdesk.Address{{Name: c("ccname"), Addr: c("replycc") + "@x.example"}},
		Bcc: []helpdesk.Address{{Addr: c("bcc") + "@x.example"}}, Files: []helpdesk.File{{Name: c("sentname") + ".txt", Content: []byte(c("sentfile"))}},
	}
	b.fake.Inject(mailboxtest.Fault{Op: b.fake.SendOp(), Kind: mailboxtest.FaultCutAfter})
	_, err = b.acme.Reply(b.agent, tk, r)
	say(err)
	_, err = b.acme.AddNote(b.agent, tk, helpdesk.Note{Text: c("note")})
	say(err)
	_, err = b.acme.Start(b.agent, helpdesk.NewTicket{Mailbox: box.ID, To: []helpdesk.Address{{Addr: c("startto") + "@x.example"}}, Subject: c("startsubject"), Text: c("starttext")})
	say(err)
	b.patiently(10 * time.Minute)
	for _, q := range b.quarantine() {
		_, err := b.acme.Release(b.agent, q.ID)
		say(err)
	}
	if len(b.fake.Sent(a.User)) != 2 {
		t.Errorf("%d mails were sent", len(b.fake.Sent(a.User)))
	}
	conv := b.conversation(tk)
	_, err = b.acme.Attachment(b.agent, conv.Messages[0].ID, 99)
	say(err)

	// Verbs that fail on content.
	for _, bad := range []helpdesk.Reply{
		{Text: "x", To: []helpdesk.Address{{Addr: c("badaddr") + "\r\n"}}},
		{Text: "x", To: []helpdesk.Address{{Name: c("badname") + "\r\nBcc: x", Addr: bob}}},
		{Text: "x", Files: []helpdesk.File{{Name: c("badfile") + "\r\n"}}},
		{Text: "x", Status: ticket.Status(c("badstatus"))},
		{Text: c("toolarge") + strings.Repeat("0123456789", 10_000)},
	} {
		if _, err := b.acme.Reply(b.agent, tk, bad); err == nil {
			t.Errorf("a reply that should fail did not: %.40v", bad)
		} else {
			say(err)
		}
	}
	wrong := a
	wrong.Password = c("wrong")
	b.fake.SetPassword(a.User, a.Password)
	_, err = b.acme.Connect(t.Context(), wrong)
	say(err)
	wrong.Email = c("noaddress")
	_, err = b.acme.Connect(t.Context(), wrong)
	say(err)
	wrong = a
	wrong.ProviderName = c("noprovider")
	_, err = b.acme.Connect(t.Context(), wrong)
	say(err)
	b.fake.KillToken(a.User)
	b.patiently(2 * time.Minute)
	b.store.set(func(s *faulty) { s.down = true })
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	say(b.desk.Run(ctx))
	cancel()
	b.store.set(func(s *faulty) { s.down = false })

	var dump bytes.Buffer
	if err := b.store.WriteState(&dump); err != nil {
		t.Fatal(err)
	}
	if dump.Len() < 10_000 || out.Len() < 1000 {
		t.Fatalf("the dump has %d bytes and the log %d: nothing to search", dump.Len(), out.Len())
	}
	storetest.FindCanary(t, dump.Bytes(), words...)
	storetest.FindCanary(t, out.Bytes(), words...)
}
