package imap_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	goimap "github.com/emersion/go-imap/v2"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/imap"
)

func subjects(t *testing.T, c mailbox.Conn, items []mailbox.Item) string {
	t.Helper()
	var all []string
	for _, text := range fetchAll(t, c, items) {
		_, rest, _ := strings.Cut(text, "Subject: ")
		s, _, _ := strings.Cut(rest, "\r\n")
		all = append(all, s)
	}
	return strings.Join(all, " ")
}

func TestBackfillMergesFolders(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("Team")
	w.create("Sent")
	base := time.Now().Truncate(time.Second)
	for i := range 10 {
		w.deliver([]string{"INBOX", "Team"}[i%2], mailText(fmt.Sprint(i, "@x"), fmt.Sprint("m", i)), base.Add(time.Duration(i-20)*time.Hour))
	}
	w.deliver("Sent", mailText("s@x", "sent"), base.Add(-15*time.Hour))
	c := w.open(imap.Options{}, mailbox.Intake{Since: base.Add(-18 * time.Hour), Folders: []string{"inbox", "Team", "INBOX"}})
	items, end := drain(t, c, mailbox.Query{Stream: mailbox.Backfill, From: base.Add(-11 * time.Hour), Limit: 3})
	if got := subjects(t, c, items); got != "m8 m7 m6 m5 m4 m3 m2" {
		t.Errorf("backfill is %s", got)
	}
	if again, _ := drain(t, c, mailbox.Query{Stream: mailbox.Backfill, Cursor: end, Limit: 3}); len(again) > 0 {
		t.Errorf("after the end: %v", again)
	}
	if strings.Contains(string(end), "Team") {
		t.Error("the cursor names a folder")
	}
}

func TestResyncContinuesAndKeepsWhatIsNew(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("Team")
	base := time.Now().Truncate(time.Second)
	put := func(folder, name string, ago time.Duration) {
		w.put(t, stored{folder: folder, raw: []byte(mailText(name+"@x", name)), at: base.Add(-ago)})
	}
	put("INBOX", "ancient", 100*time.Hour)
	in := mailbox.Intake{Folders: []string{"INBOX", "Team"}}
	c := w.open(imap.Options{}, in)
	cur := changes(t, c, mailbox.Query{Stream: mailbox.Live, Limit: 9}).Next
	put("INBOX", "a", 3*time.Hour)
	put("Team", "b", 2*time.Hour)
	_, cur = drain(t, c, mailbox.Query{Stream: mailbox.Live, Cursor: cur, Limit: 9})
	// Moved into a folder that was not renumbered, with its old time.
	put("Team", "moved", 90*time.Hour)
	put("INBOX", "c", time.Hour)
	w.renumber(t, "INBOX")
	_, err := c.Changes(context.Background(), mailbox.Query{Stream: mailbox.Live, Cursor: cur, Limit: 9})
	wantKind(t, err, mailbox.CursorExpired)
	for _, keep := range []bool{false, true} {
		// Whether the caller repeats Resync on later pages or not.
		q := mailbox.Query{Stream: mailbox.Live, Cursor: cur, Resync: true, From: base.Add(-10 * time.Hour), Limit: 1}
		var items []mailbox.Item
		for range 20 {
			p := changes(t, c, q)
			items = append(items, p.Items...)
			q.Cursor, q.Resync = p.Next, keep
			if !p.More {
				break
			}
		}
		if got := subjects(t, c, items); got != "moved a b c" && got != "a moved b c" && got != "a b moved c" {
			t.Errorf("resync with repeat %v is %q", keep, got)
		}
	}
}

func TestFetchAcrossUIDVALIDITYIsRefused(t *testing.T) {
	w := newWorld(t, worldOptions{})
	c := w.open(imap.Options{}, mailbox.Intake{})
	cur := changes(t, c, mailbox.Query{Stream: mailbox.Live, Limit: 9}).Next
	w.put(t, stored{folder: "INBOX", raw: []byte(mailText("a@x", "a")), at: time.Now()})
	items, _ := drain(t, c, mailbox.Query{Stream: mailbox.Live, Cursor: cur, Limit: 9})
	w.renumber(t, "INBOX")
	c = w.open(imap.Options{}, mailbox.Intake{})
	_, err := c.Fetch(context.Background(), items[0], 1<<20)
	wantKind(t, err, mailbox.Transient)
	for _, it := range []mailbox.Item{{ID: "nonsense"}, {ID: items[0].ID, Ref: "Other"}, {ID: "x:0:0"}, {ID: "x:1:99999999999", Ref: "x"}} {
		_, err := c.Fetch(context.Background(), it, 1<<20)
		wantKind(t, err, mailbox.NotFound)
	}
}

