package trim

import (
	"strings"
	"unicode/utf8"
)

// isDeviceLine reports the greeting of a device or a client: "Sent from my
// phone". It begins with the words for "sent from" and names a device, and it
// is no sentence: what goes on after a comma or says that something is or has
// happened was written by a person.
func isDeviceLine(line string) bool {
	if len(line) < 6 || len(line) > 300 || utf8.RuneCountInString(line) > 160 {
		return false
	}
	s, link := strings.ToLower(strings.Trim(line, "-–— *_<>[]().!\"“”\u00a0")), ""
	s = strings.Replace(s, "](", " ", 1) // a link as some clients write it
	if i := strings.Index(s, "http"); i > 0 {
		s, link = strings.TrimRight(s[:i], " <([:"), s[i:]
	}
	words := strings.Count(s, " ") + 1
	if words > 14 || strings.HasSuffix(s, "?") {
		return false
	}
	if strings.Contains(s, "outlook") && words <= 6 && (strings.Contains(link, "aka.ms/") || names(s, "ios", "android")) {
		return true // "Get Outlook for iOS", in any language
	}
	if strings.HasSuffix(s, " from mobile") && words <= 4 {
		return true
	}
	if strings.HasSuffix(s, "küldve") && words <= 5 && namesBrand(s) {
		return true // Hungarian puts "sent" last
	}
	if n, _ := deviceOpener(s + " "); link != "" && n == len(s)+1 {
		return namesBrand(link) // "Sent using https://..."
	}
	switch opener, mine := deviceOpener(s); {
	case opener == 0 || isSentence(s[opener:]):
		return false
	case namesBrand(s):
		return true
	case mine:
		return words <= 10
	default:
		return namesDevice(s) && (words <= 3 || words <= 6 && strongOpener(s))
	}
}

// deviceOpener returns the length of the words with which clients begin such a
// line, and whether they say whose device it is.
func deviceOpener(s string) (n int, mine bool) {
	for _, p := range [...]string{"sent from my ", "sent from a ", "sent on my ", "sendt fra min ", "sendt fra mitt ", "sendt frå min ",
		"sendt fra mit ", "skickat från min ", "skickat från mitt ", "skickat från mina ",
		"gesendet von meinem ", "gesendet mit meinem ", "diese nachricht wurde von meinem ", "envoyé de mon ", "envoyé depuis mon ",
		"envoyé à partir de mon ", "envoyé à partir d’", "envoyé à partir d'", "enviado desde mi ", "enviado do meu ", "enviado a partir do meu ",
		"enviado de mi ", "enviado de meu ", "inviato dal mio ", "inviato da mio ", "verzonden vanaf mijn ", "verstuurd vanaf mijn ",
		"отправлено с моего ", "wysłane z mojego ", "wysłano z mojego ", "odesláno z mého ", "odoslané z môjho ", "надіслано з мого ",
		"trimis de pe ", "发自我的", "發自我的", "從我的", "从我的", "来自我的", "從手機", "从手机", "gửi từ ", "dikirim dari "} {
		if strings.HasPrefix(s, p) {
			return len(p), true
		}
	}
	for _, p := range [...]string{"sent from ", "sent via ", "sent with ", "sent by ", "sent using ", "from my ", "von meinem ", "von meiner ", "나의 ", "내 ", "get ", "download ",
		"sendt fra ", "sendt frå ", "sendt med ", "sendt via ", "skickat från ", "skickat med ", "skickat via ", "skickades från ",
		"lähetetty ", "gesendet von ", "gesendet mit ", "gesendet über ", "gesendet aus ", "diese nachricht wurde ", "envoyé depuis ",
		"envoyé à partir ", "envoyé avec ", "envoyé via ", "envoyé par ", "enviado desde ", "enviado a partir ", "enviado por ",
		"enviado pelo ", "enviado con ", "enviado do ", "enviado com ", "enviado via ", "inviato da ", "inviato dal ", "inviato con ",
		"inviato tramite ", "verzonden vanaf ", "verstuurd vanaf ", "verzonden met ", "verstuurd met ", "verzonden via ", "verzonden vanuit ",
		"отправлено с ", "отправлено из ", "надіслано з ", "wysłane z ", "wysłano z ", "wysłane za ", "odesláno z ", "odoslané z ",
		"elküldve ", "küldve ", "στάλθηκε από ", "εστάλη από ", "enviat des ", "أُرسلت من ", "أرسلت من ", "أُرسل من ", "أرسل من ", "مرسل من ", "تم الإرسال من ", "נשלח מ", "iphone", "ipad", "androidから"} {
		if strings.HasPrefix(s, p) {
			return len(p), false
		}
	}
	return 0, false
}

