// Package benchmail makes the mailbox that benchmarks read: mails as a support
// desk gets them, the same ones for the same seed.
package benchmail

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// The shape of the mailbox. Of 3,000 mails it makes about 95 MB.
const (
	replies     = 0.40 // answer an earlier mail
	withHTML    = 0.70 // multipart/alternative
	attached    = 0.15 // carry a file
	fileMost    = 200 << 10
	people      = 800
	firstAt     = 1_772_000_000 // seconds since 1970 of the first mail
	apart       = 97            // seconds between two mails
	lineWidth   = 72
	base64Width = 76
)

// A Mail is one mail of the mailbox.
type Mail struct {
	// Raw is the mail with CRLF line ends (RFC 5322).
	Raw []byte
	// At is when the provider received it.
	At time.Time
}

// Mails makes the first n mails of the mailbox of a seed.
func Mails(seed uint64, n int) []Mail {
	out := make([]Mail, 0, n)
	for m := range All(seed, n) {
		out = append(out, m)
	}
	return out
}

// All makes n mails one after the other, holding none of them.
func All(seed uint64, n int) func(yield func(Mail) bool) {
	return func(yield func(Mail) bool) {
		w := &writer{r: rand.New(rand.NewPCG(seed, 0)), seed: seed}
		w.vocabulary()
		for i := range n {
			if !yield(Mail{Raw: w.mail(i), At: time.Unix(firstAt+int64(i)*apart, 0).UTC()}) {
				return
			}
		}
	}
}

// thread is a mail that can be answered.
type thread struct {
	refs    []string
	subject string
	person  int
	quote   string
}

type writer struct {
	r     *rand.Rand
	seed  uint64
	words []string
	open  []thread
}

// vocabulary makes words of syllables, used as unevenly as words are.
func (w *writer) vocabulary() {
	syllables := strings.Fields("an ber ca dor el fi gra hon is jo ka li mon ne or pa qui ra so ter un ver we xi yo za")
	for range 6000 {
		var b strings.Builder
		for range 1 + w.r.IntN(4) {
			b.WriteString(syllables[w.r.IntN(len(syllables))])
		}
		w.words = append(w.words, b.String())
	}
}

func (w *writer) word() string {
	f := w.r.Float64()
	return w.words[int(f*f*f*float64(len(w.words)))]
}

// text is prose of about n bytes with lines of the usual width.
func (w *writer) text(n int) string {
	var b strings.Builder
	col := 0
	for b.Len() < n {
		s := w.word()
		switch w.r.IntN(14) {
		case 0:
			s += "."
		case 1:
			s += fmt.Sprintf(" %d", w.r.IntN(100000))
		}
		if col += len(s) + 1; col > lineWidth {
			b.WriteString("\r\n")
			col = len(s)
		} else if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(s)
		if w.r.IntN(60) == 0 {
			b.WriteString("\r\n\r\n")
			col = 0
		}
	}
	return b.String()
}

// mail writes mail number i.
func (w *writer) mail(i int) []byte {
	t := thread{person: w.r.IntN(people), subject: strings.Join([]string{w.word(), w.word(), w.word(), w.word()}, " ")}
	answers := len(w.open) > 0 && w.r.Float64() < replies
	if answers {
		at := w.r.IntN(len(w.open))
		t = w.open[at]
		w.open = append(w.open[:at], w.open[at+1:]...)
	}
	id := fmt.Sprintf("%d.%d.%08x@customer%d.example", w.seed, i, w.r.Uint32(), t.person%90)
	var b bytes.Buffer
	w.head(&b, t, id, i, answers)
	body := w.text(300 + w.r.IntN(4500))
	if answers {
		body += "\r\n\r\nOn Monday the desk wrote:\r\n> " + strings.ReplaceAll(t.quote, "\r\n", "\r\n> ")
	}
	w.body(&b, body)
	w.remember(t, id, body)
	return b.Bytes()
}

