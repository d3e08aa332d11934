package rfc822

import "strings"

// isHard reports whether trying again cannot help: the address or its host does
// not exist, or has moved. A full mailbox, a refused content or a blocked sender
// may change, whatever class the status has. Words about the recipient come
// before its status, words of the whole report last.
func isHard(status, why, text string) bool {
	class, _, _ := cutStatus(status)
	refused := has(why, refusalWords())
	unknown := (refused || has(why, hardWords())) && !has(why, softWords())
	switch {
	case has(why, hostWords()) && class != "5.7" && !strings.HasPrefix(status, "4."):
		return true
	case class == "4.1" && unknown:
		// Servers that look a recipient up elsewhere answer so for one they do
		// not know.
		return true
	case strings.HasPrefix(status, "4."):
		return false
	case status == "5.1.7" || status == "5.1.8":
		return false // it is the sender's address that is wrong
	case status == "5.3.2" || status == "5.7.27":
		return true // the host takes no mail at all (RFC 7504, RFC 7505)
	case class == "5.2" || class == "5.3" || class == "5.7":
		// The mailbox, the system or the policy: all can change, except where
		// the server says no more than that it does not know the recipient.
		return unknown && (toRecipient(why) || toRecipient(text)) && (refused || has(strings.ReplaceAll(why, "address rejected", ""), hardWords()))
	case class == "5.6":
		return false
	case class != "5.1" && (afterData(why) || why == "" && afterData(text)):
		// Refused once the content was seen: a filter says user unknown there,
		// for an address that its server had accepted before.
		return false
	}
	if refused && unknown {
		return true
	}
	sure := toRecipient(why) || toRecipient(text)
	for _, s := range [...]string{why, text} {
		if has(s, softWords()) {
			return false
		}
		if has(s, hardWords()) && (class == "5.1" || sure || !has(s, doubtfulWords())) || has(s, foundWords()) {
			return true
		}
		switch status {
		case "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.1.0", "5.4.4":
			return true
		case "":
		default:
			if s != "" && !strings.HasSuffix(status, ".0") && !strings.HasPrefix(status, "5.0.") {
				return false
			}
		}
	}
	return false
}

// afterData reports a refusal once the content was seen.
func afterData(s string) bool {
	return has(s, []string{"end of data", "data command", "end-of-data"}) ||
		!toRecipient(s) && has(s, []string{">>> data", "\ndata"})
}

// toRecipient reports a refusal of the recipient, before the content.
func toRecipient(s string) bool {
	return has(s, []string{"rcpt to", "rcpt_to", "rcpt command", "smtp:rcpt", "not like recipient"})
}

// cutStatus parts an enhanced status code (RFC 3463) after its subject.
func cutStatus(status string) (class, detail string, ok bool) {
	i := strings.LastIndexByte(status, '.')
	if i < 0 {
		return status, "", false
	}
	return status[:i], status[i+1:], true
}

