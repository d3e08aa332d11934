package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// write makes a folder of files.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func inspected(t *testing.T, args ...string) []report {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run(args, &out, &errs); code != 0 {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	var all []report
	for line := range strings.Lines(out.String()) {
		var r report
		d := json.NewDecoder(strings.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&r); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(line, ":null") {
			t.Errorf("a list is null: %s", line)
		}
		all = append(all, r)
	}
	return all
}

const alternative = "From: Kari <kari@example.no>\r\nTo: help@shop.example\r\nSubject: Re: Printer\r\nMessage-ID: <1@example.no>\r\n" +
	"In-Reply-To: <0@shop.example>\r\nDate: Mon, 3 Nov 2025 10:12:00 +0100\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" +
	"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Takk!<img src=\"https://example.no/p.gif\"></p><blockquote type=\"cite\">Hei</blockquote>\r\n" +
	"--b\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nabc\r\n--b--\r\n"

func TestJSON(t *testing.T) {
	dir := write(t, map[string]string{"a.eml": alternative, "b/c.eml": "garbage\xff", "d.txt": "Ja.\n\n> Virker den?\n"})
	all := inspected(t, "-json", "-text", dir)
	if len(all) != 3 {
		t.Fatalf("%d reports", len(all))
	}
	a := all[0]
	if a.From != (address{"Kari", "kari@example.no"}) || a.Subject != "Re: Printer" || a.Date != "2025-11-03T09:12:00Z" || a.Kind != "person" ||
		len(a.InReplyTo) != 1 || a.MessageID != "1@example.no" {
		t.Errorf("header: %+v", a)
	}
	if strings.TrimSpace(a.Reply) != "Takk!" || a.Remote != 1 || strings.Contains(a.HTML, "p.gif") || strings.Contains(a.HTMLReply, "Hei") {
		t.Errorf("body: %+v", a)
	}
	// The hash of "abc" as sha256sum(1) gives it.
	if len(a.Files) != 1 || a.Files[0].Name != "a.txt" || a.Files[0].Size != 3 ||
		a.Files[0].SHA256 != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" {
		t.Errorf("attachments: %+v", a.Files)
	}
	if all[1].Error != "" || len(all[1].Defects) == 0 {
		t.Errorf("garbage: %+v", all[1])
	}
	if d := all[2]; d.Reply != "Ja." || d.Subject != "" || len(d.Defects) != 0 {
		t.Errorf("plain text: %+v", d)
	}
}

func TestReadable(t *testing.T) {
	dir := write(t, map[string]string{"a.eml": alternative})
	var out, errs bytes.Buffer
	if code := run([]string{dir}, &out, &errs); code != 0 {
		t.Fatal(code, errs.String())
	}
	for _, want := range []string{"Kari <kari@example.no>", "Takk!", "a.txt, text/plain, 3 bytes", "1 left out"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestWrongCalls(t *testing.T) {
	var out, errs bytes.Buffer
	if code := run(nil, &out, &errs); code != 2 {
		t.Errorf("without files: exit code %d", code)
	}
	if code := run([]string{filepath.Join(t.TempDir(), "none")}, &out, &errs); code != 2 {
		t.Errorf("a file that is not there: exit code %d", code)
	}
	if code := run([]string{"-h"}, &out, &errs); code != 0 {
		t.Errorf("help: exit code %d", code)
	}
}

// TestBench: it says the three figures.
func TestBench(t *testing.T) {
	dir := write(t, map[string]string{"a.eml": alternative})
	var out, errs bytes.Buffer
	if code := run([]string{"-bench", dir}, &out, &errs); code != 0 {
		t.Fatal(code, errs.String())
	}
	for _, want := range []string{"mails/s", "MB/s", "allocations a mail"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in %s", want, out.String())
		}
	}
}

// TestOneLine: whoever splits the output at every character that ends a line
// somewhere still has one object a line.
func TestOneLine(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.eml")
	raw := "From: a@b.example\r\nContent-Type: text/plain; charset=utf-8\r\n\r\na\u0085b\u2028c\u2029d\x0be\x0cf\x1cg\r\n"
	if err := os.WriteFile(path, []byte(raw), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if code := show([]string{path}, options{json: true}, &out); code != 0 {
		t.Fatalf("exit %d", code)
	}
	if line := strings.TrimSuffix(out.String(), "\n"); strings.ContainsAny(line, "\n\r\x0b\x0c\x1c\x1d\x1e\u0085\u2028\u2029") {
		t.Errorf("%q", line)
	}
	var r report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil || !strings.Contains(r.Text, "b\u2028c") {
		t.Errorf("%q, %v", r.Text, err)
	}
}