// A folder of sent mail that is made after connecting is read from its start,
// and one that turns up with old mail only from then on.
func TestSentFolderTurnsUpLater(t *testing.T) {
	w := newWorld(t, worldOptions{})
	o := imap.Options{}
	cur := changes(t, w.open(o, mailbox.Intake{}), mailbox.Query{Stream: mailbox.Live, Limit: 9}).Next
	w.create("Sent")
	w.deliver("Sent", mailText("old@x", "old"), time.Now().Add(-time.Hour))
	w.deliver("Sent", mailText("new@x", "new"), time.Now().Add(time.Minute))
	c := w.open(o, mailbox.Intake{})
	items, _ := drain(t, c, mailbox.Query{Stream: mailbox.Live, Cursor: cur, Limit: 1})
	if got := subjects(t, c, items); got != "new" || !items[0].Sent {
		t.Errorf("listed %q", got)
	}
}

func TestSentFolderByUseAndByName(t *testing.T) {
	for _, tt := range []struct{ name, list, account, want string }{
		{"by use", "* LIST () \"/\" Sent\r\n* LIST (\\Sent) \"/\" Gesendet\r\n", "", "Gesendet"},
		{"by name", "* LIST () \"/\" INBOX\r\n* LIST () \"/\" \"Sent Items\"\r\n", "", "\"Sent Items\""},
		{"Gmail", "* LIST () \"/\" \"[Gmail]/Sent Mail\"\r\n", "", "\"[Gmail]/Sent Mail\""},
		{"Courier", "* LIST () \".\" INBOX.Sent\r\n", "", "INBOX.Sent"},
		{"cannot be selected", "* LIST (\\Noselect \\Sent) \"/\" Gone\r\n* LIST () \"/\" \"Sent Messages\"\r\n", "", "\"Sent Messages\""},
		{"by the host", "* LIST (\\Sent) \"/\" Gesendet\r\n", "Mine", "Mine"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			// The peer knows no other folder than the wanted one.
			p := &peer{answers: map[string][]string{"LIST": {tt.list + "TAG OK\r\n"}, "UID SEARCH": {"* SEARCH\r\nTAG OK\r\n"},
				"EXAMINE": {"TAG NO [NONEXISTENT] other\r\n"},
			}}
			for _, spelled := range []string{tt.want, `"` + strings.Trim(tt.want, `"`) + `"`} {
				p.answers["EXAMINE "+spelled] = []string{"* 1 EXISTS\r\n* OK [UIDVALIDITY 7] v\r\n* OK [UIDNEXT 6] n\r\nTAG OK\r\n"}
			}
			a := p.account(p.start(t))
			a.Sent = tt.account
			c, err := openAccount(imap.Options{}, a, mailbox.Intake{})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_, err = c.FindSent(context.Background(), mailbox.Sought{MessageID: "a@x"})
			wantKind(t, err, mailbox.NotFound) // it looked
		})
	}
}

// More mail than a window holds is paged without losing or repeating.
func TestManyMails(t *testing.T) {
	w := newWorld(t, worldOptions{})
	c := w.open(imap.Options{}, mailbox.Intake{})
	cur := changes(t, c, mailbox.Query{Stream: mailbox.Live, Limit: 9}).Next
	for range 3000 {
		w.deliver("INBOX", mailText("x@x", "x"), time.Now(), goimap.FlagSeen)
	}
	items, _ := drain(t, c, mailbox.Query{Stream: mailbox.Live, Cursor: cur, Limit: 700})
	seen := map[string]bool{}
	for _, it := range items {
		seen[it.ID] = true
	}
	if len(items) != 3000 || len(seen) != 3000 {
		t.Errorf("%d items, %d ids", len(items), len(seen))
	}
}

