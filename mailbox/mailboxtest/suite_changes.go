package mailboxtest

import (
	"fmt"
	"slices"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

var changesCases = []testCase{
	{name: "live/starts at the present", run: caseLiveStart},
	{name: "live/lists each mail once, oldest first", run: caseLiveOnce},
	{name: "live/pages by limit", run: caseLivePages},
	{name: "live/same cursor, same items", run: caseSameCursor},
	{name: "live/ids and cursors survive reconnecting", run: caseReconnect},
	{name: "live/receive time and size", run: caseItemFacts},
	{name: "live/another folder is not the inbox", needs: []string{"Folder", "DeliverTo"}, run: caseInboxAlone},
	{name: "live/intake chooses folders", needs: []string{"Folder", "DeliverTo"}, run: caseFolders},
	{name: "live/removed mail", needs: []string{"Remove"}, run: caseRemoved},
	{name: "live/drafts are marked", needs: []string{"OwnDraft"}, run: caseOwnDraft},
	{name: "live/own sent mail is marked", needs: []string{"Own", "SentFolder"}, run: caseOwnSent},
	{name: "live/unknown cursor is CursorExpired", run: caseUnknownCursor},
	{name: "live/expired cursor and resync", needs: []string{"ExpireCursor"}, run: caseResync},
}

func caseLiveStart(b *bench) {
	b.deliver("old1")
	b.deliver("old2")
	c, cur := b.inbox()
	if items, _ := b.drain(c, after(cur)); len(received(items)) > 0 {
		b.Errorf("mail older than the connection was listed")
	}
}

func caseLiveOnce(b *bench) {
	c, cur := b.inbox()
	for _, name := range []string{"a", "b", "c"} {
		b.deliver(name)
	}
	items, cur := b.gather(c, after(cur), 3)
	b.wantNames(c, items, "a", "b", "c")
	b.deliver("d")
	items, cur = b.gather(c, after(cur), 1)
	b.wantNames(c, items, "d")
	if items, _ := b.drain(c, after(cur)); len(received(items)) > 0 {
		b.Error("mail was listed again after its cursor")
	}
}

func caseLivePages(b *bench) {
	c, cur := b.inbox()
	var want []string
	for i := range 25 {
		want = append(want, fmt.Sprintf("n%02d", i))
		b.deliver(want[i])
	}
	q := after(cur)
	q.Limit = 4
	items, _ := b.gather(c, q, 25)
	b.wantNames(c, items, want...)
	ids := map[string]bool{}
	for _, it := range items {
		ids[it.ID] = true
	}
	if len(ids) != 25 {
		b.Errorf("25 mails have %d ids", len(ids))
	}
	// More must not be forgotten: whoever polls by the hour relies on it.
	seen := 0
	for p := b.page(c, q); ; p = b.page(c, q) {
		seen += len(received(p.Items))
		if !p.More {
			break
		}
		q.Cursor = p.Next
	}
	if seen != 25 {
		b.Errorf("following More listed %d of 25 mails", seen)
	}
}

func caseSameCursor(b *bench) {
	c, cur := b.inbox()
	b.deliver("a")
	b.deliver("b")
	first, _ := b.gather(c, after(cur), 2)
	again, _ := b.gather(c, after(cur), 2)
	if !slices.Equal(ids(first), ids(again)) {
		b.Errorf("the same cursor listed %v, then %v", ids(first), ids(again))
	}
	b.deliver("c")
	third, _ := b.gather(c, after(cur), 3)
	b.wantNames(c, third, "a", "b", "c")
}

func ids(items []mailbox.Item) (all []string) {
	for _, it := range items {
		all = append(all, it.ID)
	}
	return all
}

func caseReconnect(b *bench) {
	c, cur := b.inbox()
	b.deliver("a")
	before, _ := b.gather(c, after(cur), 1)
	c.Close()
	b.deliver("b")
	c = b.open(mailbox.Intake{})
	items, _ := b.gather(c, after(cur), 2)
	b.wantNames(c, items, "a", "b")
	if items[0].ID != before[0].ID {
		b.Error("a mail has another ID on another connection")
	}
	b.wantNames(c, before, "a")
}

func caseItemFacts(b *bench) {
	c, cur := b.inbox()
	at := time.Now().Add(-time.Second).Truncate(time.Second)
	raw := letterOf("a", "Hello.\r\n")
	b.Deliver(b.T, raw, at)
	items, _ := b.gather(c, after(cur), 1)
	if d := items[0].ReceivedAt.Sub(at).Abs(); d > time.Second {
		b.Errorf("ReceivedAt is off by %s", d)
	}
	if n := items[0].Size; n != 0 && (n < int64(len(raw))/2 || n > 2*int64(len(raw))) {
		b.Errorf("Size is %d for a mail of %d bytes", n, len(raw))
	}
	if b.Provider.Capabilities().Threads != (items[0].Thread != "") {
		b.Errorf("flag Threads is %v, but Item.Thread is %q", b.Provider.Capabilities().Threads, items[0].Thread)
	}
}

func caseInboxAlone(b *bench) {
	c, cur := b.inbox()
	b.DeliverTo(b.T, b.Folder, letterOf("elsewhere", ""), time.Now())
	b.deliver("a")
	items, cur := b.gather(c, after(cur), 1)
	b.wantNames(c, items, "a")
	if items, _ := b.drain(c, after(cur)); len(received(items)) > 0 {
		b.Error("mail of a folder outside the intake was listed")
	}
	b.wantUnfetched("elsewhere")
}

func caseFolders(b *bench) {
	c := b.open(mailbox.Intake{Folders: []string{b.Folder}})
	cur := b.present(c)
	b.deliver("inbox")
	b.DeliverTo(b.T, b.Folder, letterOf("a", ""), time.Now())
	items, cur := b.gather(c, after(cur), 1)
	b.wantNames(c, items, "a")
	if items, _ := b.drain(c, after(cur)); len(received(items)) > 0 {
		b.Error("mail of the inbox was listed, which the intake does not name")
	}
	b.wantUnfetched("inbox")
}

// wantUnfetched looks at the server's own record, if there is one.
func (b *bench) wantUnfetched(names ...string) {
	b.Helper()
	if b.Fetched == nil {
		b.Logf("NOT EXERCISED: nothing outside is fetched: no control Fetched: %s", b.h.Without["Fetched"])
		return
	}
	got := b.Fetched(b.T)
	for _, name := range names {
		if slices.Contains(got, name+"@customer.example") {
			b.Errorf("mail %q was transferred", name)
		}
	}
}

func caseRemoved(b *bench) {
	c, cur := b.inbox()
	b.deliver("a")
	b.deliver("b")
	items, cur := b.gather(c, after(cur), 2)
	b.Remove(b.T, "b@customer.example")
	_, err := c.Fetch(b.ctx(), items[1], maxFetch)
	b.wantKind("Fetch of a removed mail", err, mailbox.NotFound)
	b.deliver("c")
	c = b.open(mailbox.Intake{})
	more, _ := b.gather(c, after(cur), 1)
	b.wantNames(c, more, "c")
	if more[0].ID == items[0].ID || more[0].ID == items[1].ID {
		b.Error("an ID was given to another mail")
	}
	b.wantNames(c, items[:1], "a")
}

func caseOwnDraft(b *bench) {
	c, cur := b.inbox()
	b.OwnDraft(b.T, letterOf("draft", ""))
	b.deliver("a")
	items, cur := b.gather(c, after(cur), 1)
	b.wantNames(c, items, "a")
	if items, _ := b.drain(c, after(cur)); len(received(items)) > 0 {
		b.Error("a draft was listed as mail")
	}
}

func caseOwnSent(b *bench) {
	c := b.open(mailbox.Intake{Folders: []string{b.SentFolder}})
	cur := b.present(c)
	b.Own(b.T, letterOf("own", ""))
	for end := time.Now().Add(b.h.Timeout); ; time.Sleep(10 * time.Millisecond) {
		items, _ := b.drain(c, after(cur))
		if len(items) == 1 {
			if !items[0].Sent {
				b.Error("Item.Sent is not set for mail from the folder of sent mail")
			}
			b.wantNames(c, items, "own")
			return
		}
		if len(items) > 1 || time.Now().After(end) {
			b.Fatalf("listed %d items of the folder of sent mail, want 1", len(items))
		}
	}
}

func caseUnknownCursor(b *bench) {
	c, _ := b.inbox()
	_, err := c.Changes(b.ctx(), after(mailbox.Cursor("no driver wrote this")))
	b.wantKind("Changes with a cursor that nobody gave out", err, mailbox.CursorExpired)
}

func caseResync(b *bench) {
	base := time.Now().Truncate(time.Second)
	b.Deliver(b.T, letterOf("ancient", ""), base.Add(-48*time.Hour))
	c, cur := b.inbox()
	b.deliver("a")
	_, seen := b.gather(c, after(cur), 1)
	b.deliver("b")
	b.ExpireCursor(b.T)
	c = b.open(mailbox.Intake{})
	_, err := c.Changes(b.ctx(), after(seen))
	b.wantKind("Changes with an expired cursor", err, mailbox.CursorExpired)
	q := after(seen)
	q.Resync, q.From, q.Limit = true, base.Add(-time.Hour), 1
	items, cur := b.gather(c, q, 2)
	b.wantNames(c, items, "a", "b")
	b.deliver("c")
	items, _ = b.gather(c, after(cur), 1)
	b.wantNames(c, items, "c")
	b.wantUnfetched("ancient")
}
