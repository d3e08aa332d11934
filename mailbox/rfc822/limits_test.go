package rfc822

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// bomb is a mail that grows with n, and the defect it must show.
type bomb struct {
	name string
	n    int
	code string
	make func(n int) string
}

// bombs are mails that have brought other readers down, by size.
var bombs = []bomb{
	{"nested multiparts", 5000, DefectDepthLimit, func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
		}
		return b.String()
	}},
	{"empty parts", 100000, DefectPartLimit, func(n int) string {
		return "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\n\r\n", n)
	}},
	{"attachments", 900, DefectAttachmentLimit, func(n int) string {
		return "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\nContent-Type: image/png\r\n\r\nx\r\n", n)
	}},
	{"nested messages", 2000, "", func(n int) string { return strings.Repeat("Content-Type: message/rfc822\r\n\r\n", n) }},
	{"header lines", 500000, DefectHeaderLimit, func(n int) string { return strings.Repeat("X-A: b\r\n", n) + "\r\nbody" }},
	{"folds", 500000, DefectHeaderLimit, func(n int) string { return "Subject: a" + strings.Repeat("\r\n b", n) + "\r\n\r\nbody" }},
	{"one long line", 5 << 20, DefectHeaderLimit, func(n int) string { return "Subject: " + strings.Repeat("x", n) + "\r\n\r\nbody" }},
	{"addresses", 100000, DefectAddressLimit, func(n int) string { return "To: " + strings.Repeat("a@b,", n) + "\r\n\r\n" }},
	{"addresses without comma", 100000, "", func(n int) string { return "To: " + strings.Repeat("a@b ", n) + "\r\n\r\n" }},
	{"open quotes", 100000, "", func(n int) string { return "To: " + strings.Repeat("\"<(", n) + "\r\n\r\n" }},
	{"encoded words", 100000, "", func(n int) string { return "Subject: " + strings.Repeat("=?x?q?", n) + "\r\n\r\n" }},
	{"encoded word starts", 300000, "", func(n int) string { return "To: " + strings.Repeat("=?", n) + "\r\n\r\n" }},
	{"2231 pieces", 10000, DefectParamLimit, func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, ";filename*%d=a", i)
		}
		return "Content-Disposition: attachment" + b.String() + "\r\n\r\nx"
	}},
	{"references", 20000, DefectReferenceLimit, func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, " <%d@x>", i)
		}
		return "References:" + b.String() + "\r\n\r\n"
	}},
	{"boundary lines", 1000000, "", func(n int) string {
		return "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n" + strings.Repeat("--x\n", n)
	}},
	{"broken base64", 5 << 20, "", func(n int) string {
		return "Content-Transfer-Encoding: base64\r\n\r\n" + strings.Repeat("!a", n)
	}},
	{"quoted signs", 5 << 20, "", func(n int) string {
		return "Content-Transfer-Encoding: quoted-printable\r\n\r\n" + strings.Repeat("=", n)
	}},
	{"NUL", 5 << 20, DefectNul, func(n int) string { return "\r\n" + strings.Repeat("\x00", n) }},
	{"cid", 500000, "", func(n int) string {
		return "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n" + strings.Repeat("cid:", n) +
			"\r\n--b\r\nContent-Type: image/png\r\nContent-ID: <x>\r\n\r\nx"
	}},
	{"uuencoded files without end", 100000, "", func(n int) string { return "\r\n" + strings.Repeat("begin 644 a\r\n#0V%T\r\n", n) }},
	{"uuencoded files", 100000, DefectAttachmentLimit, func(n int) string {
		return mixed + strings.Repeat("\r\nbegin 644 a\r\n#0V%T\r\nend\r\n--b\r\n", n)
	}},
	{"files in TNEF", 500000, "", func(n int) string {
		return "Content-Type: application/ms-tnef\r\n\r\n" + string(container(attAttachRend, "")) + strings.Repeat(string(container(attAttachRend, "")[6:]), n)
	}},
	{"comments in an address", 100000, "", func(n int) string { return "Cc: <a" + strings.Repeat("(x", n) + "@b>\r\n\r\n" }},
	{"subject prefixes", 200000, "", func(n int) string { return "Subject: " + strings.Repeat("Re: ", n) + "\r\n\r\n" }},
}

