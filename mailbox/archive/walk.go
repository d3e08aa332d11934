package archive

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

// walker fills an index.
type walker struct {
	ctx context.Context
	idx *Index
	now time.Time
	buf []byte
}

// Why files are skipped.
const (
	whyEmpty      = "it is empty"
	whyLink       = "it is a symbolic link"
	whySpecial    = "it is no regular file"
	whyUnreadable = "it cannot be read"
	whyArriving   = "it is still being delivered (tmp of a Maildir)"
	whyHidden     = "it is a hidden file of a Maildir"
	whyPacked     = "it is compressed: unpack it first"
	whyBinary     = "it is no mail but binary data"
	whyNoHeader   = "it is no mail: it does not begin with the header of one"
	whyTwin       = "it was moved from new to cur while the archive was read"
	whyChanging   = "it changed while it was read"
)

// root walks one path that was named. It may be a link, because it was named.
func (w *walker) root(i int, path string) error {
	st, err := os.Stat(path)
	if err != nil {
		return failRead("index", mailbox.Auth, err)
	}
	if st.IsDir() {
		return w.folder(i, path, "")
	}
	return w.file(i, path, "", st.Mode(), maildirPlace(filepath.Dir(path)))
}

// folder walks a folder. Links are not followed, so that there are no loops
// and nothing outside is read.
func (w *walker) folder(root int, path, rel string) error {
	list, err := os.ReadDir(path)
	if err != nil {
		w.skip(path, whyUnreadable)
		return nil
	}
	place := maildirPlace(path)
	for _, d := range list {
		if err := w.ctx.Err(); err != nil {
			return fail("index", mailbox.Transient, "stopped", err)
		}
		p, r := filepath.Join(path, d.Name()), filepath.Join(rel, d.Name())
		if d.IsDir() {
			err = w.folder(root, p, r)
		} else {
			err = w.file(root, p, r, d.Type(), place)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) skip(path, why string) {
	failed := why == whyUnreadable || why == whyChanging
	w.idx.skipped = append(w.idx.skipped, Skipped{Path: path, Why: why, Failed: failed})
}

// file looks into a file, which may be in a place of a Maildir. Only the end
// of ctx is an error.
func (w *walker) file(root int, path, rel string, mode fs.FileMode, maildir string) error {
	switch {
	case mode&fs.ModeSymlink != 0:
		w.skip(path, whyLink)
	case mode.Type() != 0:
		w.skip(path, whySpecial)
	case maildir == "tmp":
		w.skip(path, whyArriving)
	case maildir != "" && strings.HasPrefix(filepath.Base(path), "."):
		w.skip(path, whyHidden)
	default:
		why, err := w.look(root, path, rel, maildir != "")
		if why != "" {
			w.skip(path, why)
		}
		return err
	}
	return nil
}

// headMost is how much of a file is read to find out what it is.
const headMost = 64 << 10

// look takes a file's mails into the index, or tells why it has none.
func (w *walker) look(root int, path, rel string, maildir bool) (why string, err error) {
	f, st, err := openRegular(path)
	if err != nil {
		return whyUnreadable, nil
	}
	defer func() { _ = f.Close() }()
	if w.buf == nil {
		w.buf = make([]byte, headMost)
	}
	n, err := io.ReadFull(f, w.buf)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return whyUnreadable, nil
	}
	head := w.buf[:n]
	is, sure := isMbox(head)
	switch {
	case maildir:
		w.add(root, rel, part{length: st.Size(), size: st.Size(), head: head}, st.ModTime())
		return "", nil
	case n == 0:
		return whyEmpty, nil
	case is:
		return w.mbox(root, rel, f, st, sure)
	case isMail(head):
		w.add(root, rel, part{length: st.Size(), size: st.Size(), head: head}, st.ModTime())
		return "", nil
	}
	return whyNot(head), nil
}

// whyNot names what a file is that is no mail.
func whyNot(head []byte) string {
	for _, magic := range []string{"\x1f\x8b", "BZh", "\xfd7zXZ", "\x28\xb5\x2f\xfd", "PK\x03\x04", "7z\xbc\xaf"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return whyPacked
		}
	}
	if bytes.IndexByte(head, 0) >= 0 {
		return whyBinary
	}
	return whyNoHeader
}

