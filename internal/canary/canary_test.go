package canary

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/internal/testpg"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/store/memory"
	"github.com/helpdesk-go/helpdesk/store/postgres"
	"github.com/helpdesk-go/helpdesk/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(testpg.Run(m)) }

// words are the canaries: one for each place where content lives.
var words = map[string]string{
	"subject": "quarrelsomeheron", "name": "Zebulonpetrel", "address": "puffinwhisper", "domain": "kittiwakeharbour",
	"text": "bewilderedgannet", "html": "thunderousdunlin", "file": "sleeplessavocet", "content": "marmaladecurlew",
	"reply": "velvetsandpiper", "bcc": "hollowguillemot", "note": "stubbornplover", "password": "cobaltshearwater",
	"mailbox": "ambertern", "display": "Lanternfulmar", "message-id": "gossamerrazorbill", "large": "copperskua", "quarantine": "porcelainauk",
}

func all() []string {
	var out []string
	for _, w := range words {
		out = append(out, w)
	}
	return out
}

// life is a desk that lives through everything content can go through.
type life struct {
	t    *testing.T
	fake *mailboxtest.Fake
	desk *helpdesk.Desk
	acme *helpdesk.Tenant
	logs *buffer
	errs []error
}

// buffer is a log that workers write to at once.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) Bytes() []byte { b.mu.Lock(); defer b.mu.Unlock(); return bytes.Clone(b.b.Bytes()) }

