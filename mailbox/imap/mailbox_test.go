package imap_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	goimap "github.com/emersion/go-imap/v2"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/imap"
)

func changes(t *testing.T, c mailbox.Conn, q mailbox.Query) mailbox.Page {
	t.Helper()
	p, err := c.Changes(context.Background(), q)
	if err != nil {
		t.Fatalf("changes: %v (%v)", err, err.(*mailbox.Error).Err)
	}
	return p
}

// drain follows More and returns all items and the last cursor.
func drain(t *testing.T, c mailbox.Conn, q mailbox.Query) ([]mailbox.Item, mailbox.Cursor) {
	t.Helper()
	var items []mailbox.Item
	for range 1000 {
		p := changes(t, c, q)
		if len(p.Items) > q.Limit {
			t.Fatalf("%d items, limit %d", len(p.Items), q.Limit)
		}
		items = append(items, p.Items...)
		q.Cursor, q.Resync = p.Next, false
		if !p.More {
			return items, p.Next
		}
	}
	t.Fatal("no end")
	return nil, nil
}

func fetchAll(t *testing.T, c mailbox.Conn, items []mailbox.Item) []string {
	t.Helper()
	var texts []string
	for _, it := range items {
		raw, err := c.Fetch(context.Background(), it, 1<<20)
		if err != nil {
			t.Fatalf("fetch: %v", err)
		}
		texts = append(texts, string(raw.Bytes))
	}
	return texts
}

func wantKind(t *testing.T, err error, kind mailbox.Kind) {
	t.Helper()
	if err == nil || mailbox.KindOf(err) != kind {
		t.Fatalf("error %v, want kind %s", err, kind)
	}
	if _, ok := err.(*mailbox.Error); !ok {
		t.Fatalf("error is %T, want *mailbox.Error", err)
	}
}

func TestLiveListsWhatArrivesAfterConnecting(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("Sent")
	old := time.Now().Add(-time.Hour)
	w.deliver("INBOX", mailText("old@x", "old"), old)
	c := w.open(imap.Options{}, mailbox.Intake{})
	start := changes(t, c, mailbox.Query{Stream: mailbox.Live, Limit: 10})
	if len(start.Items) != 0 || start.More {
		t.Fatalf("zero cursor gave %v", start)
	}
	var want []string
	for i := range 7 {
		text := mailText(fmt.Sprintf("m%d@x", i), "new")
		want = append(want, text)
		folder := "INBOX"
		if i%3 == 2 {
			folder = "Sent"
		}
		w.deliver(folder, text, time.Now().Add(time.Duration(i)*time.Minute))
	}
	w.deliver("INBOX", mailText("draft@x", "draft"), time.Now().Add(time.Hour), goimap.FlagDraft)
	items, next := drain(t, c, mailbox.Query{Stream: mailbox.Live, Cursor: start.Next, Limit: 2})
	if len(items) != 8 || !items[7].Draft || !items[2].Sent || items[0].Sent || items[0].Draft {
		t.Fatalf("items %+v", items)
	}
	for i, got := range fetchAll(t, c, items[:7]) {
		if got != want[i] {
			t.Errorf("mail %d is %q", i, got)
		}
		if items[i].Size != int64(len(got)) {
			t.Errorf("size %d, want %d", items[i].Size, len(got))
		}
	}
	if again, _ := drain(t, c, mailbox.Query{Stream: mailbox.Live, Cursor: next, Limit: 2}); len(again) != 0 {
		t.Fatalf("listed again: %+v", again)
	}
}

func TestSendFileFind(t *testing.T) {
	w := newWorld(t, worldOptions{})
	c := w.open(imap.Options{}, mailbox.Intake{})
	raw := "From: support@example.org\r\nTo: b@example.com\r\nMessage-ID: <out1@example.org>\r\nX-Helpdesk-Marker: mark-1\r\n\r\n.dot\r\nbye\r\n"
	o := mailbox.Outgoing{From: testUser, To: []string{"b@example.com"}, Raw: []byte(raw), MessageID: "out1@example.org", Marker: "mark-1"}
	ctx := context.Background()
	_, err := c.FindSent(ctx, mailbox.Sought{MessageID: o.MessageID})
	wantKind(t, err, mailbox.Unsupported) // there is no folder of sent mail
	r, err := c.Send(ctx, o)
	if err != nil || r.Filed || r.Refused != nil || r.MessageID != "" {
		t.Fatalf("receipt %+v, %v", r, err)
	}
	sent := w.box.letters()
	if len(sent) != 1 || string(sent[0].raw) != raw || sent[0].from != testUser {
		t.Fatalf("sent %+v", sent)
	}
	f := c.(mailbox.Filer)
	first, err := f.File(ctx, o)
	if err != nil || first.ID == "" || !first.Filed {
		t.Fatalf("file: %+v, %v", first, err)
	}
	second, err := f.File(ctx, o)
	if err != nil || second.ID != first.ID {
		t.Fatalf("file again: %+v, %v", second, err)
	}
	for _, s := range []mailbox.Sought{{MessageID: o.MessageID}, {Marker: "mark-1"}, {MessageID: "other@x", Marker: "mark-1"}} {
		got, err := c.FindSent(ctx, s)
		if err != nil || got.ID != first.ID {
			t.Fatalf("find %+v: %+v, %v", s, got, err)
		}
	}
	for _, s := range []mailbox.Sought{{MessageID: "ut1@example.org"}, {Marker: "mark"}} {
		_, err = c.FindSent(ctx, s)
		wantKind(t, err, mailbox.NotFound)
	}
}
