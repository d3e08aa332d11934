package rfc822

import (
	"strings"
	"time"

	"github.com/helpdesk-go/helpdesk/mailbox/rfc822/auth"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// Envelope is what the provider knows about a mail beside the mail itself. The
// zero value is: nothing is known.
type Envelope struct {
	// ReturnPath is the sender of the SMTP envelope: an address, "<>" for the
	// null sender that bounces have, or empty for unknown, in which case the
	// Return-Path field of the mail counts.
	ReturnPath string
	// Delivered lists the recipients of the SMTP envelope. They come before
	// those that the header tells.
	Delivered []string
	// ReceivedAt is when the mail arrived, or zero for unknown. What a mail
	// says about time is judged by it, never by the clock of the machine.
	ReceivedAt time.Time
	// Trust says whose Authentication-Results are believed; the zero value
	// believes nobody.
	Trust auth.Trust
	// Known are addresses or domains that a sender may want to be taken for,
	// beside the other people in the mail: those of the mailbox itself.
	Known []string
}

// Parse is [ParseWith] for a mail of whose envelope nothing is known.
func Parse(raw []byte) ticket.Inbound { return ParseWith(raw, Envelope{}) }

// envelope adds the facts of env that the header may not have.
func (p *parser) envelope(env Envelope) {
	for _, d := range env.Delivered {
		p.deliver(p.addresses([]byte(d)))
	}
}

// authenticate reads what the trusted hop found out about the sender, and what
// his own words warn of.
func (p *parser) authenticate(h header, env Envelope) {
	fields := make([]auth.Field, 0, 8)
	for _, f := range h {
		if strings.EqualFold(f.name, "Received") || strings.EqualFold(f.name, "Authentication-Results") {
			fields = append(fields, auth.Field{Name: f.name, Value: string(f.value)})
		}
	}
	from := ""
	if len(p.in.From) > 0 {
		from = p.in.From[0].Addr
	}
	p.in.Auth = auth.Results(fields, env.Trust, from)
	p.warn(h, env)
}

// deliver adds recipients of the envelope, each once.
func (p *parser) deliver(list []ticket.Address) {
	for _, a := range list {
		if len(p.in.Delivered) >= maxAddresses {
			p.limit(DefectAddressLimit, "recipients of the envelope")
			return
		}
		if a.Addr != "" && !hasAddress(p.in.Delivered, a.Addr) {
			p.in.Delivered = append(p.in.Delivered, a)
		}
	}
}
