package helpdesk_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// victim is whose ticket the crafted mails are after.
const victim = "victim@customer.example"

// crafted is what one crafted mail did to a desk on which a ticket of the
// victim's was waiting.
type crafted struct {
	*bench
	t       *testing.T
	raw     []byte
	m       helpdesk.Message // it
	html    string           // as shown
	ticket  helpdesk.Ticket  // where it is
	waiting helpdesk.Conversation
}

// craftedChecks say for each mail what the manifest expects of it.
var craftedChecks = map[string]func(c crafted){
	"I2-cc-self-add": func(c crafted) {
		c.apart()
		if c.m.Auth.DMARC != "fail" {
			c.t.Errorf("auth %+v", c.m.Auth)
		}
		for _, to := range c.replyTo(c.waiting.Ticket.ID) {
			if to == "attacker@evil.example" {
				c.t.Error("the attacker gets the reply")
			}
		}
	},
	"I3-forged-authres-below": func(c crafted) { c.is("dmarc", c.m.Auth.DMARC, "fail") },
	"I6-agent-notify-mid":     func(c crafted) { c.apart(); c.is("direction", string(c.m.Direction), string(ticket.In)) },
	"I8-ticket-trick-code":    func(c crafted) { c.apart() },
	"I9-two-from-headers":     func(c crafted) { c.warned(ticket.WarnSeveralFrom) },
	"I9-two-from-addresses":   func(c crafted) { c.warned(ticket.WarnSeveralFrom); c.is("from", c.m.From[0].Addr, "ceo@bank.example") },
	"I10-display-name-spoof":  func(c crafted) { c.warned(ticket.WarnNameIsAddress) },
	"I10-bidi-display":        func(c crafted) { c.lacks("name", c.m.From[0].Name, "\u202e", "\u202c") },
	"I12-dedup-poison-a":      func(c crafted) { c.has("text", c.m.Text, "attacker body") },
	"I12-dedup-poison-b":      craftedTwin,
	"I16-subject-hijack":      func(c crafted) { c.apart() },
	"I15-refs-10k":            func(c crafted) { c.apart(); c.traced() },
	"O2-ew-crlf-subject":      craftedSubject,
	"O5-name-html":            func(c crafted) { c.lacks("html", c.html, "evil.example") },
	"O11-reply-to-self":       func(c crafted) { c.to("eve@evil.example") },
	"O9-cc-1000":              func(c crafted) { c.to("eve@evil.example") },
	"O10-loop-auto-submitted": func(c crafted) { c.automatic() },
	"O10-loop-precedence":     func(c crafted) { c.labelled() },
	"O10-loop-null-return":    func(c crafted) { c.automatic() },
	"O10-loop-list":           func(c crafted) { c.labelled() },
	"O10-loop-x-autoreply":    func(c crafted) { c.automatic() },
	"H4-srcset":               func(c crafted) { c.quiet() },
	"H4-protocol-relative":    func(c crafted) { c.quiet() },
	"H4-css-url":              func(c crafted) { c.quiet() },
	"H5-same-origin-logout":   func(c crafted) { c.quiet() },
	"H3-css-exfil":            func(c crafted) { c.quiet(); c.lacks("html", c.html, "<style") },
	"H7-form":                 func(c crafted) { c.lacks("html", c.html, "<form", "<input", "<button") },
	"H8-overlay":              func(c crafted) { c.lacks("html", c.html, "position", "z-index") },
	"H12-hidden-prompt":       func(c crafted) { c.lacks("text", c.m.Text, "SYSTEM"); c.lacks("html", c.html, "SYSTEM") },
	"H10-linkify-text":        func(c crafted) { c.lacks("html", c.html, "<script", `"onmouseover=`, `href="javascript`) },
	"H6-cid-other":            func(c crafted) { c.lacks("html", c.html, "<img", "cid:") },
	"F1-traversal":            func(c crafted) { c.named() },
	"F1-traversal-2231":       func(c crafted) { c.named() },
	"F3-zwsp-htaccess":        func(c crafted) { c.named(); c.lacks("name", c.m.Attachments[0].Name[:1], ".") },
	"F4-png-svg":              func(c crafted) { c.named(); c.lacks("type", c.m.Attachments[0].Type, "image/png") },
	"F5-html-inline":          func(c crafted) { c.named(); c.lacks("html", c.html, "<script") },
	"F6-dup-filename":         func(c crafted) { c.named() },
	"F7-rtlo":                 func(c crafted) { c.named() },
	"F2-windows-names":        func(c crafted) { c.named() },
	"F10-csv-formula-name":    func(c crafted) { c.named() },
	"M14-bare-cr":             craftedQuote,
	"M14-nul-body":            func(c crafted) { c.lacks("text", c.m.Text, "\x00"); c.lacks("subject", c.m.Subject, "\x00") },
	"M13-utf7":                func(c crafted) { c.lacks("html", c.html, "<script") },
	"M13-charset-unknown":     func(c crafted) { c.is("readable", fmt.Sprint(utf8.ValidString(c.m.Text)), "true") },
	"M18-date-2050":           func(c crafted) { c.recent() },
	"M18-date-garbage":        func(c crafted) { c.recent() },
	"M15-empty":               func(c crafted) { c.is("text", c.m.Text, "") },
	"M15-headers-only":        func(c crafted) { c.is("subject", c.m.Subject, "x") },
	"M15-no-from":             func(c crafted) { c.is("text", strings.TrimSpace(c.m.Text), "help") },
	"M21-dsn-loop":            func(c crafted) { c.automatic(); c.is("original", c.m.Bounce.OriginalMessageID, "out-77@desk.example") },
	"D6-pii-canary":           func(c crafted) { c.has("text", c.m.Text, "CANARY-BODY-7f3a") }, // internal/canary looks where it must not be
}

