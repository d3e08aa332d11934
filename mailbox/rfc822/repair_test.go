package rfc822

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// TestParseWith checks that what the provider knows comes before what the
// header says, and joins it.
func TestParseWith(t *testing.T) {
	in := ParseWith([]byte(head+"Delivered-To: b@x.example\r\nX-Original-To: help+tok@x.example\r\n\r\nhi"),
		Envelope{ReturnPath: "<>", Delivered: []string{"Help+Tok@X.example", "c@x.example"}, ReceivedAt: time.Unix(1, 0)})
	got := fmt.Sprint(in.Delivered)
	if want := "[{ help+tok@x.example} { c@x.example} { b@x.example}]"; got != want {
		t.Errorf("delivered %s, want %s", got, want)
	}
}

// TestRepairHeaders has one header for each way to break one.
func TestRepairHeaders(t *testing.T) {
	for _, c := range []struct{ name, raw, from, subject, text string }{
		{"folded first line", "\tby relay; Mon, 1 Jan 2024\r\n (more)\r\nFrom: a@x.example\r\nSubject: s\r\n\r\nb", "a@x.example", "s", "b"},
		{"colon on the next line", "To: z@x.example\r\nFrom\r\n : <a@x.example>\r\nSubject: s\r\n\r\nb", "a@x.example", "s", "b"},
		{"pipermail", "From: ann at x.example (Ann Bee)\r\nSubject: s\r\n\r\nb", "ann@x.example", "s", "b"},
		{"comments in the address", "From: ann(her\r\n account)@x.example(host)\r\nSubject: s\r\n\r\nb", "ann@x.example", "s", "b"},
		{"no domain", "From: MAILER-DAEMON\r\nSubject: s\r\n\r\nb", "mailer-daemon", "s", "b"},
		{"utf-7 words", "From: a@x.example\r\nSubject: =?utf-7?Q?+AOk-t+AOk-?=\r\n\r\nb", "a@x.example", "été", "b"},
		{"iso-2022-jp words", "From: a@x.example\r\nSubject: =?ISO-2022-JP?B?GyRCJUYlOSVIGyhC?=\r\n\r\nb", "a@x.example", "テスト", "b"},
		{"8-bit in a word", "From: a@x.example\r\nSubject: =?iso-8859-1?Q?gr\xfc=DFe?=\r\n\r\nb", "a@x.example", "grüße", "b"},
		{"many fields", "X-A: b\r\n" + strings.Repeat("X-B: c\r\n", 3000) + "From: a@x.example\r\nSubject: s\r\n\r\nb", "a@x.example", "s", "b"},
		{"long fold before the subject", "To: a@x.example" + strings.Repeat(",\r\n a@x.example", 1500) + "\r\nFrom: a@x.example\r\nSubject: s\r\n\r\nb", "a@x.example", "s", "b"},
	} {
		in := Parse([]byte(c.raw))
		if len(in.From) != 1 || in.From[0].Addr != c.from || in.Subject != c.subject || in.Text != c.text {
			t.Errorf("%s: from %q subject %q text %q", c.name, in.From, in.Subject, in.Text)
		}
	}
	if a := Parse([]byte("From: Ann at Work <a@x.example>\r\n\r\n")).From; len(a) != 1 || a[0] != (ticket.Address{Name: "Ann at Work", Addr: "a@x.example"}) {
		t.Errorf("a name with an at: %q", a)
	}
	if a := Parse([]byte("From: Ann at home\r\n\r\n")).From; len(a) != 1 || a[0].Addr != "" {
		t.Errorf("no domain behind the at: %q", a)
	}
}

const mixed = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"

