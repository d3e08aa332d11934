package rfc822

import "strings"

// threading writes In-Reply-To and References.
func (w *mailWriter) threading(o *Outgoing) {
	w.check("InReplyTo", o.InReplyTo)
	for _, id := range o.References {
		w.check("References", id)
	}
	if writableID(o.InReplyTo) {
		w.line("In-Reply-To", "<"+o.InReplyTo+">")
	}
	if refs := trimReferences(o.References, o.InReplyTo); len(refs) > 0 {
		w.line("References", "<"+strings.Join(refs, "> <")+">")
	}
}

// trimReferences keeps the first id, which names the thread, and the newest
// ones, which every reader has (RFC 5322, section 3.6.4). Foreign ids that no
// header can carry are left out: they must not keep a reply from being sent.
func trimReferences(refs []string, parent string) []string {
	if parent != "" {
		refs = append(refs[:len(refs):len(refs)], parent)
	}
	var all []string
	seen := map[string]bool{}
	for i := len(refs) - 1; i >= 0; i-- { // newest first, each once
		if writableID(refs[i]) && !seen[refs[i]] {
			seen[refs[i]] = true
			all = append(all, refs[i])
		}
	}
	if len(all) == 0 {
		return nil
	}
	first := all[len(all)-1]
	total := len(first) + 3
	out := []string{}
	for _, id := range all[:len(all)-1] {
		if total += len(id) + 3; len(out)+1 >= maxRefsCount || total > maxRefsBytes && len(out) > 0 {
			break
		}
		out = append(out, id)
	}
	out = append(out, first)
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out
}

// writableID reports whether an id can stand in a header as it is.
func writableID(id string) bool {
	if id == "" || len(id) > 900 {
		return false
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] >= 127 || id[i] == '<' || id[i] == '>' {
			return false
		}
	}
	return true
}
