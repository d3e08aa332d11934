package main

import (
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox/rfc822"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// maxFile is how much of a file is read: more than any mail the library takes.
const maxFile = 64 << 20

// list names the files below the paths, folders in lexical order. What below a
// folder is no regular file is passed over.
func list(paths []string) ([]string, error) {
	var files []string
	for _, p := range paths {
		st, err := os.Stat(p)
		if err != nil {
			return nil, err
		}
		if !st.IsDir() {
			files = append(files, p)
			continue
		}
		err = filepath.WalkDir(p, func(path string, e fs.DirEntry, err error) error {
			if err != nil && e != nil && e.IsDir() && path != p {
				files = append(files, path) // it will say why it cannot be read
				return fs.SkipDir
			}
			if err == nil && e.Type().IsRegular() {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

// inspect understands the files on all cores and yields the reports in order.
func inspect(files []string, o options) iter.Seq[report] {
	return func(yield func(report) bool) {
		n := runtime.GOMAXPROCS(0)
		jobs, stop := make(chan chan report, 2*n), make(chan struct{})
		defer close(stop)
		slots := make(chan struct{}, n)
		go func() {
			defer close(jobs)
			for _, f := range files {
				done := make(chan report, 1)
				select {
				case jobs <- done:
				case <-stop:
					return
				}
				slots <- struct{}{}
				go func() {
					defer func() { <-slots }()
					done <- inspectFile(f, o)
				}()
			}
		}()
		for done := range jobs {
			if !yield(<-done) {
				return
			}
		}
	}
}

// inspectFile never fails: what is wrong is in the report.
func inspectFile(path string, o options) report {
	raw, err := read(path)
	if err != nil {
		r := emptyReport(path)
		r.Error = err.Error()
		return r
	}
	if o.text && isText(path) {
		return reportOf(path, understandText(raw))
	}
	return reportOf(path, understand(raw))
}

func isText(path string) bool { return strings.EqualFold(filepath.Ext(path), ".txt") }

func read(path string) ([]byte, error) {
	st, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !st.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no regular file", path)
	case st.Size() > maxFile:
		return nil, fmt.Errorf("%s is larger than %d MiB", path, maxFile>>20)
	}
	return os.ReadFile(path)
}

// understood is all that the library makes of a mail.
type understood struct {
	mail        ticket.Inbound
	html, reply rfc822.SafeHTML
	remote      int
}

func understand(raw []byte) understood {
	u := understood{mail: rfc822.Parse(raw)}
	u.trim()
	return u
}

// understandText takes bytes as the plain text of a mail.
func understandText(raw []byte) understood {
	in := rfc822.Parse(append([]byte("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"), raw...))
	u := understood{mail: ticket.Inbound{Text: in.Text, Kind: ticket.KindPerson}}
	u.trim()
	return u
}

func (u *understood) trim() {
	rfc822.Trim(&u.mail)
	if u.mail.HTML == "" {
		return
	}
	own := rfc822.SanitizeOptions{Inline: func(id string) string {
		for _, a := range u.mail.Attachments {
			if a.ContentID != "" && strings.EqualFold(a.ContentID, id) {
				return fmt.Sprintf("attachments/%d", a.Index)
			}
		}
		return ""
	}}
	var done rfc822.Sanitized
	u.html, done = rfc822.Sanitize(u.mail.HTML, own)
	u.remote = done.RemoteRemoved
	if u.mail.ReplyHTML == u.mail.HTML {
		u.reply = u.html
		return
	}
	u.reply, _ = rfc822.Sanitize(u.mail.ReplyHTML, own)
}

// stamp writes a time as RFC 3339, and none as nothing.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}
