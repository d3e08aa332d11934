package trim

import (
	"strings"
	"testing"
)

// bodies are replies as clients of many languages write them. The reply to
// each is "Takk for hjelpen." unless it says otherwise.
var bodies = map[string]string{
	"gmail nb":     "Takk for hjelpen.\n\nman. 3. nov. 2025 kl. 10:12 skrev Kari Nordmann <kari@example.no>:\n\n> Hei!\n>\n> Har du prøvd igjen?\n",
	"gmail nn":     "Takk for hjelpen.\n\nmån. 3. nov. 2025 kl. 10:12 skreiv Kari Nordmann <kari@example.no>:\n\n> Hei!\n",
	"gmail sv":     "Takk for hjelpen.\n\nDen mån 3 nov. 2025 kl 10:12 skrev Karin Svensson <karin@example.se>:\n\n> Hej!\n",
	"gmail da":     "Takk for hjelpen.\n\nDen man. 3. nov. 2025 kl. 10.12 skrev Karen Hansen <karen@example.dk>:\n\n> Hej!\n",
	"gmail fi":     "Takk for hjelpen.\n\nma 3. marrask. 2025 klo 10.12 Kaisa Virtanen (kaisa@example.fi) kirjoitti:\n\n> Hei!\n",
	"wrapped":      "Takk for hjelpen.\n\nOn Mon, Nov 3, 2025 at 10:12 AM Kari Nordmann <\nkari.nordmann.with.a.long.address@example.no> wrote:\n\n> Hello\n",
	"apple nb":     "Takk for hjelpen.\n\n> 3. nov. 2025 kl. 10:12 skrev Kari Nordmann <kari@example.no>:\n> \n> Hei!\n",
	"apple sv":     "Takk for hjelpen.\n\n> 3 nov. 2025 kl. 10:12 skrev Karin Svensson <karin@example.se>:\n> \n> Hej!\n",
	"phone nb":     "Takk for hjelpen.\n\nSendt fra min iPhone\n\n> 3. nov. 2025 kl. 10:12 skrev Kari Nordmann <kari@example.no>:\n> \n> Hei!\n",
	"phone sv":     "Takk for hjelpen.\n\nSkickat från min iPhone\n",
	"phone da":     "Takk for hjelpen.\n\nSendt fra min iPhone\n",
	"phone fi":     "Takk for hjelpen.\n\nLähetetty iPhonesta\n",
	"phone nn":     "Takk for hjelpen.\n\nSendt frå min iPhone\n",
	"outlook nb":   "Takk for hjelpen.\n\n________________________________\nFra: Kari Nordmann <kari@example.no>\nSendt: mandag 3. november 2025 10:12\nTil: Ola\nEmne: SV: Printer\n\nHei!\n",
	"outlook nn":   "Takk for hjelpen.\n\nFrå: Kari Nordmann <kari@example.no>\nSendt: måndag 3. november 2025 10:12\nTil: Ola\nEmne: SV: Skrivar\n\nHei!\n",
	"outlook sv":   "Takk for hjelpen.\n\nFrån: Karin Svensson <karin@example.se>\nSkickat: den 3 november 2025 10:12\nTill: Ola\nÄmne: Skrivare\n\nHej!\n",
	"outlook da":   "Takk for hjelpen.\n\nFra: Karen Hansen <karen@example.dk>\nSendt: 3. november 2025 10:12\nTil: Ole\nEmne: Printer\n\nHej!\n",
	"outlook fi":   "Takk for hjelpen.\n\nLähettäjä: Kaisa Virtanen <kaisa@example.fi>\nLähetetty: maanantai 3. marraskuuta 2025 10.12\nVastaanottaja: Olli\nAihe: Tulostin\n\nHei!\n",
	"original":     "Takk for hjelpen.\n\n-----Opprinnelig melding-----\nFra: Kari\nTil: Ola\nEmne: Printer\n\nHei!\n",
	"signature":    "Takk for hjelpen.\n\n-- \nOla Nordmann\nEksempel AS\n",
	"unquoted":     "Takk for hjelpen.\n\nOn Mon, Nov 3, 2025 at 10:12 AM -0800, \"Kari\" <kari@example.no> wrote:\n\nHello\n\nKari\n",
	"below":        "On Mon, Nov 3, 2025 at 10:12 AM Kari <kari@example.no> wrote:\n> Did you try again?\n\nTakk for hjelpen.\n",
	"windows ends": "Takk for hjelpen.\r\n\r\n> Hei!\r\n",
}

