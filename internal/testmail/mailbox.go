package testmail

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// as runs f on a connection of its own, logged in as a user.
func (d *Dovecot) as(name string, f func(c *imapclient.Client) error) error {
	d.users.Lock()
	password, ok := d.passwords[name]
	d.users.Unlock()
	if !ok {
		return fmt.Errorf("testmail: no user %s", name)
	}
	c, err := imapclient.DialInsecure(d.addr, nil)
	if err != nil {
		return fmt.Errorf("testmail: %w", err)
	}
	defer c.Close()
	if err := c.Login(name+"@"+Domain, password).Wait(); err != nil {
		return fmt.Errorf("testmail: log in: %w", err)
	}
	if err := f(c); err != nil {
		return fmt.Errorf("testmail: %w", err)
	}
	return c.Logout().Wait()
}

// Letter is a mail to put into a folder.
type Letter struct {
	Raw   []byte
	At    time.Time // when it was received; zero means now
	Flags []imap.Flag
}

// Append puts mails into a folder of a user, as a mail program does. A folder
// that is not there is created.
func (d *Dovecot) Append(name, folder string, mails ...Letter) error {
	return d.as(name, func(c *imapclient.Client) error {
		if err := c.Create(folder, nil).Wait(); err != nil && !exists(err) {
			return err
		}
		for _, m := range mails {
			cmd := c.Append(folder, int64(len(m.Raw)), &imap.AppendOptions{Time: m.At, Flags: m.Flags})
			_, err := cmd.Write(m.Raw)
			if err := errors.Join(err, cmd.Close()); err != nil {
				return err
			}
			if _, err := cmd.Wait(); err != nil {
				return err
			}
		}
		return nil
	})
}

func exists(err error) bool {
	var e *imap.Error
	return errors.As(err, &e) && e.Code == imap.ResponseCodeAlreadyExists
}

// Mails returns what is in a folder of a user, in the order of arrival.
func (d *Dovecot) Mails(name, folder string) (raws [][]byte, err error) {
	err = d.as(name, func(c *imapclient.Client) error {
		in, err := c.Select(folder, &imap.SelectOptions{ReadOnly: true}).Wait()
		if err != nil || in.NumMessages == 0 {
			return err
		}
		got, err := c.Fetch(imap.SeqSet{{Start: 1}}, &imap.FetchOptions{
			BodySection: []*imap.FetchItemBodySection{{Peek: true}}}).Collect()
		for _, m := range got {
			raws = append(raws, m.BodySection[0].Bytes)
		}
		return err
	})
	return raws, err
}

// Remove expunges the mails with a Message-ID, given without angle brackets.
func (d *Dovecot) Remove(name, folder, messageID string) error {
	return d.with(name, folder, messageID, func(c *imapclient.Client, set imap.UIDSet) error {
		deleted := &imap.StoreFlags{Op: imap.StoreFlagsAdd, Flags: []imap.Flag{imap.FlagDeleted}}
		if err := c.Store(set, deleted, nil).Close(); err != nil {
			return err
		}
		return c.Expunge().Close()
	})
}

// Move moves the mails with a Message-ID to another folder, which is created
// when it is not there.
func (d *Dovecot) Move(name, from, to, messageID string) error {
	return d.with(name, from, messageID, func(c *imapclient.Client, set imap.UIDSet) error {
		if err := c.Create(to, nil).Wait(); err != nil && !exists(err) {
			return err
		}
		_, err := c.Move(set, to).Wait()
		return err
	})
}

func (d *Dovecot) with(name, folder, messageID string, f func(c *imapclient.Client, set imap.UIDSet) error) error {
	return d.as(name, func(c *imapclient.Client) error {
		if _, err := c.Select(folder, nil).Wait(); err != nil {
			return err
		}
		found, err := c.UIDSearch(&imap.SearchCriteria{Header: []imap.SearchCriteriaHeaderField{
			{Key: "Message-ID", Value: "<" + messageID + ">"}}}, nil).Wait()
		if err != nil {
			return err
		}
		uids := found.AllUIDs()
		if len(uids) == 0 {
			return fmt.Errorf("no mail %s in %s", messageID, folder)
		}
		return f(c, imap.UIDSetNum(uids...))
	})
}

// ResetUIDValidity loses the list of UIDs of a user's INBOX, as a restore from
// a backup or a move to another server does: the mail stays, gets UIDs from 1
// on, and the folder another UIDVALIDITY. Connections of the user end.
func (d *Dovecot) ResetUIDValidity(name string) error {
	before, err := d.uidValidity(name)
	if err != nil {
		return err
	}
	_ = d.Drop(name) // there may be none
	lists, err := filepath.Glob(filepath.Join(d.maildir(name), "dovecot*"))
	if err != nil {
		return fmt.Errorf("testmail: %w", err)
	}
	for _, path := range lists {
		if b := filepath.Base(path); b == "dovecot-uidlist" || strings.HasPrefix(b, "dovecot.index") {
			if err := os.Remove(path); err != nil {
				return fmt.Errorf("testmail: %w", err)
			}
		}
	}
	after, err := d.uidValidity(name)
	if err != nil || after != before {
		return err
	}
	// It is made of the time in seconds, which was still the same.
	_, err = d.Doveadm("mailbox", "update", "-u", name+"@"+Domain, "--uid-validity", fmt.Sprint(before+1), "INBOX")
	return err
}

func (d *Dovecot) uidValidity(name string) (uint64, error) {
	out, err := d.Doveadm("-f", "flow", "mailbox", "status", "-u", name+"@"+Domain, "uidvalidity", "INBOX")
	if err != nil {
		return 0, err
	}
	_, n, _ := strings.Cut(strings.TrimSpace(out), "uidvalidity=")
	v, err := strconv.ParseUint(n, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("testmail: doveadm says %q", out)
	}
	return v, nil
}

// messageID returns the Message-ID of a mail without angle brackets.
func messageID(raw []byte) string {
	head, _, _ := bytes.Cut(bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")), []byte("\n\n"))
	for line := range bytes.Lines(head) {
		key, value, ok := bytes.Cut(line, []byte(":"))
		if ok && strings.EqualFold(string(key), "message-id") {
			return strings.Trim(strings.TrimSpace(string(value)), "<>")
		}
	}
	return ""
}
