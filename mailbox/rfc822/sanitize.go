package rfc822

import (
	"bytes"
	"html/template"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/microcosm-cc/bluemonday"
	"golang.org/x/net/html"
)

// SafeHTML is HTML that went through [Sanitize] or [TextToHTML]; nothing else
// can make one that is not empty. The zero value is empty.
type SafeHTML struct{ s string }

// String returns the HTML, a fragment for the body of a document.
func (h SafeHTML) String() string { return h.s }

// Template returns the HTML for html/template, which writes it as it is.
func (h SafeHTML) Template() template.HTML { return template.HTML(h.s) }

// SanitizeOptions are the choices of a caller of [Sanitize].
type SanitizeOptions struct {
	// Inline returns the URL of the inline part with that Content-ID of the
	// same mail, as a relative or same-origin path, or "" to leave the image
	// out. Nil leaves all of them out.
	Inline func(contentID string) string
	// Proxy returns the URL under which the host shows the remote image at url,
	// an absolute http or https URL: a same-origin path, or an absolute URL on
	// another host than the image's. "" leaves the image out. Nil leaves all of
	// them out. Backgrounds and everything else that is remote never come back.
	Proxy func(url string) string
}

// Sanitized tells what [Sanitize] left out.
type Sanitized struct {
	RemoteRemoved int  // images and backgrounds that would have been loaded from elsewhere
	RemoteProxied int  // images that will be loaded through Proxy
	Deceptive     int  // links that look as if they led elsewhere: see Sanitize
	Truncated     bool // a limit on size, depth or attributes cut something
}

// Sanitize makes the HTML of a stranger safe to show. It keeps an allow-list
// of elements, attributes and CSS properties, and absolute links to http,
// https, mailto and tel, which open in a new window and tell their target
// nothing. Everything that loads, runs, submits or covers is left out, and so
// is what the sender made invisible.
//
// A link counts as deceptive when its text shows another domain or mail address
// than its target, when a user name stood before its host, or when the host is
// punycode. Where the text lies, the title names the host it really leads to;
// titles of the sender's own are not kept on links.
//
// Input is read up to 2 MiB, output ends at 1 MiB. Work is linear. Sanitising
// the result again without hooks changes nothing, except that images which
// Inline or Proxy gave a URL are left out: keep the original, and sanitise it
// for each view.
func Sanitize(doc string, opts SanitizeOptions) (SafeHTML, Sanitized) {
	w := &safeWriter{opts: opts}
	var done Sanitized
	done.Truncated = walkHTML(doc, w)
	done.RemoteRemoved, done.RemoteProxied, done.Deceptive = w.remote, w.proxied, w.deceptive
	return SafeHTML{policy().Sanitize(w.out.String())}, done
}

// safeWriter writes the canonical form of what is allowed. bluemonday then
// reads that form with its own list: two walls, of which the first is linear.
type safeWriter struct {
	opts      SanitizeOptions
	out       bytes.Buffer
	remote    int
	proxied   int
	deceptive int
	link      openLink
	tail      int // bytes that closing the open elements will take
}

// allowedTags are the elements that are kept. None of them changes how a
// browser reads the text in it, so no two readers can disagree.
var allowedTags = map[string]bool{
	"a": true, "abbr": true, "acronym": true, "address": true, "article": true, "aside": true, "b": true, "bdi": true,
	"bdo": true, "big": true, "blockquote": true, "br": true, "caption": true, "center": true, "cite": true, "code": true,
	"col": true, "colgroup": true, "dd": true, "del": true, "dfn": true, "div": true, "dl": true, "dt": true, "em": true,
	"figcaption": true, "figure": true, "font": true, "footer": true, "h1": true, "h2": true, "h3": true, "h4": true,
	"h5": true, "h6": true, "header": true, "hr": true, "i": true, "img": true, "ins": true, "kbd": true, "li": true,
	"main": true, "mark": true, "nav": true, "ol": true, "p": true, "pre": true, "q": true, "s": true, "samp": true,
	"section": true, "small": true, "span": true, "strike": true, "strong": true, "sub": true, "sup": true, "table": true,
	"tbody": true, "td": true, "tfoot": true, "th": true, "thead": true, "time": true, "tr": true, "tt": true, "u": true,
	"ul": true, "var": true, "wbr": true,
}

var (
	number  = regexp.MustCompile(`^[0-9]{1,4}%?$`)
	keyword = regexp.MustCompile(`^[a-zA-Z-]{1,20}$`)
	colour  = regexp.MustCompile(`^(#[0-9a-fA-F]{3,8}|[a-zA-Z]{1,30})$`)
	face    = regexp.MustCompile(`^[a-zA-Z0-9 ,-]{1,100}$`)
	size    = regexp.MustCompile(`^[+-]?[0-9]$`)
	anyLine = regexp.MustCompile(`^[^\x00-\x08\x0b-\x1f]{0,1000}$`)
	style   = regexp.MustCompile(`^[a-z0-9 #%.,()/:;'"-]+$`)
)

// plainAttrs are the attributes with values of a simple form, and the form.
var plainAttrs = map[string]*regexp.Regexp{
	"align": keyword, "valign": keyword, "dir": keyword, "lang": keyword, "type": keyword,
	"width": number, "height": number, "border": number, "cellpadding": number, "cellspacing": number,
	"colspan": number, "rowspan": number, "start": number, "span": number,
	"bgcolor": colour, "color": colour, "face": face, "size": size, "title": anyLine, "alt": anyLine,
}

