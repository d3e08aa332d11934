package main

import (
	"bytes"
	"context"

	"github.com/helpdesk-go/helpdesk/mailbox"
	"github.com/helpdesk-go/helpdesk/mailbox/rfc822"
)

// headers reads what a report says of a mail from the archive, where it is as
// readable as the report. The desk would ask who reads, and log it.
type headers struct{ conn mailbox.Conn }

// mailMost is the largest mail whose header is reported, which is the largest
// that a desk takes in.
const mailMost = 50 << 20

// fill adds sender, subject and Message-ID. A mail that is too large or gone
// has none.
func (h *headers) fill(ctx context.Context, line *messageLine, it mailbox.Item) error {
	raw, err := h.conn.Fetch(ctx, it, mailMost)
	if err != nil {
		return ctx.Err()
	}
	in := rfc822.Parse(header(raw.Bytes))
	line.Subject, line.MessageID = in.Subject, in.MessageID
	if len(in.From) > 0 {
		line.From = in.From[0].Addr
	}
	return nil
}

// headerMost is how much of a header is read.
const headerMost = 256 << 10

// header is the mail up to its body: reading the rest again would be for
// nothing.
func header(raw []byte) []byte {
	raw = raw[:min(len(raw), headerMost)]
	start := len(raw) - len(bytes.TrimLeft(raw, "\r\n\t \xef\xbb\xbf"))
	end := len(raw)
	for _, blank := range []string{"\n\n", "\n\r\n", "\r\r"} {
		if i := bytes.Index(raw[start:end], []byte(blank)); i >= 0 {
			end = start + i + len(blank)
		}
	}
	return raw[:end]
}
