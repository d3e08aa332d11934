package archive

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

// mails returns what an mbox is read as, in its own order.
func mails(t *testing.T, content string) []string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, map[string]string{"box": content})
	p, a := New(), accountOf(filepath.Join(dir, "box"))
	idx, err := p.Index(t.Context(), a)
	must(t, err)
	c := open(t, p, a, allTime)
	type numbered struct {
		file, raw string
	}
	var all []numbered
	for i := range idx.Len() {
		raw, err := c.Fetch(t.Context(), idx.Item(i), 1<<30)
		must(t, err)
		if int64(len(raw.Bytes)) != idx.Item(i).Size {
			t.Errorf("%d bytes, listed as %d", len(raw.Bytes), idx.Item(i).Size)
		}
		all = append(all, numbered{idx.File(i), string(raw.Bytes)})
	}
	slices.SortFunc(all, func(a, b numbered) int { return strings.Compare(a.file, b.file) })
	var out []string
	for _, m := range all {
		out = append(out, m.raw)
	}
	return out
}

const from = "From joe@a.example Thu Jan  2 12:00:00 2020\n"

// TestMbox: where mails begin and end in what programs write.
func TestMbox(t *testing.T) {
	short := "Content-Length: 3\n\nHi\n"
	sized := from + short + "\n"
	one, two := "Subject: one\n\nHello.\n", "Subject: two\n\nBye.\n"
	for name, tt := range map[string]struct {
		box  string
		want []string
	}{
		"plain":             {from + one + "\n" + from + two + "\n", []string{one, two}},
		"no end":            {from + one + "\n" + from + "Subject: two\n\nBye.", []string{one, "Subject: two\n\nBye."}},
		"BOM and blanks":    {"\ufeff" + from + one + "\n" + from + two, []string{one, two}},
		"CR LF":             {strings.ReplaceAll(from+one+"\n"+from+two, "\n", "\r\n"), []string{strings.ReplaceAll(one, "\n", "\r\n"), strings.ReplaceAll(two, "\n", "\r\n")}},
		"no blank between":  {from + one + from + two, []string{one, two}},
		"one mail":          {from + one, []string{one}},
		"no body":           {from + "Subject: one\n" + "\n" + from + two, []string{"Subject: one\n", two}},
		"no header":         {from + "\n1\n\n" + from + "\n2\n", []string{"\n1\n", "\n2\n"}},
		"no mail between":   {from + one + "\n" + from + from + two, []string{one + "\n" + from, two}},
		"Mozilla":           {"From - Thu Jan 02 12:00:00 2020\nX-Mozilla-Status: 0001\n" + one + "From - \n" + two, []string{"X-Mozilla-Status: 0001\n" + one, two}},
		"UUCP":              {"From joe Thu Jan  2 12:00:00 2020 remote from host\n" + one, []string{one}},
		"zone":              {"From joe Thu Jan  2 12:00:00 +0100 2020\n" + one + "\nFrom joe Thu Jan 2 12:00 CET 2020\n" + two, []string{one, two}},
		"ids for envelopes": {"From 18443@xxx\n" + one + "\nFrom 18444@xxx\n" + two, []string{one, two}},
		"hidden address":    {"From joe at a.example  Thu Jan  2 12:00:00 2020\n" + one + "\nFrom joe at a.example  Thu Jan  2 12:00:00 2020\n" + two, []string{one, two}},
		"quoted address":    {"From \"joe a\"@b Thu Jan  2 12:00:00 2020\n" + one + "\nFrom \"joe a\"@b Thu Jan  2 12:00:00 2020\n" + two, []string{one, two}},
		"words, a date":     {from + one + "\nFrom what I heard Thu Jan  2 12:00:00 2020\n\nFrom me at home Thu Jan  2 12:00:00 2020\n\n", []string{one + "\nFrom what I heard Thu Jan  2 12:00:00 2020\n\nFrom me at home Thu Jan  2 12:00:00 2020\n"}},
		"relayed": {strings.Repeat(from+">From joe@b Thu Jan  2 12:00:00 2020 remote from host\n"+one+"\n", 2),
			slices.Repeat([]string{">From joe@b Thu Jan  2 12:00:00 2020 remote from host\n" + one}, 2)},
		"relayed later":        {from + one + "\n" + from + ">" + from + two, []string{one, ">" + from + two}},
		"two lines":            {from + from + one + "\n" + from + two, []string{one, two}},
		"no header at first":   {from + "Hello.\n\n" + from + two, []string{"Hello.\n", two}},
		"folded at first":      {from + "\tfolded\nTo: a\n\nHello.\n\n" + from + "X Odd: 1\n" + two, []string{"\tfolded\nTo: a\n\nHello.\n", "X Odd: 1\n" + two}},
		"folded later":         {from + one + "\n" + from + " folded\n" + two, []string{one, " folded\n" + two}},
		"a line and a header":  {from + "no field\nReceived: x\nTo: y\n" + one, []string{"no field\nReceived: x\nTo: y\n" + one}},
		"a line and no header": {from + "Hello.\n\nBye.\n", nil},
		"mboxrd":               {from + "Subject: one\n\n>From me\n>>From you\n> From him\n", []string{"Subject: one\n\nFrom me\n>From you\n> From him\n"}},
		"quoted in header":     {from + "Return-Path: <a>\n>From bob\nSubject: one\n\n>From me\n\n" + from + two, []string{"Return-Path: <a>\n>From bob\nSubject: one\n\nFrom me\n", two}},
		"quoted for long": {from + one + strings.Repeat(">", lineMost+1) + "From me\n>From you\n\n" + from + two,
			[]string{one + strings.Repeat(">", lineMost+1) + "From me\nFrom you\n", two}},
		"unquoted words":    {from + "Subject: one\n\nHello.\n\nFrom Russia with love\nYear: 1963\n\nFrom me\nto: you\n", []string{"Subject: one\n\nHello.\n\nFrom Russia with love\nYear: 1963\n\nFrom me\nto: you\n"}},
		"nothing is quoted": {from + "Subject: one\n\n>From me\nFrom you\n", []string{"Subject: one\n\n>From me\nFrom you\n"}},
		"date in words":     {from + "Subject: one\n\nFrom Monday Jan 2 at 12:00 in 2020 on\nSubject: x\n", []string{"Subject: one\n\nFrom Monday Jan 2 at 12:00 in 2020 on\nSubject: x\n"}},
		"mboxcl2": {sized + from + "Content-Length: 73\n\n" + "Look:\n\n" + from + one + "\n" + from + two,
			[]string{short, "Content-Length: 73\n\nLook:\n\n" + from + one, two}},
		"a sender's length": {from + "Content-Length: 73\n\n" + "Look:\n\n" + from + one + "\n" + from + two,
			[]string{"Content-Length: 73\n\nLook:\n", one, two}},
		"a sender's length later": {sized + from + two + "\n" + from + "Content-Length: 73\n\n" + "Look:\n\n" + from + one + "\n" + from + two,
			[]string{short, two, "Content-Length: 73\n\nLook:\n", one, two}},
		"a sender's length to the end": {from + "Content-Length: 73\n\n" + "Look:\n\n" + from + one + "\n",
			[]string{"Content-Length: 73\n\nLook:\n", one}},
		"false length": {from + "Content-Length: 70\n\n" + "Look:\n\n" + from + one + "\n" + from + two,
			[]string{"Content-Length: 70\n\nLook:\n", one, two}},
		"length to the end": {sized + from + "Content-Length: 73\n\n" + "Look:\n\n" + from + one + "\n", []string{short, "Content-Length: 73\n\nLook:\n\n" + from + one}},
		"endless length":    {from + "Content-Length: 9223372036854775807\n\nA\n\n" + from + two, []string{"Content-Length: 9223372036854775807\n\nA\n", two}},
		"long line":         {from + "Subject: " + strings.Repeat("x", 3*lineMost) + "\n\n\n" + from + two, []string{"Subject: " + strings.Repeat("x", 3*lineMost) + "\n\n", two}},
		"NUL":               {from + "Subject: one\x00\n\n\x00\x00\n\n" + from + two, []string{"Subject: one\x00\n\n\x00\x00\n", two}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := mails(t, tt.box); !slices.Equal(got, tt.want) {
				t.Errorf("%d mails: %.300q\nwant %d: %.300q", len(got), got, len(tt.want), tt.want)
			}
		})
	}
}

