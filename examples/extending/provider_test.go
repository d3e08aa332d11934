package extending_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/examples/extending"
	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store/memory"
)

// opted says why the suite's other controls have nothing to turn.
var opted = map[string]string{
	"Folder":           "a drop folder has one folder; Open refuses Intake.Folders",
	"DeliverTo":        "a drop folder has one folder; Open refuses Intake.Folders",
	"SentFolder":       "sent mail is never listed",
	"Own":              "nobody else sends through the folder",
	"OwnDraft":         "there are no drafts",
	"Fetched":          "a folder keeps no record of who read a file",
	"WrongAccount":     "the account holds no secret",
	"KillGrant":        "there is no grant, and root, as whom tests may run, has every permission",
	"Cut":              "there is no connection that could be lost",
	"CutSend":          "there is no connection that could be lost",
	"CutFetch":         "there is no connection that could be lost",
	"Throttle":         "a folder does not throttle",
	"Hang":             "calls touch local files only",
	"RefusedRecipient": "whoever carries the mail on meets the recipients, not the folder",
}

func TestProvider(t *testing.T) {
	mailboxtest.Run(t, mailboxtest.Harness{New: newServer, Without: opted})
}

// newServer is a drop folder with the suite's hands in it.
func newServer(t *testing.T) *mailboxtest.Server {
	dir := t.TempDir()
	return &mailboxtest.Server{
		Provider: extending.Provider{},
		Account:  extending.Account{Dir: dir, Email: "support@desk.example", Name: "Support"},
		Secrets:  []string{dir},
		Deliver: func(t *testing.T, raw []byte, at time.Time) {
			if err := drop(dir, raw, at); err != nil {
				t.Fatal(err)
			}
		},
		Accepted: func(t *testing.T) (sent []mailboxtest.SentMail) {
			for _, f := range read(t, dir, "outbox") {
				sent = append(sent, f.envelope())
			}
			return sent
		},
		Remove: func(t *testing.T, id string) {
			for _, f := range read(t, dir, "cur") {
				if strings.Contains(f.raw, "<"+id+">") {
					if err := os.Remove(f.name); err != nil {
						t.Fatal(err)
					}
				}
			}
		},
		// A folder whose counter is gone is numbered anew.
		ExpireCursor: func(t *testing.T) {
			if err := os.Remove(filepath.Join(dir, "state")); err != nil {
				t.Fatal(err)
			}
		},
		SentCopies: func(t *testing.T) (all [][]byte) {
			for _, f := range read(t, dir, "outbox") {
				all = append(all, []byte(f.raw))
			}
			return all
		},
	}
}

// drop puts a mail into the folder, as whoever delivers does: it is written
// elsewhere on the same disk and gets its place by one rename.
func drop(dir string, raw []byte, at time.Time) error {
	f, err := os.CreateTemp(dir, "*.part")
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	if err := errors.Join(err, f.Close(), os.Chtimes(f.Name(), at, at)); err != nil {
		return err
	}
	in := filepath.Join(dir, "new")
	name := strings.TrimSuffix(filepath.Base(f.Name()), ".part") + ".eml"
	return errors.Join(os.MkdirAll(in, 0o700), os.Rename(f.Name(), filepath.Join(in, name)))
}

type dropped struct{ name, raw string }

// read returns the files of a subfolder by name.
func read(t *testing.T, dir, sub string) (all []dropped) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, sub, "*.eml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, dropped{name, string(raw)})
	}
	return all
}

// envelope reads a mail as whoever carries it on does.
func (f dropped) envelope() (s mailboxtest.SentMail) {
	rest := f.raw
	for {
		line, after, _ := strings.Cut(rest, "\r\n")
		switch field, addr, _ := strings.Cut(line, ": "); field {
		case "X-Sender":
			s.From = strings.Trim(addr, "<>")
		case "X-Receiver":
			s.To = append(s.To, strings.Trim(addr, "<>"))
		default:
			s.Raw = []byte(rest)
			return s
		}
		rest = after
	}
}

func open(t *testing.T, dir string, in mailbox.Intake) (mailbox.Conn, error) {
	t.Helper()
	raw, err := extending.Account{Dir: dir, Email: "support@desk.example"}.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return extending.Provider{}.Open(t.Context(), mailbox.Session{Account: raw, Intake: in})
}

