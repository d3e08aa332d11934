package rfc822

import (
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/ticket"
)

func FuzzParse(f *testing.F) {
	for _, b := range bombs {
		f.Add([]byte(head + b.make(4)))
	}
	f.Add([]byte(head + "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\nplain\r\n--b\r\nContent-Type: text/html; charset=utf-7\r\n\r\n+ADw-b+AD4-\r\n--b--\r\n"))
	f.Add([]byte("From x\r\n>From y\r\nSubject: =?utf-8?B?w7w=?=\r\n\tfold\r\nkeyless\r\nTo: \"a\" <b@c>, (x) g: d@e;\r\nDate: 1 Jul 03 10:00 EST\r\n\r\nbegin 644 x\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		in := Parse(raw)
		if err := checkStrings(&in); err != nil {
			t.Fatal(err)
		}
		ContentFingerprint(raw)
	})
}

func FuzzSanitize(f *testing.F) {
	for _, s := range []string{"<p>a<p>b", `<a href="java&#9;script:x">y</a>`, `<a href="HTTP://u:p@ex.example/?a=b&c">y`, `<img src="cid:x"><img src=//h/x>`,
		`<svg><style><img src=x onerror=y></style>`, `<table><td>x</div></table>`, `<p style="color:red;position:fixed;background:url(//x)">`, "<ul><li>a<li>b</ul>",
		"<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">", "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1&gt;\">", "<pre>a\r\nb</pre>&#13;&#0;&nbsp;"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		if err := checkSanitize(doc); err != nil {
			t.Fatal(err)
		}
		HTMLToText(doc)
		safe := TextToHTML(doc)
		if err := checkHTML(safe.String()); err != nil {
			t.Fatal(err)
		}
		if again, res := Sanitize(safe.String(), SanitizeOptions{}); again != safe && !res.Truncated {
			t.Fatalf("TextToHTML is not what Sanitize keeps:\n%q\n%q", safe, again)
		}
	})
}

func FuzzBuild(f *testing.F) {
	f.Add("Grüße", "Zoë \"x\" \\", "a@b.example", "p@q", "text\n.\n", "ü.pdf", "v1")
	f.Add("=?utf-8?q?x?=", "a, b", "A@B", "", "\r.\r", "CON", "")
	f.Fuzz(func(t *testing.T, subject, name, addr, parent, text, file, marker string) {
		o := Outgoing{MessageID: "m@h", From: ticket.Address{Name: name, Addr: "f@h"}, To: []ticket.Address{{Name: name, Addr: addr}}, Subject: subject,
			InReplyTo: parent, Date: time.Unix(1e9, 0), Text: text, Marker: marker, Attachments: []File{{Name: file, Content: []byte(text)}}}
		raw, err := Build(o)
		if err != nil {
			return
		}
		checkWire(t, raw)
		in := Parse(raw)
		allowed := " Date From To Subject Message-ID In-Reply-To References X-Helpdesk-Marker MIME-Version Content-Type "
		block, _, _ := strings.Cut(string(raw), "\r\n\r\n")
		for _, line := range strings.Split(block, "\r\n") {
			key, _, ok := strings.Cut(line, ":")
			if line[0] != ' ' && (!ok || !strings.Contains(allowed, " "+key+" ")) {
				t.Fatalf("header line %q", line)
			}
		}
		wantName, wantFile := cutLine(name, maxDisplayName), safeName(file)
		if in.Subject != cutLine(subject, maxSubject) || len(in.From) != 1 || in.From[0].Name != wantName || in.From[0].Addr != "f@h" || len(in.To) != 1 ||
			in.To[0].Name != wantName || len(in.Attachments) != 1 || in.Attachments[0].Name != wantFile || in.Marker != marker {
			t.Fatalf("%+v\n%s", in, raw)
		}
	})
}

func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"a@b", "N <a@b>", `"q\"" <a@b>`, "a@b (c)", "=?utf-8?q?x?= <a@b>", "<@r:a@b>", `"a@b"@c`, "g:a@b;"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAddress(s)
		if err != nil {
			return
		}
		again, err := ParseAddress(a.Addr)
		if err != nil || again.Addr != a.Addr || again.Name != "" {
			t.Fatalf("%q: %q then %q, %v", s, a, again, err)
		}
		if strings.ContainsAny(a.Addr, " \r\n\x00<>,;") && !strings.HasPrefix(a.Addr, `"`) {
			t.Fatalf("%q", a.Addr)
		}
	})
}