func newLife(t *testing.T, st store.Store, keys helpdesk.Keys) *life {
	l := &life{t: t, logs: &buffer{}, fake: mailboxtest.NewFake(mailboxtest.FakeOptions{Capabilities: mailboxtest.PlainCapabilities()})}
	var err error
	l.desk, err = helpdesk.New(helpdesk.Config{
		Store: st, Keys: keys, Providers: helpdesk.Providers{l.fake.Provider()}, MaxMail: 2 << 20,
		Logger: slog.New(slog.NewJSONHandler(l.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	l.must(err)
	l.acme = l.desk.Tenant("acme")
	return l
}

func (l *life) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// fails collects the text of an error that must say nothing.
func (l *life) fails(err error) {
	l.t.Helper()
	if err == nil {
		l.t.Error("no error where one was provoked")
	}
	l.errs = append(l.errs, err)
}

func (l *life) email() string { return words["mailbox"] + "@desk.example" }

func (l *life) question(id, more, text string) []byte {
	return []byte(fmt.Sprintf("From: %s <%s@%s.example>\r\nTo: %s\r\nSubject: %s\r\nMessage-ID: <%s.%s@%s.example>\r\n%s\r\n%s\r\n",
		words["name"], words["address"], words["domain"], l.email(), words["subject"], words["message-id"], id, words["domain"], more, text))
}

const mixed = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n"

func (l *life) parts() string {
	return "--b\r\nContent-Type: text/plain\r\n\r\n" + words["text"] + "\r\n" +
		"--b\r\nContent-Type: text/html\r\n\r\n<p>" + words["html"] + "</p>\r\n" +
		"--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=" + words["file"] + ".txt\r\n\r\n" + words["content"] + "\r\n--b--\r\n"
}

// live goes through intake, reading, replying, noting, failing, quarantine and
// disconnecting.
func (l *life) live() {
	l.t.Helper()
	ctx := l.t.Context()
	kari := privacy.As(ctx, privacy.Agent("kari"), privacy.Support)
	account := mailboxtest.Account{User: "acme", Email: l.email(), Name: words["display"], Password: words["password"]}
	bad := account
	l.fake.SetPassword("acme", words["password"])
	bad.Password = words["password"] + "x"
	_, err := l.acme.Connect(ctx, bad)
	l.fails(err)
	box, err := l.acme.Connect(ctx, account)
	l.must(err)
	l.fake.Deliver("acme", l.question("1", mixed, l.parts()))
	l.fake.Inject(mailboxtest.Fault{Op: mailboxtest.OpFetch, Kind: mailboxtest.FaultServerError, Times: 1})
	l.fake.Deliver("acme", l.question("2", "", strings.Repeat(words["large"]+" ", 30_000)))
	l.fake.Deliver("acme", l.question("3", "", strings.Repeat(words["quarantine"]+" ", 200_000)))
	l.run()
	_, err = l.acme.Connect(ctx, account) // brings the next attempt forward
	l.must(err)
	l.run()
	page, err := l.acme.Tickets(kari, helpdesk.TicketQuery{})
	l.must(err)
	if len(page.Tickets) != 2 || page.Tickets[0].Subject != words["subject"] {
		l.t.Fatalf("%d tickets", len(page.Tickets))
	}
	id := page.Tickets[0].ID
	_, err = l.acme.AddNote(kari, id, helpdesk.Note{Text: words["note"]})
	l.must(err)
	_, err = l.acme.Reply(kari, id, helpdesk.Reply{
		Text: words["reply"], Bcc: []helpdesk.Address{{Addr: words["bcc"] + "@" + words["domain"] + ".example"}},
		Files: []helpdesk.File{{Name: words["file"], Content: []byte(words["content"])}},
	})
	l.must(err)
	l.run()
	if sent := l.fake.Sent("acme"); len(sent) != 1 || !bytes.Contains(sent[0].Raw, []byte(words["reply"])) {
		l.t.Fatalf("sent %d mails", len(sent))
	}
	c, err := l.acme.Conversation(kari, id, 0)
	l.must(err)
	if !strings.Contains(fmt.Sprint(c), words["note"]) {
		l.t.Fatal("the note is not in the conversation: the canaries prove nothing")
	}
	_, err = l.acme.Reply(kari, id, helpdesk.Reply{Text: "x", To: []helpdesk.Address{{Addr: words["address"] + "\r\n@x"}}})
	l.fails(err)
	_, err = l.acme.Start(kari, helpdesk.NewTicket{Mailbox: box.ID, To: []helpdesk.Address{{Addr: "a@b.example"}}, Subject: words["subject"] + "\r\nBcc: x@y.example", Text: "x"})
	l.fails(err)
	l.must(l.acme.Disconnect(ctx, box.ID))
	_, err = l.acme.Conversation(kari, id, 0)
	l.must(err) // what is fenced is marked so, piece by piece
}

func (l *life) run() {
	l.t.Helper()
	_, err := l.desk.RunOnce(l.t.Context())
	l.must(err)
}

// silent checks what left the desk by the side: its log and its errors.
func (l *life) silent() {
	l.t.Helper()
	storetest.FindCanary(l.t, l.logs.Bytes(), all()...)
	for _, err := range l.errs {
		for e := err; e != nil; e = errors.Unwrap(e) {
			storetest.FindCanary(l.t, []byte(fmt.Sprintf("%v %+v", e, e)), all()...)
		}
	}
}

func TestMemory(t *testing.T) {
	st := memory.New()
	l := newLife(t, st, nil)
	l.live()
	l.silent()
	var dump bytes.Buffer
	l.must(st.WriteState(&dump))
	if !bytes.Contains(dump.Bytes(), []byte("kari")) {
		t.Error("the dump does not even hold the agent's id: it is no dump of the state")
	}
	storetest.FindCanary(t, dump.Bytes(), all()...)
}

func TestPostgres(t *testing.T) {
	ctx, srv := t.Context(), testpg.New(t)
	dsn := srv.DSN(t)
	st, err := postgres.Open(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	if err := st.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	l := newLife(t, st, helpdesk.KeyFile(filepath.Join(dir, "key")))
	l.live()
	l.silent()
	dump := testpg.PgDump(t, dsn)
	if !bytes.Contains(dump, []byte("kari")) {
		t.Error("the dump does not even hold the agent's id: it is no dump of the database")
	}
	storetest.FindCanary(t, dump, all()...)
	srv.Checkpoint(t)
	found := searchFolder(t, srv.DataDir(), []byte("kari"))
	searchFolder(t, dir, nil)
	logged, err := os.ReadFile(srv.LogFile())
	if err != nil {
		t.Fatal(err)
	}
	storetest.FindCanary(t, logged, all()...)
	if !found {
		t.Error("the data directory does not even hold the agent's id: it was not searched")
	}
}

// searchFolder looks into every file of a folder, the write-ahead log included,
// and tells whether it met a word that must be there.
func searchFolder(t *testing.T, dir string, sign []byte) (met bool) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a file that came and went
		}
		if err != nil {
			return err
		}
		met = met || sign != nil && bytes.Contains(b, sign)
		for _, w := range all() { // other encodings would be in the dump too
			if bytes.Contains(b, []byte(w)) {
				t.Errorf("%s holds the canary %q", path, w)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return met
}