// patience tells linear from quadratic work, which takes minutes on these
// bombs, also on a busy machine with the race detector.
const patience = time.Minute

// TestBombs parses each bomb at n and 2n.
func TestBombs(t *testing.T) {
	for _, b := range bombs {
		for _, n := range [...]int{b.n, 2 * b.n} {
			start := time.Now()
			in := Parse([]byte(head + b.make(n)))
			if el := time.Since(start); el > patience {
				t.Errorf("%s at %d: %v", b.name, n, el)
			}
			if b.code != "" && !strings.Contains(codes(in), b.code) {
				t.Errorf("%s at %d: %q", b.name, n, codes(in))
			}
			if err := checkStrings(&in); err != nil {
				t.Errorf("%s: %v", b.name, err)
			}
			if len(in.MessageID) == 0 {
				t.Errorf("%s: header lost", b.name)
			}
		}
	}
	in := Parse(append([]byte(head+"\r\n"), make([]byte, maxRaw)...))
	if !in.Limited || !strings.Contains(codes(in), DefectRawLimit) {
		t.Error("raw limit")
	}
}

// TestBombsLinear parses each bomb at a quarter of its size and whole: work that
// is quadratic takes sixteen times as long. Nothing holds more than a multiple
// of the mail: what is allocated in total bounds what is held at once.
func TestBombsLinear(t *testing.T) {
	for _, b := range append(bombs[:len(bombs):len(bombs)], wholeBombs...) {
		small, large := []byte(head+b.make(b.n/4)), []byte(head+b.make(b.n))
		took := func(raw []byte) time.Duration {
			start := time.Now()
			in := Parse(raw)
			Trim(&in)
			Sanitize(in.HTML, SanitizeOptions{})
			return time.Since(start)
		}
		first, second := time.Hour, time.Hour
		for range 40 {
			first, second = min(first, took(small)), min(second, took(large))
			if second < first*9+2*time.Millisecond {
				break
			}
		}
		if second >= first*9+2*time.Millisecond {
			t.Errorf("%s: %v, and %v for four times as much", b.name, first, second)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		Parse(large)
		runtime.ReadMemStats(&after)
		held := int64(after.TotalAlloc-before.TotalAlloc) - 3*int64(len(large))
		t.Logf("%-30s %9d bytes, %8v, %4d MiB above three times the mail", b.name, len(large), second.Round(time.Microsecond), held>>20)
		if held > 64<<20 {
			t.Errorf("%s: %d MiB allocated for %d bytes", b.name, held>>20, len(large))
		}
	}
}

// wholeBombs are mails whose content is the bomb.
var wholeBombs = []bomb{
	{"base64", 25 << 20, "", func(n int) string {
		return "Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n" + strings.Repeat(strings.Repeat("JVBE", 19)+"\r\n", n/78)
	}},
	{"archives in archives", 25, "", func(n int) string {
		// Zeros deflated again and again: nobody may unpack them.
		b := make([]byte, n<<20)
		for range 5 {
			var out bytes.Buffer
			w, _ := flate.NewWriter(&out, flate.BestSpeed)
			_, _ = w.Write(b)
			_ = w.Close()
			b = out.Bytes()
		}
		return "Content-Type: application/zip; name=a.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.StdEncoding.EncodeToString(b)
	}},
	{"an image of four billion pixels", 1000, "", func(n int) string {
		png := "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\xff\xff\x00\x00\xff\xff\x08\x06\x00\x00\x00" + strings.Repeat("\x00", n)
		return "Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.StdEncoding.EncodeToString([]byte(png))
	}},
	{"nested HTML", 100000, "", func(n int) string { return "Content-Type: text/html\r\n\r\n" + strings.Repeat("<div>", n) }},
	{"style attribute", 100000, "", func(n int) string {
		return "Content-Type: text/html\r\n\r\n<p style=\"" + strings.Repeat("a{", n) + "\">x"
	}},
	{"RTF in TNEF", 1 << 20, "", func(n int) string {
		return "Content-Type: application/ms-tnef\r\n\r\n" + string(container(attAttachRend, "")) + strings.Repeat("\x00", n)
	}},
}

func TestHTMLBombs(t *testing.T) {
	for name, doc := range map[string]string{
		"div": strings.Repeat("<div>", 400000), "p": strings.Repeat("<p>x", 200000), "li": strings.Repeat("<ul><li>", 100000),
		"b then li": strings.Repeat("<b>", 199) + strings.Repeat("<li>", 400000), "end tags": strings.Repeat("<b>", 199) + strings.Repeat("</i>", 400000),
		"style": `<p style="` + strings.Repeat("a{", 500000) + `">x`, "short styles": strings.Repeat(`<p style="`+strings.Repeat("a:b;", 500)+`">x`, 500),
		"attributes": "<p " + strings.Repeat("a=b ", 400000) + ">x", "attribute names": "<p " + strings.Repeat("abc", 600000) + ">",
		"comment": "<!--" + strings.Repeat("-", 2<<20), "entities": strings.Repeat("&", 2<<20), "lt": strings.Repeat("<", 2<<20),
		"svg": strings.Repeat("<svg><p>", 200000), "hidden": strings.Repeat("<p hidden>", 200000), "cdata": strings.Repeat("<![CDATA[", 200000),
		"links": strings.Repeat(`<a href="http://x">`, 100000), "big": strings.Repeat("x", 60<<20), "table": strings.Repeat("<table><tr><td>", 100000),
	} {
		start := time.Now()
		safe, _ := Sanitize(doc, SanitizeOptions{})
		text := HTMLToText(doc)
		if el := time.Since(start); el > patience {
			t.Errorf("%s: %v", name, el)
		}
		if len(safe.String()) > maxHTMLOut+1024 || len(text) > 2*maxHTMLOut {
			t.Errorf("%s: %d and %d bytes", name, len(safe.String()), len(text))
		}
	}
	for _, s := range []string{strings.Repeat("http", 1<<20), strings.Repeat("http://", 1<<18), "http://" + strings.Repeat("(", 1<<20), strings.Repeat("> ", 1<<20)} {
		start := time.Now()
		TextToHTML(s)
		Quote(s)
		BaseSubject(s)
		if el := time.Since(start); el > patience {
			t.Errorf("%.20q: %v", s, el)
		}
	}
}

// TestFingerprintGolden holds the function still. If it fails, the function is
// wrong, never the vectors: stored values depend on them.
func TestFingerprintGolden(t *testing.T) {
	for raw, want := range map[string]string{
		"": goldenEmpty,
		"From: a@b\r\nSubject: x\r\n y\r\n\r\nbody\r\n": goldenMail,
	} {
		got := ContentFingerprint([]byte(raw))
		if hex.EncodeToString(got[:]) != want {
			t.Errorf("%q: %x", raw, got)
		}
	}
	base := ContentFingerprint([]byte("From: a@b\r\nSubject: x\r\n y\r\n\r\nbody\r\n"))
	for _, same := range []string{
		"Received: z\r\nReturn-Path: <q>\r\nSubject:  x y\r\nX-Foo: 1\r\nARC-Seal: 2\r\n more\r\nfrom: a@b\r\n\r\nbody",
		"From: a@b\nSubject: x\n\ty\n\nbody\n\n", "From: a@b\rSubject: x y\r\rbody\r", "\xef\xbb\xbfFrom: a@b\r\nSubject: x y\r\n\r\nbody",
	} {
		if ContentFingerprint([]byte(same)) != base {
			t.Errorf("differs: %q", same)
		}
	}
	for _, other := range []string{"From: a@b\r\nSubject: x y\r\n\r\nBody\r\n", "From: a@c\r\nSubject: x y\r\n\r\nbody\r\n", "From: a@b\r\nFrom: a@b\r\nSubject: x y\r\n\r\nbody\r\n",
		"From: a@b\r\nSubject: x\r\nSubject: y\r\n\r\nbody\r\n", "From: a@b\r\nSubject: x y\r\n\r\n\r\nbody\r\n"} {
		if ContentFingerprint([]byte(other)) == base {
			t.Errorf("equal: %q", other)
		}
	}
}

// TestCraftedAttachments checks the names and types the crafted attacks get.
func TestCraftedAttachments(t *testing.T) {
	dir := dataDir(t, "HELPDESK_ATTACKS", "attacks")
	if dir == "" {
		return
	}
	paths, _ := filepath.Glob(filepath.Join(dir, "crafted-mails", "eml", "F*.eml"))
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range Parse(b).Attachments {
			t.Logf("%s: %q %s", filepath.Base(p), a.Name, a.Type)
		}
	}
}
