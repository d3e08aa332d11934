package rfc822

import "strings"

// declarations calls f with the lower-case property and value of each
// declaration of a style attribute. It knows no CSS beyond that: whatever
// needs more is dropped by f.
func declarations(style string, f func(prop, value string)) {
	for decl := range strings.SplitSeq(style, ";") {
		prop, value, ok := strings.Cut(decl, ":")
		if !ok {
			continue
		}
		value = strings.TrimSpace(strings.ToLower(value))
		value = strings.TrimSpace(strings.TrimSuffix(value, "!important"))
		f(strings.ToLower(strings.TrimSpace(prop)), value)
	}
}

// hiddenStyle reports whether a style hides its element.
func hiddenStyle(style string) bool {
	hidden := false
	declarations(style, func(prop, value string) {
		switch prop {
		case "display":
			hidden = hidden || value == "none"
		case "visibility":
			hidden = hidden || value == "hidden" || value == "collapse"
		case "opacity", "font-size", "max-height", "max-width":
			hidden = hidden || zeroLength(value) && (prop != "max-width")
		}
	})
	return hidden
}

// zeroLength reports 0, 0px, 0.0em and the like.
func zeroLength(v string) bool {
	n := strings.TrimRight(v, "abcdefghijklmnopqrstuvwxyz%")
	return n != "" && strings.Trim(n, "0.") == ""
}

// allowedProperty is the list of CSS properties that only shape text. Nothing
// that positions, overlays, animates or loads is on it.
func allowedProperty(prop string) bool {
	switch prop {
	case "color", "background-color", "background", "text-align", "text-decoration", "text-transform", "text-indent",
		"font", "font-family", "font-size", "font-style", "font-weight", "font-variant", "letter-spacing", "line-height",
		"margin", "margin-top", "margin-right", "margin-bottom", "margin-left",
		"padding", "padding-top", "padding-right", "padding-bottom", "padding-left",
		"border", "border-top", "border-right", "border-bottom", "border-left", "border-color", "border-style",
		"border-width", "border-collapse", "border-spacing", "border-radius",
		"width", "height", "max-width", "min-width", "vertical-align", "white-space", "word-break", "word-wrap",
		"overflow-wrap", "direction", "list-style-type", "display", "table-layout", "float", "clear":
		return true
	}
	return false
}

// safeStyle returns the declarations of style that are on the list, in one
// canonical form. remote counts values that would have loaded something.
func safeStyle(style string) (out string, remote int) {
	if len(style) > maxStyle {
		return "", 0
	}
	var b strings.Builder
	declarations(style, func(prop, value string) {
		if strings.Contains(value, "url(") {
			if strings.Contains(value, "//") {
				remote++
			}
			return
		}
		if !allowedProperty(prop) || !safeValue(prop, value) {
			return
		}
		if b.Len() > 0 {
			b.WriteString("; ")
		}
		b.WriteString(prop + ": " + value)
	})
	return b.String(), remote
}

// safeValue accepts words, numbers, colours and quoted font names, and of
// functions only colours. Negative and huge lengths are refused: they move
// things over others.
func safeValue(prop, v string) bool {
	if v == "" || len(v) > 200 {
		return false
	}
	digits := 0
	for i := range len(v) {
		c := v[i]
		switch {
		case c >= '0' && c <= '9':
			if digits++; digits > 4 && v[0] != '#' && !strings.Contains(v, "#") {
				return false
			}
			continue
		case c >= 'a' && c <= 'z', strings.IndexByte(" #%.,()/", c) >= 0:
		case c == '\'' || c == '"':
			if prop != "font-family" && prop != "font" {
				return false
			}
		case c == '-':
			if i+1 < len(v) && (v[i+1] >= '0' && v[i+1] <= '9' || v[i+1] == '.') {
				return false
			}
		default:
			return false
		}
		if c != '.' {
			digits = 0
		}
	}
	if prop == "display" && v != "block" && v != "inline" && v != "inline-block" && !strings.HasPrefix(v, "table") {
		return false
	}
	// Words that mean something to old readers only as functions; no value of an
	// allowed property has them otherwise.
	for _, word := range [...]string{"url", "expression", "position"} {
		if strings.Contains(v, word) {
			return false
		}
	}
	return safeFunctions(v)
}

func safeFunctions(v string) bool {
	for {
		i := strings.IndexByte(v, '(')
		if i < 0 {
			return true
		}
		j := i
		for j > 0 && v[j-1] >= 'a' && v[j-1] <= 'z' {
			j--
		}
		switch v[j:i] {
		case "rgb", "rgba", "hsl", "hsla":
		default:
			return false
		}
		v = v[i+1:]
	}
}
