package main

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"
)

// readable writes a report for a person.
func readable(w io.Writer, r report) {
	fmt.Fprintf(w, "== %s\n", clean(r.File))
	if r.Error != "" {
		fmt.Fprintf(w, "not read: %s\n\n", clean(r.Error))
		return
	}
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "%-12s %s\n", name, clean(value))
		}
	}
	kind := r.Kind
	if len(r.Evidence) > 0 {
		kind += " (" + strings.Join(r.Evidence, ", ") + ")"
	}
	line("kind", kind)
	line("from", r.From.line())
	line("sender", r.Sender.line())
	line("reply to", lines(r.ReplyTo))
	line("to", lines(r.To))
	line("cc", lines(r.Cc))
	line("subject", r.Subject)
	line("date", r.Date)
	line("id", r.MessageID)
	line("answers", strings.Join(r.InReplyTo, " "))
	line("defects", strings.Join(r.Defects, ", "))
	for _, x := range r.Bounce.Recipients {
		how := "may be tried again"
		if x.Hard {
			how = "for good"
		}
		line("bounced", strings.TrimSpace(x.Address+" "+x.Status)+" "+how)
	}
	line("bounced id", r.Bounce.Original)
	if r.Invite.Summary != "" || r.Invite.Start != "" {
		line("invite", r.Invite.Summary+", "+r.Invite.Start+" to "+r.Invite.End)
	}
	if r.Forwarded.From != (address{}) {
		line("forwarded", "from "+r.Forwarded.From.line()+": "+r.Forwarded.Subject)
	}
	for _, f := range r.Files {
		line("attachment", fmt.Sprintf("%s, %s, %d bytes", f.Name, f.Type, f.Size))
	}
	if r.Remote > 0 {
		line("remote", fmt.Sprintf("%d left out", r.Remote))
	}
	text := r.Reply
	if text == "" {
		text = r.Text
	}
	fmt.Fprintf(w, "\n%s\n\n", indent(text))
}

func (a address) line() string {
	if a.Name == "" {
		return a.Address
	}
	return a.Name + " <" + a.Address + ">"
}

func lines(list []address) string {
	var out []string
	for _, a := range list {
		out = append(out, a.line())
	}
	return strings.Join(out, ", ")
}

// clean leaves out what could command a terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return -1
		}
		return r
	}, s)
}

func indent(s string) string {
	return "    " + strings.ReplaceAll(strings.TrimSpace(clean(s)), "\n", "\n    ")
}

// bench understands the files on one core, from memory, for some seconds.
func bench(files []string, o options, out, errs io.Writer) int {
	var mails []func() understood
	size, code := 0, 0
	for _, f := range files {
		raw, err := read(f)
		if err != nil {
			fmt.Fprintln(errs, "inspect:", err)
			code = 1
			continue
		}
		size += len(raw)
		if o.text && isText(f) {
			mails = append(mails, func() understood { return understandText(raw) })
		} else {
			mails = append(mails, func() understood { return understand(raw) })
		}
	}
	if len(mails) == 0 {
		fmt.Fprintln(errs, "inspect: no mail")
		return 1
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start, n := time.Now(), 0
	for n == 0 || time.Since(start) < 3*time.Second {
		for _, mail := range mails {
			mail()
		}
		n++
	}
	took := time.Since(start).Seconds()
	runtime.ReadMemStats(&after)
	total := float64(n * len(mails))
	fmt.Fprintf(out, "%d mails, %.1f MB, %d times: %.0f mails/s, %.1f MB/s, %.0f allocations a mail\n",
		len(mails), float64(size)/1e6, n, total/took, float64(n*size)/1e6/took, float64(after.Mallocs-before.Mallocs)/total)
	return code
}