// TestCraftedMails delivers every mail of the collection of crafted mails to a
// desk. All are stored whole, none makes the desk write to anybody, and each
// does what the collection's manifest expects.
func TestCraftedMails(t *testing.T) {
	dir := os.Getenv("HELPDESK_ATTACKS")
	if dir == "" {
		dir = filepath.Join("..", "shared", "attacks")
	}
	dir = filepath.Join(dir, "crafted-mails")
	manifest, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		msg := "ATTACKS ABSENT: " + dir + " (set HELPDESK_ATTACKS): this test has checked NOTHING"
		fmt.Fprintln(os.Stderr, msg)
		if os.Getenv("HELPDESK_REQUIRE_DATA") == "1" {
			t.Fatal(msg)
		}
		t.Log(msg)
		return
	}
	var rows []struct{ Attack, File, Expect string }
	if err := json.Unmarshal(manifest, &rows); err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		name := strings.TrimSuffix(filepath.Base(row.File), ".eml")
		check := craftedChecks[name]
		if check == nil {
			t.Errorf("%s (%s) has no check: %s", row.File, row.Attack, row.Expect)
			continue
		}
		raw, err := os.ReadFile(filepath.Join(dir, row.File))
		if err != nil {
			t.Fatal(err)
		}
		bubble(t, name, func(t *testing.T) {
			check(deliverCrafted(t, raw))
			if t.Failed() {
				t.Logf("expected: %s", row.Expect)
			}
		})
	}
}

// deliverCrafted sets the scene: the victim wrote, an agent answered.
func deliverCrafted(t *testing.T, raw []byte) crafted {
	b := unconnected(t, plain(), nil)
	account := b.account()
	account.AuthservID = "mx.desk.example"
	var err error
	if b.box, err = b.acme.ConnectWith(t.Context(), account, helpdesk.ConnectOptions{}); err != nil {
		t.Fatal(err)
	}
	b.deliver(mail{from: victim, id: "ticket-1001@desk.example", subject: "[#1001] invoice", text: "My invoice."})
	b.work()
	id := b.one().Ticket.ID
	b.reply(id, "We look into it.")
	b.work()
	// The collection leaves out where the hop took the mail in.
	const hop = "Authentication-Results: mx.desk.example;"
	if i := bytes.Index(raw, []byte(hop)); i > 0 && !bytes.Contains(raw, []byte("Received:")) {
		line, _, _ := bytes.Cut(raw[i:], []byte("\n"))
		raw = slices.Concat(line, []byte("\nReceived: from evil.example by mx.desk.example; Mon, 05 Jan 2026 10:00:00 +0000\r\n"), raw)
	}
	sent := len(b.fake.Sent("support"))
	b.fake.Deliver("support", raw)
	b.work()
	c := crafted{bench: b, t: t, raw: raw, waiting: b.conversation(id)}
	if got := len(b.fake.Sent("support")); got != sent {
		t.Errorf("%d mails went out by themselves", got-sent)
	}
	found := false
	for _, tk := range b.tickets() {
		for _, m := range b.conversation(tk.ID).Messages {
			if got, err := b.acme.Raw(b.agent, m.ID); bytes.Equal(got, raw) && (err == nil || len(raw) == 0) && m.Direction == ticket.In {
				c.m, c.ticket, found = m, tk, true
			}
		}
	}
	if !found || len(b.quarantine()) != 0 {
		t.Fatalf("stored %v, %d in quarantine", found, len(b.quarantine()))
	}
	html, _ := c.m.HTML(helpdesk.HTMLOptions{})
	c.html = html.String()
	return c
}

