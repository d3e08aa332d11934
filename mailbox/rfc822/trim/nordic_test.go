package trim

import (
	"fmt"
	"html"
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// nordic is what the clients write in one language around the same mail: Kari
// wrote on 3 March 2026 at 10:15, and Ola answers or passes it on.
type nordic struct {
	name                                  string
	from, sent, date, to, cc, subject     string // labels of Outlook and Apple
	gmail, android, apple, phone          string // attributions before name and address, with %s for both
	gmailDate, outlookDate, appleDate     string
	original, samsung, forward, iosGet    string
	iosSign, samsungSign                  string
	own, greeting, topic, quoted, quoted2 string
}

var nordics = []nordic{
	{name: "nb", from: "Fra", sent: "Sendt", date: "Dato", to: "Til", cc: "Kopi", subject: "Emne",
		gmail: "tir. 3. mars 2026 kl. 10:15 skrev %s:", android: "tir. 3. mars 2026, 10:15 skrev %s:",
		apple: "3. mars 2026 kl. 10:15 skrev %s:", phone: "Den 3. mars 2026 kl. 10:15 skrev %s:",
		gmailDate: "tir. 3. mars 2026 kl. 10:15", outlookDate: "tirsdag 3. mars 2026 10:15", appleDate: "3. mars 2026 kl. 10:15:00 CET",
		original: "Opprinnelig melding", samsung: "Opprinnelig melding", forward: "Videresendt melding", iosGet: "Få Outlook for iOS",
		iosSign: "Sendt fra min iPhone", samsungSign: "Sendt fra min Galaxy",
		own: "Hei, det virker nå, takk!", greeting: "Mvh Ola", topic: "Skriveren i 2. etasje", quoted: "Har du prøvd å slå den av og på?",
		quoted2: "Si fra hvis det ikke hjelper."},
	{name: "nn", from: "Frå", sent: "Sendt", date: "Dato", to: "Til", cc: "Kopi", subject: "Emne",
		gmail: "tys. 3. mars 2026 kl. 10:15 skreiv %s:", android: "tys. 3. mars 2026, 10:15 skreiv %s:",
		apple: "Den 3. mars 2026 kl. 10:15 skreiv %s:", phone: "3. mars 2026 kl. 10:15 skreiv %s:",
		gmailDate: "tys. 3. mars 2026 kl. 10:15", outlookDate: "tysdag 3. mars 2026 10:15", appleDate: "3. mars 2026 kl. 10:15:00 CET",
		original: "Opphavleg melding", samsung: "Opprinneleg melding", forward: "Vidaresendt melding", iosGet: "Skaff Outlook for iOS",
		iosSign: "Sendt frå min iPhone", samsungSign: "Sendt frå min Galaxy",
		own: "Hei, det verkar no, takk!", greeting: "Helsing Ola", topic: "Skrivaren i 2. høgda", quoted: "Har du prøvd å slå han av og på?",
		quoted2: "Sei frå om det ikkje hjelper."},
	{name: "sv", from: "Från", sent: "Skickat", date: "Datum", to: "Till", cc: "Kopia", subject: "Ämne",
		gmail: "Den tis 3 mars 2026 kl 10:15 skrev %s:", android: "Den tis 3 mars 2026 10:15%s skrev:",
		apple: "3 mars 2026 kl. 10:15 skrev %s:", phone: "3 mars 2026 kl. 10:15 skrev %s:",
		gmailDate: "tis 3 mars 2026 kl 10:15", outlookDate: "den 3 mars 2026 10:15", appleDate: "3 mars 2026 10:15:00 CET",
		original: "Ursprungligt meddelande", samsung: "Originalmeddelande", forward: "Vidarebefordrat mejl", iosGet: "Hämta Outlook för iOS",
		iosSign: "Skickat från min iPhone", samsungSign: "Skickat från min Galaxy",
		own: "Hej, nu fungerar det, tack!", greeting: "Hälsningar Ola", topic: "Skrivaren på plan 2", quoted: "Har du provat att stänga av den?",
		quoted2: "Hör av dig om det inte hjälper."},
	{name: "da", from: "Fra", sent: "Sendt", date: "Dato", to: "Til", cc: "Cc", subject: "Emne",
		gmail: "Den tirs. 3. mar. 2026 kl. 10.15 skrev %s:", android: "tirs. 3. mar. 2026 10.15 skrev %s:",
		apple: "Den 3. mar. 2026 kl. 10.15 skrev %s:", phone: "Den 3. mar. 2026 kl. 10.15 skrev %s:",
		gmailDate: "tirs. 3. mar. 2026 kl. 10.15", outlookDate: "3. marts 2026 10:15", appleDate: "3. marts 2026 kl. 10.15.00 CET",
		original: "Oprindelig meddelelse", samsung: "Oprindelig besked", forward: "Start på videresendt besked", iosGet: "Hent Outlook til iOS",
		iosSign: "Sendt fra min iPhone", samsungSign: "Sendt fra min Galaxy",
		own: "Hej, nu virker det, tak!", greeting: "Hilsen Ola", topic: "Printeren på 2. sal", quoted: "Har du prøvet at slukke den?",
		quoted2: "Sig til, hvis det ikke hjælper."},
	{name: "fi", from: "Lähettäjä", sent: "Lähetetty", date: "Päivämäärä", to: "Vastaanottaja", cc: "Kopio", subject: "Aihe",
		gmail: "ti 3. maalisk. 2026 klo 10.15 %s kirjoitti:", android: "ti 3. maalisk. 2026 klo 10.15 %s kirjoitti:",
		apple: "%s kirjoitti 3.3.2026 kello 10.15:", phone: "%s kirjoitti 3.3.2026 kello 10.15:",
		gmailDate: "ti 3. maalisk. 2026 klo 10.15", outlookDate: "tiistai 3. maaliskuuta 2026 10.15", appleDate: "3. maaliskuuta 2026 klo 10.15.00 UTC+1",
		original: "Alkuperäinen viesti", samsung: "Alkuperäinen viesti", forward: "Välitetty viesti alkaa", iosGet: "Hanki Outlook for iOS",
		iosSign: "Lähetetty iPhonesta", samsungSign: "Lähetetty Galaxy-puhelimesta",
		own: "Hei, nyt se toimii, kiitos!", greeting: "Terveisin Ola", topic: "Tulostin 2. kerroksessa", quoted: "Oletko kokeillut sammuttaa sen?",
		quoted2: "Kerro, jos se ei auta."},
}

const (
	nordicKari = "Kari Bjørk"
	nordicAddr = "kari@example.no"
	nordicOla  = "Ola Sæther <ola@example.no>"
)

// nordicMail is one mail of the matrix.
type nordicMail struct {
	text, html string
	at         string // time of the mail passed on
}

func (l nordic) full() string { return nordicKari + " <" + nordicAddr + ">" }

func (l nordic) headers(sent, date, mark string) string {
	return fmt.Sprintf("%s%s: %s\n%s%s: %s\n%s%s: %s\n%s%s: Eva Lund <eva@example.no>\n%s%s: %s\n",
		mark, l.from, l.full(), mark, sent, date, mark, l.to, nordicOla, mark, l.cc, mark, l.subject, l.topic)
}

// bold is the same in HTML, as Outlook and Apple write it.
func (l nordic) bold(sent, date string) string {
	var b strings.Builder
	for line := range strings.Lines(l.headers(sent, date, "")) {
		label, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		fmt.Fprintf(&b, "<b>%s:</b>%s<br>", label, html.EscapeString(value))
	}
	return b.String()
}

func quoteLines(s string) string {
	return "> " + strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n> ") + "\n"
}

func paragraphs(s string) string {
	return "<div>" + strings.ReplaceAll(s, "\n", "</div><div>") + "</div>"
}

// reply returns the answer that a client makes, or false.
func (l nordic) reply(client string) nordicMail {
	own, quoted := l.own+"\n\n"+l.greeting, l.quoted+"\n\n"+l.quoted2
	attr := func(form string) string { return fmt.Sprintf(form, l.full()) }
	esc := func(form string) string { return html.EscapeString(attr(form)) }
	switch client {
	case "outlook classic":
		return nordicMail{
			text: own + "\n\n-----" + l.original + "-----\n" + l.headers(l.sent, l.outlookDate, "") + "\n" + quoted + "\n",
			html: `<div class="WordSection1"><p class="MsoNormal">` + l.own + `<o:p></o:p></p><p class="MsoNormal"><o:p>&nbsp;</o:p></p><p class="MsoNormal">` + l.greeting + `<o:p></o:p></p><div><div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm"><p class="MsoNormal">` + l.bold(l.sent, l.outlookDate) + `</p></div></div><p class="MsoNormal">` + l.quoted + `</p><p>` + l.quoted2 + `</p></div>`}
	case "outlook new":
		return nordicMail{
			text: own + "\n________________________________\n" + l.headers(l.sent, l.outlookDate, "") + "\n" + quoted + "\n",
			html: `<div class="elementToProof" style="font-family:Aptos">` + l.own + `</div><div><br></div><div class="elementToProof">` + l.greeting + `</div><div id="appendonsend"></div><hr style="display:inline-block;width:98%" tabindex="-1"><div id="divRplyFwdMsg" dir="ltr"><font face="Calibri, sans-serif">` + l.bold(l.sent, l.outlookDate) + `</font><div>&nbsp;</div></div><div>` + l.quoted + `</div><div>` + l.quoted2 + `</div>`}
	case "outlook mobile":
		return nordicMail{
			text: own + "\n\n" + l.iosGet + "<https://aka.ms/o0ukef>\n________________________________\n" + l.headers(l.sent, "Tuesday, March 3, 2026 10:15:00 AM", "") + "\n" + quoted + "\n",
			html: `<div dir="ltr" style="font-family:Aptos">` + l.own + `</div><div><br></div><div dir="ltr">` + l.greeting + `</div><div id="ms-outlook-mobile-signature" dir="ltr"><a href="https://aka.ms/o0ukef">` + l.iosGet + `</a></div><hr style="display:inline-block;width:98%"><div id="divRplyFwdMsg" dir="ltr">` + l.bold(l.sent, "Tuesday, March 3, 2026 10:15:00 AM") + `</div><div>` + l.quoted + `</div>`}
	case "gmail web", "gmail android":
		form, dir := l.gmail, "ltr"
		if client == "gmail android" {
			form, dir = l.android, "auto"
		}
		line := attr(form)
		if i := strings.LastIndex(line, " "); len(line) > 70 {
			line = line[:i] + "\n" + line[i+1:]
		}
		return nordicMail{
			text: own + "\n\n" + line + "\n\n" + quoteLines(quoted),
			html: `<div dir="` + dir + `">` + l.own + `<div dir="` + dir + `"><br></div><div>` + l.greeting + `</div></div><br><div class="gmail_quote gmail_quote_container"><div dir="ltr" class="gmail_attr">` + esc(form) + `<br></div><blockquote class="gmail_quote" style="margin:0 0 0 .8ex;border-left:1px #ccc solid;padding-left:1ex"><div>` + l.quoted + `</div></blockquote></div>`}
	case "apple mail":
		return nordicMail{
			text: own + "\n\n> " + attr(l.apple) + "\n> \n" + quoteLines(quoted),
			html: `<html><head></head><body>` + l.own + `<div><br></div><div>` + l.greeting + `<br><div><br><blockquote type="cite"><div>` + esc(l.apple) + `</div><br class="Apple-interchange-newline"><div>` + l.quoted + `</div></blockquote></div><br></div></body></html>`}
	case "iphone":
		return nordicMail{
			text: own + "\n\n" + l.iosSign + "\n\n> " + attr(l.phone) + "\n> \n> \ufeff" + strings.TrimPrefix(quoteLines(quoted), "> "),
			html: `<html><body dir="auto">` + l.own + `<div><br></div><div>` + l.greeting + `<br id="lineBreakAtBeginningOfSignature"><div dir="ltr">` + l.iosSign + `</div><div dir="ltr"><br><blockquote type="cite">` + esc(l.phone) + `<br><br></blockquote></div><blockquote type="cite"><div dir="ltr">` + l.quoted + `</div></blockquote></div></body></html>`}
	}
	return nordicMail{ // samsung
		text: own + "\n\n\n" + l.samsungSign + "\n\n\n-------- " + l.samsung + " --------\n" + l.headers(l.date, "03.03.2026 10:15 (GMT+01:00)", "") + "\n" + quoted + "\n",
		html: `<html><body dir="auto"><div dir="auto">` + l.own + `</div><div dir="auto"><br></div><div>` + l.greeting + `</div><div dir="auto"><br></div><div id="composer_signature" dir="auto"><div style="font-size:12px;color:#575757">` + l.samsungSign + `</div></div><div dir="auto"><br></div><div align="left" dir="auto" style="font-size:100%;color:#000000"><div>-------- ` + l.samsung + ` --------</div>` + strings.ReplaceAll(strings.ReplaceAll(l.bold(l.date, "03.03.2026 10:15 (GMT+01:00)"), "<b>", "<div>"), "<br>", "</div>") + `<div><br></div></div>` + l.quoted + `</body></html>`}
}

// pass returns the same mail passed on.
func (l nordic) pass(client string) nordicMail {
	body := paragraphs(l.quoted + "\n<br>\n" + l.quoted2)
	switch client {
	case "gmail web", "gmail android":
		head := fmt.Sprintf("---------- Forwarded message ---------\n%s: %s\nDate: %s\nSubject: %s\nTo: %s\nCc: Eva Lund <eva@example.no>\n", l.from, l.full(), l.gmailDate, l.topic, nordicOla)
		return nordicMail{at: "2026-03-03T10:15:00Z",
			text: l.own + "\n\n" + l.greeting + "\n\n" + head + "\n\n" + l.quoted + "\n\n" + l.quoted2 + "\n",
			html: `<div dir="ltr">` + l.own + `<br><br><div>` + l.greeting + `<br><br><div class="gmail_quote gmail_quote_container"><div dir="ltr" class="gmail_attr">` + strings.ReplaceAll(html.EscapeString(head), "\n", "<br>") + `</div><br><br>` + body + `</div></div></div>`}
	case "apple mail", "iphone":
		head := fmt.Sprintf("%s: %s\n%s: %s\n%s: %s\n%s: %s\n%s: Eva Lund <eva@example.no>\n", l.from, l.full(), l.subject, l.topic, l.date, l.appleDate, l.to, nordicOla, l.cc)
		text := l.own + "\n\n" + l.greeting + "\n\n> " + l.forward + ":\n> \n" + quoteLines(head) + "> \n" + quoteLines(l.quoted+"\n\n"+l.quoted2)
		sign := ""
		if client == "iphone" {
			text = l.own + "\n\n" + l.greeting + "\n\n" + l.iosSign + "\n\n" + l.forward + ":\n\n" + quoteLines(head) + "> \n> \ufeff" + strings.TrimPrefix(quoteLines(l.quoted+"\n\n"+l.quoted2), "> ")
			sign = `<div>` + l.iosSign + `</div>`
		}
		return nordicMail{at: "2026-03-03T09:15:00Z", text: text,
			html: `<div>` + l.own + `</div><div><br></div><div>` + l.greeting + `</div>` + sign + `<div><br><blockquote type="cite"><div>` + l.forward + `:</div><br class="Apple-interchange-newline"><div><b>` + strings.ReplaceAll(strings.ReplaceAll(strings.TrimSpace(html.EscapeString(head)), ": ", ": </b>"), "\n", "<br></div><div><b>") + `</div><br>` + body + `</blockquote></div>`}
	}
	m := l.reply(client) // Outlook and Samsung write what they write when they reply
	m.at = "2026-03-03T10:15:00Z"
	if client == "samsung" {
		m.at = "2026-03-03T09:15:00Z"
	}
	return m
}

// TestNordic runs every client in every language of the north, replying and
// forwarding, in plain text and in HTML.
func TestNordic(t *testing.T) {
	for _, l := range nordics {
		for _, client := range []string{"outlook classic", "outlook new", "outlook mobile", "gmail web", "gmail android", "apple mail", "iphone", "samsung"} {
			want := l.own + "\n\n" + l.greeting
			t.Run(l.name+"/"+client+"/reply", func(t *testing.T) {
				m := l.reply(client)
				r := Text(m.text)
				checkReply(t, "text", r.Reply, want, m.text)
				h := HTML(m.html)
				checkReply(t, "html", visible(h.Reply), strings.ReplaceAll(want, "\n\n", "\n"), m.html)
				if r.Forwarded != nil || h.Forwarded != nil {
					t.Errorf("a reply is taken for a forward")
				}
			})
			t.Run(l.name+"/"+client+"/forward", func(t *testing.T) {
				m := l.pass(client)
				r := Text(m.text)
				checkReply(t, "text", r.Reply, want, m.text)
				checkNordic(t, "text", l, m.at, r.Forwarded, r.Quoted, l.quoted+"\n\n"+l.quoted2)
				h := HTML(m.html)
				checkReply(t, "html", visible(h.Reply), strings.ReplaceAll(want, "\n\n", "\n"), m.html)
				checkNordic(t, "html", l, m.at, h.Forwarded, h.Quoted, l.quoted)
				if named := !strings.HasPrefix(client, "outlook") && client != "samsung"; (r.Forwarded != nil) != named || (h.Forwarded != nil) != named {
					t.Errorf("forwarded %v and %v", r.Forwarded, h.Forwarded)
				}
			})
		}
	}
}

func checkReply(t *testing.T, kind, got, want, mail string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: reply %q, want %q, of\n%s", kind, got, want, mail)
	}
}

