package imap

import (
	"bytes"
	"context"
	"net/mail"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

// markerHeader carries Outgoing.Marker. It survives where a server rewrites
// Message-IDs.
const markerHeader = "X-Helpdesk-Marker"

// lookAgain is how long a mailbox without a folder of sent mail is believed.
const lookAgain = 10 * time.Minute

// sentFolder finds the folder of sent mail: the host's word, then SPECIAL-USE
// (RFC 6154), then the names in use. It returns "" if there is none.
func (c *conn) sentFolder(ctx context.Context, op string) (string, error) {
	if c.acct.Sent != "" {
		c.sent = folderName(c.acct.Sent)
	}
	if c.sent != "" || time.Since(c.lookedAt) < lookAgain {
		return c.sent, nil
	}
	var o *imap.ListOptions
	if c.caps.Has(imap.CapSpecialUse) && c.caps.Has(imap.CapListExtended) {
		o = &imap.ListOptions{ReturnSpecialUse: true}
	}
	byUse, byName := "", map[string]string{}
	err := c.do(ctx, op, exchange{}, func(cl *imapclient.Client) error {
		cmd := cl.List("", "*", o)
		for d := cmd.Next(); d != nil; d = cmd.Next() {
			switch {
			case hasAttr(d, imap.MailboxAttrNoSelect), hasAttr(d, imap.MailboxAttrNonExistent):
			case byUse == "" && hasAttr(d, imap.MailboxAttrSent):
				byUse = d.Mailbox
			default:
				byName[strings.ToLower(d.Mailbox)] = d.Mailbox
			}
		}
		return cmd.Close()
	})
	if err != nil {
		return "", err
	}
	c.sent, c.lookedAt = byUse, time.Now()
	for _, name := range []string{
		"sent", "sent items", "sent messages", "[gmail]/sent mail", "[google mail]/sent mail",
		"inbox.sent", "inbox/sent", "inbox.sent items", "inbox.sent messages", "sent mail",
	} {
		if c.sent == "" {
			c.sent = byName[name]
		}
	}
	return c.sent, nil
}

func hasAttr(d *imap.ListData, want imap.MailboxAttr) bool {
	for _, a := range d.Attrs {
		if a == want {
			return true
		}
	}
	return false
}

// FindSent implements mailbox.Conn. Without a folder of sent mail there is no
// way to look.
func (c *conn) FindSent(ctx context.Context, s mailbox.Sought) (mailbox.Receipt, error) {
	if s.MessageID == "" && s.Marker == "" {
		return mailbox.Receipt{}, fail(opFindSent, mailbox.Permanent, "nothing to look for", nil)
	}
	f, err := c.examineSent(ctx, opFindSent)
	if err != nil {
		return mailbox.Receipt{}, err
	}
	return c.lookup(ctx, opFindSent, f, s)
}

// examineSent selects the folder of sent mail, or returns Unsupported.
func (c *conn) examineSent(ctx context.Context, op string) (*folder, error) {
	name, err := c.sentFolder(ctx, op)
	if err != nil {
		return nil, err
	}
	if name != "" {
		f, err := c.examine(ctx, op, name)
		if mailbox.KindOf(err) != mailbox.NotFound || err == nil {
			return f, err
		}
		c.sent, c.lookedAt = "", time.Time{}
	}
	return nil, fail(op, mailbox.Unsupported, "mailbox has no folder of sent mail", nil)
}

// lookup searches the selected folder by Message-ID and by marker, and reads
// the headers of what it finds: a search matches parts of a text, and the mail
// may carry another Message-ID by now.
func (c *conn) lookup(ctx context.Context, op string, f *folder, s mailbox.Sought) (mailbox.Receipt, error) {
	var keys []imap.SearchCriteria
	if s.MessageID != "" {
		keys = append(keys, header("Message-ID", "<"+s.MessageID+">"))
	}
	if s.Marker != "" {
		keys = append(keys, header(markerHeader, s.Marker))
	}
	for _, by := range keys {
		by.Since = dayBefore(s.Since)
		uids, err := c.search(ctx, op, &by)
		if err != nil {
			return mailbox.Receipt{}, err
		}
		if over := len(uids) - maxCandidates; over > 0 {
			uids = uids[over:] // the newest
		}
		r, found, err := c.confirm(ctx, op, f, uids, s)
		if err != nil || found {
			return r, err
		}
	}
	return mailbox.Receipt{}, fail(op, mailbox.NotFound, "no such mail among the sent ones", nil)
}

const maxCandidates = 20

func header(key, value string) imap.SearchCriteria {
	return imap.SearchCriteria{Header: []imap.SearchCriteriaHeaderField{{Key: key, Value: value}}}
}

// confirm reads the identifying headers of candidates in the folder of sent
// mail.
func (c *conn) confirm(ctx context.Context, op string, f *folder, uids []imap.UID, s mailbox.Sought) (r mailbox.Receipt, found bool, err error) {
	section := &imap.FetchItemBodySection{
		Specifier: imap.PartSpecifierHeader, HeaderFields: []string{"MESSAGE-ID", strings.ToUpper(markerHeader)}, Peek: true,
	}
	for _, uid := range uids {
		parts, err := c.parts(ctx, exchange{mail: true}, imap.UIDSetNum(uid),
			&imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{section}}, smallBudget)
		if err != nil {
			e := asError(op, err)
			return r, false, &mailbox.Error{Op: op, Kind: e.Kind, Cause: e.Cause, RetryAfter: e.RetryAfter, Err: e.Err}
		}
		b := pick(parts, uid)
		if b == nil {
			continue
		}
		m, err := mail.ReadMessage(bytes.NewReader(append(bytes.TrimRight(b, "\r\n"), "\r\n\r\n"...)))
		if err != nil {
			continue // not a mail of ours
		}
		id := strings.Trim(strings.TrimSpace(m.Header.Get("Message-Id")), "<>")
		marked := s.Marker != "" && strings.TrimSpace(m.Header.Get(markerHeader)) == s.Marker
		if !marked && (s.MessageID == "" || id != s.MessageID) {
			continue
		}
		r = mailbox.Receipt{ID: itemID(f.key, f.validity, uid), Filed: true}
		if id != s.MessageID {
			r.MessageID = id
		}
		return r, true, nil
	}
	return r, false, nil
}