func has(s string, words []string) bool {
	if s == "" {
		return false
	}
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

func softWords() []string {
	return []string{
		"quota", "mailbox full", "mailbox is full", "mailbox exceeds", "over the limit", "storage", "insufficient", "inbox is full",
		"spam", "blacklist", "blocklist", "blocked", "policy", "reputation", "dmarc", "spf", "virus", "relaying", "relay access", "to relay", "relay denied", "not authorized", "on hold", "reverse dns", "ptr record",
		"too large", "size limit", "message size", "too many", "rate limit", "suspended", "disabled", "inactive", "authentication",
		"temporar", "try again later", "timed out", "timeout", "expired", "greylist", "deferred", "delayed",
		"sender rejected", "sender address", "preferences", "disk space",
	}
}

// doubtfulWords are what servers say about a recipient, and filters about what
// they do not like. They prove something beside a status, or in answer to the
// recipient.
func doubtfulWords() []string {
	return []string{"user unknown", "unknown user", "no such user", "user not exist", "user doesn't", "account that you tried to reach", "recipient not found", "invalid address"}
}

// foundWords are those of servers that looked for the recipient themselves.
func foundWords() []string {
	return []string{"address not found", "couldn't be found", "could not be found", "not listed in", "invalid final delivery userid", "not recognized", "no valid recipients", "unknown user: "}
}

// hostWords say that there is no such host, or none that takes mail.
func hostWords() []string {
	return []string{
		"host unknown", "host not found", "domain not found", "unknown host", "name or service not known", "couldn't find any host", "no mx", "null mx", "does not accept mail",
		"domain does not", "no such domain", "domain is not reachable", "srv record", "no such host",
	}
}

// refusalWords are what servers answer about a recipient. In words for people
// they may be a guess, and count only beside the address.
func refusalWords() []string {
	return []string{
		"no account by that name", "no such account", "unknown account", "account unknown", "does not have an account", "no mailbox found", "no mailbox by", "bad destination mailbox",
		"invalid user", "no user by", "not a user", "nobody by that name", "unable to find user", "user is unknown", "no longer here", "no longer employed", "not an active address",
		"finnes ikke", "finst ikkje", "findes ikke", "finns inte", "ei ole olemassa", "existiert nicht", "empfänger unbekannt", "unbekannter empfänger", "bestaat niet", // nb, nn, da, sv, fi, de, nl
		"n'existe pas", "destinataire inconnu", "utilisateur inconnu", "no existe", "usuario desconocido", "não existe", "usuário desconhecido", "non esiste", "utente sconosciuto", // fr, es, pt, it
		"nie istnieje", "neexistuje", "nem létezik", "не существует", "не найден", "存在しません", "存在しない", "見つかりません", "不存在", "존재하지", // pl, cs, hu, ru, ja, zh, ko
	}
}

func hardWords() []string {
	return []string{
		"user unknown", "unknown user", "no such user", "no such recipient", "no such mailbox", "no such address", "no such person", "does not exist", "doesn't exist", "not exist",
		"user not found", "unknown recipient", "recipient unknown", "recipient not found", "invalid recipient", "invalid mailbox", "mailbox not found", "mailbox unavailable",
		"no mailbox here", "unknown address", "address unknown", "unknown or illegal", "unrouteable", "unknown local", "not listed in", "not our customer", "no longer valid",
		"has moved", "user doesn't", "isn't a valid", "not a valid", "address rejected", "unknown mailbox", "mailbox does not", "account not found", "not a known user", "name not found", "recipnotfound", "unknown in", "not found",
		"couldn't be found", "could not be found", "not recognized", "delivery userid", "check if address is correct", "may not exist", "unknown\nrecipient",
	}
}

// isFailureText reports words, in lower case, that say a mail was not delivered.
func isFailureText(s string) bool {
	return has(s, []string{
		"undeliver", "not be delivered", "couldn't be delivered", "could not deliver", "failure notice", "delivery fail", "delivery status notification", "returned mail", "returned to sender",
		"mail delivery", "delivery report", "delivery has failed", "delivery to the following", "unable to deliver", "wasn't able to deliver", "not delivered", "non-delivery", "nondelivery", "delivery problem", "delivery error", "delivery delay", "message delayed", "mail system error", "user unknown", "following addresses", "bounce", "rejected", "no such user", "invalid user address",
		"ikke leveres", "ikke levert", "kunne ikke levere", "ikkje levert", "kan inte levereras", "inte levereras", "olevererbart", "kunne ikke leveres", "ei voitu toimittaa", "toimitus epäonnistui",
		"unzustellbar", "nicht zugestellt", "zustellung fehlgeschlagen", "onbestelbaar", "niet worden bezorgd", "non remis", "échec de la remise", "n'a pas pu être", "non distribu", "no se pudo entregar", "no se ha podido entregar", "no entregado", "mancato recapito", "impossibile recapitare", "não foi possível entregar", "não pôde ser entregue",
		"nie można dostarczyć", "niedostarczalne", "nedoručiteln", "nedoručiteľn", "kézbesíthetetlen", "не доставлено", "не может быть доставлено", "недоставлен", "не удалось доставить", "не було доставлено", "δεν ήταν δυνατή", "teslim edilemedi", "iletilemedi",
		"配信不能", "配信できません", "送信できません", "配信に失敗", "宛先", "届けることができません", "退信", "无法送达", "未能送达", "無法傳遞", "배달되지", "반송",
	})
}