func (c crafted) is(what, got, want string) {
	c.t.Helper()
	if got != want {
		c.t.Errorf("%s %q, want %q", what, got, want)
	}
}

func (c crafted) has(what, s, part string) {
	c.t.Helper()
	if !strings.Contains(s, part) {
		c.t.Errorf("%s lacks %q: %q", what, part, s)
	}
}

func (c crafted) lacks(what, s string, parts ...string) {
	c.t.Helper()
	for _, p := range parts {
		if strings.Contains(strings.ToLower(s), strings.ToLower(p)) {
			c.t.Errorf("%s has %q: %q", what, p, s)
		}
	}
}

// apart: it is not on the victim's ticket.
func (c crafted) apart() {
	c.t.Helper()
	if c.ticket.ID == c.waiting.Ticket.ID || len(c.waiting.Messages) != 2 {
		c.t.Errorf("on the victim's ticket: %+v", c.m.Match)
	}
}

func (c crafted) warned(w string) {
	c.t.Helper()
	if !slices.Contains(c.m.Auth.Warnings, w) {
		c.t.Errorf("no warning %s: %+v", w, c.m.Auth)
	}
}

// traced: what was looked up for it is bounded.
func (c crafted) traced() {
	c.t.Helper()
	if n := len(c.m.Match.Steps); n > 50 {
		c.t.Errorf("%d steps", n)
	}
}

func (c crafted) automatic() {
	c.t.Helper()
	if !c.m.Kind.Automatic() {
		c.t.Errorf("%s %v", c.m.Kind, c.m.KindEvidence)
	}
}

// labelled: something that answers by itself leaves it alone.
func (c crafted) labelled() {
	c.t.Helper()
	if c.m.Kind == ticket.KindPerson || len(c.m.KindEvidence) == 0 {
		c.t.Errorf("%s %v", c.m.Kind, c.m.KindEvidence)
	}
}

// quiet: what is shown loads nothing, from nowhere.
func (c crafted) quiet() {
	c.t.Helper()
	c.lacks("html", c.html, "src=", "srcset", "url(", "background=", "@import", "poster=")
}

// named: there is one attachment, under a name that is safe anywhere.
func (c crafted) named() {
	c.t.Helper()
	if len(c.m.Attachments) != 1 {
		c.t.Fatalf("%d attachments", len(c.m.Attachments))
	}
	name := c.m.Attachments[0].Name
	if name == "" || !utf8.ValidString(name) || strings.ContainsAny(name, "/\\:*?\"<>|\x00\u202e\u200b") || strings.HasPrefix(name, ".") {
		c.t.Errorf("name %q", name)
	}
	for _, m := range c.waiting.Messages {
		if len(m.Attachments) != 0 {
			c.t.Error("the victim's ticket has it")
		}
	}
}

func (c crafted) recent() {
	c.t.Helper()
	if d := time.Since(c.m.Provenance.ReceivedAt); d < 0 || d > time.Hour {
		c.t.Errorf("placed %v ago", d)
	}
}

// replyTo answers a ticket and returns who got that.
func (c crafted) replyTo(id ticket.ID) []string {
	c.t.Helper()
	c.reply(id, "An answer.")
	c.work()
	all := c.fake.Sent("support")
	return all[len(all)-1].To
}

// to: a reply goes to these and nobody else.
func (c crafted) to(want ...string) {
	c.t.Helper()
	if got := c.replyTo(c.ticket.ID); !slices.Equal(got, want) {
		c.t.Errorf("a reply goes to %d: %.200q", len(got), got)
	}
}

// craftedTwin: a mail under an id that another has taken is stored as well.
func craftedTwin(c crafted) {
	c.has("text", c.m.Text, "the real order complaint")
	c.deliver(mail{from: eve, id: "stolen-id@customer.example", subject: "hello", text: "attacker body"})
	c.work()
	if n := len(c.tickets()); n != 3 {
		c.t.Errorf("%d tickets, want the victim's and one for each", n)
	}
}

// craftedSubject: the reply's subject is one line and adds no field.
func craftedSubject(c crafted) {
	c.lacks("subject", c.m.Subject, "\r", "\n")
	c.reply(c.ticket.ID, "An answer.")
	c.work()
	all := c.fake.Sent("support")
	c.lacks("reply", string(all[len(all)-1].Raw), "\nbcc:")
}

// craftedQuote: what goes out has no line end but CR LF, whatever is answered.
func craftedQuote(c crafted) {
	c.reply(c.ticket.ID, c.m.Text)
	c.work()
	all := c.fake.Sent("support")
	rest := strings.ReplaceAll(string(all[len(all)-1].Raw), "\r\n", "")
	c.lacks("reply", rest, "\r", "\n")
}