func checkNordic(t *testing.T, kind string, l nordic, at string, forwarded, quoted *ticket.Forwarded, body string) {
	t.Helper()
	f := forwarded
	if f == nil {
		f = quoted
	}
	if f == nil {
		t.Fatalf("%s: the mail was not found", kind)
	}
	got := fmt.Sprint(f.From, f.To, f.Cc, f.Subject, f.Date.Format(time.RFC3339))
	want := fmt.Sprint(ticket.Address{Name: nordicKari, Addr: nordicAddr}, []ticket.Address{{Name: "Ola Sæther", Addr: "ola@example.no"}},
		[]ticket.Address{{Name: "Eva Lund", Addr: "eva@example.no"}}, l.topic, at)
	if got != want {
		t.Errorf("%s: got %s, want %s", kind, got, want)
	}
	if !strings.HasPrefix(f.Body, body) {
		t.Errorf("%s: body %q, want %q", kind, f.Body, body)
	}
}

// TestOnlyForward: of a mail that only passes another one on, plain text and
// HTML have the same reply, and a second look changes nothing.
func TestOnlyForward(t *testing.T) {
	for _, l := range nordics {
		for _, client := range []string{"outlook classic", "outlook new", "gmail web", "apple mail", "samsung"} {
			l := l
			want := strings.ReplaceAll(l.quoted+"\n\n"+l.quoted2, "\n\n", "\n")
			l.own, l.greeting, l.samsungSign = "", "", ""
			m := l.pass(client)
			r, h := Text(m.text), HTML(m.html)
			text, doc := strings.ReplaceAll(r.Reply, "\n\n", "\n"), visible(h.Reply)
			if text != want || !strings.HasPrefix(want, doc) || doc == "" || r.Forwarded == nil || h.Forwarded == nil {
				t.Errorf("%s/%s: text %q, html %q, want %q", l.name, client, text, doc, want)
			}
			if again := HTML(h.Reply); again.Reply != h.Reply {
				t.Errorf("%s/%s: trimmed again it becomes %q", l.name, client, again.Reply)
			}
		}
	}
}
