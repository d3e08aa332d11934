// Package scan is the contract between the desk and what looks for malware in
// attachments. The desk asks a [Scanner] before it reveals an attachment; a
// scanner that is broken, slow or absent makes an attachment [Unscanned] and
// never stops mail.
package scan

import (
	"context"
	"io"
)

// State is what is known about one content.
type State string

// The states of a content.
const (
	// Unscanned means that nobody looked, or that whoever looked could not
	// tell: no scanner, a failing one, or content above its limit.
	Unscanned State = "unscanned"
	Clean     State = "clean"    // looked at in full, nothing found
	Infected  State = "infected" // malware was found
)

// Verdict is the answer of a [Scanner]. The zero value says nothing: see
// [Verdict.Known].
type Verdict struct {
	State State `json:"state"`
	// Threat is the scanner's name for what it found, printable and of at
	// most 200 bytes; empty unless State is Infected.
	Threat string `json:"threat,omitempty"`
}

// Known reports whether the content was looked at: it is clean or infected.
func (v Verdict) Known() bool { return v.State == Clean || v.State == Infected }

// Scanner looks for malware.
//
// Scan reads content to its end or until it knows the answer, and blocks until
// then; it returns soon after ctx ends. It may be called by several goroutines
// at once. It keeps nothing of content. With an error the verdict is
// Unscanned; the error holds no content and no name of a file. Scan does not
// try again: its caller may.
type Scanner interface {
	Scan(ctx context.Context, content io.Reader) (Verdict, error)
}
