package rfc822

// Limits of what Parse looks at. They are generous for mail of people and
// small enough that no mail costs more than a fraction of a second.
const (
	maxRaw         = 50 << 20  // bytes of a mail
	maxDepth       = 50        // nested multiparts
	maxParts       = 1000      // entities of a mail
	maxAttachments = 200       // attachments of a mail
	maxTopHeader   = 1 << 20   // bytes of the mail's own header block
	maxPartHeader  = 256 << 10 // bytes of a part's header block
	maxHeaderLines = 10000     // lines of a header block
	maxAddresses   = 500       // mailboxes of an address field
	maxReferences  = 50        // ids kept of References
	maxMessageID   = 998       // bytes of one id: a longer one cannot be on a line
	maxParams      = 200       // parameters of a Content-Type or Content-Disposition
	maxBoundary    = 8 << 10   // bytes of a boundary
	maxNameBytes   = 200       // bytes of an attachment name
	maxSubject     = 4 << 10   // bytes of a subject after decoding
	maxDisplayName = 1 << 10   // bytes of a display name after decoding
)
