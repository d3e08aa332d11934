package web_test

import (
	"bytes"
	"mime"
	"mime/multipart"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
	"github.com/helpdesk-go/helpdesk/privacy"
)

// TestWork is an agent's day: everything the pages offer, under a prefix.
func TestWork(t *testing.T) {
	for _, prefix := range []string{"", "/support", "/a/b"} {
		t.Run("prefix "+prefix, func(t *testing.T) {
			b := newBench(t, prefix)
			mustContain(t, b.get("/"), "Nothing is waiting")
			b.deliver(mail("Broken lamp", "It does not light."))
			p := b.ticket()
			page := b.get(p)
			mustContain(t, page, "Broken lamp", "It does not light.", "Ann", "it answers nothing that is known here", "Reply to <bdi>Ann &lt;"+ann)

			b.post(p+"/assign", "to", "me")
			mustContain(t, b.get("/?who=mine"), "Broken lamp")
			mustLack(t, b.get("/?who=nobody"), "Broken lamp")
			b.post(p+"/assign", "to", "other", "agent", "mika")
			mustContain(t, b.get(p), "<summary>mika")
			b.post(p+"/assign", "to", "nobody")
			mustContain(t, b.get("/?who=nobody"), "Broken lamp")

			b.post(p+"/tags", "add", "Lamp, urgent")
			mustContain(t, b.get("/?tag=lamp"), "Broken lamp", "#urgent")
			b.post(p+"/tags", "remove", "urgent")
			mustLack(t, b.get(p), "#urgent")

			b.post(p+"/note", "text", "Batch 14 again")
			mustContain(t, b.get(p), "Internal note", "Batch 14 again")
			b.post(p+"/reply", "text", "Have you tried the switch?", "status", "closed")
			b.work()
			mustContain(t, b.get(p), "Have you tried the switch?", `sending sent">Sent`)
			mustContain(t, b.get("/?view=closed"), "Broken lamp")
			b.post(p+"/status", "status", "pending")
			mustContain(t, b.get("/?view=pending"), "Broken lamp")
			sent := b.sent()
			if len(sent) != 1 || len(sent[0].To) != 1 || sent[0].To[0] != ann || bytes.Contains(sent[0].Raw, []byte("Batch 14")) {
				t.Fatalf("sent %d mails, to %v", len(sent), sent[0].To)
			}
			mustContain(t, b.get("/mailboxes"), "Working", "development")
			mustContain(t, b.get("/quarantine"), "Nothing is quarantined")
			links(t, b, b.get(p))
		})
	}
}

var ownLink = regexp.MustCompile(`(?:href|src|action|data-changes)="(/[^"]*)"`)

// links checks that no link of a page leaves the prefix.
func links(t *testing.T, b *bench, page string) {
	t.Helper()
	for _, m := range ownLink.FindAllStringSubmatch(page, -1) {
		if !strings.HasPrefix(m[1], b.prefix+"/") {
			t.Errorf("the link %s leaves the prefix %s", m[1], b.prefix)
		}
	}
}

func TestNewMail(t *testing.T) {
	b := newBench(t, "/support")
	box := regexp.MustCompile(`name="mailbox" value="([^"]*)"`).FindStringSubmatch(b.get("/new"))
	if box == nil {
		t.Fatal("no mailbox to send from")
	}
	body, h := form("mailbox", box[1], "to", "nobody at all", "subject", "Hello", "text", "Not to be lost")
	w := b.do("POST", "/new", body, h)
	if w.Code != http.StatusBadRequest {
		t.Errorf("a bad address: %d", w.Code)
	}
	mustContain(t, w.Body.String(), "cannot be written to", "Not to be lost")
	b.post("/new", "mailbox", box[1], "to", "Ann <"+ann+">", "subject", "Your order", "text", "It left today.")
	b.work()
	if sent := b.sent(); len(sent) != 1 || sent[0].To[0] != ann || !bytes.Contains(sent[0].Raw, []byte("Subject: Your order")) {
		t.Fatalf("sent %+v", sent)
	}
	mustContain(t, b.get(b.ticket()), "It left today.")
}

