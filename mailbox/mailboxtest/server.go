package mailboxtest

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
)

// box is one mailbox at the server. Everything in it is guarded by Fake.mu.
type box struct {
	password string
	dead     bool
	folders  map[string]bool
	letters  []*letter
	log      []entry
	epochs   map[mailbox.Stream]int
	ledger   []*SentMail
	fetched  []string
	moved    []string // Message-IDs of the bytes that were transferred

	hints   int           // notifications so far
	heldOff bool          // one is held back until the next
	mute    bool          // none are given
	wake    chan struct{} // closed at the next notification
	watches []mailbox.Watch
	pushes  []push
}

// letter is one mail at the server.
type letter struct {
	id, thread, folder string
	seq                int
	raw                []byte
	at                 time.Time
	from               string
	hasEnvelope        bool
	draft, gone        bool
	out                mailbox.Outgoing // of what was sent or drafted here
	messageID          string           // in raw
	draftID            string           // the draft it was sent from
	foundAt            time.Time        // when FindSent starts to see it
}

// entry is one change in the order in which the mailbox changed.
type entry struct {
	m      *letter
	folder string
	gone   bool
}

// Arrival is a mail that reaches a mailbox.
type Arrival struct {
	// Raw is the mail.
	Raw []byte
	// At is when the provider received it; zero means now.
	At time.Time
	// Folder is where it lands; empty means Inbox.
	Folder string
	// EnvelopeFrom and HasEnvelope are as in mailbox.Raw.
	EnvelopeFrom string
	HasEnvelope  bool
}

// Put lets a mail arrive now, whatever its receive time, and returns its id.
// Whoever listens to the mailbox is told.
func (f *Fake) Put(user string, a Arrival) (id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if a.At.IsZero() {
		a.At = time.Now()
	}
	if a.Folder == "" {
		a.Folder = Inbox
	}
	b := f.box(user)
	m := f.add(b, a.Folder, a.Raw, a.At)
	m.from, m.hasEnvelope = a.EnvelopeFrom, a.HasEnvelope
	f.notify(user, b)
	return m.id
}

// Deliver lets a mail arrive in the inbox and returns its id.
func (f *Fake) Deliver(user string, raw []byte) (id string) {
	return f.Put(user, Arrival{Raw: raw})
}

// DeliverAt is Deliver with the receive time that the provider states.
func (f *Fake) DeliverAt(user string, raw []byte, at time.Time) (id string) {
	return f.Put(user, Arrival{Raw: raw, At: at})
}

// AddFolder makes an empty folder. Put makes the folder it needs.
func (f *Fake) AddFolder(user, folder string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.box(user).folders[folder] = true
}

// Remove deletes a mail for good. It panics if there is none with this id.
func (f *Fake) Remove(user, id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := f.box(user)
	b.remove(b.mustFind(id))
	f.notify(user, b)
}

// Move puts a mail into another folder, where it keeps its id. It panics if
// there is none with this id.
func (f *Fake) Move(user, id, folder string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := f.box(user)
	m := b.mustFind(id)
	b.folders[folder] = true
	b.log = append(b.log, entry{m, m.folder, true}, entry{m, folder, false})
	m.folder, m.draft = folder, folder == DraftsFolder
	f.notify(user, b)
}

// IDs returns the ids of the mails in a folder, in order of arrival.
func (f *Fake) IDs(user, folder string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var ids []string
	for _, m := range f.box(user).letters {
		if !m.gone && m.folder == folder {
			ids = append(ids, m.id)
		}
	}
	return ids
}

// Raw returns the bytes of a mail as the provider keeps them, or nil.
func (f *Fake) Raw(user, id string) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	if m := f.box(user).find(id); m != nil {
		return bytes.Clone(m.raw)
	}
	return nil
}

// FetchedIDs lists the ids of the mails whose bytes were asked for, each time
// they were, whether or not the request succeeded.
func (f *Fake) FetchedIDs(user string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.box(user).fetched)
}

// Transferred lists the Message-IDs of the mails whose bytes left the server,
// whole or in part.
func (f *Fake) Transferred(user string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.box(user).moved)
}

// ExpireCursor makes the provider forget every cursor it gave out for user.
func (f *Fake) ExpireCursor(user string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := f.box(user)
	b.epochs[mailbox.Live]++
	b.epochs[mailbox.Backfill]++
}

// SetPassword sets what Open accepts from now on and ends KillToken. Open
// connections stay.
func (f *Fake) SetPassword(user, password string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := f.box(user)
	b.password, b.dead = password, false
}

// KillToken makes everything fail with Auth, on open connections too, until
// SetPassword.
func (f *Fake) KillToken(user string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.box(user).dead = true
}

// TokenDead reports whether the grant ended, by KillToken, a fault or Revoke.
func (f *Fake) TokenDead(user string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.box(user).dead
}

// RefuseRecipient makes the provider refuse an envelope recipient. A mail
// whose recipients are all refused is not sent.
func (f *Fake) RefuseRecipient(addr string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refused[addr] = true
}

func (f *Fake) box(user string) *box {
	b := f.boxes[user]
	if b == nil {
		b = &box{wake: make(chan struct{}), epochs: map[mailbox.Stream]int{},
			folders: map[string]bool{Inbox: true, SentFolder: true, DraftsFolder: true}}
		f.boxes[user] = b
	}
	return b
}

// add stores a mail and logs it.
func (f *Fake) add(b *box, folder string, raw []byte, at time.Time) *letter {
	f.lastID++
	m := &letter{id: fmt.Sprintf("m%d", f.lastID), folder: folder, seq: f.lastID,
		raw: bytes.Clone(raw), at: at, messageID: messageID(raw), draft: folder == DraftsFolder}
	m.out.Raw = m.raw
	if f.opts.Capabilities.Threads {
		m.thread = b.threadOf(raw, m.id)
	}
	b.folders[folder] = true
	b.letters = append(b.letters, m)
	b.log = append(b.log, entry{m, folder, false})
	return m
}

// threadOf finds the thread as providers do: by what the mail refers to.
func (b *box) threadOf(raw []byte, id string) string {
	refs := references(raw)
	for _, m := range b.letters {
		if m.messageID != "" && slices.Contains(refs, m.messageID) {
			return m.thread
		}
	}
	return "t" + id
}

func (b *box) remove(m *letter) {
	m.gone = true
	b.log = append(b.log, entry{m, m.folder, true})
}

func (b *box) refuses(password string) bool {
	return b.dead || b.password != "" && b.password != password
}

func (b *box) find(id string) *letter {
	for _, m := range b.letters {
		if m.id == id && !m.gone {
			return m
		}
	}
	return nil
}

func (b *box) mustFind(id string) *letter {
	m := b.find(id)
	if m == nil {
		panic("mailboxtest: no mail with id " + id)
	}
	return m
}