func TestTextReplies(t *testing.T) {
	for name, body := range bodies {
		if got := Text(body); got.Reply != "Takk for hjelpen." || len(got.Cuts) == 0 {
			t.Errorf("%s: reply %q, cuts %v", name, got.Reply, got.Cuts)
		}
	}
}

// TestTextKeeps: what may be the writer's own stays.
func TestTextKeeps(t *testing.T) {
	for name, body := range map[string]string{
		"only a quote":    "> To be or not to be",
		"no quote":        "From: Oslo\nWe drive to Bergen.",
		"code":            "See:\n\n```\n# one\n-----\n> two\n```\n\nDone.",
		"wrote":           "I wrote about this:\n\nit fails at 10:12 on Mondays.",
		"a list":          "- one\n- two\n\n1. three",
		"header fields":   "Two things:\n\n* From: field is empty\n* To: field is wrong\n\nSubject: should be filled in.\n\nThanks",
		"log":             "The log says:\n\nFrom: app@example.com\nTo: ops@example.com\nSubject: disk full\n\nWhat now?",
		"wrote down":      "We met on 3 March 2026 at 10:15 and Karl wrote down:\n- paper\n- toner",
		"postscript list": "Buy:\n\n-Milk\n\n-Bread",
		"answers between": "> Is it on?\n\nYes.\n\n> Is it red?\n\nNo.",
		"greeted below":   "Hi Kari,\n\n> Is it on?\n\nYes, it is.",
	} {
		if got := Text(body).Reply; got != body {
			t.Errorf("%s: reply %q", name, got)
		}
	}
}

func TestTextForwards(t *testing.T) {
	for name, body := range map[string]string{
		"gmail nb":   "Kan du se på denne?\n\n---------- Forwarded message ---------\nFra: Kari Nordmann <kari@example.no>\nDate: 3. nov. 2025 kl. 10:12\nSubject: Printer\nTo: <ola@example.no>\n\n\nDen er treg.\n",
		"outlook sv": "Kan du se på denne?\n\n-----Vidarebefordrat meddelande-----\nFrån: Kari Nordmann <kari@example.no>\nSkickat: den 3 november 2025 10:12\nTill: ola@example.no\nÄmne: Printer\n\nDen er treg.\n",
		"apple da":   "Kan du se på denne?\n\n> Start på videresendt meddelelse:\n> \n> Fra: Kari Nordmann <kari@example.no>\n> Emne: Printer\n> Dato: 3. november 2025 kl. 10.12\n> Til: ola@example.no\n> \n> Den er treg.\n",
		"apple fi":   "Kan du se på denne?\n\n> Alkaa välitetty viesti:\n> \n> Lähettäjä: Kari Nordmann <kari@example.no>\n> Aihe: Printer\n> Päivämäärä: 3. marraskuuta 2025 klo 10.12\n> Vastaanottaja: ola@example.no\n> \n> Den er treg.\n",
	} {
		got := Text(body)
		f := got.Forwarded
		if got.Reply != "Kan du se på denne?" || f == nil {
			t.Errorf("%s: reply %q, forwarded %v", name, got.Reply, f)
			continue
		}
		if f.From.Addr != "kari@example.no" || f.From.Name != "Kari Nordmann" || f.Subject != "Printer" || f.Body != "Den er treg." || len(f.To) != 1 {
			t.Errorf("%s: %+v", name, *f)
		}
	}
}

// TestTextLinear doubles bodies that cost other trimmers seconds.
func TestTextLinear(t *testing.T) {
	for name, unit := range map[string]string{
		"marks": ">", "wrote": "On Mon, Nov 3, 2025 wrote:\n", "quotes": "> > > x\n", "headers": "From: a@example.com\nSent: 1\n",
		"rules": "_____\n", "dated": "From: x\nDate: 3 March 2026\nTo: y\nSubject: z\n",
		"forwards": "----- Forwarded message -----\nFrom: a@example.com\nDate: 3 March 2026 10:15\nSubject: x\n\n",
		"devices":  "Get the invoice from my phone, please, it is late\n", "text": "on 3 november 2025 somebody\n", "fences": "```\nx\n```\n", "blank": "\n", "from": "From: x\n\n",
	} {
		linear(t, name, maxText/4, func(n int) func() {
			body := strings.Repeat(unit, n/len(unit))
			return func() { Text(body) }
		})
	}
}

