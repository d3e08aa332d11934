package rfc822

import (
	"strings"
)

// ids reads the identification fields (RFC 5322, section 3.6.4).
func (p *parser) ids(h header) {
	in := &p.in
	if ids := p.messageIDs(unfold(h.get("Message-ID")), 1, false); len(ids) > 0 {
		in.MessageID = ids[0]
	} else {
		p.report(DefectNoMessageID, "no Message-ID")
	}
	in.InReplyTo = p.messageIDs(unfold(h.get("In-Reply-To")), maxReferences, false)
	refs := p.messageIDs(unfold(h.get("References")), maxReferences, true)
	for _, id := range refs {
		if !contains(in.InReplyTo, id) {
			in.References = append(in.References, id)
		}
	}
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}

// messageIDs returns the distinct ids in v without angle brackets, at most n:
// with newest the first one and the last ones, which are what a thread hangs
// on, else the first ones. Without any bracket words with an @ count.
func (p *parser) messageIDs(v string, n int, newest bool) []string {
	if v == "" {
		return nil
	}
	var ids []string
	seen := map[string]bool{}
	add := func(id string) {
		id = cleanID(id)
		if len(id) > maxMessageID {
			p.limit(DefectReferenceLimit, "message id too long")
			return
		}
		if id != "" && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	bracketed := strings.IndexByte(v, '<') >= 0
	for rest := v; bracketed; {
		i := strings.IndexByte(rest, '<')
		if i < 0 {
			break
		}
		rest = rest[i+1:]
		j := strings.IndexAny(rest, "<>")
		if j < 0 {
			add(rest)
			break
		}
		add(rest[:j])
		rest = rest[j:]
	}
	if len(ids) == 0 {
		for _, w := range strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune(" \t,;<>\"()", r) }) {
			if strings.IndexByte(w, '@') > 0 || n == 1 && !strings.ContainsAny(v, " \t") {
				add(w)
			}
		}
	}
	if len(ids) > n {
		if newest {
			ids = append(ids[:1:1], ids[len(ids)-n+1:]...)
			p.limit(DefectReferenceLimit, "too many references")
		} else {
			ids = ids[:n:n]
		}
	}
	return ids
}

// cleanID drops blanks, which folding inside an id leaves, controls and
// brackets.
func cleanID(s string) string {
	s = cleanLine(s)
	if !strings.ContainsAny(s, " <>") {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '<' || r == '>' {
			return -1
		}
		return r
	}, s)
}

// listID returns the identifier of a List-Id (RFC 2919) without description.
func listID(v string) string {
	if i := strings.LastIndexByte(v, '<'); i >= 0 {
		v, _, _ = strings.Cut(v[i+1:], ">")
	}
	return cut(lowerASCII(strings.TrimSpace(v)), 255)
}
