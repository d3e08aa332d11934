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
	KindPerson      Kind = "person"        // written by a human, or nothing says otherwise
	KindAutoReply   Kind = "auto-reply"    // acknowledgements and other automatic mail (RFC 3834)
	KindOutOfOffice Kind = "out-of-office" // an automatic reply that says its owner is away
	KindBounce      Kind = "bounce"        // delivery status notifications (RFC 3464) and their look-alikes
	KindComplaint   Kind = "complaint"     // abuse reports (ARF, RFC 5965)
	KindList        Kind = "list"          // mailing lists and bulk mail (RFC 2919, RFC 2369)
	KindOwn         Kind = "own"           // a notification of this library that came back
	KindLoop        Kind = "loop"          // it went round: its own trace headers say so
)

// Automatic reports whether the mail was sent by a machine on its own account,
// so that no automatic mail may answer it.
func (k Kind) Automatic() bool {
	switch k {
	case KindAutoReply, KindOutOfOffice, KindBounce, KindComplaint, KindOwn, KindLoop:
		return true
	}
	return false
}

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

// Cut is one piece of a body that its reply leaves out.
type Cut struct {
	// Reason is why: "attribution", "quote", "headers", "separator",
	// "signature", "device", "client" or "forward".
	Reason string `json:"reason"`
	// Rule names what recognised it: a language tag or a mail client.
	Rule string `json:"rule,omitempty"`
	// Line is the line of Text at which it begins, from 1; 0 in HTML.
	Line int `json:"line,omitempty"`
}

// Forwarded is a mail that another one passes on, as the one that passes it on
// tells it. It is a claim: its sender is a suggestion, never an identity.
type Forwarded struct {
	From    Address   `json:"from"`
	To      []Address `json:"to,omitempty"`
	Cc      []Address `json:"cc,omitempty"`
	Subject string    `json:"subject,omitempty"`
	// Date is in UTC where the client wrote no zone, and zero where nobody can
	// read it; DateText is what the client wrote.
	Date     time.Time `json:"date,omitzero"`
	DateText string    `json:"date_text,omitempty"`
	Body     string    `json:"body,omitempty"`
}

// Invite is a meeting request, its answer or its cancellation (RFC 5546).
type Invite struct {
	Method    string    `json:"method,omitempty"` // in capitals: REQUEST, REPLY, CANCEL, ...
	UID       string    `json:"uid,omitempty"`
	Summary   string    `json:"summary,omitempty"`
	Location  string    `json:"location,omitempty"`
	Start     time.Time `json:"start,omitzero"`
	End       time.Time `json:"end,omitzero"`
	AllDay    bool      `json:"all_day,omitempty"`
	Organizer Address   `json:"organizer,omitzero"`
}

// Bounce is what a bounce says about a mail that was not delivered, or not yet.
type Bounce struct {
	Recipients []BouncedRecipient `json:"recipients,omitempty"`
	// OriginalMessageID is the id, without brackets, of the mail that bounced,
	// or empty.
	OriginalMessageID string `json:"original_message_id,omitempty"`
}

// BouncedRecipient is one recipient of a [Bounce].
type BouncedRecipient struct {
	Address string `json:"address"`
	// Status is the enhanced status code (RFC 3463), or empty.
	Status string `json:"status,omitempty"`
	// Action is "failed", "delayed", "delivered", "relayed" or "expanded"
	// (RFC 3464, section 2.3.3).
	Action string `json:"action,omitempty"`
	// Hard is set when trying again cannot help.
	Hard bool `json:"hard"`
}

// Auth is what is known about the authenticity of a mail's sender. The zero
// value is: nothing is known.
type Auth struct {
	// SPF, DKIM and DMARC are result keywords of RFC 8601, section 2.7, or
	// empty for unknown.
	SPF   string `json:"spf,omitempty"`
	DKIM  string `json:"dkim,omitempty"`
	DMARC string `json:"dmarc,omitempty"`
	// Source is "header" for a trusted Authentication-Results, "checked" for a
	// check of our own, or empty.
	Source string `json:"source,omitempty"`
	// Warnings name what a reader should know before he trusts the sender,
	// each once: the Warn constants.
	Warnings []string `json:"warnings,omitempty"`
}

// The warnings about a sender, for [Auth]. Each is a reason to look twice; none
// alone proves a forgery.
const (
	// WarnSeveralFrom: the mail names several senders or none that the one who
	// checked it agrees on. Its sender counts as unverified, whatever passed.
	WarnSeveralFrom = "several-from"
	// WarnNameIsAddress: the display name holds an address that is not the
	// sender's. Show the address beside the name.
	WarnNameIsAddress = "name-is-address"
	// WarnHiddenCharacters: names held characters that are invisible or turn
	// the reading direction. They were taken out.
	WarnHiddenCharacters = "hidden-characters"
	// WarnMixedScripts: a word of the name or a label of the domain mixes
	// alphabets whose letters look alike.
	WarnMixedScripts = "mixed-scripts"
	// WarnPunycode: the domain is written in punycode, so that it does not read
	// as it is meant to.
	WarnPunycode = "punycode"
	// WarnLookAlike: the domain reads like that of the mailbox or of somebody
	// else in the conversation, and is another.
	WarnLookAlike = "look-alike"
	// WarnReplyToDiffers: answers would go to another organisation.
	WarnReplyToDiffers = "reply-to-differs"
	// WarnEnvelopeDiffers: another organisation sent the mail, and DMARC does
	// not vouch for it. Newsletters and shops do this every day.
	WarnEnvelopeDiffers = "envelope-differs"
)

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
	// TextFromHTML is set when Text was made from HTML.
	TextFromHTML bool
	// Reply is what the writer wrote this time: Text without what it quotes,
	// its signature and its greeting from the device. Cuts tell what was left
	// out and why; Text keeps all of it. These four are derived on demand, by
	// Trim of mailbox/rfc822.
	Reply string
	// ReplyHTML is the same of HTML, and as unsafe as HTML. It is empty when
	// the mail has no HTML.
	ReplyHTML string
	Cuts      []Cut
	// Forwarded is the mail that this one passes on, or nil.
	Forwarded *Forwarded
	// Invite is the meeting that a calendar part (RFC 5545) is about, or nil.
	Invite *Invite
	Kind   Kind
	// KindEvidence names what the kind rests on, strongest first: field names
	// and rules, never content.
	KindEvidence []string
	// Bounce is set for a bounce.
	Bounce *Bounce
	// Auth is what is known about the authenticity of the sender.
	Auth Auth
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
