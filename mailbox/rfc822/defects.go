package rfc822

import "github.com/helpdesk-go/helpdesk/ticket"

// The codes of the defects that [Parse] reports. Each is reported once per
// mail.
const (
	DefectRawLimit         = "raw-limit"         // over 50 MiB: the rest was not read
	DefectDepthLimit       = "depth-limit"       // multiparts nested too deep: the innermost are one part
	DefectPartLimit        = "part-limit"        // too many parts: the rest is in the raw mail only
	DefectAttachmentLimit  = "attachment-limit"  // too many attachments: likewise
	DefectHeaderLimit      = "header-limit"      // a header block was cut
	DefectAddressLimit     = "address-limit"     // an address field was cut
	DefectReferenceLimit   = "reference-limit"   // References was cut in the middle, or an id was too long
	DefectParamLimit       = "parameter-limit"   // a field has too many parameters
	DefectEmpty            = "empty"             // no header and no body
	DefectLineEnds         = "line-ends"         // bare CR used as line end
	DefectMailboxLine      = "mailbox-line"      // "From " or ">From " line in the header
	DefectByteOrderMark    = "byte-order-mark"   // before the header
	DefectHeaderLine       = "header-line"       // a header line without a name
	DefectHeaderName       = "header-name"       // a header name with forbidden bytes
	DefectHeaderEnd        = "header-end"        // no empty line between header and body
	DefectDuplicate        = "duplicate-header"  // a field that may occur once: the first counted
	DefectBoundaryMissing  = "boundary-missing"  // multipart without a usable boundary parameter
	DefectMultipartEmpty   = "multipart-empty"   // multipart without any part
	DefectClosingMissing   = "closing-missing"   // multipart without its closing boundary
	DefectContentType      = "content-type"      // unreadable Content-Type
	DefectTransferEncoding = "transfer-encoding" // unknown or broken transfer encoding
	DefectCharset          = "charset"           // unknown or wrong charset
	DefectEncodedWord      = "encoded-word"      // broken RFC 2047 word
	DefectAddress          = "address"           // an address that is none
	DefectNoFrom           = "no-from"           // no sender
	DefectManyFrom         = "many-from"         // several senders: the first counts
	DefectNoMessageID      = "no-message-id"     // no Message-ID
	DefectDate             = "date"              // missing or unreadable Date
	DefectAttachmentName   = "attachment-name"   // a name was changed to be safe
	DefectNul              = "nul"               // NUL bytes were left out
)

// report adds a defect once. Mail can repeat any mistake a million times.
func (p *parser) report(code, detail string) {
	for _, d := range p.in.Defects {
		if d.Code == code {
			return
		}
	}
	p.in.Defects = append(p.in.Defects, ticket.Defect{Code: code, Detail: detail})
}

// limit reports a defect that leaves some of the mail unread.
func (p *parser) limit(code, detail string) {
	p.in.Limited = true
	p.report(code, detail)
}
