package rfc822

import (
	"net/url"
	"strings"

	"golang.org/x/net/idna"
)

// safeURL returns the canonical form of an absolute link that may be shown, or
// "". Only http, https, mailto and tel pass; a user name before the host, which
// serves to deceive, is taken out, and hosts are shown in ASCII.
func safeURL(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || r == '\r' {
			return -1 // as browsers do
		}
		return r
	}, strings.TrimSpace(s))
	s = strings.ReplaceAll(s, " ", "%20")
	if s == "" || len(s) > maxURL || strings.IndexByte(s, '\\') >= 0 {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil {
		return ""
	}
	switch u.Scheme {
	case "http", "https":
		if u.Host == "" || u.Opaque != "" || !asciiHost(u) {
			return ""
		}
		u.User = nil
	case "mailto", "tel":
		if u.Opaque == "" || strings.HasPrefix(u.Opaque, "/") {
			return ""
		}
	default:
		return ""
	}
	return stable(u)
}

// stable returns the text of u if reading it again gives the same, so that
// sanitising twice changes nothing.
func stable(u *url.URL) string {
	out := u.String()
	again, err := url.Parse(out)
	if err != nil || again.String() != out || again.Scheme != u.Scheme || strings.ContainsAny(out, " <>\"\t\n\r") || cleanLine(out) != out {
		return ""
	}
	return out
}

func asciiHost(u *url.URL) bool {
	host := u.Hostname()
	if isASCII([]byte(host)) {
		return host != ""
	}
	a, err := idna.Lookup.ToASCII(host)
	if err != nil || a == "" {
		return false // a name of nothing but what IDNA leaves out
	}
	if port := u.Port(); port != "" {
		a += ":" + port
	}
	u.Host = a
	return true
}

// safeInline checks what the Inline function of the host returned: a path on
// the host itself.
func safeInline(s string) string {
	if s == "" || len(s) > maxURL || strings.HasPrefix(s, "//") || strings.ContainsAny(s, "\\ <>\"'\t\n\r") {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "" || u.Host != "" || u.Opaque != "" {
		return ""
	}
	out := u.String()
	if strings.HasPrefix(out, "//") {
		return ""
	}
	return out
}

// safeProxied checks what the Proxy function of the host returned for the
// remote URL original: a path on the host itself, or an absolute URL that does
// not lead to where the original does.
func safeProxied(s, original string) string {
	if out := safeInline(s); out != "" {
		return out
	}
	out := safeURL(s)
	if !strings.HasPrefix(out, "http") {
		return ""
	}
	to, err := url.Parse(out)
	if err != nil {
		return ""
	}
	from, err := url.Parse(original)
	if err != nil || equalFold(to.Hostname(), from.Hostname()) {
		return ""
	}
	return out
}

// remoteURL reports whether loading s would leave the host.
func remoteURL(s string) bool {
	s = strings.ToLower(strings.TrimSpace(s[:min(len(s), 64)]))
	return strings.HasPrefix(s, "//") || strings.HasPrefix(s, "http:") || strings.HasPrefix(s, "https:") || strings.HasPrefix(s, "ftp:") || strings.HasPrefix(s, `\\`)
}