// A folder with wide gaps between its UIDs takes few steps in both directions.
func TestWideGaps(t *testing.T) {
	const uid = "3999999999"
	for _, stream := range []mailbox.Stream{mailbox.Live, mailbox.Backfill} {
		p := &peer{answers: map[string][]string{
			"EXAMINE":    {"* 2 EXISTS\r\n* OK [UIDVALIDITY 7] v\r\n* OK [UIDNEXT 4000000001] n\r\nTAG OK\r\n"},
			"UID SEARCH": {"* SEARCH 9 " + uid + "\r\nTAG OK\r\n"},
			"UID FETCH": {"* 1 FETCH (UID 9 RFC822.SIZE 9 INTERNALDATE \"01-Feb-2026 10:00:00 +0100\" FLAGS ())\r\n" +
				"* 2 FETCH (UID " + uid + " RFC822.SIZE 9 INTERNALDATE \"02-Feb-2026 10:00:00 +0100\" FLAGS ())\r\nTAG OK\r\n"},
		}}
		c, err := openAccount(imap.Options{}, p.account(p.start(t)), mailbox.Intake{Since: time.Unix(0, 0)})
		if err != nil {
			t.Fatal(err)
		}
		q := mailbox.Query{Stream: stream, Resync: true, Limit: 1}
		var got []string
		for pages := 1; ; pages++ {
			page := changes(t, c, q)
			for _, it := range page.Items {
				got = append(got, it.ID[strings.LastIndex(it.ID, ":")+1:])
			}
			q.Cursor, q.Resync = page.Next, false
			if !page.More {
				break
			}
			if pages > 5 {
				t.Fatal("too many pages")
			}
		}
		want := "9 " + uid
		if stream == mailbox.Backfill {
			want = uid + " 9"
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s listed %v", stream, got)
		}
		c.Close()
	}
}

func TestBackfillMarksSentMail(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("Sent")
	w.deliver("Sent", mailText("s@x", "sent"), time.Now().Add(-time.Hour))
	c := w.open(imap.Options{}, mailbox.Intake{Since: time.Now().Add(-2 * time.Hour), Folders: []string{"INBOX", "Sent"}})
	items, _ := drain(t, c, mailbox.Query{Stream: mailbox.Backfill, Limit: 3})
	if len(items) != 1 || !items[0].Sent {
		t.Errorf("%+v", items)
	}
}

func TestLimitMustBePositive(t *testing.T) {
	w := newWorld(t, worldOptions{})
	c := w.open(imap.Options{}, mailbox.Intake{})
	for _, q := range []mailbox.Query{{Stream: mailbox.Live}, {Stream: "other", Limit: 1}} {
		_, err := c.Changes(context.Background(), q)
		wantKind(t, err, mailbox.Permanent)
	}
}

func TestWait(t *testing.T) {
	wait := func(c mailbox.Conn, ctx context.Context) <-chan error {
		done := make(chan error, 1)
		go func() { done <- c.(mailbox.Waiter).Wait(ctx) }()
		return done
	}
	within := func(t *testing.T, done <-chan error) error {
		t.Helper()
		select {
		case err := <-done:
			return err
		case <-time.After(5 * time.Second):
			t.Fatal("still waiting")
			return nil
		}
	}
	t.Run("slices go on", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		c := w.open(imap.Options{IdleSlice: 50 * time.Millisecond}, mailbox.Intake{})
		changes(t, c, mailbox.Query{Stream: mailbox.Live, Limit: 9})
		done := wait(c, context.Background())
		select {
		case err := <-done:
			t.Fatalf("woke without a reason: %v", err)
		case <-time.After(400 * time.Millisecond):
		}
		w.deliver("INBOX", mailText("a@x", "a"), time.Now())
		if err := within(t, done); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("second folder is polled by the slice", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("Sent")
		c := w.open(imap.Options{IdleSlice: 50 * time.Millisecond}, mailbox.Intake{})
		changes(t, c, mailbox.Query{Stream: mailbox.Live, Limit: 9})
		if err := within(t, wait(c, context.Background())); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("without IDLE", func(t *testing.T) {
		c := connectPeer(t, &peer{}, imap.Options{PollInterval: 50 * time.Millisecond})
		if err := within(t, wait(c, context.Background())); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("mute in IDLE", func(t *testing.T) {
		p := &peer{caps: "IMAP4rev1 IDLE AUTH=PLAIN", mute: "IDLE"}
		c := connectPeer(t, p, short())
		wantKind(t, within(t, wait(c, context.Background())), mailbox.Transient)
	})
	t.Run("ctx ends while mute", func(t *testing.T) {
		p := &peer{caps: "IMAP4rev1 IDLE AUTH=PLAIN", mute: "EXAMINE"}
		c := connectPeer(t, p, imap.Options{})
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		if err := within(t, wait(c, ctx)); err != nil {
			t.Fatal(err)
		}
	})
}
