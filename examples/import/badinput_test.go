package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writer puts mails into a Maildir, each received a minute after the one
// before.
type writer struct {
	t   *testing.T
	dir string
	n   int
}

func newWriter(t *testing.T) *writer {
	w := &writer{t: t, dir: t.TempDir()}
	for _, name := range []string{"cur", "new", "tmp"} {
		must(t, os.Mkdir(filepath.Join(w.dir, name), 0o755))
	}
	return w
}

// put writes a mail as it is. What tells no time is as old as its file.
func (w *writer) put(name string, raw []byte) {
	w.t.Helper()
	w.n++
	path := filepath.Join(w.dir, "cur", name)
	must(w.t, os.WriteFile(path, raw, 0o600))
	at := time.Date(2021, 1, 1, 0, w.n, 0, 0, time.UTC)
	must(w.t, os.Chtimes(path, at, at))
}

// mail writes a mail with header fields and a body; an empty field is left out.
func (w *writer) mail(name, from, id, more, body string) {
	w.t.Helper()
	w.put(name, letter(name, from, id, more, body))
}

func letter(subject, from, id, more, body string) []byte {
	var b bytes.Buffer
	for _, f := range [...][2]string{{"From", from}, {"To", "support@desk.example"}, {"Subject", subject}, {"Message-ID", id}} {
		if f[1] != "" {
			fmt.Fprintf(&b, "%s: %s\r\n", f[0], f[1])
		}
	}
	b.WriteString(more + "\r\n" + body)
	return b.Bytes()
}

const ann = "Ann <ann@customer.example>"

// parts is a mail body with n parts.
func parts(n int) (header, body string) {
	return "Content-Type: multipart/mixed; boundary=b\r\n", strings.Repeat("--b\r\n\r\nx\r\n", n) + "--b--\r\n"
}

// levels is a mail body with parts inside parts.
func levels(n int) (header, body string) {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n", i, i+1)
	}
	fmt.Fprintf(&b, "--b%d\r\n\r\nx\r\n", n)
	return "Content-Type: multipart/mixed; boundary=b0\r\n", b.String()
}

// TestBadInput: mail without anything, with too much of everything, twice and
// under false ids is stored, a duplicate of itself only, or quarantined for a
// reason with a name; and the mail after it arrives.
func TestBadInput(t *testing.T) {
	w := newWriter(t)
	want := map[string]string{}
	expect := func(name, outcome string) {
		want[name] = outcome
		w.mail("after "+name, ann, "<after-"+strings.ReplaceAll(name, " ", "-")+"@customer.example>", "", "I come after.\r\n")
		want["after "+name] = outcomeNew
	}
	w.mail("no from", "", "<1@customer.example>", "", "Hello.\r\n")
	expect("no from", outcomeNew)
	w.mail("no date", ann, "<2@customer.example>", "", "Hello.\r\n")
	expect("no date", outcomeNew)
	w.mail("no id", ann, "", "", "Hello.\r\n")
	expect("no id", outcomeNew)
	w.mail("no body", ann, "<4@customer.example>", "", "")
	expect("no body", outcomeNew)
	w.put("no header end", []byte("From: ann@customer.example\r\nSubject: no header end"))
	expect("no header end", outcomeNew)
	w.put("nothing", nil)
	expect("nothing", outcomeNew)
	w.put("too large", append(letter("too large", ann, "<5@customer.example>", "", ""), make([]byte, 50<<20+1)...)[:50<<20+1])
	expect("too large", outcomeQuarantined)
	w.put("just small enough", append(letter("just small enough", ann, "<6@customer.example>", "", ""), bytes.Repeat([]byte("x"), 50<<20)...)[:50<<20])
	expect("just small enough", outcomeNew)
	header, body := parts(100_000)
	w.mail("parts", ann, "<7@customer.example>", header, body)
	expect("parts", outcomeNew)
	header, body = levels(2000)
	w.mail("levels", ann, "<8@customer.example>", header, body)
	expect("levels", outcomeNew)
	w.mail("NUL", "\"A\x00nn\" <ann\x00@customer.example>", "<9\x00@customer.example>", "X-Odd: \x00\r\nContent-Type: text/html\r\n", "<p>\x00Hello\x00</p>\r\n")
	expect("NUL", outcomeNew)
	w.mail("charset", ann, "<10@customer.example>", "Content-Type: text/plain; charset=x-klingon\r\n", "\xff\xfe\x80 qapla\r\n")
	expect("charset", outcomeNew)
	w.mail("one id", ann, "<11@customer.example>", "", "One.\r\n")
	expect("one id", outcomeNew)
	w.mail("same id", ann, "<11@customer.example>", "", "Quite another mail.\r\n")
	expect("same id", outcomeNew)
	w.mail("stranger", "Eve <eve@evil.example>", "<11@customer.example>", "", "Quite another person.\r\n")
	expect("stranger", outcomeNew)
	same := letter("twice", ann, "<12@customer.example>", "", "Twice.\r\n")
	w.put("once", same)
	expect("once", outcomeNew)
	w.put("twice", same)
	expect("twice", outcomeDuplicate)
	must(t, os.WriteFile(filepath.Join(w.dir, "box"), []byte("From - \n"+string(same)+"\n"), 0o600))
	want["box"] = outcomeDuplicate

	r := imported(t, w.dir)
	if r.summary.Mails != len(want) || len(r.skipped) > 0 {
		t.Errorf("%d mails of %d, skipped %v", r.summary.Mails, len(want), r.skipped)
	}
	for name, outcome := range want {
		if got := r.file(t, name); got.Outcome != outcome {
			t.Errorf("%s: %s (%s), want %s", name, got.Outcome, got.Why, outcome)
		}
	}
	if l := r.file(t, "too large"); l.Why != "too-large" {
		t.Errorf("quarantined for %q", l.Why)
	}
	if once := r.file(t, "once"); r.file(t, "twice").Ticket != once.Ticket || r.file(t, "box").Ticket != once.Ticket {
		t.Error("a copy is a duplicate of another mail")
	}
	if l := r.file(t, "once"); l.Subject != "twice" || l.From != "ann@customer.example" || l.MessageID != "12@customer.example" {
		t.Errorf("reported as %+v", l)
	}
}

// TestOrder: an answer finds its ticket whatever the names of the files say.
func TestOrder(t *testing.T) {
	w := newWriter(t)
	date := func(day int) string {
		return "Date: " + time.Date(2020, 1, day, 0, 0, 0, 0, time.UTC).Format(time.RFC1123Z) + "\r\n"
	}
	w.mail("a", ann, "<c@customer.example>", date(3)+"References: <a@customer.example> <b@customer.example>\r\n", "Again.\r\n")
	w.mail("b", ann, "<b@customer.example>", date(2)+"In-Reply-To: <a@customer.example>\r\n", "More.\r\n")
	w.mail("c", ann, "<a@customer.example>", date(1), "Hello.\r\n")
	r := imported(t, w.dir)
	var order []string
	for _, l := range r.messages {
		order = append(order, filepath.Base(l.File)+" "+l.Outcome)
	}
	if got := strings.Join(order, ", "); got != "c new, b joined, a joined" || r.file(t, "b").Why != "joined by in-reply-to" {
		t.Errorf("%s: %+v", got, r.messages)
	}
}
