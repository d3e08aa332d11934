package trim

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// field is what a line of a header block is about.
type field uint8

const (
	fieldNone field = iota
	fieldFrom
	fieldTo
	fieldCc
	fieldSubject
	fieldDate
	fieldOther
)

// labelOf returns the field of a label without its colon, in lower case.
func labelOf(s string) field {
	switch s {
	case "from", "fra", "frå", "från", "von", "de", "da", "van", "od", "lähettäjä", "från/from", "от", "от кого", "від",
		"feladó", "kimden", "gönderen", "από", "de la", "expéditeur", "remitente", "mittente", "afzender", "avsender", "absender",
		"发件人", "寄件者", "寄件人", "差出人", "送信元", "보낸 사람", "보낸사람", "từ", "dari", "จาก", "saatja", "no", "nuo", "מאת", "من":
		return fieldFrom
	case "to", "til", "till", "an", "à", "a", "para", "aan", "vastaanottaja", "кому", "do", "komu", "címzett", "kime",
		"alıcı", "προς", "către", "destinataire", "destinatario", "empfänger", "mottaker", "mottagare", "modtager",
		"pour", "за", "收件人", "宛先", "받는 사람", "받는사람", "đến", "kepada", "ถึง", "kellele", "kam", "kam:", "אל", "إلى", "za":
		return fieldTo
	case "cc", "kopi", "kopia", "kopie", "copie", "copie à", "kopio", "копия", "копія", "dw", "másolatot kap", "bilgi", "cc:",
		"抄送", "副本", "참조", "κοιν", "κοιν.", "k", "bcc", "blindkopi":
		return fieldCc
	case "subject", "emne", "ämne", "betreff", "objet", "oggetto", "asunto", "assunto", "onderwerp", "aihe", "тема", "temat",
		"předmět", "predmet", "tárgy", "konu", "θέμα", "subiect", "sujet", "asunto/subject", "主题", "主旨", "件名", "제목",
		"chủ đề", "perihal", "เรื่อง", "teema", "tēma", "tema", "נושא", "الموضوع", "assumpte", "относно":
		return fieldSubject
	case "date", "sent", "dato", "sendt", "datum", "skickat", "gesendet", "date d'envoi", "envoyé", "inviato", "data", "enviado",
		"enviada", "enviada em", "enviado el", "fecha", "verzonden", "lähetetty", "päiväys", "päivämäärä", "pvm", "отправлено",
		"дата", "wysłano", "wysłane", "odesláno", "odoslané", "poslano", "elküldve", "dátum", "tarih", "gönderildi",
		"gönderilme tarihi", "στάλθηκε", "ημερομηνία", "trimis", "发送时间", "日期", "寄件日期", "送信日時", "送信", "日時",
		"보낸 날짜", "날짜", "đã gửi", "ngày", "dikirim", "วันที่", "ส่งเมื่อ", "saadetud", "kuupäev", "nosūtīts", "išsiųsta",
		"נשלח", "תאריך", "التاريخ", "sendt dato", "skickades", "надіслано", "изпратено", "poslal":
		return fieldDate
	case "reply-to", "importance", "priority", "attachments", "organization", "message-id", "viktighet", "vedlegg", "bilagor",
		"wichtigkeit", "antwort an", "svar til", "svara till", "prioritet", "list-id", "sender":
		return fieldOther
	}
	return fieldNone
}

// headerLine splits a line of a header block.
func headerLine(line string) (field, string) {
	line = strings.TrimLeft(line, "*>_ ")
	i := strings.IndexByte(line, ':')
	if w := strings.Index(line, "："); w >= 0 && (i < 0 || w < i) {
		return labelOf(strings.ToLower(strings.TrimSpace(line[:w]))), strings.TrimSpace(line[w+len("："):])
	}
	if i < 1 || i > 40 {
		return fieldNone, ""
	}
	label := strings.ToLower(strings.Trim(line[:i], "* \t"))
	return labelOf(label), strings.TrimSpace(strings.TrimLeft(line[i+1:], "* "))
}

// headerBlock returns the line after the block of header lines that begins at
// line i, or i. Below a rule, a sender and one line more are enough; elsewhere
// a block must say when or about what, and from what address, because people
// write "From: Oslo, To: Bergen" as well.
func (c *cutter) headerBlock(i, to int, ruled bool) int {
	lines := c.tree.lines
	first, _ := headerLine(lines[i].text)
	if first == fieldNone || first == fieldOther {
		return i
	}
	var seen [fieldOther + 1]int
	end, foreign, address, digits := i, 0, false, false
	for j := i; j < to && j < i+16 && foreign < 3; j++ {
		f, value := headerLine(lines[j].text)
		if f == fieldNone {
			if seen[fieldFrom] > 0 && lines[j].gap && seen[fieldSubject]+seen[fieldDate] > 0 {
				break
			}
			foreign++
			continue
		}
		if seen[f] > 0 && f != fieldOther && f != fieldCc {
			break
		}
		seen[f]++
		foreign, end = 0, j+1
		address = address || strings.IndexByte(value, '@') > 0
		digits = digits || f == fieldDate && strings.ContainsFunc(value, unicode.IsDigit)
	}
	if seen[fieldFrom] == 0 {
		return i
	}
	other := min(seen[fieldTo], 1) + min(seen[fieldSubject], 1) + min(seen[fieldDate], 1)
	switch {
	case ruled && other > 0 && (digits || address || seen[fieldSubject] > 0):
		return end
	case other >= 2 && (seen[fieldSubject] > 0 || address):
		return end
	case other == 1 && address && digits:
		return end
	}
	return i
}

