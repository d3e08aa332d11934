package rfc822

import (
	"strings"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// maxAwayText is how much of a body is asked for words of absence: automatic
// replies say it at once.
const maxAwayText = 2 << 10

// awayEvidence looks for words of absence. A subject counts only where it
// begins with them, and never behind a reply prefix: people write "Re: Out of
// office" themselves. No single piece of evidence decides.
func awayEvidence(in *ticket.Inbound, expected bool) (ev []string) {
	subject := strings.TrimLeft(strings.ToLower(in.Subject), " \t[(*\"“«【")
	for _, s := range awaySubjects() {
		if strings.HasPrefix(subject, s) {
			ev = append(ev, "subject")
			break
		}
	}
	if rest, ok := strings.CutPrefix(subject, "auto:"); ok && len(ev) == 0 && has(rest, awayWords()) {
		ev = append(ev, "subject") // as Notes writes it, with the name of who is away
	}
	if len(ev) == 0 && namesAbsent(in, subject) {
		ev = append(ev, "subject")
	}
	if len(ev) == 0 && !expected {
		return nil // nothing else says so: the text alone would not decide
	}
	text := strings.ToLower(cut(in.Text, maxAwayText))
	for _, s := range awayWords() {
		if strings.Contains(text, s) {
			return append(ev, "text")
		}
	}
	if len(ev) == 0 {
		return nil
	}
	return ev
}

// namesAbsent reports the subject of Notes with the name of who is away, over
// a text in the first person: nobody writes so of himself.
func namesAbsent(in *ticket.Inbound, subject string) bool {
	if _, replied := cutPrefix(in.Subject, replyWords); replied || !strings.HasSuffix(strings.TrimRight(subject, ". "), " is out of the office") {
		return false
	}
	return has(strings.ToLower(cut(in.Text, maxAwayText)), []string{"i will be out of", "i am out of", "i'm out of"})
}

// awaySubjects are beginnings that programs write. Of two pieces of evidence
// without a header one must be such a beginning; so words that a person would
// begin a subject with are left out.
func awaySubjects() []string {
	return []string{
		"out of office", "out-of-office", "out of the office", "automatic reply", "auto reply:", "auto-reply:", "autoreply:", "auto response:", "vacation reply", "out-of-the-office", "i am out of office", "i'm out of office", "ooo:", // en
		"automatisk svar", "fraværsmelding", "fråværsmelding", "automatisk fraværssvar", "ikke til stede", "ikkje til stades", // nb, nn, da
		"autosvar", "frånvaromeddelande", "frånvaro:", "automatiskt svar", "ej på plats", // sv
		"fraværsbesked", "fravær:", "ikke på kontoret", // da
		"automaattinen vastaus", "poissaoloviesti", "poissaoloilmoitus", "poissa toimistosta", // fi
		"abwesenheitsnotiz", "abwesenheitsmeldung", "abwesenheitsassistent", "urlaubsnotiz", "automatische antwort", "abwesenheit:", "abwesend:", // de
		"automatisch antwoord", "afwezigheidsmelding", "afwezig:", "niet aanwezig", // nl
		"réponse automatique", "absence du bureau", "absent du bureau", "message d'absence", // fr
		"respuesta automática", "fuera de la oficina", "fuera de oficina", // es
		"resposta automàtica", "fora de l'oficina", // ca
		"risposta automatica", "fuori sede", "fuori ufficio", "assente:", // it
		"resposta automática", "fora do escritório", "ausência temporária", // pt
		"odpowiedź automatyczna", "automatyczna odpowiedź", "poza biurem", "nieobecność", // pl
		"automatická odpověď", "mimo kancelář", "automatická odpoveď", "mimo kancelárie", // cs, sk
		"automatikus válasz", "házon kívül", // hu
		"răspuns automat", "automatski odgovor", "samodejni odgovor", "автоматичен отговор", // ro, hr, sl, bg
		"автоответ", "автоматический ответ", "нет на месте", "автоматична відповідь", // ru, uk
		"αυτόματη απάντηση", "εκτός γραφείου", "otomatik yanıt", "otomatik cevap", "ofis dışında", // el, tr
		"automaatvastus", "automātiska atbilde", "automatinis atsakymas", "sjálfvirkt svar", // et, lv, lt, is
		"自動応答", "自動返信", "不在通知", "不在:", "自动答复", "自动回复", "外出", "自動回覆", "부재 중", "자동 회신", // ja, zh, ko
		"תשובה אוטומטית", "رد تلقائي", "การตอบกลับอัตโนมัติ", "trả lời tự động", // he, ar, th, vi
	}
}

// awayWords are what such replies say in the body.
func awayWords() []string {
	return []string{
		"out of the office", "out of office", "away from the office", "away from my mail", "on vacation", "on holiday", "on annual leave", "on leave", "limited access to e", "no longer with the company", "reading my mail", "will be back", "i am away", "i'm away",
		"ikke til stede", "ikke på kontoret", "på ferie", "bortreist", "tilbake på kontoret", "har ferie", "ikkje på kontoret", "ikkje til stades", "bortreist", "attende på kontoret", "fraværende",
		"inte på kontoret", "på semester", "ej på plats", "åter på kontoret", "är tillbaka", "har semester", "tjänstledig", "föräldraledig",
		"holder ferie", "tilbage på kontoret", "er tilbage", "har orlov",
		"poissa toimistolta", "lomalla", "poissa", "vuosilomalla",
		"nicht im büro", "außer haus", "ausser haus", "abwesend", "im urlaub", "nicht im hause", "nicht erreichbar",
		"niet op kantoor", "afwezig", "met vakantie", "op vakantie",
		"absent du bureau", "en congé", "suis absent", "actuellement absent", "serai absent",
		"fuera de la oficina", "de vacaciones", "estaré ausente", "estoy ausente", "fora de l'oficina",
		"fuori ufficio", "in ferie", "sono assente", "sarò assente",
		"fora do escritório", "de férias", "estarei ausente", "estou ausente",
		"poza biurem", "jestem nieobecn", "na urlopie", "mimo kancelář", "na dovolené", "na dovolenke",
		"házon kívül", "szabadságon", "în concediu", "na godišnjem", "na dopustu", "в отпуске", "нет на месте", "отсутств", "у відпустці", "в отпуска",
		"εκτός γραφείου", "σε άδεια", "ofis dışında", "izindeyim", "izinde", "puhkusel", "atvaļinājumā", "atostog", "í fríi",
		"不在", "休暇", "外出", "休假", "度假", "부재", "휴가", "חופש", "إجازة", "ลาพัก", "nghỉ phép",
	}
}
