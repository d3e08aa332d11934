package demomail

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Mail is a mail in somebody's mailbox.
type Mail struct {
	// Number names the mail in its world.
	Number int
	At     time.Time
	// Sent is set for what the owner of the mailbox wrote himself.
	Sent bool
	Raw  []byte
}

// keep puts a mail into the mailbox of somebody outside. Old mail makes room.
func (w *World) keep(address string, m Mail) {
	address = strings.ToLower(address)
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, known := w.people[address]; !known && len(w.people) >= maxPeople {
		return
	}
	w.seq++
	m.Number = w.seq
	box := append(slices.Clone(w.people[address]), m)
	if len(box) > maxPerInbox {
		box = box[len(box)-maxPerInbox:]
	}
	w.people[address] = box
}

// People returns the addresses outside that wrote or were written to, sorted.
func (w *World) People() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Sorted(maps.Keys(w.people))
}

// Mails returns what somebody wrote and received, oldest first.
func (w *World) Mails(address string) []Mail {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.people[strings.ToLower(address)])
}

// Received returns what somebody received, oldest first.
func (w *World) Received(address string) []Mail {
	return slices.DeleteFunc(w.Mails(address), func(m Mail) bool { return m.Sent })
}

// Find returns a mail of somebody's mailbox by its number.
func (w *World) Find(address string, number int) (Mail, bool) {
	mails := w.Mails(address)
	i := slices.IndexFunc(mails, func(m Mail) bool { return m.Number == number })
	if i < 0 {
		return Mail{}, false
	}
	return mails[i], true
}
