package trim

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/internal/score"
)

// visible returns the lines a reader sees of a document.
func visible(doc string) string {
	t := parseHTML(doc)
	t.layOut()
	var lines []string
	for i := range t.lines {
		lines = append(lines, t.lines[i].text)
	}
	return strings.Join(lines, "\n")
}

// corpusDir returns a folder of test data that is not part of the repository.
// Where it is absent the test says so where nobody can miss it.
func corpusDir(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("HELPDESK_CORPORA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared", "corpora")
	}
	dir = filepath.Join(dir, name)
	if st, err := os.Stat(dir); err == nil && st.IsDir() {
		return dir
	}
	msg := fmt.Sprintf("CORPORA ABSENT: %s (set HELPDESK_CORPORA): this test has checked NOTHING", dir)
	fmt.Fprintln(os.Stderr, msg)
	t.Log(msg)
	if os.Getenv("CI") != "" || os.Getenv("HELPDESK_REQUIRE_DATA") == "1" {
		t.Fatal(msg)
	}
	return ""
}

// TestHTMLCorpora counts the documents whose reply is exactly what their
// writer wrote.
func TestHTMLCorpora(t *testing.T) {
	talon := map[string]string{}
	for _, f := range []string{"gmail", "hotmail", "mail_ru", "ms_outlook_2003", "ms_outlook_2007", "ms_outlook_2010",
		"thunderbird", "windows_mail", "yandex_ru"} {
		talon[f] = "Hi. I am fine. Thanks, Alex"
	}
	quotequail := map[string]string{
		"apple_forward": "test blah", "gmail_forward": "test blah", "apple_reply": "Foo Bar", "gmail_reply": "foo bar",
		"ios_mail_reply_unescaped_address": "Sounds good, I'll be there at 2.",
		// These two are nothing but the mail they pass on, which is then the reply,
		// as it is of plain text.
		"mailru_forward": "Дорогой Петр, Это тест!", "thunderbird_forward": "Dear John, This is a test.",
		"mailru_forward_unwrapped":      "Дорогой Петр, Это тест!",
		"outlook_forward":               "Original message More text",
		"outlook_forward_unwrapped":     "Hi Foo, How are you doing? John",
		"outlook_forward_unwrapped_top": "Original message More text",
		"thunderbird_forward_unwrapped": "Dear John, This is a test.",
		"yahoo_reply_unescaped_address": "Thanks Jane, that looks great. One question on item 2 - can we ship it before Friday? Dan",
	}
	for _, c := range []struct {
		name, dir string
		want      map[string]string
	}{
		{"talon", "talon/tests/fixtures/html_replies", talon},
		{"quotequail", "quotequail/tests/files", quotequail},
	} {
		dir := corpusDir(t, c.dir)
		if dir == "" {
			continue
		}
		right := 0
		for name, want := range c.want {
			b, err := os.ReadFile(filepath.Join(dir, name+".html"))
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(strings.Fields(visible(HTML(string(b)).Reply)), " "); got != want {
				t.Errorf("%s: reply is %q, want %q", name, got, want)
				continue
			}
			right++
		}
		score.Share(t, "html_reply_"+c.name, right, len(c.want))
	}
}

// TestHTMLLinear doubles documents that invite quadratic work.
func TestHTMLLinear(t *testing.T) {
	for name, piece := range map[string]string{
		"div":         "<div>",
		"quote":       "<blockquote type=cite>x",
		"answers":     "<blockquote type=cite>x</blockquote>y<br>",
		"signatures":  "<div class=gmail_signature>x</div>y<br>",
		"dashes":      "--<br>x<br>",
		"attribution": "On 1 May 2024 at 10:00<br>a@example.com wrote<br>",
		"headers":     "From: x<br>",
		"dated":       "From: x<br>Date: 3 March 2026<br>To: y<br>Subject: z<br>",
		"forwards":    "---------- Forwarded message ---------<br>From: a@example.com<br>Date: 3 March 2026 10:15<br>Subject: x<br><br>",
		"indent":      "<blockquote style='margin:1px'>x",
		"reply":       "<div class=gmail_quote>x<p>",
		"cells":       "<td><p>x",
		"devices":     "Sent from my phone<br><blockquote type=cite>x</blockquote>",
		"unclosed":    "<a href='x",
		"ends":        "</div></p></td>",
		"text":        "On Monday 2024 ",
	} {
		linear(t, name, 100_000, func(n int) func() {
			doc := strings.Repeat(piece, n/len(piece))
			return func() { HTML(doc) }
		})
	}
}

// linear asks that four times the input takes about four times the time. What is
// quadratic takes sixteen; what lies between is left to a busy machine, caches
// and the race detector. The best of several runs counts, and more are made
// while it does not.
func linear(t *testing.T, name string, n int, work func(n int) func()) {
	t.Helper()
	one, four := work(n), work(4*n)
	first, second := time.Hour, time.Hour
	for range 40 {
		start := time.Now()
		one()
		middle := time.Now()
		four()
		first, second = min(first, middle.Sub(start)), min(second, time.Since(middle))
		if second < first*9+2*time.Millisecond {
			return
		}
	}
	t.Errorf("%s: %v, and %v for four times as much", name, first, second)
}

// FuzzHTML looks for a panic, for replies that grow and for changes that no cut
// explains.
func FuzzHTML(f *testing.F) {
	for _, fx := range htmlFixtures {
		f.Add(fx.doc)
	}
	f.Add("<div class=gmail_quote>On Monday 3 May 2021 a@example.com wrote:<blockquote>x</blockquote>y</div>--<br>z")
	f.Fuzz(func(t *testing.T, doc string) {
		r := HTML(doc)
		if len(r.Reply) > 4*len(doc)+1024 {
			t.Fatalf("reply of %d bytes from %d", len(r.Reply), len(doc))
		}
		if len(r.Cuts) == 0 && r.Reply != doc {
			t.Fatalf("no cut, but %q became %q", doc, r.Reply)
		}
		if again := HTML(doc); !reflect.DeepEqual(again, r) {
			t.Fatalf("%q is trimmed to %q, and then to %q", doc, r.Reply, again.Reply)
		}
	})
}

// BenchmarkHTML trims the replies of the common clients.
func BenchmarkHTML(b *testing.B) {
	size := 0
	for _, fx := range htmlFixtures {
		size += len(fx.doc)
	}
	b.SetBytes(int64(size / len(htmlFixtures)))
	b.ReportAllocs()
	for i := range b.N {
		HTML(htmlFixtures[i%len(htmlFixtures)].doc)
	}
}
