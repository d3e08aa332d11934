package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/smtp"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/examples/inbox/internal/demomail"
	"github.com/helpdesk-go/helpdesk/internal/testpg"
)

const ann = "ann@customer.example"

// running is the program on free ports.
type running struct {
	t    *testing.T
	app  *app
	site string
	stop func()
}

func startApp(t *testing.T, args ...string) *running {
	t.Helper()
	return startWith(t, noEnv, append([]string{"-addr", "127.0.0.1:0", "-smtp", "127.0.0.1:0"}, args...)...)
}

func startWith(t *testing.T, env func(string) string, args ...string) *running {
	t.Helper()
	s, err := parseFlags(args, env)
	if err != nil {
		t.Fatal(err)
	}
	a, err := start(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.run(ctx) }()
	r := &running{t: t, app: a, site: "http://" + a.listener.Addr().String()}
	r.stop = sync.OnceFunc(func() {
		stop()
		if err := <-done; err != nil {
			t.Error("stopping:", err)
		}
		a.close()
	})
	t.Cleanup(r.stop)
	return r
}

func noEnv(string) string { return "" }

func (r *running) get(path string) string {
	r.t.Helper()
	resp, err := http.Get(r.site + path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		r.t.Fatalf("GET %s: %d %v", path, resp.StatusCode, err)
	}
	return string(b)
}

func (r *running) post(path string, pairs ...string) {
	r.t.Helper()
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	resp, err := http.PostForm(r.site+path, v)
	if err != nil {
		r.t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		r.t.Fatalf("POST %s: %d", path, resp.StatusCode)
	}
}

// send brings a mail by SMTP, as curl would.
func (r *running) send(from, raw string) {
	r.t.Helper()
	if err := smtp.SendMail(r.app.world.SMTPAddr(), nil, from, []string{demoAddress}, []byte(raw)); err != nil {
		r.t.Fatal(err)
	}
}

