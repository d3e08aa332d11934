package archive

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

// write puts files below a folder; a name that ends in a slash is a folder.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if strings.HasSuffix(name, "/") {
			must(t, os.MkdirAll(p, 0o755))
			continue
		}
		must(t, os.MkdirAll(filepath.Dir(p), 0o755))
		must(t, os.WriteFile(p, []byte(content), 0o600))
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// letter is a mail with a subject, received on a day of January 2020.
func letter(subject string, day int) string {
	at := time.Date(2020, 1, day, 12, 0, 0, 0, time.UTC).Format(time.RFC1123Z)
	return "Received: from a by b;\n " + at + "\nFrom: ann@customer.example\nSubject: " + subject + "\n\nHello.\n"
}

func accountOf(paths ...string) Account {
	return Account{Name: "Support", Email: "support@desk.example", Paths: paths}
}

func open(t *testing.T, p *Provider, a Account, in mailbox.Intake) mailbox.Conn {
	t.Helper()
	blob, err := a.MarshalBinary()
	must(t, err)
	c, err := p.Open(t.Context(), mailbox.Session{Account: blob, Intake: in})
	must(t, err)
	t.Cleanup(func() { must(t, c.Close()) })
	return c
}

var allTime = mailbox.Intake{Since: Beginning}

// list goes through Backfill in pages.
func list(t *testing.T, c mailbox.Conn, cur mailbox.Cursor, limit int) (items []mailbox.Item, end mailbox.Cursor) {
	t.Helper()
	for {
		p, err := c.Changes(t.Context(), mailbox.Query{Stream: mailbox.Backfill, Cursor: cur, Limit: limit, From: time.Now()})
		must(t, err)
		if len(p.Items) > limit {
			t.Fatalf("%d items, limit %d", len(p.Items), limit)
		}
		items, cur = append(items, p.Items...), p.Next
		if !p.More {
			return items, cur
		}
	}
}

func subjects(t *testing.T, c mailbox.Conn, items []mailbox.Item) (out []string) {
	t.Helper()
	for _, it := range items {
		raw, err := c.Fetch(t.Context(), it, 1<<20)
		must(t, err)
		if int64(len(raw.Bytes)) != it.Size {
			t.Errorf("a mail of %d bytes was listed with %d", len(raw.Bytes), it.Size)
		}
		_, after, _ := bytes.Cut(raw.Bytes, []byte("Subject: "))
		subject, _, _ := bytes.Cut(after, []byte("\n"))
		out = append(out, strings.TrimSpace(string(subject)))
	}
	return out
}

func wantKind(t *testing.T, what string, err error, kind mailbox.Kind) {
	t.Helper()
	var e *mailbox.Error
	if !errors.As(err, &e) || e.Kind != kind {
		t.Errorf("%s: %v, want kind %s", what, err, kind)
	}
}

