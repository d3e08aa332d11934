package trim

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// attributed reads the mail below the attribution on the lines from one to the
// other: clients that write no header lines introduce what they pass on so.
func (t *plainText) attributed(from, to int) {
	if t.quoted != nil || t.forwarded != nil {
		return
	}
	text := ""
	for _, l := range t.lines[from:to] {
		text = strings.TrimSpace(text + " " + l.bare)
	}
	f := introducedBy(text)
	if f == nil {
		return
	}
	depth := t.leastDepth(to)
	var b strings.Builder
	for _, l := range t.lines[to:] {
		b.WriteString(strings.TrimRight(unquoteTo(l.raw, depth), " \t"))
		b.WriteByte('\n')
	}
	f.Body = strings.TrimRight(strings.Trim(b.String(), "\n"), " \n")
	t.quoted = f
}

// introducedBy reads the sender and the date of an attribution with an address.
func introducedBy(text string) *ticket.Forwarded {
	at := strings.IndexByte(text, '@')
	if at < 0 {
		return nil
	}
	open := strings.LastIndexAny(text[:at], " <([\"") + 1
	end := len(text)
	if i := strings.IndexAny(text[at:], " >)]\","); i >= 0 {
		end = at + i
	}
	addr := strings.TrimPrefix(strings.TrimRight(text[open:end], ":"), "mailto:")
	from := forwardAddress(addr)
	if from.Addr == "" {
		return nil
	}
	before := strings.TrimRight(text[:open], " <([")
	from.Name = introName(before)
	before = strings.TrimSuffix(strings.TrimRight(before, "\"'“”»„« "), from.Name)
	return &ticket.Forwarded{From: from, Date: forwardDate(strings.Trim(before+" "+strings.TrimLeft(text[end:], ">)],"), " \"“„«:"))}
}

// introName returns the name at the end of what stands before the address of an
// attribution: what is between quotation marks, or the words back to a date, a
// comma or a word in small letters.
func introName(s string) string {
	if t := strings.TrimRight(s, "\"“”»"); t != s {
		if i := strings.LastIndexAny(t, "\"“”„«"); i >= 0 {
			_, n := utf8.DecodeRuneInString(t[i:])
			return addressName(t[i+n:])
		}
	}
	words := strings.Fields(s)
	i := len(words)
	for i > 0 && len(words)-i < 6 && isNameWord(words[i-1]) && (i == len(words) || !strings.HasSuffix(words[i-1], ",")) {
		i--
	}
	for i < len(words) && isParticle(words[i]) {
		i++ // no name begins in small letters after a date: it is the word for "from"
	}
	return addressName(strings.Join(words[i:], " "))
}

func isNameWord(w string) bool {
	r, _ := utf8.DecodeRuneInString(w)
	switch strings.ToLower(strings.Trim(w, ".,")) {
	case "am", "pm", "a.m", "p.m", "gmt", "utc", "cet", "cest", "est", "edt", "cst", "cdt", "mst", "mdt", "pst", "pdt", "bst", "uhr":
		return false
	}
	if strings.ContainsFunc(w, unicode.IsDigit) || hasWroteVerb(w) || opensAttribution(w+" ") && !unicode.IsUpper(r) {
		return false
	}
	return !unicode.IsLower(r) || isParticle(w)
}

// isParticle reports the words in small letters that are parts of names.
func isParticle(w string) bool {
	switch w {
	case "van", "von", "der", "den", "de", "da", "di", "du", "del", "dos", "la", "le", "af", "av", "el", "bin", "ten", "ter", "zu", "y", "e":
		return true
	}
	return false
}
