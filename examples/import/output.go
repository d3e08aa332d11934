package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// messageLine is a line of -json about a mail.
type messageLine struct {
	Type      string `json:"type"`        // "message"
	File      string `json:"file"`        // the path, in an mbox of several with "#" and N; see escaped
	N         int    `json:"n,omitempty"` // the number in an mbox of several, from 1; else left out
	Ticket    string `json:"ticket"`
	MessageID string `json:"message_id"` // the mail's own, without angle brackets
	Outcome   string `json:"outcome"`
	Why       string `json:"why"`
	Subject   string `json:"subject"`
	From      string `json:"from"` // the address
}

// skippedLine is a line of -json about a file that is no mail, or a mail that
// is gone.
type skippedLine struct {
	Type string `json:"type"` // "skipped"
	File string `json:"file"`
	N    int    `json:"n,omitempty"`
	Why  string `json:"why"`
}

// summary is the last line of -json. Mails are messages, duplicates and
// quarantined together.
type summary struct {
	Type        string  `json:"type"` // "summary"
	Mails       int     `json:"mails"`
	Messages    int     `json:"messages"`
	Tickets     int     `json:"tickets"`
	Duplicates  int     `json:"duplicates"`
	Quarantined int     `json:"quarantined"`
	Seconds     float64 `json:"seconds"`
}

// jsonOutput writes one object a line.
type jsonOutput struct {
	buffer *bufio.Writer
	enc    *json.Encoder
}

func newJSONOutput(w io.Writer) *jsonOutput {
	b := bufio.NewWriter(w)
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	return &jsonOutput{b, enc}
}

func (o *jsonOutput) message(l messageLine) error {
	l.File = escaped(l.File)
	return o.enc.Encode(l)
}

func (o *jsonOutput) skipped(l skippedLine) error {
	l.File = escaped(l.File)
	return o.enc.Encode(l)
}

func (o *jsonOutput) page() error { return o.buffer.Flush() }

// escaped writes the bytes of a name that are no UTF-8, which JSON cannot hold,
// as \xNN in lower case. The backslash of a name that has such signs itself is
// written so too, so that each \xNN means a byte.
func escaped(name string) string {
	var b strings.Builder
	for i, r := range name {
		_, size := utf8.DecodeRuneInString(name[i:])
		if r == utf8.RuneError && size == 1 || escapeLike(name[i:]) {
			fmt.Fprintf(&b, `\x%02x`, name[i])
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// escapeLike reports whether a text begins with what escaped writes for a byte.
func escapeLike(s string) bool {
	const hex = "0123456789abcdef"
	return len(s) >= 4 && s[:2] == `\x` && strings.IndexByte(hex, s[2]) >= 0 && strings.IndexByte(hex, s[3]) >= 0
}

func (o *jsonOutput) summary(s summary, _ int) error {
	if err := o.enc.Encode(s); err != nil {
		return err
	}
	return o.buffer.Flush()
}

// textOutput tells a person what needs his attention, and the sum.
type textOutput struct {
	w        io.Writer
	progress *progress
}

func (o *textOutput) message(l messageLine) error {
	if l.Outcome != outcomeQuarantined {
		return nil
	}
	return o.line("quarantined %s: %s", plain(l.File), l.Why)
}

func (o *textOutput) skipped(l skippedLine) error {
	return o.line("skipped %s: %s", plain(l.File), l.Why)
}

func (o *textOutput) page() error { return nil }

func (o *textOutput) summary(s summary, skipped int) error {
	rate := float64(s.Mails) / max(s.Seconds, 0.001)
	return o.line("%d mails in %.1f s (%.0f a second): %d messages on %d tickets, %d duplicates, %d quarantined; %d files skipped",
		s.Mails, s.Seconds, rate, s.Messages, s.Tickets, s.Duplicates, s.Quarantined, skipped)
}

func (o *textOutput) line(format string, args ...any) error {
	o.progress.clear()
	_, err := fmt.Fprintf(o.w, format+"\n", args...)
	return err
}

// plain keeps control characters in names of files away from a terminal.
func plain(s string) string {
	if q := strconv.Quote(s); q != `"`+s+`"` {
		return q
	}
	return s
}

// progress tells on stderr how far the import is: with a bar on a terminal, by
// a line now and then elsewhere.
type progress struct {
	w        io.Writer
	terminal bool
	start    time.Time
	shown    time.Time // when something was said
	drawn    bool      // a bar stands on the line
	last     int
	said     string
}

// lineEvery is how often progress is told where lines stay.
const lineEvery = 10 * time.Second

func newProgress(w io.Writer) *progress {
	p := &progress{w: w, start: time.Now(), shown: time.Now()}
	if f, ok := w.(*os.File); ok {
		st, err := f.Stat()
		p.terminal = err == nil && st.Mode()&os.ModeCharDevice != 0
	}
	return p
}

// at tells that done of all mails are imported.
func (p *progress) at(done, all int) {
	moved := done != p.last
	p.last = done
	if moved {
		p.said = ""
	}
	rate := float64(done) / max(time.Since(p.start).Seconds(), 0.001)
	switch {
	case all == 0 || !moved:
	case p.terminal:
		const width = 30
		full := width * done / all
		fmt.Fprintf(p.w, "\r\x1b[K[%s%s] %d of %d mails, %.0f a second",
			strings.Repeat("#", full), strings.Repeat(".", width-full), done, all, rate)
		p.drawn = true
		p.shown = time.Now()
	case time.Since(p.shown) > lineEvery:
		p.say(fmt.Sprintf("%d of %d mails, %.0f a second", done, all, rate))
	}
}

// waiting tells once what the work waits for, when it has not moved for long.
func (p *progress) waiting(why string) {
	if why == "" || why == p.said || time.Since(p.shown) < time.Second {
		return
	}
	p.say("waiting: " + why)
	p.said = why
}

// say writes a line.
func (p *progress) say(text string) {
	p.clear()
	fmt.Fprintln(p.w, text)
	p.shown = time.Now()
}

// clear takes the bar away, so that lines can be written.
func (p *progress) clear() {
	if p.drawn {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.drawn = false
	}
}
