package rfc822

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/ticket"
)

func codes(in ticket.Inbound) string {
	var out []string
	for _, d := range in.Defects {
		out = append(out, d.Code)
	}
	return strings.Join(out, " ")
}

const head = "From: A <a@b.example>\r\nMessage-ID: <m@b.example>\r\nDate: Tue, 1 Jul 2003 10:52:37 +0200\r\n"

func TestParseCleanMail(t *testing.T) {
	in := Parse([]byte(head + "To: =?utf-8?Q?J=C3=B6rg,_Dr.?= <j@c.example>, \"Last, First\" <l@c.example>\r\n" +
		"Cc: undisclosed-recipients:;\r\nReply-To: r@d.example (Comment)\r\nSubject: =?iso-8859-1?q?gr=FC=DFe?= =?iso-8859-1?q?_an_alle?=\r\n" +
		"In-Reply-To: <p@x>\r\nReferences: <o@x> <p@x>\r\nDelivered-To: help+tok@c.example\r\nX-Helpdesk-Marker: abc\r\n\r\nHello\r\nWorld\r\n"))
	want := ticket.Inbound{
		MessageID: "m@b.example", InReplyTo: []string{"p@x"}, References: []string{"o@x"},
		From: []ticket.Address{{Name: "A", Addr: "a@b.example"}}, ReplyTo: []ticket.Address{{Name: "Comment", Addr: "r@d.example"}},
		To:        []ticket.Address{{Name: "Jörg, Dr.", Addr: "j@c.example"}, {Name: "Last, First", Addr: "l@c.example"}},
		Delivered: []ticket.Address{{Addr: "help+tok@c.example"}}, Subject: "grüße an alle", BaseSubject: "grüße an alle",
		Date: time.Date(2003, 7, 1, 8, 52, 37, 0, time.UTC), Text: "Hello\nWorld\n", Kind: ticket.KindPerson, Marker: "abc",
		Auth: ticket.Auth{Warnings: []string{ticket.WarnReplyToDiffers}},
	}
	Trim(&in)
	if strings.TrimSpace(in.Reply) != "Hello\nWorld" {
		t.Errorf("reply %q", in.Reply)
	}
	in.Reply, in.Cuts = "", nil
	if !reflect.DeepEqual(in, want) {
		t.Errorf("got  %+v\nwant %+v", in, want)
	}
}