// isForwardLine reports a line that says that a forwarded mail follows.
func isForwardLine(line string) bool {
	bare := strings.Trim(line, "-_=*>: \t.…‐–—")
	if len(bare) > 80 || bare == "" {
		return false
	}
	s := strings.ToLower(bare)
	ruled := len(bare) < len(line)-1
	for _, m := range [...]string{"forwarded message", "begin forwarded message", "forwarded by", "forwarded mail",
		"videresendt melding", "videresendt message", "vidaresendt melding", "videresendt e-post", "videresendt meddelelse",
		"start på videresendt melding", "start på videresendt meddelelse", "vidarebefordrat meddelande",
		"vidarebefordrat brev", "startar vidarebefordrat meddelande", "edelleen lähetetty viesti", "välitetty viesti",
		"alkaa välitetty viesti", "alkuperäinen viesti välitetty", "välitetyn viestin alku", "weitergeleitete nachricht",
		"anfang der weitergeleiteten nachricht", "weitergeleitete mail", "message transféré", "début du message transféré",
		"début du message réexpédié", "message réexpédié", "mensaje reenviado", "inicio del mensaje reenviado",
		"mensagem encaminhada", "início da mensagem encaminhada", "início da mensagem reencaminhada", "messaggio inoltrato",
		"inizio messaggio inoltrato", "doorgestuurd bericht", "begin doorgestuurd bericht", "пересылаемое сообщение",
		"пересланное сообщение", "начало переадресованного сообщения", "переслане повідомлення", "wiadomość przekazana",
		"treść przekazanej wiadomości", "wiadomość przesłana dalej", "přeposlaná zpráva", "začátek přeposlané zprávy",
		"továbbított üzenet", "továbbított levél", "iletilen mesaj", "iletilmiş ileti", "yönlendirilen mesaj",
		"προωθημένο μήνυμα", "mesaj redirecționat", "mesaj redirecționat începe", "转发邮件信息", "转发的邮件", "转发邮件", "轉寄的郵件",
		"轉寄郵件", "転送されたメッセージ", "転送メッセージ", "転送", "전달된 메시지", "전달된 메일", "thư đã chuyển tiếp",
		"pesan terusan", "ข้อความที่ส่งต่อ", "edastatud kiri", "הודעה שהועברה", "رسالة معاد توجيهها", "прехвърлено съобщение",
		"proslijeđena poruka", "posredovano sporočilo", "preposlaná správa", "missatge reenviat"} {
		if s == m || ruled && strings.HasPrefix(s, m) && len(s) < len(m)+50 {
			return true
		}
	}
	return false
}

// isOriginalLine reports a line that sets off the original of a reply.
func isOriginalLine(line string) bool {
	if len(line) > 120 {
		return false
	}
	bare := strings.Trim(line, "-_=*> \t")
	if len(line)-len(bare) < 4 {
		return false
	}
	switch strings.ToLower(strings.TrimRight(bare, ":")) {
	case "original message", "original email", "original mail", "original", "original appointment", "reply message", "reply to message",
		"opprinnelig melding", "opphavleg melding", "oprindelig meddelelse", "opprinnelig e-post", "original meddelelse",
		"ursprungligt meddelande", "originalmeddelande", "ursprungligt brev", "alkuperäinen viesti", "ursprüngliche nachricht",
		"original-nachricht", "originalnachricht", "message d'origine", "message d’origine", "message original",
		"message initial", "mensaje original", "mensagem original", "messaggio originale", "messaggio originario",
		"oorspronkelijk bericht", "origineel bericht", "исходное сообщение", "оригинальное сообщение", "исходное письмо",
		"wiadomość oryginalna", "oryginalna wiadomość", "original wiadomość", "původní zpráva", "pôvodná správa",
		"eredeti üzenet", "orijinal mesaj", "özgün ileti", "αρχικό μήνυμα", "mesaj original", "原始邮件", "原始郵件",
		"原邮件", "元のメッセージ", "원본 메시지", "원본 메일", "tin nhắn gốc", "pesan asli", "ข้อความต้นฉบับ", "algne kiri",
		"oriģinālais ziņojums", "הודעה מקורית", "الرسالة الأصلية", "original poruka", "izvorna poruka", "оригінальне повідомлення":
		return true
	}
	return false
}

// isRuleLine reports a line drawn with characters.
func isRuleLine(line string) bool {
	return len(line) >= 5 && strings.Trim(line, "_-=*─—–") == ""
}

