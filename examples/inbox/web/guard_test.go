package web_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/helpdesk-go/helpdesk/examples/inbox/web"
	"github.com/helpdesk-go/helpdesk/mailbox/mailboxtest"
)

// paths are all pages of a ticket's inbox.
func paths(t *testing.T, b *bench) []string {
	p := b.ticket()
	m := messageID(t, b.get(p))
	return []string{
		"/", "/?view=all", "/changes", "/new", p, p + "/body/1", "/messages/" + m + "/files/0", "/messages/" + m + "/inline/0",
		"/messages/" + m + "/raw", "/quarantine", "/quarantine/" + strings.TrimPrefix(p, "/tickets/") + "/raw", "/mailboxes",
		"/assets/style.css", "/assets/live.js", "/assets/none.css", "/nowhere",
	}
}

// TestHeaders: every answer has a policy that lets nothing foreign run.
func TestHeaders(t *testing.T) {
	b := newBench(t, "/support")
	b.deliver(mail("Lamp", "dark"))
	for _, path := range paths(t, b) {
		h := b.do("GET", path, nil, nil).Header()
		csp := h.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors") || !strings.Contains(csp, "base-uri 'none'") {
			t.Errorf("%s: policy %q", path, csp)
		}
		for _, bad := range []string{"unsafe-inline'; script", "unsafe-eval", "http:", "https:", "data:", "*"} {
			if strings.Contains(csp, bad) {
				t.Errorf("%s: policy %q allows %q", path, csp, bad)
			}
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: headers %v", path, h)
		}
		if !strings.Contains(path, "/assets/") && h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be cached", path)
		}
	}
}

// TestNobody: without an identity there is nothing to see and nothing to do.
func TestNobody(t *testing.T) {
	b := newBench(t, "/support")
	b.deliver(mail("Secret lamp", "dark"))
	all, p := paths(t, b), b.ticket()
	b.known = false
	for _, path := range all {
		w := b.do("GET", path, nil, nil)
		if strings.Contains(path, "/assets/") || path == "/nowhere" {
			continue
		}
		if w.Code != http.StatusForbidden || strings.Contains(w.Body.String(), "lamp") {
			t.Errorf("GET %s: %d", path, w.Code)
		}
	}
	body, h := form("text", "hello")
	if w := b.do("POST", p+"/reply", body, h); w.Code != http.StatusForbidden {
		t.Errorf("POST: %d", w.Code)
	}
	b.known, b.who = true, web.Identity{Tenant: "acme"}
	if w := b.do("GET", "/", nil, nil); w.Code != http.StatusForbidden {
		t.Errorf("an agent without id: %d", w.Code)
	}
	if n := len(b.sent()); n != 0 {
		t.Errorf("%d mails left", n)
	}
}

// TestOtherTenant: what belongs to another tenant is not there.
func TestOtherTenant(t *testing.T) {
	b := newBench(t, "")
	b.deliver(mail("Secret lamp", "dark"))
	all, p := paths(t, b), b.ticket()
	b.who.Tenant = "other"
	b.account(t, "other")
	for _, path := range all {
		w := b.do("GET", path, nil, nil)
		if strings.Contains(w.Body.String(), "lamp") && !strings.Contains(path, "/assets/") {
			t.Errorf("GET %s shows the other tenant's ticket", path)
		}
		if strings.Contains(path, "/tickets/") || strings.Contains(path, "/messages/") {
			if w.Code != http.StatusNotFound {
				t.Errorf("GET %s: %d", path, w.Code)
			}
		}
	}
	for path, fields := range map[string][]string{
		"/reply": {"text", "x"}, "/note": {"text", "x"}, "/assign": {"to", "me"}, "/status": {"status", "closed"}, "/tags": {"add", "x"},
	} {
		body, h := form(fields...)
		if w := b.do("POST", p+path, body, h); w.Code != http.StatusNotFound {
			t.Errorf("POST %s: %d", path, w.Code)
		}
	}
}

// account connects a mailbox to another tenant.
func (b *bench) account(t *testing.T, tenant string) {
	t.Helper()
	a := mailboxtest.Account{User: "second", Email: "second@desk.example", Name: "Second", Password: "secret"}
	if _, err := b.desk.Tenant(web.Identity{Tenant: "other"}.Tenant).Connect(t.Context(), a); err != nil {
		t.Fatal(tenant, err)
	}
}

// TestForgery: a form of another site does nothing.
func TestForgery(t *testing.T) {
	b := newBench(t, "")
	b.deliver(mail("Lamp", "dark"))
	p := b.ticket()
	for _, forged := range []http.Header{
		{"Sec-Fetch-Site": {"cross-site"}},
		{"Sec-Fetch-Site": {"same-site"}},
		{"Origin": {"https://evil.example"}},
		{"Origin": {"null"}},
	} {
		body, h := form("text", "forged")
		for k, v := range forged {
			h[k] = v
		}
		if w := b.do("POST", p+"/reply", body, h); w.Code != http.StatusForbidden {
			t.Errorf("%v: %d", forged, w.Code)
		}
	}
	for _, path := range []string{p + "/reply", p + "/status", p + "/messages/x/delivery"} {
		if w := b.do("GET", path, nil, nil); w.Code < 400 {
			t.Errorf("GET %s: %d", path, w.Code)
		}
	}
	b.work()
	if n := len(b.sent()); n != 0 {
		t.Errorf("%d mails left", n)
	}
	body, h := form("text", "mine")
	h.Set("Sec-Fetch-Site", "same-origin")
	if w := b.do("POST", p+"/reply", body, h); w.Code != http.StatusSeeOther {
		t.Errorf("the site's own form: %d", w.Code)
	}
}

