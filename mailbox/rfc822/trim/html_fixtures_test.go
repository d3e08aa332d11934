package trim

import (
	"strings"
	"testing"
)

// htmlFixtures are mails of ours in the form that the clients give them.
var htmlFixtures = []struct {
	name, doc string
	reply     string // the lines that are left
	rest      string // one line that must not be
	from      string // of a forwarded mail
	subject   string
	body      string // of a forwarded mail, first line
}{
	{name: "gmail bokmål", reply: "Hei, det virker nå.\nMvh Kari", rest: "Prøv igjen i morgen.",
		doc: `<div dir="ltr">Hei, det virker nå.<div><br></div><div>Mvh Kari</div></div><br><div class="gmail_quote gmail_quote_container"><div dir="ltr" class="gmail_attr">man. 3. juni 2024 kl. 09:14 skrev Ola Nordmann &lt;<a href="mailto:ola@example.no">ola@example.no</a>&gt;:<br></div><blockquote class="gmail_quote" style="margin:0px 0px 0px 0.8ex;border-left:1px solid rgb(204,204,204);padding-left:1ex"><div dir="ltr">Prøv igjen i morgen.</div></blockquote></div>`},
	{name: "outlook nynorsk", reply: "Takk, eg har fått det til.\nHelsing Guro", rest: "Gje meg beskjed.",
		doc: `<html><body><div class="WordSection1"><p class="MsoNormal">Takk, eg har fått det til.<o:p></o:p></p><p class="MsoNormal"><o:p>&nbsp;</o:p></p><p class="MsoNormal">Helsing Guro<o:p></o:p></p><div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm"><p class="MsoNormal"><b>Frå:</b> Støtte &lt;stotte@example.no&gt; <br><b>Sendt:</b> tysdag 4. juni 2024 10:02<br><b>Til:</b> Guro Vik &lt;guro@example.no&gt;<br><b>Emne:</b> SV: Passord</p></div><p class="MsoNormal">Gje meg beskjed.</p></div></body></html>`},
	{name: "outlook bokmål", reply: "Da prøver vi det.", rest: "Se vedlegget.",
		doc: `<div style="font-family:Calibri">Da prøver vi det.</div><div id="appendonsend"></div><hr style="display:inline-block;width:98%" tabindex="-1"><div id="divRplyFwdMsg" dir="ltr"><font face="Calibri"><b>Fra:</b> Per Hansen &lt;per@example.no&gt;<br><b>Sendt:</b> onsdag 5. juni 2024 08:00<br><b>Til:</b> Anne Lie &lt;anne@example.no&gt;<br><b>Emne:</b> Faktura</font><div>&nbsp;</div></div><div>Se vedlegget.</div>`},
	{name: "apple bokmål", reply: "Ja, gjerne.", rest: "Passer det på fredag?",
		doc: `<html><body dir="auto"><div dir="ltr">Ja, gjerne.</div><div dir="ltr"><br></div><div dir="ltr">Sendt fra min iPhone</div><div dir="ltr"><br><blockquote type="cite">Den 6. juni 2024 kl. 11:20 skrev Siv Dahl &lt;siv@example.no&gt;:<br><br></blockquote></div><blockquote type="cite"><div dir="ltr">Passer det på fredag?</div></blockquote></body></html>`},
	{name: "gmail svensk", reply: "Tack, det löste sig.", rest: "Kan du starta om?",
		doc: `<div dir="auto">Tack, det löste sig.</div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">Den mån 3 juni 2024 kl 12:01 skrev Eva Berg &lt;eva@example.se&gt;:<br></div><blockquote class="gmail_quote" style="border-left:1px #ccc solid">Kan du starta om?</blockquote></div>`},
	{name: "outlook svensk", reply: "Vi kommer klockan tio.", rest: "När kommer ni?",
		doc: `<div class="WordSection1"><p class="MsoNormal">Vi kommer klockan tio.</p><div><div style="border:none;border-top:solid #E1E1E1 1.0pt"><p class="MsoNormal"><b>Från:</b> Nils Ek &lt;nils@example.se&gt;<br><b>Skickat:</b> den 4 juni 2024 09:30<br><b>Till:</b> Lina Ås &lt;lina@example.se&gt;<br><b>Ämne:</b> Besök</p></div></div><p class="MsoNormal">När kommer ni?</p></div>`},
	{name: "phone svensk", reply: "Jag är på väg.", rest: "Var är du?",
		doc: `<div dir="auto">Jag är på väg.</div><div dir="auto"><br></div><div id="composer_signature" dir="auto"><div style="font-size:85%;color:#575757">Skickat från min Galaxy</div></div><div><br></div><div style="font-size:100%;color:#000000"><div>-------- Originalmeddelande --------</div><div>Från: Ulf Lind &lt;ulf@example.se&gt; </div><div>Datum: 2024-06-05 13:37 (GMT+01:00) </div><div>Till: Maja Ö &lt;maja@example.se&gt; </div><div>Ämne: Var? </div></div><div>Var är du?</div>`},
	{name: "gmail dansk", reply: "Det er i orden.", rest: "Må vi flytte mødet?",
		doc: `<div dir="ltr">Det er i orden.</div><br><div class="gmail_quote"><div class="gmail_attr">Den tirs. 4. jun. 2024 kl. 08.15 skrev Bo Holm &lt;bo@example.dk&gt;:<br></div><blockquote class="gmail_quote">Må vi flytte mødet?</blockquote></div>`},
	{name: "outlook dansk", reply: "Tak for hjælpen.", rest: "Det er rettet.",
		doc: `<div>Tak for hjælpen.</div><div><hr></div><p><b>Fra:</b> Support &lt;support@example.dk&gt;<br><b>Sendt:</b> 5. juni 2024 14:00<br><b>Til:</b> Ida Bech &lt;ida@example.dk&gt;<br><b>Emne:</b> Fejl</p><p>Det er rettet.</p>`},
	{name: "apple dansk", reply: "Fint.", rest: "Skal vi ses?",
		doc: `<div>Fint.<br><div><br><blockquote type="cite"><div>Den 7. jun. 2024 kl. 10.00 skrev Eva Krag &lt;eva@example.dk&gt;:</div><br class="Apple-interchange-newline"><div>Skal vi ses?</div></blockquote></div></div>`},
	{name: "gmail suomi", reply: "Kiitos, toimii nyt.", rest: "Kokeile uudelleen.",
		doc: `<div dir="ltr">Kiitos, toimii nyt.</div><br><div class="gmail_quote"><div class="gmail_attr">ma 3. kesäk. 2024 klo 9.14 Matti Meikäläinen (matti@example.fi) kirjoitti:<br></div><blockquote class="gmail_quote">Kokeile uudelleen.</blockquote></div>`},
	{name: "outlook suomi", reply: "Sopii hyvin.", rest: "Sopiiko maanantai?",
		doc: `<div class="WordSection1"><p>Sopii hyvin.</p><p><b>Lähettäjä:</b> Aino Laine &lt;aino@example.fi&gt;<br><b>Lähetetty:</b> tiistai 4. kesäkuuta 2024 10.00<br><b>Vastaanottaja:</b> Pekka Aho &lt;pekka@example.fi&gt;<br><b>Aihe:</b> Tapaaminen</p><p>Sopiiko maanantai?</p></div>`},
	{name: "phone suomi", reply: "Tulen heti.", rest: "Missä olet?",
		doc: `<div>Tulen heti.</div><div><br></div><div>Lähetetty iPhonesta</div><div><br>Aino Laine &lt;aino@example.fi&gt; kirjoitti 5.6.2024 kello 12.10:<br><br></div><blockquote type="cite"><div>Missä olet?</div></blockquote>`},
	{name: "forward gmail bokmål", reply: "Kan dere se på denne?", rest: "Skriveren er død.", from: "kunde@example.no",
		subject: "Skriver", body: "Skriveren er død.",
		doc: `<div dir="ltr">Kan dere se på denne?<br><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">---------- Forwarded message ---------<br>Fra: <strong class="gmail_sendername">Kunde</strong> <span>&lt;<a href="mailto:kunde@example.no">kunde@example.no</a>&gt;</span><br>Date: man. 3. juni 2024 kl. 09:14<br>Subject: Skriver<br>To: Ola &lt;ola@example.no&gt;<br></div><br><br><div dir="ltr">Skriveren er død.</div></div></div>`},
	{name: "forward apple svensk", reply: "Vidare till er.", rest: "Fakturan är fel.", from: "kund@example.se",
		subject: "Faktura", body: "Fakturan är fel.",
		doc: `<div>Vidare till er.<br><div><br><blockquote type="cite"><div>Vidarebefordrat brev:</div><br><div><b>Från: </b>Kund &lt;kund@example.se&gt;</div><div><b>Ämne: </b><b>Faktura</b></div><div><b>Datum: </b>3 juni 2024 10:00:00 CEST</div><div><b>Till: </b>Eva &lt;eva@example.se&gt;</div><br><div>Fakturan är fel.</div></blockquote></div></div>`},
	{name: "forward thunderbird dansk", reply: "Se nedenfor.", rest: "Hvor er pakken?", from: "kunde@example.dk",
		subject: "Pakke", body: "Hvor er pakken?",
		doc: `<p>Se nedenfor.</p><div class="moz-forward-container"><br>-------- Videresendt meddelelse --------<table class="moz-email-headers-table"><tbody><tr><th>Emne: </th><td>Pakke</td></tr><tr><th>Dato: </th><td>Mon, 3 Jun 2024 09:14:00 +0200</td></tr><tr><th>Fra: </th><td>Kunde &lt;kunde@example.dk&gt;</td></tr><tr><th>Til: </th><td>bo@example.dk</td></tr></tbody></table><br>Hvor er pakken?</div>`},
	{name: "forward suomi", reply: "Voitko hoitaa?", rest: "Lasku puuttuu.", from: "asiakas@example.fi",
		subject: "Lasku", body: "Lasku puuttuu.",
		doc: `<div>Voitko hoitaa?</div><div>---------- Välitetty viesti ----------</div><div>Lähettäjä: Asiakas &lt;asiakas@example.fi&gt;</div><div>Päiväys: ma 3.6.2024 klo 9.14</div><div>Aihe: Lasku</div><div>Vastaanottaja: &lt;matti@example.fi&gt;</div><br><div>Lasku puuttuu.</div>`},
	{name: "written into the container of the quote", reply: "Three more lamps are broken.\nTheir numbers:\nask ann@example.com\n-Bo", rest: "Hello all,",
		doc: `<div dir="ltr"><div class="gmail_quote"><div>Three more lamps are broken.<br>Their numbers:<br><br>ask <a href="mailto:ann@example.com">ann@example.com</a></div><div><br></div><div>-Bo</div><blockquote class="gmail_quote" style="margin:0 0 0 .8ex;border-left:1px #ccc solid"><div class="gmail_quote">From: <b class="gmail_sendername">Ann Lee</b> &lt;ann@example.com&gt;<br>Date: Mon, Jun 22, 2026 at 4:00 PM<br>Subject: Lamps<br>To: Bo &lt;bo@example.com&gt;<br><br>Hello all,</div></blockquote></div></div>`},
	{name: "spark without an attribution", reply: "Send it today.", rest: "When shall we send it?",
		doc: `<div><div name="messageBodySection"><p>Send it <b>today</b>.</p></div><div name="messageReplySection"><p>When shall we send it?</p></div></div>`},
	{name: "spark below nothing", reply: "Send it today.", rest: "nothing",
		doc: `<div><div name="messageReplySection"><p>Send it <b>today</b>.</p></div></div>`},
	{name: "answers between quotes", reply: "See below.\nOn Mon, Jun 3, 2024 at 9:14 AM Ann <ann@example.com> wrote:\nRed or blue?\nBlue.\nWhen?\nToday.", rest: "nothing",
		doc: `<div>See below.</div><div class="gmail_quote"><div class="gmail_attr">On Mon, Jun 3, 2024 at 9:14 AM Ann &lt;ann@example.com&gt; wrote:</div><blockquote class="gmail_quote">Red or blue?</blockquote><div>Blue.</div><blockquote class="gmail_quote">When?</blockquote><div>Today.</div></div>`},
	{name: "answer below", reply: "It is the blue one.", rest: "Which one?",
		doc: `<div class="moz-cite-prefix">On 03.06.24 09:14, Ann wrote:<br></div><blockquote type="cite" cite="mid:1@example.com"><p>Which one?</p></blockquote><p>It is the blue one.</p>`},
	{name: "indented is not quoted", reply: "The error says:\nDisk full\nWhat now?", rest: "nothing",
		doc: `<div>The error says:</div><blockquote style="margin:0 0 0 40px;border:none;padding:0px"><div>Disk full</div></blockquote><div>What now?</div>`},
	{name: "a journey has a from and a to", reply: "Please book:\nFrom: Oslo\nTo: Bergen\nDate: 5 June 2024\nThanks", rest: "nothing",
		doc: `<p>Please book:</p><p>From: Oslo<br>To: Bergen<br>Date: 5 June 2024</p><p>Thanks</p>`},
	{name: "a table of a consignment", reply: "Order:\nFrom: Oslo\nTo: Bergen\nDate: 3 March 2026\nSubject: freight\nPlease confirm.", rest: "nothing",
		doc: `<p>Order:</p><table><tr><td>From:</td><td>Oslo</td></tr><tr><td>To:</td><td>Bergen</td></tr><tr><td>Date:</td><td>3 March 2026</td></tr><tr><td>Subject:</td><td>freight</td></tr></table><p>Please confirm.</p>`},
	{name: "what somebody wrote down", reply: "On Monday 3 March 2026 Karl wrote down:\npaper\nPlease order.", rest: "nothing",
		doc: `<p>On Monday 3 March 2026 Karl wrote down:</p><ul><li>paper</li></ul><p>Please order.</p>`},
	{name: "groupwise", reply: "Works now.", rest: "Please restart.",
		doc: `<p>Works now.</p><br>&gt;&gt;&gt; Karl Meier &lt;karl@example.com&gt; 03/03/2026 10:15 AM &gt;&gt;&gt;<br><p>Please restart.</p>`},
	{name: "quote between breaks", reply: "Hi,\nDone.", rest: "Is it on?",
		doc: `Hi,<br>On 4 Sep 2025 at 11:30 Ann &lt;ann@example.com&gt; wrote:<br>&gt; Is it on?<br>Done.`},
	{name: "a postscript below the quote", reply: "Yes.\nAnd bring the keys.", rest: "Shall I come?",
		doc: `<div>Yes.</div><div>On 4 Sep 2025 at 11:30 Ann &lt;ann@example.com&gt; wrote:</div><blockquote type="cite">Shall I come?</blockquote><div>And bring the keys.</div>`},
	{name: "a quote of the writer's choice", reply: "The manual says\nDo not open\nand I opened it.", rest: "nothing",
		doc: `<p>The manual says</p><blockquote class="quote">Do not open</blockquote><p>and I opened it.</p>`},
	{name: "a bare blockquote at the end", reply: "The message is\nDisk full", rest: "nothing",
		doc: `<p>The message is</p><blockquote>Disk full</blockquote>`},
	{name: "angles without an attribution", reply: "Read\n> Offers\n> Contact", rest: "nothing",
		doc: `Read<br>&gt; Offers<br>&gt; Contact`},
	{name: "angles below an attribution", reply: "Thanks.", rest: "Here it is",
		doc: `<pre>Thanks.

On Monday 3 June 2024 10:00, ann@example.com wrote:
&gt; Here it is
&gt; Ann</pre>`},
	{name: "only a quote", reply: "All of it is quoted.", rest: "nothing",
		doc: `<blockquote type="cite">All of it is quoted.</blockquote>`},
	{name: "unescaped address", reply: "Fine.", rest: "Old text",
		doc: `<div>Fine.</div><div>On Sep 4, 2025, at 11:30, Jane <jane@example.com> wrote:<br></div><blockquote type="cite">Old text</blockquote>`},
	{name: "screenshot", reply: "", rest: "What do you see?",
		doc: `<div><img src="cid:1"></div><div>On 4 Sep 2025 at 11:30 Ann &lt;ann@example.com&gt; wrote:</div><blockquote type="cite">What do you see?</blockquote>`},
}

func TestHTMLFixtures(t *testing.T) {
	for _, fx := range htmlFixtures {
		t.Run(fx.name, func(t *testing.T) {
			r := HTML(fx.doc)
			got := visible(r.Reply)
			if got != fx.reply {
				t.Errorf("reply is %q, want %q; cuts %v", got, fx.reply, r.Cuts)
			}
			if strings.Contains(got, fx.rest) {
				t.Errorf("%q is left of the quote", fx.rest)
			}
			if again := HTML(r.Reply); again.Reply != r.Reply {
				t.Errorf("trimmed again it becomes %q", again.Reply)
			}
			if fx.from == "" {
				if r.Forwarded != nil {
					t.Errorf("forwarded: %+v", *r.Forwarded)
				}
				return
			}
			f := r.Forwarded
			if f == nil {
				t.Fatal("the forwarded mail was not found")
			}
			if f.From.Addr != fx.from || f.Subject != fx.subject || len(f.To) != 1 || f.Body != fx.body {
				t.Errorf("forwarded: %+v", *f)
			}
		})
	}
}