// TestRefusedReply: what somebody wrote is not lost when it cannot be sent.
func TestRefusedReply(t *testing.T) {
	b := newBench(t, "")
	b.deliver(mail("Lamp", "dark"))
	p := b.ticket()
	body, h := form("text", "Precious words", "to", "no address")
	w := b.do("POST", p+"/reply", body, h)
	if w.Code != http.StatusBadRequest {
		t.Errorf("status %d", w.Code)
	}
	mustContain(t, w.Body.String(), "Precious words", `role="alert"`)
	for path, fields := range map[string][]string{
		p + "/reply":  {"text", " "},
		p + "/note":   {"text", ""},
		p + "/status": {"status", "gone"},
		p + "/assign": {"to", "other", "agent", ""},
		p + "/tags":   {"add", strings.Repeat("x", 61)},
	} {
		body, h := form(fields...)
		if w := b.do("POST", path, body, h); w.Code != http.StatusBadRequest {
			t.Errorf("POST %s %v: %d", path, fields, w.Code)
		}
	}
	big := strings.NewReader("text=" + strings.Repeat("x", 2<<20))
	if w := b.do("POST", p+"/reply", big, h); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a form over the limit: %d", w.Code)
	}
	if n := len(b.sent()); n != 0 {
		t.Errorf("%d mails were sent", n)
	}
}

// TestFiles: what is uploaded arrives, what arrives can be downloaded, and
// nothing a stranger sent is run by a browser.
func TestFiles(t *testing.T) {
	b := newBench(t, "")
	b.deliver(mail("Lamp", "dark"))
	p := b.ticket()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	_ = w.WriteField("text", "See the picture")
	f, err := w.CreateFormFile("file", "évil\u202egnp.html")
	if err != nil {
		t.Fatal(err)
	}
	content := []byte("<script>alert(1)</script>")
	_, _ = f.Write(content)
	_ = w.Close()
	got := b.do("POST", p+"/reply", &body, http.Header{"Content-Type": {w.FormDataContentType()}})
	if got.Code != http.StatusSeeOther {
		t.Fatalf("reply with a file: %d %s", got.Code, text(got.Body.String()))
	}
	b.work()
	if sent := b.sent(); len(sent) != 1 || !bytes.Contains(sent[0].Raw, []byte("Content-Disposition: attachment")) {
		t.Fatalf("sent %d mails without the file", len(sent))
	}
	page := b.get(p)
	file := "/messages/" + messageID(t, page) + "/files/0"
	mustContain(t, page, `href="`+file+`"`)
	down := b.do("GET", file, nil, nil)
	if down.Code != http.StatusOK || !bytes.Equal(down.Body.Bytes(), content) {
		t.Fatalf("download: %d %q", down.Code, down.Body)
	}
	d, params, err := mime.ParseMediaType(down.Header().Get("Content-Disposition"))
	if err != nil || d != "attachment" || strings.Contains(params["filename"], "\u202e") {
		t.Errorf("disposition %q", down.Header().Get("Content-Disposition"))
	}
	if typ := down.Header().Get("Content-Type"); strings.Contains(typ, "html") || strings.Contains(typ, "svg") {
		t.Errorf("served as %s", typ)
	}
	if csp := down.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "sandbox") {
		t.Errorf("policy %q", csp)
	}
	for _, path := range []string{"/messages/" + messageID(t, page) + "/inline/0", "/messages/" + messageID(t, page) + "/files/9", "/messages/zzz/files/0"} {
		if w := b.do("GET", path, nil, nil); w.Code != http.StatusNotFound {
			t.Errorf("GET %s: %d", path, w.Code)
		}
	}
}

