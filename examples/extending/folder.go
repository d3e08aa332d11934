package extending

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/rogpeppe/go-internal/lockedfile"
)

// What can go wrong besides the disk. The texts hold no path and no address.
var (
	errAccount = errors.New("not an account of a drop folder")
	errFolders = errors.New("a drop folder has no folders to choose from")
	errEpoch   = errors.New("the folder was numbered anew")
	errGone    = errors.New("not there")
	errLarge   = errors.New("above the limit")
	errAddress = errors.New("the envelope cannot be written")
	errDoubt   = errors.New("written, but perhaps not in its place")
)

// folder is a drop folder on disk. It does for this provider what a mail server
// does for others: it numbers mail in the order in which it arrived.
//
//	new/     *.eml files put here are mail; other names are left alone
//	cur/     the numbered mail
//	tmp/     files being written
//	outbox/  mail to be carried on
//	sent/    where whoever carries it on moves it afterwards
//	state    the epoch and the last number, locked while mail is numbered
//
// Its methods touch local files only, so ctx is asked once, at their start.
type folder struct{ root *os.Root }

// file is a mail in the folder. Its modification time is its receive time.
type file struct {
	n    int
	name string
	size int64
	at   time.Time
}

// listing is the numbered mail, lowest number first. Numbers mean something
// only within an epoch, which ends when the file state is lost.
type listing struct {
	epoch string
	last  int // the highest number ever given
	files []file
}

func openFolder(ctx context.Context, dir string) (*folder, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errGone
	}
	if err != nil {
		return nil, err
	}
	for _, sub := range []string{"new", "cur", "tmp", "outbox", "sent"} {
		if err := root.MkdirAll(sub, 0o700); err != nil {
			return nil, errors.Join(err, root.Close())
		}
	}
	return &folder{root}, nil
}

// list numbers what is new and lists what is there. A name in cur has a number
// for the order and a random part, so that it is never given to another mail,
// whatever becomes of state.
func (f *folder) list(ctx context.Context) (l listing, err error) {
	if err := ctx.Err(); err != nil {
		return l, err
	}
	state := filepath.Join(f.root.Name(), "state")
	err = lockedfile.Transform(state, func(old []byte) ([]byte, error) {
		if _, err := fmt.Sscan(string(old), &l.epoch, &l.last); err != nil {
			l.epoch, l.last = rand.Text(), 0
		}
		fresh, err := f.read("new")
		if err != nil {
			return nil, err
		}
		if l.files, err = f.read("cur"); err != nil {
			return nil, err
		}
		for i, m := range l.files {
			_, _ = fmt.Sscanf(m.name, "%d-", &l.files[i].n) // 0 for what is not ours
			l.last = max(l.last, l.files[i].n)              // state may be behind after a crash
		}
		l.files = slices.DeleteFunc(l.files, func(m file) bool { return m.n == 0 })
		slices.SortStableFunc(fresh, func(a, b file) int { return a.at.Compare(b.at) })
		for _, m := range fresh {
			from := path.Join("new", m.name)
			l.last++
			m.n, m.name = l.last, fmt.Sprintf("%012d-%s.eml", l.last, rand.Text())
			if err := f.root.Rename(from, path.Join("cur", m.name)); err != nil {
				return nil, err
			}
			l.files = append(l.files, m)
		}
		slices.SortFunc(l.files, func(a, b file) int { return cmp.Compare(a.n, b.n) })
		return fmt.Appendf(nil, "%s %d", l.epoch, l.last), nil
	})
	return l, err
}

// read lists the mail files of a subfolder by name.
func (f *folder) read(sub string) (files []file, err error) {
	entries, err := fs.ReadDir(f.root.FS(), sub)
	for _, e := range entries {
		if path.Ext(e.Name()) != ".eml" || !e.Type().IsRegular() {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, err
		}
		files = append(files, file{name: e.Name(), size: info.Size(), at: info.ModTime()})
	}
	return files, err
}

// get returns a numbered mail of at most limit bytes.
func (f *folder) get(ctx context.Context, name string, limit int64) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	name = path.Join("cur", name)
	info, err := f.root.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errGone
	case err != nil:
		return nil, err
	case info.Size() > limit:
		return nil, errLarge
	}
	raw, err := f.root.ReadFile(name)
	if err == nil && int64(len(raw)) != info.Size() {
		err = io.ErrUnexpectedEOF // half a mail is none
	}
	return raw, err
}

// put writes a mail into outbox, with its envelope in front, one line for each
// address. Any error but errDoubt means that it did not get there.
func (f *folder) put(ctx context.Context, o mailbox.Outgoing) (name string, err error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if len(o.To) == 0 || strings.ContainsAny(o.From+strings.Join(o.To, ""), "<>\r\n") {
		return "", errAddress
	}
	tmp := path.Join("tmp", rand.Text())
	w, err := f.root.Create(tmp)
	if err != nil {
		return "", err
	}
	_, err = fmt.Fprintf(w, "X-Sender: <%s>\r\nX-Receiver: <%s>\r\n%s", o.From, strings.Join(o.To, ">\r\nX-Receiver: <"), o.Raw)
	if err = errors.Join(err, w.Sync(), w.Close()); err != nil {
		return "", errors.Join(err, f.root.Remove(tmp))
	}
	name = fmt.Sprintf("%d-%s-%s.eml", time.Now().UnixNano(), tag(o.MessageID), tag(o.Marker))
	if err := f.root.Rename(tmp, path.Join("outbox", name)); err != nil {
		// A file server may have renamed it and lost the answer.
		return "", errors.Join(errDoubt, err)
	}
	return name, nil
}

// find looks for a sent mail. Mail goes from outbox to sent, so looking in this
// order misses none that is on its way.
func (f *folder) find(ctx context.Context, s mailbox.Sought) (name string, err error) {
	for _, sub := range []string{"outbox", "sent"} {
		files, err := f.read(sub)
		if err = errors.Join(ctx.Err(), err); err != nil {
			return "", err
		}
		for _, m := range files {
			byID := s.MessageID != "" && strings.Contains(m.name, "-"+tag(s.MessageID)+"-")
			if byID || s.Marker != "" && strings.HasSuffix(m.name, "-"+tag(s.Marker)+".eml") {
				return m.name, nil
			}
		}
	}
	return "", errGone
}

// tag is a Message-ID or marker as a part of a file name.
func tag(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s)))[:32] }