func FuzzText(f *testing.F) {
	for _, body := range bodies {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		got := Text(body)
		for _, line := range strings.Split(got.Reply, "\n") {
			if got.Forwarded == nil && !strings.Contains(strings.ReplaceAll(strings.ReplaceAll(body, "\r\n", "\n"), "\r", "\n"), line) {
				t.Fatalf("the reply has a line that the body has not: %q", line)
			}
		}
	})
}

// TestTextParts: a postscript below the quote stays, a name behind a dash goes,
// and so does a quote between a greeting and the answer below it.
func TestTextParts(t *testing.T) {
	const quote = "On Mon, Nov 3, 2025 at 10:12 AM Kari <kari@example.no> wrote:\n\n> Is it on?\n> Kari\n\n"
	for _, c := range []struct{ name, body, want string }{
		{"postscript", "Yes.\n\n" + quote + "And it is red.\n", "Yes.\n\nAnd it is red."},
		{"footer", "Yes.\n\n" + quote + "Ola Nordmann\nEksempel AS\n", "Yes."},
		{"name", "Yes.\n\n-Ola Nordmann\n\n" + quote, "Yes."},
		{"greeting", "Hi,\n" + quote + "Yes, it is on.\nIt is red as well.\n\n> Kari\n", "Hi,\n\nYes, it is on.\nIt is red as well."},
	} {
		if got := strings.ReplaceAll(Text(c.body).Reply, "\n\n\n", "\n\n"); got != c.want {
			t.Errorf("%s: reply %q, want %q", c.name, got, c.want)
		}
	}
}

// TestDeviceLine tells greetings of devices from sentences that begin alike.
func TestDeviceLine(t *testing.T) {
	for _, s := range []string{"Sent from my iPhone", "sent from my iphone.", "Sent from my Commodore 64", "Sendt fra min iPad",
		"Sendt fra Outlook for iOS", "Sendt fra min Samsung Galaxy-smarttelefon.", "Sendt frå mobilen min, beklager skrivefeil",
		"Skickat från min Galaxy", "Skickat från E-post för Windows", "Lähetetty iPhonesta", "Lähetetty Samsung Galaxy -älypuhelimesta",
		"Hent Outlook til iOS<https://aka.ms/o0ukef>", "Hämta Outlook för Android<https://aka.ms/AAb9ysg>", "Få Outlook for iOS",
		"Hae Outlook for iOS<https://aka.ms/o0ukef>", "Last ned Outlook for iOS", "Outlook für iOS beziehen<https://aka.ms/o0ukef>",
		"Von meinem iPhone gesendet", "Gesendet mit Proton Mail", "Envoyé de mon iPhone", "Enviado desde mi Huawei",
		"Inviato da iPhone", "Verstuurd vanaf mijn iPhone", "Wysłane z iPhone'a", "Odesláno z iPhonu", "Отправлено с iPhone",
		"iPhone'umdan gönderildi", "发自我的iPhone", "iPhoneから送信", "나의 iPhone에서 보냄", "Sent from my phone, please excuse typos.",
		"Sent via the Samsung Galaxy S8, an AT&T 5G smartphone", "أُرسلت من الـ iPhone", "נשלח מה-iPhone שלי", "Az iPhone-omról küldve",
		"Gesendet mit der Telekom Mail App"} {
		if !isDeviceLine(s) {
			t.Errorf("not a device: %q", s)
		}
	}
	for _, s := range []string{"Sent from my desk, is much easier than my mobile phone.", "Sent by mail yesterday.", "Sendt med posten i går.",
		"Lähetetty lasku on väärä.", "Lähetetty sähköpostitse eilen.", "Sent from my account because his is locked.",
		"Sent to you from my phone", "Skickat med posten i går", "Enviado por correo", "Get the invoice by Friday",
		"Sendt fra Oslo på mandag, ankommet Bergen på tirsdag", "Von meinem Konto wurde zweimal abgebucht.",
		"Das Bild wurde vom iPhone gesendet", "Az ajánlatot tegnap reggel küldtem el az iPhone-ról",
		"Did you get it? Sent from my phone?", "내 주문이 아직 도착하지 않았습니다"} {
		if isDeviceLine(s) {
			t.Errorf("a sentence taken for a device: %q", s)
		}
	}
	for _, body := range []string{"The parcel that was\nsent from my phone shop is lost.", "Here it is.\n\nSent from my desk, is much easier."} {
		if got := Text(body).Reply; got != body {
			t.Errorf("reply %q of %q", got, body)
		}
	}
}
