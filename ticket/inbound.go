package ticket

import "time"

// Address is one mailbox of a mail header (RFC 5322, section 3.4): a display
// name, decoded, and an addr-spec, folded only in ASCII.
type Address struct {
	Name string `json:"name,omitempty"`
	Addr string `json:"addr"`
}

// Kind says what sort of sender a mail has. It is a label and a policy, never
// a reason to drop the mail.
type Kind string

// The kinds of mail.
const (
	KindPerson    Kind = "person"     // written by a human, or nothing says otherwise
	KindAutoReply Kind = "auto-reply" // out of office, acknowledgements (RFC 3834)
	KindBounce    Kind = "bounce"     // delivery status notifications (RFC 3464) and their look-alikes
	KindList      Kind = "list"       // mailing lists and bulk mail (RFC 2919, RFC 2369)
)

// Automatic reports whether the mail was sent by a machine on its own account,
// so that no automatic mail may answer it.
func (k Kind) Automatic() bool { return k == KindAutoReply || k == KindBounce }

// Defect is one thing that was wrong with a mail and how it was read anyway.
// Detail never repeats content of the mail.
type Defect struct {
	Code   string `json:"code"`
	Detail string `json:"detail,omitempty"`
}

// Attachment is one part of a mail that is not its readable body.
type Attachment struct {
	// Index is the position among the attachments of the mail, from 0. It
	// names the attachment together with the message.
	Index int `json:"index"`
	// Name is safe to show and to save under: no path, no control or
	// direction-changing characters, never empty.
	Name string `json:"name"`
	// Type is the media type by content, from a closed list; what cannot be
	// told is application/octet-stream.
	Type string `json:"type"`
	// Size is the decoded size in bytes.
	Size int64 `json:"size"`
	// Inline is set for a part that the HTML body shows by its ContentID.
	Inline bool `json:"inline,omitempty"`
	// ContentID is the Content-ID without angle brackets, or empty.
	ContentID string `json:"content_id,omitempty"`
	// Content is the decoded content. It is not part of what is stored about
	// an attachment: the raw mail is the truth and is opened again on demand.
	Content []byte `json:"-"`
}

// Inbound is a mail as it was understood. Every string is valid UTF-8 without
// NUL bytes. Reading a mail never fails: what was wrong with it is in Defects.
type Inbound struct {
	// MessageID, InReplyTo and References are ids without angle brackets;
	// References is oldest first, as in the header, with the ids of
	// In-Reply-To not repeated.
	MessageID  string
	InReplyTo  []string
	References []string
	// From has one entry in a well-formed mail. The first one counts.
	From    []Address
	Sender  Address
	ReplyTo []Address
	To, Cc  []Address
	// Delivered lists addresses of Delivered-To, X-Original-To and
	// Envelope-To headers, in which plus-tokens arrive.
	Delivered []Address
	Subject   string
	// BaseSubject is Subject without reply and forward prefixes, folded for
	// comparison.
	BaseSubject string
	// Date is the Date header, or zero. It is the sender's claim and orders
	// nothing.
	Date time.Time
	// Text is the readable body; it is made from HTML when the mail has no
	// plain text.
	Text string
	// HTML is the body as the sender wrote it, after charset repair. It is
	// not safe to show: only the sanitiser of mailbox/rfc822 makes it so.
	HTML        string
	Attachments []Attachment
	Kind        Kind
	// ListID is the List-Id (RFC 2919), or empty.
	ListID string
	// Marker is the value of the library's own header on mail it sent, or
	// empty. It is a claim until its signature was checked.
	Marker  string
	Defects []Defect
	// Limited is set when a bound on structure was reached, so that some of
	// the mail is only in its raw form.
	Limited bool
}
