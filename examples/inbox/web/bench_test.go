package web_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/examples/inbox/web"
	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store/memory"
	"github.com/helpdesk-go/helpdesk/ticket"
)

const (
	ours = "support@desk.example"
	ann  = "ann@customer.example"
)

// bench is an inbox mounted at a prefix, over a desk with a fake mailbox.
type bench struct {
	t      *testing.T
	fake   *mailboxtest.Fake
	store  *memory.Store
	desk   *helpdesk.Desk
	prefix string
	who    web.Identity
	known  bool
	site   http.Handler
}

func newBench(t *testing.T, prefix string) *bench {
	t.Helper()
	b := &bench{
		t: t, prefix: prefix, known: true, who: web.Identity{Tenant: "acme", Agent: "kari"},
		store: memory.New(),
		fake:  mailboxtest.NewFake(mailboxtest.FakeOptions{Capabilities: mailboxtest.PlainCapabilities()}),
	}
	var err error
	b.desk, err = helpdesk.New(helpdesk.Config{
		Store: b.store, Providers: []mailbox.Provider{b.fake.Provider()}, PollEvery: time.Millisecond, MaxMail: 1 << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	account := mailboxtest.Account{User: "support", Email: ours, Name: "Support", Password: "secret"}
	if _, err := b.desk.Tenant("acme").Connect(t.Context(), account); err != nil {
		t.Fatal(err)
	}
	auth := func(*http.Request) (web.Identity, bool) { return b.who, b.known }
	b.site = web.HandlerWith(b.desk, auth, prefix, web.Options{MaxUpload: 1 << 20})
	return b
}

// log is the desk's access log.
func (b *bench) log() privacy.AccessLog { return b.store.AccessLog() }

// work lets the desk read and send.
func (b *bench) work() {
	b.t.Helper()
	for range 3 {
		time.Sleep(3 * time.Millisecond)
		if _, err := b.desk.RunOnce(b.t.Context()); err != nil {
			b.t.Fatal(err)
		}
	}
}

// deliver brings a mail whose lines are written with \n.
func (b *bench) deliver(raw string) {
	b.t.Helper()
	b.fake.Deliver("support", []byte(strings.ReplaceAll(raw, "\n", "\r\n")))
	b.work()
}

// mail is a plain mail of Ann's.
func mail(subject, text string) string {
	return fmt.Sprintf("From: Ann <%s>\nTo: %s\nSubject: %s\nMessage-ID: <%d@customer.example>\n\n%s\n", ann, ours, subject, time.Now().UnixNano(), text)
}

// do asks for a path below the prefix.
func (b *bench) do(method, path string, body io.Reader, header http.Header) *httptest.ResponseRecorder {
	b.t.Helper()
	r := httptest.NewRequestWithContext(b.t.Context(), method, b.prefix+path, body)
	for k, v := range header {
		r.Header[k] = v
	}
	w := httptest.NewRecorder()
	b.site.ServeHTTP(w, r)
	return w
}

func (b *bench) get(path string) string {
	b.t.Helper()
	w := b.do("GET", path, nil, nil)
	if w.Code != http.StatusOK {
		b.t.Fatalf("GET %s: %d", path, w.Code)
	}
	return w.Body.String()
}

func form(pairs ...string) (io.Reader, http.Header) {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return strings.NewReader(v.Encode()), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
}

// post sends a form and wants to be sent on.
func (b *bench) post(path string, pairs ...string) {
	b.t.Helper()
	body, h := form(pairs...)
	w := b.do("POST", path, body, h)
	if w.Code != http.StatusSeeOther {
		b.t.Fatalf("POST %s: %d %s", path, w.Code, text(w.Body.String()))
	}
	if to := w.Header().Get("Location"); !strings.HasPrefix(to, b.prefix+"/") {
		b.t.Errorf("POST %s leads out of the prefix, to %s", path, to)
	}
}

var rowLink = regexp.MustCompile(`class="row" href="([^"?]*)`)

// ticket returns the path, below the prefix, of the newest ticket.
func (b *bench) ticket() string {
	b.t.Helper()
	m := rowLink.FindStringSubmatch(b.get("/?view=all"))
	if m == nil {
		b.t.Fatal("no ticket in the list")
	}
	path, ok := strings.CutPrefix(m[1], b.prefix)
	if !ok {
		b.t.Fatalf("the link %s is outside of the prefix %s", m[1], b.prefix)
	}
	return path
}

// messageID returns the id of the last message on a page.
func messageID(t *testing.T, page string) string {
	t.Helper()
	all := regexp.MustCompile(`id="m-([0-9a-f-]+)"`).FindAllStringSubmatch(page, -1)
	if len(all) == 0 {
		t.Fatal("no message on the page")
	}
	return all[len(all)-1][1]
}

var anyTag = regexp.MustCompile(`<[^>]*>`)

// text is a page without its tags.
func text(page string) string {
	return strings.Join(strings.Fields(anyTag.ReplaceAllString(page, " ")), " ")
}

func mustContain(t *testing.T, page string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, text(page))
		}
	}
}

func mustLack(t *testing.T, page string, bads ...string) {
	t.Helper()
	for _, bad := range bads {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
}

// sent are the mails that left.
func (b *bench) sent() []mailboxtest.SentMail { return b.fake.Sent("support") }

func mustTicketID(t *testing.T, path string) ticket.ID {
	t.Helper()
	id, err := ticket.ParseID(strings.TrimPrefix(path, "/tickets/"))
	if err != nil {
		t.Fatal(err)
	}
	return id
}
