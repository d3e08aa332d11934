package helpdesk

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/rfc822"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/store"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// The forms in which content is sealed. They are versioned: a reader accepts
// every earlier version.

// head is what is kept of a mail's header, sealed as Addresses.
type head struct {
	V          int              `json:"v"`
	MessageID  string           `json:"message_id,omitempty"`
	InReplyTo  []string         `json:"in_reply_to,omitempty"`
	References []string         `json:"references,omitempty"`
	From       []ticket.Address `json:"from,omitempty"`
	ReplyTo    []ticket.Address `json:"reply_to,omitempty"`
	To         []ticket.Address `json:"to,omitempty"`
	Cc         []ticket.Address `json:"cc,omitempty"`
	// Bcc is known of our own mail only and never leaves the store.
	Bcc     []ticket.Address `json:"bcc,omitempty"`
	Date    time.Time        `json:"date,omitzero"`
	Defects []ticket.Defect  `json:"defects,omitempty"`
	Limited bool             `json:"limited,omitempty"`
	// What the parser made of the mail beside its fields.
	KindEvidence []string       `json:"kind_evidence,omitempty"`
	Auth         ticket.Auth    `json:"auth,omitzero"`
	Bounce       *ticket.Bounce `json:"bounce,omitempty"`
	Invite       *ticket.Invite `json:"invite,omitempty"`
	TextFromHTML bool           `json:"text_from_html,omitempty"`
}

const headVersion = 1

// own is the address a mailbox sends from, sealed as Addresses.
type own struct {
	V    int    `json:"v"`
	Name string `json:"name,omitempty"`
	Addr string `json:"addr"`
}

// is reports whether an address is our own, with or without a tag behind a plus
// sign (RFC 5233).
func (o own) is(addr string) bool {
	bare := func(s string) string {
		local, domain, _ := strings.Cut(s, "@")
		local, _, _ = strings.Cut(local, "+")
		return local + "@" + domain
	}
	return strings.EqualFold(bare(addr), bare(o.Addr))
}

// settings is the intake window of a mailbox, sealed as Credentials because
// folder names are a person's words, and whom it believes about senders.
type settings struct {
	V      int            `json:"v"`
	Intake mailbox.Intake `json:"intake"`
	Hop    mailbox.Hop    `json:"hop,omitzero"`
}

// files is what is kept about attachments, sealed as Attachments.
type files struct {
	V    int                 `json:"v"`
	List []ticket.Attachment `json:"list"`
}

// plain is the content of a message before it is sealed.
type plain struct {
	head    head
	subject string
	text    string
	html    string
	files   []ticket.Attachment
	raw     []byte
	note    bool
}

// blobAbove is the size of raw mail from which it is kept as a blob.
const blobAbove = 256 << 10

// sealMessage fills the sealed fields of a message. A raw mail that is to be a
// blob is left to the caller, who learns of it by m.Blob.
func sealMessage(s *privacy.Sealer, key ticket.ID, m *store.Message, p plain) error {
	var err error
	put := func(dst *privacy.Sealed, c privacy.Class, b []byte) {
		if err == nil {
			*dst, err = s.Seal(key, m.ID, c, b)
		}
	}
	put(&m.Subject, privacy.Subject, []byte(p.subject))
	if p.note {
		put(&m.Body, privacy.Notes, []byte(p.text))
		return err
	}
	p.head.V = headVersion
	put(&m.Addresses, privacy.Addresses, encode(p.head))
	put(&m.Body, privacy.Text, []byte(p.text))
	put(&m.HTML, privacy.HTML, []byte(p.html))
	if len(p.files) > 0 {
		put(&m.Files, privacy.Attachments, encode(files{V: 1, List: p.files}))
	}
	m.RawSize = int64(len(p.raw))
	if len(p.raw) > blobAbove {
		m.Blob = m.ID
	} else {
		put(&m.Raw, privacy.Raw, p.raw)
	}
	return err
}

// encode never fails for the forms above: they hold strings, numbers and
// times.
func encode(v any) []byte {
	b, _ := json.Marshal(v)
	return b
}

var errForm = errors.New("helpdesk: stored form is not understood: it was written by a newer version")

func decode[T any](b []byte) (v T, err error) {
	if len(b) == 0 {
		return v, nil
	}
	if json.Unmarshal(b, &v) != nil {
		return v, errForm
	}
	return v, nil
}

// understood turns a parsed mail into the content that is kept.
func understood(in ticket.Inbound, raw []byte) plain {
	return plain{
		head: head{
			MessageID: in.MessageID, InReplyTo: in.InReplyTo, References: in.References,
			From: in.From, ReplyTo: in.ReplyTo, To: in.To, Cc: in.Cc, Date: in.Date,
			Defects: in.Defects, Limited: in.Limited,
			KindEvidence: in.KindEvidence, Auth: in.Auth, Bounce: in.Bounce, Invite: in.Invite,
			TextFromHTML: in.TextFromHTML,
		},
		subject: in.Subject, text: in.Text, html: in.HTML, files: in.Attachments, raw: raw,
	}
}

// parserVersion is stored with every derived text.
const parserVersion = rfc822.Version

// mailboxKeys names the slots of a mailbox.
func mailboxKeys(m store.Mailbox) privacy.MailboxKeys {
	return privacy.MailboxKeys{Tenant: m.Tenant, Mailbox: m.ID, Key: m.Key, Identity: m.Identity}
}

// object names content of a mailbox.
func object(m store.Mailbox, id ticket.ID, c privacy.Class) privacy.Object {
	return privacy.Object{Tenant: m.Tenant, Mailbox: m.ID, ID: id, Class: c}
}

// messageObject names content of a message.
func messageObject(m store.Message, c privacy.Class) privacy.Object {
	return privacy.Object{Tenant: m.Tenant, Mailbox: m.Mailbox, ID: m.ID, Class: c}
}
