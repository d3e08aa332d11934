package chromium

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/helpdesk-go/helpdesk/mailbox/rfc822"
)

// attacks returns every payload of the attack collections, each once: files
// whole, their lines, and the strings in JSON.
func attacks(t *testing.T) []string {
	t.Helper()
	dir := os.Getenv("HELPDESK_ATTACKS")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "attacks")
	}
	if st, err := os.Stat(dir); err != nil || !st.IsDir() {
		msg := fmt.Sprintf("CORPORA ABSENT: %s (set HELPDESK_ATTACKS): only the payloads of the test itself are shown", dir)
		fmt.Fprintln(os.Stderr, msg)
		if os.Getenv("HELPDESK_REQUIRE_DATA") == "1" {
			t.Fatal(msg)
		}
		return nil
	}
	var all []string
	seen := map[string]bool{}
	add := func(s string) {
		if strings.ContainsAny(s, "<&") && len(s) <= 1<<20 && !seen[s] {
			seen[s] = true
			all = append(all, s)
		}
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Base(path) == "confusables.tsv" {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var v any
		if filepath.Ext(path) == ".json" && json.Unmarshal(b, &v) == nil {
			eachString(v, add)
			return nil
		}
		if filepath.Ext(path) == ".eml" {
			add(rfc822.Parse(b).HTML)
			return nil
		}
		add(string(b))
		for _, line := range strings.Split(string(b), "\n") {
			add(line)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func eachString(v any, f func(string)) {
	switch v := v.(type) {
	case string:
		f(v)
	case []any:
		for _, x := range v {
			eachString(x, f)
		}
	case map[string]any:
		for _, x := range v {
			eachString(x, f)
		}
	}
}

// own are payloads of ours, so that the test shows something everywhere.
var own = []string{
	`<script>alert(1)</script>`, `<img src=x onerror=alert(1)>`, `<svg onload=alert(1)>`, `<img src=http://remote.test/a.png>`,
	`<style>@import 'http://remote.test/b.css';</style>`, `<p style="background:url(http://remote.test/c)">c</p>`,
	`<iframe srcdoc="<script>parent.alert(1)</script>"></iframe>`, `<table><td>a<table><tr><td>b</table>c`, `<a href="https://a.example/">https://b.example/</a>`,
}

// batches joins payloads to pages, each payload in an element of its own.
func batches(payloads []string, size int) []string {
	var pages []string
	var b strings.Builder
	count := 0
	for i, p := range payloads {
		fmt.Fprintf(&b, "<div id=p%d>%s</div>\n", i, p)
		if count++; count >= size || b.Len() > 1<<20 || i == len(payloads)-1 {
			pages = append(pages, b.String())
			b.Reset()
			count = 0
		}
	}
	return pages
}

// TestSanitisedAttacks shows everything sanitised to Chromium, without any
// policy that would help: no script may be there, nothing may be asked for, and
// the tree must be the one we meant.
func TestSanitisedAttacks(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 9*time.Minute)
	defer cancel()
	var safe []string
	payloads := append(attacks(t), own...)
	seen := map[string]bool{}
	for _, p := range payloads {
		s, _ := rfc822.Sanitize(p, rfc822.SanitizeOptions{})
		if !seen[s.String()] && strings.ContainsAny(s.String(), "<&") {
			seen[s.String()] = true
			safe = append(safe, s.String())
		}
	}
	pages := batches(safe, 500)
	report, err := Show(ctx, t.TempDir(), pages)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Scripts) != 0 || len(report.Requests) != 0 {
		t.Errorf("%d scripts, %d requests: %.2000q %.2000q", len(report.Scripts), len(report.Requests), report.Scripts, report.Requests)
	}
	read, differ := 0, 0
	for _, dom := range report.DOM {
		for id, got := range dom {
			var n int
			if _, err := fmt.Sscanf(id, "p%d", &n); err != nil || n >= len(safe) {
				t.Fatalf("element %q", id)
			}
			read++
			if want := tree(t, safe[n]); tree(t, got) != want {
				if differ++; differ < 10 {
					t.Errorf("Chromium reads another tree:\n%.600s\n%.600s", got, safe[n])
				}
			}
		}
	}
	if read != len(safe) || differ > 0 {
		t.Errorf("%d of %d outputs were read, %d differ", read, len(safe), differ)
	}
	t.Logf("%d payloads, %d different outputs on %d pages: %d scripts, %d requests, %d other trees", len(payloads), len(safe), len(pages), len(report.Scripts), len(report.Requests), differ)
}

// tree returns a fragment in one canonical form.
func tree(t *testing.T, s string) string {
	t.Helper()
	nodes, err := html.ParseFragment(strings.NewReader(s), &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, n := range nodes {
		if err := html.Render(&b, n); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// TestUnsanitised is the control: the same harness sees the scripts and the
// requests of payloads that nobody has sanitised.
func TestUnsanitised(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	report, err := Show(ctx, t.TempDir(), own)
	if err != nil {
		t.Fatal(err)
	}
	scripts, requests := strings.Join(report.Scripts, "\n"), strings.Join(report.Requests, "\n")
	for _, want := range []string{"alert", "script-src-elem", "script-src-attr"} {
		if !strings.Contains(scripts, want) {
			t.Errorf("the harness does not see %s:\n%s", want, scripts)
		}
	}
	for _, want := range []string{"GET http://remote.test/a.png", "GET http://remote.test/b.css", "GET http://remote.test/c"} {
		if !strings.Contains(requests, want) {
			t.Errorf("the harness does not see %s:\n%s", want, requests)
		}
	}
	t.Logf("%d scripts, %d requests", len(report.Scripts), len(report.Requests))
}