// mbox takes all mails of an mbox, or none of one that could not be read to
// its end. A file of one mail is none unless it is sure or the mail has a header.
func (w *walker) mbox(root int, rel string, f *os.File, st fs.FileInfo, sure bool) (why string, err error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return whyUnreadable, nil
	}
	first, number := len(w.idx.mails), len(w.idx.files)
	s := mboxScanner{ctx: w.ctx, file: f, limit: st.Size(), emit: func(p part) {
		sure = sure || p.n > 1 || isMail(p.head)
		w.add(root, rel, p, st.ModTime())
	}}
	err = s.scan()
	if err != nil || !sure {
		w.idx.mails, w.idx.files = w.idx.mails[:first], w.idx.files[:number]
	}
	switch {
	case err == nil && !sure:
		return whyNoHeader, nil
	case err != nil:
		if w.ctx.Err() != nil {
			return "", fail("index", mailbox.Transient, "stopped", w.ctx.Err())
		}
		return whyChanging, nil
	}
	if len(w.idx.mails) == first+1 {
		w.idx.mails[first].n = 0 // a mail with a "From " line, not a collection
	}
	return "", nil
}

// part is a mail in a file.
type part struct {
	off, length, size int64
	n                 uint32
	head              []byte // as it is in the file, at most headMost bytes
	envelope          string // the line that an mbox has before it
}

func (w *walker) add(root int, rel string, p part, modified time.Time) {
	files := w.idx.files
	if len(files) == 0 || files[len(files)-1] != (file{root, rel}) {
		w.idx.files = append(files, file{root, rel})
	}
	id := idOf(root, rel, p.off, p.length, p.head)
	w.idx.mails = append(w.idx.mails, entry{
		id: id, at: moment(receivedAt(p.head, p.envelope, modified, w.now), p.head, id),
		off: p.off, length: p.length, size: p.size, file: uint32(len(w.idx.files) - 1), n: p.n,
	})
}

// openRegular opens a regular file and nothing else: opening a pipe would wait
// for its writer.
func openRegular(path string) (*os.File, fs.FileInfo, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, nil, fs.ErrNotExist
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	if st, err = f.Stat(); err != nil {
		_ = f.Close()
		return nil, nil, err
	}
	return f, st, nil
}

// maildirPlace returns "cur", "new" or "tmp" for that folder of a Maildir, and
// else nothing. A Maildir may lack one of them: tools that know no empty
// folders drop tmp and new.
func maildirPlace(folder string) string {
	name, three := filepath.Base(folder), []string{"cur", "new", "tmp"}
	if !slices.Contains(three, name) {
		return ""
	}
	there := 0
	for _, sibling := range three {
		if st, err := os.Stat(filepath.Join(filepath.Dir(folder), sibling)); err == nil && st.IsDir() {
			there++
		}
	}
	if there < 2 || name == "tmp" && there < 3 {
		return ""
	}
	return name
}

// lasting is a path without what changes in a Maildir while a mail stays the
// same: the folder new or cur, and the flags behind the name.
func lasting(rel string) string {
	dir, base := filepath.Split(rel)
	dir = filepath.Clean(dir)
	if place := filepath.Base(dir); place != "cur" && place != "new" {
		return filepath.ToSlash(rel)
	}
	return filepath.ToSlash(filepath.Dir(dir)) + "//" + unflagged(base)
}

// unflagged is the name of a mail in a Maildir without its flags. Beside the
// colon there are the signs that programs use where a colon cannot be.
func unflagged(base string) string {
	if i := strings.LastIndex(base, "2,"); i > 0 && strings.ContainsRune(":;!", rune(base[i-1])) {
		return base[:i-1]
	}
	return base
}
