package rfc822

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// FuzzStructure puts any structure below a header that must survive it.
func FuzzStructure(f *testing.F) {
	f.Add("b", "--b\r\n\r\nx\r\n--b--\r\n")
	f.Add("b c", "--b c\nContent-Type: multipart/mixed; boundary=\"b\"\n\n--b\n--b c--\n--b--")
	f.Add("", "--\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\n--\r\n----")
	f.Add("b", "--b\r\nContent-Type: message/partial; number=1; total=2\r\n\r\nx\r\n--bb\r\n--b \t\r\n\r\ny")
	f.Fuzz(func(t *testing.T, boundary, body string) {
		in := Parse([]byte(head + "Content-Type: multipart/mixed; boundary=\"" + cleanLine(boundary) + "\"\r\n\r\n" + body))
		if in.MessageID == "" || len(in.From) == 0 {
			t.Fatalf("the header was lost: %q %v", in.MessageID, in.From)
		}
		if err := checkStrings(&in); err != nil {
			t.Fatal(err)
		}
		if len(in.Attachments) > maxAttachments {
			t.Fatalf("%d attachments", len(in.Attachments))
		}
	})
}

// FuzzHeader decodes any header value.
func FuzzHeader(f *testing.F) {
	for _, s := range []string{"=?utf-8?B?w7w=?= =?utf-8?Q?=C3=BC?=", "=?iso-8859-1*de?q?=fc_x?=", "=?x?q?=?=?=", "=?utf-8?b?w7?= =?utf-8?b?w=?=", "\xfc\xe9 raw", "a\tb\x00c"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := new(parser).text(b)
		if !utf8.ValidString(s) || len(s) > 16*len(b)+64 {
			t.Fatalf("%d bytes became %d: %q", len(b), len(s), s)
		}
	})
}

// FuzzDate reads any date; what is read can be written and is read the same.
func FuzzDate(f *testing.F) {
	for _, s := range []string{"Mon, 2 Mar 2026 10:15:00 +0100", "2 Mar 26 10:15 EST", "Mar 2 10:15:00 2026", "2026-03-02T10:15:00Z", "Mon, 02 Mar 2026 24:61:00 +9999 (x)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		at, ok := parseDate(s)
		if !ok {
			return
		}
		if at.Year() < 0 || at.Year() > 9999 {
			t.Fatalf("the year %d", at.Year())
		}
		at = at.Truncate(time.Second).UTC()
		if again, ok := parseDate(at.Format(time.RFC1123Z)); at.Year() >= 1900 && (!ok || !again.Equal(at)) {
			t.Fatalf("%v was read again as %v, %v", at, again, ok)
		}
	})
}

// FuzzReferences finds ids in any value; what is found is found again.
func FuzzReferences(f *testing.F) {
	for _, s := range []string{"<a@b> <c@d>", "<a@b><c@d>, (x) <e@f>", "a@b", "<<a@b>>", "< a @ b >\r\n\t<c@d", "\"<x@y>\" wrote"} {
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, s string, newest bool) {
		const most = 5
		ids := new(parser).messageIDs(s, most, newest)
		if len(ids) > most {
			t.Fatalf("%d ids", len(ids))
		}
		for i, id := range ids {
			if id == "" || strings.ContainsAny(id, "<> \t\r\n\x00") || !utf8.ValidString(id) || slices.Contains(ids[:i], id) {
				t.Fatalf("ids %q", ids)
			}
		}
		if again := new(parser).messageIDs("<"+strings.Join(ids, "> <")+">", most, newest); len(ids) > 0 && !slices.Equal(again, ids) {
			t.Fatalf("%q was read again as %q", ids, again)
		}
	})
}

// FuzzDisposition reads the parameters and the file name of any
// Content-Disposition; a name that is safe stays as it is.
func FuzzDisposition(f *testing.F) {
	for _, s := range []string{`attachment; filename="a.pdf"`, `attachment; filename*0*=utf-8'de'%c3%bc; filename*1="x.txt"`, `inline; filename=a b.txt; filename*=''..%2f..%00x`,
		`attachment; filename="=?utf-8?B?w7w=?=.pdf`, `x;;=;a=;filename*9999999999=x;filename*1=y`, "attachment; filename=CON", "attachment; filename=\"a\u202egpj.exe\""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		in := Parse([]byte(head + "Content-Type: application/pdf\r\nContent-Disposition: " + cleanLine(s) + "\r\n\r\n%PDF-1.7"))
		if err := checkStrings(&in); err != nil {
			t.Fatal(err)
		}
		name := safeName(s)
		if again := safeName(name); again != name || len(name) > maxNameBytes {
			t.Fatalf("%q became %q", name, again)
		}
	})
}

// FuzzCharset decodes any bytes under any label.
func FuzzCharset(f *testing.F) {
	for label, b := range map[string]string{"utf-8": "\xc3\xbc\xff", "iso-2022-jp": "\x1b$B\x24\x22\x1b(B", "utf-7": "+AOQ-x", "utf-16": "\xff\xfea\x00", "gb2312": "\xc4\xe3", "x-unknown": "\xe5\xf8", "": "\xd0\xcf"} {
		f.Add([]byte(b), label)
	}
	f.Fuzz(func(t *testing.T, b []byte, label string) {
		s, _ := decodeCharset(b, label)
		u, _ := decodeUnlabelled(b, charsetName(label))
		for _, s := range []string{s, u} {
			if !utf8.ValidString(s) || len(s) > 8*len(b)+64 {
				t.Fatalf("%d bytes of %q became %d", len(b), label, len(s))
			}
		}
		if plain := []byte(label); isASCII(plain) && !looksISO2022JP(plain) {
			if s, _ := decodeUnlabelled(plain, "us-ascii"); s != label {
				t.Fatalf("ASCII %q became %q", label, s)
			}
		}
	})
}

// FuzzTNEF unpacks any container: it holds no more than it is.
func FuzzTNEF(f *testing.F) {
	f.Add(container(attAttachRend, ""))
	f.Add(container(attAttachRend, "x")[:20])
	f.Fuzz(func(t *testing.T, b []byte) {
		got := readTNEF(b, 0)
		size := len(got.text) + len(got.html)
		for _, file := range got.files {
			size += len(file.content)
			if file.fileName() != "" && !utf8.ValidString(safeName(file.fileName())) {
				t.Fatalf("name %q", file.fileName())
			}
		}
		if size > 8*len(b)+64 {
			t.Fatalf("%d bytes out of %d", size, len(b))
		}
		if rtf := decompressRTF(b); len(rtf) > 18*len(b) { // 17 bytes out of two are the most
			t.Fatalf("RTF of %d bytes out of %d", len(rtf), len(b))
		}
	})
}

// FuzzUU cuts uuencoded files out of any text: nothing else is lost, and
// nothing grows.
func FuzzUU(f *testing.F) {
	f.Add([]byte("a\nbegin 644 cat.txt\n#0V%T\n`\nend\nb\n"))
	f.Add([]byte("begin 644 x\r\nM\r\nend\r\nbegin 1 y\n#0V%T\nend"))
	f.Fuzz(func(t *testing.T, b []byte) {
		rest, files := cutUU(slices.Clone(b))
		size := len(rest)
		for _, file := range files {
			size += len(file.content)
		}
		if size > len(b) {
			t.Fatalf("%d bytes out of %d", size, len(b))
		}
		if len(files) == 0 && string(rest) != string(b) {
			t.Fatalf("without a file %q became %q", b, rest)
		}
	})
}
