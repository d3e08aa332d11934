package rfc822

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/internal/score"
)

// dataDir returns a directory of test data that is not part of the
// repository. Where it is absent the test says so where nobody can miss it.
func dataDir(t *testing.T, env, name string) string {
	t.Helper()
	dir := os.Getenv(env)
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", name)
	}
	if st, err := os.Stat(dir); err == nil && st.IsDir() {
		return dir
	}
	msg := fmt.Sprintf("CORPORA ABSENT: %s (set %s): this test has checked NOTHING", dir, env)
	fmt.Fprintln(os.Stderr, msg)
	t.Log(msg)
	if os.Getenv("HELPDESK_REQUIRE_DATA") == "1" {
		t.Fatal("HELPDESK_REQUIRE_DATA=1, but the data is absent")
	}
	return ""
}

// eachFile calls f with every file of a sane size below dir.
func eachFile(t *testing.T, dir string, f func(path string, b []byte)) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if b, err := os.ReadFile(path); err == nil {
			f(path, b)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func mailLike(path string, b []byte) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".json", ".md", ".py", ".js", ".mjs", ".xml", ".tsv", ".png", ".jpg", ".zip", ".gz", ".go", ".rb", ".html", ".dict":
		return false
	}
	return filepath.Base(path) != "SOURCE.txt"
}

// TestCorpora parses every mail of the corpora. The figures it logs are for
// comparing versions of the parser.
func TestCorpora(t *testing.T) {
	for _, d := range [...][2]string{{"HELPDESK_CORPORA", "corpora"}, {"HELPDESK_ATTACKS", "attacks"}} {
		dir := dataDir(t, d[0], d[1])
		if dir == "" {
			continue
		}
		mails, empty, noFrom, badFrom, limited, atts, mojibake := 0, 0, 0, 0, 0, 0, 0
		var slowest time.Duration
		eachFile(t, dir, func(path string, b []byte) {
			if !mailLike(path, b) {
				return
			}
			mails++
			start := time.Now()
			in := Parse(b)
			if el := time.Since(start); el > slowest {
				slowest = el
			}
			if err := checkStrings(&in); err != nil {
				t.Errorf("%s: %v", path, err)
			}
			if in.HTML != "" {
				if err := checkSanitize(in.HTML); err != nil {
					t.Errorf("%s: sanitised: %v", path, err)
				}
			}
			if strings.TrimSpace(in.Text) == "" && len(in.Attachments) == 0 {
				empty++
				if testing.Verbose() {
					t.Log("empty:", path)
				}
			}
			if len(in.From) == 0 {
				noFrom++
			} else if _, err := ParseAddress(in.From[0].Addr); err != nil {
				badFrom++
				if testing.Verbose() {
					t.Logf("from %q: %s", in.From[0], path)
				}
			}
			if strings.Contains(in.Text+in.Subject, "\uFFFD") {
				mojibake++
				if testing.Verbose() {
					t.Logf("mojibake: %s", path)
				}
			}
			atts += len(in.Attachments)
			if in.Limited {
				limited++
			}
			ContentFingerprint(b)
		})
		score.Errors(t, d[1]+"_without_content", empty, mails)
		score.Errors(t, d[1]+"_bad_from", badFrom, mails)
		score.Errors(t, d[1]+"_replacement_characters", mojibake, mails)
		score.Share(t, d[1]+"_attachments", atts, mails)
		t.Logf("%s: %d mails, %d without text, %d without From, %d with a bad From, %d limited, %d attachments, %d with U+FFFD, slowest %v",
			d[1], mails, empty, noFrom, badFrom, limited, atts, mojibake, slowest)
	}
}

// TestAttackHTML sanitises every payload of the attack collections: each file
// whole, each line, and each string in JSON.
func TestAttackHTML(t *testing.T) {
	dir := dataDir(t, "HELPDESK_ATTACKS", "attacks")
	if dir == "" {
		return
	}
	n, failed := 0, 0
	try := func(path, doc string) {
		n++
		if err := checkSanitize(doc); err != nil {
			if failed++; failed < 20 {
				t.Errorf("%s: %.200q: %v", path, doc, err)
			}
		}
	}
	eachFile(t, dir, func(path string, b []byte) {
		if len(b) > 1<<20 || strings.HasSuffix(path, "confusables.tsv") {
			return
		}
		try(path, string(b))
		if strings.HasSuffix(path, ".json") {
			var v any
			if json.Unmarshal(b, &v) == nil {
				eachString(v, func(s string) { try(path, s) })
			}
			return
		}
		for i, line := range strings.Split(string(b), "\n") {
			if i < 20000 && strings.Contains(line, "<") {
				try(path, line)
			}
		}
	})
	score.Errors(t, "sanitiser", failed, n)
}

func eachString(v any, f func(string)) {
	switch v := v.(type) {
	case string:
		f(v)
	case []any:
		for _, e := range v {
			eachString(e, f)
		}
	case map[string]any:
		for _, e := range v {
			eachString(e, f)
		}
	}
}
