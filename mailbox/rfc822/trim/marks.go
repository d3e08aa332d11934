package trim

import "strings"

// isForwardLine reports a line that says that a forwarded mail follows.
func isForwardLine(line string) bool {
	bare := strings.Trim(line, "-_=*>: \t.…‐–—")
	if len(bare) > 80 || bare == "" || len(bare) == len(line) {
		return false // clients set it between signs, or end it with a colon
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
		"proslijeđena poruka", "posredovano sporočilo", "preposlaná správa", "start på videresendt besked", "videresendt besked", "edelleenlähetetty viesti", "välitetty viesti alkaa",
		"vidarebefordrat mejl", "vidaresend melding", "vidaresendt e-post", "opphavleg vidaresend melding",
		"začátek přeposílané zprávy", "začiatok preposlanej správy", "započni proslijeđenu poruku", "továbbított levél kezdete",
		"początek przekazywanej wiadomości", "przekazana wiadomość", "începe mesajul redirecționat",
		"начало пересылаемого сообщения", "перенаправленное сообщение", "перенаправлене повідомлення",
		"початок листа, що пересилається", "ileti başlangıcı", "i̇leti başlangıcı", "iletilmiş mesaj", "i̇letilmiş mesaj", "i̇letilen i̇leti",
		"i̇letilmiş i̇leti", "message transmis", "mensagem reencaminhada", "doorgestuurd bericht volgt", "doorgezonden bericht",
		"anfang der weitergeleiteten e-mail", "weitergeleitete e-mail", "mensaje remitido", "missatge reenviat", "mensaxe reenviada",
		"áframsendur póstur", "persiųstas laiškas", "mesajul original redirecționat", "转发的消息", "已转发邮件", "開始轉寄郵件",
		"轉寄訊息", "メッセージを転送", "転送されたメール", "以下、転送されたメッセージ", "전달된 이메일"} {
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
		"oriģinālais ziņojums", "הודעה מקורית", "الرسالة الأصلية", "original poruka", "izvorna poruka", "оригінальне повідомлення",
		"opprinneleg melding", "opprinnelig epost", "originalmelding", "oprindelig besked", "original besked", "oprindelig mail",
		"ursprunglig e-post", "ursprungligt mejl", "originalt meddelande", "alkuperäinen sähköposti", "e-mail d'origine", "message précédent",
		"mensaje originario", "correo original", "email original", "e-mail original", "e-mail original message", "messaggio precedente",
		"originele bericht", "ursprüngliche e-mail", "ursprüngliche mail", "originale nachricht", "původní e-mail", "pôvodný e-mail",
		"wiadomość źródłowa", "eredeti levél", "orijinal ileti", "orijinal e-posta", "原始信件", "原件", "オリジナルメッセージ", "원문", "원본메일":
		return true
	}
	return false
}

// isForwardEnd reports the line with which some clients end a mail that is
// passed on.
func isForwardEnd(line string) bool {
	return line[0] == '-' && strings.HasPrefix(strings.ToLower(strings.TrimLeft(line, "- ")), "end forwarded message")
}

// isGroupWise reports the line that sets off the original of a reply between
// three angles on both sides: ">>> Kari Bjørk 03.03.26 10:15 >>>".
func isGroupWise(raw string) bool {
	s := strings.TrimSpace(raw)
	return len(s) < 200 && strings.HasPrefix(s, ">>> ") && strings.HasSuffix(s, " >>>") && dateLike(s[4:len(s)-3])
}

// isSummary reports the line on which Notes sums up the mail it quotes: the
// sender, the date and the first words, with dashes between.
func isSummary(line string) bool {
	if len(line) > 400 {
		return false
	}
	parts := strings.Split(line, "---")
	return len(parts) == 3 && parts[0] != "" && dateLike(parts[1]+" ") && strings.ContainsAny(parts[1], ":.")
}
