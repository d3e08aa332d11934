package helpdesk

import (
	"github.com/helpdesk-go/helpdesk/mailbox/rfc822"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// SetParse replaces the parser, which has no bug that a test could wait for.
func (d *Desk) SetParse(parse func(raw []byte) ticket.Inbound) {
	d.parse = func(raw []byte, _ rfc822.Envelope) ticket.Inbound { return parse(raw) }
}

// SetParseWith is SetParse for a parser that looks at the envelope.
func (d *Desk) SetParseWith(parse func(raw []byte, env rfc822.Envelope) ticket.Inbound) {
	d.parse = parse
}
