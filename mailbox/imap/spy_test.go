package imap_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	goimap "github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-imap/v2/imapserver"
)

// control is the other side of the IMAP server: what it knows and what it
// shall do wrong.
type control struct {
	mu      sync.Mutex
	mails   []stored
	fetched []string
	killed  bool
	pause   time.Duration
	hang    chan struct{}
}

type stored struct {
	folder string
	uid    goimap.UID
	raw    []byte
	at     time.Time
	flags  []goimap.Flag
}

var idLine = regexp.MustCompile(`(?mi)^Message-ID: <([^>]*)>`)

func (s stored) id() string {
	if m := idLine.FindSubmatch(s.raw); m != nil {
		return string(m[1])
	}
	return ""
}

// spy is a session that records and obeys the control.
type spy struct {
	imapserver.Session
	w      *world
	folder string
}

func (s *spy) Login(user, password string) error {
	s.w.ctl.mu.Lock()
	killed := s.w.ctl.killed
	s.w.ctl.mu.Unlock()
	if killed {
		return imapserver.ErrAuthFailed
	}
	return s.Session.Login(user, password)
}

func (s *spy) Select(name string, o *goimap.SelectOptions) (*goimap.SelectData, error) {
	c := &s.w.ctl
	c.mu.Lock()
	pause, hang := c.pause, c.hang
	c.pause = 0
	c.mu.Unlock()
	if hang != nil {
		<-hang
	}
	if pause > 0 {
		return nil, &goimap.Error{Type: goimap.StatusResponseTypeBad,
			Text: fmt.Sprintf("Request is throttled. Suggested Backoff Time: %d milliseconds", pause.Milliseconds())}
	}
	s.folder = name
	return s.Session.Select(name, o)
}

func (s *spy) Fetch(w *imapserver.FetchWriter, set goimap.NumSet, o *goimap.FetchOptions) error {
	if uids, ok := set.(goimap.UIDSet); ok && len(o.BodySection) > 0 {
		c := &s.w.ctl
		c.mu.Lock()
		for _, m := range c.mails {
			if m.folder == s.folder && uids.Contains(m.uid) {
				c.fetched = append(c.fetched, m.id())
			}
		}
		c.mu.Unlock()
	}
	return s.Session.Fetch(w, set, o)
}

// put stores a mail and remembers it.
func (w *world) put(t *testing.T, m stored) {
	t.Helper()
	d, err := w.user.Append(m.folder, literal{bytes.NewReader(m.raw), int64(len(m.raw))},
		&goimap.AppendOptions{Time: m.at, Flags: m.flags})
	if err != nil {
		t.Fatal(err)
	}
	m.uid = d.UID
	w.ctl.mu.Lock()
	w.ctl.mails = append(w.ctl.mails, m)
	w.ctl.mu.Unlock()
}

// admin runs f on another connection to the server.
func (w *world) admin(t *testing.T, folder string, f func(c *imapclient.Client, mails uint32) error) {
	t.Helper()
	c, err := imapclient.DialInsecure(fmt.Sprintf("127.0.0.1:%d", w.imap.Port), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Login(testUser, testPassword).Wait(); err != nil {
		t.Fatal(err)
	}
	d, err := c.Select(folder, nil).Wait()
	if err != nil {
		t.Fatal(err)
	}
	if err := f(c, d.NumMessages); err != nil {
		t.Fatal(err)
	}
}

// remove expunges a mail.
func (w *world) remove(t *testing.T, folder, id string) {
	t.Helper()
	w.admin(t, folder, func(c *imapclient.Client, _ uint32) error {
		d, err := c.UIDSearch(&goimap.SearchCriteria{Header: []goimap.SearchCriteriaHeaderField{
			{Key: "Message-ID", Value: "<" + id + ">"}}}, nil).Wait()
		if err != nil {
			return err
		}
		set := goimap.UIDSetNum(d.AllUIDs()...)
		if err := c.Store(set, &goimap.StoreFlags{Op: goimap.StoreFlagsAdd, Flags: []goimap.Flag{goimap.FlagDeleted}}, nil).Close(); err != nil {
			return err
		}
		return c.Expunge().Close()
	})
	w.ctl.mu.Lock()
	w.ctl.mails = slices.DeleteFunc(w.ctl.mails, func(m stored) bool { return m.folder == folder && m.id() == id })
	w.ctl.mu.Unlock()
}

// read returns all mails of a folder.
func (w *world) read(t *testing.T, folder string) (raws [][]byte) {
	t.Helper()
	w.admin(t, folder, func(c *imapclient.Client, mails uint32) error {
		if mails == 0 {
			return nil
		}
		ms, err := c.Fetch(goimap.SeqSet{{Start: 1}}, &goimap.FetchOptions{
			BodySection: []*goimap.FetchItemBodySection{{Peek: true}}}).Collect()
		for _, m := range ms {
			raws = append(raws, m.BodySection[0].Bytes)
		}
		return err
	})
	return raws
}

// renumber gives a folder a new UIDVALIDITY and its mails new UIDs.
func (w *world) renumber(t *testing.T, folder string) {
	t.Helper()
	if err := w.user.Delete(folder); err != nil {
		t.Fatal(err)
	}
	if err := w.user.Create(folder, nil); err != nil {
		t.Fatal(err)
	}
	w.ctl.mu.Lock()
	all := w.ctl.mails
	w.ctl.mails = nil
	w.ctl.mu.Unlock()
	for _, m := range all {
		if m.folder != folder {
			w.ctl.mu.Lock()
			w.ctl.mails = append(w.ctl.mails, m)
			w.ctl.mu.Unlock()
			continue
		}
		w.put(t, m)
	}
}

// cutter is a listener whose connections can be dropped.
type cutter struct {
	net.Listener
	mu    sync.Mutex
	conns []*cutConn
}

type cutConn struct {
	net.Conn
	c    *cutter
	left int64 // bytes until the cut; 0 is never
}

func (c *cutter) Accept() (net.Conn, error) {
	n, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	cc := &cutConn{Conn: n, c: c}
	c.mu.Lock()
	c.conns = append(c.conns, cc)
	c.mu.Unlock()
	return cc, nil
}

func (c *cutConn) Write(p []byte) (int, error) {
	c.c.mu.Lock()
	left := c.left
	if left > 0 {
		c.left = max(1, left-int64(len(p)))
	}
	c.c.mu.Unlock()
	if left > 0 && int64(len(p)) >= left {
		c.Conn.Write(p[:left])
		c.Conn.Close()
		return 0, io.ErrClosedPipe
	}
	return c.Conn.Write(p)
}

// cut drops all connections after they wrote n more bytes; 0 is now.
func (c *cutter) cut(n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, cc := range c.conns {
		if n == 0 {
			cc.Close()
		}
		cc.left = n
	}
}
