package imap

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

const inbox = "INBOX"

// folder is a selected folder.
type folder struct {
	name     string
	key      string
	sent     bool
	validity uint32
	next     imap.UID // 0 where the server does not say
	modSeq   uint64
	messages uint32
}

// folderKey names a folder where its name would tell too much.
func folderKey(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:4])
}

// folderName gives the inbox its one spelling (RFC 3501 section 5.1).
func folderName(name string) string {
	if strings.EqualFold(name, inbox) {
		return inbox
	}
	return name
}

func itemID(key string, validity uint32, uid imap.UID) string {
	return fmt.Sprintf("%s:%d:%d", key, validity, uid)
}

func parseItemID(id string) (key string, validity uint32, uid imap.UID, ok bool) {
	parts := strings.Split(id, ":")
	if len(parts) != 3 {
		return "", 0, 0, false
	}
	v, err1 := strconv.ParseUint(parts[1], 10, 32)
	u, err2 := strconv.ParseUint(parts[2], 10, 32)
	if err1 != nil || err2 != nil || v == 0 || u == 0 {
		return "", 0, 0, false
	}
	return parts[0], uint32(v), imap.UID(u), true
}

// chosen returns the folders of the intake, each once.
func (c *conn) chosen() []string {
	if len(c.intake.Folders) == 0 {
		return []string{inbox}
	}
	var names []string
	seen := map[string]bool{}
	for _, name := range c.intake.Folders {
		name = folderName(name)
		if !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	return names
}

// examine selects a folder without the right to change it, so that nothing is
// marked as read.
func (c *conn) examine(ctx context.Context, op, name string) (*folder, error) {
	c.current = nil
	f := &folder{name: name, key: folderKey(name)}
	// The end of a Wait keeps the connection.
	err := c.do(ctx, op, exchange{leave: op == opWait}, func(cl *imapclient.Client) error {
		d, err := cl.Select(name, &imap.SelectOptions{ReadOnly: true, CondStore: c.caps.Has(imap.CapCondStore)}).Wait()
		if err != nil {
			return err
		}
		f.validity, f.next, f.modSeq, f.messages = d.UIDValidity, d.UIDNext, d.HighestModSeq, d.NumMessages
		return nil
	})
	if errors.Is(err, errRefused) {
		// Dovecot has no response code for a folder that is not there.
		if there, e := c.listed(ctx, op, name); e != nil {
			err = e
		} else if !there {
			err = fail(op, mailbox.NotFound, "folder is not there", nil)
		}
	}
	if err != nil {
		return nil, err
	}
	if f.validity == 0 {
		// Without it a UID names nothing (RFC 3501 section 2.3.1.1).
		return nil, fail(op, mailbox.Permanent, "server gives no UIDVALIDITY", nil)
	}
	c.current = f
	return f, nil
}

// listed reports whether a folder can be selected.
func (c *conn) listed(ctx context.Context, op, name string) (there bool, err error) {
	err = c.do(ctx, op, exchange{leave: op == opWait}, func(cl *imapclient.Client) error {
		cmd := cl.List("", name, nil)
		for d := cmd.Next(); d != nil; d = cmd.Next() {
			there = there || folderName(d.Mailbox) == name && !hasAttr(d, imap.MailboxAttrNoSelect)
		}
		return cmd.Close()
	})
	return there, err
}

// maxFound bounds the UIDs that one search may name.
const maxFound = 1 << 20

// search returns the UIDs in the selected folder that match, ascending.
func (c *conn) search(ctx context.Context, op string, by *imap.SearchCriteria) ([]imap.UID, error) {
	var found []imap.UID
	err := c.do(ctx, op, exchange{budget: searchBudget}, func(cl *imapclient.Client) error {
		d, err := cl.UIDSearch(by, nil).Wait()
		if err != nil {
			return err
		}
		set, _ := d.All.(imap.UIDSet)
		found, err = expand(set)
		return err
	})
	return found, err
}

// expand lists a set. The library's own way allocates what the server asks
// for: one line could name four billion UIDs.
func expand(set imap.UIDSet) ([]imap.UID, error) {
	var n uint64
	for _, r := range set {
		if r.Start == 0 || r.Stop < r.Start {
			return nil, errProtocol
		}
		if n += uint64(r.Stop-r.Start) + 1; n > maxFound {
			return nil, errFlooded
		}
	}
	uids := make([]imap.UID, 0, n)
	for _, r := range set {
		for u := uint64(r.Start); u <= uint64(r.Stop); u++ {
			uids = append(uids, imap.UID(u))
		}
	}
	return uids, nil
}

// exists reports whether a UID is in the selected folder, and its sequence
// number.
func (c *conn) exists(ctx context.Context, op string, uid imap.UID) (seq uint32, err error) {
	err = c.do(ctx, op, exchange{}, func(cl *imapclient.Client) error {
		d, err := cl.Search(&imap.SearchCriteria{UID: []imap.UIDSet{imap.UIDSetNum(uid)}}, nil).Wait()
		if err != nil {
			return err
		}
		set, _ := d.All.(imap.SeqSet)
		if len(set) > 1 || len(set) == 1 && (set[0].Start == 0 || set[0].Start != set[0].Stop) {
			return errProtocol
		}
		if len(set) == 1 {
			seq = set[0].Start
		}
		return nil
	})
	return seq, err
}

// last returns the highest UID in the selected folder, or 0.
func (c *conn) last(ctx context.Context, op string, f *folder) (imap.UID, error) {
	if f.next > 0 {
		return f.next - 1, nil
	}
	if f.messages == 0 {
		return 0, nil
	}
	// "*" is the highest number in use (RFC 3501 section 9, seq-number).
	found, err := c.search(ctx, op, &imap.SearchCriteria{UID: []imap.UIDSet{{imap.UIDRange{}}}})
	if err != nil || len(found) == 0 {
		return 0, err
	}
	return found[len(found)-1], nil
}
