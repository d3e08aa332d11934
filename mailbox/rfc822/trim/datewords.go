package trim

import "strings"

// monthOf returns the month that a word in lower case names in one of some
// thirty languages, in full, inflected or shortened, or 0.
func monthOf(word string) int {
	if len(word) < 2 {
		return 0
	}
	word = strings.TrimPrefix(word, "ב") // Hebrew's "in"
	for i, stems := range [...]string{
		"jan gen ene янв січ ιαν oca tammi sty styczn led lede ledn sausi jaan يناير ינואר",
		"feb fév fev févr fevr фев лют φεβ šub şub helmi lut luty lutego úno únor vasari veebr febr فبراير פברואר",
		"mar mär mrz maart mrt mars marz мар бер μαρ maal maalis bře břez kov kovo márc marec märts مارس מרץ",
		"apr abr avr апр квіт απρ nis huhti kwi kwiec dub dubn dube balandži ápr أبريل אפריל",
		"may maj mai mag maí mei май мая трав μαι μάι μαΐ toko kwě kvě květ gegužės geguž máj مايو מאי",
		"jun juin giu haz июн юни черв ιουν kesä cze czerw čvn červn červen biržel juuni jún يونيو יוני",
		"jul juil lug tem июл юли лип липн ιουλ heinä lip lipc lipi čvc červenc liep juuli júl يوليو יולי",
		"aug ago aoû aou авг серп αυγ elo sie sierp srp srpn srpen ağu agu agt ago rugpjū أغسطس אוגוסט",
		"sep set сен верес σεπ σεπτ eyl syys wrz zář rugsėj szept sept سبتمبر ספטמבר",
		"okt oct ott out окт жовт οκτ eki loka paź říj spali أكتوبر אוקטובר",
		"nov ноя ное листоп νοε kas marras lis listop lapkri نوفمبر נובמבר",
		"dec dez des dic déc дек груд δεκ ara joulu gru grudn pro pros gruodž dets ديسمبر דצמבר",
	} {
		for stem := range strings.FieldsSeq(stems) {
			// Stems of three letters and fewer are whole words in some languages
			// and the beginning of the name in others.
			if strings.HasPrefix(word, stem) && !falseMonth(word, stem) {
				return laterMonth(word, i+1)
			}
		}
	}
	return 0
}

// falseMonth reports words that only begin like a month.
func falseMonth(word, stem string) bool {
	switch stem {
	case "mar":
		return strings.HasPrefix(word, "mard") || strings.HasPrefix(word, "marte") || strings.HasPrefix(word, "marți") ||
			strings.HasPrefix(word, "marti") || strings.HasPrefix(word, "marras")
	case "lis", "lip", "led", "dub", "nis", "ara", "tem", "eki", "kas", "pro", "gru", "lut", "sie", "cze", "set", "out", "des", "haz",
		"oca", "ago", "kwi", "gen", "srp":
		return len(word) > len(stem) && !knownMonth(word)
	}
	return false
}

// knownMonth reports the long forms of short stems that words of other meaning
// begin with as well.
func knownMonth(word string) bool {
	for _, stem := range [...]string{"listop", "lipc", "lipi", "leden", "ledn", "dubn", "duben", "nisan", "aralık", "temmuz", "ekim",
		"kasım", "prosin", "grud", "luty", "lutego", "sierp", "czerw", "settem", "setem", "setiem", "outub", "desemb", "haziran",
		"ocak", "agost", "kwie", "genn", "gener", "srpn", "srpen", "desember", "descem", "desem", "setem"} {
		if strings.HasPrefix(word, stem) {
			return true
		}
	}
	return false
}

// laterMonth sets right the months of which the name begins with the name of
// the one before.
func laterMonth(word string, m int) int {
	if m == 6 && strings.HasPrefix(word, "červenc") {
		return 7
	}
	return m
}

// zoneHours returns the hours that a zone, in lower case, is ahead of UTC.
// Names that several zones share are left out, but for the most common ones.
func zoneHours(word string) (float64, bool) {
	switch word {
	case "utc", "gmt", "z", "wet":
		return 0, true
	case "cet", "mez", "bst", "west":
		return 1, true
	case "cest", "mesz", "eet", "oez", "sast":
		return 2, true
	case "eest", "oesz", "msk", "trt":
		return 3, true
	case "est", "cdt":
		return -5, true
	case "edt", "ast":
		return -4, true
	case "cst", "mdt":
		return -6, true
	case "mst", "pdt":
		return -7, true
	case "pst":
		return -8, true
	case "brt":
		return -3, true
	case "ist":
		return 5.5, true
	case "jst", "kst":
		return 9, true
	case "aest":
		return 10, true
	case "aedt":
		return 11, true
	}
	return 0, false
}
