package trim

// internTag returns a tag's name without an allocation for the common ones.
func internTag(b []byte) string {
	switch string(b) {
	case "div":
		return "div"
	case "p":
		return "p"
	case "br":
		return "br"
	case "span":
		return "span"
	case "a":
		return "a"
	case "b":
		return "b"
	case "td":
		return "td"
	case "tr":
		return "tr"
	case "table":
		return "table"
	case "tbody":
		return "tbody"
	case "font":
		return "font"
	case "o:p":
		return "o:p"
	case "img":
		return "img"
	case "li":
		return "li"
	case "blockquote":
		return "blockquote"
	}
	return string(b)
}

// rawTag reports elements whose content is not HTML.
func rawTag(tag string) bool {
	switch tag {
	case "script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes", "plaintext":
		return true
	}
	return false
}

func voidTag(tag string) bool {
	switch tag {
	case "area", "base", "basefont", "bgsound", "br", "col", "embed", "frame", "hr", "img", "input", "link", "meta",
		"param", "source", "track", "wbr", "image":
		return true
	}
	return false
}

func tableTag(tag string) bool {
	switch tag {
	case "table", "thead", "tbody", "tfoot", "tr", "td", "th":
		return true
	}
	return false
}

func blockTag(tag string) bool {
	switch tag {
	case "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "dir", "div", "dl", "dt",
		"fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr",
		"li", "main", "menu", "nav", "ol", "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th",
		"thead", "tr", "ul":
		return true
	}
	return false
}
