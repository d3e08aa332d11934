package trim

import (
	"strings"
	"testing"
	"time"
)

// TestForwardForms reads mail that is passed on in the forms of clients that
// write no header lines, all of them on one line, or over several.
func TestForwardForms(t *testing.T) {
	const body = "The lamp arrived broken.\nThe box was wet.\n\nWhat now?"
	indented := "    " + strings.ReplaceAll(strings.ReplaceAll(body, "\n", "\n    "), "\n    \n", "\n\n")
	quoted := "> " + strings.ReplaceAll(body, "\n", "\n> ")
	for name, c := range map[string]struct {
		text, to string
		at       time.Time
	}{
		"introduced, en": {text: "On 03/04/2026, 10:15, \"Kari Bjørk\" <kari@example.no> wrote:\n\n" + indented, at: time.Date(2026, 4, 3, 10, 15, 0, 0, time.UTC)},
		"introduced, sv": {text: "Den 28/10/2026 12:46 skrev \"Kari Bjørk\" <kari@example.no> följande:\n\n" + indented, at: time.Date(2026, 10, 28, 12, 46, 0, 0, time.UTC)},
		"introduced, fi": {text: "Kari Bjørk <kari@example.no> kirjoitti 28/10/2026 12.46:\n\n" + indented, at: time.Date(2026, 10, 28, 12, 46, 0, 0, time.UTC)},
		"introduced, hu": {text: "28/10/2026 12:46 időpontban Kari Bjørk (kari@example.no) ezt írta:\n\n" + indented, at: time.Date(2026, 10, 28, 12, 46, 0, 0, time.UTC)},
		"introduced, no comma": {text: "On Wed, Oct 28, 2026 at 12:46 PM Kari Bjørk <kari@example.no> wrote:\n\n" + body,
			at: time.Date(2026, 10, 28, 12, 46, 0, 0, time.UTC)},
		"on one line": {text: "   ----- Forwarded Message ----- From: Kari Bjørk <kari@example.no>To: \"ola@example.no\" <ola@example.no>Sent: Wednesday, October 28, 2026, 12:46:00 PM GMTSubject: Lamp: to be sent back\n " + body,
			to: "ola@example.no", at: time.Date(2026, 10, 28, 12, 46, 0, 0, time.UTC)},
		"on one line, sv": {text: "----- Vidarebefordrat meddelande ----- Från: Kari Bjørk <kari@example.no>Till: ola@example.no <ola@example.no>Skickat: onsdag 28 oktober 2026 12:46:00 UTCÄmne: Lamp: to be sent back\n " + body,
			to: "ola@example.no", at: time.Date(2026, 10, 28, 12, 46, 0, 0, time.UTC)},
		"over lines": {text: "---------- Forwarded message ---------\nDate: Wed, 28 Oct 2026 12:46:00 +0000\nSubject: Lamp: to be sent back\nFrom: Kari Bjørk <kari@example.no>\nTo: ola@example.no\nCc: Per Dal <per@example.no>, Else <\nelse@example.no>\n\n" + body,
			to: "ola@example.no", at: time.Date(2026, 10, 28, 12, 46, 0, 0, time.UTC)},
		"quoted as a whole": {text: "> ---------- Original Message ----------\n> From: Kari Bjørk <kari@example.no>\n> To: ola@example.no\n> Date: 10/28/2026 12:46 PM UTC\n> Subject: Lamp: to be sent back\n>\n" + quoted,
			to: "ola@example.no", at: time.Date(2026, 10, 28, 12, 46, 0, 0, time.UTC)},
	} {
		r := Text(c.text)
		f := r.Forwarded
		if f == nil {
			f = r.Quoted
		}
		if f == nil {
			t.Errorf("%s: nothing is passed on", name)
			continue
		}
		to, subject := "", ""
		if c.to != "" {
			subject = "Lamp: to be sent back"
		}
		if len(f.To) > 0 {
			to = f.To[0].Addr
		}
		if f.From.Name != "Kari Bjørk" || f.From.Addr != "kari@example.no" || to != c.to || f.Subject != subject || !f.Date.Equal(c.at) ||
			strings.Join(strings.Fields(f.Body), " ") != strings.Join(strings.Fields(body), " ") {
			t.Errorf("%s: got %+v", name, *f)
		}
	}
}

// TestIntroducedBy reads the names in attributions.
func TestIntroducedBy(t *testing.T) {
	for text, want := range map[string]string{
		"On Mon, 3 Mar 2026 at 10:15, Jan van der Berg <jan@example.nl> wrote:":        "Jan van der Berg",
		"Am 03.03.26 um 10:15 schrieb Anna Groß <anna@example.de>:":                    "Anna Groß",
		"Le lun. 3 mars 2026 à 10:15, <anna@example.fr> a écrit :":                     "",
		"Op di 3 mrt 2026 om 10:15 schreef Anna de Wit <anna@example.nl>:":             "Anna de Wit",
		"вт, 3 мар. 2026 г. в 10:15, Анна Иванова <anna@example.ru>:":                  "Анна Иванова",
		"Em ter., 3 de mar. de 2026 às 10:15, Ana da Silva <ana@example.pt> escreveu:": "Ana da Silva",
		"On 3 Mar 2026, at 10:15 AM, ann@example.com wrote:":                           "",
		"Dne út 3. 3. 2026 10:15 uživatel Jana Nová <jana@example.cz> napsal:":         "Jana Nová",
		"El mar, 3 mar 2026 a las 10:15, Ana Ruiz (<ana@example.es>) escribió:":        "Ana Ruiz",
		"2026年3月3日(火) 10:15 田中花子 <hanako@example.jp>:":                                 "田中花子",
	} {
		f := introducedBy(text)
		if f == nil || f.From.Name != want || f.Date.Day() != 3 || f.Date.Month() != time.March {
			t.Errorf("%s: got %+v, want %q", text, f, want)
		}
	}
	for _, text := range []string{"On Monday Ann wrote:", "@", "Ann @ home wrote:"} {
		if f := introducedBy(text); f != nil {
			t.Errorf("%s: got %+v", text, *f)
		}
	}
}

// TestGlued leaves lines alone that only look like one of several.
func TestGlued(t *testing.T) {
	for _, s := range []string{"", "---", "-----", "----- a -----", "----- Forwarded Message -----", "--- From: Ann <ann@example.com>To: Bo", "- ----- Forwarded Message ----- Subject: x"} {
		if got := glued(s); got != nil {
			t.Errorf("%q: %q", s, got)
		}
	}
	for _, s := range []string{"See: ----- Forwarded Message ----- From: Ann <ann@example.com>To: Bo", "----- Table ----- From: Ann <ann@example.com>To: Bo"} {
		if got := glued(s); got != nil {
			t.Errorf("%q: %q", s, got)
		}
	}
}
