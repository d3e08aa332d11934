package helpdesk

import (
	"cmp"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/rfc822"
	"github.com/helpdesk-go/helpdesk/mailbox/rfc822/auth"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// The causes of quarantine.
const (
	causeTooLarge = "too-large"     // above Config.MaxMail; not transferred
	causeFetch    = "fetch-failed"  // it never arrived whole
	causeParser   = "parser-failed" // the parser gave up on it
	causeRejected = "rejected"      // the store refused its data
	causeStranger = "stranger"      // Rules.HoldStrangers
)

// arrival is one mail on its way in. Its ids are made before the first
// attempt, so that what an attempt leaves outside the transaction is found
// again by the next.
type arrival struct {
	item   mailbox.Item
	raw    []byte
	mail   ticket.Inbound
	ev     ticket.Evidence
	seen   store.Seen
	people people
	// subjects are under what a ticket it starts is found by subject.
	subjects []ticket.Hit
	// original is the Message-ID of the mail that a bounce or a complaint is
	// about, where that is no token of ours.
	original ticket.Fingerprint
	// cause sends it to quarantine when set.
	cause string
	// verified is set when Config.Verify was asked.
	verified bool
	// ours is the message of ours that it claims to be, or zero; oursByID is
	// set when its Message-ID says so and not only the marker.
	ours     ticket.ID
	oursByID bool
	// held is the record it is taken out of, or nil, and became what it became.
	held   *store.Quarantined
	became ticket.ID

	message, ticket, key ticket.ID
}

// people are the addresses of a mail as fingerprints.
type people struct {
	from ticket.Fingerprint
	to   []ticket.Fingerprint
	// domains are the organisations of those who have one.
	domains map[ticket.Fingerprint]ticket.Fingerprint
}

// copiedMost bounds how many copied addresses a single mail can bring onto a
// ticket.
const copiedMost = 50

// arrived reads a fetched mail. It never fails: what cannot be read is marked
// for quarantine.
func (in *intake) arrived(it mailbox.Item, raw mailbox.Raw) *arrival {
	a := blankArrival(it, in.desk.now())
	a.raw = raw.Bytes
	env := in.envelope(a.item, raw)
	parse := func(b []byte) ticket.Inbound { return in.desk.parse(b, env) }
	if !a.understand(parse, in.hash, in.self) {
		a.mail, a.ev, a.people, a.ours, a.cause = ticket.Inbound{}, ticket.Evidence{}, people{}, ticket.ID{}, causeParser
	}
	return a
}

// envelope is what the provider and the mailbox know about a mail beside it.
func (in *intake) envelope(it mailbox.Item, raw mailbox.Raw) rfc822.Envelope {
	env := rfc822.Envelope{ReceivedAt: it.ReceivedAt, Trust: auth.Trust(in.hop), Known: []string{in.self.Addr}}
	if raw.HasEnvelope {
		env.ReturnPath = cmp.Or(raw.EnvelopeFrom, "<>")
	}
	return env
}

// understand fills in what the mail says. A panic on the way stays inside this
// one mail.
func (a *arrival) understand(parse func([]byte) ticket.Inbound, h *privacy.Hasher, self own) (ok bool) {
	defer func() { ok = recover() == nil }()
	// First, because a quarantined mail is recognised by it as well.
	sum := rfc822.ContentFingerprint(a.raw)
	a.seen.Content = h.Fingerprint(privacy.DomainContent, hex.EncodeToString(sum[:]))
	a.mail = parse(a.raw)
	for i := range a.mail.Attachments {
		a.mail.Attachments[i].Content = nil // the raw mail has it
	}
	a.seen.MessageID = h.Fingerprint(privacy.DomainMessageID, a.mail.MessageID)
	a.ev = evidence(a.mail, a.item, h)
	if !a.item.Sent {
		a.original = report(&a.ev, a.mail, h)
	}
	a.people = peopleOf(a.mail, h, self)
	a.subjects = subjectHits(a.mail, a.item.Sent, h)
	if a.item.Sent {
		a.ours, a.oursByID = ourMessage(a.mail, h)
	}
	return true
}

// blankArrival is a mail that has not been fetched.
func blankArrival(it mailbox.Item, now time.Time) *arrival {
	if it.ReceivedAt.IsZero() {
		it.ReceivedAt = now
	}
	return &arrival{
		item: it, message: ticket.NewID(now), ticket: ticket.NewID(now), key: ticket.NewID(now),
		seen: store.Seen{ProviderID: it.ID, ReceivedAt: it.ReceivedAt.UTC()},
	}
}

// evidence hashes what threading looks at.
func evidence(in ticket.Inbound, it mailbox.Item, h *privacy.Hasher) ticket.Evidence {
	ev := ticket.Evidence{
		MessageID: h.Fingerprint(privacy.DomainMessageID, in.MessageID),
		Thread:    h.Fingerprint(privacy.DomainThread, it.Thread),
		Title:     titlePrint(h, in.BaseSubject),
		Verified:  verdict(in.Auth),
		Own:       it.Sent,
	}
	if len(in.From) > 0 {
		ev.From = addressPrint(h, in.From[0].Addr)
		ev.Domain = domainPrint(h, in.From[0].Addr)
		if answersBySubject(in) {
			ev.Subject = subjectPrint(h, in.BaseSubject, in.From[0].Addr)
		}
	}
	for _, id := range in.InReplyTo {
		ev.InReplyTo = append(ev.InReplyTo, h.Fingerprint(privacy.DomainMessageID, id))
	}
	for _, id := range slices.Backward(in.References) {
		ev.References = append(ev.References, h.Fingerprint(privacy.DomainMessageID, id))
	}
	ev.Tokens, ev.SubjectTokens = tokens(in, h), subjectTokens(in.Subject, h)
	return ev
}

// tokens finds our signature in ids that a reply quotes and in the tag of the
// address it was sent to (RFC 5233).
func tokens(in ticket.Inbound, h *privacy.Hasher) []ticket.ID {
	var found []ticket.ID
	try := func(s string) {
		if id, ok := h.ParseToken(s); ok && !slices.Contains(found, id) {
			found = append(found, id)
		}
	}
	for _, id := range slices.Concat(in.InReplyTo, reversed(in.References)) {
		local, _, _ := strings.Cut(id, "@")
		try(local)
	}
	for _, a := range slices.Concat(in.Delivered, in.To, in.Cc) {
		local, _, _ := strings.Cut(a.Addr, "@")
		if _, tag, ok := strings.Cut(local, "+"); ok {
			try(tag)
		}
	}
	return found
}

func reversed(ids []string) []string {
	out := slices.Clone(ids)
	slices.Reverse(out)
	return out
}

// subjectTokens finds signed tokens in square brackets.
func subjectTokens(subject string, h *privacy.Hasher) []ticket.ID {
	var found []ticket.ID
	for part := range strings.SplitSeq(subject, "[") {
		word, _, ok := strings.Cut(part, "]")
		if id, good := h.ParseToken(strings.TrimPrefix(word, "#")); ok && good && !slices.Contains(found, id) {
			found = append(found, id)
		}
	}
	return found
}

// ourMessage tells which message of ours a mail among the sent ones claims to
// be, by its Message-ID or else by its marker.
func ourMessage(in ticket.Inbound, h *privacy.Hasher) (id ticket.ID, byID bool) {
	local, _, _ := strings.Cut(in.MessageID, "@")
	if id, byID = h.ParseToken(local); byID {
		return id, true
	}
	id, _ = h.ParseToken(in.Marker)
	return id, false
}

func peopleOf(in ticket.Inbound, h *privacy.Hasher, self own) people {
	var p people
	// A sender who is one of several is nobody that is known here.
	if len(in.From) > 0 && !ambiguous(in.Auth) {
		p.from = addressPrint(h, in.From[0].Addr)
	}
	if !p.from.IsZero() {
		p.place(h, p.from, in.From[0].Addr)
	}
	for _, a := range slices.Concat(in.To, in.Cc) {
		f := addressPrint(h, a.Addr)
		if !self.is(a.Addr) && !f.IsZero() && f != p.from && !slices.Contains(p.to, f) && len(p.to) < copiedMost {
			p.to = append(p.to, f)
			p.place(h, f, a.Addr)
		}
	}
	return p
}

// place notes the organisation of an address.
func (p *people) place(h *privacy.Hasher, f ticket.Fingerprint, addr string) {
	if d := domainPrint(h, addr); !d.IsZero() {
		if p.domains == nil {
			p.domains = map[ticket.Fingerprint]ticket.Fingerprint{}
		}
		p.domains[f] = d
	}
}

// fingerprints are all ids under which a candidate may be found.
func (a *arrival) fingerprints() []ticket.Fingerprint {
	var out []ticket.Fingerprint
	for _, hit := range a.ev.Hits() {
		out = append(out, hit.Fingerprint)
	}
	if !a.ev.Subject.IsZero() {
		out = append(out, a.ev.Subject)
	}
	return out
}
