package testmail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Mail is one mail that Postfix took and owed to somebody outside.
type Mail struct {
	// Queue is Postfix's own id: two mails have two, whatever is in them.
	Queue string
	// From and To are the envelope.
	From string
	To   []string
	// MessageID is the one in Raw, without angle brackets.
	MessageID string
	// Raw is the mail as it was submitted, below the trace field that Postfix
	// put in front.
	Raw []byte
}

// Accepted lists, in their order, the mails to recipients outside that the
// server took since it was made. It waits until the queue has come to rest, so
// that a mail whose sender was cut off in the middle is either listed or will
// never be. The list is read from disk and knows what earlier runs took.
func (p *Postfix) Accepted(ctx context.Context) ([]Mail, error) {
	if err := p.Settle(ctx); err != nil {
		return nil, err
	}
	byQueue := map[string]*Mail{}
	files, err := filepath.Glob(filepath.Join(p.dir, "ledger", "*", "*"))
	if err != nil {
		return nil, fmt.Errorf("testmail: %w", err)
	}
	for _, path := range files {
		if filepath.Base(filepath.Dir(path)) == "tmp" {
			continue
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("testmail: %w", err)
		}
		m, err := readCopy(raw)
		if err != nil {
			return nil, err
		}
		if first := byQueue[m.Queue]; first != nil {
			first.To = append(first.To, m.To...)
		} else {
			byQueue[m.Queue] = &m
		}
	}
	var all []Mail
	for _, m := range byQueue {
		slices.Sort(m.To)
		all = append(all, *m)
	}
	// Long queue ids begin with the time (postconf(5), enable_long_queue_ids).
	slices.SortFunc(all, func(a, b Mail) int { return strings.Compare(a.Queue, b.Queue) })
	return all, nil
}

var (
	returnPath = regexp.MustCompile(`^Return-Path: <(.*)>\n`)
	deliveredX = regexp.MustCompile(`^(?:X-Original-To|Delivered-To): (.*)\n`)
	queueID    = regexp.MustCompile(`^Received: (?:.*\n[ \t]+)*?.*\sid ([0-9A-Za-z]+)(?:;| *\n)`)
	received   = regexp.MustCompile(`^Received: .*\n(?:[ \t].*\n)*`)
)

// readCopy takes a copy for one recipient apart: virtual(8) puts the envelope
// in front, and below it smtpd(8) its trace field.
func readCopy(raw []byte) (m Mail, err error) {
	cut := func(re *regexp.Regexp) string {
		at := re.FindSubmatch(raw)
		if at == nil {
			err = fmt.Errorf("testmail: a mail in the ledger lacks what %s matches", re)
			return ""
		}
		raw = raw[len(at[0]):]
		return string(at[len(at)-1])
	}
	m.From = cut(returnPath)
	m.To = []string{cut(deliveredX)}
	if deliveredX.Match(raw) {
		cut(deliveredX)
	}
	if id := queueID.FindSubmatch(raw); id != nil {
		m.Queue = string(id[1])
	} else {
		err = errors.New("testmail: a mail in the ledger has no queue id")
	}
	cut(received)
	m.Raw = bytes.ReplaceAll(raw, []byte("\n"), []byte("\r\n")) // Maildir stores bare LF
	m.MessageID = messageID(m.Raw)
	return m, err
}

// Settle waits until the server holds no mail that it received or began to
// receive.
func (p *Postfix) Settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		n, err := p.queued()
		if err != nil || n == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("testmail: %d mails are stuck in Postfix's queue (see %s): %w", n, p.LogFile(), ctx.Err())
		case <-time.After(pollEvery):
		}
	}
}

// queued counts the files of the queue. A mail moves on in the order of the
// folders, so one that moves meanwhile is seen at least once.
func (p *Postfix) queued() (n int, err error) {
	for _, name := range []string{"incoming", "active", "deferred"} {
		err := filepath.WalkDir(filepath.Join(p.dir, "spool", name), func(_ string, e fs.DirEntry, err error) error {
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			if e != nil && e.Type().IsRegular() {
				n++
			}
			return nil
		})
		if err != nil {
			return 0, fmt.Errorf("testmail: %w", err)
		}
	}
	return n, nil
}
