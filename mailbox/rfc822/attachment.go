package rfc822

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// partName returns the one effective name of a part: filename of
// Content-Disposition (RFC 2183), else name of Content-Type.
func (p *parser) partName(pt *part) string {
	if v := unfold(pt.header.get("Content-Disposition")); v != "" {
		_, ps := p.splitParams(v)
		if name := p.extended(ps, "filename"); name != "" {
			return name
		}
		if name := p.extended(ps, "name"); name != "" {
			return name
		}
	}
	return p.extended(pt.params, "name")
}

// madeUpName names a part that has no name: an attached mail after its
// subject, everything else after its type.
func (p *parser) madeUpName(pt *part, content []byte) string {
	if pt.typ == "message/rfc822" || pt.typ == "message/global" {
		if s := embeddedSubject(content, p.hint); s != "" {
			return cut(s, maxNameBytes-4) + ".eml"
		}
	}
	if name := locationName(unfold(pt.header.get("Content-Location"))); name != "" {
		return name
	}
	p.names++
	n := ""
	if p.names > 1 {
		n = "-" + strconv.Itoa(p.names)
	}
	switch pt.typ {
	case "message/rfc822", "message/global", "message/partial":
		return "message" + n + ".eml"
	case "message/delivery-status", "message/global-delivery-status":
		return "delivery-status" + n + ".txt"
	case "text/rfc822-headers":
		return "headers" + n + ".txt"
	case "text/calendar":
		return "invite" + n + ".ics"
	case "application/pgp-signature":
		return "signature" + n + ".asc"
	case "application/pkcs7-signature", "application/x-pkcs7-signature":
		return "smime" + n + ".p7s"
	}
	return "attachment" + n + extensionOf(contentType(content, pt.typ, ""))
}

// locationName returns the file name at the end of a Content-Location (RFC
// 2557), or empty where it does not end in one.
func locationName(v string) string {
	v, _, _ = strings.Cut(v, "?")
	if i := strings.LastIndexAny(v, `/\`); i >= 0 {
		v = v[i+1:]
	}
	if i := strings.LastIndexByte(v, '.'); i < 1 || len(v)-i > 6 || i == len(v)-1 {
		return ""
	}
	return string(percentDecode(v))
}

// embeddedSubject reads the subject of an attached mail and nothing else of
// it: what is inside is opened on demand, by Parse again.
func embeddedSubject(content []byte, hint string) string {
	q := &parser{buf: bytes.TrimLeft(content, "\r\n"), hint: hint}
	h, _ := q.scanHeader(0, maxPartHeader)
	return q.text(h.get("Subject"))
}

// reserved are the device names of Windows.
func reserved(stem string) bool {
	stem = strings.ToUpper(stem)
	switch stem {
	case "CON", "PRN", "AUX", "NUL", "CLOCK$", "CONIN$", "CONOUT$":
		return true
	}
	if len(stem) < 4 || stem[:3] != "COM" && stem[:3] != "LPT" {
		return false
	}
	switch stem[3:] {
	case "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "¹", "²", "³":
		return true
	}
	return false
}

// safeName makes a name that can be shown and saved under on any system: no
// path, no characters that are invisible or turn the direction, no device. It
// strips first and checks then, since what is stripped could hide what is
// checked.
func safeName(name string) string {
	name = strings.ToValidUTF8(name, "")
	name = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError || unicode.IsControl(r) || deceptive(r) || unicode.Is(unicode.Cf, r):
			return -1
		case unicode.IsSpace(r):
			return ' '
		case strings.ContainsRune(`<>:"|?*`, r):
			return '_'
		}
		return r
	}, name)
	for _, enc := range [...]string{"%2f", "%2F", "%5c", "%5C"} {
		name = strings.ReplaceAll(name, enc, "/")
	}
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.TrimLeft(strings.TrimRight(name, " ."), " ~")
	if strings.HasPrefix(name, ".") {
		name = "_" + name
	}
	if name == "" {
		return "attachment"
	}
	if stem, _, _ := strings.Cut(name, "."); reserved(strings.TrimSpace(stem)) {
		name = "_" + name
	}
	return shorten(name)
}

// shorten cuts a name in the middle, so that its extension stays what it was.
func shorten(name string) string {
	if len(name) <= maxNameBytes {
		return name
	}
	ext := ""
	if i := strings.LastIndexByte(name, '.'); i > 0 && len(name)-i <= 20 {
		ext = name[i:]
	}
	return strings.TrimRight(cut(name, maxNameBytes-len(ext)), " .") + ext
}

