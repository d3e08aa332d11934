package archive

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

// Index is what an archive holds, in the order in which it is listed: by the
// time of receiving, oldest first, then by path and place. It never changes and
// is safe for concurrent use.
type Index struct {
	roots   []string
	files   []file
	mails   []entry
	skipped []Skipped
	digest  string // of the mails in their order and of their files
}

// Skipped is a file that is no mail, or a file or folder that cannot be read.
type Skipped struct {
	Path string
	// Why is a short English phrase.
	Why string
	// Failed tells that it may hold mail and could not be read.
	Failed bool
}

// file is a file with mail in it.
type file struct {
	root int
	rel  string // below the root, empty if it is the root
}

// entry is a mail. There may be millions of them.
type entry struct {
	id     [16]byte
	at     int64 // when it was received, in microseconds since 1970 (see moment)
	off    int64 // where it is in its file
	length int64 // how long it is there
	size   int64 // how long it is once the quoting of an mbox is taken off
	file   uint32
	n      uint32 // its number in an mbox of several, from 1; else 0
}

func makeIndex(ctx context.Context, roots []string, now time.Time) (*Index, error) {
	x := &Index{roots: roots}
	w := walker{ctx: ctx, idx: x, now: now}
	for i, root := range roots {
		if err := w.root(i, root); err != nil {
			return nil, err
		}
	}
	x.mails = slices.Clip(x.mails)
	slices.SortFunc(x.mails, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.at/second, b.at/second), cmp.Compare(a.file, b.file), cmp.Compare(a.off, b.off))
	})
	x.dropTwins()
	h := sha256.New()
	for _, m := range x.mails {
		f := x.files[m.file]
		_, _ = h.Write(m.id[:])
		_, _ = h.Write([]byte(f.rel + "\x00"))
	}
	x.digest = hex.EncodeToString(h.Sum(nil)[:8])
	return x, nil
}

// dropTwins leaves out a mail that was found in new and, being moved while the
// archive was walked, in cur again: what is not there any more is the one that
// was moved. What is there twice stays, under an id of its own: an id is given
// once. What has one id has one time.
func (x *Index) dropTwins() {
	here := map[[16]byte]int{} // where the mail is that has the id
	n := 0
	for i, m := range x.mails {
		if i > 0 && m.at/second != x.mails[i-1].at/second {
			clear(here)
		}
		if first, ok := here[m.id]; ok {
			switch {
			case x.gone(m):
				x.skipped = append(x.skipped, Skipped{Path: x.path(m), Why: whyTwin})
				continue
			case x.gone(x.mails[first]):
				x.skipped = append(x.skipped, Skipped{Path: x.path(x.mails[first]), Why: whyTwin})
				x.mails[first] = m
				continue
			}
			m.id = twinOf(m.id, x.files[m.file].rel)
		} else {
			here[m.id] = n
		}
		x.mails[n] = m
		n++
	}
	x.mails = x.mails[:n]
}

// path returns the path of the file that a mail is in.
func (x *Index) path(m entry) string {
	f := x.files[m.file]
	return filepath.Join(x.roots[f.root], f.rel)
}

// gone reports whether the file that a mail is in is not there any more.
func (x *Index) gone(m entry) bool {
	_, err := os.Lstat(x.path(m))
	return errors.Is(err, fs.ErrNotExist)
}

// Len returns how many mails there are.
func (x *Index) Len() int { return len(x.mails) }

// Skipped returns what was left out, by path. The caller does not change it.
func (x *Index) Skipped() []Skipped { return x.skipped }

// Item returns a mail as Changes lists it, counting from 0.
func (x *Index) Item(i int) mailbox.Item {
	m := x.mails[i]
	f := x.files[m.file]
	p := place{root: f.root, rel: f.rel, off: m.off, length: m.length, size: m.size}
	return mailbox.Item{
		ID: hex.EncodeToString(m.id[:]), Ref: p.String(), Size: m.size,
		ReceivedAt: time.UnixMicro(m.at).UTC(),
	}
}

// File returns the path of the file that a mail is in, counting from 0. A mail
// of an mbox with several has its number in it behind the path, as "#3".
func (x *Index) File(i int) string {
	name := x.path(x.mails[i])
	if n := x.Number(i); n > 0 {
		name += "#" + strconv.Itoa(n)
	}
	return name
}

// Number returns the number that a mail has in an mbox of several, from 1, and
// 0 for any other mail: what tells File from the path of a file with such a
// name.
func (x *Index) Number(i int) int { return int(x.mails[i].n) }

// Passed returns how many mails come before a cursor of Backfill: what a desk
// whose mailbox is at that cursor has taken in. It is 0 for a cursor of another
// index, which a listing starts over from.
func (x *Index) Passed(c mailbox.Cursor) int {
	at, _ := x.place(c)
	return at
}

// cursor is a place in this very index. An archive that changed has another
// one, and is listed from the start: what is known is recognised.
func (x *Index) cursor(at int) mailbox.Cursor {
	return mailbox.Cursor("1." + x.digest + "." + strconv.Itoa(at))
}

func (x *Index) place(c mailbox.Cursor) (at int, ok bool) {
	if len(c) == 0 {
		return 0, true
	}
	number, ok := strings.CutPrefix(string(c), "1."+x.digest+".")
	at, err := strconv.Atoi(number)
	if !ok || err != nil || at < 0 || at > x.Len() {
		return 0, false
	}
	return at, true
}

// idHead is how much of a mail its id depends on.
const idHead = 16 << 10

// idOf makes the id of a mail from where it lies below its root and what it
// begins with, so that it is the same in every run and on every machine, tells
// nothing, and another mail in the same place has another.
func idOf(root int, rel string, off, length int64, head []byte) (id [16]byte) {
	h := sha256.New()
	_, _ = h.Write([]byte(strconv.Itoa(root) + "\x00" + lasting(rel) + "\x00" +
		strconv.FormatInt(off, 10) + "\x00" + strconv.FormatInt(length, 10) + "\x00"))
	_, _ = h.Write(head[:min(len(head), idHead)])
	copy(id[:], h.Sum(nil))
	return id
}

// twinOf makes the id of a mail that lies in a Maildir twice, under names that
// are one but for the flags.
func twinOf(id [16]byte, rel string) (twin [16]byte) {
	sum := sha256.Sum256([]byte(string(id[:]) + filepath.ToSlash(rel)))
	copy(twin[:], sum[:])
	return twin
}