// strongOpener reports words after which the name of any device will do: they
// say from what a mail was sent, which people seldom write themselves.
func strongOpener(s string) bool {
	for _, p := range [...]string{"sent from ", "sendt fra ", "sendt frå ", "skickat från ", "envoyé depuis ", "enviado desde ",
		"verzonden vanaf ", "verstuurd vanaf ", "inviato da ", "отправлено с ", "отправлено из ", "gesendet von ", "from my ", "von meinem ", "나의 ", "내 "} {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// namesBrand reports the name of a device or a client that is nothing else.
func namesBrand(s string) bool {
	if strings.HasPrefix(s, "iphone") || strings.HasPrefix(s, "ipad") {
		return names(s, "から送信", "umdan", "imdan", "'dan", "’dan", "gönderildi", "에서 보냄")
	}
	return names(s, "iphon", "ipad", "ipod", "android", "galaxy", "samsung", "huawei", "xiaomi", "nokia", "xperia", "pixel", "oneplus",
		"blackberry", "windows", "outlook", "yahoo", "proton", "superhuman", "hotmail", "gmail", "spark", "aol", "postbox",
		"polymail", "fastmail", "foxmail", "zoho", "mailspring", "smartphone", "puhelim", "älypuhelin", "aquamail", "bluemail",
		"airmail", "mail.ru", "yandex", "gmx", "web.de", "sparrow", "mailbox", "nine", "thunderbird", "k-9", "fairemail", "tutanota", "tuta", "naver",
		"手机", "手機", "mailmate", "canary", "edison", "newton", "shortwave", "icloud", "mail app", "mail-app")
}

// namesDevice reports words for a telephone, a computer or a mail program.
func namesDevice(s string) bool {
	return names(s, "mail", "post", "phone", "telefon", "téléphone", "teléfono", "telemóvel", "celular", "móvil", "mobil", "handy",
		"tablet", "laptop", "mac", "device", "desk", "ipad", "computer", "телефон", "смартфон", "komórk", "portable", "telefoon", "mobiel",
		"nettbrett", "surfplatta", "wireless")
}

func names(s string, words ...string) bool {
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

// isSentence reports what a person wrote: something after a comma that does not
// excuse the brevity of the mail, or a verb.
func isSentence(s string) bool {
	if names(s, "excuse", "sorry", "pardon", "apolog", "brevity", "typo", "short", "forgive", "beklager", "unnskyld", "ursäkta", "kort",
		"fehler", "tippfehler", "désolé", "disculp", "desculp", "scus", "autocorrect", "thumb") {
		return false
	}
	if i := strings.IndexAny(s, ",;:"); i >= 0 && strings.Count(strings.TrimSpace(s[i+1:]), " ") >= 2 && !namesBrand(s[i+1:]) {
		return true
	}
	for w := range strings.FieldsSeq(s) {
		switch strings.Trim(w, ",.;") {
		case "is", "are", "was", "were", "has", "have", "had", "does", "doesn't", "did", "didn't", "can", "can't", "will", "won't", "not",
			"yesterday", "today", "because", "but", "er", "har", "kommer", "virker", "ikke", "ikkje", "är", "inte", "ist", "hat", "nicht",
			"est", "ne", "pas", "es", "igår", "i går", "gestern", "hier", "ayer", "eilen", "ei", "sist", "before", "after", "last", "when":
			return true
		}
	}
	return false
}