// await asks for a page until it has what is wanted, and tells how long that
// took.
func (r *running) await(path string, want string) (string, time.Duration) {
	r.t.Helper()
	began := time.Now()
	for {
		page := r.get(path)
		took := time.Since(began)
		if strings.Contains(page, want) {
			return page, took
		}
		if took > 10*time.Second {
			r.t.Fatalf("%s has no %q after %v", path, want, took)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

var rowLink = regexp.MustCompile(`class="row" href="([^"?]*)`)

// TestBothSides plays the conversation that the README promises: a mail comes
// in, is answered, and the answer to that joins the same ticket.
func TestBothSides(t *testing.T) {
	r := startApp(t)
	r.send(ann, "From: Ann <"+ann+">\nTo: "+demoAddress+"\nSubject: The lamp is dark\nMessage-ID: <lamp-1@customer.example>\n\nIt does not light.\n")
	page, took := r.await("/", "The lamp is dark")
	t.Logf("the ticket was on the page after %v", took)
	path := rowLink.FindStringSubmatch(page)[1]

	r.post(path+"/note", "text", "only for the team")
	r.post(path+"/reply", "text", "Have you tried the switch?")
	_, took = r.await(path, `sending sent">Sent`)
	t.Logf("the reply was sent after %v", took)
	got := r.app.world.Received(ann)
	if len(got) != 1 {
		t.Fatalf("the customer got %d mails", len(got))
	}
	head := string(got[0].Raw)
	for _, want := range []string{"In-Reply-To: <lamp-1@customer.example>", "References: <lamp-1@customer.example>", "Subject: Re: The lamp is dark", "From: Support <" + demoAddress + ">"} {
		if !strings.Contains(head, want) {
			t.Errorf("the reply lacks %q:\n%s", want, head)
		}
	}

	customer := r.get("/customer?who=" + ann)
	for _, want := range []string{"Have you tried the switch?", "In-Reply-To: &lt;lamp-1@customer.example&gt;"} {
		if !strings.Contains(customer, want) {
			t.Errorf("the customer's page lacks %q", want)
		}
	}
	answer := regexp.MustCompile(`name="answer" value="(\d+)"`).FindStringSubmatch(customer)
	if answer == nil {
		t.Fatal("the customer cannot answer")
	}
	r.post("/customer", "who", ann, "answer", answer[1], "text", "That was it, thank you!")
	page, took = r.await(path, "joined by")
	t.Logf("the answer was on the ticket after %v", took)
	if !strings.Contains(page, "Open") && !strings.Contains(page, "open") {
		t.Error("the answer did not open the ticket again")
	}
	if n := len(rowLink.FindAllString(r.get("/?view=all"), -1)); n != 1 {
		t.Errorf("%d tickets, want one", n)
	}
	for _, m := range r.app.world.Mails(ann) {
		if strings.Contains(string(m.Raw), "only for the team") {
			t.Error("a note reached the customer")
		}
	}
}

// TestCustomerWritesFirst: the form for a new mail makes a ticket, and a mail
// an agent starts reaches the customer.
func TestCustomerWritesFirst(t *testing.T) {
	r := startApp(t)
	r.post("/customer", "who", "Bob <bob@customer.example>", "subject", "Café & <b>crème</b>", "text", "Hello")
	page, _ := r.await("/", "Café &amp; &lt;b&gt;crème&lt;/b&gt;")
	if strings.Contains(page, "<b>crème") {
		t.Error("the subject is read as HTML")
	}
	box := regexp.MustCompile(`name="mailbox" value="([^"]*)"`).FindStringSubmatch(r.get("/new"))
	r.post("/new", "mailbox", box[1], "to", ann, "subject", "Your order", "text", "It left today.")
	r.await("/customer?who="+ann, "It left today.")
}

// TestCustomerPage: mail shown there is text, the page takes no foreign forms,
// and nobody but the machine itself is answered.
func TestCustomerPage(t *testing.T) {
	r := startApp(t)
	attack := `"><script>alert(1)</script>`
	r.send("eve@stranger.example", "From: eve@stranger.example\nTo: "+demoAddress+"\nSubject: "+attack+"\n\n"+attack+"\n")
	if page := r.get("/customer?who=eve@stranger.example"); strings.Contains(page, "<script") || !strings.Contains(page, "&lt;script&gt;") {
		t.Error("a mail's text is read as HTML")
	}
	for name, change := range map[string]func(*http.Request){
		"another site": func(q *http.Request) { q.Header.Set("Sec-Fetch-Site", "cross-site") },
		"another name": func(q *http.Request) { q.Host = "evil.example" },
	} {
		q, err := http.NewRequestWithContext(t.Context(), "POST", r.site+"/customer", strings.NewReader("who="+ann+"&text=x&subject=x"))
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		change(q)
		resp, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode < 400 {
			t.Errorf("%s: %d", name, resp.StatusCode)
		}
		if csp := resp.Header.Get("Content-Security-Policy"); name == "another site" && !strings.HasPrefix(csp, "default-src 'none'") {
			t.Errorf("policy %q", csp)
		}
	}
	if n := len(r.app.world.Mails(ann)); n != 0 {
		t.Errorf("%d mails were sent", n)
	}
}

// TestSender: nobody sends as the mailbox without its password.
func TestSender(t *testing.T) {
	r := startApp(t)
	if err := smtp.SendMail(r.app.world.SMTPAddr(), nil, demoAddress, []string{ann}, []byte("Subject: x\r\n\r\nx\r\n")); err == nil {
		t.Error("anybody may send as the mailbox")
	}
}

// TestKept: with PostgreSQL the tickets outlive the program, the mailbox stays
// the same one, and new mail goes on.
func TestKept(t *testing.T) {
	args := []string{"-store", testpg.DSN(t), "-keys", filepath.Join(t.TempDir(), "keys")}
	first := startApp(t, args...)
	first.send(ann, "From: "+ann+"\nTo: "+demoAddress+"\nSubject: Kept\nMessage-ID: <kept@customer.example>\n\nx\n")
	page, took := first.await("/", "Kept")
	t.Logf("the ticket was on the page after %v", took)
	path := rowLink.FindStringSubmatch(page)[1]
	first.post(path+"/reply", "text", "Sent before the end")
	first.await(path, `sending sent">Sent`)
	first.stop()

	second := startApp(t, args...)
	second.await(path, "Sent before the end")
	second.send(ann, "From: "+ann+"\nTo: "+demoAddress+"\nSubject: Re: Kept\nIn-Reply-To: <kept@customer.example>\n\nOne more thing\n")
	second.await(path, "One more thing")
	if n := strings.Count(second.get("/mailboxes"), "Last read to its end"); n != 1 {
		t.Errorf("%d mailboxes, want the one", n)
	}
}

// TestOwnMailbox: the flags lead to a mailbox that is not the program's own,
// which has no customer's page then.
func TestOwnMailbox(t *testing.T) {
	w, err := demomail.Start(demomail.Options{Address: "me@firm.example", SMTP: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	args := []string{
		"-addr", "127.0.0.1:0", "-imap", w.IMAPAddr(), "-smtp-server", w.SMTPAddr(), "-tls", "none", "-email", "me@firm.example",
	}
	var errs bytes.Buffer
	code := run(t.Context(), args, func(string) string { return "wrong" }, io.Discard, &errs)
	if code != exitWrong || strings.Count(errs.String(), "\n") != 1 || !strings.Contains(errs.String(), "mailbox") {
		t.Errorf("a wrong password: code %d, %q", code, errs.String())
	}
	r := startWith(t, func(string) string { return w.Password() }, args...)
	if err := smtp.SendMail(w.SMTPAddr(), nil, ann, []string{w.Address()}, []byte("From: "+ann+"\nSubject: Hello firm\n\nx\n")); err != nil {
		t.Fatal(err)
	}
	page, _ := r.await("/", "Hello firm")
	if strings.Contains(page, "/customer") {
		t.Error("a customer's page beside a mailbox that is not the program's own")
	}
	path := rowLink.FindStringSubmatch(page)[1]
	r.post(path+"/reply", "text", "Hello yourself")
	r.await(path, `sending sent">Sent`)
	if got := w.Received(ann); len(got) != 1 {
		t.Errorf("the customer got %d mails", len(got))
	}
}
