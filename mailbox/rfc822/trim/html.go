package trim

import (
	"github.com/helpdesk-go/helpdesk/ticket"
)

// HTMLResult is what is left of an HTML body when all that its writer did not
// write this time is taken away.
type HTMLResult struct {
	// Reply is HTML: the document as it came when nothing was cut, otherwise
	// what is left of it, well nested. It is exactly as unsafe as the document
	// was: only a sanitiser makes it safe to show.
	Reply string
	// Cuts says what was left out, in the order of the document.
	Cuts []ticket.Cut
	// Forwarded is the mail that the document passes on, or nil.
	Forwarded *ticket.Forwarded
	// Quoted is the first mail the document quotes under a block of header
	// lines, or nil. Clients that write the same block when they reply and
	// when they forward leave it to the subject which of the two it was.
	Quoted *ticket.Forwarded
	// DateText is the date of the mail in Forwarded or Quoted as the client
	// wrote it, for those whose Date is zero because it cannot be read.
	DateText string
}

// Limits on HTML. A document beyond them is left as it is, or nested no deeper.
const (
	maxHTML      = 2 << 20 // bytes
	maxHTMLDepth = 200     // open elements
	maxHTMLNodes = 200_000 // elements and texts
	maxHTMLBody  = 1 << 20 // bytes of the text of a forwarded mail
)

// maxNested is how many mails that only pass a mail on may lie inside of each
// other before a document stays as it is.
const maxNested = 4

// HTML finds the reply in the HTML body of a mail. It goes by the containers
// that mail clients put around quotes and signatures and, where there are
// none, by the lines a reader would go by: attributions, blocks of header
// lines, separators. Of a document that only passes a mail on, the reply is the
// reply in that mail. What cannot be told from the writer's own words is kept.
// Time and memory are linear in the length of doc. It never fails. HTML is for
// whole documents: what a reply looks like without its quote is not evidence
// of what the writer wrote, so a reply is not to be trimmed again.
func HTML(doc string) HTMLResult {
	res, ok := htmlReply(doc, 0)
	if !ok {
		res.Reply, res.Cuts = doc, nil
	}
	return res
}

// htmlReply does the work of HTML on a document that is the text of that many
// mails. It reports false if there are more than maxNested.
func htmlReply(doc string, nested int) (HTMLResult, bool) {
	var t *htmlTree
	if len(doc) <= maxHTML {
		t = parseHTML(doc)
	}
	if t == nil {
		return HTMLResult{Reply: doc}, true
	}
	t.layOut()
	c := cutter{tree: t}
	c.run()
	res := HTMLResult{Reply: doc, Cuts: c.cuts, Forwarded: c.forwarded, Quoted: c.quoted, DateText: c.dateText}
	if len(c.cuts) > 0 {
		res.Reply = t.serialise()
	}
	if !c.alone {
		return res, true
	}
	if nested == maxNested {
		return res, false
	}
	inner, ok := htmlReply(res.Reply, nested+1)
	res.Reply = inner.Reply
	return res, ok
}
