package rfc822

import (
	"fmt"
	"strings"
	"testing"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// TestBounces reads reports in the forms that servers write them, and mail that
// only looks like one.
func TestBounces(t *testing.T) {
	const daemon = "From: Mail Delivery System <MAILER-DAEMON@mx.example>\r\nTo: desk@example.com\r\nSubject: Undelivered Mail Returned to Sender\r\n"
	status := func(fields string) string {
		return daemon + "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nSorry.\r\n--b\r\n" +
			"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n" + strings.ReplaceAll(fields, "\n", "\r\n") +
			"\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\nSubject: Hi\r\nMessage-ID: <orig@example.com>\r\n--b--\r\n"
	}
	sns := func(body string) string {
		return "From: no-reply@sns.amazonaws.com\r\nSubject: AWS Notification Message\r\nX-Amz-Sns-Message-Id: 1\r\n\r\n" + body
	}
	for name, c := range map[string]struct {
		raw, want, original string
		kind                ticket.Kind
	}{
		"unknown":           {raw: status("Final-Recipient: rfc822; ann@x.example\nAction: failed\nStatus: 5.1.1\n"), want: "ann@x.example 5.1.1 failed hard", original: "orig@example.com"},
		"full":              {raw: status("Final-Recipient: rfc822; ann@x.example\nAction: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; 552 5.2.2 Mailbox full\n"), want: "ann@x.example 5.2.2 failed soft", original: "orig@example.com"},
		"delayed":           {raw: status("Final-Recipient: rfc822; ann@x.example\nAction: delayed\nStatus: 4.4.1\n"), want: "ann@x.example 4.4.1 delayed soft", original: "orig@example.com"},
		"better status":     {raw: status("Final-Recipient: rfc822; ann@x.example\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 5.1.1 <ann@x.example>... User unknown\n"), want: "ann@x.example 5.1.1 failed hard", original: "orig@example.com"},
		"sender refused":    {raw: status("Final-Recipient: rfc822; ann@x.example\nAction: failed\nStatus: 5.1.8\n"), want: "ann@x.example 5.1.8 failed soft", original: "orig@example.com"},
		"no host":           {raw: status("Final-Recipient: rfc822; ann@x.example\nAction: failed\nStatus: 5.4.4\nDiagnostic-Code: x; Host or domain name not found\n"), want: "ann@x.example 5.4.4 failed hard", original: "orig@example.com"},
		"host without mail": {raw: status("Final-Recipient: rfc822; ann@x.example\nAction: failed\nStatus: 5.7.27\n"), want: "ann@x.example 5.7.27 failed hard", original: "orig@example.com"},
		"a filter's words":  {raw: status("Final-Recipient: rfc822; ann@x.example\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 user unknown (in reply to end of DATA command)\n"), want: "ann@x.example 5.0.0 failed soft", original: "orig@example.com"},
		"two":               {raw: status("Final-Recipient: rfc822; ann@x.example\nAction: failed\nStatus: 5.1.1\n\nFinal-Recipient: rfc822; bo@x.example\nAction: failed\nStatus: 4.2.2\n"), want: "ann@x.example 5.1.1 failed hard, bo@x.example 4.2.2 failed soft", original: "orig@example.com"},
		"no account":        {raw: status("Final-Recipient: rfc822; ann@x.example\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 Refused: we have no account by that name\n"), want: "ann@x.example 5.0.0 failed hard", original: "orig@example.com"},
		"no mailbox found":  {raw: status("Final-Recipient: rfc822; ann@x.example\nAction: failed\nStatus: 5.7.1\nDiagnostic-Code: smtp; 550 5.7.1 no mailbox found (in reply to RCPT TO command)\n"), want: "ann@x.example 5.7.1 failed hard", original: "orig@example.com"},
		"another language":  {raw: status("Final-Recipient: rfc822; ann@x.example\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 Dieses Postfach existiert nicht\n"), want: "ann@x.example 5.0.0 failed hard", original: "orig@example.com"},
		"prose of qmail": {raw: daemon + "\r\nHi. This is the mail program.\r\n\r\n<ann@x.example>:\r\nRemote host said: 550 5.1.1 no such user\r\n\r\n--- Below this line is a copy of the message.\r\n\r\nReturn-Path: <desk@example.com>\r\nMessage-ID: <orig@example.com>\r\n",
			want: "ann@x.example 5.1.1 failed hard", original: "orig@example.com"},
		"each its reason": {raw: daemon + "X-Failed-Recipients: ann@x.example, bo@x.example\r\n\r\nThe following failed:\r\n\r\n  ann@x.example\r\n    after RCPT TO:<ann@x.example>: 550 5.2.2 Mailbox full\r\n  bo@x.example\r\n    after RCPT TO:<bo@x.example>: 550 5.1.1 User unknown\r\n",
			want: "ann@x.example 5.2.2 failed soft, bo@x.example 5.1.1 failed hard"},
		"a sentence and whom to ask": {raw: daemon + "\r\nThe letter could not be delivered to ann@x.example.\r\n\r\nFor help write to <help@mx.example>.\r\n", want: "ann@x.example  failed soft"},
		"a name of a directory":      {raw: daemon + "\r\nIt did not reach the following recipient(s):\r\n\r\nc=NO;a= ;p=Org;o=Oslo;dda:SMTP=ann@x.example; on Fri, 4 May 2026\r\n    The recipient name is not recognized\r\n", want: "ann@x.example  failed hard"},
		"a blank before the address": {raw: daemon + "\r\n<=20ann@x.example>: user unknown\r\n", want: "ann@x.example  failed soft"},
		"to oneself":                 {raw: daemon + "\r\n<desk@example.com>:\r\nRemote host said: 552 disk quota exceeded\r\n", want: "desk@example.com  failed soft"},
		"notification":               {raw: sns(`{"notificationType":"Bounce","bounce":{"bouncedRecipients":[{"emailAddress":"ann@x.example","action":"failed","status":"5.1.1"}]},"mail":{"commonHeaders":{"messageId":"<orig@example.com>"}}}`), want: "ann@x.example 5.1.1 failed hard", original: "orig@example.com"},
		"complaint":                  {raw: sns(`{"notificationType":"Complaint"}`), kind: ticket.KindComplaint},
		"delivered":                  {raw: sns(`{"notificationType":"Delivery"}`), kind: ticket.KindAutoReply},
		"broken notice":              {raw: sns(`{"notificationType`), kind: ticket.KindPerson},
		"a bank":                     {raw: "From: no-reply@bank.example\r\nSubject: Your payment\r\n\r\nYour payment was rejected. Ask help@bank.example.\r\n", kind: ticket.KindPerson},
		"a shop":                     {raw: "From: noreply@shop.example\r\nSubject: Delivery report\r\n\r\nYour parcel could not be delivered.\r\n", kind: ticket.KindPerson},
		"a person":                   {raw: "From: ann@x.example\r\nSubject: Returned mail\r\n\r\nMy mail was rejected with 550 5.1.1, why?\r\n", kind: ticket.KindPerson},
		"a person at it":             {raw: "From: Ann Daemon <ann@x.example>\r\nSubject: Re: Undelivered mail\r\n\r\nIt bounced again.\r\n", kind: ticket.KindPerson},
		"a robot's bounce":           {raw: "From: no-reply@mail.example\r\nSubject: Undeliverable: Hi\r\n\r\nDelivery has failed to the following recipients:\r\nann@x.example: 550 5.1.1 user unknown\r\n", want: "ann@x.example 5.1.1 failed hard"},
	} {
		in := Parse([]byte(c.raw))
		var got []string
		original := ""
		if in.Bounce != nil {
			original = in.Bounce.OriginalMessageID
			for _, r := range in.Bounce.Recipients {
				hard := map[bool]string{true: "hard", false: "soft"}[r.Hard]
				got = append(got, fmt.Sprintf("%s %s %s %s", r.Address, r.Status, r.Action, hard))
			}
		}
		kind := c.kind
		if kind == "" {
			kind = ticket.KindBounce
		}
		if s := strings.Join(got, ", "); in.Kind != kind || s != c.want || original != c.original {
			t.Errorf("%s: %s %v\n got %q, original %q\nwant %q, original %q", name, in.Kind, in.KindEvidence, s, original, c.want, c.original)
		}
	}
}

// TestAway tells absences from people who write about theirs.
func TestAway(t *testing.T) {
	for _, c := range [...]struct {
		fields, text string
		want         ticket.Kind
	}{
		{"Subject: Automatisk svar: Faktura\r\nAuto-Submitted: auto-replied", "Jeg er på ferie til 1. august.", ticket.KindOutOfOffice}, // nb
		{"Subject: Automatisk svar: Faktura\r\nX-Auto-Response-Suppress: All", "Hei! Svarer igjen mandag.", ticket.KindOutOfOffice},     // nb
		{"Subject: Fråværsmelding: Faktura", "Eg er ikkje på kontoret denne veka.", ticket.KindOutOfOffice},                             // nn
		{"Subject: Autosvar: Faktura", "Jag är på semester och är tillbaka den 4 augusti.", ticket.KindOutOfOffice},                     // sv
		{"Subject: Fravær: Faktura\r\nReturn-Path: <>", "Tak for din mail.", ticket.KindOutOfOffice},                                    // da
		{"Subject: Automaattinen vastaus: Lasku", "Olen lomalla 31.7. saakka.", ticket.KindOutOfOffice},                                 // fi
		{"Subject: Auto reply: Hi\r\nX-Apple-Action: VACATION", "I'm only sleeping.", ticket.KindOutOfOffice},
		{"Subject: Automatic reply: Hi\r\nReturn-Path: <>", "I will be traveling.", ticket.KindOutOfOffice},
		{"Subject: Hi\r\nReturn-Path: <>", "I am out of office", ticket.KindOutOfOffice},
		{"Subject: Hi\r\nX-FC-MachineGenerated: true", "Thanks.", ticket.KindAutoReply},
		{"Subject: Hi\r\nX-POST-MessageClass: 9; Autoresponder", "Thanks.", ticket.KindAutoReply},
		{"Subject: Hi\r\nX-Autogenerated: no", "Thanks.", ticket.KindPerson},
		{"Subject: We got your letter\r\nReturn-Path: <>\r\nPrecedence: bulk", "We answer within a day.", ticket.KindAutoReply},
		{"Subject: Re: Hi\r\nReturn-Path: <>", "We answer within a day.", ticket.KindAutoReply},
		{"Subject: Digest\r\nReturn-Path: <>\r\nList-Id: <staff.x.example>", "Two letters today.", ticket.KindList},
		{"Subject: AUTO: Ann Berg is out of the office (returning 05/01/2027)", "I am out of the office until 05/01/2027.", ticket.KindOutOfOffice},
		{"Subject: AUTO: Ann Berg ist außer Haus.", "Ich bin bis Montag nicht im Büro.", ticket.KindOutOfOffice},
		{"Subject: Auto: Hi\r\nAuto-Submitted: auto-replied (vacation)", "Thanks for your message.", ticket.KindOutOfOffice},
		{"Subject: Hi\r\nReturn-Path: <>\r\nAuto-Submitted: auto-replied (vacation)", "Your mail will not be delivered to anybody else.", ticket.KindOutOfOffice},
		{"Subject: Ann Berg/OSL/Example is out of the office.", "I will be out of the office starting  02.03.2027 and will not return until 09.03.2027.", ticket.KindOutOfOffice},
		{"Subject: Re: Ann Berg is out of the office.", "I am out of office paper, can she send some?", ticket.KindPerson},
		{"Subject: Auto: neue Reifen", "Ich bin im Urlaub, bitte den Wagen abholen.", ticket.KindPerson},
		{"Subject: Ann is out of the office", "She is out of the office today, call me.", ticket.KindPerson},
		{"Subject: Hi\r\nReturn-Path: <>", "<bo@x.example>: no.", ticket.KindBounce},
		{"Subject: [Autosvar] Faktura\r\nPrecedence: junk", "Tack.", ticket.KindOutOfOffice},
		{"Subject: Out of office hours\r\nPrecedence: bulk\r\nList-Id: <staff.x.example>", "We discuss them on Monday.", ticket.KindList},
		{"Subject: Re: Out of office", "I am back. Was the printer out of office use?", ticket.KindPerson},
		{"Subject: SV: Automatisk svar", "Jeg er på ferie, men svarer likevel.", ticket.KindPerson},
		{"Subject: Summer vacation", "We are on vacation in July, please keep the parcel.", ticket.KindPerson},
		{"Subject: Kontoret\r\nX-Auto-Response-Suppress: All", "Jeg er på ferie fra mandag.", ticket.KindPerson},
	} {
		in := Parse([]byte("From: ann@x.example\r\nTo: desk@example.com\r\nContent-Type: text/plain; charset=utf-8\r\n" + c.fields + "\r\n\r\n" + c.text + "\r\n"))
		if in.Kind != c.want {
			t.Errorf("%q: %s %v, want %s", c.fields, in.Kind, in.KindEvidence, c.want)
		}
	}
}

// TestDeliveryLoop finds mail that goes round by what relays leave in it.
func TestDeliveryLoop(t *testing.T) {
	for fields, want := range map[string]ticket.Kind{
		strings.Repeat("Delivered-To: desk@example.com\r\n", 2):                                      ticket.KindPerson,
		strings.Repeat("Delivered-To: desk@example.com\r\n", 3):                                      ticket.KindLoop,
		strings.Repeat("Received: by a\r\n", maxHops):                                                ticket.KindPerson,
		strings.Repeat("Received: by a\r\n", maxHops+1):                                              ticket.KindLoop,
		"To: desk@example.com\r\nX-Loop: desk@example.com\r\n":                                       ticket.KindLoop,
		"To: desk@example.com\r\nX-Loop: other@example.com\r\n":                                      ticket.KindPerson,
		"X-Helpdesk-Marker: v1.x\r\nAuto-Submitted: auto-generated\r\n":                              ticket.KindOwn,
		"X-Helpdesk-Marker: v1.x\r\n":                                                                ticket.KindPerson,
		"X-Helpdesk-Marker: v1.x\r\nAuto-Submitted: auto-replied\r\nSubject: Automatic reply: x\r\n": ticket.KindOutOfOffice,
	} {
		if in := Parse([]byte("From: ann@x.example\r\n" + fields + "\r\nhello\r\n")); in.Kind != want {
			t.Errorf("%q: %s %v, want %s", fields, in.Kind, in.KindEvidence, want)
		}
	}
}

// FuzzBounce reads a report: whatever stands in it, what comes out is bounded,
// consists of addresses that the address parser takes, and is the same again.
func FuzzBounce(f *testing.F) {
	f.Add("Final-Recipient: rfc822; ann@x.example\nAction: failed\nStatus: 5.1.1\n", "<bo@x.example>:\n550 no such user", "Message-ID: <a@b>\n")
	f.Add("Final-Recipient: <\nStatus: 5.\n\n\nOriginal-Recipient: ;@", "ann@x.example ann@y.example", "")
	f.Fuzz(func(t *testing.T, status, text, original string) {
		raw := []byte("From: MAILER-DAEMON\r\nContent-Type: multipart/report; boundary=b\r\n\r\n--b\r\n\r\n" + text +
			"\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n" + status + "\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n" + original + "\r\n--b--\r\n")
		in := Parse(raw)
		if err := checkStrings(&in); err != nil {
			t.Fatal(err)
		}
		if in.Bounce == nil {
			return
		}
		again := Parse(raw).Bounce
		if len(in.Bounce.Recipients) > maxBounced || fmt.Sprint(*again) != fmt.Sprint(*in.Bounce) {
			t.Fatalf("%v, then %v", in.Bounce, again)
		}
		for _, r := range in.Bounce.Recipients {
			if a, err := ParseAddress(r.Address); err != nil || a.Addr != r.Address {
				t.Fatalf("recipient %q: %v, %v", r.Address, a, err)
			}
		}
	})
}
