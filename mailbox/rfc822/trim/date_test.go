package trim

import (
	"strings"
	"testing"
	"time"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// TestForwardDate reads dates as clients write them into the header of a mail
// that is passed on, in the language of their user.
func TestForwardDate(t *testing.T) {
	const at = "2026-03-03T10:15:00Z"
	for s, want := range map[string]string{
		"tir. 3. mars 2026 kl. 10:15":                at, // nb
		"tirsdag 3. mars 2026 10:15":                 at,
		"tys. 3. mars 2026 kl. 10:15":                at, // nn
		"tysdag 3. mars 2026 10:15":                  at,
		"tis 3 mars 2026 kl 10:15":                   at, // sv
		"den 3 mars 2026 10:15":                      at,
		"tirs. 3. mar. 2026 kl. 10.15":               at, // da
		"3. marts 2026 10:15":                        at,
		"ti 3. maalisk. 2026 klo 10.15":              at, // fi
		"tiistai 3. maaliskuuta 2026 10.15":          at,
		"3.3.2026 10.15":                             at,
		"Tue, Mar 3, 2026 at 10:15 AM":               at,
		"Tue, Mar 3, 2026 at 10:15\u202fAM":          at,
		"Tuesday, March 3, 2026 10:15 AM":            at,
		"Tuesday, 3 March 2026 10:15":                at,
		"3/3/2026 10:15 AM":                          at,
		"Di., 3. März 2026 um 10:15 Uhr":             at, // de
		"Dienstag, 3. März 2026 10:15":               at,
		"am 3. März 2026 um 10:15":                   at,
		"mar. 3 mars 2026 à 10:15":                   at, // fr
		"mardi 3 mars 2026 10 h 15":                  at,
		"mar, 3 mar 2026 a las 10:15":                at, // es
		"martes, 3 de marzo de 2026 10:15":           at,
		"mar 3 mar 2026 alle ore 10:15":              at, // it
		"martedì 3 marzo 2026 10:15":                 at,
		"di 3 mrt 2026 om 10:15":                     at, // nl
		"dinsdag 3 maart 2026 10:15":                 at,
		"ter., 3 de mar. de 2026 às 10:15":           at, // pt
		"wt., 3 mar 2026 o 10:15":                    at, // pl
		"wtorek, 3 marca 2026 10:15":                 at,
		"út 3. 3. 2026 v 10:15":                      at, // cs
		"úterý 3. března 2026 10:15":                 at,
		"ut 3. 3. 2026 o 10:15":                      at, // sk
		"вт, 3 мар. 2026 г. в 10:15":                 at, // ru
		"3 марта 2026 г. 10:15":                      at,
		"вт, 3 бер. 2026 р. о 10:15":                 at, // uk
		"3 Mar 2026 Sal, 10:15":                      at, // tr
		"3 Mart 2026 Salı 10:15":                     at,
		"2026. márc. 3., K 10:15":                    at, // hu
		"2026. március 3. 10:15":                     at,
		"mar., 3 mar. 2026 la 10:15":                 at, // ro
		"Τρί 3 Μαρ 2026 στις 10:15 π.μ.":             at, // el
		"2026年3月3日(火) 10:15":                         at, // ja
		"2026年3月3日 周二 上午10:15":                       at, // zh
		"2026年3月3日 10时15分":                           at,
		"2026년 3월 3일 (화) 오전 10:15":                   at, // ko
		"Th 3, 3 thg 3, 2026 lúc 10:15":              at, // vi
		"Sel, 3 Mar 2026 pukul 10.15":                at, // id
		"2026-03-03 10:15":                           at,
		"2026/03/03 10:15":                           at,
		"03-Mar-26 10:15":                            at,
		"3. mars 2026 kl. 11:15:00 CET":              at,
		"3 March 2026 at 12:15:00 EET":               at,
		"3. März 2026 um 11:15:00 MEZ":               at,
		"3. maaliskuuta 2026 klo 12.15.00 UTC+2":     at,
		"3. března 2026 13:15:00 GMT+3":              at,
		"03.03.2026 11:15 (GMT+01:00)":               at,
		"2026-03-03 11:15 (GMT+01:00)":               at,
		"3/3/26 5:15 AM (GMT-05:00)":                 at,
		"Tue, 3 Mar 2026 11:15:00 +0100":             at,
		"Tue, 3 Mar 2026 02:15:00 -0800":             at,
		"Tue, 3 Mar 2026 11:15:00 +0100 (CET)":       at,
		"ma 2. marraskuuta 2026 klo 9.05":            "2026-11-02T09:05:00Z",
		"mer. 1 juil. 2026 à 09:05":                  "2026-07-01T09:05:00Z",
		"st 1. července 2026 9:05":                   "2026-07-01T09:05:00Z",
		"po 1. června 2026 9:05":                     "2026-06-01T09:05:00Z",
		"śr., 1 lip 2026 o 09:05":                    "2026-07-01T09:05:00Z",
		"2026年7月1日 下午9:05":                           "2026-07-01T21:05:00Z",
		"Wed, Jul 1, 2026 at 12:05 AM":               "2026-07-01T00:05:00Z",
		"7/1/2026 9:05:30 PM":                        "2026-07-01T21:05:30Z",
		"1/7/2026 21:05":                             "2026-07-01T21:05:00Z",
		"jueves, 1 de octubre de 2026 9:05:00 p. m.": "2026-10-01T21:05:00Z",
		"1 Ekim 2026 Perşembe 09:05":                 "2026-10-01T09:05:00Z",
		"1 Ara 2026 Sal, 09:05":                      "2026-12-01T09:05:00Z",
		"3 March 2026":                               "2026-03-03T00:00:00Z",
		"yesterday":                                  "",
		"3. mars kl. 10:15":                          "",
		"31 February 2026 10:15":                     "",
		"Room 4, 12 people, 2026":                    "",
		"":                                           "",
		strings.Repeat("3 March 2026 ", 100):         "",
	} {
		got := ""
		if d := forwardDate(s); !d.IsZero() {
			got = d.Format(time.RFC3339)
		}
		if got != want {
			t.Errorf("%q: %s, want %s", s, got, want)
		}
	}
}

// TestDateText keeps a date that nobody can read.
func TestDateText(t *testing.T) {
	mail := "See below.\n\n---------- Forwarded message ---------\nFrom: Ann <ann@example.com<mailto:ann@example.com>>\nDate: the ides of March\nSubject: Rome\nTo: bo@example.com <mailto:bo@example.com>\n\nBeware.\n"
	r, h := Text(mail), HTML("<pre>"+strings.ReplaceAll(mail, "<", "&lt;")+"</pre>")
	for _, f := range []struct {
		date string
		mail *ticket.Forwarded
	}{{r.DateText, r.Forwarded}, {h.DateText, h.Forwarded}} {
		if f.mail == nil || f.date != "the ides of March" || !f.mail.Date.IsZero() {
			t.Fatalf("date %q of %+v", f.date, f.mail)
		}
		if f.mail.From != (ticket.Address{Name: "Ann", Addr: "ann@example.com"}) || f.mail.To[0] != (ticket.Address{Addr: "bo@example.com"}) {
			t.Errorf("from %+v to %+v", f.mail.From, f.mail.To)
		}
	}
}