// TestListing: single mails, a Maildir and an mbox are one stream, oldest first,
// in pages of any size and over connections; the rest is named.
func TestListing(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"b/first.eml":           letter("one", 1),
		"a/odd name":            letter("four", 4),
		"box":                   "From x Thu Jan  2 12:00:00 2020\n" + letter("two", 2) + "\nFrom x Sun Jan  5 12:00:00 2020\n" + letter("five", 5),
		"dir/cur/1.host:2,S":    letter("three", 3),
		"dir/new/2.host":        "",
		"dir/tmp/3.host":        letter("arriving", 6),
		"dir/cur/.hidden":       letter("hidden", 6),
		"notes.txt":             "Dear diary,\nFrom: is a word\n",
		"empty.eml":             "",
		"page.html":             "<html>\nFrom: a@b\nSubject: x\n</html>",
		"picture":               "\x89PNG\r\n\x1a\n\x00\x00",
		"mail.gz":               "\x1f\x8b\x08\x00",
		"data.json":             "{\"From\": \"a\"}\n",
		"cur/no maildir.md":     "# Notes\n",
		"b/cur/mail anyway.eml": letter("six", 6),
	})
	must(t, os.Chtimes(filepath.Join(dir, "dir/new/2.host"), time.Time{}, time.Date(2020, 1, 9, 0, 0, 0, 0, time.UTC)))
	must(t, os.Symlink(dir, filepath.Join(dir, "loop")))
	must(t, os.Symlink(filepath.Join(dir, "box"), filepath.Join(dir, "link")))

	p, a := New(), accountOf(filepath.Join(dir, "b"), dir, dir)
	c := open(t, p, a, allTime)
	all, end := list(t, c, nil, 100)
	want := []string{"one", "two", "three", "four", "five", "six", ""}
	if got := subjects(t, c, all); !slices.Equal(got, want) {
		t.Errorf("listed %q, want %q", got, want)
	}
	for limit := range 4 {
		var again []mailbox.Item
		var cur mailbox.Cursor
		for n := 0; n < len(all); n += limit + 1 {
			page, err := open(t, New(), a, allTime).Changes(t.Context(), mailbox.Query{Stream: mailbox.Backfill, Cursor: cur, Limit: limit + 1})
			must(t, err)
			again, cur = append(again, page.Items...), page.Next
		}
		if !slices.Equal(again, all) {
			t.Errorf("in pages of %d: %v", limit+1, again)
		}
	}
	if more, cur := list(t, c, end, 10); len(more) > 0 || !bytes.Equal(cur, end) {
		t.Errorf("after the end: %v", more)
	}

	idx, err := p.Index(t.Context(), a)
	must(t, err)
	if idx.Len() != len(all) || idx.Passed(end) != len(all) || idx.Passed(nil) != 0 || idx.Passed(mailbox.Cursor("1.x.3")) != 0 {
		t.Errorf("index of %d mails, %d passed", idx.Len(), idx.Passed(end))
	}
	if got := idx.File(4); got != filepath.Join(dir, "box")+"#2" {
		t.Errorf("file %q", got)
	}
	got := map[string]string{}
	for _, s := range idx.Skipped() {
		rel, _ := filepath.Rel(dir, s.Path)
		got[filepath.ToSlash(rel)] = s.Why
	}
	for name, why := range map[string]string{
		"loop": whyLink, "link": whyLink, "dir/tmp/3.host": whyArriving, "dir/cur/.hidden": whyHidden, "notes.txt": whyNoHeader,
		"empty.eml": whyEmpty, "page.html": whyNoHeader, "picture": whyBinary, "mail.gz": whyPacked, "data.json": whyNoHeader,
		"cur/no maildir.md": whyNoHeader,
	} {
		if got[name] != why {
			t.Errorf("%s: skipped with %q, want %q", name, got[name], why)
		}
		delete(got, name)
	}
	if len(got) > 0 {
		t.Errorf("skipped too: %v", got)
	}
}

// TestWindow: nothing before Since is listed, what is exactly at it is, and
// nothing at all without it. Live is empty.
func TestWindow(t *testing.T) {
	dir := t.TempDir()
	for day := 1; day <= 5; day++ {
		write(t, dir, map[string]string{string(rune('a' + day)): letter(string(rune('0'+day)), day)})
	}
	p, a := New(), accountOf(dir)
	noon := time.Date(2020, 1, 3, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		since time.Time
		want  string
	}{{noon, "345"}, {noon.Add(time.Nanosecond), "45"}, {noon.Add(-time.Nanosecond), "345"}, {time.Time{}, ""}, {Beginning, "12345"}} {
		c := open(t, p, a, mailbox.Intake{Since: tt.since})
		items, cur := list(t, c, nil, 1)
		if got := strings.Join(subjects(t, c, items), ""); got != tt.want {
			t.Errorf("since %v: %q, want %q", tt.since, got, tt.want)
		}
		if more, _ := list(t, c, cur, 1); len(more) > 0 {
			t.Errorf("since %v: more after the end", tt.since)
		}
	}
	c := open(t, p, a, allTime)
	for _, q := range []mailbox.Query{{}, {Resync: true, Cursor: mailbox.Cursor("x")}, {Cursor: mailbox.Cursor("1.live")}} {
		q.Stream, q.Limit = mailbox.Live, 10
		page, err := c.Changes(t.Context(), q)
		if err != nil || len(page.Items) > 0 || page.More || len(page.Next) == 0 {
			t.Errorf("live: %+v, %v", page, err)
		}
	}
}