func TestParseBodies(t *testing.T) {
	for _, c := range []struct{ name, rest, text, html, atts, codes string }{
		{"alternative", "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\nplain\r\n--b\r\nContent-Type: text/html\r\n\r\n<b>rich</b>\r\n--b--\r\n", "plain", "<b>rich</b>", "", ""},
		{"html only", "Content-Type: text/html\r\n\r\n<p>one<p>two", "one\n\ntwo", "<p>one<p>two", "", ""},
		{"missing closing", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\ndata", "x", "", "a.txt text/plain 4 false ", "closing-missing"},
		{"prefix boundary", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/alternative; boundary=bb\r\n\r\n--bb\r\n\r\nin\r\n--bb--\r\n--b--\r\n", "in", "", "", ""},
		{"closing with tail", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--</HTML>\r\nepilogue", "x", "", "", ""},
		{"no boundary parameter", "Content-Type: multipart/mixed\r\n\r\n--sniffed1\r\n\r\nx\r\n--sniffed1--\r\n", "x", "", "", "boundary-missing"},
		{"double semicolon", "Content-Type: multipart/mixed;; boundary=\"b\"\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n", "x", "", "", ""},
		{"no parts", "Content-Type: multipart/mixed; boundary=b\r\n\r\njust text", "just text", "", "", "multipart-empty"},
		{"odd encoding", "Content-Transfer-Encoding: 7-bit\r\n\r\nx", "x", "", "", "transfer-encoding"},
		{"quoted with tail", "Content-Transfer-Encoding: Quoted-Printable;\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n=C3=BC =zz=\r\n!", "ü =zz!", "", "", ""},
		{"broken base64", "Content-Transfer-Encoding: base64\r\n\r\naGVs!bG8=\r\n-- \r\nlist footer\r\n", "hello", "", "", "transfer-encoding"},
		{"latin bytes unlabelled", "\r\ngr\xfc\xdfe", "grüße", "", "", "charset"},
		{"utf-8 labelled latin", "Content-Type: text/plain; charset=iso-8859-1\r\n\r\ngr\xc3\xbc", "grü", "", "", ""},
		{"bogus charset", "Content-Type: text/plain; charset=../../etc/passwd\r\n\r\ngr\xfc", "grü", "", "", "charset"},
		{"koi8", "Content-Type: text/plain; charset=koi8_r\r\n\r\n\xf0\xd2\xc9\xd7\xc5\xd4", "Привет", "", "", ""},
		{"gb2312", "Content-Type: text/plain; charset=gb2312_charset\r\n\r\n\xc4\xe3\xba\xc3", "你好", "", "", ""},
		{"iso-2022-kr", "Content-Type: text/plain; charset=iso-2022-kr\r\n\r\n\x1b$)C\x0e>H3g\x0f!", "안녕!", "", "", ""},
		{"utf-7", "Content-Type: text/plain; charset=unicode-1-1-utf-7\r\n\r\n+AOk-t+AOk-", "été", "", "", ""},
		{"nul", "\r\na\x00b", "ab", "", "", "nul"},
		{"related", "Content-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<img src=\"cid:i@x\">\r\n--b\r\nContent-Type: image/gif\r\nContent-ID: <i@x>\r\n\r\nGIF89a\r\n--b--\r\n", "", "<img src=\"cid:i@x\">", "attachment.gif image/gif 6 true i@x", ""},
		{"rfc822", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: Inner\r\n\r\nbody\r\n--b--\r\n", "x", "", "Inner.eml message/rfc822 22 false ", ""},
		{"2231 pieces", "Content-Type: application/pdf; name=x\r\nContent-Disposition: attachment; filename*0*=utf-8''%e2%82%ac; filename*1=\" a.pdf\"\r\n\r\n%PDF-1", "", "", "€ a.pdf application/pdf 6 false ", ""},
		{"traversal", "Content-Type: application/pdf\r\nContent-Disposition: attachment; filename=\"../../etc/pass wd\"\r\n\r\n%PDF-1", "", "", "pass wd application/pdf 6 false ", "attachment-name"},
		{"unquoted name", "Content-Type: application/pdf\r\nContent-Disposition: attachment; filename=a b.pdf\r\n\r\n%PDF-1", "", "", "a b.pdf application/pdf 6 false ", ""},
		{"flowed", "Content-Type: text/plain; format=flowed\r\n\r\n> one \r\n> two\r\nthree \r\nfour\r\n", "> one two\nthree four\n", "", "", ""},
	} {
		in := Parse([]byte(head + c.rest))
		atts := ""
		for _, a := range in.Attachments {
			atts += fmt.Sprintf("%s %s %d %v %s", a.Name, a.Type, a.Size, a.Inline, a.ContentID)
		}
		if in.Text != c.text || in.HTML != c.html || atts != c.atts || codes(in) != c.codes {
			t.Errorf("%s:\n text %q html %q atts %q codes %q", c.name, in.Text, in.HTML, atts, codes(in))
		}
	}
}

func TestParseHeaders(t *testing.T) {
	for _, c := range []struct{ name, raw, subject, text, codes string }{
		{"bare CR", strings.ReplaceAll(head, "\r\n", "\r") + "Subject: s\r\rbody", "s", "body", "line-ends"},
		{"bare CR, one LF", strings.ReplaceAll(head, "\r\n", "\r") + "Subject: s\r\rbody\n", "s", "body\n", "line-ends"},
		{"mbox line", "From x@y Mon\r\n>From z\r\n" + head + "Subject: s\r\n\r\nb", "s", "b", "mailbox-line"},
		{"BOM", "\xef\xbb\xbf" + head + "Subject: s\r\n\r\nb", "s", "b", "byte-order-mark"},
		{"leading lines", "\r\n\r\n" + head + "Subject: s\r\n\r\nb", "s", "b", "header-line"},
		{"indented", "  Subject: s\r\n" + head + "\r\nb", "s", "b", "header-line"},
		{"wrapped badly", head + "Subject: one\r\ntwo\r\nX: y\r\n\r\nb", "one two", "b", "header-line"},
		{"bad name", head + "X\tY Z: v\r\nSubject: s\r\n\r\nb", "s", "b", "header-name"},
		{"no separator", head + "Subject: s\r\nHello there\r\nit is me\r\n", "s", "Hello there\r\nit is me\r\n", "header-end"},
		{"duplicate", head + "Subject: first\r\nSubject: second\r\n\r\nb", "first", "b", "duplicate-header"},
		{"CRLF in word", head + "Subject: =?utf-8?q?a=0D=0ABcc:_x@y?=\r\n\r\nb", "a Bcc: x@y", "b", ""},
		{"bidi", head + "Subject: a\xe2\x80\xaeb\r\n\r\nb", "ab", "b", ""},
		{"split character", head + "Subject: =?utf-8?B?w7w=?= =?utf-8?B?w7zD?= =?utf-8?B?vA==?=\r\n\r\nb", "üüü", "b", ""},
		{"broken word", head + "Subject: =?utf-8?X?abc?= x\r\n\r\nb", "=?utf-8?X?abc?= x", "b", "encoded-word"},
		{"raw latin", head + "Subject: gr\xfc\xdfe\r\n\r\nb", "grüße", "b", "charset"},
		{"empty", "", "", "", "no-from no-message-id date empty"},
	} {
		in := Parse([]byte(c.raw))
		if in.Subject != c.subject || in.Text != strings.ReplaceAll(c.text, "\r\n", "\n") || codes(in) != c.codes {
			t.Errorf("%s: subject %q text %q codes %q", c.name, in.Subject, in.Text, codes(in))
		}
	}
}

func TestParseFrom(t *testing.T) {
	for _, c := range []struct {
		from, name, addr string
		bad              bool
	}{
		{"MAILER-DAEMON", "", "mailer-daemon", true},
		{"MAILER-DAEMON (Mail Delivery System)", "Mail Delivery System", "mailer-daemon", true},
		{"Mail Delivery System", "Mail Delivery System", "", true},
		{"=?utf-8?Q?Doe,_John?= <J.D@X.example>", "Doe, John", "j.d@x.example", false},
		{"\"a@evil.example\" <b@good.example>", "a@evil.example", "b@good.example", false},
		{"<@route,@other:u@d.example>", "", "u@d.example", false},
		{"group: u@d.example;", "", "u@d.example", false},
		{"Broken <u@d.example", "Broken", "u@d.example", false},
		{"\"Broken <u@d.example>", "Broken", "u@d.example", false},
		{"=?utf-8?q?x=40evil.example?=@good.example", "", "=?utf-8?q?x=40evil.example?=@good.example", true},
		{"\u212Aelvin <\u212A@d.example>", "\u212Aelvin", "\u212A@d.example", false},
		{"a@b@c.example", "", "a@b@c.example", true},
	} {
		in := Parse([]byte("From: " + c.from + "\r\nMessage-ID: <x@y>\r\nDate: 1 Jul 2003 10:52:37 +0200\r\n\r\n"))
		if len(in.From) != 1 || in.From[0] != (ticket.Address{Name: c.name, Addr: c.addr}) || strings.Contains(codes(in), "address") != c.bad {
			t.Errorf("%s: %q %q", c.from, in.From, codes(in))
		}
	}
}

func TestKinds(t *testing.T) {
	for h, want := range map[string]ticket.Kind{
		"": ticket.KindPerson, "Auto-Submitted: no": ticket.KindPerson, "Auto-Submitted: auto-replied; x=y": ticket.KindAutoReply,
		"X-Autoreply: yes": ticket.KindAutoReply, "Precedence: auto_reply": ticket.KindAutoReply, "X-Autorespond: x": ticket.KindAutoReply,
		"X-Failed-Recipients: x@y": ticket.KindBounce, "Return-Path: <>": ticket.KindBounce,
		"Content-Type: multipart/report; report-type=delivery-status; boundary=x": ticket.KindBounce,
		"List-Id: Announce <a.example>":                                           ticket.KindList, "Precedence: bulk": ticket.KindList, "X-Auto-Response-Suppress: All": ticket.KindPerson,
	} {
		if got := Parse([]byte(head + h + "\r\n\r\nx")).Kind; got != want {
			t.Errorf("%s: %s", h, got)
		}
	}
}

func TestSubjects(t *testing.T) {
	for in, want := range map[string][2]string{
		"Hello": {"Re: Hello", "hello"}, "RE: re: Sv: AW: Hello": {"Re: Hello", "hello"}, "Re[2]: Hello": {"Re: Hello", "hello"},
		"Antw: Fwd: Hello": {"Re: Fwd: Hello", "hello"}, "[list] Re: Hello": {"Re: [list] Re: Hello", "[list] hello"},
		"回复：你好": {"Re: 你好", "你好"}, "": {"Re:", ""}, "Re (3) : x": {"Re: x", "x"}, "Regarding: x": {"Re: Regarding: x", "regarding: x"},
		"Hello (fwd)": {"Re: Hello (fwd)", "hello"}, "a\r\nBcc: b": {"Re: a Bcc: b", "a bcc: b"},
	} {
		if ReplySubject(in) != want[0] || BaseSubject(in) != want[1] || ReplySubject(ReplySubject(in)) != want[0] {
			t.Errorf("%q: %q %q", in, ReplySubject(in), BaseSubject(in))
		}
	}
}