// File implements mailbox.Filer. It looks before it appends, because the
// server may have filed the mail itself and an earlier call may have succeeded
// without our knowing.
func (c *conn) File(ctx context.Context, o mailbox.Outgoing) (mailbox.Receipt, error) {
	s := mailbox.Sought{MessageID: o.MessageID, Marker: o.Marker}
	if s.MessageID == "" && s.Marker == "" {
		return mailbox.Receipt{}, fail(opFile, mailbox.Permanent, "mail has no Message-ID", nil)
	}
	f, err := c.examineSent(ctx, opFile)
	switch {
	case mailbox.KindOf(err) == mailbox.Unsupported && err != nil:
		if f, err = c.createSent(ctx); err != nil {
			return mailbox.Receipt{}, err
		}
	case err != nil:
		return mailbox.Receipt{}, err
	}
	r, err := c.lookup(ctx, opFile, f, s)
	if err == nil || mailbox.KindOf(err) != mailbox.NotFound {
		return r, err
	}
	return c.append(ctx, f, o, s)
}

// append stores a mail in the folder of sent mail.
func (c *conn) append(ctx context.Context, f *folder, o mailbox.Outgoing, s mailbox.Sought) (mailbox.Receipt, error) {
	raw := normalise(o.Raw)
	var d *imap.AppendData
	x := transfer(int64(len(raw)))
	x.budget, x.mail = smallBudget, false
	err := c.do(ctx, opFile, x, func(cl *imapclient.Client) error {
		cmd := cl.Append(f.name, int64(len(raw)), &imap.AppendOptions{Flags: []imap.Flag{imap.FlagSeen}})
		_, werr := cmd.Write(raw)
		cerr := cmd.Close()
		var err error
		if d, err = cmd.Wait(); err != nil {
			return err
		}
		if werr != nil {
			return werr
		}
		return cerr
	})
	if err != nil {
		return mailbox.Receipt{}, err
	}
	if d.UID != 0 && d.UIDValidity != 0 {
		return mailbox.Receipt{ID: itemID(f.key, d.UIDValidity, d.UID), Filed: true}, nil
	}
	if f, err = c.examine(ctx, opFile, f.name); err != nil {
		return mailbox.Receipt{Filed: true}, nil // filed, whatever became of the connection
	}
	r, err := c.lookup(ctx, opFile, f, s)
	if err != nil {
		return mailbox.Receipt{Filed: true}, nil // filed, but the search lags behind
	}
	return r, nil
}

// createSent makes a folder of sent mail where there is none.
func (c *conn) createSent(ctx context.Context) (*folder, error) {
	name := "Sent"
	if c.acct.Sent != "" {
		name = folderName(c.acct.Sent)
	}
	err := c.do(ctx, opFile, exchange{}, func(cl *imapclient.Client) error { return cl.Create(name, nil).Wait() })
	if err != nil {
		return nil, err
	}
	f, err := c.examine(ctx, opFile, name)
	if err == nil {
		c.sent = name
	}
	return f, err
}