// servedTypes are the media types an attachment can have, with the extension
// that fits. What a browser would run, such as HTML, SVG and XML, is not among
// them.
var servedTypes = map[string]string{
	"image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "image/webp": ".webp", "image/bmp": ".bmp",
	"application/pdf": ".pdf", "application/zip": ".zip", "application/x-gzip": ".gz", "application/x-rar-compressed": ".rar",
	"audio/mpeg": ".mp3", "audio/wave": ".wav", "audio/aiff": ".aiff", "audio/basic": ".au", "audio/midi": ".mid",
	"application/ogg": ".ogg", "video/mp4": ".mp4", "video/webm": ".webm", "video/avi": ".avi",
	"text/plain": ".txt", "application/octet-stream": ".bin",
}

// refined maps a sniffed type to the declared types that may refine it.
var refined = map[string]map[string]string{
	"text/plain": {
		"text/csv": ".csv", "text/calendar": ".ics", "text/vcard": ".vcf", "text/x-vcard": ".vcf", "message/rfc822": ".eml",
		"message/delivery-status": ".txt", "message/disposition-notification": ".txt", "message/global": ".eml",
		"message/global-delivery-status": ".txt", "text/rfc822-headers": ".txt", "message/feedback-report": ".txt",
		"application/pgp-signature": ".asc", "application/pgp-encrypted": ".asc", "application/pgp-keys": ".asc",
	},
	"application/zip": {
		"application/vnd.openxmlformats-officedocument.wordprocessingml.document":   ".docx",
		"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":         ".xlsx",
		"application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
		"application/vnd.oasis.opendocument.text":                                   ".odt",
		"application/vnd.oasis.opendocument.spreadsheet":                            ".ods",
		"application/vnd.oasis.opendocument.presentation":                           ".odp",
	},
	"application/octet-stream": {
		"application/msword": ".doc", "application/vnd.ms-excel": ".xls", "application/vnd.ms-powerpoint": ".ppt",
		"application/ms-tnef": ".dat", "application/pkcs7-signature": ".p7s", "application/pkcs7-mime": ".p7m",
		"message/rfc822": ".eml",
	},
}

// contentType returns the type of an attachment from the closed table: by its
// bytes, refined by what was declared or by the extension only among types
// that are as harmless.
func contentType(content []byte, declared, name string) string {
	if len(content) == 0 {
		if _, ok := refined["text/plain"][declared]; ok {
			return declared
		}
		return "application/octet-stream"
	}
	head := content[:min(len(content), 512)]
	sniffed, _, _ := strings.Cut(http.DetectContentType(head), ";")
	if _, ok := servedTypes[sniffed]; !ok {
		sniffed = "application/octet-stream"
	}
	isMessage := strings.HasPrefix(declared, "message/")
	if sniffed == "text/plain" && !isMessage && activeText(head) {
		return "application/octet-stream"
	}
	table := refined[sniffed]
	if _, ok := table[declared]; ok {
		return declared
	}
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		ext := strings.ToLower(name[i:])
		for typ, e := range table {
			if e == ext && e != ".txt" && e != ".asc" && e != ".eml" && typ != "text/x-vcard" {
				return typ
			}
		}
		if sniffed == "text/plain" && activeExtension(ext) {
			return "application/octet-stream"
		}
	}
	return sniffed
}

// activeText finds markup that the sniffer takes for plain text.
func activeText(head []byte) bool {
	low := bytes.ToLower(head)
	for _, s := range [...]string{"<svg", "<html", "<script", "<?xml", "<!doctype", "<!entity", "<body", "<iframe", "<?php", "<math"} {
		if bytes.Contains(low, []byte(s)) {
			return true
		}
	}
	return false
}

func activeExtension(ext string) bool {
	switch ext {
	case ".html", ".htm", ".xhtml", ".shtml", ".mht", ".mhtml", ".svg", ".xml", ".xsl", ".js", ".mjs", ".css", ".php", ".hta", ".swf":
		return true
	}
	return false
}

func extensionOf(typ string) string {
	if ext, ok := servedTypes[typ]; ok {
		return ext
	}
	for _, table := range refined {
		if ext, ok := table[typ]; ok {
			return ext
		}
	}
	return ""
}
