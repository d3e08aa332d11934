package auth

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// LookAlike reports whether the domain of an address or domain reads like one
// of known without being it or of its organisation: letters that look the same
// (UTS 39), or a known domain in front of another one. A domain that is Latin to
// the eye and none to the DNS is a look-alike of whatever it was made to be, in
// a top-level domain that is not of its script.
func LookAlike(addr string, known []string) bool {
	domain := domainOf(addr)
	if domain == "" {
		return false
	}
	text := readable(domain)
	if disguised(text) {
		return true
	}
	org := Organisation(domain)
	shape := skeleton(readable(org))
	dotted := strings.ReplaceAll(text, "-", ".")
	for _, k := range known[:min(len(known), maxCompared)] {
		other := domainOf(k)
		if other == domain || other == "" {
			continue
		}
		mine := Organisation(other)
		if mine == org {
			continue
		}
		if shape == skeleton(readable(mine)) || strings.Contains("."+dotted, "."+strings.ReplaceAll(mine, "-", ".")+".") {
			return true
		}
	}
	return false
}

// disguised reports whether a label has only letters of one foreign script that
// are drawn like Latin ones, under a Latin top-level domain.
func disguised(domain string) bool {
	if isASCII(domain) {
		return false
	}
	labels := strings.Split(domain, ".")
	if scriptsOf(labels[len(labels)-1]) != latin {
		return false
	}
	for _, label := range labels[:len(labels)-1] {
		if s := scriptsOf(label); s != cyrillic && s != greek && s != armenian && s != cherokee {
			continue
		}
		if !strings.ContainsFunc(label, func(r rune) bool { return r >= 0x80 && letterIn(same, r) == 0 }) {
			return true
		}
	}
	return false
}

// skeleton is what a domain looks like at a glance: equal for domains that are
// taken for each other.
func skeleton(domain string) string {
	if !isASCII(domain) {
		var b strings.Builder
		for _, r := range norm.NFKD.String(strings.ToLower(domain)) {
			if unicode.Is(unicode.Mn, r) || r == 0x200C || r == 0x200D {
				continue
			}
			if l := letterIn(same, r); l != 0 {
				r = l
			} else if l := letterIn(similar, r); l != 0 {
				r = l
			}
			b.WriteRune(r)
		}
		domain = b.String()
	}
	return glance.Replace(domain)
}

// glance folds what ASCII itself offers. The order matters: pairs come before
// single letters.
var glance = strings.NewReplacer("rn", "m", "vv", "w", "cl", "d", "0", "o", "1", "l", "i", "l", "5", "s", "_", "-")

// Letters that do not fall apart in normalisation, each group behind the ASCII
// letter it is taken for (a choice from the confusables of UTS 39). Those of
// same are drawn alike in most fonts, those of similar are read alike.
const (
	same    = "aаα cсϲ dԁ eеҽ gց hһհ iіι jјϳ lӏ nո oоοօ pрρ qԛ sѕ uսυ vνѵ wԝѡ xхχ yуү"
	similar = "aɑ bьƅв dđ eєε fƒ gɡ hħнԋ iıɩ kкκ lł mм nпη oøөσ rг tтτŧ wωш yγ zᴢ"
)

// letterIn returns the ASCII letter that r stands behind in groups, or 0.
func letterIn(groups string, r rune) rune {
	if r < 0x80 {
		return 0
	}
	first := rune(0)
	for _, c := range groups {
		switch {
		case c < 0x80:
			first = c
		case c == r:
			return first
		}
	}
	return 0
}