// TestRepairBodies has one body for each way to break one.
func TestRepairBodies(t *testing.T) {
	for _, c := range []struct{ name, rest, text, atts string }{
		{"uuencode", "\r\nhello\r\nbegin 644 cat.txt\r\n#0V%T\r\n`\r\nend\r\nbye\r\n", "hello\nbye\n", "cat.txt text/plain 3"},
		{"no uuencode", "\r\nbegin 644 the game\r\nnot data\r\nend\r\n", "begin 644 the game\nnot data\nend\n", ""},
		{"uuencode without end", "\r\nbegin 644 a.txt\r\n#0V%T\r\n", "begin 644 a.txt\n#0V%T\n", ""},
		{"inline named text", mixed + "\r\nbody\r\n--b\r\nContent-Disposition: inline; filename=log.txt\r\n\r\nlog\r\n--b--\r\n", "body\nlog", "log.txt text/plain 3"},
		{"attached text", mixed + "\r\nbody\r\n--b\r\nContent-Disposition: attachment; filename=log.txt\r\n\r\nlog\r\n--b--\r\n", "body", "log.txt text/plain 3"},
		{"enriched beside plain", mixed + "\r\nbody\r\n--b\r\nContent-Type: text/enriched\r\n\r\n<bold>x</bold>\r\n--b--\r\n", "body", "attachment.txt text/plain 14"},
		{"enriched alone", "Content-Type: text/enriched\r\n\r\nonly me", "only me", ""},
		{"alternatives that differ", "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n", "one\ntwo", ""},
		{"alternative around mixed", "Content-Type: multipart/alternative; boundary=a\r\n\r\n--a\r\n" + mixed + "\r\none\r\n--b\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\n\r\ntwo\r\n--c\r\nContent-Type: text/html\r\n\r\n<p>two\r\n--c--\r\n--b--\r\n--a--\r\n", "one\ntwo", ""},
		{"charset of the multipart", "Content-Type: multipart/mixed; charset=koi8-r; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n\xf0\xd2\xc9\xd7\xc5\xd4\r\n--b--\r\n", "Привет", ""},
		{"prose called base64", "Content-Transfer-Encoding: base64\r\n\r\nThis is no base64 at all\r\nbut words with blanks\r\nand nothing else\r\n", "This is no base64 at all\nbut words with blanks\nand nothing else\n", ""},
		{"type without subtype", mixed + "\r\nbody\r\n--b\r\nContent-Type: application-x-gzip; name=a.gz\r\nContent-Transfer-Encoding: base64\r\n\r\nH4sIAAAAAAAA\r\n--b--\r\n", "body", "a.gz application/x-gzip 9"},
		{"content-location", mixed + "\r\nbody\r\n--b\r\nContent-Type: image/gif\r\nContent-Location: http://x.example/img/dot%20one.gif?x\r\n\r\nGIF89a\r\n--b--\r\n", "body", "dot one.gif image/gif 6"},
		{"partial", "Content-Type: message/partial; id=x; number=1; total=2\r\n\r\nSubject: in\r\n\r\nbody", "Subject: in\n\nbody", "message.eml text/plain 19"},
		{"partial of base64", "Content-Type: message/partial; id=x; number=2; total=2\r\n\r\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n", "", "message.eml text/plain 38"},
		{"only a report", "Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nAction: failed\r\n--b--\r\n", "Action: failed", "delivery-status.txt message/delivery-status 14"},
		{"a report beside text", "Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\n\r\nGone\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nAction: failed\r\n--b--\r\n", "Gone", "delivery-status.txt message/delivery-status 14"},
	} {
		in := Parse([]byte(head + c.rest))
		var atts []string
		for _, a := range in.Attachments {
			atts = append(atts, fmt.Sprintf("%s %s %d", a.Name, a.Type, a.Size))
		}
		if got := strings.Join(atts, ", "); in.Text != c.text || got != c.atts {
			t.Errorf("%s:\n text %q\n atts %q", c.name, in.Text, got)
		}
	}
}

// TestInlineByLocation shows an image by its Content-Location (RFC 2557).
func TestInlineByLocation(t *testing.T) {
	in := Parse([]byte(head + "Content-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<img src=\"a.gif\"><img src='b.gif'>" +
		"\r\n--b\r\nContent-Type: image/gif\r\nContent-Location: a.gif\r\n\r\nGIF89a\r\n--b\r\nContent-Type: image/gif\r\nContent-Location: c.gif\r\n\r\nGIF89a\r\n--b--\r\n"))
	if len(in.Attachments) != 2 || !in.Attachments[0].Inline || in.Attachments[1].Inline {
		t.Fatalf("%+v", in.Attachments)
	}
	if id := in.Attachments[0].ContentID; !strings.Contains(in.HTML, `<img src="cid:`+id+`">`) || !strings.Contains(in.HTML, "'b.gif'") {
		t.Errorf("%q does not show %q", in.HTML, id)
	}
}

// container writes a TNEF container.
func container(attrs ...any) []byte {
	b := binary.LittleEndian.AppendUint32(nil, tnefSignature)
	b = append(b, 1, 0)
	for i := 0; i < len(attrs); i += 2 {
		v := []byte(attrs[i+1].(string))
		b = append(b, 2)
		b = binary.LittleEndian.AppendUint16(b, uint16(attrs[i].(int)))
		b = append(b, 0, 0)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(v)))
		b = append(append(b, v...), 0, 0)
	}
	return b
}

func prop(id, typ uint16, v string) string {
	b := binary.LittleEndian.AppendUint32(nil, 1)
	b = binary.LittleEndian.AppendUint16(b, typ)
	b = binary.LittleEndian.AppendUint16(b, id)
	b = binary.LittleEndian.AppendUint32(b, 1)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(v)))
	return string(b) + v + strings.Repeat("\x00", (4-len(v)%4)%4)
}

// TestTNEF unpacks a container of our own, whole and cut at every byte.
func TestTNEF(t *testing.T) {
	raw := container(attAttachRend, "", attAttachTitle, "SHORT~1.TXT\x00", attAttachData, "hello", attAttachment, prop(propLongFilename, 0x1e, "A long name.txt\x00"),
		attAttachRend, "", attAttachTitle, "b.bin\x00", attAttachData, "\x01\x02", attMessageProps, prop(propHTML, 0x102, "<p>Body"))
	for _, c := range []struct{ pre, text, atts string }{
		{"", "Body", "A long name.txt b.bin body.html "},
		{mixed + "\r\nseen\r\n--b\r\n", "seen", "A long name.txt b.bin "},
	} {
		in := Parse([]byte(head + c.pre + "Content-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: binary\r\n\r\n" + string(raw)))
		atts := ""
		for _, a := range in.Attachments {
			atts += a.Name + " "
		}
		if in.Text != c.text || atts != c.atts || string(in.Attachments[0].Content) != "hello" {
			t.Errorf("text %q atts %q", in.Text, atts)
		}
	}
	for i := range raw {
		readTNEF(raw[:i], 0)
	}
}
