package rfc822

import (
	"net/url"
	"strings"
	"testing"
)

func TestDeceptiveLinks(t *testing.T) {
	const rel = ` rel="noopener noreferrer nofollow" target="_blank"`
	for _, c := range []struct {
		in, title string
		deceptive int
	}{
		{`<a href="https://evil.example.net/x">https://www.bank.com/</a>`, "evil.example.net", 1},
		{`<a href="https://evil.example.net/x">www.bank.com</a>`, "evil.example.net", 1},
		{`<a href="https://evil.example.net/x">bank.com</a>`, "evil.example.net", 1},
		{`<a href="https://evil.example.net/x">see <b>https://ba</b>nk.com now</a>`, "evil.example.net", 1},
		{`<a href="https://evil.net/" title="bank.com">go</a>`, "", 0},
		{`<a href="https://login.bank.com/">www.bank.com</a>`, "", 0},
		{`<a href="https://bank.co.uk/">https://other.co.uk</a>`, "bank.co.uk", 1},
		{`<a href="https://evil.net/">report.pdf</a>`, "", 0},
		{`<a href="https://evil.net/">Read more at our site.</a>`, "", 0},
		{`<a href="https://bank.com@evil.net/">go</a>`, "", 1},
		{`<a href="https://xn--pple-43d.com/">go</a>`, "", 1},
		{`<a href="https://evil.net/">https://www.bücher.de</a>`, "evil.net", 1},
		{`<a href="mailto:a@evil.net">kari@bank.com</a>`, "evil.net", 1},
		{`<a href="mailto:a@bank.com?subject=x">kari@bank.com</a>`, "", 0},
		{`<a href="tel:+4712345678">www.bank.com</a>`, "", 0},
		{`<a href="https://evil.net/?` + strings.Repeat("x", 10<<10) + `">www.bank.com</a>`, "", 0},
	} {
		safe, res := Sanitize(c.in, SanitizeOptions{})
		if res.Deceptive != c.deceptive || strings.Contains(safe.String(), "title=") != (c.title != "") ||
			!strings.Contains(safe.String(), ` title="`+c.title+`"`) && c.title != "" {
			t.Errorf("%.80s: %d deceptive\n%s", c.in, res.Deceptive, safe)
		}
		if strings.Contains(safe.String(), "<a") && !strings.Contains(safe.String(), rel) || strings.Contains(safe.String(), strings.Repeat("x", 9000)) {
			t.Errorf("%.80s: %s", c.in, safe)
		}
		if again, _ := Sanitize(safe.String(), SanitizeOptions{}); again != safe {
			t.Errorf("%.80s: not idempotent:\n%s\n%s", c.in, safe, again)
		}
	}
}

func proxyForTest(u string) string { return "/inline/proxy?u=" + url.QueryEscape(u) }

func TestProxy(t *testing.T) {
	const doc = `<img src="http://x.example/a.png?b=c&d"><img src="//y.example/b"><img src="https://u:p@z.example/">` +
		`<img src="ftp://x.example/c"><img src="/logout"><img srcset="https://x.example/1 1x"><p style="background:url(https://x.example/d)">p</p>`
	safe, res := Sanitize(doc, SanitizeOptions{Proxy: proxyForTest})
	want := `<img src="/inline/proxy?u=http%3A%2F%2Fx.example%2Fa.png%3Fb%3Dc%26d"><img src="/inline/proxy?u=https%3A%2F%2Fy.example%2Fb">` +
		`<img src="/inline/proxy?u=https%3A%2F%2Fz.example%2F"><p>p</p>`
	if safe.String() != want || res.RemoteProxied != 3 || res.RemoteRemoved != 3 {
		t.Errorf("%s\n%+v", safe, res)
	}
	if again, res := Sanitize(safe.String(), SanitizeOptions{Proxy: proxyForTest}); again.String() != "<p>p</p>" || res.RemoteProxied != 0 {
		t.Errorf("the result again: %s %+v", again, res)
	}
	if _, res := Sanitize(doc, SanitizeOptions{}); res.RemoteRemoved != 6 || res.RemoteProxied != 0 {
		t.Errorf("without a proxy: %+v", res)
	}
	for _, bad := range []string{"", "http://x.example/", "https://X.example:8/y", "//x.example", "javascript:x", "data:image/png;base64,x", "mailto:a@b", "/a\"b"} {
		safe, res := Sanitize(`<img src="http://x.example/a">`, SanitizeOptions{Proxy: func(string) string { return bad }})
		if safe.String() != "" || res.RemoteRemoved != 1 || res.RemoteProxied != 0 {
			t.Errorf("%q: %s %+v", bad, safe, res)
		}
	}
	safe, _ = Sanitize(`<img src="http://x.example/a">`, SanitizeOptions{Proxy: func(string) string { return "https://proxy.example/1" }})
	if safe.String() != `<img src="https://proxy.example/1">` {
		t.Error(safe)
	}
}

