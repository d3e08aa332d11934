package rfc822

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-message/mail"

	"github.com/helpdesk-go/helpdesk/ticket"
)

func outgoing() Outgoing {
	return Outgoing{MessageID: "m1@desk.example", From: ticket.Address{Name: "Zoë \"Z\" Desk", Addr: "Help@Desk.example"},
		To: []ticket.Address{{Name: "Last, First", Addr: "a@b.example"}, {Addr: "x@bücher.example"}}, Cc: []ticket.Address{{Addr: "c@d.example"}},
		ReplyTo: []ticket.Address{{Addr: "help+tok@desk.example"}}, Subject: "Re: Grüße =?utf-8?q?x?=", InReplyTo: "p2@b", References: []string{"p1@b", "p2@b"},
		Date: time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600)), Text: "Hello\n.\nFrom me\nümlaut  two\n", Marker: "v1.abc",
		Attachments: []File{{Name: "Prüfung der Anlagen in einem sehr langen Dateinamen, der gefaltet wird.pdf", Type: "application/pdf", Content: []byte("%PDF-1.7")}},
	}
}

func TestBuildRoundTrip(t *testing.T) {
	o := outgoing()
	raw, err := Build(o)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := Build(o)
	if !bytes.Equal(raw, again) {
		t.Error("not deterministic")
	}
	in := Parse(raw)
	if len(in.Defects) > 0 || in.Subject != o.Subject || in.Text != o.Text || in.From[0] != (ticket.Address{Name: o.From.Name, Addr: "help@desk.example"}) ||
		in.To[0] != o.To[0] || in.To[1].Addr != "x@xn--bcher-kva.example" || in.MessageID != o.MessageID || !in.Date.Equal(o.Date) ||
		in.Marker != o.Marker || in.InReplyTo[0] != "p2@b" || in.References[0] != "p1@b" || in.Attachments[0].Name != o.Attachments[0].Name {
		t.Errorf("%+v\n%s", in, raw)
	}
	for _, line := range strings.Split(string(raw), "\r\n") {
		if len(line) > 78 {
			t.Errorf("%d octets: %s", len(line), line)
		}
	}
	// A second reader, which shares no code, must read the same.
	r, err := mail.CreateReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if s, err := r.Header.Subject(); err != nil || s != o.Subject {
		t.Errorf("go-message reads subject %q, %v", s, err)
	}
	names := 0
	for {
		p, err := r.NextPart()
		if err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if h, ok := p.Header.(*mail.AttachmentHeader); ok {
			if name, err := h.Filename(); err != nil || name != o.Attachments[0].Name {
				t.Errorf("go-message reads name %q, %v", name, err)
			}
			names++
		}
	}
	if names != 1 {
		t.Errorf("%d attachments", names)
	}
}

func TestBuildInline(t *testing.T) {
	o := outgoing()
	o.HTML = `<p>x<img src="cid:i1"></p>`
	o.Attachments = append(o.Attachments, File{Name: "i.gif", Type: "image/gif", Content: []byte("GIF89a"), Inline: true, ContentID: "i1"})
	raw, err := Build(o)
	if err != nil {
		t.Fatal(err)
	}
	in := Parse(raw)
	if in.HTML != o.HTML || len(in.Attachments) != 2 || !in.Attachments[0].Inline || in.Attachments[0].ContentID != "i1" {
		t.Errorf("%+v", in)
	}
}

