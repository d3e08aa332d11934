package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// dataDir returns a folder of test data that is not part of the repository.
// Where it is absent the test says so where nobody can miss it, and fails where
// tests must be complete.
func dataDir(t *testing.T, env, name string) string {
	t.Helper()
	dir := os.Getenv(env)
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", name)
	}
	if st, err := os.Stat(dir); err == nil && st.IsDir() {
		return dir
	}
	msg := fmt.Sprintf("CORPORA ABSENT: %s (set %s): this test has checked NOTHING of them", dir, env)
	fmt.Fprintln(os.Stderr, msg)
	t.Log(msg)
	if os.Getenv("HELPDESK_REQUIRE_DATA") == "1" || os.Getenv("CI") != "" {
		t.Fatal("the data is absent where tests must be complete")
	}
	return ""
}

// The independent count knows a mail by expressions over the whole file, where
// the driver reads lines:
//
//   - a file in cur or new of a Maildir is a mail;
//   - a file that begins with a "From " line with a date or an address, and then
//     a field, a folded line, a quoted "From " line or a blank one, has as many
//     mails as it has such lines. After the first of them anything may come if
//     there are more;
//   - another file is a mail if its first line is one of the well-known fields,
//     or any field and well-known ones follow before the first blank line: one
//     if all lines there are fields, else two different ones.
var (
	fromDate  = `From \S+ [^\n]*\d\d:\d\d[^\n]*(?:19|20)\d\d(?: [+-]\d{4})?(?: remote from \S+)?[ \t]*\r?\n`
	opening   = regexp.MustCompile(`\A` + fromDate)
	separator = regexp.MustCompile(`(?m)^(?:From (?:-[ \t]*|\S+@\S+)\r?\n|` + fromDate + `)(?:[\w.-]+[ \t]*:|\r?\n|[ \t]|>From [^\n]*\d\d:\d\d)`)
	preamble  = regexp.MustCompile(`\A\x{feff}?\s*(?:>?From [^\r\n]*[\r\n]+)*`)
	blank     = regexp.MustCompile(`\n[ \t]*\r?\n|\r[ \t]*\r`)
	anyField  = regexp.MustCompile(`\A[\w.-]+[ \t]*:`)
	junk      = regexp.MustCompile(`(?m)^[^\s:][^\n:]*$|^[\w.-]*[^\w.\-\s:][^\n:]*:|^:|^[\w.-]+[ \t]+[^ \t:][^\n:]*:`)
	wellKnown = regexp.MustCompile(`(?im)^(from|sender|reply-to|to|cc|bcc|subject|date|in-reply-to|references|` +
		`content-type|content-transfer-encoding|content-disposition|x-mailer|user-agent|resent-(?:from|date|to)|list-id|` +
		`auto-submitted|received|return-path|delivered-to|envelope-to|x-original-to|message-id|mime-version|` +
		`dkim-signature|authentication-results|received-spf|x-received|arc-seal)[ \t]*:`)
)

// countMails counts the mails of a folder by the rule above.
func countMails(t *testing.T, dir string) (n int, files map[string]int) {
	t.Helper()
	files = map[string]int{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if c := countFile(path, b); c > 0 {
			files[path] = c
			n += c
		}
		return nil
	})
	must(t, err)
	return n, files
}

func countFile(path string, b []byte) int {
	up := filepath.Dir(filepath.Dir(path))
	switch filepath.Base(filepath.Dir(path)) {
	case "cur", "new":
		_, err1 := os.Stat(filepath.Join(up, "cur"))
		_, err2 := os.Stat(filepath.Join(up, "new"))
		if err1 == nil && err2 == nil {
			return 1
		}
	}
	start := bytes.TrimLeft(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")), "\r\n")
	if at := separator.FindIndex(start); at != nil && at[0] == 0 {
		return len(separator.FindAll(start, -1))
	} else if at != nil && opening.Match(start) {
		return 1 + len(separator.FindAll(start, -1))
	}
	b = b[len(preamble.Find(b)):]
	if bytes.IndexByte(b, '\n') < 0 {
		b = bytes.ReplaceAll(b, []byte("\r"), []byte("\n"))
	}
	if at := blank.FindIndex(b); at != nil {
		b = b[:at[0]]
	}
	if !anyField.Match(b) {
		return 0
	}
	different := map[string]bool{}
	for _, m := range wellKnown.FindAllSubmatch(b, -1) {
		different[strings.ToLower(string(m[1]))] = true
	}
	at := wellKnown.FindIndex(b)
	switch {
	case at == nil:
		return 0
	case at[0] == 0, len(different) > 1, !junk.Match(b):
		return 1
	}
	return 0
}

// TestCorpora imports every corpus and every attack: nothing panics, nothing is
// lost, next to nothing is quarantined.
func TestCorpora(t *testing.T) {
	var dirs []string
	for _, d := range [...][2]string{{"HELPDESK_CORPORA", "corpora"}, {"HELPDESK_ATTACKS", "attacks"}} {
		if dir := dataDir(t, d[0], d[1]); dir != "" {
			dirs = append(dirs, dir)
		}
	}
	if len(dirs) == 0 {
		return
	}
	want, counted := 0, map[string]int{}
	for _, dir := range dirs {
		n, files := countMails(t, dir)
		want += n
		for path, c := range files {
			counted[path] = c
		}
	}
	r := imported(t, dirs...)
	got := map[string]int{}
	for _, l := range r.messages {
		got[strings.TrimSuffix(l.File, fmt.Sprintf("#%d", l.N))]++
	}
	for path := range counted {
		if got[path] != counted[path] {
			t.Errorf("%s: %d mails imported, %d counted", path, got[path], counted[path])
		}
		delete(got, path)
	}
	for path, n := range got {
		t.Errorf("%s: %d mails imported, none counted", path, n)
	}
	if s := r.summary; s.Mails != want || s.Mails == 0 || s.Quarantined*1000 > s.Mails {
		t.Errorf("%+v, counted %d", *s, want)
	}
	t.Logf("%+v, counted %d, %d files skipped", *r.summary, want, len(r.skipped))
}