// TestChange: an archive that changed is listed anew from the start, its old
// mails under their old ids; a mail that is not the one listed is gone.
func TestChange(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"gone": letter("gone", 1), "other": letter("other", 2), "short": letter("short", 3), "grown": letter("grown", 4),
		"box/new/1.host": letter("moved", 5), "box/cur/0": letter("stays", 6),
	})
	p, a := New(), accountOf(dir)
	c := open(t, p, a, allTime)
	items, end := list(t, c, nil, 10)

	must(t, os.Remove(filepath.Join(dir, "gone")))
	write(t, dir, map[string]string{"other": letter("ohter", 2), "short": "Subject: short\n\n", "grown": letter("grown", 4) + "More.\n"})
	must(t, os.Rename(filepath.Join(dir, "box/new/1.host"), filepath.Join(dir, "box/cur/1.host:2,RS")))
	write(t, dir, map[string]string{"added": letter("added", 1)})
	for i, name := range []string{"gone", "other", "short"} {
		_, err := c.Fetch(t.Context(), items[i], 1000)
		wantKind(t, name, err, mailbox.NotFound)
	}
	if got := subjects(t, c, items[4:]); !slices.Equal(got, []string{"moved", "stays"}) {
		t.Errorf("fetched %q", got)
	}
	_, err := c.Changes(t.Context(), mailbox.Query{Stream: mailbox.Backfill, Cursor: end, Limit: 10})
	wantKind(t, "the cursor of another state", err, mailbox.CursorExpired)
	again, _ := list(t, c, nil, 10)
	if got := subjects(t, c, again); !slices.Equal(got, []string{"added", "ohter", "grown", "moved", "stays", "short"}) {
		t.Errorf("listed %q", got)
	}
	if again[3].ID != items[4].ID || again[4].ID != items[5].ID || again[1].ID == items[1].ID {
		t.Error("ids do not follow the mails")
	}
}

// TestTwins: a mail that is there under two names of a Maildir is listed twice;
// one that was moved meanwhile, once, wherever it is now.
func TestTwins(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"cur/1.host:2,S": letter("a", 1), "new/1.host": letter("a", 1), "tmp/": ""})
	c := open(t, New(), accountOf(dir), allTime)
	items, _ := list(t, c, nil, 10)
	if got := subjects(t, c, items); !slices.Equal(got, []string{"a", "a"}) || items[0].ID == items[1].ID {
		t.Errorf("listed %q as %+v", got, items)
	}
	for _, moved := range []string{"cur/1.host:2,S", "new/1.host"} {
		x := &Index{roots: []string{dir}, files: []file{{0, "cur/1.host:2,S"}, {0, "new/1.host"}}, mails: []entry{{}, {file: 1}}}
		at := filepath.Join(dir, filepath.FromSlash(moved))
		must(t, os.Rename(at, at+".away"))
		x.dropTwins()
		must(t, os.Rename(at+".away", at))
		if len(x.mails) != 1 || x.File(0) == at || !slices.Equal(x.Skipped(), []Skipped{{Path: at, Why: whyTwin}}) {
			t.Errorf("without %s: %+v, skipped %+v", moved, x.mails, x.Skipped())
		}
	}
}