// policy is the second wall, built once and read only after that.
var policy = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	tags := make([]string, 0, len(allowedTags))
	for tag := range allowedTags {
		tags = append(tags, tag)
	}
	p.AllowElements(tags...)
	p.AllowNoAttrs().OnElements(tags...)
	for key, form := range plainAttrs {
		p.AllowAttrs(key).Matching(form).Globally()
	}
	p.AllowAttrs("style").Matching(style).Globally()
	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("rel").Matching(regexp.MustCompile(`^noopener noreferrer nofollow$`)).OnElements("a")
	p.AllowAttrs("target").Matching(regexp.MustCompile(`^_blank$`)).OnElements("a")
	p.AllowAttrs("src").OnElements("img")
	p.AllowURLSchemes("http", "https", "mailto", "tel")
	p.RequireParseableURLs(true)
	p.AllowRelativeURLs(true)
	return p
})

func (w *safeWriter) full(more int) bool { return w.out.Len()+w.tail+more > maxHTMLOut }

func (w *safeWriter) text(s string) bool {
	s = cleanHTMLText(s)
	w.link.show(s) // as its reader sees it
	s = html.EscapeString(s)
	if !w.full(len(s)) {
		w.out.WriteString(s)
		return true
	}
	room := max(0, maxHTMLOut-w.out.Len()-w.tail)
	s = cut(s, room)
	if i := strings.LastIndexByte(s, '&'); i >= 0 && strings.IndexByte(s[i:], ';') < 0 {
		s = s[:i] // no half entity
	}
	w.out.WriteString(s)
	return false
}

// cleanHTMLText drops what HTML text cannot hold.
func cleanHTMLText(s string) string {
	if strings.IndexFunc(s, badHTMLRune) < 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		if badHTMLRune(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

func badHTMLRune(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' || r >= 0x7f && r < 0xa0 || r >= 0x202A && r <= 0x202E ||
		r >= 0x2066 && r <= 0x2069 || r >= 0xE0000 && r <= 0xE007F || r == 0xFFFD
}

func (w *safeWriter) close(tag string) {
	w.tail -= len(tag) + 3
	if tag == "a" {
		w.closeLink()
	}
	w.out.WriteString("</" + tag + ">")
}

func (w *safeWriter) open(tag string, attrs []html.Attribute, void bool) bool {
	w.countRemote(tag, attrs)
	if !allowedTags[tag] {
		return false
	}
	var link openLink
	var b strings.Builder
	b.WriteString("<" + tag)
	switch tag {
	case "a":
		var ok bool
		if link, ok = linkTo(attr(attrs, "href")); !ok {
			return false
		}
		writeAttr(&b, "href", link.href)
	case "img":
		src := w.image(attr(attrs, "src"))
		if src == "" {
			return false
		}
		writeAttr(&b, "src", src)
	}
	for i := range attrs {
		if tag != "a" || attrs[i].Key != "title" {
			w.attr(&b, attrs[i])
		}
	}
	if tag == "a" {
		writeAttr(&b, "rel", "noopener noreferrer nofollow")
		writeAttr(&b, "target", "_blank")
	}
	b.WriteString(">")
	end := 0
	if !void {
		end = len(tag) + 3
	}
	if w.full(b.Len() + end + len(link.title())) {
		return false
	}
	w.tail += end
	w.out.WriteString(b.String())
	if tag == "a" {
		w.openLink(link)
	}
	return true
}

func writeAttr(b *strings.Builder, key, value string) {
	b.WriteString(" " + key + `="` + html.EscapeString(value) + `"`)
}

func (w *safeWriter) attr(b *strings.Builder, a html.Attribute) {
	if a.Key == "style" {
		s, remote := safeStyle(a.Val)
		w.remote += remote
		if s != "" {
			writeAttr(b, "style", s)
		}
		return
	}
	form := plainAttrs[a.Key]
	if form == nil {
		return
	}
	v := a.Val
	if form == anyLine {
		v = strings.TrimSpace(cut(cleanLine(cleanHTMLText(v)), 250))
	} else {
		v = strings.TrimSpace(v)
	}
	if form.MatchString(v) && v != "" {
		writeAttr(b, a.Key, v)
	}
}

// image resolves the source of an image: a part of the mail through Inline, a
// remote one through Proxy.
func (w *safeWriter) image(src string) string {
	src = strings.TrimSpace(src)
	if remoteURL(src) {
		if out := w.proxy(src); out != "" {
			w.proxied++
			return out
		}
		w.remote++
		return ""
	}
	if len(src) < 5 || !equalFold(src[:4], "cid:") || w.opts.Inline == nil {
		return ""
	}
	id := src[4:]
	if u, err := url.PathUnescape(id); err == nil {
		id = u
	}
	return safeInline(w.opts.Inline(strings.Trim(id, "<> ")))
}

func (w *safeWriter) proxy(src string) string {
	if w.opts.Proxy == nil {
		return ""
	}
	if strings.HasPrefix(src, "//") {
		src = "https:" + src
	}
	if src = safeURL(src); src == "" {
		return ""
	}
	return safeProxied(w.opts.Proxy(src), src)
}

// countRemote counts what a browser would have loaded from elsewhere.
func (w *safeWriter) countRemote(tag string, attrs []html.Attribute) {
	for i := range attrs {
		switch attrs[i].Key {
		case "src":
			if tag != "img" && remoteURL(attrs[i].Val) { // an image counts itself
				w.remote++
			}
		case "background", "poster", "srcset", "data", "lowsrc", "dynsrc":
			if remoteURL(attrs[i].Val) {
				w.remote++
			}
		case "href":
			if tag == "link" && remoteURL(attrs[i].Val) {
				w.remote++
			}
		}
	}
}