func TestOpenRefuses(t *testing.T) {
	_, err := open(t, t.TempDir(), mailbox.Intake{Folders: []string{"cur"}})
	if mailbox.KindOf(err) != mailbox.Unsupported {
		t.Errorf("Open with folders: %v", err)
	}
	_, err = open(t, filepath.Join(t.TempDir(), "missing"), mailbox.Intake{})
	if mailbox.KindOf(err) != mailbox.NotFound {
		t.Errorf("Open of a folder that is not there: %v", err)
	}
}

// An address that would add a line to the envelope is refused before anything
// is written.
func TestSendRefusesAddressesWithLines(t *testing.T) {
	dir := t.TempDir()
	c, err := open(t, dir, mailbox.Intake{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, to := range [][]string{nil, {"ann@customer.example>\r\nX-Receiver: <eve@stranger.example"}} {
		_, err := c.Send(t.Context(), mailbox.Outgoing{From: "support@desk.example", To: to})
		if mailbox.KindOf(err) != mailbox.Permanent || !mailbox.Unsent(err) {
			t.Errorf("Send: %v, want Permanent and unsent", err)
		}
	}
	if sent := read(t, dir, "outbox"); len(sent) > 0 {
		t.Errorf("%d mails were sent", len(sent))
	}
}

// Mail that was carried on is still found.
func TestFindSentLooksInSent(t *testing.T) {
	dir := t.TempDir()
	c, err := open(t, dir, mailbox.Intake{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	o := mailbox.Outgoing{From: "support@desk.example", To: []string{"ann@customer.example"}, MessageID: "1@desk.example"}
	r, err := c.Send(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "outbox", r.ID), filepath.Join(dir, "sent", r.ID)); err != nil {
		t.Fatal(err)
	}
	if found, err := c.FindSent(t.Context(), mailbox.Sought{MessageID: o.MessageID}); err != nil || found.ID != r.ID {
		t.Errorf("FindSent: %v, %v", found, err)
	}
}

// Numbers that were given before a crash are not given again.
func TestNumbersSurviveACrash(t *testing.T) {
	dir := t.TempDir()
	c, err := open(t, dir, mailbox.Intake{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	live := func(cur mailbox.Cursor) mailbox.Page {
		p, err := c.Changes(t.Context(), mailbox.Query{Stream: mailbox.Live, Cursor: cur, Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	before := live(nil).Next
	counted, err := os.ReadFile(filepath.Join(dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := drop(dir, []byte("Subject: Lamp\r\n\r\n"), time.Now()); err != nil {
			t.Fatal(err)
		}
		live(before)
		if err := os.WriteFile(filepath.Join(dir, "state"), counted, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	first, err := c.Changes(t.Context(), mailbox.Query{Stream: mailbox.Live, Cursor: before, Limit: 1})
	if err != nil || len(first.Items) != 1 || !first.More {
		t.Fatalf("first page: %v, %v", first, err)
	}
	if rest := live(first.Next); len(rest.Items) != 1 {
		t.Errorf("%d mails after the first of two", len(rest.Items))
	}
}

// A desk reads a drop folder like any other mailbox.
func ExampleProvider() {
	dir, err := os.MkdirTemp("", "drop")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	desk, err := helpdesk.New(helpdesk.Config{
		Store:     memory.New(),
		Providers: helpdesk.Providers{extending.Provider{}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := privacy.As(context.Background(), privacy.Agent("kari"), privacy.Support)
	acme := desk.Tenant("acme")
	if _, err := acme.Connect(ctx, extending.Account{Dir: dir, Email: "support@desk.example"}); err != nil {
		fmt.Println(err)
		return
	}

	mail := "From: Ann <ann@customer.example>\r\nTo: support@desk.example\r\n" +
		"Subject: Broken lamp\r\nMessage-ID: <1@customer.example>\r\n\r\nIt does not light.\r\n"
	if err := drop(dir, []byte(mail), time.Now()); err != nil {
		fmt.Println(err)
		return
	}
	if _, err := desk.RunOnce(ctx); err != nil {
		fmt.Println(err)
		return
	}

	page, err := acme.Tickets(ctx, helpdesk.TicketQuery{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, t := range page.Tickets {
		fmt.Println(t.Status, t.Subject)
	}
	// Output:
	// open Broken lamp
}