// isAttribution reports a line that says who wrote what follows, and when.
// Before a quote, a date or an address and a colon are enough.
func isAttribution(line string, quoted bool) bool {
	if len(line) < 8 || len(line) > 400 {
		return false
	}
	end := strings.TrimRight(line, " *_-")
	colon := strings.HasSuffix(end, ":") || strings.HasSuffix(end, "：")
	date, address := dateLike(line), strings.IndexByte(line, '@') > 0
	// The verb is asked last: looking for it is what costs.
	switch {
	case quoted && colon:
		return address || date && opensAttribution(line) || (date || len(line) < 80) && hasWroteVerb(line)
	case quoted:
		return (date || address) && hasWroteVerb(line)
	case colon:
		return date && address || (date || address) && hasWroteVerb(line)
	}
	return false
}

// opensAttribution reports a line that begins as attributions do: with a day,
// or with the word that many languages put before one.
func opensAttribution(line string) bool {
	line = strings.TrimLeft(line, "-*_ ")
	if line != "" && line[0] >= '0' && line[0] <= '9' {
		return true
	}
	word, _, _ := strings.Cut(line, " ")
	switch strings.ToLower(strings.TrimRight(word, ",.:")) {
	case "on", "den", "le", "el", "il", "am", "op", "em", "a", "dne", "dnia", "w", "în", "pe", "στις", "la", "på",
		"mon", "tue", "wed", "thu", "fri", "sat", "sun", "man", "tirs", "tir", "tys", "ons", "tors", "tor", "fre", "lør", "lau",
		"søn", "mån", "tis", "lör", "sön", "ma", "ti", "ke", "to", "su", "mo", "di", "mi", "do", "fr", "sa", "so",
		"lun", "mar", "mer", "jeu", "ven", "sam", "dim", "mié", "jue", "vie", "sáb", "dom", "пн", "вт", "ср", "чт", "пт", "сб", "вс":
		return true
	}
	return false
}

// hasWroteVerb looks for the word for "wrote" of many languages.
func hasWroteVerb(line string) bool {
	s := strings.ToLower(line)
	for _, verb := range [...]string{"wrote", "writes", "skrev", "skreiv", "skriver", "schrieb", "geschrieben", "écrit", "ecrit",
		"escribió", "escribio", "escreveu", "scritto", "scrive", "schreef", "geschreven", "napisał", "pisze", "написал", "пише",
		"пишет", "писал", "написа", "kirjoitti", "napsal", "napísal", "írta", "yazdı", "şunu yazdı", "έγραψε", "a scris",
		"napisao", "je napisal", "写道", "寫道", "書きました", "작성", "님이 쓴", "đã viết", "menulis", "เขียน", "kirjutas", "rakstīja",
		"rašė", "כתב", "كتب", "va escriure"} {
		if i := strings.Index(s, verb); i >= 0 && len(s)-i-len(verb) < 60 || i >= 0 && i < 60 {
			return true
		}
	}
	return false
}

// dateLike reports digits as in a date or a time of day.
func dateLike(line string) bool {
	digits, groups := 0, 0
	for i := 0; i < len(line); i++ {
		if c := line[i]; c >= '0' && c <= '9' {
			digits++
			continue
		}
		if digits > 0 {
			if digits == 4 && groups > 0 || digits <= 2 && i+1 < len(line) && line[i] == ':' && line[i+1] >= '0' && line[i+1] <= '9' {
				return true
			}
			groups++
		}
		digits = 0
	}
	return groups >= 3 || digits == 4 && groups > 0
}

// isDeviceLine reports the greeting of a device or a client: "Sent from my
// phone".
func isDeviceLine(line string) bool {
	if utf8.RuneCountInString(line) > 80 {
		return false
	}
	s := strings.ToLower(strings.Trim(line, "-–— *_<>[]().!"))
	for _, p := range [...]string{"sent from my ", "sent from mail for ", "sent from outlook", "sent from yahoo", "sent from samsung",
		"sent from a ", "sent via ", "sent with ", "sent on my ", "sent using ", "get outlook for ", "sendt fra ", "sendt med ",
		"sendt frå ", "skickat från ", "skickat med ", "skickades från ", "lähetetty ", "hämta outlook ", "hent outlook ", "få outlook ",
		"hanki outlook ", "last ned outlook ", "von meinem ", "gesendet von ", "gesendet mit ", "holen sie sich outlook ", "outlook für ",
		"envoyé de mon ", "envoyé depuis ", "envoyé à partir ", "télécharger outlook ", "obtenez outlook ", "enviado desde ",
		"obtener outlook ", "enviado do meu ", "enviado a partir ", "enviado por ", "obter o outlook ", "inviato da ", "scarica outlook ",
		"ottieni outlook ", "verzonden vanaf ", "verstuurd vanaf ", "verzonden met ", "outlook downloaden ", "outlook voor ",
		"отправлено с ", "отправлено из ", "wysłane z ", "wysłano z ", "pobierz outlook ", "odesláno z ", "odoslané z ",
		"iphone'umdan ", "发自我的", "從我的", "iphoneから", "나의 iphone", "내 iphone"} {
		if strings.HasPrefix(s, p) && len(s) < len(p)+50 {
			return true
		}
	}
	return s == "iphoneから送信" || s == "发自我的iphone" || strings.HasPrefix(s, "lähetetty iphone")
}
