package archive

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

// place is where a mail lies: what Item.Ref says.
type place struct {
	root              int
	rel               string
	off, length, size int64
}

// String is the form that parsePlace reads. A path may hold any byte, so it is
// last.
func (p place) String() string {
	return fmt.Sprintf("1 %d %d %d %d %s", p.root, p.off, p.length, p.size, p.rel)
}

func parsePlace(s string) (p place, err error) {
	f := strings.SplitN(s, " ", 6)
	if len(f) != 6 || f[0] != "1" {
		return p, errors.New("archive: a reference of another version")
	}
	var numbers [4]int64
	for i := range numbers {
		if numbers[i], err = strconv.ParseInt(f[i+1], 10, 64); err != nil || numbers[i] < 0 {
			return p, errors.New("archive: a malformed reference")
		}
	}
	if f[5] != "" && !filepath.IsLocal(f[5]) {
		return p, errors.New("archive: a reference that leads out of the archive")
	}
	return place{root: int(numbers[0]), off: numbers[1], length: numbers[2], size: numbers[3], rel: f[5]}, nil
}

// read returns the mail, if it is still the one with the id.
func (p place) read(root, id string) ([]byte, error) {
	path := filepath.Join(root, p.rel)
	f, st, err := openRegular(path)
	if errors.Is(err, fs.ErrNotExist) {
		f, st, err = openRenamed(path)
	}
	if err != nil {
		return nil, failRead("fetch", mailbox.Permanent, err)
	}
	defer func() { _ = f.Close() }()
	if st.Size() < p.off+p.length {
		return nil, fail("fetch", mailbox.NotFound, "the file is shorter than it was", nil)
	}
	raw := make([]byte, p.length)
	if _, err := f.ReadAt(raw, p.off); err != nil && (!errors.Is(err, io.EOF) || p.length > 0) {
		return nil, fail("fetch", mailbox.Transient, "the file cannot be read now", err)
	}
	sum := idOf(p.root, p.rel, p.off, p.length, raw)
	twin := twinOf(sum, p.rel)
	if hex.EncodeToString(sum[:]) != id && hex.EncodeToString(twin[:]) != id {
		return nil, fail("fetch", mailbox.NotFound, "the file holds another mail now", nil)
	}
	if p.size < p.length {
		raw = decode(raw)
	}
	return raw, nil
}

// openRenamed opens a mail of a Maildir that was moved from new to cur or got
// other flags since it was listed.
func openRenamed(path string) (*os.File, fs.FileInfo, error) {
	dir, base := filepath.Split(path)
	if maildirPlace(filepath.Clean(dir)) == "" {
		return nil, nil, fs.ErrNotExist
	}
	for _, place := range []string{"cur", "new"} {
		folder := filepath.Join(dir, "..", place)
		list, _ := os.ReadDir(folder)
		for _, d := range list {
			if unflagged(d.Name()) == unflagged(base) {
				return openRegular(filepath.Join(folder, d.Name()))
			}
		}
	}
	return nil, nil, fs.ErrNotExist
}

// decode returns a mail of an mbox as it was before it was put there, in the
// memory of raw: the header is as it was, and in the body the lines that would
// look like the start of the next mail have lost their sign. It looks at as much
// of a line as the scanner does, which counts what is taken off.
func decode(raw []byte) []byte {
	out, header := raw[:0], true // out is never ahead of what is still to be read
	for line := range bytes.Lines(raw) {
		look := line[:min(len(line), lineMost)]
		switch {
		case header:
			header = len(bytes.TrimRight(look, "\r\n")) > 0
		case isQuoted(look):
			line = line[1:]
		}
		out = append(out, line...)
	}
	return out
}

// isQuoted reports whether a line is a "From " line quoted as in mboxo or
// mboxrd.
func isQuoted(line []byte) bool {
	rest := bytes.TrimLeft(line, ">")
	return len(rest) < len(line) && bytes.HasPrefix(rest, []byte("From "))
}