// TestFetch: what the contract says about bounds, connections and errors.
func TestFetch(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"a": letter("a", 1)})
	p, a := New(), accountOf(dir)
	c := open(t, p, a, allTime)
	items, _ := list(t, c, nil, 1)
	it := items[0]
	if _, err := c.Fetch(t.Context(), it, it.Size); err != nil {
		t.Errorf("Fetch of exactly max: %v", err)
	}
	_, err := c.Fetch(t.Context(), it, it.Size-1)
	wantKind(t, "Fetch above max", err, mailbox.TooLarge)
	for _, ref := range []string{"", "nonsense", "1 9 0 5 5 a", "1 0 -1 5 5 a", "1 0 0 5 5 ../x", "1 0 99 5 5 a"} {
		_, err := c.Fetch(t.Context(), mailbox.Item{ID: it.ID, Ref: ref}, 1000)
		wantKind(t, "Fetch of "+ref, err, mailbox.NotFound)
	}
	if strings.Contains(it.ID+string(mustCursor(t, c)), "a.eml") || len(it.ID) != 32 {
		t.Errorf("id %q", it.ID)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.Fetch(ctx, it, 1000)
	wantKind(t, "Fetch with an ended ctx", err, mailbox.Transient)
	_, err = c.Changes(ctx, mailbox.Query{Stream: mailbox.Backfill, Limit: 1})
	wantKind(t, "Changes with an ended ctx", err, mailbox.Transient)
	_, err = p.Index(ctx, a)
	wantKind(t, "Index with an ended ctx", err, mailbox.Transient)
	_, err = c.Send(t.Context(), mailbox.Outgoing{})
	wantKind(t, "Send", err, mailbox.Unsupported)
	if !mailbox.Unsent(err) {
		t.Error("Send of an archive proves that nothing was sent")
	}
	_, err = c.FindSent(t.Context(), mailbox.Sought{})
	wantKind(t, "FindSent", err, mailbox.Unsupported)
	must(t, c.Close())
	_, err = c.Fetch(t.Context(), it, 1000)
	wantKind(t, "Fetch after Close", err, mailbox.Transient)
}

func mustCursor(t *testing.T, c mailbox.Conn) mailbox.Cursor {
	t.Helper()
	p, err := c.Changes(t.Context(), mailbox.Query{Stream: mailbox.Backfill, Limit: 1})
	must(t, err)
	return p.Next
}

// TestAccount: the account keeps file names of any bytes, is the same in any
// order of its paths, and says what it lacks.
func TestAccount(t *testing.T) {
	root, err := filepath.Abs(string(filepath.Separator))
	must(t, err)
	a := accountOf(filepath.Join(root, "b\xff"), filepath.Join(root, "a"), filepath.Join(root, "a", "x"), filepath.Join(root, "ab"))
	blob, err := a.MarshalBinary()
	must(t, err)
	var b Account
	must(t, b.UnmarshalBinary(blob))
	if !slices.Equal(a.Paths, b.Paths) || b.Email != a.Email || b.Name != a.Name {
		t.Errorf("came back as %+v", b)
	}
	slices.Reverse(b.Paths)
	if a.Identity() != b.Identity() || strings.Count(a.Identity(), "\x00") != 2 {
		t.Errorf("identities %q and %q", a.Identity(), b.Identity())
	}
	for name, bad := range map[string]Account{
		"zero": {}, "no paths": accountOf(), "relative": accountOf("mail"), "no address": {Email: "nobody", Paths: a.Paths},
	} {
		if err := bad.Validate(); err == nil || strings.Contains(err.Error(), "nobody") {
			t.Errorf("%s: %v", name, err)
		}
	}
	p := New()
	for _, raw := range []string{"", "{", "\x00\xffnonsense", `{"v":2}`, `{"v":1}`} {
		_, err := p.Open(t.Context(), mailbox.Session{Account: []byte(raw)})
		wantKind(t, "Open with bytes that are no account", err, mailbox.Permanent)
	}
	gone, err := accountOf(filepath.Join(t.TempDir(), "gone")).MarshalBinary()
	must(t, err)
	_, err = p.Open(t.Context(), mailbox.Session{Account: gone})
	wantKind(t, "Open of an archive that is not there", err, mailbox.NotFound)
	_, err = p.Index(t.Context(), Account{})
	wantKind(t, "Index of no account", err, mailbox.Permanent)
}

func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

func clock(seconds int64) string { return time.Unix(seconds, 0).UTC().Format("2006-01-02 15:04") }
