package rfc822

import (
	"html"
	"net/url"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// maxShown is how much of a link's text is compared with its target.
const maxShown = 2 << 10

// openLink is the link being written, with what its reader sees of it.
type openLink struct {
	href   string
	host   string // where it leads, "" for tel
	odd    bool   // it deceives whatever its text says
	shown  []byte
	at     int // where in the output a title goes
	active bool
}

// linkTo returns the link to href, and whether it may be shown.
func linkTo(href string) (openLink, bool) {
	out := safeURL(href)
	u, err := url.Parse(out)
	if out == "" || err != nil {
		return openLink{}, false
	}
	l := openLink{href: out, host: u.Host}
	if u.Scheme == "mailto" {
		address, _, _ := strings.Cut(u.Opaque, "?")
		l.host = address[strings.LastIndexByte(address, '@')+1:]
	}
	if u.Scheme == "http" || u.Scheme == "https" {
		before, err := url.Parse(strings.TrimSpace(href))
		l.odd = err == nil && before.User != nil || strings.Contains("."+strings.ToLower(u.Host), ".xn--")
	}
	return l, true
}

// title names where the link leads.
func (l *openLink) title() string {
	if l.host == "" {
		return ""
	}
	return ` title="` + html.EscapeString(l.host) + `"`
}

// show takes text that stands in the link.
func (l *openLink) show(s string) {
	if l.active {
		l.shown = append(l.shown, s[:min(len(s), maxShown-len(l.shown))]...)
	}
}

// openLink begins the link whose tag was written last, keeping room for a title.
func (w *safeWriter) openLink(l openLink) {
	l.active, l.at = true, w.out.Len()-1
	w.tail += len(l.title())
	w.link = l
}

// closeLink ends the link, and gives it a title where its text lies. Links do
// not nest, so what moves is moved once.
func (w *safeWriter) closeLink() {
	l := w.link
	w.link = openLink{}
	if !l.active {
		return
	}
	title := l.title()
	w.tail -= len(title)
	lies := title != "" && l.lies()
	if lies || l.odd {
		w.deceptive++
	}
	if !lies {
		return
	}
	rest := string(w.out.Bytes()[l.at:])
	w.out.Truncate(l.at)
	w.out.WriteString(title + rest)
}

// lies reports whether the text shows another domain than the target's.
func (l *openLink) lies() bool {
	words := strings.Fields(string(l.shown))
	if len(l.shown) >= maxShown && len(words) > 0 {
		words = words[:len(words)-1] // may have been cut
	}
	mail := strings.HasPrefix(l.href, "mailto:")
	target := ""
	for _, word := range words {
		shown := shownDomain(word, mail, len(words) == 1)
		if shown == "" {
			continue
		}
		if target == "" {
			if target = registrable(l.host); target == "" {
				return false
			}
		}
		if shown != target {
			return true
		}
	}
	return false
}

// shownDomain returns the registrable domain that a word of a link's text
// shows, or "". A bare name, such as bank.example, must be all of the text and
// end in a public suffix, because file names look alike.
func shownDomain(word string, mail, alone bool) string {
	word = strings.ToLower(strings.TrimLeft(word, "(<[{\"'"))
	if mail {
		if _, domain, ok := strings.Cut(word, "@"); ok {
			return registrable(domain)
		}
		return ""
	}
	switch {
	case strings.HasPrefix(word, "http://"), strings.HasPrefix(word, "https://"):
		// No parser of addresses: a reader sees a domain in what is none, too.
		_, authority, _ := strings.Cut(word, "//")
		if end := strings.IndexAny(authority, "/?#\\"); end >= 0 {
			authority = authority[:end]
		}
		return registrable(authority[strings.LastIndexByte(authority, '@')+1:])
	case strings.HasPrefix(word, "www."):
		return registrable(word)
	case alone && strings.IndexByte(word, '.') > 0 && strings.IndexByte(word, '@') < 0:
		domain := registrable(word)
		if suffix, known := publicsuffix.PublicSuffix(domain); !known || suffix == domain {
			return ""
		}
		return domain
	}
	return ""
}

// registrable returns the part of the name s begins with that somebody has
// registered, in ASCII, or "".
func registrable(s string) string {
	end := strings.IndexFunc(s, func(r rune) bool {
		return r < 0x80 && r != '-' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
	if end >= 0 {
		s = s[:end]
	}
	s = strings.Trim(strings.ToLower(s), ".")
	if len(s) > 253 || strings.IndexByte(s, '.') < 0 {
		return ""
	}
	if !isASCII([]byte(s)) {
		ascii, err := idna.Lookup.ToASCII(s)
		if err != nil {
			return ""
		}
		s = ascii
	}
	if domain, err := publicsuffix.EffectiveTLDPlusOne(s); err == nil {
		return domain
	}
	return s
}