func TestBuildRefuses(t *testing.T) {
	for _, bad := range []string{"a\r\nBcc: x@y", "a\nb", "a\rb", "a\x00b", "a\x0bb", "\xff"} {
		for name, change := range map[string]func(*Outgoing){
			"Subject": func(o *Outgoing) { o.Subject = bad }, "name": func(o *Outgoing) { o.To[0].Name = bad }, "from": func(o *Outgoing) { o.From.Name = bad },
			"InReplyTo": func(o *Outgoing) { o.InReplyTo = bad }, "References": func(o *Outgoing) { o.References = []string{bad} },
			"MessageID": func(o *Outgoing) { o.MessageID = bad }, "file": func(o *Outgoing) { o.Attachments[0].Name = bad },
			"type": func(o *Outgoing) { o.Attachments[0].Type = bad }, "cid": func(o *Outgoing) { o.Attachments[0].ContentID = bad },
			"Marker": func(o *Outgoing) { o.Marker = bad }, "AutoSubmitted": func(o *Outgoing) { o.AutoSubmitted = bad },
		} {
			o := outgoing()
			change(&o)
			_, err := Build(o)
			var be *BuildError
			if !errors.As(err, &be) || !errors.Is(err, ErrHeader) || strings.Contains(err.Error(), bad) {
				t.Errorf("%s %q: %v", name, bad, err)
			}
		}
	}
	for _, bad := range []string{"", "a", "@b", "a@", "a@b\r\nRCPT", "a b@c", "a@b c", "a@b>", "<a@b>x", "-oX@b", "\"a b\"@c", "\"a\"@c", "ü@b", "a@b@c", "a@-b", "a,b@c", "a@b,c@d"} {
		o := outgoing()
		o.To[0].Addr = bad
		if _, err := Build(o); !errors.Is(err, ErrAddress) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	o := outgoing()
	o.To, o.Cc = nil, nil
	if _, err := Build(o); !errors.Is(err, ErrNoRecipient) {
		t.Error(err)
	}
	o.To = make([]ticket.Address, 501)
	if _, err := Build(o); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
}

// TestBuildSmuggling puts the published fake ends of data where text can be.
func TestBuildSmuggling(t *testing.T) {
	for _, seq := range []string{"\n.\n", "\n.\r", "\r.\n", "\r.\r", "\n.\r\n", "\r.\r\n", "\r\n\x00.\r\n", "\r\n.\r\r\n", "\r\r\n.\r\r\n", "\x00", "\r"} {
		o := outgoing()
		o.Text, o.HTML = "a"+seq+"b"+seq, "<p>"+seq+"</p>"+seq
		o.Attachments[0].Content = []byte(seq)
		raw, err := Build(o)
		if err != nil {
			t.Fatalf("%q: %v", seq, err)
		}
		checkWire(t, raw)
		if bytes.Contains(raw, []byte("\r\n.\r\n")) {
			t.Errorf("%q: a lone dot", seq)
		}
	}
}

func checkWire(t *testing.T, raw []byte) {
	t.Helper()
	width := 0
	for i, c := range raw {
		switch {
		case c == 0, c == '\n' && (i == 0 || raw[i-1] != '\r'), c == '\r' && (i+1 == len(raw) || raw[i+1] != '\n'):
			t.Fatalf("byte %d", i)
		case c == '\n':
			width = 0
		default:
			if width++; width > 999 {
				t.Fatal("line too long")
			}
		}
	}
}

func TestTrimReferences(t *testing.T) {
	var refs []string
	for i := range 100 {
		refs = append(refs, strings.Repeat("r", i%7+1)+string(rune('a'+i%26))+strings.Repeat("x", i)+"@h")
	}
	got := trimReferences(refs, "parent@h")
	size := 0
	for _, r := range got {
		size += len(r) + 3
	}
	if got[0] != refs[0] || got[len(got)-1] != "parent@h" || len(got) > maxRefsCount || size > maxRefsBytes {
		t.Errorf("%d ids, %d bytes: %v", len(got), size, got)
	}
	if got := trimReferences([]string{"a b@c", "ü@x", ""}, ""); got != nil {
		t.Errorf("%q", got)
	}
}

func TestParseAddress(t *testing.T) {
	for in, want := range map[string]ticket.Address{
		"A@B.Example": {Addr: "a@b.example"}, "Zoë <z@b.example>": {Name: "Zoë", Addr: "z@b.example"}, `"a@evil" <b@c.example>`: {Name: "a@evil", Addr: "b@c.example"},
		`"x@y"@z.example`: {Addr: `"x@y"@z.example`}, "\u212A@b.example": {Addr: "\u212A@b.example"}, "a@b (Name)": {Name: "Name", Addr: "a@b"}, "a@b.example.": {Addr: "a@b.example"},
		"Ann <a@b.example<mailto:A@b.example>>": {Name: "Ann", Addr: "a@b.example"}, "<mailto:a@b.example>": {Addr: "a@b.example"},
	} {
		if got, err := ParseAddress(in); err != nil || got != want {
			t.Errorf("%q: %q %v", in, got, err)
		}
	}
	for _, in := range []string{"", "a", "a@", "@b", "a@b, c@d", "a@b; c@d", "g: a@b;", "a@b\r\nX: y", "a@b\x00", "a b@c", "<a@b", "a@b>", "<a@b> x", "a@b c@d", "Ann <a@b<mailto:c@d>>",
		"=?utf-8?q?a=40b?=", "=?utf-8?q?a=40b?=@c", "a@b@c", "a\u202e@b", "a@b\u200b.c", "\xff@b", "a@b..c", "a@[127.0.0.1]", strings.Repeat("a", 400) + "@b"} {
		if got, err := ParseAddress(in); !errors.Is(err, ErrAddress) {
			t.Errorf("%q: %q %v", in, got, err)
		}
	}
}

func TestQuote(t *testing.T) {
	if got := Quote("a\r\n\r\n> b\n\n"); got != "> a\n>\n>> b\n" {
		t.Errorf("%q", got)
	}
}
