package trim

import (
	"slices"
	"strings"
	"unicode"
)

// headerBlock returns the line after the block of header lines that begins at
// line i, or i. Below a rule, a sender and one line more are enough; elsewhere
// a block must say when, and about what or from what address, because people
// write "From: Oslo, To: Bergen" as well, and show what their programs send.
func (c *cutter) headerBlock(i, to int, ruled bool) int {
	lines := c.tree.lines
	first, _ := headerLine(lines[i].text)
	if first == fieldNone || first == fieldOther {
		return i
	}
	var seen [fieldOther + 1]int
	end, foreign, address, digits, date, last := i, 0, false, false, "", fieldNone
	for j := i; j < to && j < i+16 && foreign < 3; j++ {
		f, value := headerLine(lines[j].text)
		if f == fieldNone {
			if seen[fieldFrom] > 0 && lines[j].gap && seen[fieldSubject]+seen[fieldDate] > 0 {
				break
			}
			if j == end && !lines[j].gap && (last == fieldTo || last == fieldCc) && isOpenList(lines[j-1].text) {
				end = j + 1
				continue
			}
			foreign++
			continue
		}
		if seen[f] > 0 && f != fieldOther && f != fieldCc {
			break
		}
		seen[f]++
		foreign, end, last = 0, j+1, f
		address = address || strings.IndexByte(value, '@') > 0
		if f == fieldDate {
			date = value
		}
		digits = digits || f == fieldDate && strings.ContainsFunc(value, unicode.IsDigit)
	}
	if seen[fieldFrom] == 0 {
		return i
	}
	other := min(seen[fieldTo], 1) + min(seen[fieldSubject], 1) + min(seen[fieldDate], 1)
	switch {
	case ruled && other > 0 && (digits || address || seen[fieldSubject] > 0):
		return end
	case other >= 2 && (seen[fieldDate] > 0 || c.datedAbove(i)) && (address || seen[fieldSubject] > 0 && hasClock(date)):
		return end
	case other == 1 && address && digits:
		return end
	}
	return i
}

// isOpenList reports a line of addresses that goes on below.
func isOpenList(line string) bool {
	line = strings.TrimRight(line, " ")
	return strings.HasSuffix(line, ",") || strings.HasSuffix(line, ";") || strings.LastIndexByte(line, '<') > strings.LastIndexByte(line, '>')
}

// hasClock reports a date that says the time of day, as those of clients do.
func hasClock(date string) bool {
	if len(date) > maxDate {
		return false
	}
	d := readDate(date)
	return d.clock
}

// datedAbove reports whether the line above says the date that a block of header
// lines lacks: "Message du 03/03/26 10:15".
func (c *cutter) datedAbove(i int) bool {
	return i > 0 && len(c.tree.lines[i-1].text) < 50 && dateLike(c.tree.lines[i-1].text+" ")
}

// isRuleLine reports a line drawn with characters.
func isRuleLine(line string) bool {
	return len(line) >= 5 && strings.Trim(line, "_-=*─—–") == ""
}

// isAttribution reports a line that says who wrote what follows, and when.
// Before a quote, a date or an address and a colon are enough.
func isAttribution(line string, quoted bool) bool {
	if len(line) < 8 || len(line) > 400 {
		return len(line) > 400 && len(line) < 4000 && introducesInline(line[:400])
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
		// People write "we met on 3 March and Ann wrote:" as well.
		return date && address || (date && opensAttribution(line) || address) && hasWroteVerb(line)
	case strings.HasPrefix(line, "--") && strings.HasSuffix(line, "--"):
		return date && hasWroteVerb(line)
	}
	return date && address && (introducesInline(line) || opensAttribution(line) && wroteLast(line))
}

// wroteLast reports a line that ends with an address in angle brackets and the
// word for wrote alone, as those of Zoho do.
func wroteLast(line string) bool {
	i := strings.LastIndexByte(line, '>') + 1
	verb := strings.TrimSpace(line[i:])
	return i > 0 && verb != "" && len(verb) < 20 && strings.IndexByte(verb, ' ') < 0 && hasWroteVerb(verb)
}

// introducesInline reports an attribution with the text it introduces on the
// same line, as the Android client of Yahoo has it.
func introducesInline(line string) bool {
	i := strings.IndexByte(line, '>')
	if i < 0 || !opensAttribution(line) {
		return false
	}
	j := strings.IndexByte(line[i:], ':')
	return j > 0 && j < 30 && hasWroteVerb(line[i:i+j])
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

// The word for "wrote" of many languages, in small letters.
var (
	wroteASCII = [...]string{"wrote", "writes", "skrev", "skreiv", "skriver", "schrieb", "geschrieben", "ecrit", "escribio", "escreveu",
		"scritto", "scrive", "schreef", "geschreven", "pisze", "kirjoitti", "napsal", "a scris", "napisao", "je napisal",
		"menulis", "kirjutas", "va escriure"}
	wroteOther = [...]string{"écrit", "escribió", "napisał", "написал", "пише", "писал", "написа", "napísal", "írta", "yazdı",
		"έγραψε", "写道", "寫道", "書きました", "작성", "님이 쓴", "đã viết", "เขียน", "rakstīja", "rašė", "כתב", "كتب"}
)

// hasWroteVerb looks for the word for "wrote" of many languages.
func hasWroteVerb(line string) bool {
	s := strings.ToLower(line)
	near := func(verb string) bool {
		i := strings.Index(s, verb)
		return i >= 0 && (len(s)-i-len(verb) < 60 || i < 60)
	}
	return slices.ContainsFunc(wroteASCII[:], near) || !isASCII(s) && slices.ContainsFunc(wroteOther[:], near)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
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