// TestQuoting: what is quoted as mboxrd does it comes back as it was.
func TestQuoting(t *testing.T) {
	for _, body := range []string{"", "From \n", ">From x\n>>>From \nFrom", "\n\nFrom \n\n"} {
		var quoted strings.Builder
		for line := range strings.Lines(body) {
			if strings.HasPrefix(strings.TrimLeft(line, ">"), "From ") {
				quoted.WriteString(">")
			}
			quoted.WriteString(line)
		}
		header := "Subject: x\n>From a\n\n" // not the place of quoting
		if got := string(decode([]byte(header + quoted.String()))); got != header+body {
			t.Errorf("%q came back as %q", body, got)
		}
	}
}

// repeated is a large mbox that exists nowhere.
type repeated struct {
	mail []byte
	size int64
}

func (r repeated) ReadAt(b []byte, off int64) (int, error) {
	if off >= r.size {
		return 0, io.EOF
	}
	n := 0
	for n < len(b) && off+int64(n) < r.size {
		n += copy(b[n:min(int64(len(b)), r.size-off)], r.mail[(off+int64(n))%int64(len(r.mail)):])
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// TestMboxMemory: an mbox is read in a stream, whatever its size.
func TestMboxMemory(t *testing.T) {
	mail := []byte(from + "Subject: one\n\n" + strings.Repeat(strings.Repeat("x", 75)+"\n", 5000) + "\n")
	const copies = 500
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n := 0
	s := mboxScanner{ctx: t.Context(), file: repeated{mail, int64(len(mail)) * copies}, limit: int64(len(mail)) * copies, emit: func(p part) {
		n++
		if p.length != int64(len(mail)-len(from)-1) {
			t.Fatalf("mail %d has %d bytes", n, p.length)
		}
	}}
	must(t, s.scan())
	runtime.ReadMemStats(&after)
	allocated := after.TotalAlloc - before.TotalAlloc
	if n != copies {
		t.Errorf("%d mails, want %d", n, copies)
	}
	if allocated > 4<<20 {
		t.Errorf("%d bytes allocated over %d MB", allocated, int64(len(mail))*copies>>20)
	}
	t.Logf("%d kB allocated over %d MB in all", allocated>>10, int64(len(mail))*copies>>20)
}

// TestShrunk: an mbox that is cut off while it is read is skipped whole and
// said so, never taken in half.
func TestShrunk(t *testing.T) {
	s := mboxScanner{ctx: t.Context(), file: repeated{[]byte(from + "A: b\n\nx\n\n"), 10}, limit: 100, emit: func(part) {}}
	if err := s.scan(); err == nil {
		t.Error("a shrunk file was read to its end")
	}
}

// FuzzMbox: mails of an mbox never overlap, lie in the file in order, and are
// read back in their size.
func FuzzMbox(f *testing.F) {
	f.Add([]byte(from + "Subject: one\n\n>From me\n\n" + from + "Content-Length: 3\n\nabc\n\n" + from))
	f.Add([]byte(from + "Subject: one\n>From me\n\n>From me\r\n" + from + "\n"))
	f.Add([]byte("\ufeff\n\nFrom - \nTo: a\n\n\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		end := int64(0)
		s := mboxScanner{ctx: t.Context(), file: bytes.NewReader(b), limit: int64(len(b)), emit: func(p part) {
			if p.off < end || p.length < 0 || p.off+p.length > int64(len(b)) {
				t.Fatalf("a mail at %d of %d after %d", p.off, p.length, end)
			}
			end = p.off + p.length
			raw := bytes.Clone(b[p.off:end])
			if !bytes.HasPrefix(raw, p.head) {
				t.Fatal("the head is not the beginning")
			}
			if p.size < p.length {
				raw = decode(raw)
			}
			if int64(len(raw)) != p.size {
				t.Fatalf("%d bytes, counted %d", len(raw), p.size)
			}
		}}
		if err := s.scan(); err != nil {
			t.Fatal(err)
		}
		isMail(b)
		isMbox(b)
		dateFields(b)
	})
}

// TestSniff: what is taken for a mail. The corpora are counted by the test of
// examples/import.
func TestSniff(t *testing.T) {
	for text, want := range map[string]bool{
		"From: a@b\n\nx":                      true,
		"subject : x":                         true,
		"X-Odd: 1\nX-Other: 2\nTo: a@b\n\n":   true,
		"\ufeff\n\n  Received: x\n\tby y\n\n": true,
		">From a b\nReturn-Path: <>\n\n":      true,
		"Received: x\rFrom: a\r\rbody":        true,
		"Subject: x\nno header line\n\nbody":  true,
		"        by mx.example with ESMTP\nFrom: a\nDate: x\nMessage-ID: <a>\n\n": true,
		"From: a\x00b\n\n\x00":              true,
		"":                                  false,
		"\n\n\n":                            false,
		"Hello,\n\nFrom: a@b\nSubject: x\n": false,
		"-----Original-----\nFrom: a\nDate: b\nTo: c\n\n": false,
		"<mail>\nFrom: a\nMessage-ID: b\nTo: c\n":         false,
		"repository: x\nnote: y\n":                        false,
		"{\"from\": \"x\",\n\"to\": \"y\"}":               false,
		"#!/bin/sh\nTo: x\n":                              false,
		"GET / HTTP/1.1\nHost: x\nDate: y\n":              false,
	} {
		if got := isMail([]byte(text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// TestTimes: which time is believed.
func TestTimes(t *testing.T) {
	for _, tt := range []struct{ head, envelope, want string }{
		{"Received: by a; Wed, 1 Jan 2020 00:00:00 +0100 (CET)\nReceived: b; Tue, 7 Jan 2020 00:00:00 +0000\nDate: Thu, 9 Jan 2020 00:00:00 +0000\n", "From a Wed Jan  8 00:00:00 2020", "2019-12-31 23:00"},
		{"Received: by a;\n\tWed, 1 Jan 2020 00:00:00 +0000\n\nDate: x", "", "2020-01-01 00:00"},
		{"Received: by a\nDate: Thu, 9 Jan 2020 00:00:00 +0000\n", "From a Wed Jan  8 00:00:00 2020", "2020-01-08 00:00"},
		{"", "From a at b.example  Wed Jan  8 00:00:00 2020", "2020-01-08 00:00"},
		{"", "From a Wed Jan  8 00:00:00 2020 remote from b", "2020-01-08 00:00"},
		{"Date: Thu, 9 Jan 2020 00:00:00 +0000\n", "From a", "2020-01-09 00:00"},
		{"Date: Thu, 9 Jan 2220 00:00:00 +0000\n", "From a", "2021-06-01 00:00"},
		{"Date: Thu, 9 Jan 1900 00:00:00 +0000\n", "", "2021-06-01 00:00"},
		{"Date: nonsense\n\nDate: Thu, 9 Jan 2020 00:00:00 +0000\n", "", "2021-06-01 00:00"},
		{"", "", "2021-06-01 00:00"},
	} {
		got := receivedAt([]byte(tt.head), tt.envelope, day("2021-06-01"), day("2022-01-01"))
		if at := clock(got); at != tt.want {
			t.Errorf("%q %q: %s, want %s", tt.head, tt.envelope, at, tt.want)
		}
	}
	if receivedAt(nil, "", day("1960-01-01"), day("2022-01-01")) != 0 {
		t.Error("a file from before 1970 has a time outside every window")
	}
}

// TestMoment: copies without Message-ID that came by different ways have one
// time to the microsecond, other mails of the same second another.
func TestMoment(t *testing.T) {
	at := func(id byte, head string) int64 { return moment(1000, []byte(head), [16]byte{id}) }
	mail := "From: a@b\nSubject: x\n y\nDate: z\n\nHello"
	if at(1, mail) != at(2, "Received: by c\n\tfor d\r\n"+strings.ReplaceAll(mail, "\n", "\r\n")+"\r\n") {
		t.Error("copies have two times")
	}
	if at(1, mail) == at(1, strings.Replace(mail, "x", "y", 1)) || at(1, "A: b\n\n1\n") == at(1, "A: b\n\n2\n") {
		t.Error("two mails have one time")
	}
	if named := "Message-ID: <a@b>\n" + mail; at(1, named) == at(2, named) {
		t.Error("two mails with a Message-ID have one time")
	}
	if at(1, mail)/second != 1000 || at(1, "")/second != 1000 {
		t.Error("the second is another")
	}
}

// TestFailed: what could not be read is told from what is no mail.
func TestFailed(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"no mail": "Hello.\n"})
	w := walker{ctx: t.Context(), idx: &Index{}}
	gone := filepath.Join(dir, "gone") // between listing and opening it
	must(t, w.folder(0, gone, "gone"))
	must(t, w.file(0, gone, "gone", 0, ""))
	must(t, w.file(0, filepath.Join(dir, "no mail"), "no mail", 0, ""))
	w.skip("box", whyChanging)
	want := []Skipped{{gone, whyUnreadable, true}, {gone, whyUnreadable, true}, {filepath.Join(dir, "no mail"), whyNoHeader, false}, {"box", whyChanging, true}}
	if !slices.Equal(w.idx.skipped, want) {
		t.Errorf("skipped %+v", w.idx.skipped)
	}
}

// TestOddFiles: pipes, unreadable and replaced files end no walk.
func TestOddFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"a": letter("a", 1), "deep/er/b": letter("b", 2)})
	pipe := makePipe(t, filepath.Join(dir, "pipe"))
	c := open(t, New(), accountOf(dir), allTime)
	items, _ := list(t, c, nil, 10)
	if got := subjects(t, c, items); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("listed %q", got)
	}
	if pipe { // a mail whose file became a pipe is gone, and nobody waits for it
		must(t, os.Remove(filepath.Join(dir, "a")))
		makePipe(t, filepath.Join(dir, "a"))
		_, err := c.Fetch(t.Context(), items[0], 1000)
		wantKind(t, "Fetch of a pipe", err, mailbox.NotFound)
	}
	if f := fmt.Sprint(items); strings.Contains(strings.ReplaceAll(f, items[1].Ref, ""), "deep") {
		t.Error("an item names its path outside Ref")
	}
}