// TestDoubt: a reply whose fate is unknown waits for a person.
func TestDoubt(t *testing.T) {
	for decide, want := range map[string]string{"sent": `sending sent">Sent`, "again": `sending sent">Sent`} {
		t.Run(decide, func(t *testing.T) {
			b := newBench(t, "")
			b.deliver(mail("Lamp", "dark"))
			p := b.ticket()
			b.fake.Inject(mailboxtest.Fault{Op: b.fake.SendOp(), Kind: mailboxtest.FaultCutAfter})
			b.post(p+"/reply", "text", "On its way")
			b.work()
			page := b.get(p)
			mustContain(t, page, "Maybe sent", "Send again", "Mark as sent")
			b.fake.Heal()
			b.post(p+"/messages/"+messageID(t, page)+"/delivery", "decide", decide)
			b.work()
			mustContain(t, b.get(p), want)
		})
	}
}

// TestQuarantine: a mail that is too large waits, and goes on waiting when it
// still does not fit.
func TestQuarantine(t *testing.T) {
	b := newBench(t, "/support")
	b.deliver(mail("Too much", strings.Repeat("0123456789\n", 120_000)))
	page := b.get("/quarantine")
	mustContain(t, page, "larger than mails may be", "Take it in as it is")
	action := regexp.MustCompile(`action="/support(/quarantine/[^"]*)"`).FindStringSubmatch(page)[1]
	body, h := form("decide", "reprocess")
	w := b.do("POST", action, body, h)
	if w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("reading it again: %d", w.Code)
	}
	mustContain(t, w.Body.String(), "larger than mails may be here")
	mustContain(t, b.get("/quarantine"), "Take it in as it is")
	for _, path := range []string{action + "/raw", "/quarantine/zzz/raw"} {
		if w := b.do("GET", path, nil, nil); w.Code != http.StatusNotFound {
			t.Errorf("GET %s: %d", path, w.Code)
		}
	}
}

// TestChanges: waiting for news opens nothing, and tells when there are some.
func TestChanges(t *testing.T) {
	b := newBench(t, "")
	b.deliver(mail("Lamp", "dark"))
	p := b.ticket()
	page := b.get(p)
	cursor := regexp.MustCompile(`data-cursor="([^"]*)"`).FindStringSubmatch(page)[1]
	log := func() int {
		entries, _, err := b.log().Entries(t.Context(), "acme", "", 1000)
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	before := log()
	about := "/changes?ticket=" + mustTicketID(t, p).String() + "&since="
	mustContain(t, b.get(about+cursor), `"changed":false`)
	if log() != before {
		t.Error("asking for news left an entry in the access log")
	}
	b.post(p+"/note", "text", "x")
	mustContain(t, b.get(about+cursor), `"changed":true`)
	mustContain(t, b.get("/changes?ticket=other&since="+cursor), `"changed":false`)
	if w := b.do("GET", "/changes?since=bogus", nil, nil); w.Code != http.StatusBadRequest {
		t.Errorf("a bogus cursor: %d", w.Code)
	}
}

// TestPages: a long list comes in pages.
func TestPages(t *testing.T) {
	b := newBench(t, "/support")
	for range 55 {
		b.fake.Deliver("support", []byte(strings.ReplaceAll(mail("Lamp", "dark"), "\n", "\r\n")))
	}
	b.work()
	page := b.get("/")
	next := regexp.MustCompile(`href="/support(/\?[^"]*after=[^"]*)"`).FindStringSubmatch(page)
	if next == nil {
		t.Fatal("no link to the next page")
	}
	rest := b.get(strings.ReplaceAll(next[1], "&amp;", "&"))
	if n := len(rowLink.FindAllString(page, -1)); n != 50 {
		t.Errorf("%d tickets on the first page", n)
	}
	if n := len(rowLink.FindAllString(rest, -1)); n != 5 {
		t.Errorf("%d tickets on the second page", n)
	}
}

// TestPrincipal: what an agent opens is opened in his name.
func TestPrincipal(t *testing.T) {
	b := newBench(t, "")
	b.deliver(mail("Lamp", "dark"))
	b.get(b.ticket())
	entries, _, err := b.log().Entries(t.Context(), "acme", "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	last := entries[len(entries)-1]
	if last.Principal != privacy.Agent("kari") || last.Purpose != privacy.Support {
		t.Errorf("opened by %+v for %s", last.Principal, last.Purpose)
	}
}
