package mailboxtest

import (
	"fmt"
	"slices"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

var backfillCases = []testCase{
	{name: "backfill/none without Since", run: caseNoBackfill},
	{name: "backfill/newest first, down to Since", run: caseBackfill},
	{name: "backfill/starts before From", run: caseBackfillFrom},
	{name: "backfill/in the chosen folders", needs: []string{"Folder", "DeliverTo"}, run: caseBackfillFolder},
}

func backwards(cur mailbox.Cursor) mailbox.Query {
	return mailbox.Query{Stream: mailbox.Backfill, Cursor: cur, Limit: 10}
}

func caseNoBackfill(b *bench) {
	b.Deliver(b.T, letterOf("old", ""), time.Now().Add(-time.Hour))
	c := b.open(mailbox.Intake{})
	items, _ := b.drain(c, backwards(nil))
	if len(items) > 0 {
		b.Errorf("Backfill without Intake.Since listed %d items", len(items))
	}
	b.wantUnfetched("old")
}

func caseBackfill(b *bench) {
	base := time.Now().Truncate(time.Second)
	var want []string
	for i := range 9 {
		want = append(want, fmt.Sprintf("h%d", i))
		b.Deliver(b.T, letterOf(want[i], ""), base.Add(time.Duration(i-9)*time.Hour))
	}
	// The mail exactly at Since is inside.
	c := b.open(mailbox.Intake{Since: base.Add(-7 * time.Hour)})
	cur := b.present(c)
	want = want[2:]
	slices.Reverse(want)
	q := backwards(nil)
	q.Limit = 3
	items, end := b.gather(c, q, len(want))
	b.wantNames(c, items, want...)
	if again, _ := b.drain(c, backwards(end)); len(again) > 0 {
		b.Error("Backfill lists mail after its end")
	}
	b.deliver("new")
	live, _ := b.gather(c, after(cur), 1)
	b.wantNames(c, live, "new")
	b.wantUnfetched("h0", "h1")
}

func caseBackfillFrom(b *bench) {
	base := time.Now().Truncate(time.Second)
	b.Deliver(b.T, letterOf("a", ""), base.Add(-3*time.Hour))
	b.Deliver(b.T, letterOf("b", ""), base.Add(-2*time.Hour))
	b.Deliver(b.T, letterOf("c", ""), base.Add(-time.Hour))
	c := b.open(mailbox.Intake{Since: base.Add(-24 * time.Hour)})
	q := backwards(nil)
	q.From, q.Limit = base.Add(-90*time.Minute), 1
	items, _ := b.gather(c, q, 2)
	b.wantNames(c, items, "b", "a")
	// A cursor of Backfill survives the connection.
	p := b.page(c, q)
	c = b.open(mailbox.Intake{Since: base.Add(-24 * time.Hour)})
	rest, _ := b.gather(c, backwards(p.Next), 2-len(p.Items))
	b.wantNames(c, append(p.Items, rest...), "b", "a")
}

func caseBackfillFolder(b *bench) {
	at := time.Now().Add(-time.Hour)
	b.Deliver(b.T, letterOf("inbox", ""), at)
	b.DeliverTo(b.T, b.Folder, letterOf("a", ""), at)
	c := b.open(mailbox.Intake{Since: at.Add(-time.Hour), Folders: []string{b.Folder}})
	items, _ := b.gather(c, backwards(nil), 1)
	b.wantNames(c, items, "a")
	b.wantUnfetched("inbox")
}
