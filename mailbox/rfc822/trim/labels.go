package trim

import "strings"

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
		"发件人", "寄件者", "寄件人", "差出人", "送信元", "보낸 사람", "보낸사람", "từ", "dari", "จาก", "saatja", "no", "nuo", "מאת", "من", "šalje",
		"expeditorul", "отправитель", "від кого", "nadawca", "送信者", "发送人", "发件者":
		return fieldFrom
	case "to", "til", "till", "an", "à", "a", "para", "aan", "vastaanottaja", "кому", "do", "komu", "címzett", "kime",
		"alıcı", "προς", "către", "destinataire", "destinatario", "empfänger", "mottaker", "mottagare", "modtager",
		"pour", "за", "收件人", "宛先", "받는 사람", "받는사람", "đến", "kepada", "ถึง", "kellele", "kam", "אל", "إلى", "za", "prima", "destinatarul", "pre", "adresat", "送信先", "收信人":
		return fieldTo
	case "cc", "kopi", "kopia", "kopie", "copie", "copie à", "kopio", "копия", "копія", "dw", "másolatot kap", "bilgi", "cc:",
		"抄送", "副本", "참조", "κοιν", "κοιν.", "k", "bcc", "blindkopi", "másolat", "kópia", "kopie (cc)", "copia", "c/c", "同報",
		"c.c.", "kopi (cc)", "kopia (cc)", "másolatot kapja", "skrytá kopie", "copy":
		return fieldCc
	case "subject", "emne", "ämne", "betreff", "objet", "oggetto", "asunto", "assunto", "onderwerp", "aihe", "тема", "temat",
		"předmět", "predmet", "tárgy", "konu", "θέμα", "subiect", "sujet", "asunto/subject", "主题", "主旨", "件名", "제목",
		"chủ đề", "perihal", "เรื่อง", "teema", "tēma", "tema", "נושא", "الموضوع", "assumpte", "относно", "subiectul", "naslov",
		"标题", "subj":
		return fieldSubject
	case "date", "sent", "dato", "sendt", "datum", "skickat", "gesendet", "date d'envoi", "envoyé", "inviato", "data", "enviado",
		"enviada", "enviada em", "enviado el", "fecha", "verzonden", "lähetetty", "päiväys", "päivämäärä", "pvm", "отправлено",
		"дата", "wysłano", "wysłane", "odesláno", "odoslané", "poslano", "elküldve", "dátum", "tarih", "gönderildi",
		"gönderilme tarihi", "στάλθηκε", "ημερομηνία", "trimis", "发送时间", "日期", "寄件日期", "送信日時", "送信", "日時",
		"보낸 날짜", "날짜", "đã gửi", "ngày", "dikirim", "วันที่", "ส่งเมื่อ", "saadetud", "kuupäev", "nosūtīts", "išsiųsta",
		"נשלח", "תאריך", "التاريخ", "sendt dato", "skickades", "надіслано", "изпратено", "poslal",
		"dată", "відправлено", "gönderilen", "日付", "fecha de envío", "date sent", "sendt den", "skickat den", "sendetidspunkt",
		"envoyé le", "enviado em", "data invio", "发件日期", "时间", "寄件時間":
		return fieldDate
	case "reply-to", "importance", "priority", "attachments", "organization", "message-id", "viktighet", "vedlegg", "bilagor",
		"wichtigkeit", "antwort an", "svar til", "svara till", "prioritet", "list-id", "sender",
		"vastaus", "répondre à", "responder a", "rispondi a", "antwoord aan", "odpověď na", "odpowiedź-do", "válaszcím",
		"ответ-кому", "yanıt adresi", "priorité", "prioridad", "importancia", "tärkeys", "liitteet", "bilaga",
		"vedhæftede filer", "anlagen", "pièces jointes", "bijlagen", "allegati", "datos adjuntos", "viktigheit":
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
	label := strings.ToLower(strings.Trim(line[:i], "*_ \t\u00a0\u202f"))
	return labelOf(label), strings.TrimSpace(strings.TrimLeft(line[i+1:], "*_ "))
}