// TestHostileHTML has a line for each kind of hostile HTML that the sanitiser
// answers for; the collections of TestAttackHTML have thousands more.
func TestHostileHTML(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"handlers, schemes, refresh": {`<meta http-equiv=refresh content="0;url=//x"><base href=//x><object data=x></object><a href="vbscript:x" onfocus=y>a</a>`, "a"},
		"parsers that disagree":      {`<noscript><p title="</noscript><img src=x onerror=y>">z</noscript>`, "&lt;p title=&#34;&#34;&gt;z"},
		"foreign content":            {`<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1&gt;">`, ""},
		"style elements":             {`<style>@import '//x';p[a^=b]{}</style><p style="width:expression(x);color:\72 ed;background:image-set('//x' 1x)">y</p>`, "<p>y</p>"},
		"remote loads":               {`<link rel=preload href=//x><video poster=//x></video><table background=//x><tr><td>y</table>`, "<table><tr><td>y</td></tr></table>"},
		"own origin":                 {`<img src="/agent/logout"><a href="../x">y</a>`, "y"},
		"forms":                      {`<form><input autofocus><button formaction=x>y</button></form><p contenteditable>z</p>`, "y<p>z</p>"},
		"overlays":                   {`<p style="position:fixed;z-index:99999;margin-left:-9999px;top:0;transform:scale(9)">y</p>`, "<p>y</p>"},
		"bidi and tags":              {"a\u202eb\u2066c\U000e0041d", "abcd"},
		"invisible":                  {`<p style="display:none">x</p><p style="font-size:0">y</p><p>z</p>`, "<p>z</p>"},
	} {
		safe, _ := Sanitize(c.in, SanitizeOptions{})
		if err := checkSanitize(c.in); err != nil || safe.String() != c.want {
			t.Errorf("%s: %v\n got %s\nwant %s", name, err, safe, c.want)
		}
	}
	var asked []string
	Sanitize(`<img src="cid:A@b"><img src="CID:a%40b">`, SanitizeOptions{Inline: func(id string) string {
		asked = append(asked, id)
		return ""
	}})
	if strings.Join(asked, " ") != "A@b a@b" {
		t.Errorf("content ids as they stand: %q", asked)
	}
}

func FuzzLink(f *testing.F) {
	for _, s := range []string{"https://a.example/?b=c&d", "HTTP://u:p@ex.example:80", "http://bücher.example/ü", "mailto:a@b?subject=x", "java\tscript:x", "http://a%62c/%", "www.bank.com"} {
		f.Add(s, "https://www.bank.com")
	}
	f.Fuzz(func(t *testing.T, href, shown string) {
		if out := safeURL(href); out != "" && safeURL(out) != out {
			t.Fatalf("%q: %q, then %q", href, out, safeURL(out))
		}
		doc := `<a href="` + strings.ReplaceAll(href, `"`, "&quot;") + `">` + shown + "</a>"
		if err := checkSanitize(doc); err != nil {
			t.Fatal(err)
		}
		if err := checkHTML(TextToHTML(shown + " " + href).String()); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzStyle(f *testing.F) {
	for _, s := range []string{"color: red; background:URL(//x)", "font-family:'a', \"b\"", "margin:-1px", "width:99999px", `c\6flor:red`, "color:rgb(1,2,3) !important", "display:none"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, style string) {
		once, _ := safeStyle(style)
		if twice, remote := safeStyle(once); twice != once || remote != 0 {
			t.Fatalf("%q: %q, then %q", style, once, twice)
		}
		if strings.Contains(once, "url") || strings.ContainsAny(once, "\\@<>{}*!") {
			t.Fatalf("%q: %q", style, once)
		}
	})
}
