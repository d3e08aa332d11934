package rfc822

import (
	"strings"
	"testing"
)

func TestSanitize(t *testing.T) {
	const rel = ` rel="noopener noreferrer nofollow" target="_blank"`
	for in, want := range map[string]string{
		"":                             "",
		"<script>x</script>a":          "a",
		"<p>a<p>b":                     "<p>a</p><p>b</p>",
		"<b>x":                         "<b>x</b>",
		"a & b < c":                    "a &amp; b &lt; c",
		`<a href="javascript:x">y</a>`: "y",
		`<a href="/logout">y</a>`:      "y",
		`<a href="https://bank.example@evil.example/">y</a>`:                           `<a href="https://evil.example/"` + rel + `>y</a>`,
		`<a href="mailto:a@b">y</a>`:                                                   `<a href="mailto:a@b"` + rel + `>y</a>`,
		`<img src="cid:i1" alt="x">`:                                                   `<img src="/inline/6931" alt="x">`,
		`<img src="/logout">`:                                                          "",
		`<p style="color: RED; position:fixed; margin:-5px; background:url(x)">y`:      `<p style="color: red">y</p>`,
		`<p onclick=x class=y id=z title="t">y`:                                        `<p title="t">y</p>`,
		`a<span style="display:none">secret</span>b<p hidden>secret</p>`:               "ab",
		`<form action=x><input name=y><button>go</button></form>`:                      "go",
		`<svg><script>x</script><text>t</text></svg>a<math><mi>x</mi></math><!--c-->b`: "ab",
		`<style>p{}</style><title>t</title><textarea><b></textarea>x`:                  "x",
	} {
		got, _ := Sanitize(in, SanitizeOptions{Inline: inlineForTest})
		if got.String() != want {
			t.Errorf("%s:\n got %s\nwant %s", in, got, want)
		}
	}
	_, res := Sanitize(`<img src="http://x/y"><img src="//x"><table background="https://x"><p style="background:url('https://x')">`, SanitizeOptions{})
	if res.RemoteRemoved != 4 || res.Truncated {
		t.Errorf("%+v", res)
	}
	for _, bad := range []string{"http://evil/x", "//evil", `\\evil`, "javascript:x", "x\"y", "data:image/png;base64,x"} {
		got, _ := Sanitize(`<img src="cid:x">`, SanitizeOptions{Inline: func(string) string { return bad }})
		if got.String() != "" {
			t.Errorf("%q: %s", bad, got)
		}
	}
	if (SafeHTML{}).String() != "" || string(TextToHTML("<").Template()) != "&lt;" {
		t.Error("SafeHTML")
	}
}

func TestHTMLLimits(t *testing.T) {
	for name, doc := range map[string]string{"in": strings.Repeat("<i></i>", maxHTMLIn/7+1), "out": strings.Repeat("x", maxHTMLOut+1),
		"depth": strings.Repeat("<div>", maxHTMLDepth+1), "attributes": "<p" + strings.Repeat(" x", maxHTMLAttrs) + " y z>"} {
		if name == "attributes" {
			doc = "<p"
			for i := range maxHTMLAttrs + 1 {
				doc += " x" + strings.Repeat("y", i)
			}
			doc += ">"
		}
		if _, res := Sanitize(doc, SanitizeOptions{}); !res.Truncated {
			t.Errorf("%s: not reported", name)
		}
	}
}

func TestHTMLToText(t *testing.T) {
	for in, want := range map[string]string{
		"<p>a  b<br>c</p><p>d":                       "a b\nc\n\nd",
		"<ul><li>x<li>y</ul>z":                       "- x\n- y\n\nz",
		"a<script>b</script><style>c</style>":        "a",
		"<div style='display:none'>x</div>y":         "y",
		"<pre>a\n  b</pre>c":                         "a\n  b\n\nc",
		"<blockquote type=cite>q<br>r</blockquote>s": "> q\n> r\ns",
		"<table><tr><td>a<td>b<tr><td>c</table>":     "a b\nc",
		"a&nbsp;&amp;&zwnj;b":                        "a &\u200cb",
		"x<img alt=pic src=y>z":                      "x pic z",
	} {
		if got := HTMLToText(in); got != want {
			t.Errorf("%s: %q", in, got)
		}
	}
}

func TestTextToHTML(t *testing.T) {
	for in, want := range map[string]string{
		"a <b>\n  c":                  "a &lt;b&gt;<br>\n\u00a0 c",
		"(see http://x.example/(y)).": `(see <a href="http://x.example/(y)" rel="noopener noreferrer nofollow" target="_blank">http://x.example/(y)</a>).`,
		`http://x" onclick=y`:         `<a href="http://x" rel="noopener noreferrer nofollow" target="_blank">http://x</a>&#34; onclick=y`,
		"http://":                     "http://",
	} {
		if got := TextToHTML(in).String(); got != want {
			t.Errorf("%q:\n%s", in, got)
		}
	}
}
