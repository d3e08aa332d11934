package trim

import "strings"

// markKind is what a client's container says about its content.
type markKind uint8

const (
	markNone        markKind = iota
	markQuote                // a quote
	markIndent               // a quote if an attribution stands before it, else an indented text
	markReply                // an attribution and what it introduces, perhaps with answers in between
	markWhole                // a mail as a whole
	markForward              // a mail that is passed on
	markRest                 // from here on all is quoted
	markAttribution          // who wrote when
	markSignature
	markRuled // a rule stands above it
)

// mark is a container and the client that writes it.
type mark struct {
	kind markKind
	rule string
}

// markOf recognises the containers of mail clients by their tags and
// attributes, which are in lower case.
func markOf(tag string, a *htmlAttrs) mark {
	if !a.any {
		if tag == "blockquote" {
			return mark{markIndent, "blockquote"}
		}
		if tag == "includetail" {
			return mark{markWhole, "foxmail"}
		}
		return mark{}
	}
	if a.id != "" {
		if m := markOfID(a.id); m.kind != markNone {
			return m
		}
	}
	if a.class != "" {
		if m := markOfClass(tag, a.class); m.kind != markNone {
			return m
		}
	}
	switch a.name {
	case "quote", "quoted-content":
		return mark{markWhole, "gmx"}
	case "messagereplysection":
		return mark{markReply, "spark"}
	case "messagesignaturesection":
		return mark{markSignature, "spark"}
	}
	switch a.marker {
	case "__headers__", "__divider__":
		return mark{markRest, "zimbra"}
	case "__quoted_text__":
		return mark{markQuote, "zimbra"}
	}
	if tag == "blockquote" {
		return markOfBlockquote(a)
	}
	if strings.Contains(a.style, "border-top") && !strings.Contains(a.style, "border-left") {
		return mark{markRuled, "outlook"}
	}
	return mark{}
}

// markOfBlockquote tells what a client quotes, which it says or draws a line
// beside, from a text that its writer indented.
func markOfBlockquote(a *htmlAttrs) mark {
	s := a.style
	if a.kind == "cite" || a.cite != "" || strings.Contains(a.class, "quote") || strings.Contains(a.class, "cite") ||
		strings.Contains(s, "border-left") && !strings.Contains(s, "border-left:none") {
		return mark{markQuote, "blockquote"}
	}
	return mark{markIndent, "blockquote"}
}

// markOfID goes by an id, without the prefix that Outlook on the web puts
// before the ids of what it quotes.
func markOfID(id string) mark {
	for strings.HasPrefix(id, "x_") {
		id = id[2:]
	}
	switch id {
	case "divrplyfwdmsg", "stopspelling":
		return mark{markRest, "outlook"}
	case "appendonsend", "ms-outlook-mobile-body-separator-line":
		return mark{markRuled, "outlook"}
	case "olk_src_body_section", "mail-editor-reference-message-container":
		return mark{markWhole, "outlook"}
	case "ms-outlook-mobile-signature":
		return mark{markSignature, "outlook"}
	case "zwchr":
		return mark{markRest, "zimbra"}
	case "isreplycontent":
		return mark{markWhole, "netease"}
	case "isforwardcontent":
		return mark{markForward, "netease"}
	case "reply-intro":
		return mark{markAttribution, "roundcube"}
	case "composewebview_previouseemailcontainer":
		return mark{markWhole, "samsung"}
	case "composer_signature":
		return mark{markSignature, "samsung"}
	case "applemailsignature", "applemailsignaturedocument":
		return mark{markSignature, "apple"}
	case "mail-app-auto-quote":
		return mark{markQuote, "mailru"}
	case "mail-app-auto-default-signature":
		return mark{markSignature, "mailru"}
	case "signature", "signature_old":
		return mark{markSignature, "signature"}
	}
	switch {
	case strings.Contains(id, "yahoo_quoted"):
		return mark{markWhole, "yahoo"}
	case strings.HasPrefix(id, "protonmail_mobile_signature"), strings.HasPrefix(id, "protonmail_signature"):
		return mark{markSignature, "proton"}
	}
	return mark{}
}

// markOfClass goes by the names in a class attribute.
func markOfClass(tag, class string) mark {
	for name := range strings.FieldsSeq(class) {
		for strings.HasPrefix(name, "x_") {
			name = name[2:]
		}
		name = strings.TrimPrefix(name, "ecx") // Hotmail's
		if m := markOfName(tag, name); m.kind != markNone {
			return m
		}
	}
	return mark{}
}

func markOfName(tag, name string) mark {
	switch name {
	case "gmail_quote", "gmail_quote_container":
		if tag == "blockquote" {
			return mark{markQuote, "gmail"}
		}
		return mark{markReply, "gmail"}
	case "gmail_attr", "sh-quoted-attribution":
		return mark{markAttribution, "gmail"}
	case "gmail_signature":
		return mark{markSignature, "gmail"}
	case "applemailsignature":
		return mark{markSignature, "apple"}
	case "moz-cite-prefix":
		return mark{markAttribution, "thunderbird"}
	case "moz-forward-container":
		return mark{markForward, "thunderbird"}
	case "moz-signature":
		return mark{markSignature, "thunderbird"}
	case "ms-outlook-mobile-signature":
		return mark{markSignature, "outlook"}
	case "ms-outlook-mobile-reference-message":
		return mark{markWhole, "outlook"}
	case "protonmail_quote":
		return mark{markReply, "proton"}
	case "protonmail_signature_block":
		return mark{markSignature, "proton"}
	case "tutanota_quote":
		return mark{markQuote, "tuta"}
	case "zmail_extra":
		return mark{markReply, "zoho"}
	case "sh-signature":
		return mark{markSignature, "superhuman"}
	case "sh-quoted-content", "front-blockquote", "freshdesk_quote", "missive_quote", "alimail-quote", "cm_quote",
		"mail-quote-collapse":
		return mark{markQuote, "quote"}
	}
	if strings.HasSuffix(name, "yahoo_quoted") {
		return mark{markWhole, "yahoo"}
	}
	return mark{}
}
