package rfc822

import (
	"github.com/helpdesk-go/helpdesk/mailbox/rfc822/trim"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// Trim finds what the writer of a mail wrote this time and what he passes on,
// and fills in Reply, ReplyHTML, Cuts and Forwarded from Text, HTML, TextFromHTML
// and Subject. Parse leaves it to those who show a mail: it costs more than
// parsing, and what it finds need not be stored. Work is linear. The plain text
// decides; HTML does where the mail has no other text. Of a block of
// header lines that may be either, the subject tells whether it was forwarded.
func Trim(in *ticket.Inbound) {
	var html trim.HTMLResult
	if in.HTML != "" {
		html = trim.HTML(in.HTML)
		in.ReplyHTML = html.Reply
		if html.Forwarded == nil && forwards(in.Subject) {
			html.Forwarded = html.Quoted
		}
	}
	if f := html.Forwarded; f != nil {
		f.DateText = html.DateText
	}
	if in.TextFromHTML {
		in.Reply, in.Cuts, in.Forwarded = in.Text, html.Cuts, html.Forwarded
		if len(html.Cuts) > 0 {
			in.Reply = HTMLToText(html.Reply)
		}
		return
	}
	text := trim.Text(in.Text)
	in.Reply, in.Cuts, in.Forwarded = text.Reply, text.Cuts, text.Forwarded
	if in.Forwarded == nil && forwards(in.Subject) {
		in.Forwarded = text.Quoted
	}
	if in.Forwarded != nil {
		in.Forwarded.DateText = text.DateText
	}
	if in.Forwarded == nil {
		in.Forwarded = html.Forwarded
	}
}

// forwards reports whether a subject begins with a forward prefix.
func forwards(subject string) bool {
	_, ok := cutPrefix(subject, forwardWords)
	return ok
}