func (w *writer) head(b *bytes.Buffer, t thread, id string, i int, answers bool) {
	at := time.Unix(firstAt+int64(i)*apart, 0).UTC().Format(time.RFC1123Z)
	fmt.Fprintf(b, "Return-Path: <p%d@customer%d.example>\r\n", t.person, t.person%90)
	for hop := range 3 {
		fmt.Fprintf(b, "Received: from mx%d.customer%d.example (mx%d.customer%d.example [192.0.2.%d])\r\n\tby mx.desk.example with ESMTPS id %016x\r\n\tfor <support@desk.example>; %s\r\n",
			hop, t.person%90, hop, t.person%90, w.r.IntN(250), w.r.Uint64(), at)
	}
	fmt.Fprintf(b, "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=customer%d.example; s=a;\r\n\th=from:to:subject:date; b=%s\r\n",
		t.person%90, base64.StdEncoding.EncodeToString(w.bytes(192)))
	fmt.Fprintf(b, "From: \"Person %d\" <p%d@customer%d.example>\r\nTo: Support <support@desk.example>\r\n", t.person, t.person, t.person%90)
	if answers {
		fmt.Fprintf(b, "Subject: Re: %s\r\nIn-Reply-To: <%s>\r\nReferences:", t.subject, t.refs[len(t.refs)-1])
		for _, r := range t.refs {
			fmt.Fprintf(b, "\r\n <%s>", r)
		}
		b.WriteString("\r\n")
	} else {
		fmt.Fprintf(b, "Subject: %s\r\n", t.subject)
	}
	fmt.Fprintf(b, "Date: %s\r\nMessage-ID: <%s>\r\nMIME-Version: 1.0\r\n", at, id)
}

// body writes the text, alone or with HTML, with or without a file.
func (w *writer) body(b *bytes.Buffer, text string) {
	html, file := w.r.Float64() < withHTML, w.r.Float64() < attached
	if file {
		b.WriteString("Content-Type: multipart/mixed; boundary=\"outer\"\r\n\r\n--outer\r\n")
	}
	const plain = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
	if html {
		b.WriteString("Content-Type: multipart/alternative; boundary=\"inner\"\r\n\r\n--inner\r\n" + plain + text + "\r\n--inner\r\n")
		b.WriteString("Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n")
		w.html(b, text)
		b.WriteString("\r\n--inner--\r\n")
	} else {
		b.WriteString(plain + text + "\r\n")
	}
	if file {
		b.WriteString("--outer\r\nContent-Type: application/pdf; name=\"file.pdf\"\r\nContent-Disposition: attachment; filename=\"file.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\n")
		enc := base64.StdEncoding.EncodeToString(w.bytes(w.r.IntN(fileMost)))
		for len(enc) > base64Width {
			b.WriteString(enc[:base64Width] + "\r\n")
			enc = enc[base64Width:]
		}
		b.WriteString(enc + "\r\n--outer--\r\n")
	}
}

// html writes the text as mail programs do: much markup, quoted-printable.
func (w *writer) html(b *bytes.Buffer, text string) {
	b.WriteString("<html><head><meta charset=3D\"utf-8\"><style>p.MsoNormal { margin: 0cm; font-size:=\r\n 11.0pt; font-family: Calibri, sans-serif; }</style></head><body lang=3D\"EN\">\r\n")
	for line := range strings.SplitSeq(text, "\r\n") {
		fmt.Fprintf(b, "<p class=3D\"MsoNormal\" style=3D\"margin-bottom:12.0pt\"><span style=3D\"color:=\r\n#1F497D\">%s</span></p>\r\n", strings.ReplaceAll(line, ">", "&gt;"))
	}
	b.WriteString("</body></html>")
}

// remember lets a mail be answered later.
func (w *writer) remember(t thread, id, body string) {
	t.refs = append(t.refs[:len(t.refs):len(t.refs)], id)
	if len(t.refs) > 12 {
		return // long enough
	}
	t.quote = body[:min(len(body), 1200)]
	if len(w.open) < 300 {
		w.open = append(w.open, t)
	} else {
		w.open[w.r.IntN(len(w.open))] = t
	}
}

func (w *writer) bytes(n int) []byte {
	b := make([]byte, n)
	for i := 0; i+8 <= n; i += 8 {
		v := w.r.Uint64()
		for j := range 8 {
			b[i+j] = byte(v >> (8 * j))
		}
	}
	return b
}
