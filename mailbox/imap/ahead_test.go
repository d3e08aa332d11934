package imap_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/imap"
)

// pageOf delivers mails of the given sizes and returns them listed as one page.
func pageOf(t *testing.T, w *world, c mailbox.Conn, cur mailbox.Cursor, sizes ...int) []mailbox.Item {
	t.Helper()
	for i, n := range sizes {
		w.put(t, stored{folder: "INBOX", raw: []byte(mailText(fmt.Sprintf("p%d@x", i), "x") + strings.Repeat("y", n)), at: time.Now()})
	}
	p := changes(t, c, liveAfter(cur, 100))
	if len(p.Items) != len(sizes) {
		t.Fatalf("listed %d of %d mails", len(p.Items), len(sizes))
	}
	return p.Items
}

// transferred returns which mails the server was asked for, in order.
func transferred(w *world) []string {
	w.ctl.mu.Lock()
	defer w.ctl.mu.Unlock()
	return slices.Clone(w.ctl.fetched)
}

func TestMailsOfAPageTravelTogether(t *testing.T) {
	w := newWorld(t, worldOptions{})
	c := w.open(imap.Options{}, mailbox.Intake{})
	items := pageOf(t, w, c, start(t, c), make([]int, 60)...)
	for i := range items {
		if text := fetchAll(t, c, items[i:i+1])[0]; !strings.Contains(text, fmt.Sprintf("<p%d@x>", i)) {
			t.Fatalf("mail %d is another", i)
		}
		// Beyond what was asked for at most what one exchange brings along.
		if n := len(transferred(w)); i == 0 && n != 1 || n > i+32 {
			t.Fatalf("%d mails were transferred after %d were asked for", n, i+1)
		}
	}
	if n := len(transferred(w)); n != 60 {
		t.Errorf("%d mails were transferred, want each of 60 once", n)
	}
}

// Who leaps over mails has them already, so they are not transferred.
func TestLeapsTransferNothingElse(t *testing.T) {
	w := newWorld(t, worldOptions{})
	c := w.open(imap.Options{}, mailbox.Intake{})
	items := pageOf(t, w, c, start(t, c), make([]int, 30)...)
	fetchAll(t, c, []mailbox.Item{items[0], items[5], items[7], items[20], items[3]})
	if got := transferred(w); len(got) != 5 {
		t.Errorf("transferred %v, want the 5 that were asked for", got)
	}
}

func TestLargeMailsTravelAlone(t *testing.T) {
	w := newWorld(t, worldOptions{})
	c := w.open(imap.Options{}, mailbox.Intake{})
	items := pageOf(t, w, c, start(t, c), 10, 10, 300<<10, 10, 200<<10, 200<<10, 200<<10, 200<<10, 200<<10, 200<<10, 200<<10)
	for i, it := range items {
		if _, err := c.Fetch(context.Background(), it, 1<<20); err != nil {
			t.Fatal(err)
		}
		if got := transferred(w); i < 2 && slices.Contains(got, "p2@x") {
			t.Error("a large mail was transferred before it was asked for")
		} else if len(got) > i+6 {
			t.Errorf("%d mails, over a MiB, are held after %d were asked for", len(got), i+1)
		}
	}
	// A mail above what the caller takes is not brought along either.
	items = pageOf(t, w, c, start(t, c), 10, 10, 5000, 10)
	before := len(transferred(w))
	for i, it := range items {
		_, err := c.Fetch(context.Background(), it, 4000)
		if i != 2 && err != nil || i == 2 && mailbox.KindOf(err) != mailbox.TooLarge {
			t.Errorf("mail %d: %v", i, err)
		}
	}
	if n := len(transferred(w)) - before; n != 3 {
		t.Errorf("%d mails were transferred, want the 3 small ones", n)
	}
}

// A mail that is brought along is gone with its connection.
func TestNothingIsServedAfterClose(t *testing.T) {
	w := newWorld(t, worldOptions{})
	c := w.open(imap.Options{}, mailbox.Intake{})
	items := pageOf(t, w, c, start(t, c), make([]int, 10)...)
	fetchAll(t, c, items[:2]) // brings the third along
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := c.Fetch(ctx, items[2], 1<<20)
	wantKind(t, err, mailbox.Transient)
	c.Close()
	_, err = c.Fetch(context.Background(), items[2], 1<<20)
	wantKind(t, err, mailbox.Transient)
}