const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

// hostile is a mail whose every field is an attack.
const hostile = `From: "<script>alert(1)</script>" <ann@customer.example>
To: support@desk.example
Subject: "><script>alert(2)</script><img src=x onerror=alert(3)>
Message-ID: <hostile@customer.example>
MIME-Version: 1.0
Content-Type: multipart/related; boundary=b

--b
Content-Type: text/html; charset=utf-8

<html><body onload="alert(4)"><script>alert(5)</script><p style="position:fixed;top:0">Dear support</p>
<a href="javascript:alert(6)">link</a><svg onload=alert(7)></svg><img src="https://evil.example/track.gif">
<img src="cid:pic"><img src="cid:svg"><form action="/tickets"><input name=x autofocus onfocus=alert(8)></form>
<iframe src="/mailboxes"></iframe><meta http-equiv="refresh" content="0;url=https://evil.example"><base href="https://evil.example">
<style>@import "https://evil.example/x.css"; * { background: url(https://evil.example) }</style></body></html>
--b
Content-Type: image/png; name="a.png"
Content-ID: <pic>
Content-Transfer-Encoding: base64

` + pixel + `
--b
Content-Type: image/svg+xml; name="<img src=x onerror=alert(9)>.svg"
Content-ID: <svg>
Content-Disposition: attachment; filename="<img src=x onerror=alert(9)>.svg"

<svg xmlns="http://www.w3.org/2000/svg" onload="alert(10)"></svg>
--b--
`

// TestHostileMail reads the pages as a browser does: no script but the site's
// own, no handler, no frame but the mail's, nothing from elsewhere.
func TestHostileMail(t *testing.T) {
	b := newBench(t, "")
	b.deliver(hostile)
	p := b.ticket()
	page, body := b.get(p), b.get(p+"/body/1")
	oracle(t, "the list", b.get("/"))
	oracle(t, "the ticket", page)
	oracle(t, "the mail", body)
	mustContain(t, body, "Dear support")
	mustContain(t, page, `sandbox="allow-same-origin allow-popups allow-popups-to-escape-sandbox"`)
	mustLack(t, page, "allow-scripts", "allow-forms", "allow-top-navigation")
	mustLack(t, body, "evil.example", "<form", "<input", "<iframe", "<svg", "position")
	w := b.do("GET", p+"/body/1", nil, nil)
	if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "; sandbox allow-same-origin") || strings.Contains(csp, "script-src") {
		t.Errorf("policy of the mail %q", csp)
	}
	m := messageID(t, page)
	png, _ := base64.StdEncoding.DecodeString(pixel)
	pic := b.do("GET", "/messages/"+m+"/inline/0", nil, nil)
	if pic.Code != http.StatusOK || pic.Header().Get("Content-Type") != "image/png" || !bytes.Equal(pic.Body.Bytes(), png) {
		t.Errorf("the picture of the mail: %d %v", pic.Code, pic.Header())
	}
	mustContain(t, body, "/messages/"+m+"/inline/0")
	mustLack(t, body, "/inline/1")
	if svg := b.do("GET", "/messages/"+m+"/inline/1", nil, nil); svg.Code != http.StatusNotFound {
		t.Errorf("an SVG is shown inline: %d", svg.Code)
	}
}

// oracle fails for anything on a page that runs or loads what is not ours.
func oracle(t *testing.T, name, page string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		attrs := map[string]string{}
		for _, a := range n.Attr {
			attrs[a.Key] = a.Val
			v := strings.ToLower(strings.TrimSpace(a.Val))
			switch {
			case strings.HasPrefix(a.Key, "on"), a.Key == "srcdoc", strings.HasPrefix(v, "javascript:"), strings.HasPrefix(v, "data:"):
				t.Errorf("%s: <%s %s=%q>", name, n.Data, a.Key, a.Val)
			case a.Key == "src" && !strings.HasPrefix(v, "/"):
				t.Errorf("%s: <%s> loads %q", name, n.Data, a.Val)
			}
		}
		switch n.Data {
		case "script":
			if attrs["src"] != "/assets/live.js" || n.FirstChild != nil {
				t.Errorf("%s: a script that is not ours: %v", name, n.Attr)
			}
		case "style", "object", "embed", "svg", "math", "base":
			t.Errorf("%s: <%s>", name, n.Data)
		case "iframe":
			if attrs["sandbox"] == "" {
				t.Errorf("%s: a frame without a sandbox", name)
			}
		}
	}
}

// TestNames: text of strangers stays text wherever it stands.
func TestNames(t *testing.T) {
	b := newBench(t, "")
	attack := `"><script>alert(1)</script>`
	b.deliver(mail("Lamp", attack+" http://x.example/\"onmouseover=alert(1)"))
	p := b.ticket()
	b.post(p+"/assign", "to", "other", "agent", attack)
	b.post(p+"/tags", "add", `"><img/src=x/onerror=alert(1)>`)
	b.post(p+"/note", "text", attack)
	for i, path := range []string{p, "/?view=all", "/?view=all&tag=%22%3E%3Cscript%3E", "/?view=%22%3E%3Cscript%3E", "/new"} {
		oracle(t, fmt.Sprint(i, path), b.get(path))
	}
}
